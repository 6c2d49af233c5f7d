"""All decisions that a threshold can make on some images, counted once for any weights."""

import numpy as np


class Cuts:
    """Every way to cut images into those below a threshold and those at or above it.

    Attributes:
        candidates: (C,) one threshold for each cut, the lowest first: below all scores, midway
            between each two, and above all.
        scores: (C + 1,) what the candidates lie between: 0, the distinct scores, and 1 or, with an
            image at 1, the number after it.
    """

    def __init__(self, positive: np.ndarray, probability: np.ndarray) -> None:
        self._order = np.argsort(probability, kind="stable")
        self._positive = positive[self._order]
        scores, first = np.unique(probability[self._order], return_index=True)
        # At the i-th candidate the images of the i lowest scores are decided negative.
        self._below = np.append(first, len(probability))
        top = max(1.0, float(np.nextafter(scores[-1], np.inf)))
        self.scores = np.concatenate([[0.0], scores, [top]])
        self.candidates = _candidates(self.scores)

    def count(self, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return what each candidate decides negative, for weights (R, N).

        Returns:
            The weight of missed positives and that of rejected negatives, (R, C) each; their last
            columns hold all of them.
        """
        weights = weights[:, self._order]
        return self._sums(weights * self._positive), self._sums(weights * ~self._positive)

    def _sums(self, weights: np.ndarray) -> np.ndarray:
        sums = np.zeros((len(weights), weights.shape[1] + 1))
        np.cumsum(weights, axis=1, out=sums[:, 1:])
        return sums[:, self._below]


def _candidates(scores: np.ndarray) -> np.ndarray:
    lower, upper = scores[:-1], scores[1:]
    middle = (lower + upper) / 2
    # Between neighbouring floats the midpoint rounds to one of them; the upper one is right.
    return np.where(middle > lower, middle, upper)
