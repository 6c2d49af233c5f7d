r"""The gated recurrent unit: one gate z between the old state and a new one, one gate r before it.

Source: Tsemo, *The algebra and the geometry aspect of deep learning*, section 7 (lines 579-586);
Cho et al. 2014 (arXiv:1406.1078). With s the sigmoid, three blocks of columns, and p the part of
the candidate that comes from the state,

    z = s(x W_z + b_z + h U_z),    r = s(x W_r + b_r + h U_r),    k = tanh(x W_k + b_k + p),
    h' = z * h + (1 - z) * k.

As in Keras, h U has a bias of its own where p = r * (h U_k + b'_k) (`reset_after`, the form that
needs one matrix product a step); the paper's form is p = (r * h) U_k.

**Backward**, for the gradient delta of h', with a_z, a_r, a_k for what stands in the activations:

    dL/da_z = delta * (h - k) * s'(a_z),         dL/da_k = delta * (1 - z) * tanh'(a_k) =: kappa.

If the gate comes after, q = h U_k + b'_k, then dL/da_r = kappa * q * s'(a_r) and dL/dq = kappa * r:
every gradient is delta times fixed factors, and

    dL/dh = delta * z + [dL/da_z, dL/da_r, dL/dq] U^T.

If it comes before, rho = kappa U_k^T is the gradient of r * h, so dL/da_r = rho * h * s'(a_r) and

    dL/dh = delta * z + [dL/da_z, dL/da_r] [U_z, U_r]^T + rho * r.

A GRU has three blocks where an LSTM has four, hence exactly 3/4 of its weights without
`reset_after`, which adds a second bias of 3 U.
"""

from typing import Any

import keras
import tensorflow as tf

from dlmath.layers import activations
from dlmath.layers.hand_derived import Gradients
from dlmath.layers.recurrence import Recurrent, States, Trace, at, over_steps, slope


@keras.saving.register_keras_serializable("dlmath")
class GRU(Recurrent):
    """The gated recurrent unit, as `keras.layers.GRU`; arguments as in `Recurrent`, and these.

    Args:
        recurrent_activation: Of the gates.
        reset_after: Apply the reset gate after the product with the recurrent kernel.

    Shapes: kernel (D, 3 U), recurrent_kernel (U, 3 U), in the order z, r, k; bias (3 U,), or
    (2, 3 U) with `reset_after`.
    """

    gates = 3

    def __init__(
        self,
        units: int,
        activation: str | None = "tanh",
        recurrent_activation: str | None = "sigmoid",
        use_bias: bool = True,
        reset_after: bool = True,
        **kwargs: Any,
    ):
        super().__init__(units, activation, use_bias, **kwargs)
        self.recurrent_activation = activations.name_of(recurrent_activation)
        self.reset_after = reset_after

    def _bias_shape(self) -> tuple[int, ...]:
        width = self.gates * self.units
        return (2, width) if self.reset_after else (width,)

    def _input_bias(self, bias: tf.Tensor) -> tf.Tensor:
        return bias[0] if self.reset_after else bias

    def advance(
        self, drive: tf.Tensor, states: States, h: tf.Tensor, weights: tuple
    ) -> tuple[States, States]:
        _, recurrent, bias = weights
        x_gates, x_k = self._blocks(drive)
        if self.reset_after:
            product = tf.matmul(h, recurrent)
            product = product if bias is None else product + bias[1]
            of_gates, q = self._blocks(product)
            gates = x_gates + of_gates
            z, r = tf.split(at(self.recurrent_activation, gates), 2, axis=-1)
            a = x_k + r * q
            kept: States = (q,)
        else:
            u_gates, u_k = self._blocks(recurrent)
            gates = x_gates + tf.matmul(h, u_gates)
            z, r = tf.split(at(self.recurrent_activation, gates), 2, axis=-1)
            a = x_k + tf.matmul(r * h, u_k)
            kept = ()
        new = z * states[0] + (1 - z) * at(self.activation, a)
        return (new,), (tf.concat([gates, a], axis=-1), *kept)

    def coefficients(self, trace: Trace, h: tf.Tensor, weights: tuple) -> States:
        z, slope_z, r, slope_r, k, slope_k = self._at_steps(trace)
        of_z = (trace.before[0] - k) * slope_z
        of_k = (1 - z) * slope_k
        if not self.reset_after:
            return z, of_z, of_k, h * slope_r, r
        q = trace.kept[1]
        gates = [of_z, of_k * q * slope_r]
        return z, tf.concat([*gates, of_k], axis=-1), tf.concat([*gates, of_k * r], axis=-1)

    def retreat(
        self, delta: States, coefficients: States, weights: tuple
    ) -> tuple[States, tf.Tensor, States]:
        (d,) = delta
        recurrent = weights[1]
        z, *rest = coefficients
        if self.reset_after:
            thrice = tf.concat([d, d, d], axis=-1)
            drive, product = thrice * rest[0], thrice * rest[1]
            to_h = tf.matmul(product, recurrent, transpose_b=True)
            return (drive, product), to_h, (d * z,)
        of_z, of_k, of_r, r = rest
        u_gates, u_k = self._blocks(recurrent)
        kappa = d * of_k
        rho = tf.matmul(kappa, u_k, transpose_b=True)
        gates = tf.concat([d * of_z, rho * of_r], axis=-1)
        to_h = tf.matmul(gates, u_gates, transpose_b=True) + rho * r
        return (tf.concat([gates, kappa], axis=-1),), to_h, (d * z,)

    def weight_gradients(self, trace: Trace, h: tf.Tensor, emitted: States) -> Gradients:
        drive = emitted[0]
        if self.reset_after:
            product = emitted[1]
            sums = [tf.reduce_sum(one, axis=[0, 1]) for one in (drive, product)]
            return {"recurrent_kernel": over_steps(h, product), "bias": tf.stack(sums)}
        gates, kappa = self._blocks(drive)
        r = self._at_steps(trace)[2]
        parts = [over_steps(h, gates), over_steps(r * h, kappa)]
        return {
            "recurrent_kernel": tf.concat(parts, axis=-1),
            "bias": tf.reduce_sum(drive, axis=[0, 1]),
        }

    def _blocks(self, columns: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """The columns of the two gates, and those of the candidate."""
        return columns[..., : 2 * self.units], columns[..., 2 * self.units :]

    def _at_steps(self, trace: Trace) -> States:
        """z, r and k at all steps, each followed by its slope."""
        gates, a = self._blocks(trace.kept[0])
        value, rise = slope(self.recurrent_activation, gates)
        (z, r), (slope_z, slope_r) = (tf.split(one, 2, axis=-1) for one in (value, rise))
        k, slope_k = slope(self.activation, a)
        return z, slope_z, r, slope_r, k, slope_k
