"""Samples: sums by patient, and their permutations and bootstrap draws.

The images of a patient resemble one another, so patients are drawn and not images: as if all images
were independent, some patients with many images would look like drift.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np

_AT_ONCE = 200  # draws whose weights are in memory


@dataclass(frozen=True, eq=False)
class Sample:
    """Sums of the numbers of images by patient.

    Attributes:
        sums: (P, F).
        images: (P,), number of images of each patient, above 0.
    """

    sums: np.ndarray
    images: np.ndarray

    @classmethod
    def of(cls, rows: np.ndarray, patients: np.ndarray) -> Self:
        """Sum the numbers (N, F) of images by their patients (N,), any integers."""
        _, patients = np.unique(patients, return_inverse=True)
        sums = np.zeros((patients.max() + 1, rows.shape[1]))
        np.add.at(sums, patients, rows)
        return cls(sums, np.bincount(patients))

    @property
    def total(self) -> int:
        """Number of images."""
        return int(self.images.sum())

    @property
    def mean(self) -> np.ndarray:
        """The means over the images, (1, F)."""
        return self.weighted(np.ones((1, len(self.images))))

    def weighted(self, weights: np.ndarray) -> np.ndarray:
        """Return the means over the images, (B, F), with each patient as often as (B, P) say."""
        return weights @ self.sums / (weights @ self.images)[:, np.newaxis]

    def drawn(
        self,
        patients: int,
        draws: int,
        rng: np.random.Generator,
        chances: np.ndarray | None = None,
    ) -> np.ndarray:
        """Return the means (B, F) of B samples of so many patients, drawn with replacement.

        `chances` (P,) are those of each patient to be drawn next; None for the same for all.
        """
        share = np.full(len(self.images), 1 / len(self.images)) if chances is None else chances

        def some(number: int) -> np.ndarray:
            return self.weighted(rng.multinomial(patients, share, number).astype(np.float64))

        return _in_parts(draws, some)

    def patients_for(self, images: int) -> int:
        """Return how many patients have about so many images here, at least 1."""
        return max(1, round(images * len(self.images) / self.total))


Means = tuple[np.ndarray, np.ndarray]  # of the reference and of the new images, (B, F) each


def permuted(reference: Sample, new: Sample, draws: int, rng: np.random.Generator) -> Means:
    """Return the means of the two sides with the patients dealt out to them again, B times.

    If patients of both sides come from one distribution, the samples as they are are one draw among
    these: a p-value from them is exact. Source: Good, "Permutation, Parametric and Bootstrap Tests
    of Hypotheses", 3rd ed., 2005, ch. 3.
    """
    both = Sample(
        np.concatenate([reference.sums, new.sums]), np.concatenate([reference.images, new.images])
    )
    patients, of_new = len(both.images), len(new.images)

    def some(number: int) -> np.ndarray:
        order = rng.permuted(np.tile(np.arange(patients), (number, 1)), axis=1)
        is_new = (order < of_new).astype(np.float64)
        return np.stack([both.weighted(1 - is_new), both.weighted(is_new)], axis=1)

    means = _in_parts(draws, some)
    return means[:, 0], means[:, 1]


def redrawn(reference: Sample, images: int, draws: int, rng: np.random.Generator) -> Means:
    """Return the means of two samples of the reference's patients, B times.

    One is as large as the reference, which is a sample too; the other has about as many images as
    are new, of patients with as many images each as in the reference: whose the new ones are is not
    known. Source: Davison, Hinkley, "Bootstrap Methods and their Application", 1997, §4.4.
    """
    return (
        reference.drawn(len(reference.images), draws, rng),
        reference.drawn(reference.patients_for(images), draws, rng),
    )


def redrawn_apart(reference: Sample, new: Sample, draws: int, rng: np.random.Generator) -> Means:
    """Return the means of both sides, each drawn again from its own patients, B times."""
    return (
        reference.drawn(len(reference.images), draws, rng),
        new.drawn(len(new.images), draws, rng),
    )


def _in_parts(draws: int, some: Callable[[int], np.ndarray]) -> np.ndarray:
    def sizes() -> Iterator[int]:
        for first in range(0, draws, _AT_ONCE):
            yield min(_AT_ONCE, draws - first)

    return np.concatenate([some(size) for size in sizes()])
