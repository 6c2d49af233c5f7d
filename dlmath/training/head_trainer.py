"""Solve for the head exactly: a convex problem on the features of a frozen network.

The problem is multinomial logistic regression, whose optimum `dlmath.linear_head` finds. The
strength of its L2 is chosen by cross-validation over the patients of the training part, so that the
validation part stays unseen and the threshold that is chosen on it is honest.
"""

import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, ClassVar

import keras
import numpy as np
from scipy.special import softmax

from dlmath import models
from dlmath.blas_threads import single_threaded
from dlmath.data import images
from dlmath.data.sources import ImageRecord
from dlmath.data.splits import Split
from dlmath.data.stressed import Corruption, stressed_rows
from dlmath.drift.pictures import describe_files
from dlmath.errors import DeviceError, UserError
from dlmath.evaluation.metric_table import label_of
from dlmath.features import load_features
from dlmath.inference.ood_fit import fit_ood_score
from dlmath.inference.ood_score import OodScore
from dlmath.inference.probabilities import trace
from dlmath.linear_head import HeadFit, Iteration, Mixing, fit_head
from dlmath.linear_head.regularization_path import CLEARLY_WORSE
from dlmath.linear_head.scaling import Scaling
from dlmath.reporting import SILENT, Reporter
from dlmath.runs import Run, write_csv
from dlmath.training import validation
from dlmath.training.context import TrainingContext
from dlmath.training.devices import DeviceConfig
from dlmath.training.distances import ReferenceFeatures
from dlmath.training.head_features import (
    HeadFeatures,
    check_enough_patients,
    head_data,
    load_head_features,
)
from dlmath.training.preparation import Prepared
from dlmath.training.training_data import class_indices


class HeadTrainer:
    """Trainer that solves for the head exactly; see `dlmath.training.trainer.Trainer`.

    Args:
        prepared: The recipe and the split.
        device: One device.

    Attributes:
        model: The classifier, there after `build`.
        data: The features, there after `load`.
    """

    FITTED: ClassVar[str] = "after the head was solved; its features are kept"
    WEIGHT_COPIES: ClassVar[int] = 2  # .keras and light form

    model: keras.Model
    data: HeadFeatures
    _ood_score: Future[OodScore | None]
    _pictures: Future[np.ndarray]

    def __init__(self, prepared: Prepared, device: DeviceConfig):
        self.prepared = prepared
        self.recipe = prepared.recipe
        self.device = device
        self.head: HeadFit | None = None

    @staticmethod
    def check_options(*, checkpoint_every: str | None, tensorboard: bool) -> None:
        """Refuse what only a training by steps makes use of.

        Raises:
            UserError: Event files or checkpoints are wanted.
        """
        if tensorboard:
            raise UserError(
                "A head that is solved exactly has no epochs to show in TensorBoard. Leave "
                "--tensorboard out, or add --set head_solver=sgd"
            )
        if checkpoint_every is not None:
            raise UserError(
                "A head that is solved exactly has no checkpoints: interrupted, it is solved again "
                "from the features that are kept. Leave --checkpoint-every out, or add --set "
                "head_solver=sgd"
            )

    def require_data(self, split: Split) -> None:
        """Refuse too few patients to choose the penalty by, where the recipe does not give it."""
        if not self.recipe.l2:
            check_enough_patients(split.train, self.recipe)

    def build(self, reporter: Reporter) -> None:
        """Build the model, its network pretrained or that of the run that is continued."""
        self._check_one_device()
        warm_start = self.prepared.warm_start
        reporter.say(f"Building {self.recipe.backbone} …")
        with self.device.strategy.scope():
            self.model = models.build(self.recipe, pretrained=warm_start is None)
        if warm_start is not None:
            warm_start.load_into(self.model)

    def _check_one_device(self) -> None:
        if self.device.name != "one":
            raise DeviceError(
                "A head that is solved exactly takes one device. Received: strategy="
                f"{self.device.name!r}. Leave --strategy out, or add --set head_solver=sgd"
            )

    def load(self, context: TrainingContext) -> list[str]:
        """Compute the features that the cache does not have."""
        self.data = load_head_features(
            self.prepared, self.model, self.device, context.reporter, context.stop
        )
        return self.data.warnings

    @single_threaded  # here too, for the thread that it starts
    def fit(self, run: Run, context: TrainingContext) -> None:
        """Solve for the head, and write the iterations as the run's history.

        What does not depend on the head is computed meanwhile: the solver keeps one core busy.
        """
        began = time.perf_counter()
        with ThreadPoolExecutor(1, thread_name_prefix="references") as executor:
            self._begin_references(executor)
            try:
                self.head = head = solve_head(
                    self.data, context.interruptible(), self.recipe.l2 or None
                )
            except BaseException:
                executor.shutdown(wait=False, cancel_futures=True)
                raise
            seconds = time.perf_counter() - began
        chosen = f", the best of {len(head.path)} by cross-validation" if head.path else ""
        context.reporter.say(f"Solved for the head in {seconds:.1f} s: l2 {head.l2:.2g}{chosen}")
        if not head.converged:
            context.reporter.say(
                f"Warning: the head stopped short of its optimum, at a gradient of "
                f"{head.optimality:.0e}. The manifest says so too."
            )
        self.model.get_layer("logits").set_weights([head.kernel, head.bias])
        _write_history(run, head)

    def _begin_references(self, executor: ThreadPoolExecutor) -> None:
        """Begin what new images are compared with, and the trace of the model on its own checks."""
        train, size = self.data.train, self.recipe.image_size
        labels = class_indices(train.examples, self.recipe)
        self._ood_score = executor.submit(fit_ood_score, train.array, labels)
        self._pictures = executor.submit(describe_files, self.validation, size, SILENT)
        executor.submit(trace, self.model)

    def has_model(self) -> bool:
        """Return whether the head was solved for."""
        return self.head is not None

    def best_logits(self) -> np.ndarray:
        """Return the logits (N, K) that the head gives the validation images."""
        return self._solved().logits(self.data.validation.array)

    def probabilities(self, logits: np.ndarray, scaling: Scaling) -> np.ndarray:
        """Return the calibrated probabilities (N, K) in float64, from the logits."""
        return np.asarray(softmax(scaling(logits), axis=1))

    def stressed_probabilities(self) -> None:
        """None: a solved head chooses on plain images."""
        return

    def record(self, probabilities: np.ndarray, reporter: Reporter) -> dict[str, Any]:
        """Return the head's penalty and optimality, its validation metrics, and the images/s."""
        labels = class_indices(self.validation, self.recipe)
        metrics = validation.measure(probabilities, labels, self.recipe)
        metrics["corrupted_auc"] = self._corrupted_auc(labels, reporter)
        reporter.say("  ".join(f"{label_of(name)} {value:.4f}" for name, value in metrics.items()))
        rate = self.data.train.rate
        return {
            "head": _description(self._solved()),
            "best": metrics,
            "images_per_second": rate and round(rate, 2),
        }

    def _corrupted_auc(self, labels: np.ndarray, reporter: Reporter) -> float:
        """Return the AUC on corrupted validation images, whose features are kept in the cache."""
        rows = stressed_rows(labels, self.recipe)
        features = load_features(
            [self.validation[row] for row in rows],
            self.data.network,
            view=Corruption(self.recipe.seed),
            progress=reporter.task("features of corrupted validation images"),
        )
        found = softmax(self._solved().logits(features.array), axis=1)
        return validation.auc(found, labels[rows], self.recipe)

    @property
    def validation(self) -> Sequence[ImageRecord]:
        """The N validation images that could be read."""
        return self.data.validation.examples

    def sample_images(self, count: int) -> np.ndarray:
        """Read the first validation images (M, S, S, 3) in 0..255."""
        size = self.recipe.image_size
        return np.stack([images.read(e.path, e.file, size) for e in self.validation[:count]])

    @property
    def network_content(self) -> bytes | None:
        """The LiteRT file of the frozen network, where LiteRT computed the features."""
        return self.data.network.content

    def reference_features(
        self, run: Run, probabilities: np.ndarray, reporter: Reporter, *, is_light: bool
    ) -> ReferenceFeatures:
        """Return the score of the features that the head was solved on, and those of validation."""
        features = self.data.validation.array
        fitted_to = len(self.data.train.array)
        return ReferenceFeatures(self._ood_score.result(), fitted_to, features, probabilities)

    def picture_means(self, reporter: Reporter) -> np.ndarray:
        """Return the numbers that describe the validation pictures, (N, P)."""
        return self._pictures.result()

    def _solved(self) -> HeadFit:
        assert self.head is not None, "`fit` comes first"
        return self.head


def solve_head(data: HeadFeatures, reporter: Reporter, l2: float | None) -> HeadFit:
    """Solve for the head; without `l2`, choose it by cross-validation.

    Args:
        data: The features of the images.
        reporter: Receives the progress.
        l2: The strength of the penalty, above 0.
    """
    recipe, rows = data.recipe, head_data(data)
    alpha, seed = recipe.feature_mixup, recipe.seed
    progress = _SolverProgress(reporter, chooses=l2 is None)
    head = fit_head(
        rows.features,
        rows.targets,
        rows.weights,
        rows.groups,
        l2=l2,
        mixing=Mixing(alpha, seed=seed) if alpha else None,
        seed=seed,
        progress=progress,
    )
    progress.end()
    return head


class _SolverProgress:
    """Reports each penalty: how many there will be is known only at the end.

    The total is that of the penalties begun and one more, so that the time said to remain does not
    grow with penalties that are never tried.
    """

    TASK = "steps of solving for the head"

    def __init__(self, reporter: Reporter, *, chooses: bool):
        self.reporter = reporter
        # All rows and the folds at each penalty, at least one after the clearly worse, and the end.
        self.expected = 2 * (CLEARLY_WORSE + 1) + 1 if chooses else 1
        self.seen: set[tuple[str, float]] = set()

    def __call__(self, step: Iteration) -> None:
        self.seen.add((step.stage, step.l2))
        begun = len(self.seen)
        if step.stage == "final":
            self.expected = begun
        elif begun > self.expected - 3:
            self.expected = begun + 3
        note = f"l2 {step.l2:.1e}  gradient {step.gradient_norm:.0e}"
        self.reporter.progress(self.TASK, begun - 1, self.expected, note)

    def end(self) -> None:
        """Report that the head is solved."""
        self.reporter.progress(self.TASK, self.expected, self.expected)


def _write_history(run: Run, head: HeadFit) -> None:
    rows = [
        {
            "stage": step.stage,
            "l2": step.l2,
            "iteration": step.iteration,
            "objective": step.objective,
            "gradient": step.gradient_norm,
        }
        for step in head.iterations
    ]
    write_csv(run.history_path, rows[0], rows)


def _description(head: HeadFit) -> dict[str, Any]:
    return {
        "solver": "exact",
        "l2": head.l2,
        "optimality": head.optimality,
        "converged": head.converged,
        "cross_validation": [
            {"l2": point.l2, "loss": point.cv_loss, "standard_error": point.cv_standard_error}
            for point in head.path
        ],
    }
