"""Convolution: its size, its parameters, finite differences, and equivariance under shifts."""

from collections.abc import Callable

import numpy as np

from dlmath import seeds
from dlmath.maths.convolution import average_pool, convolve, max_pool, output_size, pad
from dlmath.maths.experiment_base import Outcome, Sabotage, at_least, at_most, experiment
from dlmath.maths.papers import Source
from dlmath.maths.plots import curves, sequences


def by_definition(
    image: np.ndarray, size: int, stride: int, value: Callable[[np.ndarray], np.ndarray]
) -> np.ndarray:
    """Return `value` of each window (C, K, K) of an image (C, H, W), window by window."""
    places = [
        [
            value(image[:, row : row + size, column : column + size])
            for column in range(0, image.shape[2] - size + 1, stride)
        ]
        for row in range(0, image.shape[1] - size + 1, stride)
    ]
    return np.moveaxis(np.array(places), -1, 0)


def correlated(image: np.ndarray, kernels: np.ndarray, stride: int) -> np.ndarray:
    """Return the sums over each window and channel of entry times kernel entry, (O, H', W')."""
    return by_definition(
        image,
        kernels.shape[-1],
        stride,
        lambda window: np.array([np.sum(window * one) for one in kernels]),
    )


@experiment(
    title="A convolution is a sparse linear map with few parameters",
    statement=(
        "A convolution of c channels into o by k x k kernels, with a bias, has o (c k^2 + 1) "
        "parameters, whatever the size of the image; as a matrix it has o h' w' c h w entries, "
        "of which all but a share of k^2 / (h w) are 0: few, for a kernel that is small against "
        "the image."
    ),
    sources=(
        Source("tsemo", 486, "Convolutions maybe very cheaper than linear maps"),
        Source("tsemo", 515, "convolutional layers are linear operators"),
        Source("tsemo", 483, "output size in terms of height and width"),
    ),
    about=("convolve", "output_size"),
    reference="Goodfellow, Bengio and Courville, Deep learning, 2016, section 9.2",
    sabotage=Sabotage("the kernel is as large as the image", {"kernel": 8}),
)
def convolution_is_sparse(
    *, kernel: int = 3, size: int = 8, stride: int = 1, seed: int = 0
) -> Outcome:
    """`size` is that of the image, of 2 channels; there are 5 kernels."""
    kernels = seeds.generator("kernels", seed).normal(size=(5, 2, kernel, kernel))
    units = np.eye(2 * size * size).reshape(-1, 2, size, size)
    matrix = np.stack([convolve(unit, kernels, stride).ravel() for unit in units], axis=1)
    image = seeds.generator("image", seed).normal(size=(2, size, size))
    gap = np.abs(matrix @ image.ravel() - convolve(image, kernels, stride).ravel()).max()
    after = output_size(size, kernel, stride)
    sizes = np.array([8, 16, 32, 64, 128])
    dense = 5 * (sizes - kernel + 1) ** 2 * (2 * sizes**2 + 1)
    return Outcome(
        (
            at_most("difference between the matrix and the convolution", gap, 1e-12),
            at_most(
                "difference to the sums over windows",
                np.abs(convolve(image, kernels, stride) - correlated(image, kernels, stride)).max(),
                1e-12,
            ),
            at_most("rows of the matrix, away from o h' w'", abs(len(matrix) - 5 * after**2), 0),
            at_most(
                "sizes of padded images, away from the number of windows, largest",
                (_size_gap(size, kernel, step, room) for step in (1, 2, 3) for room in (0, 1, 2)),
                0,
            ),
            at_most("share of entries that are not 0", np.mean(matrix != 0), 0.25),
            at_most(
                "the same, away from k^2 / (h w)",
                abs(np.mean(matrix != 0) - kernel**2 / size**2),
                1e-12,
            ),
            at_most(
                "different numbers in it, away from o c k^2 and 0",
                abs(len(np.unique(matrix)) - 5 * 2 * kernel**2 - 1),
                0,
            ),
            at_most(
                "parameters over those of the dense layer",
                5 * (2 * kernel**2 + 1) / (matrix.size + len(matrix)),
                0.05,
            ),
        ),
        curves(
            "Parameters by the size of the image",
            "log10 of size",
            "parameters",
            {
                "convolution": (np.log10(sizes), np.full(5, 5 * (2 * kernel**2 + 1))),
                "dense": (np.log10(sizes), dense),
            },
            log=True,
        ),
    )


def _size_gap(size: int, kernel: int, stride: int, padding: int) -> int:
    """Return how far `output_size` is from the number of windows that fit in a padded image."""
    padded = pad(np.ones((1, size, size)), padding)
    counted = by_definition(padded, kernel, stride, lambda window: np.ones(1))
    return abs(counted.shape[1] - output_size(size, kernel, stride, padding))


@experiment(
    title="A fixed kernel is a finite difference",
    statement=(
        "Convolving samples of a smooth function with (1, -2, 1)/h^2 gives its second "
        "derivative, with an error of at most h^2 / 12 times the largest fourth derivative. Of "
        "sin(3 x) it gives exactly -(2 - 2 cos 3h) / h^2 times it, so the bound is met as h falls."
    ),
    sources=(Source("murari", 459, "finite differences discretisations"),),
    about=("convolve", "compute.kernel"),
    reference="LeVeque, Finite difference methods, 2007, section 1.1; Long et al., PDE-Net, 2018",
    sabotage=Sabotage("the entries of the kernel do not sum to 0", {"middle": -2.1}),
)
def kernel_is_a_finite_difference(*, middle: float = -2.0) -> Outcome:
    """`middle` is the kernel's entry in the middle; the function is sin(3 x)."""
    steps = 2.0 ** -np.arange(3, 9)
    errors, gaps, least = [], [], []
    for h in steps:
        x = np.arange(0, 2, h)
        image = np.outer([0.5, 1.0, 3.0], np.sin(3 * x))  # the rows above and below do not count
        kernel = np.zeros((3, 3))
        kernel[1] = np.array([1, middle, 1]) / h**2
        inside = np.sin(3 * x[1:-1])
        found = convolve(image[np.newaxis], kernel[np.newaxis, np.newaxis])[0, 0]
        errors.append(np.abs(found + 9 * inside).max())
        gaps.append(np.abs(found + (2 - 2 * np.cos(3 * h)) / h**2 * inside).max())
        # Of the series of the cosine: 9 - (2 - 2 cos 3h) / h^2 >= 81 h^2 / 12 - 729 h^4 / 360.
        least.append((81 * h**2 / 12 - 729 * h**4 / 360) * np.abs(inside).max())
    bounds = steps**2 / 12 * 81
    return Outcome(
        (
            at_most("largest error over h^2 / 12 max |f''''|", (errors / bounds).max(), 1 + 1e-6),
            at_least(
                "least error over its lower bound, of the next order",
                (np.array(errors) / least).min(),
                1 - 1e-6,
            ),
            at_most("largest distance from the exact value", gaps, 1e-9),
        ),
        curves(
            "Error by step",
            "log10 of h",
            "error",
            {"convolution": (np.log10(steps), errors), "bound": (np.log10(steps), bounds)},
            log=True,
        ),
    )


def blob(shift: int, size: int = 32) -> np.ndarray:
    """Return an image (1, H, W) with a bright shape that is `shift` pixels from its place."""
    y, x = np.mgrid[:size, :size]
    middle = size // 2 - 2
    wave = np.cos(0.9 * (x - shift)) * np.cos(0.7 * y)
    inside = (np.abs(x - middle - shift) < 5) & (np.abs(y - middle) < 5)
    return (np.where(inside, 1 + wave, 0.0))[np.newaxis]


@experiment(
    title="Convolution commutes with shifts; a stride breaks that",
    statement=(
        "Shifting an image whose content stays clear of the border and convolving is the same "
        "as convolving and shifting. With stride s that holds for shifts by multiples of s "
        "only; the same is so of max pooling, the largest entry of each window, and of average "
        "pooling, its mean."
    ),
    sources=(
        Source("tsemo", 475, "slide over the input image"),
        Source("murari", 350, "symmetry/equivariance"),
        Source("tsemo", 484, "The stride dictates how much the filter shifts"),
        Source("tsemo", 493, "Max Pooling"),
    ),
    about=("convolve", "max_pool", "average_pool"),
    reference="Zhang, Making convolutional networks shift-invariant again, arXiv:1904.11486",
    sabotage=Sabotage("the stride is 2 and the shift 1", {"stride": 2}),
)
def convolution_commutes_with_shifts(*, stride: int = 1, shift: int = 1, seed: int = 0) -> Outcome:
    """`shift` is in pixels of the image; it must be a multiple of the stride."""
    kernels = seeds.generator("shifts", seed).normal(size=(2, 1, 3, 3))
    maps = {
        "convolution": lambda image: convolve(image, kernels, stride),
        "max pooling": lambda image: max_pool(image, 2, stride),
        "average pooling": lambda image: average_pool(image, 2, stride),
    }
    definitions = {
        "convolution": correlated(blob(0), kernels, stride),
        "max pooling": by_definition(blob(0), 2, stride, lambda part: part.max(axis=(1, 2))),
        "average pooling": by_definition(
            blob(0), 2, stride, lambda part: part.sum(axis=(1, 2)) / 4
        ),
    }
    moved = shift // stride
    gaps = {
        name: np.abs(f(blob(shift)) - np.roll(f(blob(0)), moved, axis=2)).max()
        for name, f in maps.items()
    }
    shifts = list(range(7))
    by_shift = [
        np.abs(
            convolve(blob(s), kernels, 2) - np.roll(convolve(blob(0), kernels, 2), s // 2, axis=2)
        ).max()
        for s in shifts
    ]
    return Outcome(
        (
            *(at_most(f"{name}: largest difference", gap, 1e-12) for name, gap in gaps.items()),
            *(
                at_most(
                    f"{name}: away from its definition",
                    np.abs(maps[name](blob(0)) - wanted).max(),
                    1e-12,
                )
                for name, wanted in definitions.items()
            ),
            at_most("stride 2: difference for shifts 0, 2, 4, 6", by_shift[::2], 1e-12),
            at_least("stride 2: difference for shifts 1, 3, 5", by_shift[1::2], 0.1),
        ),
        curves(
            "Difference with stride 2, by shift",
            "shift",
            "difference",
            {"difference": (shifts, by_shift)},
        ),
    )


@experiment(
    title="Zero padding tells a network where the border is",
    statement=(
        "Padding with zeros keeps the size of an image, for a kernel of odd size above 1, but "
        "breaks equivariance: content that reaches the border gives another response than the "
        "same content inside, the sum of only those kernel entries that lie in the image. Away "
        "from the border nothing changes."
    ),
    sources=(Source("tsemo", 490, "Padding may be added to the original image"),),
    about=("pad", "convolve"),
    reference="Islam, Jia and Bruce, How much position information, arXiv:2001.08248",
    sabotage=Sabotage("the kernel has one entry and sees no border", {"kernel": 1}),
)
def padding_sees_the_border(*, kernel: int = 3, size: int = 16, seed: int = 0) -> Outcome:
    """`kernel` is the kernel's size; the image, of 2 channels, is the same at every place."""
    kernels = 1 + seeds.generator("padding", seed).random((1, 2, kernel, kernel))
    room = kernel // 2
    response = convolve(pad(np.ones((2, size, size)), room), kernels)[0]
    inside = response[room : size - room, room : size - room]
    whole, seen = kernels.sum(), kernels[0, :, room:, room:].sum()  # at the middle, at the corner
    return Outcome(
        (
            at_most("change of the size", abs(len(response) - size), 0),
            at_most("inside: away from the kernel's sum", np.abs(inside - whole).max(), 1e-12),
            at_most(
                "corner: away from the sum of the entries in the image",
                abs(response[0, 0] - seen),
                1e-12,
            ),
            at_least("response at the corner below the middle's", whole - response[0, 0], 0.1),
        ),
        sequences(
            "Response to a constant image, along a row",
            "column",
            "response",
            {
                "middle row": response[size // 2],
                "first row": response[0],
            },
        ),
    )
