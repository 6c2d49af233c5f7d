"""Check that the weights which a recipe begins with can be had, before anything else is done.

A training draws or reads its images, hashes and audits them before it builds the network. Without a
connection that is half a minute of waiting for a refusal.
"""

import os
from pathlib import Path

from dlmath.models.backbones import Backbone, check_imagenet, find_backbone
from dlmath.models.classifier import build
from dlmath.models.efficientnet_lite import CHECKPOINTS
from dlmath.recipe import Recipe

_PLACEHOLDERS = ("a", "b")  # classes of a network that is built only to be given weights


def check_weights(recipe: Recipe) -> None:
    """Check that the initial weights of a recipe are there, of its network and whole.

    Weights that Keras has not downloaded yet are downloaded. Those that are installed, or were
    downloaded before, are looked for only: building the network reads them soon enough.

    Raises:
        WeightsError: They cannot be had, are damaged, or do not fit.
    """
    backbone = find_backbone(recipe.backbone, recipe.image_size)
    check_imagenet(recipe.backbone, backbone, recipe.weights)
    if recipe.weights == "none":
        return
    if recipe.weights == "imagenet" and backbone.imagenet == "installed":
        CHECKPOINTS[recipe.backbone].path()
    elif recipe.weights == "imagenet" and _is_downloaded(backbone):
        return
    elif recipe.classes or not backbone.is_whole:  # a whole network's head is of its classes
        build(recipe if recipe.classes else recipe.replace(classes=_PLACEHOLDERS))


def _is_downloaded(backbone: Backbone) -> bool:
    """Return whether a file of the network's weights lies in the cache of Keras."""
    cache = Path(os.environ.get("KERAS_HOME", "~/.keras")).expanduser() / "models"
    return any(cache.glob(backbone.download)) if backbone.download else False
