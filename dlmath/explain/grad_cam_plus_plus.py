r"""Grad-CAM++: Grad-CAM whose channel weights are not diluted by the places without gradient.

Source: Chattopadhay et al., "Grad-CAM++: Generalized Gradient-based Visual Explanations for Deep
Convolutional Networks", WACV 2018, arXiv:1710.11063, section 3, with the exponential as the last
step of the network.
"""

import numpy as np

from dlmath.explain.classifier_parts import ClassifierParts
from dlmath.explain.heat_map import HeatMap, enlarge


def grad_cam_plus_plus(parts: ClassifierParts, image: np.ndarray, index: int) -> HeatMap:
    r"""Return the Grad-CAM++ map of a class.

    With Y = exp(s), and s piecewise linear in A, the derivatives of Y are Y times powers of
    g = ds/dA. The paper's weights become

        alpha_ij^k = (g_ij^k)^2 / (2 (g_ij^k)^2 + (g_ij^k)^3 sum over a, b of A_ab^k)
        w_k        = sum over i, j of alpha_ij^k ReLU(g_ij^k)
        L_ij       = ReLU(sum over k of w_k A_ij^k)

    up to the factor Y, which all places share and which is left out: it would overflow. Only
    g > 0 counts in w. The paper takes A as rectified; of other activations the positive part is
    summed, which keeps the denominator positive.

    Args:
        parts: The classifier.
        image: (S, S, 3) in 0..255.
        index: Of the class.
    """
    features, gradients = parts.at_features(image, index)
    g = np.maximum(gradients, 0)  # (h, w, C)
    total = np.maximum(features, 0).sum(axis=(0, 1))  # (C,)
    alpha = np.where(g > 0, 1 / (2 + g * total), 0)  # both sides divided by g^2
    weights = (alpha * g).sum(axis=(0, 1))  # (C,)
    coarse = np.maximum(features @ weights, 0)  # (h, w)
    return HeatMap(enlarge(coarse, parts.image_size), len(coarse))
