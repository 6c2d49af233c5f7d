"""The data of a head that is solved exactly: the features of a frozen network, computed once.

A frozen backbone gives each image the same features in every epoch, so they are computed once and
kept in the cache.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import keras
import numpy as np

from dlmath.data.listing import counted
from dlmath.data.pipeline import weighted_labels
from dlmath.data.sources import ImageRecord
from dlmath.data.splits import Split
from dlmath.data.stressed import Corruption, stressed_rows
from dlmath.errors import DataError
from dlmath.features import Features, FrozenNetwork, View, freeze, load_features
from dlmath.features.extract import not_in_cache
from dlmath.recipe import Recipe
from dlmath.reporting import Reporter
from dlmath.training.devices import DeviceConfig
from dlmath.training.divergence import check_finite
from dlmath.training.preparation import Prepared
from dlmath.training.signals import StopRequest, StopsOnSignal
from dlmath.training.training_data import bad_file_warnings, class_indices, require_every_class


@dataclass(frozen=True)
class HeadFeatures:
    """The features of the training and validation images under a frozen network.

    Attributes:
        recipe: The recipe, with its classes.
        model: The classifier that gets the head.
        network: The frozen network below the head.
        train: A row for each training image.
        views: Rows of the same images, augmented; empty without augmented views.
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
        """The warnings about files that were skipped."""
        return bad_file_warnings([*self.train.bad, *self.validation.bad])


@dataclass(frozen=True)
class HeadData:
    """The data that the head is fitted to: the arguments of `dlmath.linear_head.fit_head`.

    Attributes:
        features: (N, D), those of the images first, then those of their views.
        targets: (N, K), rows summing to one.
        weights: (N,); an image and its views together weigh as much as one image without views.
        groups: (N,) patients.
    """

    features: np.ndarray
    targets: np.ndarray
    weights: np.ndarray
    groups: np.ndarray


def load_head_features(
    prepared: Prepared,
    model: keras.Model,
    device: DeviceConfig,
    reporter: Reporter,
    stop: StopRequest | None = None,
) -> HeadFeatures:
    """Compute the features that the cache does not have, and return all of them.

    Args:
        prepared: The recipe and the split.
        model: The classifier, whose network below the head is frozen.
        device: One device.
        reporter: Receives the progress.
        stop: The request to stop; None where no signal is watched.

    Raises:
        DataError: A file is bad and the recipe does not skip those, or a class has no image left.
        DivergedError: The features of an image are NaN or infinite.
        Stopped: A signal came; the features that were computed are kept.
    """
    recipe, split = prepared.recipe, prepared.split
    network = freeze_in(device, model)
    missing_head_features(split, network, recipe)
    heard = StopsOnSignal(
        reporter, stop or StopRequest(), "They are kept. Go on by the same command again."
    )

    def load(task: str, examples: Sequence[ImageRecord], view: View | None = None) -> Features:
        return _load(task, examples, network, recipe, heard, view)

    data = HeadFeatures(
        recipe,
        model,
        network,
        train=load("features of training images", split.train),
        views=tuple(
            load(f"features of view {view.number}", split.train, view)
            for view in augmented_views(recipe, split.train)
        ),
        validation=load("features of validation images", split.validation),
    )
    _say_what_was_computed(data, reporter)
    return data


def _load(
    task: str,
    examples: Sequence[ImageRecord],
    network: FrozenNetwork,
    recipe: Recipe,
    reporter: Reporter,
    view: View | None,
) -> Features:
    features = load_features(
        examples,
        network,
        view=view,
        on_bad_file=recipe.on_bad_file,
        progress=reporter.task(task),
    )
    require_every_class(features.examples, len(features.bad), recipe, task)
    check_finite(features, task, recipe)
    return features


def _say_what_was_computed(data: HeadFeatures, reporter: Reporter) -> None:
    loaded = [data.train, *data.views, data.validation]
    rows, computed = sum(len(one.array) for one in loaded), sum(one.computed for one in loaded)
    rate = f" at {loaded[0].rate:,.0f} images/s" if loaded[0].rate else ""
    reporter.say(f"{rows:,} features: {computed:,} computed{rate}, the others from the cache")


def freeze_in(device: DeviceConfig, model: keras.Model) -> FrozenNetwork:
    """Freeze the network below the head of a model, on its device."""
    with device.strategy.scope():
        return freeze(model, device.kind)


def missing_features(
    split: Split,
    network: FrozenNetwork,
    views: Sequence[View | None],
    corrupted: Mapping[Corruption, Sequence[ImageRecord]] | None = None,
) -> dict[View | Corruption | None, list[ImageRecord]]:
    """Return the images whose features the cache lacks, by view, and make room for them there.

    Validation images are listed with the images as they are, under None.

    Args:
        split: The training and validation images.
        network: The frozen network.
        views: The views of the training images; None stands for the images as they are.
        corrupted: Validation images that are computed corrupted too.

    Raises:
        DataError: The cache's disk has no room for them.
    """
    missing: dict[View | Corruption | None, list[ImageRecord]] = {
        view: not_in_cache(split.train, network, view) for view in views
    }
    missing[None] = missing.get(None, []) + not_in_cache(split.validation, network)
    for corruption, images in (corrupted or {}).items():
        missing[corruption] = not_in_cache(images, network, corruption)
    if count := sum(len(examples) for examples in missing.values()):
        network.store.make_room(count)
    return missing


def missing_head_features(
    split: Split, network: FrozenNetwork, recipe: Recipe
) -> dict[View | Corruption | None, list[ImageRecord]]:
    """Return the images whose features a solved head needs and the cache lacks, by view.

    Raises:
        DataError: The cache's disk has no room for them.
    """
    rows = stressed_rows(class_indices(split.validation, recipe), recipe)
    corrupted = {Corruption(recipe.seed): [split.validation[row] for row in rows]}
    return missing_features(split, network, head_views(recipe, split.train), corrupted)


def augmented_views(recipe: Recipe, train: tuple[ImageRecord, ...]) -> tuple[View, ...]:
    """Return the augmented views of each training image.

    Args:
        recipe: The recipe, with the number of views.
        train: The training images, which lend one another their borders.
    """
    return tuple(View(recipe, number, train) for number in range(1, recipe.augmented_views + 1))


def head_views(recipe: Recipe, train: tuple[ImageRecord, ...]) -> tuple[View | None, ...]:
    """Return the views that a head is solved on: the plain images, None, and the augmented ones."""
    return (None, *augmented_views(recipe, train))


def check_enough_patients(examples: Sequence[ImageRecord], recipe: Recipe) -> None:
    """Refuse images of too few patients to choose the penalty by cross-validation.

    Raises:
        DataError: A class has images of fewer than two patients.
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


def head_data(data: HeadFeatures) -> HeadData:
    """Return what the head is fitted to: training images and their views, never validation."""
    recipe, train = data.recipe, data.train
    one_hot = np.eye(len(recipe.classes))[class_indices(train.examples, recipe)]
    targets, weights = weighted_labels(one_hot, recipe)
    copies = 1 + len(data.views)
    return HeadData(
        np.concatenate([train.array, *(view.array for view in data.views)]),
        np.tile(targets, (copies, 1)),
        np.tile(weights, copies) / copies,
        np.tile(patients_of(train.examples), copies),
    )


def patients_of(examples: Sequence[ImageRecord]) -> np.ndarray:
    """Return the patient of each image; without patients, each image stands for itself."""
    return np.array([example.patient or example.file for example in examples])
