"""Out-of-fold scores: predict classes from numbers, for patients that the model has not seen."""

from collections.abc import Sequence

import numpy as np

from dlmath.data.patient_groups import joined_patients
from dlmath.data.sources import ImageRecord
from dlmath.linear_head import fit_head, log_odds
from dlmath.linear_head.folds import patient_folds
from dlmath.stats import AucInterval, auc_with_interval

FOLDS, SEED = 5, 0


def patient_numbers(examples: Sequence[ImageRecord]) -> np.ndarray:
    """Return a number for the patient of each example, (N,); who share a file share one."""
    patient_of = joined_patients(examples)
    names = [patient_of[example.file] for example in examples]
    return np.unique(names, return_inverse=True)[1]


def can_be_folded(labels: np.ndarray, groups: np.ndarray) -> bool:
    """Return whether there are at least two classes, each of at least two patients."""
    patients = [len(np.unique(groups[labels == label])) for label in np.unique(labels)]
    return len(patients) > 1 and min(patients) > 1


def out_of_fold_scores(columns: np.ndarray, labels: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Return the log-odds (N, K) of each class, above its prior, by models of other patients.

    Each fold is scored by multinomial logistic regression on the others, with the penalty that
    scikit-learn's `LogisticRegression` has by default. The prior of those others is taken off: it
    is low just where the fold has many of a class, which would push an AUC over all folds below
    one half.

    Args:
        columns: (N, D) numbers.
        labels: (N,) 0 to K - 1, every class of at least two patients.
        groups: (N,) patients.
    """
    targets = np.eye(labels.max() + 1)[labels]
    fold = patient_folds(groups, targets, FOLDS, SEED)
    scores = np.empty_like(targets)
    for number in range(fold.max() + 1):
        own, others = fold == number, fold != number
        head = fit_head(
            columns[others],
            targets[others],
            np.ones(others.sum()),
            groups[others],
            l2=2 / others.sum(),
        )
        prior = targets[others].mean(axis=0)
        scores[own] = log_odds(head.logits(columns[own])) - np.log(prior / (1 - prior))
    return scores


def best_told(
    columns: np.ndarray, labels: np.ndarray, groups: np.ndarray
) -> tuple[int, AucInterval]:
    """Return the class that is told best from the others out of fold, by its interval's lower end.

    Of two classes it is the second: either is told from the other equally well.
    """
    scores = out_of_fold_scores(columns, labels, groups)
    classes = range(1, 2) if scores.shape[1] == 2 else range(scores.shape[1])
    found = {k: auc_with_interval(labels == k, scores[:, k], groups) for k in classes}
    best = max(found, key=lambda k: found[k].low)
    return best, found[best]
