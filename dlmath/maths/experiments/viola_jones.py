"""The detector of Viola and Jones: integral images, AdaBoost, and a cascade of stages."""

import itertools

import numpy as np
from scipy.stats import betabinom

from dlmath import seeds
from dlmath.maths.boosting import (
    Stage,
    boost,
    box_sums,
    feature_values,
    haar_features,
    integral_images,
    reached,
)
from dlmath.maths.experiment_base import Outcome, Sabotage, at_least, at_most, experiment
from dlmath.maths.extremes import largest_of
from dlmath.maths.papers import Source
from dlmath.maths.plots import curves, sequences

DETECTOR = Source("tsemo", 24, "predefined patterns (features)")
SIZE = 12  # of a window, in pixels


@experiment(
    title="An integral image gives the sum of any box by four numbers",
    statement=(
        "The sum of the pixels of a box is S(bottom, right) - S(top, right) - S(bottom, left) + "
        "S(top, left), whatever its size, and exactly so in whole numbers; modulo 2^32 too, "
        "where S itself overflows. In single precision it is exact while S is at most 2^24, which "
        "is so of white images of up to 256 pixels a side; beyond, odd sums are lost."
    ),
    sources=(DETECTOR,),
    about=("integral_images", "box_sums"),
    reference="Viola and Jones, 2001, section 2.1; Crow, Summed-area tables, 1984",
    sabotage=Sabotage("the image is too large for single precision", {"size": 300}),
)
def integral_images_are_exact(*, size: int = 256, boxes: int = 200, seed: int = 0) -> Outcome:
    """`size` is that of the image in pixels, which are white but for the first."""
    rng = seeds.generator("integral image", seed)
    image = np.full((1, size, size), 255, np.int64)
    image[0, 0, 0] = 254  # an odd sum in each row of S, which a multiple of 2 cannot stand for
    ends = np.sort(rng.integers(0, size + 1, (boxes, 2, 2)), axis=2)
    ends[0], ends[1:40, :, 1] = [0, size], size  # the whole image, and some that reach its corner
    noise = rng.integers(0, 2**20, (1, size, size + 7))
    gaps = {"whole numbers": 0, "modulo 2^32": 0, "single precision": 0.0}
    tables = (
        integral_images(image, np.int64),
        integral_images(noise, np.uint32),
        integral_images(image, np.float32),
    )
    for (top, bottom), (left, right) in ends:
        box = int(top), int(left), int(bottom - top), int(right - left)
        direct, other = (one[0, top:bottom, left:right].sum() for one in (image, noise))
        sums = [box_sums(table, box)[0] for table in tables]
        for name, found, wanted in zip(
            gaps, sums, (direct, int(other) % 2**32, direct), strict=True
        ):
            gaps[name] = largest_of(gaps[name], abs(float(found) - float(wanted)))
    sides = np.arange(8, 520, 8)
    return Outcome(
        tuple(at_most(f"{name}: largest difference", gap, 0) for name, gap in gaps.items()),
        curves(
            "Largest entry of S, of a white image",
            "pixels a side",
            "entry",
            {"255 n^2": (sides, 255.0 * sides**2), "2^24": (sides, np.full(len(sides), 2.0**24))},
            log=True,
        ),
    )


def windows(
    number: int, pattern: bool, contrast: float, *key: int | str
) -> tuple[np.ndarray, np.ndarray]:
    """Return windows (N, 12, 12) and their labels: a phantom pattern in noise, or only the noise.

    The pattern is a face as Viola and Jones saw it: eyes darker than the cheeks below them, and a
    bridge between the eyes that is brighter than both. Some of the noise is an edge at random.
    """
    rng = seeds.generator("windows", *key)
    y, x = np.mgrid[:SIZE, :SIZE]
    face = np.where((y >= 2) & (y < 6), -1.0, 0.0) + np.where((y >= 6) & (y < 10), 1.0, 0.0)
    face += np.where((y >= 2) & (y < 6) & (x >= 4) & (x < 8), 1.5, 0.0)
    angles, offsets = rng.uniform(0, 2 * np.pi, number), rng.uniform(-4, 4, number)
    middle = (SIZE - 1) / 2
    across = np.cos(angles)[:, None, None] * (x - middle) + np.sin(angles)[:, None, None] * (
        y - middle
    )
    edges = rng.random((number, 1, 1)) * np.sign(across - offsets[:, None, None])
    images = rng.normal(size=(number, SIZE, SIZE)) + edges + contrast * pattern * face
    return images, np.full(number, 1 if pattern else -1)


def both(number: int, contrast: float, *key: int | str) -> tuple[np.ndarray, np.ndarray]:
    """Return as many windows with the pattern as without it, and their labels."""
    parts = [windows(number, pattern, contrast, *key, int(pattern)) for pattern in (True, False)]
    images, labels = (np.concatenate(side) for side in zip(*parts, strict=True))
    return images, labels


@experiment(
    title="AdaBoost's training error falls as the product of 2 sqrt(e (1 - e))",
    statement=(
        "Let e_t < 1/2 be the weighted error of the t-th stump and log((1 - e_t) / e_t) / 2 its "
        "vote. The mean of exp(-y F) over the training set, F the sum of the votes, is exactly "
        "the product of 2 sqrt(e_t (1 - e_t)), which is at most exp(-2 sum (1/2 - e_t)^2); the "
        "share of mistakes is at most that, and so it is 0 as soon as the product is below 1/N. "
        "Under the new weights the last stump is right on exactly half."
    ),
    sources=(DETECTOR,),
    about=("boost", "boosting.Stump.__call__", "boosting.Boosted.scores"),
    reference="Freund and Schapire, 1997, theorem 6; Schapire and Freund, Boosting, 2012, 3.1",
    sabotage=Sabotage("the votes are log((1 - e) / e)", {"share": 2.0}),
)
def adaboost_training_error(
    *, share: float = 1.0, rounds: int = 60, contrast: float = 0.45, seed: int = 0
) -> Outcome:
    """`share` is a factor of the votes, and `contrast` that of the pattern against its noise."""
    images, labels = both(80, contrast, "boosting", seed)
    values = feature_values(images, haar_features(SIZE))
    boosted = boost(values, labels, rounds, share=share)
    errors = np.array([stump.error for stump in boosted.stumps])
    products = np.cumprod(2 * np.sqrt(errors * (1 - errors)))
    margins = labels * boosted.scores(values)
    losses, mistakes = np.exp(-margins).mean(axis=1), np.mean(margins <= 0, axis=1)
    halves = [
        boosted.weights[t + 1][stump(values) != labels].sum()
        for t, stump in enumerate(boosted.stumps)
    ]
    gauss = np.exp(-2 * np.cumsum((0.5 - errors) ** 2))
    certain = products < 1 / len(labels)
    return Outcome(
        (
            at_most(
                "mean of exp(-y F) over the product, largest", (losses / products).max(), 1 + 1e-9
            ),
            at_least("the same, least", (losses / products).min(), 1 - 1e-9),
            at_most("largest share of mistakes less the product", (mistakes - products).max(), 0),
            at_most("product over exp(-2 sum (1/2 - e)^2)", (products / gauss).max(), 1),
            at_most(
                "error of the last stump under the new weights, away from 1/2",
                np.abs(np.array(halves) - 0.5).max(),
                1e-9,
            ),
            at_least("rounds after which the product is below 1/N", certain.sum(), 1),
            at_most("mistakes in those", mistakes[certain].max(initial=0), 0),
        ),
        sequences(
            "Training error",
            "round, less 1",
            "error",
            {
                "mistakes": np.where(mistakes > 0, mistakes, np.nan),
                "product": products,
                "exp(-2 sum (1/2 - e)^2)": gauss,
            },
        ),
    )


LAYERS = (3, 6, 15)  # stumps of the stages
LOST = 2  # patterns of the calibration set that each stage may reject


@experiment(
    title="A cascade keeps the patterns and rejects most windows early",
    statement=(
        "Let each stage reject at most k of the n calibration windows with a pattern that came "
        "to it: its threshold is their (k + 1)-th lowest score. A new window with a pattern, of "
        "the same law, then passes with a probability of law Beta(n - k, k + 1) or better, and "
        "of m new ones as many pass as the beta-binomial law says. Windows without a pattern are "
        "rejected after few features: on average a fraction of those of all stages. For fainter "
        "patterns than those of the calibration nothing is promised."
    ),
    sources=(DETECTOR,),
    about=("reached", "Stage.passes", "trained_stages"),
    reference="Viola and Jones, 2001, section 4; Wilks, 1941 (limits by order statistics)",
    sabotage=Sabotage("the new patterns are fainter", {"fresh": 0.5}),
)
def cascade_keeps_the_patterns(
    *, fresh: float = 0.9, contrast: float = 0.9, seed: int = 0
) -> Outcome:
    """`fresh` is the contrast of the new patterns, `contrast` that of the others."""
    features = haar_features(SIZE)

    def values(number: int, pattern: bool, strength: float, key: str) -> np.ndarray:
        return feature_values(windows(number, pattern, strength, "cascade", seed, key)[0], features)

    faces = values(100, True, contrast, "training")
    calibration = values(200, True, contrast, "calibration")
    stages = trained_stages(faces, values(600, False, 0.0, "background"), calibration)
    new, others = values(300, True, fresh, "new"), values(600, False, 0.0, "others")
    alive, kept, passed = (list(reached(stages, of)) for of in (new, calibration, others))
    chances = [
        betabinom.cdf(after.sum(), before.sum(), n.sum() - LOST, LOST + 1)
        for before, after, n in zip(alive[:-1], alive[1:], kept[:-1], strict=True)
    ]
    used = sum(count * came.mean() for count, came in zip(LAYERS, passed[:-1], strict=True))
    return Outcome(
        (
            at_most(
                "calibration windows rejected, most at a stage",
                (a.sum() - b.sum() for a, b in itertools.pairwise(kept)),
                LOST,
            ),
            # Three stages, each looked at once: together they are wrong once in 300,000 runs.
            at_least("chance of so few new patterns, least of the stages", chances, 1e-6),
            at_least("share of new patterns found", alive[-1].mean(), 0.9),
            at_most("share of other windows that pass all stages", passed[-1].mean(), 0.05),
            at_most("features per window over those of all stages", used / sum(LAYERS), 1 / 3),
        ),
        sequences(
            "Share of windows that come so far",
            "stages passed",
            "share",
            {
                "with the pattern": [came.mean() for came in alive],
                "without": [came.mean() for came in passed],
            },
        ),
    )


def trained_stages(
    faces: np.ndarray, background: np.ndarray, calibration: np.ndarray
) -> list[Stage]:
    """Return the stages, each trained on the background that the ones before let through."""
    stages: list[Stage] = []
    for rounds in LAYERS:
        hard = background[list(reached(stages, background))[-1]]
        left = calibration[list(reached(stages, calibration))[-1]]
        rows, labels = np.concatenate([faces, hard]), np.repeat([1, -1], [len(faces), len(hard)])
        boosted = boost(rows, labels, rounds)
        stages.append(Stage(boosted, float(np.sort(boosted.scores(left)[-1])[LOST])))
    return stages
