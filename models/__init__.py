"""The networks, and the recipes that ship.

    from dlmath.models import RECIPES, build, other_recipe

    recipe = RECIPES["pneumonia"]  # the default; that of the paper:
    paper = other_recipe("pneumonia", "paper")
    model = build(recipe)  # pixels 0..255 in, class probabilities out

Names are loaded on first use: `RECIPES` and `BACKBONES` can be read without waiting for Keras.
"""

from typing import TYPE_CHECKING

from dlmath._checkout import hand_on
from dlmath._lazy import lazy_names

hand_on(__name__)

__all__ = ["BACKBONES", "RECIPES", "build", "load", "malaria_cnn", "other_recipe"]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "BACKBONES": "dlmath.models.backbones",
        "RECIPES": "dlmath.models.recipes",
        "build": "dlmath.models.classifier",
        "load": "dlmath.models.loading",
        "malaria_cnn": "dlmath.models.cell_cnn",
        "other_recipe": "dlmath.models.tasks",
    },
)

if TYPE_CHECKING:
    from dlmath.models.backbones import BACKBONES
    from dlmath.models.cell_cnn import malaria_cnn
    from dlmath.models.classifier import build
    from dlmath.models.loading import load
    from dlmath.models.recipes import RECIPES
    from dlmath.models.tasks import other_recipe
