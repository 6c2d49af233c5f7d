r"""Grad-CAM: the last feature map, each channel weighted by what it does for the class.

Source: Selvaraju et al., "Grad-CAM: Visual Explanations from Deep Networks via Gradient-based
Localization", ICCV 2017, arXiv:1610.02391, eq. 1 and 2.
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
        index: Of the class.
    """
    features, gradients = parts.at_features(image, index)
    alpha = gradients.mean(axis=(0, 1))  # (C,)
    coarse = np.maximum(features @ alpha, 0)  # (h, w)
    return HeatMap(enlarge(coarse, parts.image_size), len(coarse))
