r"""Style and content of an image by the features of a convolution, and the gradients by hand.

With F (C, P) the features of C channels at P places, the style is the Gram matrix and the content
is F itself:

    G = F F^T,   E_style = |G - A|^2 / (4 C^2 P^2),   dE_style/dF = (G - A) F / (C^2 P^2),
    E_content = |F - B|^2 / 2,   dE_content/dF = F - B.

dG = dF F^T + F dF^T, and <G - A, dF F^T> = <(G - A) F, dF>; the other term gives the same, as G - A
is symmetric. Hence the factor 2, which turns 1/4 and its own 2 into 1.

Sources: Tsemo, line 29; Gatys, Ecker and Bethge, "A neural algorithm of artistic style",
arXiv:1508.06576, equations 1 to 7.
"""

from dataclasses import dataclass

import numpy as np

from dlmath.maths.activations import relu
from dlmath.maths.convolution import convolve


@dataclass(frozen=True)
class Filters:
    """One convolution on a torus, with ReLU: an image is continued on its other side.

    Attributes:
        kernels: (C, 1, K, K).
    """

    kernels: np.ndarray

    def before(self, image: np.ndarray) -> np.ndarray:
        """Return the pre-activations (C, H, W) of an image (H, W)."""
        room = self.kernels.shape[3] - 1
        return convolve(np.pad(image, (0, room), mode="wrap")[np.newaxis], self.kernels)

    def features(self, image: np.ndarray) -> np.ndarray:
        """Return F, (C, H W)."""
        return relu(self.before(image)).reshape(len(self.kernels), -1)

    def backward(self, image: np.ndarray, upstream: np.ndarray) -> np.ndarray:
        """Return dE/d(image), (H, W), from dE/dF, (C, H W): the adjoint of the convolution.

        What a pixel gave to the place that is (u, v) before it, it gets back from there.
        """
        inside = self.before(image)
        signal = upstream.reshape(inside.shape) * (inside > 0)
        room = self.kernels.shape[3] - 1
        around = np.pad(signal, ((0, 0), (room, 0), (room, 0)), mode="wrap")
        turned = self.kernels[:, :, ::-1, ::-1].transpose(1, 0, 2, 3)
        return convolve(around, turned)[0]


def gram(features: np.ndarray) -> np.ndarray:
    """Return F F^T, (C, C)."""
    return features @ features.T


def style_loss(features: np.ndarray, target: np.ndarray) -> float:
    """Return |F F^T - A|^2 / (4 C^2 P^2)."""
    return float(np.sum((gram(features) - target) ** 2)) / (4 * features.size**2)


def style_gradient(features: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Return the gradient of `style_loss` in the features, (C, P)."""
    return (gram(features) - target) @ features / features.size**2


def recoloured(features: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Return A^(1/2) G^(-1/2) F, whose Gram matrix is exactly A (whitening, then colouring).

    Source: Li et al., "Universal style transfer via feature transforms", arXiv:1705.08086, 3.2.
    """
    return _power(target, 0.5) @ _power(gram(features), -0.5) @ features


def _power(matrix: np.ndarray, power: float) -> np.ndarray:
    values, vectors = np.linalg.eigh(matrix)
    return (vectors * values**power) @ vectors.T
