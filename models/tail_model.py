"""Cut a classifier in two: the trunk that `tune = "tail"` freezes, and the tail that it trains.

    images -> trunk -> activations at the cut -> tail -> logits -> probabilities

Both parts share the layers and the variables of the classifier.
"""

from typing import NamedTuple

import keras

from dlmath.models.backbones import find_backbone
from dlmath.recipe import Recipe


class Parts(NamedTuple):
    """The parts of a classifier, all of which share its variables."""

    trunk: keras.Model  # images (N, S, S, 3) to the activations in a row, float32 (N, D)
    tail: keras.Model  # activations (N, h, w, C) or (N, C) to probabilities (N, K)
    logits: keras.Model  # the tail up to its logits (N, K)


def split_at_tail(classifier: keras.Model, recipe: Recipe) -> Parts:
    """Return the two parts of a classifier that `dlmath.models.build` made with `tune = "tail"`.

    Nothing of the trunk changes in training: its layers are frozen, so batch normalisation uses its
    stored statistics, and nothing is dropped there.
    """
    backbone = find_backbone(recipe.backbone, recipe.image_size)
    network = classifier if backbone.is_whole else classifier.get_layer("backbone")
    cut = _cut(network.get_layer(backbone.tail))
    activations = keras.layers.Flatten(dtype="float32", name="activations")(cut)
    trunk = keras.Model(network.input, activations, name="trunk")
    top = classifier.get_layer("logits").output if backbone.is_whole else network.output
    upper = keras.Model(cut, top, name="upper")
    x = upper.output
    if not backbone.is_whole:
        for name in ("pooling", "dropout", "logits"):
            x = classifier.get_layer(name)(x)
    probabilities = classifier.get_layer("probabilities")(x)
    return Parts(
        trunk,
        keras.Model(upper.input, probabilities, name="tail"),
        keras.Model(upper.input, x, name="training"),
    )


def _cut(first: keras.layers.Layer) -> keras.KerasTensor:
    """Return the tensor that every path runs through: the one input of the tail's first layer.

    A layer that joins several tensors has no weights; its output is the cut.
    """
    joins = isinstance(first.input, list)
    return first.output if joins else first.input
