"""The methods by the names under which the command line has them."""

from collections.abc import Callable
from functools import partial

import numpy as np

from dlmath.errors import UserError, did_you_mean
from dlmath.explain.class_activation import grad_cam, grad_cam_plus_plus
from dlmath.explain.classifier_parts import ClassifierParts
from dlmath.explain.heat_map import HeatMap
from dlmath.explain.path_attribution import integrated_gradients
from dlmath.explain.perturbation import occlusion

Method = Callable[[ClassifierParts, np.ndarray, int], HeatMap]

METHODS: dict[str, Method] = {
    "grad_cam": grad_cam,
    "grad_cam_plus_plus": grad_cam_plus_plus,
    "integrated_gradients": integrated_gradients,
    "occlusion": occlusion,
}

# For comparing maps of one image with each other, whose sums need not be right to a few percent.
# Fewer steps would be noise, and noise changes with any weights.
QUICK: dict[str, Method] = {
    **METHODS,
    "integrated_gradients": partial(integrated_gradients, most_steps=32),
}


def find_method(name: str) -> Method:
    """Return the method of that name.

    Raises:
        UserError: There is none.
    """
    if name not in METHODS:
        raise UserError(
            f"There is no method {name!r}.{did_you_mean(name, METHODS)} "
            f"Pass one of these with --method: {', '.join(METHODS)}."
        )
    return METHODS[name]
