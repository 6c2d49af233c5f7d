"""Own images on the command line: show what they seem to hold, and ask for what they do not say."""

import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dlmath.errors import RecipeError

# Options that several commands share.
PositiveOption = Annotated[
    str | None,
    typer.Option(
        "--positive",
        help="Of two classes the one looked for: every metric is about it.",
        metavar="CLASS",
    ),
]
PatientsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--patients",
        help="How to read the patient from a file's name, its first group; or the word none. May "
        "be repeated; guessed for own images unless given.",
        metavar="REGEX",
    ),
]

if TYPE_CHECKING:
    from rich.console import Console

    from dlmath.data.survey import Survey


def patient_rules(written: Sequence[str]) -> tuple[str, ...]:
    """Return the rules of `--patients REGEX`; the word none stands for no rules."""
    from dlmath.data.patients import rule_from

    if any(text.casefold() == "none" for text in written):
        if len(written) > 1:
            raise RecipeError(
                f"--patients none stands alone. Received: {', '.join(written)}. Leave one out."
            )
        return ()
    return tuple(rule_from(text) for text in written)


def show_survey(sources: Sequence[str], settings: Mapping[str, Any]) -> "Survey":
    """Print on stderr what own images seem to hold, and return it."""
    from rich.console import Console

    from dlmath.cli.progress import reporter
    from dlmath.data.survey import survey
    from dlmath.models.own_images import KNOWN_RULES

    with reporter() as report:
        seen = survey(sources, KNOWN_RULES, report.progress)
    console = Console(stderr=True, highlight=False)
    _show(console, seen, rules_given="patient_rules" in settings)
    return seen


def ask_what_is_missing(seen: "Survey", settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings with the answers to what own images cannot say.

    Questions are asked on a terminal alone. Elsewhere the guess at the patients is taken.

    Raises:
        RecipeError: The positive class is missing, or is not there: before TensorFlow is loaded.
    """
    from dlmath.models.own_images import with_found_classes
    from dlmath.recipe import Recipe

    answers = dict(settings)
    if sys.stdin.isatty() and sys.stderr.isatty():
        answers |= _asked(seen, settings)
    named = answers.get("positive_class", "")
    with_found_classes(Recipe(name="own", positive_class=named), seen.classes)
    return answers


def _show(console: "Console", seen: "Survey", *, rules_given: bool) -> None:
    from rich.table import Table
    from rich.text import Text

    total = sum(seen.images.values())
    table = Table("class", box=None)
    table.add_column("images", justify="right")
    table.add_column("share", justify="right")
    for name, number in seen.images.items():
        table.add_row(Text(name), f"{number:,}", f"{number / total:.0%}")
    console.print(table)
    if seen.parts:
        parts = ", ".join(f"{name} {number:,}" for name, number in seen.parts.items())
        console.print(f"Parts on disk: {parts}", markup=False)
    if seen.imbalance > 1.5:
        console.print(
            f"The largest class is {seen.imbalance:.1f} times the smallest; training weighs them "
            "alike."
        )
    if not rules_given:
        console.print(_patients(seen), markup=False, soft_wrap=True)


def _patients(seen: "Survey") -> str:
    if seen.guess:
        return f"Patients, guessed from the names: {seen.guess}"
    if seen.named:
        return f"Patients: the table names those of {seen.named:,} images"
    return (
        "Patients: the names do not say. Images of one patient may stand on both sides of the "
        "split, unless --patients REGEX says how to read them"
    )


def _asked(seen: "Survey", settings: Mapping[str, Any]) -> dict[str, Any]:
    """Ask for the positive class and for the patients, where neither was given."""
    answers: dict[str, Any] = {}
    if len(seen.classes) == 2 and not settings.get("positive_class"):
        answers["positive_class"] = _ask(
            f"Which class is the positive one, whose finding you look for? "
            f"({' or '.join(seen.classes)})"
        )
    if seen.guess and "patient_rules" not in settings:
        written = _ask(
            "Are these the patients? Press Enter for yes, type a regular expression, or none",
            default="yes",
        )
        if written.casefold() not in ("", "y", "yes"):
            answers["patient_rules"] = patient_rules([written])
    return answers


def _ask(question: str, default: str | None = None) -> str:
    # On stderr: stdout holds the run's path alone.
    answer: str = typer.prompt(question, default=default, show_default=False, err=True)
    return answer.strip()
