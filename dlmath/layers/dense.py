r"""The dense layer, and its composition with an activation and a loss.

Sources: Tsemo, *The algebra and the geometry aspect of deep learning*, 3 and 4; Jiang, *A
mathematical understanding of deep learning*, 4, whose proofs and "TODO upstream" are written out
here. Jiang's W is the transpose of ours.

**One dense layer.** y = x W + 1 b, with the samples in rows: x is (N, D), W (D, U), b (U,), and 1
the column of N ones. The three partial differentials are, for directions v, V and w,

    d_x y (v) = v W,        d_W y (V) = x V,        d_b y (w) = 1 w,

and their adjoints follow from tr(ABC) = tr(BCA). For g = dL/dy:

    <v W, g> = tr(W^T v^T g) = tr(v^T g W^T) = <v, g W^T>     so  dL/dx = g W^T
    <x V, g> = tr(V^T x^T g) = <V, x^T g>                     so  dL/dW = x^T g
    <1 w, g> = tr(w^T 1^T g) = <w, 1^T g>                     so  dL/db = 1^T g, the sum of rows.

For one sample, one unit j and no coordinates left, this is Jiang's proposition: dL_j/dw = y.

**upstream o ReLU o dense.** Let F be a scalar function of the layer's activated output, G = dF its
gradient there, z = x W + 1 b, and H the Heaviside function with H(0) = 0. The differential of ReLU
at z is the diagonal map v -> H(z) * v, its own adjoint, so by the chain rule (`hand_derived.py`)
the gradient at z is delta = G * H(z), and

    dF/dx = delta W^T,      dF/dW = x^T delta,      dF/db = 1^T delta.

For one sample: dF/dx = sum over j of G_j H(z_j) W_{:,j}, and the column of unit j has
dF/dW_{:,j} = G_j H(z_j) x. Jiang's matrix for dF/dx holds the summands of this sum as rows; in the
formula for d(ReLU_j o L_j)/dw every entry carries H(L_j), not H(L_1), ..., H(L_m).

**Softmax regression.** If the activation is softmax S and the loss the mean cross-entropy over N
one-hot rows Y, then delta = (S(z) - Y) / N (`loss_functions.py`) and dL/dW = x^T (S(z) - Y) / N.
With one unit, the sigmoid and binary cross-entropy this is the gradient of logistic regression.
"""

from typing import Any

import keras
import tensorflow as tf

from dlmath.layers import activations, arguments, regularizers
from dlmath.layers.base import Layer
from dlmath.layers.hand_derived import Gradients
from dlmath.layers.linear_map import LinearMap


class RightMultiplication(LinearMap):
    """x -> x W on the last axis; its adjoint is y -> y W^T (see the module's docstring)."""

    def __init__(self, matrix: tf.Tensor):
        self.matrix = matrix  # (D, U)

    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        return tf.matmul(x, self.matrix)

    def adjoint(self, y: tf.Tensor) -> tf.Tensor:
        return tf.matmul(y, self.matrix, transpose_b=True)


@keras.saving.register_keras_serializable("dlmath")
class Dense(Layer):
    """y = activation(x W + b), as `keras.layers.Dense`. The module's docstring derives it.

    Args:
        units: Number of outputs U.
        activation: Name of an activation of `dlmath.layers.activations`, or None.
        use_bias: Add the bias b.
        kernel_initializer, bias_initializer: As in Keras.
        kernel_regularizer, bias_regularizer: As in Keras; `dlmath.layers.regularizers` has L1, L2.

    Shapes: x (..., D), kernel (D, U), bias (U,), y (..., U). On inputs with more axes than two
    every vector along the last axis is a sample.

    Raises:
        ValueError: An argument out of range, or one of Keras's that is not supported.

    Example:
        >>> import tensorflow as tf
        >>> from dlmath.layers import Dense
        >>> layer = Dense(2, kernel_initializer="ones")
        >>> x = tf.constant([[1.0, 2.0, 3.0]])
        >>> layer(x).numpy().tolist()
        [[6.0, 6.0]]
        >>> with tf.GradientTape() as tape:
        ...     tape.watch(x)
        ...     loss = tf.reduce_sum(layer(x))
        >>> tape.gradient(loss, x).numpy().tolist()  # by the layer's own backward pass
        [[2.0, 2.0, 2.0]]
    """

    def __init__(
        self,
        units: int,
        activation: str | None = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.units = arguments.whole(units, "units")
        self.activation = activations.name_of(activation)
        self.use_bias = use_bias
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.bias_initializer = keras.initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.input_spec = keras.layers.InputSpec(min_ndim=2)
        self.supports_masking = True

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        self.kernel = self.add_weight(
            shape=(input_shape[-1], self.units),
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            name="kernel",
        )
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(
                shape=(self.units,),
                initializer=self.bias_initializer,
                regularizer=self.bias_regularizer,
                name="bias",
            )
        self.input_spec = keras.layers.InputSpec(min_ndim=2, axes={-1: input_shape[-1]})

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        return activations.get(self.activation)(self.apply(inputs))

    def linear_part(self, shape: tuple[int, ...]) -> LinearMap:
        return RightMultiplication(tf.convert_to_tensor(self.kernel))

    def forward(
        self, x: tf.Tensor, kernel: tf.Tensor, bias: tf.Tensor | None = None
    ) -> tuple[tf.Tensor, tuple]:
        y = RightMultiplication(kernel)(x)
        if bias is not None:
            y = y + bias
        return y, (x, kernel)

    def backward(self, cache: tuple, g: tf.Tensor) -> Gradients:
        x, kernel = cache
        return {
            "x": RightMultiplication(kernel).adjoint(g),
            "kernel": tf.matmul(_rows(x), _rows(g), transpose_a=True),
            "bias": tf.reduce_sum(_rows(g), axis=0),
        }


def _rows(x: tf.Tensor) -> tf.Tensor:
    """Return every vector along the last axis as a row of one matrix."""
    return tf.reshape(x, (-1, x.shape[-1]))
