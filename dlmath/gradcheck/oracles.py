r"""Ways to find out whether a backward pass is the adjoint of its forward pass.

phi(x) = <f(x), g>, for random g, is the scalar whose gradient the backward pass claims to give. An
oracle gathers its evidence on phi from the forward pass alone, once, and returns a judge for each
tensor: a function from a claimed gradient to a figure. So the evidence cannot depend on the
backward pass, and many wrong ones can be judged by it.
"""

from collections.abc import Callable
from functools import partial

import numpy as np
import tensorflow as tf

from dlmath.gradcheck.subject import Subject, Tensors, inner, normal_like, tape_gradients

Judge = Callable[[tf.Tensor], float]

# Below this size a gradient counts as zero: rounding noise is not compared with rounding noise.
FLOOR = 1e-6
# A five-point difference has an error of order step^4, and rounding enters as 1e-16 / step.
STEP = 1e-3
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


def tape(
    subject: Subject, upstream: list[tf.Tensor], random: np.random.Generator
) -> dict[str, Judge]:
    """Against the tape through the forward pass."""
    expected = tape_gradients(subject.plain, subject.tensors, upstream)
    return {name: partial(relative_error, theirs=expected[name]) for name in subject.names}


def reference(
    subject: Subject, upstream: list[tf.Tensor], random: np.random.Generator
) -> dict[str, Judge]:
    """Against the reference: its output, and the tape's gradient through it."""
    outputs = zip(
        subject.plain(subject.tensors), subject.by_reference(subject.tensors), strict=True
    )
    forward = max(relative_error(ours, theirs) for ours, theirs in outputs)
    expected = tape_gradients(subject.by_reference, subject.tensors, upstream)

    def judge(claimed: tf.Tensor, name: str) -> float:
        return max(forward, relative_error(claimed, expected[name]))

    return {name: partial(judge, name=name) for name in subject.names}


def differences(
    subject: Subject, upstream: list[tf.Tensor], random: np.random.Generator
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
    subject: Subject, upstream: list[tf.Tensor], random: np.random.Generator
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
    """How far <claimed, direction> is from the slope along it, relative to the larger of both."""
    error = abs(float(tf.reduce_sum(claimed * direction) - slope))
    size = max(float(tf.norm(claimed)), abs(float(slope)), FLOOR)
    return error / size if np.isfinite(error) else float("inf")


def taylor_slope(
    subject: Subject, upstream: list[tf.Tensor], random: np.random.Generator
) -> dict[str, Callable[[tf.Tensor], float | None]]:
    """The order at which phi(x + h v) - phi(x) - h <gradient, v> vanishes with h.

    2 for a right gradient and 1 for a wrong one. None where the remainder is rounding at every h:
    phi is then affine along v and the gradient exact. An odd phi may have 3.
    """
    at_point = inner(subject.plain(subject.tensors), upstream)
    steps = 1e-2 / 2.0 ** np.arange(6)

    def judge_of(name: str) -> Callable[[tf.Tensor], float | None]:
        direction = unit_direction(subject.tensors[name], random)
        along = partial(moved, subject.tensors, name, direction)
        rises = [float(inner(subject.plain(along(h)), upstream) - at_point) for h in steps]
        return partial(judge, direction=direction, rises=np.array(rises))

    def judge(claimed: tf.Tensor, direction: tf.Tensor, rises: np.ndarray) -> float | None:
        remainders = np.abs(rises - steps * float(tf.reduce_sum(claimed * direction)))
        if not np.isfinite(remainders).all():
            return 0.0  # the slope of no gradient at all
        rounding = 1e-13 * (abs(float(at_point)) + float(tf.norm(claimed)) + 1)
        if remainders.max() <= rounding:
            return None
        return float(np.polyfit(np.log(steps), np.log(remainders + 1e-300), 1)[0])

    return {name: judge_of(name) for name in subject.names}


class SecondOrder:
    """Hessian-vector products: the tape over the backward pass against differences of gradients.

    The differences are of the tape's gradients through the plain forward pass, so they know nothing
    of the backward pass. The direction moves all tensors together: mixed derivatives count.
    """

    def __init__(
        self, subject: Subject, upstream: list[tf.Tensor], random: np.random.Generator
    ) -> None:
        self.subject = subject
        self.upstream = upstream
        self.direction = {name: unit_direction(x, random) for name, x in subject.tensors.items()}
        points = {step: self._gradients_at(step) for step in (-2, -1, 1, 2)}

        def product(name: str) -> tf.Tensor:
            return five_point(lambda step: points[round(step / STEP)][name])

        self.expected = {name: product(name) for name in subject.names}

    def _gradients_at(self, steps: int) -> Tensors:
        point = {
            name: x + steps * STEP * self.direction[name]
            for name, x in self.subject.tensors.items()
        }
        return tape_gradients(self.subject.plain, point, self.upstream)

    def figures(self) -> dict[str, float]:
        """The error of each product, by the backward pass as it is now."""
        tensors = self.subject.tensors
        with tf.GradientTape() as outer:
            outer.watch(tensors)
            gradients = tape_gradients(self.subject.wired, tensors, self.upstream)
            along = inner(list(gradients.values()), list(self.direction.values()))
        products = outer.gradient(
            along, tensors, unconnected_gradients=tf.UnconnectedGradients.ZERO
        )
        return {
            name: relative_error(products[name], self.expected[name]) for name in self.subject.names
        }


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
