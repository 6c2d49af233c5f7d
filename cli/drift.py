"""`dlmath drift`."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from dlmath.chatter import without_chatter
from dlmath.cli.options import FinishedRun, Json
from dlmath.cli.output import OUT
from dlmath.cli.recipe_options import ColumnsOption, PatientsOption, named_columns, patient_rules
from dlmath.errors import CheckFailedError
from dlmath.number_text import SENTENCE, estimate_cells, estimate_text
from dlmath.runs import Run

if TYPE_CHECKING:
    from dlmath.cli.tables import Table
    from dlmath.drift import Drift
    from dlmath.drift.two_sample import TwoSampleResult

_FIGURES = 3  # of the pictures that are named


def drift(
    run: FinishedRun = None,
    data: Annotated[
        list[str] | None,
        typer.Option(
            help="Compare these images, which need no classes, not those that a server answered: "
            "a folder, a file, a zip or a CSV. May be repeated.",
            metavar="PATH",
        ),
    ] = None,
    patients: PatientsOption = None,
    columns: ColumnsOption = None,
    alpha: Annotated[float, typer.Option(help="Rate of false alarms of the whole test.")] = 0.01,
    as_json: Json = False,
) -> None:
    """Test whether new images are like those of the training.

    Compares what the run's server kept, or the images of --data, with the run's validation images.
    Exits with 4 if they differ.

    Example: dlmath drift runs/pneumonia-20260101T120000Z --data this_month
    """
    found = Run.find(run)
    from dlmath.cli.progress import reporter
    from dlmath.drift import drift as measure
    from dlmath.inference.runtimes import load_classifier

    with without_chatter():
        classifier = load_classifier(found)
    with reporter() as report:
        result = measure(
            found,
            data or None,
            patient_rules=patient_rules(patients),
            columns=named_columns(columns),
            alpha=alpha,
            classifier=classifier,
            reporter=report,
        )
    if as_json:
        OUT.document(result.as_json())
    else:
        _show(result)
    if result.comparison.drifted:
        raise CheckFailedError(f"Drift: {result.verdict}")


def _show(result: "Drift") -> None:
    """Print the verdict and what it rests on."""
    OUT.line(_headline(result))
    OUT.show(_differences(result))
    pictures = _pictures(result.comparison)
    if pictures:
        OUT.line(pictures)
    prevalence = result.comparison.prevalence
    if prevalence is not None:
        share = estimate_text(
            prevalence.value, prevalence.low, prevalence.high, form=".2f", style=SENTENCE
        )
        OUT.line(
            f"Share of the positive class by the scores: {share}, {prevalence.reference:.2f} in "
            f"the reference. That it is all that changed: p = {prevalence.p:.4f}."
        )
    if result.farthest:
        OUT.line("The images that differ most:")
        OUT.show(_farthest(result.farthest))
    for warning in result.warnings:
        OUT.line(f"Note: {warning}")
    if result.comparison.drifted:
        OUT.line(
            "Look at some of the images. Once they are sorted into classes, train again with them:"
        )
        OUT.line(f"    {result.retrain}")
    else:
        OUT.line(result.verdict)


def _headline(result: "Drift") -> str:
    found, served = result.comparison, result.served
    images = f"{found.images:,} images"
    if found.patients is not None:
        images += f" of {found.patients:,} patients"
    if served is not None and served.first and served.last:
        images += f" served from {served.first:%Y-%m-%d %H:%M} to {served.last:%Y-%m-%d %H:%M} UTC"
    reference = f"{found.reference_images:,} validation images"
    if result.reference_patients is not None:
        reference += f" of {result.reference_patients:,} patients"
    return (
        f"{result.run.name}: {images}, against {reference}.\n"
        f"If nothing has changed, this test says so in all but {found.alpha:.1%} of cases."
    )


def _differences(result: "Drift") -> "Table":
    from dlmath.cli.tables import Column, Table
    from dlmath.drift.discrepancy import TITLES

    headings = ("difference", "95 % interval", "p (Holm)")
    numbers = [Column(heading, number=True) for heading in headings]
    table = Table("compared", *numbers, "verdict", lined=True)
    for one in result.comparison.differences:
        metrics = estimate_cells(one.value, one.low, one.high, missing="-")
        verdict = "differs" if one.adjusted <= result.comparison.alpha else "as expected"
        table.add(TITLES[one.name], *metrics, f"{one.adjusted:.4f}", verdict)
    return table


def _pictures(found: "TwoSampleResult") -> str:
    """Return in which metrics the pictures differ most, where they differ at all."""
    if not any(one.name == "pictures" and one.adjusted <= found.alpha for one in found.differences):
        return ""
    from dlmath.drift.pictures import NAMES

    lines = [
        f"    {NAMES[one.name]}: {one.new:.3f}, {one.reference:.3f} in the reference"
        + ("" if one.difference is None else f" ({one.difference:+.2f} SD)")
        for one in found.pictures[:_FIGURES]
    ]
    return "\n".join(["Of the pictures themselves differ most:", *lines])


def _farthest(images: tuple[dict[str, Any], ...]) -> "Table":
    from dlmath.cli.tables import Column, Table

    score_column = Column("OOD score", number=True)
    file_column = Column("file", whole=True)  # a name is to be copied
    table = Table(file_column, score_column, "out of distribution", "class", lined=True)
    for one in images:
        score = "-" if one["ood_score"] is None else f"{one['ood_score']:,.0f}"
        outside = {True: "yes", False: "no", None: "-"}[one["out_of_distribution"]]
        table.add(one["file"], score, outside, one["class"])
    return table
