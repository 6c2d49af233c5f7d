"""Exercises of the notebook on convolution and the malaria network."""

import numpy as np

from dlmath.maths.exercises.exercise_base import compared, exercise


@exercise(
    judge=compared((3, 16, 3), (16, 32, 3), (1, 1, 5)),
    insight="The size of the image is not among the arguments: that is the point of convolution.",
    mistakes={
        "no bias": lambda channels, kernels, size: kernels * channels * size**2,
        "a bias for each channel too": lambda c, o, k: o * c * (k**2 + 1),
        "one channel": lambda channels, kernels, size: kernels * (size**2 + 1),
    },
)
def parameters_of_convolution(channels: int, kernels: int, size: int) -> int:
    """Return the parameters of o kernels of size k x k on c channels, each with a bias."""
    return kernels * (channels * size**2 + 1)


@exercise(
    judge=compared(((3, 1),), ((3, 1), (2, 2)), ((3, 1), (2, 2), (3, 1), (2, 2), (3, 1), (2, 2))),
    insight="It grows by k - 1 times the strides before it: a pooling doubles what follows.",
    mistakes={
        "strides do nothing": lambda *layers: 1 + sum(k - 1 for k, _ in layers),
        "a layer's own stride counts": lambda *layers: (
            1
            + sum(
                (k - 1) * np.prod([s for _, s in layers[: i + 1]])
                for i, (k, _) in enumerate(layers)
            )
        ),
        "the product of the kernels": lambda *layers: int(np.prod([k for k, _ in layers])),
    },
)
def receptive_field(*layers: tuple[int, int]) -> int:
    """Return how many pixels, in one direction, an entry after these layers depends on.

    Each layer is (kernel k, stride s), the first on the image; convolution and pooling alike.
    """
    field, apart = 1, 1  # of one entry, and the distance of neighbouring entries, in pixels
    for kernel, stride in layers:
        field += (kernel - 1) * apart
        apart *= stride
    return field


@exercise(
    judge=compared(
        (np.array([1.0, 2.0, 0.0, -1.0]), np.array([1.0, 0.0, 0.0, 0.0])),
        (np.array([1.0, 2.0, 0.0, -1.0]), np.array([0.0, 1.0, 0.0, 0.0])),
        (np.array([1.0, 2.0, 0.5]), np.array([2.0, -1.0, 3.0])),
    ),
    insight="The columns of the circulant matrix are shifts of one: it knows n numbers, not n^2.",
    mistakes={
        "cross-correlation": lambda k, x: np.array(
            [sum(k[(j - i) % len(x)] * x[j] for j in range(len(x))) for i in range(len(x))]
        ),
        "zeros beyond the end": lambda k, x: np.convolve(k, x)[: len(x)],
        "entry by entry": lambda k, x: k * x,
    },
)
def circular_convolution(kernel: np.ndarray, signal: np.ndarray) -> np.ndarray:
    """Return y_i = sum_j k_(i - j) x_j with indices modulo n, for kernel and signal (n,)."""
    return np.real(np.fft.ifft(np.fft.fft(kernel) * np.fft.fft(signal)))
