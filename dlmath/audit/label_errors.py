"""Likely label errors, found by confident learning.

Source: Northcutt, Jiang, Chuang, "Confident Learning: Estimating Uncertainty in Dataset Labels",
Journal of Artificial Intelligence Research 70, 2021, arXiv:1911.00068, eq. 1 and 2, section 3.2.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class ConfidentLearning:
    """Label errors that out-of-fold probabilities suggest.

    Attributes:
        thresholds: (K,) mean probability of a class over the examples that bear its label.
        joint: (K, K) estimated number of examples with label i (row) and true class j (column);
            rows add to the number of examples with that label.
        suspects: Indices of the examples that are counted off the diagonal, the likeliest error
            first.
        suggested: (N,) the class that each example is counted for: its label unless a suspect.
        margins: (N,) probability of the label less the greatest of another class, -1 to 1: the
            lower, the likelier an error.
    """

    thresholds: np.ndarray
    joint: np.ndarray
    suspects: np.ndarray
    suggested: np.ndarray
    margins: np.ndarray

    @property
    def estimated_errors(self) -> float:
        """Estimated number of wrong labels."""
        return float(self.joint.sum() - np.trace(self.joint))


def confident_learning(probabilities: np.ndarray, labels: np.ndarray) -> ConfidentLearning:
    r"""Find the examples that a model counts, confidently, for another class than their label.

    With t_j the mean of p_j over the examples labelled j, an example is confidently of class j if
    p_j >= t_j; of several such classes, of the one with the greatest p_j. C_ij counts the examples
    labelled i that are confidently of class j, and the joint is C with its rows scaled to the
    numbers of labels. The suspects are those off the diagonal, in the order of their margin

        p_label - max_{k != label} p_k.

    A class that the model is unsure of has a low threshold, so that it is not suspected as a whole.

    Args:
        probabilities: (N, K) of models that have not seen the example, nor others of its patient.
        labels: (N,) 0 to K - 1, every class at least once.
    """
    count, classes = probabilities.shape
    rows = np.arange(count)
    thresholds = np.array([probabilities[labels == k, k].mean() for k in range(classes)])
    # Rounding the mean up would deny a class whose probabilities are all equal.
    confident = probabilities >= thresholds - 1e-12
    among = np.where(confident, probabilities, -np.inf)
    # Of equals the label: what the model cannot tell is no error. So is what it is not sure of.
    keeps_label = among[rows, labels] >= among.max(axis=1)
    suggested = np.where(keeps_label, labels, among.argmax(axis=1))
    others = probabilities.copy()
    others[rows, labels] = -np.inf
    margins = probabilities[rows, labels] - others.max(axis=1)
    suspects = np.flatnonzero(suggested != labels)
    return ConfidentLearning(
        thresholds,
        _joint(labels, suggested, confident, classes),
        suspects[np.argsort(margins[suspects], kind="stable")],
        suggested,
        margins,
    )


def _joint(
    labels: np.ndarray, suggested: np.ndarray, confident: np.ndarray, classes: int
) -> np.ndarray:
    counts = np.zeros((classes, classes))
    counted = confident.any(axis=1)
    np.add.at(counts, (labels[counted], suggested[counted]), 1)
    return counts * (np.bincount(labels, minlength=classes) / counts.sum(axis=1))[:, np.newaxis]
