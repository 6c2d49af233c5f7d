r"""Sums that keep their small terms next to a large one.

A share s close to 1 is rounded to 1 - s = 0 from s = 1 - 3e-8 on in float32, though the true
difference, 1e-9 say, is a float32 number. The shares of a softmax sum to 1, so the difference is
the sum of the others; nothing cancels when those are added up without the largest.

Both functions single out the largest entry, or several that tie, by weights w: 1 there and 0
elsewhere. What they return does not depend on w in exact arithmetic, so w has no gradient.
"""

from typing import Any

import tensorflow as tf


def leaders(x: tf.Tensor, axis: Any) -> tf.Tensor:
    """Return 1 where x is largest along the axis, or axes, and 0 elsewhere."""
    return tf.cast(x == tf.reduce_max(x, axis=axis, keepdims=True), x.dtype)


def sum_of_others(x: tf.Tensor, axis: Any) -> tf.Tensor:
    """Return for every entry the sum of the other entries along the axis, or axes.

    With w from `leaders` it is <1 - w, x> + (<w, x> - x), where <w, x> is the largest entry, or
    as many times it as tie.

    Shapes: x and the result are of one shape; x is finite.
    """
    weights = leaders(x, axis)
    small = tf.reduce_sum((1 - weights) * x, axis=axis, keepdims=True)
    return small + (tf.reduce_sum(weights * x, axis=axis, keepdims=True) - x)


def centred(g: tf.Tensor, shares: tf.Tensor, axis: Any) -> tf.Tensor:
    """Return g - <shares, g>, for shares that sum to 1 along the axis, or axes.

    A constant added to g changes nothing, so the entry of g at the largest share is subtracted
    first: that share, close to 1, then meets a 0.

    Shapes: g, the shares and the result are of one shape.
    """
    h = g - tf.reduce_sum(leaders(shares, axis) * g, axis=axis, keepdims=True)
    return h - tf.reduce_sum(shares * h, axis=axis, keepdims=True)
