r"""The simple recurrent layer: h_t = phi(x_t W + h_{t-1} U + b).

Source: Tsemo, *The algebra and the geometry aspect of deep learning*, section 7 (lines 540-566),
whose displayed formulas the text at hand has lost; they are written out here.

Let a_t = x_t W + h_{t-1} U + b. As h_{t-1} moves along v, h_t moves along phi'(a_t) * (v U), a
Hadamard product after a multiplication from the right; both adjoints are known, so

    J_t* delta = (phi'(a_t) * delta) U^T,

and with epsilon_t = phi'(a_t) * delta_t, the gradient of a_t,

    dL/dx_t = epsilon_t W^T,      dL/dW = sum over t of x_t^T epsilon_t,
    dL/dU = sum over t of h_{t-1}^T epsilon_t,      dL/db = sum over t and rows of epsilon_t.

In the paper's columns, dh_k/dh_t is the product of diag(phi'(a_j)) U^T for j = t+1, ..., k.
"""

import keras
import tensorflow as tf

from dlmath.layers.hand_derived import Gradients
from dlmath.layers.recurrence import Recurrent, States, Trace, at, over_steps, slope


@keras.saving.register_keras_serializable("dlmath")
class SimpleRNN(Recurrent):
    """A recurrent layer of one dense map, as `keras.layers.SimpleRNN`; see `Recurrent`.

    Shapes: kernel (D, U), recurrent_kernel (U, U), bias (U,).

    Example:
        >>> import tensorflow as tf
        >>> from dlmath.layers import SimpleRNN
        >>> layer = SimpleRNN(1, activation=None, kernel_initializer="ones",
        ...                   recurrent_initializer="ones", return_sequences=True)
        >>> layer(tf.constant([[[1.0], [2.0], [3.0]]])).numpy().ravel().tolist()  # running sums
        [1.0, 3.0, 6.0]
    """

    def advance(
        self, drive: tf.Tensor, states: States, h: tf.Tensor, weights: tuple
    ) -> tuple[States, States]:
        a = drive + tf.matmul(h, weights[1])
        return (at(self.activation, a),), (a,)

    def coefficients(self, trace: Trace, h: tf.Tensor, weights: tuple) -> States:
        (a,) = trace.kept
        return (slope(self.activation, a)[1],)

    def retreat(
        self, delta: States, coefficients: States, weights: tuple
    ) -> tuple[States, tf.Tensor, States]:
        epsilon = coefficients[0] * delta[0]
        to_h = tf.matmul(epsilon, weights[1], transpose_b=True)
        return (epsilon,), to_h, (tf.zeros_like(to_h),)

    def weight_gradients(self, trace: Trace, h: tf.Tensor, emitted: States) -> Gradients:
        (epsilon,) = emitted
        return {
            "recurrent_kernel": over_steps(h, epsilon),
            "bias": tf.reduce_sum(epsilon, axis=[0, 1]),
        }
