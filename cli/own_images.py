"""Own images on the command line: show what they seem to hold, and ask for what they do not say."""

import sys
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from dlmath.cli.output import ERR
from dlmath.cli.questions import ask, choose
from dlmath.cli.recipe_options import patient_rules
from dlmath.data.listing import counted
from dlmath.errors import RecipeError

if TYPE_CHECKING:
    from dlmath.data.patient_reading import PatientReading
    from dlmath.data.summary import SourceSummary


def show_summary(sources: Sequence[str], settings: Mapping[str, Any]) -> "SourceSummary":
    """Print on stderr what own images seem to hold, and return it."""
    from dlmath.cli.progress import reporter
    from dlmath.data.summary import summarise_sources
    from dlmath.recipe.table_columns import column_names

    with reporter() as report:
        seen = summarise_sources(
            sources,
            settings.get("patient_rules"),
            column_names(settings.get("columns", ())),
            report,
        )
    _show(seen)
    return seen


def ask_what_is_missing(
    seen: "SourceSummary", settings: Mapping[str, Any], sources: Sequence[str]
) -> dict[str, Any]:
    """Return the settings with the answers to what own images cannot say.

    Questions are asked only on a terminal. Elsewhere the guess at the patients is taken.

    Args:
        seen: What the sources hold.
        settings: Those that are given.
        sources: On whose names a rule of the patients that is typed is tried.

    Raises:
        RecipeError: The positive class is missing, or is not there: before TensorFlow is loaded.
    """
    from dlmath.models.own_images import with_found_classes
    from dlmath.recipe import Recipe

    answers = dict(settings)
    if sys.stdin.isatty() and sys.stderr.isatty():
        answers |= _asked(seen, settings, sources)
    named = answers.get("positive_class", "")
    with_found_classes(Recipe(name="own", positive_class=named), seen.classes)
    return answers


def _show(seen: "SourceSummary") -> None:
    from dlmath.cli.tables import Column, Table

    total = sum(seen.images.values())
    table = Table("class", Column("images", number=True), Column("share", number=True))
    for name, number in seen.images.items():
        table.add(name, f"{number:,}", f"{number / total:.0%}")
    ERR.show(table)
    if seen.parts:
        parts = ", ".join(f"{name} {number:,}" for name, number in seen.parts.items())
        ERR.line(f"Parts on disk: {parts}")
    if seen.imbalance > 1.5:
        ERR.line(
            f"The largest class is {seen.imbalance:.1f} times the smallest; training weighs them "
            "alike."
        )
    for line in (patients_line(seen.patients), *seen.patients.doubts):
        ERR.line(line)


def patients_line(patients: "PatientReading") -> str:
    """Return how many patients there are, and how that was found, in one line."""
    if patients.guess and patients.named == 0:
        return f"Patients, guessed from the names: {patients.guess}"
    if patients.count is not None:
        how = {
            "named": "as the data name them",
            "given": "as the rules read the names",
            "guessed": f"{patients.named:,} images named by the data, the others guessed",
        }[patients.origin]
        return f"Patients: {patients.count:,}, {how}"
    if patients.named:
        return f"Patients: the data name those of {counted(patients.named, 'image')} only"
    if patients.origin == "none":
        return "Patients: none are read; images of one may be on both sides of the split"
    return (
        "Patients: the names do not say. Images of one patient may be on both sides of the split, "
        "unless --patients REGEX says how to read them"
    )


def _asked(
    seen: "SourceSummary", settings: Mapping[str, Any], sources: Sequence[str]
) -> dict[str, Any]:
    """Ask for the positive class and for the patients, where neither was given."""
    answers: dict[str, Any] = {}
    if len(seen.classes) == 2 and not settings.get("positive_class"):
        answers["positive_class"] = choose(
            "Which class is the positive one, whose finding you look for?",
            seen.classes,
            instead="--positive CLASS",
        )
    if seen.patients.guess and "patient_rules" not in settings:
        ERR.line("Are these the patients?")
        written = ask(
            "Press Enter for yes, or type none, or a regular expression that finds the patient:",
            partial(_patients_typed, sources),
            on_nothing="",
            instead="--patients REGEX, or --patients none",
        )
        if written is not None:
            answers["patient_rules"] = written
    return answers


def _patients_typed(sources: Sequence[str], answer: str) -> tuple[str, ...] | None:
    """Return the rules that an answer means: None for yes, which keeps the guess.

    Raises:
        UserError: It is no regular expression, or does not read every name.
    """
    from dlmath.data.summary import summarise_sources

    if answer.casefold() in ("", "y", "yes"):
        return None
    if answer.casefold() in ("n", "no"):
        raise RecipeError(
            "Type none if each image is a patient of its own, or a regular expression such as "
            r"^(\d+)_ that finds the patient in a file's name."
        )
    rules = patient_rules([answer])
    ERR.line(patients_line(summarise_sources(sources, rules).patients))
    return rules
