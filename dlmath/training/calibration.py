"""Calibrate a trained classifier on its validation part.

The scaling goes into the weights of the last layer, so that the Keras model, its light form and
every export are calibrated too.
"""

from typing import Any

import keras
import numpy as np

from dlmath.errors import DataError
from dlmath.linear_head.scaling import Scaling, cross_entropy, fit_scaling, unscaled
from dlmath.recipe import Recipe
from dlmath.reporting import Reporter
from dlmath.runs import Run


def calibrate(
    model: keras.Model, logits: np.ndarray, labels: np.ndarray, recipe: Recipe, reporter: Reporter
) -> tuple[Scaling, dict[str, Any] | None]:
    """Scale the logits of a model by the recipe's method, and return the scaling.

    Too few validation images give a warning and no error: the model stays as it is, and the
    manifest gives the reason.

    Args:
        model: The classifier, whose layer `logits` gets the scaling.
        logits: (N, K) of the validation images.
        labels: (N,) their class indices.
        recipe: The recipe, with its method of calibration.
        reporter: Receives the warning.

    Returns:
        The scaling, and the manifest's entry, which is None where the recipe wants none.
    """
    none = unscaled(len(recipe.classes))
    if recipe.calibration == "none":
        return none, None
    try:
        scaling = fit_scaling(logits, labels, recipe.calibration)
    except DataError as error:
        reporter.say(f"Warning: the model is not calibrated. {error}")
        return none, {"method": "none", "why": str(error)}
    layer = model.get_layer("logits")
    layer.set_weights(scaling.fold(*layer.get_weights()))
    record = {
        "method": scaling.method,
        "slope": scaling.slope,
        "temperature": 1 / scaling.slope if scaling.method == "temperature" else None,
        "offsets": dict(zip(recipe.classes, scaling.offsets, strict=True)),
        "chosen_on": "validation",
        "images": len(labels),
        "val_loss_before": cross_entropy(logits, labels),
        "val_loss_after": cross_entropy(scaling(logits), labels),
    }
    return scaling, record


def stored_scaling(run: Run) -> Scaling:
    """Return the scaling that the weights of a run's model contain."""
    classes = run.recipe.classes
    record: dict[str, Any] | None = run.manifest.get("calibration")
    if not record or record["method"] == "none":
        return unscaled(len(classes))
    offsets = tuple(float(record["offsets"][name]) for name in classes)
    return Scaling(record["method"], float(record["slope"]), offsets)
