"""The table of networks that `--backbone` names. Reading it loads no Keras."""

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from dlmath.errors import RecipeError, WeightsError, did_you_mean


@dataclass(frozen=True, kw_only=True)
class Backbone:
    """One network and what a classifier must know of it.

    Attributes:
        network: Where its builder lives, as `module:function`. The builder takes `image_size` and
            `imagenet` and returns a `keras.Model` from pixels (N, H, W, 3) in 0..255, which it
            rescales itself, to a feature map (N, h, w, C). With `is_whole` it builds the entire
            classifier instead; see `dlmath.models.cell_cnn`.
        native_size: Side in pixels of the images that it was designed or pretrained for.
        smallest_size: Smallest side in pixels that it takes.
        tail: Name of the first layer that `tune = "tail"` trains. Every path runs through it, so
            that what lies before can be computed once and kept.
        imagenet: Where ImageNet weights come from: `installed` with dlmath or its extra
            `backbones`, by `download`, or `none` where nobody offers any.
        download: What the files are called, as a pattern, that Keras downloads for it.
        is_whole: Whether the builder makes the whole classifier, its dense layers included.
    """

    network: str
    native_size: int
    smallest_size: int
    tail: str
    imagenet: Literal["installed", "download", "none"]
    download: str = ""
    is_whole: bool = False

    def builder(self) -> Callable[..., Any]:
        """Import and return the function that builds the network."""
        module, function = self.network.split(":")
        return getattr(importlib.import_module(module), function)


BACKBONES: dict[str, Backbone] = {
    "efficientnet_b0": Backbone(
        network="dlmath.models.keras_networks:efficientnet_b0",
        native_size=224,
        smallest_size=32,
        tail="block6a_expand_conv",
        imagenet="download",
        download="efficientnetb0_notop*.h5",
    ),
    "efficientnet_lite0": Backbone(
        network="dlmath.models.efficientnet_lite:efficientnet_lite0",
        native_size=224,
        smallest_size=32,
        tail="block6a_expand_conv",
        imagenet="installed",
    ),
    "efficientnet_lite1": Backbone(
        network="dlmath.models.efficientnet_lite:efficientnet_lite1",
        native_size=240,
        smallest_size=32,
        tail="block6a_expand_conv",
        imagenet="installed",
    ),
    "efficientnet_lite2": Backbone(
        network="dlmath.models.efficientnet_lite:efficientnet_lite2",
        native_size=260,
        smallest_size=32,
        tail="block6a_expand_conv",
        imagenet="installed",
    ),
    "inception_v3": Backbone(
        network="dlmath.models.keras_networks:inception_v3",
        native_size=299,
        smallest_size=75,
        tail="mixed7",
        imagenet="download",
        download="inception_v3_weights*_notop*.h5",
    ),
    "mobilenet_v2": Backbone(
        network="dlmath.models.keras_networks:mobilenet_v2",
        native_size=224,
        smallest_size=32,
        tail="block_13_expand",
        imagenet="download",
        download="mobilenet_v2_weights*_1.0_*_no_top*.h5",
    ),
    "mobilenet_v2_035": Backbone(
        network="dlmath.models.keras_networks:mobilenet_v2_035",
        native_size=224,
        smallest_size=32,
        tail="block_13_expand",
        imagenet="download",
        download="mobilenet_v2_weights*_0.35_*_no_top*.h5",
    ),
    "malaria_cnn": Backbone(
        network="dlmath.models.cell_cnn:malaria_cnn",
        native_size=64,
        smallest_size=8,
        tail="dense1",
        imagenet="none",
        is_whole=True,
    ),
    "malaria_attention_cnn": Backbone(
        network="dlmath.models.cell_attention:malaria_attention_cnn",
        native_size=64,
        smallest_size=8,
        tail="placed",
        imagenet="none",
        is_whole=True,
    ),
    "malaria_vit": Backbone(
        network="dlmath.models.cell_attention:malaria_vit",
        native_size=64,
        smallest_size=8,
        tail="block2_output",
        imagenet="none",
        is_whole=True,
    ),
}


def check_imagenet(name: str, backbone: Backbone, weights: str) -> None:
    """Refuse ImageNet weights of a network for which nobody offers any.

    Raises:
        WeightsError: There are none.
    """
    if weights == "imagenet" and backbone.imagenet == "none":
        raise WeightsError(
            f"There are no ImageNet weights for {name}. Received: weights='imagenet'. Pass "
            "--weights none."
        )


def find_backbone(name: str, image_size: int) -> Backbone:
    """Return the backbone of that name.

    Raises:
        RecipeError: There is none, or it does not take images of `image_size` pixels a side.
    """
    if name not in BACKBONES:
        raise RecipeError(
            f"There is no backbone {name!r}.{did_you_mean(name, BACKBONES)} "
            f"Pass one of these with --backbone: {', '.join(BACKBONES)}."
        )
    backbone = BACKBONES[name]
    if image_size < backbone.smallest_size:
        raise RecipeError(
            f"{name} takes images of at least {backbone.smallest_size} pixels a side. Received: "
            f"image_size={image_size}. Pass --image-size {backbone.native_size}, or another "
            "--backbone."
        )
    return backbone
