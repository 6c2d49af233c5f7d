"""`dlmath explain --why-patients`."""

from typing import TYPE_CHECKING

from dlmath.cli.output import OUT
from dlmath.names import next_to_numbers
from dlmath.number_text import interval_text

if TYPE_CHECKING:
    from pathlib import Path

    from dlmath.attribution import WhyPatients
    from dlmath.cli.tables import Table
    from dlmath.runs import Run


def print_patients(run: "Run", images: "list[Path]", top: int, *, as_json: bool) -> None:
    """Print the training patients on which each prediction leans."""
    from dlmath.attribution import why_patients
    from dlmath.cli.progress import reporter
    from dlmath.data.patient_reading import patients_known

    with reporter() as report:
        answers = why_patients(run, images, top, reporter=report)
    if as_json:
        OUT.document([a.as_json() for a in answers])
        return
    known = patients_known(run.recipe, run.manifest)
    for answer in answers:
        OUT.line(_headline(answer))
        OUT.show(_table(answer, "patient" if known else "image"))


def _headline(answer: "WhyPatients") -> str:
    """Say what is answered, how sure the head is of it, and whether the decision is settled."""
    lines = [
        f"{answer.file}: probability of {answer.about} {answer.probability:.3f}",
        f"95 % interval of that probability: {interval_text(answer.low, answer.high)}, for what "
        "the training patients leave open about the head, its features taken as given.",
    ]
    if answer.threshold is not None:
        where, do = ("outside", "settle") if answer.is_settled else ("within", "do not settle")
        lines.append(
            f"The threshold, {answer.threshold:.3f}, lies {where} it: the training patients {do} "
            "this decision."
        )
    lines += [f"Warning: {doubt}." for doubt in answer.doubts]
    return "\n".join(lines)


def _table(answer: "WhyPatients", unit: str) -> "Table":
    from dlmath.cli.tables import Column, Table

    table = Table(
        f"without {unit}",
        "its training images",
        Column("probability then", number=True),
        Column("change of log-odds", number=True),
    )
    for one in answer.patients:
        images = ", ".join(f"{count} {next_to_numbers(name)}" for name, count in one.images.items())
        table.add(one.patient, images, f"{one.without:.3f}", f"{one.change:+.3f}")
    return table
