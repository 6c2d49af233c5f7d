"""The malaria network: three blocks of convolution, then four dense layers.

Source: Tsemo, "The algebra and the geometry aspect of Deep learning", section 6, "The malaria
dataset". The paper's text has lost its sizes; those below are ours.
"""

from types import ModuleType

import keras

FILTERS = (16, 32, 64)  # of the three convolutions, each 3 x 3 and followed by 2 x 2 max pooling
UNITS = (128, 64, 32)  # of the first three dense layers; the fourth has one unit a class


def malaria_cnn(
    image_size: int,
    classes: int = 2,
    *,
    dropout: float = 0.0,
    seed: int | None = None,
    layers: ModuleType = keras.layers,
) -> keras.Model:
    """Build the network: `images` float32 (N, H, W, 3) in 0..255 to `probabilities` (N, K).

    Args:
        image_size: Side H = W of the images in pixels, at least 8.
        classes: Number K of classes.
        dropout: Rate of dropout before the first dense layer.
        seed: Seed of the dropout.
        layers: Where the layers come from: `keras.layers`, or any other module with the same
            names and arguments, such as one with hand-derived gradients.
    """
    images, x = scaled_images(image_size)
    x = convolution_blocks(x, layers)
    x = layers.Flatten(name="flatten")(x)
    x = layers.Dropout(dropout, seed=seed, name="dropout")(x)
    for number, units in enumerate(UNITS, start=1):
        x = layers.Dense(units, name=f"dense{number}")(x)
        x = layers.ReLU(name=f"dense{number}_relu")(x)
    # float32 from here: a half-precision softmax saturates to exactly 0 or 1.
    logits = layers.Dense(classes, dtype="float32", name="logits")(x)
    probabilities = layers.Softmax(dtype="float32", name="probabilities")(logits)
    return keras.Model(images, probabilities, name="malaria_cnn")


def scaled_images(image_size: int) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    """Return an input of pixels (N, H, W, 3) in 0..255, and the pixels scaled to -1..1."""
    images = keras.Input((image_size, image_size, 3), name="images")
    # To -1..1: with inputs that are all positive the first epochs go into finding their mean.
    # In float32 under mixed precision too: half precision cannot hold 255 levels and fractions.
    x = keras.layers.Rescaling(1 / 127.5, offset=-1.0, dtype="float32", name="rescaling")(images)
    return images, x


def convolution_blocks(x: keras.KerasTensor, layers: ModuleType) -> keras.KerasTensor:
    """Apply three convolutions, each with max pooling: (N, H, W, 3) to (N, H/8, W/8, 64)."""
    for block, filters in enumerate(FILTERS, start=1):
        x = layers.Conv2D(filters, 3, padding="same", name=f"conv{block}")(x)
        x = layers.ReLU(name=f"conv{block}_relu")(x)
        x = layers.MaxPooling2D(name=f"pool{block}")(x)  # halves the side
    return x
