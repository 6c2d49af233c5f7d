r"""Class activation maps: Grad-CAM and Grad-CAM++, weighted sums of the last feature map.

Sources: Selvaraju et al., "Grad-CAM: Visual Explanations from Deep Networks via Gradient-based
Localization", ICCV 2017, arXiv:1610.02391, eq. 1 and 2; Chattopadhay et al., "Grad-CAM++:
Generalized Gradient-based Visual Explanations for Deep Convolutional Networks", WACV 2018,
arXiv:1710.11063, section 3, with the exponential as the last step of the network.
"""

import numpy as np

from dlmath.explain.classifier_parts import ClassifierParts
from dlmath.explain.heat_map import HeatMap, enlarge


def grad_cam(parts: ClassifierParts, image: np.ndarray, index: int) -> HeatMap:
    r"""Return the Grad-CAM map of a class.

    With the last feature map A of C channels and h x w = Z places, and the class's score s:

        alpha_k = 1/Z sum over i, j of ds/dA_ij^k        (eq. 1)
        L_ij    = ReLU(sum over k of alpha_k A_ij^k)      (eq. 2)

    It is as coarse as A, and enlarged for the image. Where the head is global average pooling
    and one dense layer, ds/dA is the same everywhere and L is, before the ReLU, what each place
    adds to the score.

    Args:
        parts: The classifier.
        image: (S, S, 3) in 0..255.
        index: Index of the class.
    """
    features, gradients = parts.at_features(image, index)
    alpha = gradients.mean(axis=(0, 1))  # (C,)
    coarse = np.maximum(features @ alpha, 0)  # (h, w)
    return HeatMap(enlarge(coarse, parts.image_size), len(coarse))


def grad_cam_plus_plus(parts: ClassifierParts, image: np.ndarray, index: int) -> HeatMap:
    r"""Return the Grad-CAM++ map of a class: places without gradient do not dilute its weights.

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
        index: Index of the class.
    """
    features, gradients = parts.at_features(image, index)
    g = np.maximum(gradients, 0)  # (h, w, C)
    total = np.maximum(features, 0).sum(axis=(0, 1))  # (C,)
    alpha = np.where(g > 0, 1 / (2 + g * total), 0)  # both sides divided by g^2
    weights = (alpha * g).sum(axis=(0, 1))  # (C,)
    coarse = np.maximum(features @ weights, 0)  # (h, w)
    return HeatMap(enlarge(coarse, parts.image_size), len(coarse))
