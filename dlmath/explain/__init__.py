"""Why a model answers as it does: heat maps, and checks of what they are worth."""

from dlmath.explain.examples import MapPicture, explain_examples
from dlmath.explain.explain_files import Explanation, NotExplained, explain_files
from dlmath.explain.heat_map import HeatMap
from dlmath.explain.methods import METHODS

__all__ = [
    "METHODS",
    "Explanation",
    "HeatMap",
    "MapPicture",
    "NotExplained",
    "explain_examples",
    "explain_files",
]
