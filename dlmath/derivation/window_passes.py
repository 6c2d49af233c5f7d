"""Forward passes of the layers that slide a window over pictures, in nodes.

The window map S reads, for each place and each position of the window, a pixel or the margin. Its
table is worked out here from the geometry, one pixel at a time, and knows nothing of the code in
`dlmath.layers.windows`.
"""

from fractions import Fraction
from typing import Any

import numpy as np

from dlmath.derivation.forward_passes import ForwardPass, along, variable
from dlmath.derivation.nodes import Constant, Node, Permute, Reshape, Sum, Variable
from dlmath.derivation.selections import Gather, Largest
from dlmath.derivation.sizes import Length, dimension, product
from dlmath.gradcheck.cases import Case
from dlmath.gradcheck.differentiable import Differentiable
from dlmath.layers import Pair
from dlmath.layers.windows import Patches, Window


def places_along(window: Window, axis: int, length: int) -> tuple[int, int]:
    """Return the number of places of a window along an axis, and the margin before the picture.

    "valid" puts the window inside; "same" has a place at every stride, with the margin on both
    sides, the odd pixel after.
    """
    reach = (window.size[axis] - 1) * window.dilation[axis] + 1
    stride = window.strides[axis]
    if window.padding == "valid":
        return (length - reach) // stride + 1, 0
    count = -(-length // stride)
    return count, max((count - 1) * stride + reach - length, 0) // 2


def window_table(window: Window, height: int, width: int) -> tuple[np.ndarray, tuple[int, int]]:
    """Return the pixel of each place and position, (R Q, K), -1 in the margin; and (R, Q)."""
    (rows, top), (columns, left) = (
        places_along(window, axis, length) for axis, length in enumerate((height, width))
    )
    table = np.full((rows, columns, *window.size), -1)
    for r, q, i, j in np.ndindex(*table.shape):
        y = r * window.strides[0] + i * window.dilation[0] - top
        x = q * window.strides[1] + j * window.dilation[1] - left
        if 0 <= y < height and 0 <= x < width:
            table[r, q, i, j] = y * width + x
    return table.reshape(rows * columns, -1), (rows, columns)


def _picture(recorded: Differentiable, channels: Length) -> tuple[Variable, Node]:
    """Return x of (N, height, width, channels), and its pixels in one axis."""
    height, width = map(int, recorded.tensors["x"].shape[1:3])
    x = variable("x", (dimension("N"), height, width, channels))
    return x, Reshape(x, (dimension("N"), height * width, channels))


def _table_of(recorded: Differentiable, window: Window) -> tuple[np.ndarray, tuple[int, int]]:
    height, width = map(int, recorded.tensors["x"].shape[1:3])
    return window_table(window, height, width)


def convolution(case: Case, recorded: Differentiable) -> ForwardPass:
    """Return y = (S x) W + 1 b, in groups that do not meet."""
    layer: Any = recorded.pair
    depthwise = case.kind == "DepthwiseConv2D"
    groups: Length = dimension("C") if depthwise else layer.groups
    inside: Length = 1 if depthwise else dimension("C")  # channels of a group
    filters: Length = layer.depth_multiplier if depthwise else dimension("F")  # of a group
    size = layer.window.size
    x, pixels = _picture(recorded, product([groups, inside]))
    last = (groups, filters) if depthwise else (inside, product([groups, filters]))
    kernel = variable("kernel", (*size, *last))
    table, places = _table_of(recorded, layer.window)
    windows = Gather(pixels, table)  # (N, R Q, K, G c)
    y = _grouped_product(windows, kernel, groups, inside, filters)
    y = Reshape(y, (x.shape[0], *places, product([groups, filters])))
    tensors = {"x": x, "kernel": kernel}
    if "bias" in recorded.tensors:
        tensors["bias"] = variable("bias", ((groups, filters),))
        y = y + along(tensors["bias"], [3], y.shape)
    return ForwardPass(y, tensors, recorded.pair)


def _grouped_product(
    windows: Node, kernel: Node, groups: Length, inside: Length, filters: Length
) -> Node:
    """Return the product of each group's patches and filters, (N R Q, G f)."""
    samples, spots, positions, _ = windows.shape
    rows, columns = product([samples, spots]), product([positions, inside])
    if groups == 1:
        return Reshape(windows, (rows, columns)).called("P") @ Reshape(kernel, (columns, filters))
    patches: Node = Reshape(windows, (rows, positions, groups, inside))
    patches = Reshape(Permute(patches, (2, 0, 1, 3)), (groups, rows, columns)).called("P")
    matrices = Reshape(kernel, (positions, inside, groups, filters))
    matrices = Reshape(Permute(matrices, (2, 0, 1, 3)), (groups, columns, filters))
    product_ = Permute(patches @ matrices, (1, 0, 2))  # (N R Q, G, f)
    return Reshape(product_, (rows, product([groups, filters])))


def max_pooling(case: Case, recorded: Differentiable) -> ForwardPass:
    """Return the largest pixel of each window."""
    x, pixels = _picture(recorded, dimension("C"))
    table, places = _table_of(recorded, recorded.pair.window)  # type: ignore[attr-defined]
    largest = Largest(Gather(pixels, table, fill=-np.inf).called("P"), 2)
    return ForwardPass(Reshape(largest, (x.shape[0], *places, x.shape[3])), {"x": x}, recorded.pair)


def average_pooling(case: Case, recorded: Differentiable) -> ForwardPass:
    """Return the mean of each window's pixels inside the picture."""
    x, pixels = _picture(recorded, dimension("C"))
    table, places = _table_of(recorded, recorded.pair.window)  # type: ignore[attr-defined]
    counts = [Fraction(1, int(count)) for count in (table >= 0).sum(axis=1)]
    total = Sum(Gather(pixels, table), (2,))  # (N, R Q, C)
    weights = along(Constant("c", np.array(counts, dtype=object)), [1], total.shape)
    y = Reshape(weights * total, (x.shape[0], *places, x.shape[3]))
    return ForwardPass(y, {"x": x}, recorded.pair)


def zero_padding(case: Case, recorded: Differentiable) -> ForwardPass:
    """Return pictures with a frame of zeros."""
    x, pixels = _picture(recorded, dimension("C"))
    (top, bottom), (left, right) = recorded.pair.padding  # type: ignore[attr-defined]
    _, height, width, _ = x.shape
    numbers = np.arange(int(height) * int(width)).reshape(int(height), int(width))  # type: ignore[arg-type]
    table = np.pad(numbers, ((top, bottom), (left, right)), constant_values=-1)
    y = Reshape(Gather(pixels, table.ravel()), (x.shape[0], *table.shape, x.shape[3]))
    return ForwardPass(y, {"x": x}, recorded.pair)


def im2col(case: Any, recorded: Differentiable) -> ForwardPass:
    """Return the pixels of each window side by side: P x."""
    x, pixels = _picture(recorded, dimension("C"))
    window = case.make().window
    table, places = _table_of(recorded, window)
    linear = Patches(window, x.shape)
    pair = Pair(lambda x: (linear(x), None), lambda _, g: {"x": linear.adjoint(g)})
    columns = product([table.shape[1], x.shape[3]])
    y = Reshape(Gather(pixels, table), (x.shape[0], *places, columns))
    return ForwardPass(y, {"x": x}, pair)
