"""A run whose head was solved, with the data that its head was fitted to."""

from dataclasses import dataclass

import numpy as np

from dlmath import models
from dlmath.errors import RunError
from dlmath.features import FrozenNetwork
from dlmath.linear_head import HeadFit
from dlmath.linear_head.scaling import Scaling
from dlmath.models.own_images import train_command
from dlmath.reporting import Reporter
from dlmath.runs import Run
from dlmath.training.calibration import stored_scaling
from dlmath.training.devices import choose_device
from dlmath.training.head_features import HeadData, HeadFeatures, head_data, load_head_features
from dlmath.training.head_trainer import solve_head
from dlmath.training.preparation import prepare_again
from dlmath.training.signals import stop_request

# Of the head's largest entry: the features of one image agree to 1e-5 between two runtimes.
TOLERANCE = 1e-2


@dataclass(frozen=True)
class SolvedRun:
    """All that convexity needs to say what another training set would have given.

    Attributes:
        fit: The head, solved again.
        data: What it was fitted to.
        features: The features by part, with their images.
        scaling: What calibration made of the head's logits in the run's model.
    """

    fit: HeadFit
    data: HeadData
    features: HeadFeatures
    scaling: Scaling

    @property
    def network(self) -> FrozenNetwork:
        """The network below the head."""
        return self.features.network


def load_solved_run(run: Run, purpose: str, reporter: Reporter) -> SolvedRun:
    """Read a run's features from the cache, or compute them, and solve for its head again.

    Args:
        run: Finished.
        purpose: What needs the run, for an error.
        reporter: Receives the progress.

    Raises:
        RunError: Its head was trained by steps, or mixed, or comes out otherwise now.
        DataError: Its images are gone or changed.
    """
    recipe = run.recipe
    if not recipe.solves_head or recipe.feature_mixup:
        raise RunError(
            f"{purpose} needs a head that was solved exactly, without Mixup of features: only "
            "there is it known what other patients would have given. Received: "
            f"tune={recipe.tune!r}, head_solver={recipe.head_solver!r}, "
            f"feature_mixup={recipe.feature_mixup:g} in {run.folder}. Train one with: "
            f"{train_command(run, '--tune', 'head')}"
        )
    model = models.load(run)
    prepared = prepare_again(run, None, reporter)
    with stop_request() as stop:
        features = load_head_features(prepared, model, choose_device("cpu"), reporter, stop)
    fit = solve_head(features, reporter, run.manifest["head"]["l2"])
    kernel = model.get_layer("logits").get_weights()[0]
    scaling = stored_scaling(run)
    difference = np.abs(kernel - scaling.slope * fit.kernel).max()
    if not difference <= TOLERANCE * np.abs(kernel).max():  # NaN is beyond every bound
        raise RunError(
            f"The head of {run.folder} is not the one that its images and its recipe give: the "
            "model or the data were changed since. Train again."
        )
    return SolvedRun(fit, head_data(features), features, scaling)
