"""Convolution of images by loops over the kernel, padding and pooling (Tsemo, 6).

What the papers and all libraries call convolution is a cross-correlation: the kernel is not turned.
"""

import numpy as np


def output_size(size: int, kernel: int, stride: int = 1, padding: int = 0) -> int:
    """Return floor((size + 2 padding - kernel) / stride) + 1."""
    return (size + 2 * padding - kernel) // stride + 1


def pad(images: np.ndarray, padding: int) -> np.ndarray:
    """Return images (C, H, W) with a frame of zeros."""
    return np.pad(images, ((0, 0), (padding, padding), (padding, padding)))


def convolve(images: np.ndarray, kernels: np.ndarray, stride: int = 1) -> np.ndarray:
    """Return y_o(i, j) = sum_{c, u, v} x_c(i s + u, j s + v) k_oc(u, v).

    Args:
        images: (C, H, W).
        kernels: (O, C, K, K).
        stride: s.

    Returns:
        (O, H', W') with sizes by `output_size`.
    """
    size = kernels.shape[-1]
    windows = np.lib.stride_tricks.sliding_window_view(images, (size, size), axis=(1, 2))
    return np.einsum("chwuv,ocuv->ohw", windows[:, ::stride, ::stride], kernels)


def max_pool(images: np.ndarray, size: int, stride: int) -> np.ndarray:
    """Return the largest entry of each window of images (C, H, W)."""
    windows = np.lib.stride_tricks.sliding_window_view(images, (size, size), axis=(1, 2))
    return windows[:, ::stride, ::stride].max(axis=(3, 4))


def average_pool(images: np.ndarray, size: int, stride: int) -> np.ndarray:
    """Return the mean of each window of images (C, H, W)."""
    windows = np.lib.stride_tricks.sliding_window_view(images, (size, size), axis=(1, 2))
    return windows[:, ::stride, ::stride].mean(axis=(3, 4))
