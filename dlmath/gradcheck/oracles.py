r"""Ways to find out whether a backward pass is the adjoint of its forward pass.

phi(x) = <f(x), g>, for random g, is the scalar whose gradient the backward pass claims to give. An
oracle gathers its evidence on phi from only the forward pass, once, and returns a judge for each
tensor: a function from a claimed gradient to an error. So the evidence cannot depend on the
backward pass, and many wrong ones can be judged by it.
"""

from collections.abc import Callable
from functools import cache, partial

import numpy as np
import tensorflow as tf

from dlmath.gradcheck.differentiable import (
    Differentiable,
    Tensors,
    inner,
    normal_like,
    tape_gradients,
)

Judge = Callable[[tf.Tensor], float]

# Below this size a gradient counts as zero: rounding noise is not compared with rounding noise.
# Where each entry is measured against itself, the same part of its sample's largest is the least
# size: float64 carries 16 digits of the largest term of a sum, and the tolerance asks for 8 of 14.
FLOOR = 1e-6
# A five-point difference has an error of order step^4, and rounding enters as 1e-16 / step.
STEP = 1e-3
LEAST_SLOPE = 1.9  # of the Taylor remainder: 2 when the gradient is right, 1 when it is wrong
ROUNDINGS = 32  # times what three roundings of one computation show
DIRECTIONS = 3  # a wrong gradient that is right in three random directions has probability zero


def relative_error(ours: tf.Tensor, theirs: tf.Tensor) -> float:
    """The largest difference over the largest entry.

    Infinite if the shapes differ or a number is not finite: NaN exceeds no bound, and what is
    compared with it would pass.
    """
    a, b = np.asarray(ours), np.asarray(theirs)
    if a.shape != b.shape or not (np.isfinite(a).all() and np.isfinite(b).all()):
        return float("inf")
    if a.size == 0:
        return 0.0
    return float(np.abs(a - b).max() / max(np.abs(a).max(), np.abs(b).max(), FLOOR))


def entry_error(ours: tf.Tensor, theirs: tf.Tensor, slack: np.ndarray | float = 0.0) -> float:
    """The largest difference of two entries, each over its own size.

    The size of an entry is the larger of the two, and at least `FLOOR` times the largest entry of
    its sample (its slice along the first axis, of a vector all of it), and at least `FLOOR`. So an
    entry that is zero and should not be is noticed from 1e-14 of the largest on. Infinite where
    `relative_error` is. Differences of up to `slack` do not count.
    """
    a, b = np.asarray(ours), np.asarray(theirs)
    if a.shape != b.shape or not (np.isfinite(a).all() and np.isfinite(b).all()):
        return float("inf")
    if a.size == 0:
        return 0.0
    size = np.maximum(np.abs(a), np.abs(b))
    sample = tuple(range(1, size.ndim)) or None
    floor = FLOOR * np.maximum(size.max(axis=sample, keepdims=True), 1.0)
    return float((np.maximum(np.abs(a - b) - slack, 0.0) / np.maximum(size, floor)).max())


def rounding_of_tape(
    subject: Differentiable, upstream: list[tf.Tensor], expected: Tensors
) -> dict[str, np.ndarray]:
    """Return how far the tape's own gradients may be off, as one number for each sample.

    The gradient is linear in the upstream one, so a factor changes nothing but the rounding. Where
    a saturated softmax meets large values, the tape loses more than a careful backward pass does.
    """
    trusted = subject.by_reference if subject.reference is not None else subject.plain
    found = dict.fromkeys(subject.names, np.zeros(()))
    for factor in (3.0, 5.0, 7.0):
        scaled = tape_gradients(trusted, subject.tensors, [factor * g for g in upstream])
        for name in subject.names:
            with np.errstate(invalid="ignore", over="ignore"):
                off = np.abs(np.asarray(scaled[name]) / factor - expected[name])
            off = np.where(np.isfinite(off), off, 0.0)
            sample = tuple(range(1, off.ndim)) or None
            found[name] = np.maximum(found[name], off.max(axis=sample, keepdims=True, initial=0.0))
    return {name: ROUNDINGS * off for name, off in found.items()}


def tape(
    subject: Differentiable, upstream: list[tf.Tensor], random: np.random.Generator
) -> dict[str, Judge]:
    """Against the tape through the forward pass, entry by entry."""
    expected = tape_gradients(subject.plain, subject.tensors, upstream)
    return {name: partial(entry_error, theirs=expected[name]) for name in subject.names}


def reference(
    subject: Differentiable, upstream: list[tf.Tensor], random: np.random.Generator
) -> dict[str, Judge]:
    """Against the reference, entry by entry: its output, and the tape's gradient through it."""
    ours, theirs = subject.plain(subject.tensors), subject.by_reference(subject.tensors)
    forward = outputs_error(ours, theirs)
    if not np.isfinite(forward):  # of another shape, perhaps: no gradient can be compared
        return dict.fromkeys(subject.names, lambda claimed: forward)
    expected = tape_gradients(subject.by_reference, subject.tensors, upstream)

    def judge(claimed: tf.Tensor, name: str) -> float:
        return max(forward, entry_error(claimed, expected[name]))

    return {name: partial(judge, name=name) for name in subject.names}


def outputs_error(ours: list[tf.Tensor], theirs: list[tf.Tensor]) -> float:
    """The largest error of an entry of the outputs; infinite if they are not as many."""
    if len(ours) != len(theirs):
        return float("inf")
    return max((entry_error(a, b) for a, b in zip(ours, theirs, strict=True)), default=0.0)


def differences(
    subject: Differentiable, upstream: list[tf.Tensor], random: np.random.Generator
) -> dict[str, Judge]:
    """Directional derivatives of phi by central differences of fourth order."""

    def evidence(name: str) -> tuple[tf.Tensor, tf.Tensor]:
        direction = unit_direction(subject.tensors[name], random)
        along = partial(moved, subject.tensors, name, direction)
        return direction, five_point(lambda step: inner(subject.plain(along(step)), upstream))

    found = {name: [evidence(name) for _ in range(DIRECTIONS)] for name in subject.names}

    def judge(claimed: tf.Tensor, name: str) -> float:
        return max(_along(claimed, direction, slope) for direction, slope in found[name])

    return {name: partial(judge, name=name) for name in subject.names}


def adjoint(
    subject: Differentiable, upstream: list[tf.Tensor], random: np.random.Generator
) -> dict[str, Judge]:
    """<J v, g> = <v, J* g>: forward-mode derivative against backward pass.

    The forward mode runs eagerly, through the plain forward pass. Inside `tf.function` it would use
    the hand-written gradient of a wired function, and compare it with itself.
    """

    def judge_of(name: str) -> Judge:
        value = subject.tensors[name]
        direction = unit_direction(value, random)
        with tf.autodiff.ForwardAccumulator(value, direction) as forward_mode:
            outputs = subject.plain({**subject.tensors, name: value})
            tangents = [forward_mode.jvp(output) for output in outputs]
        pairs = [(t, g) for t, g in zip(tangents, upstream, strict=True) if t is not None]
        left = tf.zeros((), value.dtype)
        if pairs:  # without any, no output depends on the tensor
            left = inner([tangent for tangent, _ in pairs], [g for _, g in pairs])
        return partial(_along, direction=direction, slope=left)

    return {name: judge_of(name) for name in subject.names}


def _along(claimed: tf.Tensor, direction: tf.Tensor, slope: tf.Tensor) -> float:
    """Return the relative difference of <claimed, direction> from the slope along it."""
    error = abs(float(tf.reduce_sum(claimed * direction) - slope))
    size = max(float(tf.norm(claimed)), abs(float(slope)), FLOOR)
    return error / size if np.isfinite(error) else float("inf")


def taylor_slope(
    subject: Differentiable, upstream: list[tf.Tensor], random: np.random.Generator
) -> dict[str, Callable[[tf.Tensor], float | None]]:
    """The order at which phi(x + h v) - phi(x) - h <gradient, v> vanishes with h.

    2 for a right gradient and 1 for a wrong one. None where the remainder is rounding at every h:
    phi is then affine along v and the gradient exact. An odd phi may have 3.

    Where terms of second and third order nearly cancel, the line is bent and its slope too small
    although the gradient is right. So a slope below `LEAST_SLOPE` is looked at again, without the
    terms of even order: [phi(x + h v) - phi(x - h v)] / 2 - h <gradient, v> vanishes with order 3
    or more for a right gradient, and still with 1 for a wrong one.
    """
    at_point = inner(subject.plain(subject.tensors), upstream)
    steps = 1e-2 / 2.0 ** np.arange(6)

    def judge_of(name: str) -> Callable[[tf.Tensor], float | None]:
        direction = unit_direction(subject.tensors[name], random)
        along = partial(moved, subject.tensors, name, direction)

        @cache
        def rises(sign: int) -> np.ndarray:
            there = [inner(subject.plain(along(sign * h)), upstream) for h in steps]
            return np.array([float(value - at_point) for value in there])

        return partial(judge, direction=direction, rises=rises)

    def judge(
        claimed: tf.Tensor, direction: tf.Tensor, rises: Callable[[int], np.ndarray]
    ) -> float | None:
        linear = steps * float(tf.reduce_sum(claimed * direction))
        rounding = 1e-13 * (abs(float(at_point)) + float(tf.norm(claimed)) + 1)
        found = order_of(rises(1) - linear, steps, rounding)
        if found is None or found >= LEAST_SLOPE:
            return found
        return order_of((rises(1) - rises(-1)) / 2 - linear, steps, rounding)

    return {name: judge_of(name) for name in subject.names}


def order_of(remainders: np.ndarray, steps: np.ndarray, rounding: float) -> float | None:
    """Return the slope of log|remainder| over log step; None where all are rounding."""
    sizes = np.abs(remainders)
    if not np.isfinite(sizes).all():
        return 0.0  # the slope of no gradient at all
    if sizes.max() <= rounding:
        return None
    return float(np.polyfit(np.log(steps), np.log(sizes + 1e-300), 1)[0])


class SecondOrder:
    """Second derivatives: the tape over the backward pass against differences of gradients.

    Each gradient is judged by itself: <dL/dx, v> is differentiated by every tensor, and, second
    derivatives being symmetric, that is how all gradients change as x moves along v. The changes
    are differences of the tape's gradients through the plain forward pass, so they know nothing of
    the backward pass.
    """

    def __init__(
        self, subject: Differentiable, upstream: list[tf.Tensor], random: np.random.Generator
    ) -> None:
        self.subject = subject
        self.upstream = upstream
        self.direction = {
            name: unit_direction(subject.tensors[name], random) for name in subject.names
        }
        self.expected = {name: self._changes_along(name) for name in subject.names}

    def _changes_along(self, name: str) -> tf.Tensor:
        """Return the derivative of all gradients, one after the other, as one tensor moves."""

        def gradients(step: float) -> tf.Tensor:
            point = moved(self.subject.tensors, name, self.direction[name], step)
            return _flat(tape_gradients(self.subject.plain, point, self.upstream))

        return five_point(gradients)

    def errors(self) -> dict[str, float]:
        """The error of each gradient's derivatives, by the backward pass as it is now."""
        tensors = self.subject.tensors
        with tf.GradientTape(persistent=True) as outer:
            outer.watch([x for x in tensors.values() if x.dtype.is_floating])
            gradients = tape_gradients(self.subject.wired, tensors, self.upstream)
            along = {
                name: tf.reduce_sum(gradients[name] * self.direction[name])
                for name in self.subject.names
            }
        zero = tf.UnconnectedGradients.ZERO
        real = {name: x for name, x in tensors.items() if x.dtype.is_floating}
        return {
            name: relative_error(
                _flat(outer.gradient(along[name], real, unconnected_gradients=zero)),
                self.expected[name],
            )
            for name in self.subject.names
        }


def _flat(tensors: Tensors) -> tf.Tensor:
    return tf.concat([tf.reshape(tensor, [-1]) for tensor in tensors.values()], axis=0)


def unit_direction(x: tf.Tensor, random: np.random.Generator) -> tf.Tensor:
    """A random direction of length 1 in the space of x."""
    direction = normal_like(x, random)
    return direction / tf.maximum(tf.norm(direction), FLOOR)


def moved(tensors: Tensors, name: str, direction: tf.Tensor, step: float) -> Tensors:
    """The tensors with one of them moved by `step` along `direction`."""
    return {**tensors, name: tensors[name] + step * direction}


def five_point(function: Callable[[float], tf.Tensor]) -> tf.Tensor:
    """The derivative of a function of the step at 0, exact for polynomials of degree 4."""
    near = function(STEP) - function(-STEP)
    far = function(2 * STEP) - function(-2 * STEP)
    return (8 * near - far) / (12 * STEP)
