"""The decision rule of a run, as its recipe and its manifest keep it."""

from typing import Any

from dlmath.errors import RunError
from dlmath.inference.decision_rule import Abstention, Threshold
from dlmath.runs import Run
from dlmath.terminal_text import quoted


def stored_decision(run: Run) -> dict[str, Any]:
    """Return the fields of `DecisionRule` as the run's recipe and manifest give them.

    Raises:
        RunError: The run is not finished, its files are damaged, or its recipe names other classes
            than the model was trained on.
    """
    recipe = run.recipe
    _check_unedited(run)
    return {
        "classes": recipe.classes,
        "image_size": recipe.image_size,
        "positive_class": _positive_class(run) if recipe.is_binary else None,
        "threshold": _threshold(run) if recipe.is_binary else None,
        "abstention": _abstention(run),
    }


def _check_unedited(run: Run) -> None:
    """Refuse a recipe that was edited after training: answers would bear wrong names."""
    for name, given in (
        ("classes", list(run.recipe.classes)),
        ("positive_class", run.recipe.positive_class),
    ):
        trained = run.manifest.get(name)
        if trained and given and given != trained:
            raise RunError(
                f"{run.recipe_path} was edited after the training. Received: {name} = {given}, "
                f"and the model was trained with {trained}. Put that back, or train again."
            )


def _positive_class(run: Run) -> str:
    if not run.recipe.positive_class:
        raise RunError(
            f"{run.recipe_path} does not name the positive class. Add a line such as: "
            f"positive_class = {run.recipe.classes[-1]!r}"
        )
    return run.recipe.positive_class


def _threshold(run: Run) -> Threshold:
    stored: dict[str, Any] | None = run.manifest.get("threshold")
    if not stored:
        raise RunError(
            f"{run.folder} has no threshold, since its training did not come to the end. "
            f"Go on with it: dlmath train --resume {quoted(run.folder)}"
        )
    return Threshold(float(stored["value"]), str(stored["chosen_on"]))


def _abstention(run: Run) -> Abstention:
    """Return the limits in the manifest; older runs have none."""
    confidence = (run.manifest.get("abstention") or {}).get("confidence")
    limit = ood_record(run).get("limit")
    return Abstention(
        None if confidence is None else float(confidence),
        None if limit is None else float(limit),
    )


def ood_record(run: Run) -> dict[str, Any]:
    """Return the manifest's entry on the out-of-distribution score; empty where none was fitted."""
    manifest = run.manifest
    record: dict[str, Any] | None = manifest.get("ood_score", manifest.get("distance"))
    return record or {}  # runs from before the name was changed have `distance`
