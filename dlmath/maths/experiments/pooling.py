"""Max pooling: its value, its slope with and without ties, how far it can change, and shifts."""

import numpy as np

from dlmath import seeds
from dlmath.maths.convolution import average_pool, max_pool
from dlmath.maths.experiment_base import Outcome, Sabotage, at_least, at_most, experiment
from dlmath.maths.extremes import largest_of
from dlmath.maths.papers import Source
from dlmath.maths.plots import curves

POOLING = Source("tsemo", 493, "Max Pooling")


def window(images: np.ndarray, place: tuple[int, int, int], size: int, stride: int) -> np.ndarray:
    """Return the window (size, size) of images (C, H, W) that the output at `place` sees."""
    channel, row, column = place
    return images[
        channel, row * stride : row * stride + size, column * stride : column * stride + size
    ]


def max_pool_gradient(
    images: np.ndarray, upstream: np.ndarray, size: int, stride: int
) -> np.ndarray:
    """Return dL/dx, (C, H, W): each dL/dy goes to the entry that its window chose.

    Of equal entries the first is chosen.

    Args:
        images: x, (C, H, W).
        upstream: dL/dy, (C, H', W').
        size: Of the windows.
        stride: Between them.
    """
    gradient = np.zeros(images.shape)
    for place in np.ndindex(*upstream.shape):
        chosen = np.unravel_index(window(images, place, size, stride).argmax(), (size, size))
        window(gradient, place, size, stride)[chosen] += upstream[place]
    return gradient


@experiment(
    title="Max pooling passes the gradient to the entry that it chose",
    statement=(
        "The output is the largest entry of its window. Where no two are equal its derivative is "
        "1 for the chosen entry and 0 for the others, exactly so along a step that is too short "
        "to change the choice; an entry that several windows choose gets the sum, and the "
        "gradient's total is that of the outputs. Where entries are equal there is no "
        "derivative: the slope in a direction is the largest change among the equal ones, more "
        "than the entry chosen first says."
    ),
    sources=(POOLING,),
    about=("max_pool", "max_pool_gradient", "window"),
    reference="Boureau, Ponce and LeCun, 2010; Danskin, The theory of max-min, 1967",
    sabotage=Sabotage("entries of a window are equal", {"levels": 3}),
)
def max_pooling_slopes(
    *, levels: int = 0, size: int = 3, stride: int = 2, seed: int = 0
) -> Outcome:
    """`levels` is the number of different entries; with 0 no two are equal."""
    rng = seeds.generator("pooling", seed)
    shape = (2, 9, 11)
    ranks = rng.permutation(np.prod(shape)).reshape(shape).astype(float)
    images = np.floor(ranks * levels / ranks.size) if levels else ranks
    pooled = max_pool(images, size, stride)
    upstream = rng.integers(1, 9, pooled.shape).astype(float)
    gradient = max_pool_gradient(images, upstream, size, stride)
    # Entries are whole numbers, so a step of 2^-6 with changes up to 8 changes no choice, and
    # every number here is exact.
    changes = [rng.integers(-8, 9, shape).astype(float) for _ in range(20)]
    found = [
        np.sum(upstream * (max_pool(images + 2.0**-6 * way, size, stride) - pooled)) * 2**6
        for way in changes
    ]
    said = [np.sum(gradient * way) for way in changes]
    ties, largest, least = 0.0, 0.0, 0.0
    for place in np.ndindex(*pooled.shape):
        seen = window(images, place, size, stride)
        ways = np.stack([window(way, place, size, stride)[seen == seen.max()] for way in changes])
        after = [max_pool(images + 2.0**-6 * way, size, stride)[place] for way in changes[:5]]
        slopes = (np.array(after) - pooled[place]) * 2**6
        ties = largest_of(ties, np.abs(slopes - ways[:5].max(axis=1)).max())
        largest = largest_of(largest, (seen - pooled[place]).max())
        least = largest_of(least, np.abs(seen - pooled[place]).min())
    return Outcome(
        (
            at_most("largest entry above the output of its window", largest, 0),
            at_most("largest distance of the output to its nearest entry", least, 0),
            at_most(
                "largest difference of slope and gradient",
                np.abs(np.subtract(found, said)).max(),
                0,
            ),
            at_most(
                "slope of a window, away from the largest change of its largest entries", ties, 0
            ),
            at_most(
                "total of the gradient, away from that of the outputs",
                abs(gradient.sum() - upstream.sum()),
                0,
            ),
            at_most(
                "entries with a gradient, beyond one a window",
                float(np.count_nonzero(gradient) - pooled.size),
                0,
            ),
        ),
        curves(
            "Slope in 20 directions",
            "number of the direction",
            "slope",
            {"found": (np.arange(20), found), "by the gradient": (np.arange(20), said)},
        ),
    )


@experiment(
    title="Max pooling can change as much as its input, and not more",
    statement=(
        "In the largest absolute entry max pooling is 1-Lipschitz, and a constant that is added "
        "comes out as it is. In the Euclidean norm its constant is the root of the largest "
        "number of windows that one entry lies in, ceil(size / stride)^2, attained by one bright "
        "entry: 1 if the windows do not overlap. It commutes with every increasing function of "
        "the entries, and on a torus with shifts by multiples of the stride. Average pooling is "
        "never above it, and of the negative of the image never below that of its negative."
    ),
    sources=(
        POOLING,
        Source("tsemo", 495, "Average Pooling"),
        Source("tsemo", 484, "The stride dictates how much the filter shifts"),
    ),
    about=("max_pool", "average_pool"),
    reference="Zhang, Making convolutional networks shift-invariant again, arXiv:1904.11486",
    sabotage=Sabotage("the shift is no multiple of the stride", {"shift": 3}),
)
def max_pooling_is_lipschitz(
    *, shift: int = 4, size: int = 3, stride: int = 2, seed: int = 0
) -> Outcome:
    """`shift` is in pixels along both axes of an image of 24 x 24, continued as a torus."""
    rng = seeds.generator("lipschitz pooling", seed)
    overlap = (-(-size // stride)) ** 2

    def pool(image: np.ndarray) -> np.ndarray:
        around = np.pad(image, ((0, 0), (0, size - 1), (0, size - 1)), mode="wrap")
        return max_pool(around, size, stride)

    image = rng.normal(size=(1, 24, 24))
    others = [image + rng.normal(size=image.shape) * 10.0**-p for p in range(5)]
    sup = [np.abs(pool(x) - pool(image)).max() / np.abs(x - image).max() for x in others]
    root = [np.linalg.norm(pool(x) - pool(image)) / np.linalg.norm(x - image) for x in others]
    spot = np.zeros_like(image)
    # Of all places one lies in the most windows: they start on multiples of the stride.
    spots = [np.linalg.norm(pool(_lit(spot, row))) for row in range(2 * stride)]
    moved = [
        np.abs(
            pool(np.roll(image, s, axis=(1, 2))) - np.roll(pool(image), s // stride, axis=(1, 2))
        ).max()
        for s in range(2 * stride + 1)
    ]
    chosen = np.abs(
        pool(np.roll(image, shift, axis=(1, 2)))
        - np.roll(pool(image), shift // stride, axis=(1, 2))
    ).max()
    mean, low = average_pool(image, size, stride), -max_pool(-image, size, stride)
    inside = max_pool(image, size, stride)
    return Outcome(
        (
            at_most("largest change over that of the input, entry by entry", sup, 1),
            at_most(
                "a constant that is added: largest difference",
                np.abs(pool(image + 2) - pool(image) - 2).max(),
                1e-15 * 8,
            ),
            at_most("change over that of the input, Euclidean", root, np.sqrt(overlap)),
            at_least("one bright entry: the same", largest_of(spots), np.sqrt(overlap) - 1e-12),
            at_most("one bright entry, at most", spots, np.sqrt(overlap) + 1e-12),
            at_most(
                "pooling of exp(x), away from exp of the pooling",
                np.abs(pool(np.exp(image)) - np.exp(pool(image))).max(),
                0,
            ),
            at_most("largest difference after the shift", chosen, 0),
            at_least("least of maximum less mean", (inside - mean).min(), 0),
            at_least("least of mean less minimum", (mean - low).min(), 0),
            at_most(
                "mean, away from that of size^2 shifted images",
                np.abs(mean - _mean_of_shifts(image, size, stride)).max(),
                1e-12,
            ),
        ),
        curves(
            f"Difference with stride {stride}, by shift",
            "shift",
            "difference",
            {"difference": (np.arange(2 * stride + 1), moved)},
        ),
    )


def _lit(dark: np.ndarray, place: int) -> np.ndarray:
    """Return the image with one bright entry, at (8 + place, 8 + place)."""
    lit = dark.copy()
    lit[0, 8 + place, 8 + place] = 1.0
    return lit


def _mean_of_shifts(image: np.ndarray, size: int, stride: int) -> np.ndarray:
    """Return the mean over (u, v) of the image from (u, v) on, at the places of the windows."""
    height, width = (side - size + 1 for side in image.shape[1:])
    parts = [
        image[:, u : u + height : stride, v : v + width : stride]
        for u in range(size)
        for v in range(size)
    ]
    return np.mean(parts, axis=0)
