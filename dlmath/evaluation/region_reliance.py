"""Region reliance: what a model scores without the region, without the border, with another border.

A model that looks at the region that its label is about falls to an AUC of 0.5 once the region is
masked, and keeps its AUC once the border is masked or another's. Masked images are no films any
more, so a fall there may be the mask's own doing; composites look like films.
"""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import numpy as np

from dlmath.data.stressed import border_masked, composites, region_masked, stressed_rows
from dlmath.errors import DataError
from dlmath.evaluation.details import Evaluated
from dlmath.evaluation.intervals import Sample, measure_metrics
from dlmath.recipe import Recipe
from dlmath.runs import Run
from dlmath.seeds import generator
from dlmath.stats.bootstrap import Estimate

Predict = Callable[[np.ndarray], np.ndarray]  # images uint8 (M, S, S, 3) to probabilities (M, K)


def check_region(run: Run) -> None:
    """Refuse a run whose recipe names no region.

    Raises:
        DataError: It names none.
    """
    recipe = run.recipe
    if recipe.region is None:
        raise DataError(
            f"The recipe of {run.name} names no region whose reliance could be measured. Received: "
            f"region_width={recipe.region_width}, region_height={recipe.region_height}. Leave "
            "--region out, or train with --set region_width=0.7 --set region_height=0.7"
        )


def measure_region_reliance(
    evaluated: Evaluated, recipe: Recipe, predict: Predict
) -> dict[str, Any] | None:
    """Return the AUC of the images as they are, masked, and with their borders swapped.

    Args:
        evaluated: The images with what was predicted for them as they are.
        recipe: Its region, and the seed of the composites and of the bootstrap.
        predict: The classifier's probabilities.

    Returns:
        The document's `region_reliance`: the region (width, height), the number of images, at most
        `dlmath.data.stressed.MOST_IMAGES`, and an AUC with its interval for each of `as_they_are`,
        `region_masked`, `border_masked` and `borders_swapped`. None for images of one class.
    """
    sample = evaluated.sample
    if len(np.unique(sample.truth)) < 2:
        return None
    rows = stressed_rows(sample.truth, recipe)
    images, truth = evaluated.pixels.array[rows], sample.truth[rows]
    swapped, order = composites(images, truth, recipe)

    def auc(probabilities: np.ndarray, chosen: np.ndarray) -> dict[str, float | None]:
        clusters = np.unique(sample.clusters[chosen], return_inverse=True)[1]
        part = Sample(sample.rule, sample.truth[chosen], probabilities, clusters)
        found = measure_metrics(part, generator("bootstrap", evaluated.seed)).metrics["auc"]
        return asdict(Estimate(found.value, found.low, found.high))

    return {
        "region": list(recipe.region or ()),
        "n": len(rows),
        "as_they_are": auc(sample.probabilities[rows], rows),
        "region_masked": auc(predict(region_masked(images, recipe)), rows),
        "border_masked": auc(predict(border_masked(images, recipe)), rows),
        "borders_swapped": auc(predict(swapped), rows[order]),
    }
