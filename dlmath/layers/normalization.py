r"""Normalisation to mean 0 and variance 1: the derivation, and what both layers share.

Sources: Ioffe and Szegedy, arXiv:1502.03167 (batch); Ba, Kiros and Hinton, arXiv:1607.06450
(layer); Tsemo, *The algebra and the geometry aspect of deep learning*, 6.

Let m be the mean over some axes, n the number of entries it averages, and

    c = x - m(x),      var = m(c^2),      r = (var + epsilon)^(-1/2),      xhat = r c.

**The differential.** P = identity - m is linear, and the orthogonal projection onto what has mean
0: P P = P and <P v, w> = <v, P w>. So c = P x has dc(v) = P v. Next
dvar(v) = 2 m(c P v) = 2 m(c v), since m(c) = 0, and dr(v) = -r^3 m(c v). With c = xhat / r,

    dxhat(v) = r P v + c dr(v) = r (P v - xhat m(xhat v)).

**The adjoint.** For h = dL/dxhat, <xhat m(xhat v), h> = <v, xhat m(xhat h)>, because m, spread out
again, is self-adjoint. The differential is therefore its own adjoint:

    dL/dx = r (h - m(h) - xhat m(xhat h)).

The first mean is the path through the mean, the second the path through the variance. Leaving
either out is the classic mistake; so is an unbiased variance (n - 1) in one pass and not in the
other. Under a constant h all of dL/dx is exactly zero, whatever epsilon is: h - m(h) = 0, and
m(xhat h) = h m(xhat) = 0. So a check with an upstream gradient of ones cannot see these terms.

**Scale and shift.** y = gamma xhat + beta, gamma and beta constant along some axes: h = gamma g,
and the adjoint of spreading gamma out is the sum over those axes:

    dL/dgamma = sum of g xhat,        dL/dbeta = sum of g.
"""

from collections.abc import Sequence
from typing import NamedTuple

import tensorflow as tf


class Normalized(NamedTuple):
    """x with mean 0 and variance 1 over the axes, and what was divided out (axes kept as 1)."""

    xhat: tf.Tensor
    reciprocal: tf.Tensor  # r
    mean: tf.Tensor
    variance: tf.Tensor


def normalize(x: tf.Tensor, axes: Sequence[int], epsilon: float) -> Normalized:
    """Normalise x over the axes, with the biased variance (divided by n, not n - 1)."""
    mean = tf.reduce_mean(x, axis=axes, keepdims=True)
    centred = x - mean
    variance = tf.reduce_mean(centred * centred, axis=axes, keepdims=True)
    reciprocal = tf.math.rsqrt(variance + epsilon)
    return Normalized(centred * reciprocal, reciprocal, mean, variance)


def at_least_float32(x: tf.Tensor) -> tf.Tensor:
    """Half precision as float32: a variance of numbers above 256 overflows float16."""
    return tf.cast(x, tf.float32) if x.dtype in (tf.float16, tf.bfloat16) else x
