"""Build the classifier that a recipe describes.

    images -> backbone -> pooling -> dropout -> logits -> probabilities

The backbone is one nested model of that name; a network that is a whole classifier, such as the
malaria CNN, has its own layers in the place of the first two.
"""

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import keras
import numpy as np

from dlmath import layers as from_scratch
from dlmath.errors import RecipeError
from dlmath.models.backbones import BACKBONES, Backbone, check_imagenet, find_backbone
from dlmath.models.recipes import TASKS
from dlmath.models.weights_file import load_weights_file
from dlmath.recipe import Recipe
from dlmath.seeds import tensorflow_seed

POLICIES = {"float32": "float32", "bfloat16": "mixed_bfloat16", "float16": "mixed_float16"}


def build(
    recipe: Recipe,
    *,
    class_prior: Sequence[float] | np.ndarray | None = None,
    pretrained: bool = True,
) -> keras.Model:
    """Build a classifier: `images` float32 (N, H, W, 3) in 0..255 to `probabilities` (N, K).

    The same recipe gives the same initial weights. What `recipe.tune` leaves out is not trainable.

    Args:
        recipe: `classes` must be known by now.
        class_prior: The K frequencies of the classes. They are what the model answers before it
            has learned anything, so that training does not begin by learning them.
        pretrained: False leaves the recipe's weights out, for a model that is given others.

    Raises:
        RecipeError: No classes, an unknown backbone, images too small for it, or from-scratch
            layers for a network of Keras's.
        WeightsError: The weights cannot be had, are damaged, or do not fit.
    """
    if not recipe.classes:
        raise RecipeError(
            "A model needs `classes`. Received: classes=[]. Name them in the recipe: "
            '--set \'classes=["NORMAL", "PNEUMONIA"]\''
        )
    backbone = find_backbone(recipe.backbone, recipe.image_size)
    check_imagenet(recipe.backbone, backbone, recipe.weights)
    if recipe.layers == "scratch" and not backbone.is_whole:
        whole = [name for name, other in BACKBONES.items() if other.is_whole]
        ready = [
            f"dlmath train {task.name} --recipe {name}"
            for task in TASKS.values()
            for name, other in task.others.items()
            if other.backbone in whole
        ]
        raise RecipeError(
            f"{recipe.backbone} comes with its own layers. Received: layers='scratch'. The "
            f"networks that can be made of from-scratch layers: --backbone {', '.join(whole)}; "
            f"recipes with one: {', '.join(ready)}."
        )
    with _drawing_from(recipe.seed), _computing_in(recipe.precision):
        weights = recipe.weights if pretrained else "none"
        assemble = _whole if backbone.is_whole else _with_head
        model = assemble(recipe, backbone, weights)
    _freeze(_trunk(model, backbone), recipe, backbone.tail)
    if class_prior is not None:
        _set_prior(model, class_prior)
    return model


def _with_head(recipe: Recipe, backbone: Backbone, weights: str) -> keras.Model:
    network = backbone.builder()(recipe.image_size, imagenet=weights == "imagenet")
    if weights not in ("imagenet", "none"):
        load_weights_file(network, weights)
    images = keras.Input((recipe.image_size, recipe.image_size, 3), name="images")
    x = keras.layers.GlobalAveragePooling2D(name="pooling")(network(images))  # (N, C)
    x = keras.layers.Dropout(recipe.dropout, name="dropout")(x)
    # float32 under mixed precision too: a half-precision softmax saturates to exactly 0 or 1.
    logits = keras.layers.Dense(len(recipe.classes), dtype="float32", name="logits")(x)
    probabilities = keras.layers.Softmax(dtype="float32", name="probabilities")(logits)
    return keras.Model(images, probabilities, name=recipe.backbone)


def _whole(recipe: Recipe, backbone: Backbone, weights: str) -> keras.Model:
    model = backbone.builder()(
        recipe.image_size,
        len(recipe.classes),
        dropout=recipe.dropout,
        seed=tensorflow_seed(recipe.seed, "dropout")[0],
        layers=keras.layers if recipe.layers == "keras" else from_scratch,
    )
    if weights != "none":
        load_weights_file(model, weights)
    return model


def _trunk(model: keras.Model, backbone: Backbone) -> list[keras.layers.Layer]:
    """Return the layers in front of the head, in the order in which they compute."""
    if not backbone.is_whole:
        return model.get_layer("backbone").layers
    return [layer for layer in model.layers if layer.name not in ("logits", "probabilities")]


def _freeze(trunk: list[keras.layers.Layer], recipe: Recipe, tail: str) -> None:
    """Fix what `tune` leaves out, and the batch normalisation of every pretrained network.

    Its statistics are better than those of a few small batches. Random weights have none worth
    keeping: there batch normalisation follows the training mode. The usual way, to call the
    backbone with `training=False`, does nothing in Keras 3: a model in training mode puts its own
    flag in the place of that one (keras-team/keras#20285). A frozen layer obeys.
    """
    names = [layer.name for layer in trunk]
    cut = {"all": 0, "tail": names.index(tail), "head": len(trunk)}[recipe.tune]
    for layer in trunk[:cut]:
        layer.trainable = False
        if isinstance(layer, keras.layers.Dropout):
            layer.rate = 0.0  # else fixed features would differ from one epoch to the next
    if recipe.weights != "none":
        for layer in trunk:
            if isinstance(layer, keras.layers.BatchNormalization):
                layer.trainable = False


def _set_prior(model: keras.Model, class_prior: Sequence[float] | np.ndarray) -> None:
    prior = np.asarray(class_prior, "float64")
    bias = model.get_layer("logits").bias
    if prior.shape != bias.shape or not (prior > 0).all() or not np.isclose(prior.sum(), 1):
        raise ValueError(
            f"`class_prior` must be {bias.shape[0]} positive frequencies that sum to 1. "
            f"Received: class_prior={class_prior!r}"
        )
    bias.assign(np.log(prior))  # softmax(log p) = p


@contextmanager
def _drawing_from(seed: int) -> Iterator[None]:
    """Make initial weights a function of `seed`, and leave the process's randomness as it was.

    A Keras initialiser without a seed of its own takes one from Python's `random`.
    """
    state = random.getstate()
    random.seed(seed)
    try:
        yield
    finally:
        random.setstate(state)


@contextmanager
def _computing_in(precision: str) -> Iterator[None]:
    """Give layers made inside this dtype policy. Keras Applications has no argument for it."""
    previous = keras.config.dtype_policy()
    keras.config.set_dtype_policy(POLICIES[precision])
    try:
        yield
    finally:
        keras.config.set_dtype_policy(previous)
