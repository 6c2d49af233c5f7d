r"""Float32 against float64: what a pass loses when it computes with half the digits.

The float64 passes, which the oracles judge, are run on the float32 numbers. Rounding explains some
of the difference: whatever a relative change of every input, weight and upstream gradient by 2^-24,
the rounding of float32, would change too. It is measured entry by entry on random changes. So
entries of 1e-30 are compared as well as those of 1, a sum that cancels may lose what it must, and
1 + erf(x), which loses more, is found.
"""

import numpy as np
import tensorflow as tf

from dlmath.gradcheck.differentiable import (
    Differentiable,
    Tensors,
    in_float64,
    tape_gradients,
)

ROUNDING = 2.0**-24
DRAWS = (
    8  # that all of them hardly change an entry that rounding does change is out of the question
)
ALLOWANCE = 32  # times what one rounding of the inputs explains: a pass rounds after every step
LEAST, MOST = 1e-36, 1e36  # what float32 holds, with room for a factor

Found = tuple[list[np.ndarray], dict[str, np.ndarray]]  # outputs, and gradients by name


class Float32:
    """The evidence on one subject in float32, gathered by the passes as they are at first.

    Args:
        subject: What is checked, in float64.
        upstream: Its upstream gradients.
        random: Draws the changes.
    """

    def __init__(
        self, subject: Differentiable, upstream: list[tf.Tensor], random: np.random.Generator
    ):
        self.twin = subject.in_float32()
        self.upstream = [tf.cast(g, tf.float32) for g in upstream]
        exact = subject.at(in_float64(self.twin.tensors), in_float64(self.twin.constants))
        upstream = in_float64(self.upstream)
        self.exact = _passes(exact, upstream)
        self.allowed = self._allowed(exact, upstream, random)

    def _allowed(
        self, exact: Differentiable, upstream: list[tf.Tensor], random: np.random.Generator
    ) -> Found:
        """Return how far each entry may be off."""
        changed = [_passes(*_rounded(exact, upstream, random)) for _ in range(DRAWS)]
        outputs, gradients = self.exact
        with np.errstate(invalid="ignore", over="ignore"):
            of_outputs = [
                _bound(value, [one[0][place] for one in changed])
                for place, value in enumerate(outputs)
            ]
            of_gradients = {
                name: _bound(value, [one[1][name] for one in changed])
                for name, value in gradients.items()
            }
        if not exact.lenient:
            return of_outputs, of_gradients
        lost_outputs, lost = self._lost_too()
        return (
            [a + ALLOWANCE * b for a, b in zip(of_outputs, lost_outputs, strict=True)],
            {name: bound + ALLOWANCE * lost[name] for name, bound in of_gradients.items()},
        )

    def _lost_too(self) -> Found:
        """Return what the reference, or without one the tape through the forward pass, loses."""
        with np.errstate(invalid="ignore"):
            outputs, gradients = self._losses()
        return (
            [np.nan_to_num(x, nan=0.0, posinf=0.0) for x in outputs],
            {name: np.nan_to_num(x, nan=0.0, posinf=0.0) for name, x in gradients.items()},
        )

    def _losses(self) -> Found:
        trusted = self.twin.by_reference if self.twin.reference is not None else self.twin.plain
        gradients = tape_gradients(trusted, self.twin.tensors, self.upstream)
        lost = {
            name: np.abs(np.asarray(gradients[name], "float64") - value)
            for name, value in self.exact[1].items()
        }
        if self.twin.reference is None:
            outputs = [ROUNDING * _largest(value) for value in self.exact[0]]
        else:
            theirs = trusted(self.twin.tensors)
            outputs = [
                np.abs(np.asarray(y, "float64") - value)
                for y, value in zip(theirs, self.exact[0], strict=True)
            ]
        return outputs, lost

    def errors(self) -> dict[str, float]:
        """Return for each gradient the largest error, of it or of an output, over what is allowed.

        At most 1 where rounding explains it.
        """
        outputs, gradients = _passes(self.twin, self.upstream)
        forward = max(map(_excess, outputs, self.exact[0], self.allowed[0]), default=0.0)
        return {
            name: max(forward, _excess(gradients[name], value, self.allowed[1][name]))
            for name, value in self.exact[1].items()
        }


def _bound(value: np.ndarray, others: list[np.ndarray]) -> np.ndarray:
    """Return what rounding explains of each entry, by how far it is in the changed runs."""
    by_inputs = np.max([np.abs(other - value) for other in others], axis=0)
    return ALLOWANCE * (by_inputs + ROUNDING * np.abs(value)) + LEAST


def _passes(subject: Differentiable, upstream: list[tf.Tensor]) -> Found:
    outputs, gradients = subject.both_passes(upstream)
    return [np.asarray(y) for y in outputs], {n: np.asarray(g) for n, g in gradients.items()}


def _rounded(
    subject: Differentiable, upstream: list[tf.Tensor], random: np.random.Generator
) -> tuple[Differentiable, list[tf.Tensor]]:
    """Return the subject and its upstream gradients with a random rounding of every number."""

    def rounded(x: tf.Tensor) -> tf.Tensor:
        if not x.dtype.is_floating:
            return x
        return x * (1 + ROUNDING * random.choice((-1.0, 1.0), size=x.shape))

    tensors: Tensors = {name: rounded(x) for name, x in subject.tensors.items()}
    return subject.at(tensors, subject.constants), [rounded(g) for g in upstream]


def _largest(value: np.ndarray) -> np.ndarray:
    """Return the largest finite size in each sample, in a shape that meets the values."""
    finite = np.where(np.isfinite(value), np.abs(value), 0.0)
    sample = tuple(range(1, finite.ndim)) or None
    return finite.max(axis=sample, keepdims=True, initial=0.0)


def _excess(ours: np.ndarray, exact: np.ndarray, allowed: np.ndarray) -> float:
    """Return the largest error over what is allowed, where float32 can hold the exact value."""
    if ours.dtype != np.float32 or ours.shape != exact.shape:
        return float("inf")
    judged = np.isfinite(exact) & (np.abs(exact) < MOST)
    if not np.isfinite(ours[judged]).all():
        return float("inf")
    if not judged.any():
        return 0.0
    with np.errstate(invalid="ignore"):
        return float(
            np.max(np.abs(ours - exact)[judged] / np.nan_to_num(allowed, nan=MOST)[judged])
        )
