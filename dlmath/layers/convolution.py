r"""Convolution as a matrix product over patches.

Source: Tsemo, *The algebra and the geometry aspect of deep learning*, Definition 6.1 (the kernel is
not flipped: in signal processing's words, a correlation).

**Derivation.** With the im2col map P of `windows.py`, every place of the window is a row of
K C numbers, and the kernel (kh, kw, C, F) read as a matrix W of (K C, F) gives

    y = (P x) W + 1 b.

This is the dense layer of `dense.py` on the rows of P x. So, with g = dL/dy,

    dL/dW = (P x)^T g,      dL/db = 1^T g,      dL/dx = P* (g W^T),

the last because (M_W o P)* = P* o M_W*, where M_W is multiplication by W from the right, M_W* that
by W^T, and P* is col2im. dL/dx is what is called a transposed convolution.

**Groups.** With G groups, rows of P x and filters fall into G blocks that do not meet: W is block
diagonal, and each block is a convolution of its own. The product is then a batch of G products.
A depthwise convolution is the case G = C, its kernel (kh, kw, C, M) holding M filters a channel.

**Memory.** P x holds K = kh kw numbers for every number of the input (at stride 1), and is kept
from the forward pass to the backward pass; the K summands of dL/dx, each of the size of the input,
are as many again for a moment. Keras's own convolution needs neither.
"""

from typing import Any

import keras
import tensorflow as tf

from dlmath.layers import activations, arguments, regularizers
from dlmath.layers.base import Layer, shape_of
from dlmath.layers.hand_derived import Gradients
from dlmath.layers.linear_map import LinearMap
from dlmath.layers.windows import Patches, Window


class Convolution(LinearMap):
    """x -> (P x) W with its adjoint y -> P* (y W^T), in groups.

    Args:
        patches: The map P on images of one shape (N, H, W, C).
        kernel: (kh, kw, C / G, F), the filters of a group next to each other.
        groups: G.
    """

    def __init__(self, patches: Patches, kernel: tf.Tensor, groups: int = 1):
        self.patches = patches
        self.groups = groups
        self.positions = len(patches.window.offsets)  # K
        rows = self.positions * kernel.shape[2]
        self.matrices = _to_groups(tf.reshape(kernel, (rows, kernel.shape[3])), groups)

    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        return self.product(self.columns(x))

    def adjoint(self, y: tf.Tensor) -> tf.Tensor:
        # y W^T in K blocks of C columns, one for each position of the window: the patch matrix is
        # not made as a whole, and col2im adds the blocks up.
        groups = _to_groups(y, self.groups)
        blocks = tf.split(self.matrices, self.positions, axis=1)  # each (G, C / G, F / G)
        products = (_from_groups(tf.matmul(groups, block, transpose_b=True)) for block in blocks)
        channels = self.patches.shape[3]
        return self.patches.put_back([self._images(rows, channels) for rows in products])

    def columns(self, x: tf.Tensor) -> tf.Tensor:
        """The patch matrix of each group, (G, N R Q, K C / G)."""
        channels = x.shape[-1]
        blocks = _to_groups(tf.reshape(self.patches(x), (-1, channels)), self.groups)
        return tf.reshape(blocks, (self.groups, -1, self.positions * (channels // self.groups)))

    def product(self, columns: tf.Tensor) -> tf.Tensor:
        """Patch matrices times kernel matrices, as images (N, R, Q, F)."""
        y = _from_groups(tf.matmul(columns, self.matrices))  # (N R Q, F)
        return self._images(y, y.shape[-1])

    def _images(self, rows: tf.Tensor, channels: int) -> tf.Tensor:
        return tf.reshape(rows, (self.patches.shape[0], *self.patches.places, channels))


def _to_groups(x: tf.Tensor, groups: int) -> tf.Tensor:
    """(..., G f) -> (G, M, f): the last axis in blocks, all other axes as one of M rows."""
    blocks = tf.reshape(x, (-1, groups, x.shape[-1] // groups))
    # With one group a reshape does, which moves no memory.
    return tf.reshape(x, (1, -1, x.shape[-1])) if groups == 1 else tf.transpose(blocks, (1, 0, 2))


def _from_groups(x: tf.Tensor) -> tf.Tensor:
    """(G, M, f) -> (M, G f), the inverse of `_to_groups` and its adjoint."""
    groups, _, size = x.shape
    rows = x[0] if groups == 1 else tf.transpose(x, (1, 0, 2))
    return tf.reshape(rows, (-1, groups * size))


class WindowedProduct(Layer):
    """The base of Conv2D and DepthwiseConv2D: the window, the bias, and the pair."""

    def __init__(
        self,
        kernel_size: Any,
        strides: Any,
        padding: str,
        dilation_rate: Any,
        activation: str | None,
        use_bias: bool,
        bias_initializer: Any,
        bias_regularizer: Any,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.kernel_size = arguments.whole_pair(kernel_size, "kernel_size")
        self.strides = arguments.whole_pair(strides, "strides")
        self.padding = arguments.one_of(padding, "padding", ("valid", "same"))
        self.dilation_rate = arguments.whole_pair(dilation_rate, "dilation_rate")
        if max(self.strides) > 1 and max(self.dilation_rate) > 1:
            raise ValueError(
                "`strides` and `dilation_rate` cannot both exceed 1, as in Keras. "
                f"Received: strides={strides!r}, dilation_rate={dilation_rate!r}"
            )
        self.activation = activations.name_of(activation)
        self.use_bias = use_bias
        self.bias_initializer = keras.initializers.get(bias_initializer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.window = Window(self.kernel_size, self.strides, self.padding, self.dilation_rate)
        self.input_spec = keras.layers.InputSpec(ndim=4)

    def _add_bias(self, filters: int) -> None:
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(
                shape=(filters,),
                initializer=self.bias_initializer,
                regularizer=self.bias_regularizer,
                name="bias",
            )

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        return activations.get(self.activation)(self.apply(inputs))

    def linear_part(self, shape: tuple[int, ...]) -> LinearMap:
        return self._convolution(shape, tf.convert_to_tensor(self.kernel))

    def _convolution(self, shape: Any, kernel: tf.Tensor) -> Convolution:
        raise NotImplementedError

    def forward(
        self, x: tf.Tensor, kernel: tf.Tensor, bias: tf.Tensor | None = None
    ) -> tuple[tf.Tensor, tuple]:
        convolution = self._convolution(shape_of(x), kernel)
        columns = convolution.columns(x)
        y = convolution.product(columns)
        if bias is not None:
            y = y + bias
        return y, (convolution, columns, kernel.shape)

    def backward(self, cache: tuple, g: tf.Tensor) -> Gradients:
        convolution, columns, kernel_shape = cache
        rows = _to_groups(g, convolution.groups)  # (G, N R Q, F / G)
        kernel = _from_groups(tf.matmul(columns, rows, transpose_a=True))
        return {
            "x": convolution.adjoint(g),
            "kernel": tf.reshape(kernel, kernel_shape),
            "bias": tf.reduce_sum(g, axis=(0, 1, 2)),
        }


@keras.saving.register_keras_serializable("dlmath")
class Conv2D(WindowedProduct):
    """Convolution over images, as `keras.layers.Conv2D`. The module's docstring derives it.

    Args:
        filters: Number of filters F.
        kernel_size, strides, dilation_rate: An int, or (height, width).
        padding: "valid" or "same".
        groups: Number of groups G; divides both the channels and the filters.
        activation: Name of an activation of `dlmath.layers.activations`, or None.
        use_bias, kernel_initializer, bias_initializer, kernel_regularizer, bias_regularizer: As
            in `Dense`.

    Shapes: x (N, H, W, C), kernel (kh, kw, C / G, F), bias (F,), y (N, R, Q, F).

    Raises:
        ValueError: An argument out of range, or one of Keras's that is not supported.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = (1, 1),
        padding: str = "valid",
        dilation_rate: Any = (1, 1),
        groups: int = 1,
        activation: str | None = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        **kwargs: Any,
    ):
        super().__init__(
            kernel_size=kernel_size,
            strides=strides,
            padding=padding,
            dilation_rate=dilation_rate,
            activation=activation,
            use_bias=use_bias,
            bias_initializer=bias_initializer,
            bias_regularizer=bias_regularizer,
            **kwargs,
        )
        self.filters = arguments.whole(filters, "filters")
        self.groups = arguments.whole(groups, "groups")
        if self.filters % self.groups:
            raise ValueError(
                "`groups` must divide `filters`. "
                f"Received: groups={self.groups}, filters={self.filters}"
            )
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)

    def build(self, input_shape: tuple[int, ...]) -> None:
        channels = input_shape[-1]
        if channels % self.groups:
            raise ValueError(
                "`groups` must divide the number of channels. "
                f"Received: groups={self.groups}, channels={channels}"
            )
        self.kernel = self.add_weight(
            shape=(*self.kernel_size, channels // self.groups, self.filters),
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            name="kernel",
        )
        self._add_bias(self.filters)
        self.input_spec = keras.layers.InputSpec(ndim=4, axes={-1: channels})

    def _convolution(self, shape: Any, kernel: tf.Tensor) -> Convolution:
        return Convolution(Patches(self.window, shape), kernel, self.groups)


@keras.saving.register_keras_serializable("dlmath")
class DepthwiseConv2D(WindowedProduct):
    """A convolution for every channel by itself, as `keras.layers.DepthwiseConv2D`.

    Args:
        kernel_size, strides, padding, dilation_rate, activation, use_bias: As in `Conv2D`.
        depth_multiplier: Number of filters M for every channel.
        depthwise_initializer, bias_initializer, depthwise_regularizer, bias_regularizer: As the
            kernel's and bias's in `Dense`.

    Shapes: x (N, H, W, C), kernel (kh, kw, C, M), bias (C M,), y (N, R, Q, C M).

    Raises:
        ValueError: An argument out of range, or one of Keras's that is not supported.
    """

    def __init__(
        self,
        kernel_size: Any,
        strides: Any = (1, 1),
        padding: str = "valid",
        depth_multiplier: int = 1,
        dilation_rate: Any = (1, 1),
        activation: str | None = None,
        use_bias: bool = True,
        depthwise_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        depthwise_regularizer: Any = None,
        bias_regularizer: Any = None,
        **kwargs: Any,
    ):
        super().__init__(
            kernel_size=kernel_size,
            strides=strides,
            padding=padding,
            dilation_rate=dilation_rate,
            activation=activation,
            use_bias=use_bias,
            bias_initializer=bias_initializer,
            bias_regularizer=bias_regularizer,
            **kwargs,
        )
        self.depth_multiplier = arguments.whole(depth_multiplier, "depth_multiplier")
        self.depthwise_initializer = keras.initializers.get(depthwise_initializer)
        self.depthwise_regularizer = regularizers.get(depthwise_regularizer)

    def build(self, input_shape: tuple[int, ...]) -> None:
        channels = input_shape[-1]
        self.kernel = self.add_weight(
            shape=(*self.kernel_size, channels, self.depth_multiplier),
            initializer=self.depthwise_initializer,
            regularizer=self.depthwise_regularizer,
            name="kernel",
        )
        self._add_bias(channels * self.depth_multiplier)
        self.input_spec = keras.layers.InputSpec(ndim=4, axes={-1: channels})

    def _convolution(self, shape: Any, kernel: tf.Tensor) -> Convolution:
        channels = kernel.shape[2]
        # C groups of one channel: the same numbers, read as (kh, kw, 1, C M).
        kernel = tf.reshape(kernel, (*self.kernel_size, 1, channels * self.depth_multiplier))
        return Convolution(Patches(self.window, shape), kernel, groups=channels)
