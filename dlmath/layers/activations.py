r"""Activation functions, each with its derivative worked out.

An activation that acts entry by entry, y = f(x), has the diagonal differential v -> f'(x) * v,
which is its own adjoint: dL/dx = g * f'(x). Softmax mixes the entries of a row; its differential is
derived in `Softmax`.

Sources: Tsemo, *The algebra and the geometry aspect of deep learning*, 4 and Proposition 5.2;
Jiang, *A mathematical understanding of deep learning*, 3, whose proofs are given here; Hendrycks
and Gimpel, arXiv:1606.08415 (GELU); Elfwing et al., arXiv:1702.03118 (SiLU).
"""

import math
from collections.abc import Callable

import tensorflow as tf

from dlmath.errors import did_you_mean
from dlmath.layers import cancellation
from dlmath.layers.hand_derived import Function, Gradients


class Relu(Function):
    r"""max(x, 0), and its variants with a cap, a slope on the left, or a threshold.

    **The derivative as a distribution** (Tsemo, Proposition 5.2). ReLU is continuous, and has no
    derivative at 0 as a function. As a distribution it acts on a smooth test function phi of
    compact support by <ReLU', phi> = -<ReLU, phi'>, and by parts

        -int_0^inf x phi'(x) dx = -[x phi(x)]_0^inf + int_0^inf phi(x) dx = int H(x) phi(x) dx.

    The boundary term is zero: x is at 0, phi is at infinity. So ReLU' = H, the Heaviside function,
    which a distribution determines only up to its value at the single point 0. **That value is a
    convention: H(0) = 0**, as in TensorFlow and in Jiang's hypothesis. Componentwise application
    has the Jacobian matrix diag(H(x_1), ..., H(x_m)), since entry i depends only on x_i.

    The general form, with threshold t, slope s and cap c: y = c from c on, y = x on (t, c), and
    y = s (x - t) up to t; the derivative is 0, 1 and s there. At the kinks x = t and x = c it is
    taken from the left and from the right, as TensorFlow does for `relu` and `relu6`. (Keras's cap
    at a value other than 6 goes through `clip`, whose derivative at the cap is 1.)

    Args:
        max_value: The cap c, or None.
        negative_slope: The slope s.
        threshold: The threshold t.
    """

    def __init__(
        self,
        max_value: float | None = None,
        negative_slope: float = 0.0,
        threshold: float = 0.0,
    ):
        self.max_value = max_value
        self.negative_slope = negative_slope
        self.threshold = threshold

    def forward(self, x: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        if not (self.negative_slope or self.threshold):
            y = tf.maximum(x, 0)
        else:
            left = x - self.threshold
            # Not 0 * left, which is NaN at minus infinity.
            left = self.negative_slope * left if self.negative_slope else tf.zeros_like(x)
            y = tf.where(x > self.threshold, x, left)
        return (y if self.max_value is None else tf.minimum(y, self.max_value)), x

    def backward(self, cache: tf.Tensor, g: tf.Tensor) -> Gradients:
        x = cache
        derivative = tf.cast(x > self.threshold, x.dtype)
        if self.negative_slope:
            derivative = derivative + self.negative_slope * (1 - derivative)
        if self.max_value is not None:
            derivative = derivative * tf.cast(x < self.max_value, x.dtype)
        return {"x": g * derivative}


class Sigmoid(Function):
    """s(x) = 1 / (1 + e^-x), with s' = e^-x / (1 + e^-x)^2 = s (1 - s).

    As 1 - s(x) = s(-x), the slope is computed as s(x) s(-x). In float32 1 - s(x) is 0 from x = 17
    on, and the slope is not: at x = 80 it is 1.8e-35.
    """

    def forward(self, x: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return tf.math.sigmoid(x), x

    def backward(self, cache: tf.Tensor, g: tf.Tensor) -> Gradients:
        x = cache
        return {"x": g * (tf.math.sigmoid(x) * tf.math.sigmoid(-x))}


class Tanh(Function):
    """tanh x = (e^x - e^-x) / (e^x + e^-x), with tanh' = 1 - tanh^2 by the quotient rule.

    With the sigmoid s, tanh x = 2 s(2x) - 1, so the slope is 4 s(2x) s(-2x), which is how it is
    computed. In float32 1 - tanh(x)^2 is 0 from x = 8.5 on; this is 1.6e-7 there, as it should be.
    """

    def forward(self, x: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return tf.math.tanh(x), x

    def backward(self, cache: tf.Tensor, g: tf.Tensor) -> Gradients:
        x = cache
        return {"x": 4 * g * (tf.math.sigmoid(2 * x) * tf.math.sigmoid(-2 * x))}


class Silu(Function):
    """x s(x) with the sigmoid s; by the product rule the derivative is s + x s (1 - s).

    1 - s may cancel here: where it does, s is close to 1 and x s (1 - s) far below it.
    """

    def forward(self, x: tf.Tensor) -> tuple[tf.Tensor, tuple]:
        s = tf.math.sigmoid(x)
        return x * s, (x, s)

    def backward(self, cache: tuple, g: tf.Tensor) -> Gradients:
        x, s = cache
        return {"x": g * (s + x * s * (1 - s))}


class Gelu(Function):
    r"""x Phi(x), with Phi the distribution function of the standard normal law (not its tanh fit).

    Phi(x) = (1 + erf(x / sqrt 2)) / 2 has the density phi(x) = e^(-x^2 / 2) / sqrt(2 pi) as its
    derivative, so the product rule gives Phi(x) + x phi(x).

    As 1 + erf(t) = erfc(-t), Phi is computed as erfc(-x / sqrt 2) / 2. The sum cancels on the left:
    in float32 it is 25 % off at x = -5 and 0 from -5.5 on, where y is -1e-7.
    """

    def forward(self, x: tf.Tensor) -> tuple[tf.Tensor, tuple]:
        twice = tf.math.erfc(-x / math.sqrt(2))  # 2 Phi(x)
        return 0.5 * x * twice, (x, twice)

    def backward(self, cache: tuple, g: tf.Tensor) -> Gradients:
        x, twice = cache
        density = tf.exp(-0.5 * x * x) / math.sqrt(2 * math.pi)
        return {"x": g * (0.5 * twice + x * density)}


class Softmax(Function):
    r"""S(z)_j = e^(z_j) / sum over k of e^(z_k), along an axis.

    **The Jacobian** (Tsemo, Lemma 4.1; Jiang, 3). Write E = sum over k of e^(z_k). By the quotient
    rule, with delta the Kronecker symbol,

        dS_j / dz_i = (delta_ij e^(z_j) E - e^(z_j) e^(z_i)) / E^2 = S_j (delta_ij - S_i).

    As a map, dS(v) = S * v - S <S, v>: a symmetric matrix, diag(S) - S^T S for a row S, hence its
    own adjoint, and

        dL/dz = S * (g - <S, g>)      for every row.

    It vanishes on constant rows g, because the entries of S always sum to 1: a check with an
    upstream gradient of ones sees nothing here. It also vanishes on z -> z + c, so the forward pass
    may subtract the largest entry first, which keeps the exponentials from overflowing. For the
    same reason g may be shifted (`cancellation.centred`): where S_j is 1 up to rounding, as of a
    confident classifier, S_j (g_j - <S, g>) is not rounded to 0.

    Args:
        axis: The axis, or axes, along which the entries sum to 1.
    """

    def __init__(self, axis: int | tuple[int, ...] = -1):
        self.axis = axis

    def forward(self, x: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        largest = tf.reduce_max(x, axis=self.axis, keepdims=True)
        powers = tf.exp(x - tf.stop_gradient(largest))
        y = powers / tf.reduce_sum(powers, axis=self.axis, keepdims=True)
        return y, y

    def backward(self, cache: tf.Tensor, g: tf.Tensor) -> Gradients:
        y = cache
        return {"x": y * cancellation.centred(g, y, self.axis)}


ACTIVATIONS: dict[str, Function] = {
    "relu": Relu(),
    "relu6": Relu(max_value=6.0),
    "leaky_relu": Relu(negative_slope=0.2),
    "softmax": Softmax(),
    "sigmoid": Sigmoid(),
    "tanh": Tanh(),
    "silu": Silu(),
    "swish": Silu(),
    "gelu": Gelu(),
}


def name_of(activation: str | None) -> str | None:
    """Return the name of an activation, or None for the identity ("linear" in Keras).

    Raises:
        ValueError: There is no activation of that name here, or it is not a name.
    """
    if activation in (None, "linear"):
        return None
    if not isinstance(activation, str) or activation not in ACTIVATIONS:
        raise ValueError(
            f"`activation` must be one of {', '.join(ACTIVATIONS)}, linear, or None. "
            f"Received: activation={activation!r}.{did_you_mean(str(activation), ACTIVATIONS)}"
        )
    return activation


def get(name: str | None) -> Callable[[tf.Tensor], tf.Tensor]:
    """The activation of that name as a function of a tensor; None is the identity."""
    return ACTIVATIONS[name] if name is not None else tf.identity
