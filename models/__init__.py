"""The networks, and the two recipes that ship.

    from dlmath.models import RECIPES, build

    recipe = RECIPES["pneumonia"].replace(backbone="efficientnet_lite0")
    model = build(recipe)  # pixels 0..255 in, class probabilities out

Names are loaded on first use: `RECIPES` and `BACKBONES` can be read without waiting for Keras.
"""

import importlib
from typing import TYPE_CHECKING, Any

from dlmath._checkout import hand_on

hand_on(__name__)

# Where each public name lives.
_HOMES = {
    "BACKBONES": "dlmath.models.backbones",
    "RECIPES": "dlmath.models.recipes",
    "build": "dlmath.models.classifier",
    "load": "dlmath.models.loading",
    "malaria_cnn": "dlmath.models.cell_cnn",
}

__all__ = ["BACKBONES", "RECIPES", "build", "load", "malaria_cnn"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])


if TYPE_CHECKING:
    from dlmath.models.backbones import BACKBONES
    from dlmath.models.cell_cnn import malaria_cnn
    from dlmath.models.classifier import build
    from dlmath.models.loading import load
    from dlmath.models.recipes import RECIPES
