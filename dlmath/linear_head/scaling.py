r"""Scaling of logits, so that probabilities mean what they say, fitted on held-out images.

A classifier that ranks well may still be too sure of itself. Its logits z are replaced by

    temperature:   z / T                   (Guo et al., "On calibration of modern neural networks",
                                            ICML 2017, §4.2)
    platt:         d -> a d + b of d = z_1 - z_0, for two classes  (Platt, "Probabilistic outputs
                                            for support vector machines", 1999)

Both are z -> slope z + offsets, with slope > 0 and offsets that sum to 0. So no two images change
places under temperature, nor under platt, and the last dense layer can take the scaling in: kernel
and bias times the slope, and the offsets added to the bias.

The cross-entropy is convex in slope and offsets, since the logits are linear in them.
"""

from dataclasses import dataclass

import numpy as np

from dlmath.errors import DataError
from dlmath.linear_head.softmax import log_sum_exp, sum_zero_basis

METHODS = ("temperature", "platt")
FEWEST = 10  # images of each class: fewer say next to nothing about probabilities

_TOLERANCE = 1e-10
_MAX_NEWTON = 100
_HALVINGS = 60


@dataclass(frozen=True)
class Scaling:
    """Logits z become slope z + offsets.

    Attributes:
        method: temperature, platt, or none.
        slope: Above 0; 1 / T for a temperature T.
        offsets: (K,), summing to 0.
    """

    method: str
    slope: float
    offsets: tuple[float, ...]

    def __call__(self, logits: np.ndarray) -> np.ndarray:
        """Return the scaled logits, (..., K)."""
        return self.slope * logits + np.asarray(self.offsets)

    def fold(self, kernel: np.ndarray, bias: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the kernel (D, K) and the bias (K,) of a last layer that gives scaled logits."""
        return self.slope * kernel, self(bias)


def unscaled(classes: int) -> Scaling:
    """Return the scaling that changes nothing."""
    return Scaling("none", 1.0, (0.0,) * classes)


def fit_scaling(logits: np.ndarray, labels: np.ndarray, method: str) -> Scaling:
    """Return the scaling of least cross-entropy, by Newton's method.

    For platt the labels are softened as Platt does, to (n_k + 1) / (n_k + 2) for the n_k images of
    a class: then there always is an optimum.

    Args:
        logits: (N, K) of images that the model was not fitted to.
        labels: (N,) class indices.
        method: temperature, or for two classes also platt.

    Raises:
        DataError: A class has fewer than 10 images, or there is no optimum with a slope above 0:
            the logits tell nothing, or the wrong way round, or temperature has no image to learn
            from that is on the wrong side.
    """
    if method not in METHODS or (method == "platt" and logits.shape[1] != 2):
        raise ValueError(
            "`method` must be temperature, or platt for two classes. "
            f"Received: method={method!r} for {logits.shape[1]} classes"
        )
    counts = np.bincount(labels, minlength=logits.shape[1])
    _check_enough_images(counts)
    directions, targets = logits[:, :, np.newaxis], np.eye(logits.shape[1])[labels]
    if method == "platt":
        basis = np.broadcast_to(sum_zero_basis(2), (len(logits), 2, 1))
        directions = np.concatenate([directions, basis], axis=2)
        targets = (targets * counts + 1) / (counts[labels] + 2)[:, np.newaxis]
    else:
        _check_bounded(logits, labels)
    parameters = _minimise(directions, targets)
    slope, rest = float(parameters[0]), parameters[1:]
    if not slope > 0:
        raise DataError(
            "The model's logits tell the classes of the validation images the wrong way round, or "
            f"not at all, so no scaling calibrates them. Received: a slope of {slope:.3g}"
        )
    offsets = sum_zero_basis(2) @ rest if len(rest) else np.zeros(logits.shape[1])
    return Scaling(method, slope, tuple(offsets.tolist()))


def cross_entropy(logits: np.ndarray, labels: np.ndarray) -> float:
    """Return the mean of -log p of the true class, for logits (N, K) and class indices (N,)."""
    return float(np.mean(log_sum_exp(logits)[0] - logits[np.arange(len(labels)), labels]))


def _minimise(directions: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Return the parameters (P,) of least cross-entropy of logits directions @ parameters.

    Args:
        directions: (N, K, P).
        targets: (N, K), rows that sum to 1.
    """
    # In units of the logits' spread Newton begins near the optimum, whatever the model's scale.
    centred = directions - directions.mean(axis=1, keepdims=True)
    units = np.maximum(np.sqrt((centred**2).mean(axis=(0, 1))), np.finfo(float).tiny)
    scaled = centred / units
    parameters = np.zeros(scaled.shape[2])
    value, gradient, hessian = _evaluate(scaled, targets, parameters)
    for _ in range(_MAX_NEWTON):
        if np.abs(gradient).max() <= _TOLERANCE:
            break
        step = -np.linalg.lstsq(hessian, gradient, rcond=None)[0]
        slope = gradient @ step
        for halving in range(_HALVINGS):
            trial = parameters + step / 2**halving
            found = _evaluate(scaled, targets, trial)
            if found[0] <= value + 1e-4 * slope / 2**halving + 1e-15 * abs(value):
                break
        parameters, (value, gradient, hessian) = trial, found
    return parameters / units


def _evaluate(
    directions: np.ndarray, targets: np.ndarray, parameters: np.ndarray
) -> tuple[float, np.ndarray, np.ndarray]:
    """Return the mean cross-entropy, its gradient (P,) and its Hessian (P, P)."""
    logits = directions @ parameters  # (N, K)
    normaliser, p = log_sum_exp(logits)
    value = float(np.mean(normaliser - (targets * logits).sum(axis=1)))
    gradient = np.einsum("nk,nkp->p", p - targets, directions) / len(logits)
    mean = np.einsum("nk,nkp->np", p, directions)
    hessian = np.einsum("nk,nkp,nkq->pq", p, directions, directions, optimize=True) - mean.T @ mean
    return value, gradient, hessian / len(logits)


def _check_enough_images(counts: np.ndarray) -> None:
    if counts.min() < FEWEST:
        raise DataError(
            f"Calibration needs at least {FEWEST} validation images of each class. Received: "
            f"{', '.join(str(count) for count in counts)}. Raise validation_fraction, or leave "
            "calibration at none."
        )


def _check_bounded(logits: np.ndarray, labels: np.ndarray) -> None:
    of_truth = logits[np.arange(len(labels)), labels]
    if np.all(of_truth >= logits.max(axis=1)):
        raise DataError(
            f"All {len(labels):,} validation images are on the right side, so the likelihood rises "
            "without end as the temperature falls. Raise validation_fraction, or calibrate by "
            "platt, which has an optimum there too."
        )
