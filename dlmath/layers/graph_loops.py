"""Loops in the graph: one step applied along the first axis of some tensors."""

from collections.abc import Callable

import tensorflow as tf

States = tuple[tf.Tensor, ...]


def scan(
    step: Callable[[States, States], tuple[States, States]],
    carry: States,
    inputs: States,
    *,
    reverse: bool = False,
    unroll: bool = False,
) -> tuple[States, States]:
    """Apply `step(carry, inputs at t) -> (carry, emitted)` along the first axis of the inputs.

    The loop is one of TensorFlow's graph, whatever the length; `unroll` writes it out instead,
    which is faster for few steps and needs a length that is known.

    Args:
        step: A step; what it emits has the same number of tensors at every step.
        carry: What the first step starts with.
        inputs: Tensors (T, ...), T at least 1.
        reverse: Begin at the end. What is emitted stands in the order of the inputs all the same.
        unroll: Write the steps out.

    Returns:
        The last carry, and what was emitted, (T, ...) each.
    """
    if unroll:
        return _unrolled(step, carry, inputs, reverse)
    length = tf.shape(inputs[0])[0]
    read = [tf.TensorArray(x.dtype, length).unstack(x) for x in inputs]
    at = (lambda t: length - 1 - t) if reverse else (lambda t: t)
    carry, first = step(carry, tuple(array.read(at(0)) for array in read))
    written = tuple(
        tf.TensorArray(one.dtype, length, element_shape=one.shape).write(at(0), one)
        for one in first
    )

    def body(t: tf.Tensor, carry: States, written: tuple) -> tuple:
        carry, emitted = step(carry, tuple(array.read(at(t)) for array in read))
        return t + 1, carry, tuple(a.write(at(t), e) for a, e in zip(written, emitted, strict=True))

    _, carry, written = tf.while_loop(
        lambda t, *_: t < length, body, (tf.constant(1), tuple(carry), written)
    )
    return carry, tuple(array.stack() for array in written)


def _unrolled(step: Callable, carry: States, inputs: States, reverse: bool) -> tuple:
    steps = range(inputs[0].shape[0])
    emitted: dict[int, States] = {}
    for t in reversed(steps) if reverse else steps:
        carry, emitted[t] = step(carry, tuple(x[t] for x in inputs))
    columns = zip(*(emitted[t] for t in steps), strict=True)
    return carry, tuple(tf.stack(column) for column in columns)
