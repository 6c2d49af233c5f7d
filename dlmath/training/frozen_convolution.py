r"""Convolution with frozen batch normalisation and an activation as one map, its gradient by hand.

Frozen batch normalisation multiplies output channel c of a convolution by a constant s_c and adds a
constant (`dlmath.features.folding` derives both). A convolution is linear in its kernel W, so

    y = a(z),      z = x * W' + t,      W'_c = s_c W_c,

is the same map without a multiplication of the whole feature map. By the chain rule, with
g = dL/dy,

    h = dL/dz = a'(z) g,      dL/dW_c = s_c dL/dW'_c,      dL/dt_c = sum over n, i, j of h_nijc,

where n counts images and (i, j) places. Here `convolve` maps x, W' and t to y; W' and t are
computed from the variables by whoever calls it, and so is the step from dL/dW' to dL/dW.

**1x1 convolutions.** With one pixel a row, X (M, C) and W' (C, F), z = X W' + 1 t^T, and

    dL/dX = H W'^T,      dL/dW' = X^T H.

**Depthwise convolutions.** z_nijc = sum over p, q of W'_pqc u_n,ri+p,rj+q,c + t_c, with stride r
and the padded input u. The gradient of one column q of the kernel,

    dL/dW'_pqc = sum over n, i, j of h_nijc u_n,ri+p,rj+q,c,

does not depend on the kernel's other columns. So columns q0 .. q0 + 2 are the gradient of a kernel
3 wide on u without its first q0 columns. oneDNN computes this sum fast up to a width of 3, and for
a width of 5 it takes 5 times as long. Two narrow sums, copies of u included, cost half of that.

**Activations.** The derivatives of relu and relu6, 0 or 1, can be read off y, so that z need not be
kept and TensorFlow computes product, shift and activation as one operation. For silu, z sigma(z),

    a'(z) = sigma(z) (1 + z (1 - sigma(z))).
"""

from collections.abc import Callable
from typing import Literal, NamedTuple

import tensorflow as tf

Activation = Literal["linear", "relu", "relu6", "silu"]
_RECTIFIERS: dict[str, Callable[[tf.Tensor], tf.Tensor]] = {
    "linear": lambda z: z,
    "relu": tf.nn.relu,
    "relu6": tf.nn.relu6,
}
_WIDEST = 3  # columns of a depthwise kernel whose gradient oneDNN computes fast


class Windows(NamedTuple):
    """The windows of a convolution over images whose channels come last.

    Attributes:
        strides: (height, width), each at least 1.
        padding: "SAME" or "VALID".
        depthwise: Whether each channel has filters of its own; the kernel is then (kh, kw, C, M),
            else (kh, kw, C, F).
    """

    strides: tuple[int, int]
    padding: Literal["SAME", "VALID"]
    depthwise: bool


def convolve(
    x: tf.Tensor, kernel: tf.Tensor, shift: tf.Tensor, windows: Windows, activation: Activation
) -> tf.Tensor:
    """Return y = a(x * kernel + shift), differentiable once in all three tensors.

    Args:
        x: (N, H, W, C).
        kernel: W', (kh, kw, C, F), or (kh, kw, C, M) where it is depthwise.
        shift: t, (F,) or (C M,).
        windows: Strides, padding and whether it is depthwise.
        activation: The name of a.

    Returns:
        (N, R, Q, F) or (N, R, Q, C M), of the dtype of x.
    """

    @tf.custom_gradient
    def forward(
        x: tf.Tensor, kernel: tf.Tensor, shift: tf.Tensor
    ) -> tuple[tf.Tensor, Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor, tf.Tensor]]]:
        is_silu = activation == "silu"
        z = _affine(x, kernel, shift, windows, _RECTIFIERS["linear" if is_silu else activation])
        y = z * tf.sigmoid(z) if is_silu else z  # a rectifier is in z already

        def backward(g: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
            h = _through_activation(activation, g, z, y)
            dx = _input_gradient(h, kernel, tf.shape(x), windows)
            return dx, _kernel_gradient(x, h, kernel.shape, windows), tf.reduce_sum(h, (0, 1, 2))

        return y, backward

    return forward(x, kernel, shift)


def _through_activation(
    activation: Activation, g: tf.Tensor, z: tf.Tensor, y: tf.Tensor
) -> tf.Tensor:
    """Return h = a'(z) g, as (N, R, Q, F)."""
    if activation == "relu":
        return tf.raw_ops.ReluGrad(gradients=g, features=y)
    if activation == "relu6":
        return tf.raw_ops.Relu6Grad(gradients=g, features=y)
    return _through_silu(g, z) if activation == "silu" else g


# One pass over memory; as operations of TensorFlow it is six.
@tf.function(jit_compile=True)
def _through_silu(g: tf.Tensor, z: tf.Tensor) -> tf.Tensor:
    sigma = tf.sigmoid(z)
    return g * (sigma * (1 + z * (1 - sigma)))


def _is_pointwise(kernel_shape: tf.TensorShape, windows: Windows) -> bool:
    """Return whether every pixel is multiplied by one matrix."""
    return kernel_shape[:2] == (1, 1) and windows.strides == (1, 1) and not windows.depthwise


def _affine(
    x: tf.Tensor,
    kernel: tf.Tensor,
    shift: tf.Tensor,
    windows: Windows,
    rectify: Callable[[tf.Tensor], tf.Tensor],
) -> tf.Tensor:
    """Return rectify(x * kernel + shift); TensorFlow computes the chain as one operation."""
    if _is_pointwise(kernel.shape, windows):
        rows = tf.reshape(x, (-1, x.shape[-1]))  # (M, C)
        z = rectify(tf.nn.bias_add(tf.matmul(rows, kernel[0, 0]), shift))  # (M, F)
        return tf.reshape(z, tf.concat([tf.shape(x)[:3], tf.shape(shift)], 0))
    convolution = tf.nn.depthwise_conv2d if windows.depthwise else tf.nn.conv2d
    z = convolution(x, kernel, (1, *windows.strides, 1), windows.padding)
    return rectify(tf.nn.bias_add(z, shift))


def _input_gradient(
    h: tf.Tensor, kernel: tf.Tensor, shape: tf.Tensor, windows: Windows
) -> tf.Tensor:
    """Return dL/dx, (N, H, W, C), from h and the `shape` of x."""
    if _is_pointwise(kernel.shape, windows):
        rows = tf.matmul(tf.reshape(h, (-1, h.shape[-1])), kernel[0, 0], transpose_b=True)
        return tf.reshape(rows, shape)
    gradient = (
        tf.raw_ops.DepthwiseConv2dNativeBackpropInput
        if windows.depthwise
        else tf.raw_ops.Conv2DBackpropInput
    )
    return gradient(
        input_sizes=shape,
        filter=kernel,
        out_backprop=h,
        strides=(1, *windows.strides, 1),
        padding=windows.padding,
    )


def _kernel_gradient(
    x: tf.Tensor, h: tf.Tensor, kernel_shape: tf.TensorShape, windows: Windows
) -> tf.Tensor:
    """Return dL/dW', of the shape of the kernel."""
    if _is_pointwise(kernel_shape, windows):
        rows, h_rows = (tf.reshape(tensor, (-1, tensor.shape[-1])) for tensor in (x, h))
        return tf.reshape(tf.matmul(rows, h_rows, transpose_a=True), kernel_shape)
    if windows.depthwise and kernel_shape[1] > _WIDEST:
        return _by_columns(x, h, kernel_shape, windows)
    gradient = (
        tf.raw_ops.DepthwiseConv2dNativeBackpropFilter
        if windows.depthwise
        else tf.raw_ops.Conv2DBackpropFilter
    )
    return gradient(
        input=x,
        filter_sizes=kernel_shape,
        out_backprop=h,
        strides=(1, *windows.strides, 1),
        padding=windows.padding,
    )


def _by_columns(
    x: tf.Tensor, h: tf.Tensor, kernel_shape: tf.TensorShape, windows: Windows
) -> tf.Tensor:
    """Return dL/dW' of a wide depthwise kernel (kh, kw, C, M), three of its columns at a time."""
    height, width, *channels = kernel_shape
    rows, columns = _padding(x, kernel_shape, windows)
    past = windows.strides[1] * (h.shape[2] - 1)  # the first pixel of a row's last window
    last = width - _WIDEST
    gradients = [
        tf.raw_ops.DepthwiseConv2dNativeBackpropFilter(
            input=_cut(x, rows, columns[0], first, first + past + _WIDEST),
            filter_sizes=(height, _WIDEST, *channels),
            out_backprop=h,
            strides=(1, *windows.strides, 1),
            padding="VALID",
        )
        for first in (*range(0, last, _WIDEST), last)
    ]
    gradients[-1] = gradients[-1][:, -((width - 1) % _WIDEST + 1) :]  # the last three overlap
    return tf.concat(gradients, axis=1)


def _cut(x: tf.Tensor, rows: tuple[int, int], left: int, first: int, stop: int) -> tf.Tensor:
    """Return columns `first` to `stop` of the padded x, copied no more often than it needs.

    Args:
        x: (N, H, W, C).
        rows: Rows of zeros above and below.
        left: Columns of zeros on the left of the padded x; on the right there are enough.
        first: The first column, counted in the padded x.
        stop: The one after the last.
    """
    begin, end = first - left, stop - left  # counted in x
    inside = x[:, :, max(0, begin) : end]
    return tf.pad(inside, ((0, 0), rows, (max(0, -begin), max(0, end - x.shape[2])), (0, 0)))


def _padding(
    x: tf.Tensor, kernel_shape: tf.TensorShape, windows: Windows
) -> tuple[tuple[int, int], ...]:
    """Return TensorFlow's rows of zeros (above, below), and its columns (left, right)."""
    if windows.padding == "VALID":
        return (0, 0), (0, 0)
    sides = []
    for size, window, stride in zip(x.shape[1:3], kernel_shape[:2], windows.strides, strict=True):
        missing = max(0, (-(-size // stride) - 1) * stride + window - size)
        sides.append((missing // 2, missing - missing // 2))
    return tuple(sides)
