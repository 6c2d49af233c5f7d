"""Bring together what a training needs, whichever way its model is fitted."""

import keras
import numpy as np

from dlmath import models
from dlmath.reporting import Reporter
from dlmath.runs import Run
from dlmath.training import ingredients, solved_head
from dlmath.training.devices import Placement
from dlmath.training.ingredients import Ingredients
from dlmath.training.lineage import begin_with
from dlmath.training.prepare import Prepared
from dlmath.training.signals import StopRequest, StopsOnSignal
from dlmath.training.solved_head import HeadIngredients


def build(prepared: Prepared, placement: Placement, reporter: Reporter) -> keras.Model:
    """Build the model, with the weights of the run that is gone on from, if there is one.

    Raises:
        DeviceError: A strategy for several devices, where the head is solved exactly.
        WeightsError: The pretrained weights cannot be had.
        RunError: The weights of the run that is gone on from do not fit.
    """
    recipe, start = prepared.recipe, prepared.start
    if recipe.solves_head:
        solved_head.refuse_several_devices(placement)
    reporter.say(f"Building {recipe.backbone} …")
    with placement.strategy.scope():
        if recipe.solves_head:
            model = models.build(recipe, pretrained=start is None)
        else:
            labels = ingredients.class_indices(prepared.split.train, recipe)
            prior = np.bincount(labels, minlength=len(recipe.classes)) / len(labels)
            model = models.build(recipe, class_prior=prior)
    if start is not None:
        begin_with(start, model)
    return model


def gather(
    prepared: Prepared,
    model: keras.Model,
    placement: Placement,
    reporter: Reporter,
    stop: StopRequest,
    run: Run | None = None,
) -> Ingredients | HeadIngredients:
    """Decode the images, or compute their features.

    Args:
        prepared: Recipe and split.
        model: As `build` returned it.
        placement: Of the device.
        reporter: Receives the progress.
        stop: Asked on the way whether a signal came.
        run: The one that is gone on with.

    Raises:
        UserError: Device or images cannot be used.
        Stopped: A signal came; features that were computed are kept.
    """
    if prepared.recipe.solves_head:
        return solved_head.gather(prepared, placement, reporter, model)
    goes_on = f"Go on with: dlmath train --resume {run.folder}" if run else AGAIN
    return ingredients.load(prepared, model, StopsOnSignal(reporter, stop, goes_on))


AGAIN = "Nothing of the training had begun. Start it by the same command again."
