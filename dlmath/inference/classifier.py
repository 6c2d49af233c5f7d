"""A classifier: a decision rule and the network whose probabilities it decides by.

The loop over batches, the out-of-distribution scores and the check for NaN stand here once. A
subclass is a runtime (Keras, LiteRT, ONNX Runtime, TensorFlow): it computes one batch. The table of
them is `dlmath.inference.runtimes`.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Self

import numpy as np

from ..errors import RunError
from ..reporting import Progress
from .decision_rule import DecisionRule

if TYPE_CHECKING:
    from ..data.rows import Rows


class Outputs(NamedTuple):
    """The outputs of a classifier for N images.

    Attributes:
        probabilities: float64 (N, K); NaN where the network gives no number.
        ood_scores: float64 (N,), out-of-distribution scores; None where the run fitted none.
        features: float32 (N, D), the input of the last layer; None where they are not at hand.
    """

    probabilities: np.ndarray
    ood_scores: np.ndarray | None
    features: np.ndarray | None = None

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """Return the outputs of several groups of images as one, in order; there is at least one.

        Out-of-distribution scores and features are there only where every group has them.
        """
        columns: Any = zip(*parts, strict=True)
        arrays: Any = (
            None if any(part is None for part in one) else np.concatenate(one) for one in columns
        )
        return cls(*arrays)

    def row(self, index: int) -> Self:
        """Return the outputs of one image: every array (1, ...)."""
        rows = slice(index, index + 1)
        arrays: Any = (None if array is None else array[rows] for array in self)
        return type(self)(*arrays)

    def check_finite(self, say: Callable[[np.ndarray], str], consequence: str = "") -> None:
        """Check that every probability is a number.

        Args:
            say: Turns the indices of those images into the beginning of the message: whose model
                gives NaN, and for which images.
            consequence: What else follows from it.

        Raises:
            RunError: A probability is NaN or infinite.
        """
        bad = np.flatnonzero(~np.isfinite(self.probabilities).all(axis=1))
        if len(bad):
            reason = f"Its weights are damaged or its training diverged{consequence}"
            raise RunError(f"{say(bad)}. {reason}. Train again.")


@dataclass(frozen=True, eq=False)
class Classifier(DecisionRule, ABC):
    """A decision rule with a network; a subclass runs the network.

    Attributes:
        batch_size: Largest number of images in a call of `compute`. It is part of what a runtime
            computes: the last digits of a matrix product depend on the number of its rows.
        ood_batch_size: Images whose out-of-distribution score is computed at once, in double
            precision; None for those of a batch.
    """

    batch_size: ClassVar[int]
    ood_batch_size: ClassVar[int | None] = None

    @abstractmethod
    def compute(self, batch: np.ndarray) -> Mapping[str, np.ndarray]:
        """Return the outputs of the network for pixels (n, size, size, 3) in 0..255, n at least 1.

        `probabilities` (n, K), and with an out-of-distribution score `features` (n, D), or the
        `ood_scores` (n,) themselves where the network computes them.
        """

    def predict(self, pixels: np.ndarray, progress: Progress | None = None) -> Outputs:
        """Return the outputs for pixels (N, size, size, 3) in 0..255.

        Args:
            pixels: uint8 or floating; may be mapped from a file.
            progress: Called after each batch with (images done, N).
        """
        found = [self.compute(batch) for batch in batches(pixels, self.batch_size, progress)]
        if not found:
            nothing = np.empty((0, len(self.classes)))
            return Outputs(nothing, None if self.ood_score is None else np.empty(0))
        arrays = {name: np.concatenate([one[name] for one in found]) for name in found[0]}
        features = arrays.get("features")
        return Outputs(
            arrays["probabilities"].astype(np.float64),
            self._ood_scores(arrays.get("ood_scores"), features),
            None if features is None else features.astype(np.float32, copy=False),
        )

    def _ood_scores(
        self, measured: np.ndarray | None, features: np.ndarray | None
    ) -> np.ndarray | None:
        if measured is not None:
            return measured.astype(np.float64)
        if self.ood_score is None:
            return None
        assert features is not None
        size = self.ood_batch_size or self.batch_size
        parts = [self.ood_score(rows.astype(np.float64)) for rows in batches(features, size)]
        return np.concatenate(parts)


def batches(array: "Rows", size: int, progress: Progress | None = None) -> Iterator[np.ndarray]:
    """Return the rows of an array in groups of `size`, the last one smaller.

    Args:
        array: (N, ...).
        size: At least 1.
        progress: Called with (rows done, N) when the next group is asked for, or the end.
    """
    for first in range(0, len(array), size):
        yield array[first : first + size]
        if progress:
            progress(min(first + size, len(array)), len(array))
