"""Fit the head alone, exactly: features once, then a convex problem.

A frozen backbone gives each image the same features in every epoch, so they are computed once and
kept. What is left is multinomial logistic regression, whose optimum `dlmath.linear_head` finds. The
strength of its L2 is chosen by cross-validation over the patients of the training part, so that the
validation part stays unseen and the threshold that is chosen on it is honest.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from scipy.special import softmax

from dlmath import models
from dlmath.data.listing import counted
from dlmath.data.pipeline import weighted_labels
from dlmath.data.pixels import read_image
from dlmath.data.sources import ImageRecord
from dlmath.data.splits import Split
from dlmath.drift.pictures import describe_files
from dlmath.drift.reference import write_reference
from dlmath.errors import DataError, DeviceError
from dlmath.features import Features, FrozenNetwork, View, freeze, load_features
from dlmath.features.extract import not_in_cache
from dlmath.features.store import FeatureStore
from dlmath.linear_head import HeadFit, Iteration, Mixing, fit_head
from dlmath.recipe import Recipe
from dlmath.reporting import Reporter
from dlmath.runs import Run, write_csv
from dlmath.training import validation
from dlmath.training.calibrate import calibrate
from dlmath.training.devices import Placement
from dlmath.training.distances import write_distance
from dlmath.training.divergence import refuse_not_finite
from dlmath.training.ingredients import bad_file_warnings, class_indices, require_every_class
from dlmath.training.model_files import write_light, write_model
from dlmath.training.prepare import Prepared
from dlmath.training.signals import StopRequest, StopsOnSignal, stop_request

COMPARED_IMAGES = 16  # on which the light form of the model must answer like Keras


@dataclass(frozen=True)
class HeadIngredients:
    """A recipe's model, its head unfitted, and the features of the training and validation images.

    Attributes:
        recipe: With its classes.
        model: Gets the head.
        network: What lies below the head, frozen.
        train: A row for each training image.
        views: Rows of the same images, augmented; empty without.
        validation: A row for each validation image.
    """

    recipe: Recipe
    model: keras.Model
    network: FrozenNetwork
    train: Features
    views: tuple[Features, ...]
    validation: Features

    @property
    def warnings(self) -> list[str]:
        """What is to be said of files that were skipped."""
        return bad_file_warnings([*self.train.bad, *self.validation.bad])


@dataclass(frozen=True)
class HeadData:
    """What the head is fitted to: the arguments of `dlmath.linear_head.fit_head`.

    Attributes:
        features: (N, D), the images' first and then their views'.
        targets: (N, K), rows summing to one.
        weights: (N,); an image and its views together weigh what the image alone would.
        groups: (N,) patients.
    """

    features: np.ndarray
    targets: np.ndarray
    weights: np.ndarray
    groups: np.ndarray


def gather(
    prepared: Prepared,
    placement: Placement,
    reporter: Reporter,
    model: keras.Model | None = None,
) -> HeadIngredients:
    """Build the model and compute the features that the cache does not have.

    Args:
        prepared: Recipe and split.
        placement: One device.
        reporter: Receives the progress.
        model: That of a run, where there is one already.

    Raises:
        DeviceError: A strategy for several devices.
        WeightsError: The pretrained weights cannot be had.
        DataError: A file is bad and the recipe does not skip those, or a class has no image left.
        DivergedError: The features of an image are no numbers.
        Stopped: A signal came; what was computed is kept.
    """
    recipe, split = prepared.recipe, prepared.split
    if model is None:
        refuse_several_devices(placement)
        reporter.say(f"Building {recipe.backbone} …")
        with placement.strategy.scope():
            model = models.build(recipe)
    network = freeze_in(placement, model)
    missing_features(split, network, recipe)
    with stop_request() as stop:

        def load(task: str, examples: Sequence[ImageRecord], view: View | None = None) -> Features:
            return _load(task, examples, network, recipe, stop, reporter, view)

        ingredients = HeadIngredients(
            recipe,
            model,
            network,
            train=load("features of training images", split.train),
            views=tuple(
                load(f"features of view {number}", split.train, View(recipe, number))
                for number in range(1, recipe.augmented_views + 1)
            ),
            validation=load("features of validation images", split.validation),
        )
    _say_what_was_computed(ingredients, reporter)
    return ingredients


def refuse_several_devices(placement: Placement) -> None:
    """Refuse a strategy for several devices.

    Raises:
        DeviceError: It is one.
    """
    if placement.name != "one":
        raise DeviceError(
            "A head that is solved exactly takes one device. Received: strategy="
            f"{placement.name!r}. Leave --strategy out, or add --set head_solver=sgd"
        )


def refuse_few_patients(examples: Sequence[ImageRecord], recipe: Recipe) -> None:
    """Refuse images of too few patients to choose the penalty by cross-validation.

    Raises:
        DataError: A class has images of fewer than two.
    """
    unit = "patient" if any(example.patient for example in examples) else "image"
    patients: dict[str, set[str]] = {name: set() for name in recipe.classes}
    for example, patient in zip(examples, patients_of(examples), strict=True):
        patients[example.label].add(str(patient))
    fewest = min(patients, key=lambda name: len(patients[name]))
    if len(patients[fewest]) < 2:
        raise DataError(
            f"Choosing the penalty by cross-validation needs at least two {unit}s of every class "
            f"in the training part. Received: {counted(len(patients[fewest]), unit)} of the class "
            f"{fewest!r}. Add images{' of further patients' if unit == 'patient' else ''}, or "
            "give the penalty: --set l2=0.01"
        )


def freeze_in(placement: Placement, model: keras.Model) -> FrozenNetwork:
    """Freeze what lies below the head of a model, where it is placed."""
    with placement.strategy.scope():
        return freeze(model, placement.kind)


def missing_features(
    split: Split, network: FrozenNetwork, recipe: Recipe
) -> dict[View | None, list[ImageRecord]]:
    """Return the images whose features the cache lacks, by view, and make room for them there.

    Those of validation, which has no views, are with the images as they are.

    Raises:
        DataError: The cache's disk has no room for them.
    """
    views = [None, *(View(recipe, number) for number in range(1, recipe.augmented_views + 1))]
    missing = {view: not_in_cache(split.train, network, view) for view in views}
    missing[None] += not_in_cache(split.validation, network)
    if count := sum(len(examples) for examples in missing.values()):
        FeatureStore(network.folder, network.feature_count).make_room(count)
    return missing


def _load(
    task: str,
    examples: Sequence[ImageRecord],
    network: FrozenNetwork,
    recipe: Recipe,
    stop: StopRequest,
    reporter: Reporter,
    view: View | None,
) -> Features:
    heard = StopsOnSignal(reporter, stop, "They are kept. Go on by the same command again.")
    features = load_features(
        examples,
        network,
        view=view,
        on_bad_file=recipe.on_bad_file,
        progress=heard.task(task),
    )
    require_every_class(features.examples, len(features.bad), recipe, task)
    refuse_not_finite(features, task, recipe)
    return features


def _say_what_was_computed(ingredients: HeadIngredients, reporter: Reporter) -> None:
    loaded = [ingredients.train, *ingredients.views, ingredients.validation]
    rows, computed = sum(len(one.array) for one in loaded), sum(one.computed for one in loaded)
    rate = f" at {loaded[0].rate:,.0f} images/s" if loaded[0].rate else ""
    reporter.say(f"{rows:,} features: {computed:,} computed{rate}, the others from the cache")


def solve(run: Run, ingredients: HeadIngredients, reporter: Reporter) -> dict[str, Any]:
    """Fit the head, write the run's model and history, and return what the manifest says.

    Raises:
        Stopped: A signal came while solving; the features are kept.
    """
    recipe = ingredients.recipe
    with stop_request() as stop:
        goes_on = f"Go on with: dlmath train --resume {run.folder}"
        head = fit(ingredients, StopsOnSignal(reporter, stop, goes_on), recipe.l2 or None)
    if not head.converged:
        reporter.say(
            f"Warning: the head stopped short of its optimum, at a gradient of "
            f"{head.optimality:.0e}. The manifest says so too."
        )
    ingredients.model.get_layer("logits").set_weights([head.kernel, head.bias])
    _write_history(run, head)
    features = ingredients.validation
    labels = class_indices(features.examples, recipe)
    logits = head.logits(features.array)
    scaling, calibration = calibrate(ingredients.model, logits, labels, recipe, reporter)
    probabilities = softmax(scaling(logits), axis=1)
    figures = validation.measure(probabilities, labels, recipe)
    reporter.say("  ".join(f"{name} {value:.4f}" for name, value in figures.items()))
    write_model(run, ingredients.model)
    compared = [
        read_image(example.path, example.file, recipe.image_size)
        for example in features.examples[:COMPARED_IMAGES]
    ]
    patients = [example.patient for example in features.examples]
    pictures = describe_files(features.examples, recipe.image_size, reporter)
    return {
        "head": _description(head),
        "best": figures,
        "calibration": calibration,
        **validation.decisions(probabilities, labels, patients, recipe, reporter),
        "images_per_second": ingredients.train.rate and round(ingredients.train.rate, 2),
        "light": write_light(
            run, ingredients.model, np.stack(compared), ingredients.network.content
        ),
        "distance": write_distance(
            run,
            ingredients.train.array,
            class_indices(ingredients.train.examples, recipe),
            features.array,
            recipe.usual_share,
        ),
        "drift": write_reference(run, features.array, probabilities, labels, patients, pictures),
    }


def head_data(ingredients: HeadIngredients) -> HeadData:
    """Return what the head is fitted to: training images and their views, never validation."""
    recipe, train = ingredients.recipe, ingredients.train
    one_hot = np.eye(len(recipe.classes))[class_indices(train.examples, recipe)]
    targets, weights = weighted_labels(one_hot, recipe)
    copies = 1 + len(ingredients.views)
    return HeadData(
        np.concatenate([train.array, *(view.array for view in ingredients.views)]),
        np.tile(targets, (copies, 1)),
        np.tile(weights, copies) / copies,
        np.tile(patients_of(train.examples), copies),
    )


def fit(ingredients: HeadIngredients, reporter: Reporter, l2: float | None) -> HeadFit:
    """Solve for the head; without `l2`, choose it by cross-validation."""
    recipe, data = ingredients.recipe, head_data(ingredients)
    alpha, seed = recipe.feature_mixup, recipe.seed
    return fit_head(
        data.features,
        data.targets,
        data.weights,
        data.groups,
        l2=l2,
        mixing=Mixing(alpha, seed=seed) if alpha else None,
        seed=seed,
        progress=_SolverProgress(reporter),
    )


class _SolverProgress:
    """Tells the reporter of each penalty: how many there will be shows only at the end."""

    def __init__(self, reporter: Reporter):
        self.reporter = reporter
        self.expected = 2 * 11 + 1  # the path, its folds, and the final fit
        self.seen: set[tuple[str, float]] = set()

    def __call__(self, step: Iteration) -> None:
        self.seen.add((step.stage, step.l2))
        is_last = step.stage == "final"
        done = self.expected if is_last else min(len(self.seen), self.expected - 1)
        note = f"l2 {step.l2:.1e}  gradient {step.gradient_norm:.0e}"
        self.reporter.progress("steps of solving for the head", done, self.expected, note)


def patients_of(examples: Sequence[ImageRecord]) -> np.ndarray:
    """Return the patient of each image; without patients, each image stands for itself."""
    return np.array([example.patient or example.file for example in examples])


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
