"""Folds of patients for cross-validation: no patient on both sides, the classes in proportion."""

import numpy as np

from dlmath import seeds
from dlmath.errors import DataError


def patient_folds(groups: np.ndarray, targets: np.ndarray, folds: int, seed: int) -> np.ndarray:
    """Return the fold of each row, (N,), numbered from 0.

    Patients are dealt out one by one, those with most rows first, each to the fold that has
    least of its classes so far: that is the greedy step on sum_fk (n_fk / n_k)^2, for n_fk rows
    of class k in fold f, which is least when every fold has an equal share of every class. Which
    of equal patients comes first is drawn from the seed; the order of the rows plays no part.

    Args:
        groups: (N,) patient of each row, integers or strings.
        targets: (N, K), rows summing to one.
        folds: How many are wanted, at least 2. There are fewer if a class has fewer patients, so
            that every class can be met on both sides.
        seed: Another seed gives other folds.

    Raises:
        DataError: A class has fewer than two patients.
    """
    names, patient = np.unique(groups, return_inverse=True)
    rows_of = np.zeros((len(names), targets.shape[1]))
    np.add.at(rows_of, patient, targets)
    folds = min(folds, _fewest_patients(patient, targets))
    order = seeds.generator(seed, "folds").permutation(len(names))
    order = order[np.argsort(-rows_of[order].sum(axis=1).round(6), kind="stable")]
    shares = rows_of / rows_of.sum(axis=0)  # (P, K)
    filled = np.zeros((folds, targets.shape[1]))
    fold_of_patient = np.empty(len(names), int)
    for number in order:
        fold = int(np.argmin((filled @ shares[number]).round(12)))
        filled[fold] += shares[number]
        fold_of_patient[number] = fold
    return fold_of_patient[patient]


def _fewest_patients(patient: np.ndarray, targets: np.ndarray) -> int:
    """Return the number of patients of the rarest class: of those with a row that is mainly of it.

    Label smoothing gives every row a little of every class: that is no example of it.
    """
    has = np.zeros((patient.max() + 1, targets.shape[1]), bool)
    has[patient, np.argmax(targets, axis=1)] = True
    fewest = int(has.sum(axis=0).min())
    if fewest < 2:
        raise DataError(
            "Choosing the penalty by cross-validation needs at least two patients of every class. "
            f"Received: class number {int(has.sum(axis=0).argmin())} (from 0) with {fewest}. "
            "Add images of further patients, or give the penalty (l2)."
        )
    return fewest
