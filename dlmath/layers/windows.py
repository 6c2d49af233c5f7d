r"""Sliding windows over images, and im2col with its adjoint col2im.

Convolution and pooling look at an image through a window that slides over it (Tsemo, 6). For a
window of kh x kw positions, position p = (i, j) picks from the padded image the strided picture

    (S_p x)[n, r, c] = padded x[n, r * stride + i * dilation, c * stride + j * dilation],

one pixel for each place of the window. S_p is linear. Its adjoint S_p* puts pixel (r, c) of its
argument back where S_p took it from, and zeros elsewhere: for the unit images e of the canonical
basis <S_p e_a, e_b> = 1 exactly if S_p reads its pixel b from the place a, and that is <e_a,
S_p* e_b>. Then

    im2col:  P x = (S_1 x, ..., S_K x)            side by side, K = kh kw,
    col2im:  P* (u_1, ..., u_K) = sum over p of S_p* u_p,

since <P x, u> = sum over p of <S_p x, u_p> = <x, sum over p of S_p* u_p>. Where windows overlap a
pixel is read several times and so receives several terms of the sum.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from dlmath.layers.linear_map import LinearMap


@dataclass(frozen=True)
class Window:
    """The geometry of a sliding window: sizes as (height, width), padding "valid" or "same"."""

    size: tuple[int, int]
    strides: tuple[int, int] = (1, 1)
    padding: str = "valid"
    dilation: tuple[int, int] = (1, 1)

    @property
    def offsets(self) -> list[tuple[int, int]]:
        """Return the offset in pixels of each position of the window, row by row."""
        return [
            (row * self.dilation[0], column * self.dilation[1])
            for row in range(self.size[0])
            for column in range(self.size[1])
        ]

    def reach(self, axis: int) -> int:
        """Return the number of pixels that the window spans along the axis (0 height, 1 width)."""
        return (self.size[axis] - 1) * self.dilation[axis] + 1

    def places(self, axis: int, length: Any) -> Any:
        """Return the number of places of the window along an axis of that many pixels.

        "valid": floor((length - reach) / stride) + 1, the window inside the image (Tsemo, 6.1).
        "same": ceil(length / stride), the image padded as far as that needs.

        Raises:
            ValueError: The padding is "valid", and the window larger than the image.
        """
        stride = self.strides[axis]
        if self.padding == "same":
            return (length + stride - 1) // stride
        reach = self.reach(axis)
        if isinstance(length, int) and length < reach:
            raise ValueError(
                f"A window that spans {reach} pixels has no place in an image of fewer, unless the "
                f"padding is 'same'. Received: {('height', 'width')[axis]}={length}"
            )
        return (length - reach) // stride + 1

    def margins(self, axis: int, length: Any) -> tuple[Any, Any]:
        """Pixels of padding before and after; an odd one goes after, as in TensorFlow."""
        if self.padding == "valid":
            return 0, 0
        needed = (self.places(axis, length) - 1) * self.strides[axis] + self.reach(axis) - length
        total = max(needed, 0) if isinstance(needed, int) else tf.maximum(needed, 0)
        return total // 2, total - total // 2


class Patches(LinearMap):
    """im2col for images of one shape, and its adjoint col2im.

    Maps (N, H, W, C) to (N, R, Q, K C), the K window positions side by side at each of the R x Q
    places. Memory: K times the image (at stride 1); for a 3 x 3 window nine times.

    Args:
        window: The geometry.
        shape: (N, H, W, C) of the image, ints or scalar tensors.
        fill: What the padding holds; anything but 0 makes the map affine (max pooling uses -inf).
    """

    def __init__(self, window: Window, shape: Sequence[Any], fill: float = 0.0):
        self.window = window
        self.shape = shape
        self.fill = fill
        self.places = [window.places(axis, shape[1 + axis]) for axis in (0, 1)]
        margins = [window.margins(axis, shape[1 + axis]) for axis in (0, 1)]
        # Padded up to a multiple of the stride, so that phases (see `put_back`) are of one size.
        self.phase_sizes = [
            -(-(length + before + after) // stride)  # rounded up
            for length, (before, after), stride in zip(
                shape[1:3], margins, window.strides, strict=True
            )
        ]
        self.padding = [
            (before, size * stride - before - length)
            for length, (before, _), size, stride in zip(
                shape[1:3], margins, self.phase_sizes, window.strides, strict=True
            )
        ]

    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        return tf.concat(self.pictures(x), axis=-1)  # (N, R, Q, K C)

    def adjoint(self, y: tf.Tensor) -> tf.Tensor:
        return self.put_back(tf.split(y, len(self.window.offsets), axis=-1))

    def pictures(self, x: tf.Tensor) -> list[tf.Tensor]:
        """[S_p x for each position p], each (N, R, Q, C)."""
        if not _all_zero(self.padding):
            x = tf.pad(x, [(0, 0), *self.padding, (0, 0)], constant_values=self.fill)
        (rows, columns), (down, right) = self.places, self.window.strides
        if down == right == 1:
            return [x[:, i : i + rows, j : j + columns] for i, j in self.window.offsets]
        # Seven times faster than slices with steps, which TensorFlow copies number by number.
        # Rows and columns one after the other: LiteRT slices at most five axes.
        height, width = self.phase_sizes
        by_row = tf.reshape(x, (self.shape[0], height, down, width * right * self.shape[3]))
        phases = {}
        for i in dict.fromkeys(i for i, _ in self.window.offsets):
            of_row = by_row[:, i // down : i // down + rows, i % down]  # (N, R, width right C)
            phases[i] = tf.reshape(of_row, (self.shape[0], rows, width, right, self.shape[3]))
        return [
            phases[i][:, :, j // right : j // right + columns, j % right]
            for i, j in self.window.offsets
        ]

    def put_back(self, pictures: Sequence[tf.Tensor]) -> tf.Tensor:
        """The sum over p of S_p* pictures[p], an image of the shape (N, H, W, C).

        With stride s a pixel belongs to one of s x s phases, by its row and column modulo s, and
        S_p writes to one phase only. So the sums are taken phase by phase, on small images, and
        the phases interleaved at the end: no zeros are ever added up.
        """
        (down, right), (height, width) = self.window.strides, self.phase_sizes
        phases: dict[tuple[int, int], list[tf.Tensor]] = {}
        for (i, j), picture in zip(self.window.offsets, pictures, strict=True):
            rows = (i // down, height - self.places[0] - i // down)
            columns = (j // right, width - self.places[1] - j // right)
            fits = _all_zero((rows, columns))
            shifted = picture if fits else tf.pad(picture, [(0, 0), rows, columns, (0, 0)])
            phases.setdefault((i % down, j % right), []).append(shifted)
        zero = tf.zeros_like(next(iter(phases.values()))[0])  # of a phase that no window meets
        sums = [[tf.add_n(phases.get((i, j), [zero])) for j in range(right)] for i in range(down)]
        padded = _interleaved(sums, (self.shape[0], height * down, width * right, self.shape[3]))
        (top, _), (left, _) = self.padding
        return padded[:, top : top + self.shape[1], left : left + self.shape[2]]


def _interleaved(phases: Sequence[Sequence[tf.Tensor]], shape: Sequence[Any]) -> tf.Tensor:
    """Phase (i, j) of every pixel into one image of `shape`, by row and column of the phase."""
    if len(phases) == len(phases[0]) == 1:
        return phases[0][0]
    # Side by side in the last axis, the phases of a row follow each other as its pixels do.
    rows = [tf.concat(row, axis=-1) for row in phases]
    return tf.reshape(tf.stack(rows, axis=2), shape)


def _all_zero(margins: Sequence[tuple[Any, Any]]) -> bool:
    """Return whether all are known to be 0; a size that is a tensor while tracing is not known."""
    return all(isinstance(size, int) and size == 0 for pair in margins for size in pair)
