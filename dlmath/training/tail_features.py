"""The data of a tail that is trained on cached activations of the frozen layers below it.

The trunk gives each image and view the same activations in every epoch, so they are computed once,
as float16 or with 8 bits, and kept in the cache, from which each batch is read by mapped files.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from dlmath.data.listing import counted
from dlmath.data.placing import size_text
from dlmath.data.sources import ImageRecord
from dlmath.data.splits import Split
from dlmath.data.stressed import Corruption
from dlmath.errors import DataError
from dlmath.features import FrozenNetwork, StoredFeatures, View, freeze_network, store_features
from dlmath.features import store as feature_store
from dlmath.features.row_formats import HALF, EightBits, RowFormat
from dlmath.features.store import StoredRows
from dlmath.models.tail_model import Parts
from dlmath.recipe import Recipe
from dlmath.reporting import Reporter
from dlmath.training.devices import DeviceConfig
from dlmath.training.divergence import check_finite
from dlmath.training.head_features import augmented_views, missing_features
from dlmath.training.preparation import Prepared
from dlmath.training.signals import StopRequest, StopsOnSignal
from dlmath.training.training_data import class_indices, require_every_class


@dataclass(frozen=True)
class TailFeatures:
    """The activations of the training and validation images at the cut.

    Attributes:
        network: The frozen trunk.
        views: Activations of the training images, for each augmented view; of the plain images
            where the recipe has no views.
        labels: (N,) class indices of the training images.
        validation: Activations of the plain validation images.
    """

    network: FrozenNetwork
    views: tuple[StoredFeatures, ...]
    labels: np.ndarray
    validation: StoredFeatures

    @property
    def training(self) -> Sequence[ImageRecord]:
        """The N training images that could be read."""
        return self.views[0].examples


@dataclass(frozen=True, eq=False)
class EpochRows:
    """The activations of the training images in one epoch: of image i the view (epoch + i) mod V.

    Attributes:
        views: V arrays of N rows each.
        epoch: Counted from 0.
    """

    views: tuple[StoredRows, ...]
    epoch: int

    @property
    def dtype(self) -> np.dtype:
        """The type of the numbers."""
        return self.views[0].dtype

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape, N first."""
        return self.views[0].shape

    def __len__(self) -> int:
        return len(self.views[0])

    def __getitem__(self, rows: np.ndarray) -> np.ndarray:
        """Return the rows (n,) of the epoch, (n, *row_shape)."""
        places = np.arange(len(self))[rows]
        found = np.empty((len(places), *self.shape[1:]), self.dtype)
        turns = (self.epoch + places) % len(self.views)
        for number, view in enumerate(self.views):
            found[turns == number] = view[places[turns == number]]
        return found


def freeze_trunk(parts: Parts, device: DeviceConfig, recipe: Recipe) -> FrozenNetwork:
    """Freeze the trunk of a classifier, whose activations are kept as the recipe says."""
    with device.strategy.scope():
        network = freeze_network(parts.trunk, device.kind)
    return replace(network, row_format=row_format(parts, recipe))


def row_format(parts: Parts, recipe: Recipe) -> RowFormat:
    """Return how the cache keeps activations; docs/speed.md says by how much logits differ."""
    if recipe.kept_activations == "float16":
        return HALF
    _, *places, channels = parts.tail.input_shape
    return EightBits(channels if places else 1)  # of a row of numbers, one scale for all


def tail_views(recipe: Recipe, train: tuple[ImageRecord, ...]) -> tuple[View | None, ...]:
    """Return the views in which a tail sees the training images; None stands for plain images."""
    return augmented_views(recipe, train) or (None,)


def load_tail_features(
    prepared: Prepared, network: FrozenNetwork, reporter: Reporter, stop: StopRequest
) -> TailFeatures:
    """Compute the activations that the cache does not have, and return all of them.

    Args:
        prepared: The recipe and the split.
        network: The frozen trunk.
        reporter: Receives the size and the progress.
        stop: The request to stop.

    Raises:
        DataError: A file is bad and the recipe does not skip those, a class has no image left, or
            the cache has no room.
        DivergedError: The activations of an image are NaN, infinite, or beyond float16.
        Stopped: A signal came; the activations that were computed are kept.
    """
    recipe, split = prepared.recipe, prepared.split
    missing_activations(split, network, recipe, reporter)
    heard = StopsOnSignal(reporter, stop, "They are kept. Go on by the same command again.")

    def load(task: str, examples: Sequence[ImageRecord], view: View | None) -> StoredFeatures:
        found = store_features(
            examples,
            network,
            view=view,
            on_bad_file=recipe.on_bad_file,
            progress=heard.task(task),
        )
        require_every_class(found.examples, len(found.bad), recipe, task)
        check_finite(found, task, recipe)
        return found

    views = tuple(
        load(
            f"activations of {f'view {view.number}' if view else 'training images'}",
            split.train,
            view,
        )
        for view in tail_views(recipe, split.train)
    )
    data = TailFeatures(
        network,
        views,
        class_indices(views[0].examples, recipe),
        load("activations of validation images", split.validation, None),
    )
    loaded = [*views, data.validation]
    rows, computed = sum(len(one.array) for one in loaded), sum(one.computed for one in loaded)
    rate = f" at {loaded[0].rate:,.0f} images/s" if loaded[0].rate else ""
    reporter.say(f"{rows:,} activations: {computed:,} computed{rate}, the others from the cache")
    return data


def missing_activations(
    split: Split, network: FrozenNetwork, recipe: Recipe, reporter: Reporter
) -> dict[View | Corruption | None, list[ImageRecord]]:
    """Return the images whose activations the cache lacks, by view, and make room for them there.

    Args:
        split: The training and validation images.
        network: The frozen trunk.
        recipe: The recipe, with its views.
        reporter: Receives the size of all activations.

    Raises:
        DataError: They are larger than the cache may be, or its disk has no room for them.
    """
    views, row = tail_views(recipe, split.train), network.store.row_bytes
    said = "" if views == (None,) else f"{counted(len(views), 'view')} of "
    size = row * (len(views) * len(split.train) + len(split.validation))
    what = f"{said}{len(split.train):,} training images and {len(split.validation):,} others"
    reporter.say(f"{what}: {size / 2**20:,.0f} MiB in the cache")
    if size > feature_store.LIMIT:
        raise DataError(
            f"The activations of {what} are larger than the cache may be. Received: "
            f"{size_text(size)}, of at most {size_text(feature_store.LIMIT)}. "
            f"Take less room: {_advice(recipe)}."
        )
    try:
        return missing_features(split, network, views)
    except DataError as error:
        raise DataError(f"{error} Or take less room: {_advice(recipe)}.") from error


def _advice(recipe: Recipe) -> str:
    ways = []
    if recipe.kept_activations == "float16":
        ways.append("keep 8 bits of each number: --set kept_activations=uint8")
    if recipe.augmented_views > 1:
        ways.append(f"fewer views: --set augmented_views={recipe.augmented_views // 2}")
    ways.append("a smaller --image-size, or --tune all, which keeps none")
    return "; ".join(ways)
