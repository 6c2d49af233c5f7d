"""Bring together what a training needs, whichever way its model is fitted."""

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


def gather(
    prepared: Prepared,
    placement: Placement,
    reporter: Reporter,
    stop: StopRequest,
    run: Run | None = None,
) -> Ingredients | HeadIngredients:
    """Build the model, and decode the images or compute their features.

    Args:
        prepared: Recipe and split.
        placement: Of the device.
        reporter: Hears of the progress.
        stop: Asked on the way whether a signal came.
        run: The one that is gone on with.

    Raises:
        UserError: Weights, device or images cannot be used.
        Stopped: A signal came; features that were computed are kept.
    """
    start = prepared.start
    if prepared.recipe.solves_head:
        model = None
        if start is not None:
            with placement.strategy.scope():
                model = models.build(prepared.recipe, pretrained=False)
            begin_with(start, model)
        return solved_head.gather(prepared, placement, reporter, model)
    goes_on = f"Go on with: dlmath train --resume {run.folder}" if run else AGAIN
    gathered = ingredients.gather(prepared, placement, StopsOnSignal(reporter, stop, goes_on))
    if start is not None:
        begin_with(start, gathered.model)
    return gathered


AGAIN = "Nothing of the training had begun. Start it by the same command again."
