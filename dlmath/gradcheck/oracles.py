r"""Six ways to find out whether a backward pass is the adjoint of its forward pass.

Each oracle takes a subject, upstream gradients g and random numbers, and returns one relative error
for each examined tensor. phi(x) = <f(x), g> is the scalar whose gradient the backward pass claims.
"""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from dlmath.gradcheck.subject import Subject, Tensors, inner, normal_like, tape_gradients

Errors = dict[str, float]
Oracle = Callable[[Subject, list[tf.Tensor], np.random.Generator], Errors]

# Below this size a gradient counts as zero: rounding noise is not compared with rounding noise.
FLOOR = 1e-6
# A five-point difference has an error of order step^4, and rounding enters as 1e-16 / step.
STEP = 1e-3
DIRECTIONS = 3  # a wrong gradient that is right in three random directions has probability zero


def relative_error(ours: tf.Tensor, theirs: tf.Tensor) -> float:
    """The largest difference over the largest entry; infinite if shapes differ or ours is not finite."""
    a, b = np.asarray(ours), np.asarray(theirs)
    if a.shape != b.shape or not np.isfinite(a).all():
        return float("inf")
    if a.size == 0:
        return 0.0
    return float(np.abs(a - b).max() / max(np.abs(a).max(), np.abs(b).max(), FLOOR))


def tape(subject: Subject, upstream: list[tf.Tensor], random: np.random.Generator) -> Errors:
    """Against the tape through the forward pass, for the bare backward pass and for the wired one."""
    expected = tape_gradients(subject.plain, subject.tensors, upstream)
    bare = subject.by_hand(upstream)
    wired = tape_gradients(subject.wired, subject.tensors, upstream)
    return {
        name: max(
            relative_error(bare[name], expected[name]), relative_error(wired[name], expected[name])
        )
        for name in subject.names
    }


def reference(subject: Subject, upstream: list[tf.Tensor], random: np.random.Generator) -> Errors:
    """Against the reference: its output, and the tape's gradient through it."""
    outputs = zip(
        subject.plain(subject.tensors), subject.by_reference(subject.tensors), strict=True
    )
    forward = max(relative_error(ours, theirs) for ours, theirs in outputs)
    expected = tape_gradients(subject.by_reference, subject.tensors, upstream)
    ours = subject.by_hand(upstream)
    return {
        name: max(forward, relative_error(ours[name], expected[name])) for name in subject.names
    }


def differences(subject: Subject, upstream: list[tf.Tensor], random: np.random.Generator) -> Errors:
    """Directional derivatives of phi against central differences of fourth order."""
    gradients = subject.by_hand(upstream)
    errors = {}
    for name in subject.names:
        gradient, worst = gradients[name], 0.0
        for _ in range(DIRECTIONS):
            direction = unit_direction(subject.tensors[name], random)
            derivative = five_point(
                lambda step, name=name, direction=direction: inner(
                    subject.plain(moved(subject.tensors, name, step, direction)), upstream
                )
            )
            claimed = tf.reduce_sum(gradient * direction)
            size = max(float(tf.norm(gradient)), abs(float(derivative)), FLOOR)
            worst = max(worst, _finite(abs(float(claimed - derivative)) / size))
        errors[name] = worst
    return errors


def taylor_slope(
    subject: Subject, upstream: list[tf.Tensor], random: np.random.Generator
) -> dict[str, float | None]:
    """The order at which phi(x + h v) - phi(x) - h <gradient, v> vanishes with h.

    2 for a right gradient and 1 for a wrong one. None where the remainder is rounding at every h:
    phi is then affine along v and the gradient exact. At least 2 passes: an odd phi may have 3.
    """
    gradients = subject.by_hand(upstream)
    at_point = inner(subject.plain(subject.tensors), upstream)
    steps = 1e-2 / 2.0 ** np.arange(6)
    slopes: dict[str, float | None] = {}
    for name in subject.names:
        direction = unit_direction(subject.tensors[name], random)
        claimed = tf.reduce_sum(gradients[name] * direction)
        remainders = np.array(
            [
                float(inner(subject.plain(moved(subject.tensors, name, h, direction)), upstream))
                - float(at_point + h * claimed)
                for h in steps
            ]
        )
        rounding = 1e-13 * (abs(float(at_point)) + float(tf.norm(gradients[name])) + 1)
        # A gradient that is not finite has a remainder that is not; its slope is 0, a failure.
        if not np.isfinite(remainders).all():
            slopes[name] = 0.0
        elif np.abs(remainders).max() <= rounding:
            slopes[name] = None
        else:
            slopes[name] = float(np.polyfit(np.log(steps), np.log(np.abs(remainders) + 1e-300), 1)[0])
    return slopes


def adjoint(subject: Subject, upstream: list[tf.Tensor], random: np.random.Generator) -> Errors:
    """<J v, g> = <v, J* g>: forward-mode derivative against backward pass.

    The forward mode runs eagerly, through the plain forward pass. Inside `tf.function` it would use
    the hand-written gradient of a wired function, and compare it with itself.
    """
    gradients = subject.by_hand(upstream)
    errors = {}
    for name in subject.names:
        value = subject.tensors[name]
        direction = unit_direction(value, random)
        with tf.autodiff.ForwardAccumulator(value, direction) as forward_mode:
            outputs = subject.plain({**subject.tensors, name: value})
            tangents = [
                tf.zeros_like(output) if tangent is None else tangent
                for output, tangent in ((y, forward_mode.jvp(y)) for y in outputs)
            ]
        left, right = inner(tangents, upstream), tf.reduce_sum(direction * gradients[name])
        size = max(float(tf.norm(gradients[name])), abs(float(left)), FLOOR)
        errors[name] = _finite(abs(float(left - right)) / size)
    return errors


def second_order(
    subject: Subject, upstream: list[tf.Tensor], random: np.random.Generator
) -> Errors:
    """Hessian-vector products: the tape over the backward pass against differences of gradients.

    The differences are of the tape's gradients through the plain forward pass, so they know nothing
    of the backward pass. The direction moves all tensors together: mixed derivatives count.
    """
    direction = {name: unit_direction(x, random) for name, x in subject.tensors.items()}
    with tf.GradientTape() as outer:
        outer.watch(subject.tensors)
        gradients = tape_gradients(subject.wired, subject.tensors, upstream)
        along = inner(list(gradients.values()), list(direction.values()))
    by_hand = outer.gradient(
        along, subject.tensors, unconnected_gradients=tf.UnconnectedGradients.ZERO
    )

    def gradient_at(step: float, name: str) -> tf.Tensor:
        point = {n: x + step * direction[n] for n, x in subject.tensors.items()}
        return tape_gradients(subject.plain, point, upstream)[name]

    return {
        name: relative_error(
            by_hand[name], five_point(lambda step, name=name: gradient_at(step, name))
        )
        for name in subject.names
    }


def unit_direction(x: tf.Tensor, random: np.random.Generator) -> tf.Tensor:
    """A random direction of length 1 in the space of x."""
    direction = normal_like(x, random)
    return direction / tf.maximum(tf.norm(direction), FLOOR)


def moved(tensors: Tensors, name: str, step: float, direction: tf.Tensor) -> Tensors:
    """The tensors with one of them moved by `step` along `direction`."""
    return {**tensors, name: tensors[name] + step * direction}


def five_point(function: Callable[[float], tf.Tensor]) -> tf.Tensor:
    """The derivative of a function of the step at 0, exact for polynomials of degree 4."""
    near = function(STEP) - function(-STEP)
    far = function(2 * STEP) - function(-2 * STEP)
    return (8 * near - far) / (12 * STEP)


def _finite(error: float) -> float:
    return error if np.isfinite(error) else float("inf")
