"""Networks of cells with attention: a Vision Transformer, and attention behind convolutions.

Both see an image as at most 8 x 8 places and add to each what the others know, by blocks of
attention and a position-wise network (Tsemo, "The algebra and the geometry aspect of Deep
learning", section 7). Layers are normalised before each sublayer, and the mean of the places goes
to the last dense layer: it is a map that Grad-CAM can explain, where a class token would be none.

Sources: Dosovitskiy et al., "An Image is Worth 16x16 Words", 2020, arXiv:2010.11929, the Vision
Transformer; Beyer et al., "Better plain ViT baselines for ImageNet-1k", 2022, arXiv:2205.01580, the
mean in the place of the class token; Bello et al., "Attention Augmented Convolutional Networks",
2019, arXiv:1904.09925, attention over the places of a convolution's map. The sizes are ours, those
of networks that train from random weights on a few thousand cells.
"""

import math
from types import ModuleType

import keras

from dlmath.layers import PositionEmbedding
from dlmath.models.cell_cnn import convolution_blocks, scaled_images

GRID = 8  # places a side at most, however large the image: attention costs the square of all
WIDTH = 64  # of a place
HEADS = 4
HIDDEN = 128  # units of a position-wise network
DEPTH = 4  # blocks of the Vision Transformer
EPSILON = 1e-5  # added to the variance of a layer normalisation


def malaria_vit(
    image_size: int,
    classes: int = 2,
    *,
    dropout: float = 0.0,
    seed: int | None = None,
    layers: ModuleType = keras.layers,
) -> keras.Model:
    """Build a Vision Transformer: `images` (N, H, W, 3) in 0..255 to `probabilities` (N, K).

    A patch is an eighth of the side, rounded up: 8 x 8 pixels of images of 64. What the grid of
    patches has over is filled with zeros.

    Args:
        image_size: Side H = W of the images in pixels, at least 8.
        classes: Number K of classes.
        dropout: Rate of dropout before the last dense layer.
        seed: Seed of the dropout.
        layers: Where the layers come from, as in `malaria_cnn`.
    """
    images, x = scaled_images(image_size)
    patch = math.ceil(image_size / GRID)
    x = layers.Conv2D(WIDTH, patch, strides=patch, padding="same", name="patches")(x)
    x = _attended(x, DEPTH, layers)
    probabilities = _classified(x, classes, dropout, seed, layers)
    return keras.Model(images, probabilities, name="malaria_vit")


def malaria_attention_cnn(
    image_size: int,
    classes: int = 2,
    *,
    dropout: float = 0.0,
    seed: int | None = None,
    layers: ModuleType = keras.layers,
) -> keras.Model:
    """Build the convolutions of `malaria_cnn` with a head of attention in the place of its layers.

    From `images` float32 (N, H, W, 3) in 0..255 to `probabilities` (N, K). A map of more than 8 x 8
    places is averaged to that many first.

    Args:
        image_size: Side H = W of the images in pixels, at least 8.
        classes: Number K of classes.
        dropout: Rate of dropout before the last dense layer.
        seed: Seed of the dropout.
        layers: Where the layers come from, as in `malaria_cnn`.
    """
    images, x = scaled_images(image_size)
    x = convolution_blocks(x, layers)
    window = math.ceil(x.shape[1] / GRID)
    if window > 1:
        x = layers.AveragePooling2D(window, padding="same", name="grid")(x)
    x = _attended(x, 1, layers)
    probabilities = _classified(x, classes, dropout, seed, layers)
    return keras.Model(images, probabilities, name="malaria_attention_cnn")


def _attended(x: keras.KerasTensor, depth: int, layers: ModuleType) -> keras.KerasTensor:
    """Add positions to the places of a map (N, h, w, C), and let them attend to each other."""
    _, height, width, channels = x.shape
    x = keras.layers.Reshape((height * width, channels), name="places")(x)  # (N, h w, C)
    # Keras itself has no learnt positions, so ours serve both.
    small = keras.initializers.RandomNormal(stddev=0.02)
    positions = PositionEmbedding(height * width, small, name="positions")(x)
    x = keras.layers.Add(name="placed")([x, positions])
    for number in range(1, depth + 1):
        x = _block(x, f"block{number}", layers)
    x = layers.LayerNormalization(epsilon=EPSILON, name="normalization")(x)
    return keras.layers.Reshape((height, width, channels), name="map")(x)


def _block(x: keras.KerasTensor, name: str, layers: ModuleType) -> keras.KerasTensor:
    """Add attention, then a position-wise network, each of normalised places (N, T, D).

    It is `dlmath.layers.TransformerEncoder` with `normalize_first`, taken apart: Keras has no such
    layer, and a network that can be had with the layers of either is made of those that both have.
    """
    width = x.shape[-1]
    y = layers.LayerNormalization(epsilon=EPSILON, name=f"{name}_attention_normalization")(x)
    y = layers.MultiHeadAttention(HEADS, width // HEADS, name=f"{name}_attention")(y, y)
    x = keras.layers.Add(name=f"{name}_attended")([x, y])
    y = layers.LayerNormalization(epsilon=EPSILON, name=f"{name}_feedforward_normalization")(x)
    y = layers.Dense(HIDDEN, "relu", name=f"{name}_feedforward_in")(y)
    y = layers.Dense(width, name=f"{name}_feedforward_out")(y)
    return keras.layers.Add(name=f"{name}_output")([x, y])


def _classified(
    x: keras.KerasTensor, classes: int, dropout: float, seed: int | None, layers: ModuleType
) -> keras.KerasTensor:
    """Probabilities (N, K) from the mean of a map (N, h, w, C)."""
    x = layers.GlobalAveragePooling2D(name="pooling")(x)
    x = layers.Dropout(dropout, seed=seed, name="dropout")(x)
    # float32 from here: a half-precision softmax saturates to exactly 0 or 1.
    logits = layers.Dense(classes, dtype="float32", name="logits")(x)
    return layers.Softmax(dtype="float32", name="probabilities")(logits)
