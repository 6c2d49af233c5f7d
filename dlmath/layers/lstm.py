r"""Long short-term memory: a state c that gates add to, and an output h that a gate lets out.

Source: Tsemo, *The algebra and the geometry aspect of deep learning*, section 7 (lines 567-578);
Hochreiter and Schmidhuber, Neural Computation 9 (1997); the forget gate is Gers et al. (2000). With
z_t = x_t W + h_{t-1} U + b in four blocks and s the sigmoid,

    i = s(z_i),  f = s(z_f),  g = tanh(z_g),  o = s(z_o),
    c_t = f * c_{t-1} + i * g,        h_t = o * tanh(c_t).

**Backward.** delta is the gradient of (h_t, c_t). All products are Hadamard, so by the product rule

    dL/dc_t = delta_c + delta_h * o * tanh'(c_t) =: gamma,
    dL/dz_i = gamma * g * s'(z_i),            dL/dz_f = gamma * c_{t-1} * s'(z_f),
    dL/dz_g = gamma * i * tanh'(z_g),         dL/dz_o = delta_h * tanh(c_t) * s'(z_o),
    dL/dc_{t-1} = gamma * f,                  dL/dh_{t-1} = (dL/dz) U^T.

The way from c_t back to c_{t-1} is a product with f only, without U: where the gates are held, the
Jacobian dc_T/dc_t is the diagonal of the product of the forget gates, and that is why the gradient
need not vanish. The factors of gamma and delta_h do not depend on them, and are computed for
all steps at once.
"""

from typing import Any

import keras
import tensorflow as tf

from dlmath.layers import activations
from dlmath.layers.hand_derived import Gradients
from dlmath.layers.recurrence import Recurrent, States, Trace, at, over_steps, slope


@keras.saving.register_keras_serializable("dlmath")
class LSTM(Recurrent):
    """Long short-term memory, as `keras.layers.LSTM`; arguments as in `Recurrent`, and these.

    Args:
        recurrent_activation: Of the gates.
        unit_forget_bias: Begin with a bias of 1 in the forget gate.

    Shapes: kernel (D, 4 U), recurrent_kernel (U, 4 U), bias (4 U,), in the order i, f, g, o. The
    states are h and c, (N, U) each.
    """

    gates = 4
    states_kept = 2

    def __init__(
        self,
        units: int,
        activation: str | None = "tanh",
        recurrent_activation: str | None = "sigmoid",
        use_bias: bool = True,
        unit_forget_bias: bool = True,
        **kwargs: Any,
    ):
        super().__init__(units, activation, use_bias, **kwargs)
        self.recurrent_activation = activations.name_of(recurrent_activation)
        self.unit_forget_bias = unit_forget_bias

    def _bias_start(self) -> Any:
        if not self.unit_forget_bias:
            return self.bias_initializer

        def start(shape: tuple[int, ...], dtype: Any = None) -> tf.Tensor:
            forget = tf.ones((self.units,), dtype)
            before = self.bias_initializer((self.units,), dtype=dtype)
            after = self.bias_initializer((2 * self.units,), dtype=dtype)
            return tf.concat([before, forget, after], axis=0)

        return start

    def forward(  # type: ignore[override]  # a second state stands after the first
        self,
        x: tf.Tensor,
        h: tf.Tensor,
        c: tf.Tensor,
        kernel: tf.Tensor,
        recurrent_kernel: tf.Tensor,
        bias: tf.Tensor | None = None,
        *,
        mask: tf.Tensor | None = None,
        factors: tf.Tensor | None = None,
    ) -> tuple[tuple, tuple]:
        return self._run(x, (h, c), (kernel, recurrent_kernel, bias), mask, factors)

    def advance(
        self, drive: tf.Tensor, states: States, h: tf.Tensor, weights: tuple
    ) -> tuple[States, States]:
        z = drive + tf.matmul(h, weights[1])
        z_i, z_f, z_g, z_o = tf.split(z, 4, axis=-1)
        gate = self.recurrent_activation
        c = at(gate, z_f) * states[1] + at(gate, z_i) * at(self.activation, z_g)
        return (at(gate, z_o) * at(self.activation, c), c), (z,)

    def coefficients(self, trace: Trace, h: tf.Tensor, weights: tuple) -> States:
        """The factors of gamma and delta_h in dL/dz, of delta_h in gamma, and f."""
        z_i, z_f, z_g, z_o = tf.split(trace.kept[0], 4, axis=-1)
        (i, slope_i), (f, slope_f), (o, slope_o) = (
            slope(self.recurrent_activation, z) for z in (z_i, z_f, z_o)
        )
        g, slope_g = slope(self.activation, z_g)
        squashed, slope_c = slope(self.activation, trace.after[1])
        of_z = [g * slope_i, trace.before[1] * slope_f, i * slope_g, squashed * slope_o]
        return tf.concat(of_z, axis=-1), o * slope_c, f

    def retreat(
        self, delta: States, coefficients: States, weights: tuple
    ) -> tuple[States, tf.Tensor, States]:
        delta_h, delta_c = delta
        of_z, of_c, f = coefficients
        gamma = delta_c + delta_h * of_c
        z = of_z * tf.concat([gamma, gamma, gamma, delta_h], axis=-1)
        to_h = tf.matmul(z, weights[1], transpose_b=True)
        return (z,), to_h, (tf.zeros_like(to_h), gamma * f)

    def weight_gradients(self, trace: Trace, h: tf.Tensor, emitted: States) -> Gradients:
        (z,) = emitted
        return {"recurrent_kernel": over_steps(h, z), "bias": tf.reduce_sum(z, axis=[0, 1])}
