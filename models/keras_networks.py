"""The networks of Keras Applications, as feature extractors of pixels in 0..255.

Each rescales its own pixels, once. ImageNet weights are downloaded through Keras, which keeps
them in its cache (`$KERAS_HOME`, by default `~/.keras`).
"""

import contextlib
import math
import os
import sys
import urllib.error
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras

from dlmath.errors import WeightsError
from dlmath.models.weights_file import first_line

# The standard deviations of ImageNet's red, green and blue, by which Keras scales for B0.
IMAGENET_DEVIATIONS = (0.229, 0.224, 0.225)


def efficientnet_b0(image_size: int, *, imagenet: bool) -> keras.Model:
    """Build EfficientNetB0 without a head: (N, H, W, 3) to (N, H/32, W/32, 1280).

    Source: Tan and Le, 2019, arXiv:1905.11946.
    """
    images = keras.Input((image_size, image_size, 3))
    if imagenet:
        return _downloaded(keras.applications.EfficientNetB0, "efficientnet_b0", images)
    network = keras.applications.EfficientNetB0(
        include_top=False, weights=None, input_tensor=images
    )
    # Keras divides by the square root of the deviations only when it downloads the weights. With
    # the same weights from a file, every pixel would reach the stem at half its size.
    return _named(keras.models.clone_model(network, call_function=_with_second_scaling))


def _with_second_scaling(layer: keras.layers.Layer, *args: Any, **kwargs: Any) -> Any:
    outputs = layer(*args, **kwargs)
    if isinstance(layer, keras.layers.Normalization):
        factors = [1 / math.sqrt(deviation) for deviation in IMAGENET_DEVIATIONS]
        outputs = keras.layers.Rescaling(factors)(outputs)
    return outputs


def inception_v3(image_size: int, *, imagenet: bool) -> keras.Model:
    """Build InceptionV3 without a head: (N, H, W, 3) to (N, h, w, 2048).

    Source: Szegedy et al., "Rethinking the Inception Architecture for Computer Vision", 2015,
    arXiv:1512.00567; the network of Kermany et al.
    """
    images = _scaled_to_one(image_size)
    if imagenet:
        return _downloaded(keras.applications.InceptionV3, "inception_v3", images)
    return _named(
        keras.applications.InceptionV3(include_top=False, weights=None, input_tensor=images)
    )


def mobilenet_v2(image_size: int, *, imagenet: bool, alpha: float = 1.0) -> keras.Model:
    """Build MobileNetV2 without a head: (N, H, W, 3) to (N, H/32, W/32, 1280).

    Source: Sandler et al., "MobileNetV2: Inverted Residuals and Linear Bottlenecks", 2018,
    arXiv:1801.04381. `alpha` scales the number of filters.
    """
    images = _scaled_to_one(image_size)
    if imagenet:
        return _downloaded(
            keras.applications.MobileNetV2, f"MobileNetV2 {alpha}", images, alpha=alpha
        )
    return _named(
        keras.applications.MobileNetV2(
            include_top=False, weights=None, input_tensor=images, alpha=alpha
        )
    )


def mobilenet_v2_035(image_size: int, *, imagenet: bool) -> keras.Model:
    """Build MobileNetV2 with 0.35 times the filters: 0.4 million parameters."""
    return mobilenet_v2(image_size, imagenet=imagenet, alpha=0.35)


def _scaled_to_one(image_size: int) -> keras.KerasTensor:
    """Return an input of pixels, scaled from 0..255 to -1..1."""
    images = keras.Input((image_size, image_size, 3))
    # In float32 under mixed precision too: half precision cannot hold 255 levels and fractions.
    return keras.layers.Rescaling(1 / 127.5, offset=-1.0, dtype="float32", name="rescaling")(images)


def _downloaded(
    application: Callable[..., keras.Model], name: str, images: keras.KerasTensor, **options: Any
) -> keras.Model:
    """Build with ImageNet weights, or say which ones need no network."""
    try:
        # Keras reports the download on stdout, which belongs to the command's result.
        with contextlib.redirect_stdout(sys.stderr), warnings.catch_warnings():
            # For sizes between the pretrained ones Keras takes the weights of 224, and warns.
            warnings.filterwarnings("ignore", message="`input_shape` is undefined or non-square")
            network = application(
                include_top=False, weights="imagenet", input_tensor=images, **options
            )
    # Keras raises a bare Exception when a download fails, and h5py an OSError for a damaged file.
    except Exception as error:
        if isinstance(error.__context__, urllib.error.HTTPError):
            error.__context__.close()  # Keras leaves the server's answer open
        cache = Path(os.environ.get("KERAS_HOME", "~/.keras")) / "models"
        raise WeightsError(
            f"Cannot get the ImageNet weights of {name}: {first_line(error)}. Pass --backbone "
            "efficientnet_lite0, whose ImageNet weights are installed; or --weights PATH to a "
            "file of weights; or --weights none to begin with random ones. "
            f"A damaged download would be in {cache}: delete it."
        ) from error
    return _named(network)


def _named(network: keras.Model) -> keras.Model:
    """Return the same layers as a model from one tensor to one, named `backbone`.

    Keras Applications, given an input, makes a model that expects a list of one. And its `name=`
    will not do: EfficientNet downloads a file of that name.
    """
    return keras.Model(network.inputs[0], network.outputs[0], name="backbone")
