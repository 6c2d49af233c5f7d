"""The perceptron: its bound, how near data can come to it, planes off the origin, scaling."""

import numpy as np

from dlmath import seeds
from dlmath.maths.datasets import separable
from dlmath.maths.experiment_base import Outcome, Sabotage, at_least, at_most, experiment
from dlmath.maths.papers import Source
from dlmath.maths.perceptron import embed, learn_perceptron, min_max_scale, standard_scale
from dlmath.maths.plots import curves, sequences

NOVIKOFF = "Novikoff, On convergence proofs on perceptrons, 1962"


@experiment(
    title="The perceptron stops after at most (R / margin)^2 updates",
    statement=(
        "If all points lie in a ball of radius R around 0 and a hyperplane through 0 separates "
        "them with margin m, the perceptron that starts at 0 makes at most (R / m)^2 updates, "
        "and then separates them."
    ),
    sources=(
        Source("tsemo", 179, "after a finite number of steps, the perceptron algorithm stops"),
        Source("tsemo", 197, "we cannot repeat the algorithm more than"),
    ),
    about=("learn_perceptron",),
    reference=NOVIKOFF,
    sabotage=Sabotage("one label is wrong, so no plane through 0 separates", {"flipped": 1}),
)
def perceptron_bound(
    *, flipped: int = 0, points: int = 100, dimension: int = 3, seed: int = 0
) -> Outcome:
    """`flipped` labels are turned, those deepest inside their class; margins run over decades."""
    margins = np.geomspace(0.02, 0.5, 8)
    updates, bounds, right, along, lengths, apart = [], [], [], [], [], []
    for margin in margins:
        rows, labels, normal = separable(points, dimension, margin, seed)
        radius, nearest = np.linalg.norm(rows, axis=1).max(), (labels * (rows @ normal)).min()
        bound = (radius / nearest) ** 2
        deepest = np.argsort(-labels * (rows @ normal))[:flipped]
        labels[deepest] *= -1
        learnt = learn_perceptron(rows, labels, most=2 * int(bound) + 2)
        updates.append(learnt.updates)
        bounds.append(bound)
        right.append(np.mean(labels * (rows @ learnt.weights) > 0))
        wanted = passed_over(rows, labels, 2 * int(bound) + 2)
        apart.append(np.abs(learnt.weights - wanted).max())
        along.append(learnt.weights @ normal / (learnt.updates * nearest))
        lengths.append(np.linalg.norm(learnt.weights) / (np.sqrt(learnt.updates) * radius))
    ratio = np.array(updates) / bounds
    short = learn_perceptron(np.array([[1.0], [-1.0]]), np.ones(2), most=3)  # never done
    return Outcome(
        (
            at_most("largest number of updates over (R / m)^2", ratio.max(), 1.0),
            at_least("least share of points on their side in the end", right, 1),
            at_least("least part along the normal over k m", along, 1 - 1e-9),
            at_most("largest length over sqrt(k) R", lengths, 1 + 1e-9),
            at_most("weights away from those of the rule, row by row", apart, 0),
            at_most("updates of a run that may make 3, away from 3", abs(short.updates - 3), 0),
            at_most("whether that run says that it is done", short.converged, 0),
        ),
        curves(
            "Updates of the perceptron",
            "log10 of margin",
            "updates",
            {"updates": (np.log10(margins), updates), "(R / m)^2": (np.log10(margins), bounds)},
            log=True,
        ),
    )


def passed_over(rows: np.ndarray, labels: np.ndarray, most: int) -> np.ndarray:
    """Return the weights (d,) of the perceptron's rule, by the number of rows that were right.

    The rows come round and round; it ends when all of them were right one after another.
    """
    weights, updates, right, at = 0 * rows[0], 0, 0, 0
    while right < len(rows) and updates < most:
        wrong = np.sign(rows[at] @ weights) != labels[at]
        weights = weights + labels[at] * rows[at] if wrong else weights
        right, updates, at = (0 if wrong else right + 1), updates + int(wrong), (at + 1) % len(rows)
    return weights


@experiment(
    title="The perceptron's bound is attained",
    statement=(
        "For the unit vectors e_1, -e_2, e_3, ..., of classes 1, -1, 1, ..., R = 1 and the largest "
        "margin is 1/sqrt(n); the perceptron that starts at 0 makes exactly n = (R / m)^2 updates, "
        "one for each point, and ends at the weights (1, ..., 1)."
    ),
    sources=(Source("tsemo", 197, "we cannot repeat the algorithm more than"),),
    about=("learn_perceptron",),
    reference=NOVIKOFF,
    sabotage=Sabotage("the weights do not start at 0", {"start": 1.0}),
)
def perceptron_bound_is_attained(*, start: float = 0.0, largest: int = 60) -> Outcome:
    """`start` is the first value of every weight; dimensions run from 1 to `largest`."""
    sizes = np.arange(1, largest + 1)
    updates, off = [], []
    for size in sizes:
        labels = (-1.0) ** np.arange(size)
        rows = np.diag(labels)
        learnt = learn_perceptron(rows, labels, start=np.full(size, start))
        updates.append(learnt.updates)
        off.append(np.abs(learnt.weights - 1).max())
    # The margin of the direction (1, ..., 1)/sqrt(n) is 1/sqrt(n), and none has a larger one.
    ratio = np.array(updates) / (1.0 / (1 / np.sqrt(sizes))) ** 2
    return Outcome(
        (
            at_least("least number of updates over the bound", ratio.min(), 1 - 1e-9),
            at_most("largest number of updates over the bound", ratio.max(), 1 + 1e-9),
            at_most("weights away from (1, ..., 1)", off, 0),
        ),
        curves(
            "Updates on n unit vectors",
            "n",
            "updates",
            {"updates": (sizes, updates), "bound": (sizes, sizes)},
        ),
    )


@experiment(
    title="Planes off the origin, by embedding",
    statement=(
        "Points that an affine hyperplane w . x + b = 0 separates are separated by the linear "
        "one (w, b) after the embedding x -> (x, 1), so the perceptron stops there, within the "
        "bound of the embedded points. Without the embedding it need not stop."
    ),
    sources=(
        Source("tsemo", 199, "If is affinely separable"),
        Source("tsemo", 201, "We embed the dataset to using the map"),
        Source("ferguson", 80, "zero indexing the bias"),
    ),
    about=("embed",),
    reference=NOVIKOFF,
    sabotage=Sabotage("the points are not embedded", {"embedded": False}),
)
def perceptron_off_the_origin(
    *, embedded: bool = True, shift: float = 3.0, points: int = 80, seed: int = 0
) -> Outcome:
    """`shift` moves all points along the normal, away from the origin."""
    rows, labels, normal = separable(points, 2, 0.1, seed)
    rows = rows + shift * normal
    features = embed(rows) if embedded else rows
    plane = np.append(normal, -shift)
    distance = labels * (embed(rows) @ plane) / np.linalg.norm(plane)
    # The rows keep a distance of 0.1 from the plane before it is shifted and embedded.
    bound = (np.sqrt((rows**2).sum(axis=1) + 1).max() / distance.min()) ** 2
    learnt = learn_perceptron(features, labels, most=int(bound) + 1)
    wrong = np.mean(labels * (features @ learnt.weights) <= 0)
    along = rows @ normal
    return Outcome(
        (
            at_least(
                "margin of (w, b), over 0.1 / |(w, b)|", distance.min() * np.hypot(1, shift), 0.1
            ),
            at_most("updates over the bound of the embedded points", learnt.updates / bound, 1.0),
            at_most("share of points on the wrong side", wrong, 0.0),
        ),
        curves(
            "Score of each point, by its place along the normal",
            "place along the normal",
            "score",
            {
                "score": (np.sort(along), (features @ learnt.weights)[np.argsort(along)]),
                "class": (np.sort(along), labels[np.argsort(along)]),
            },
        ),
    )


@experiment(
    title="What scaling does to the perceptron",
    statement=(
        "Multiplying all features by one constant changes R and the margin alike: the "
        "perceptron from 0 makes the very same updates. Where one feature is measured in much "
        "larger units than the one that decides, scaling feature by feature, to the range [0, 1] "
        "(min-max) or to mean 0 and variance 1 (standard), reduces the number of updates."
    ),
    sources=(
        Source("tsemo", 206, "normalizing the dataset may increase performance"),
        Source("tsemo", 207, "Min Max scaler"),
        Source("tsemo", 211, "Standard scaler"),
    ),
    about=("min_max_scale", "standard_scale"),
    reference=NOVIKOFF,
    sabotage=Sabotage("all features are in the same units", {"units": 1.0}),
)
def scaling_and_the_perceptron(*, units: float = 200.0, points: int = 60, seed: int = 0) -> Outcome:
    """`units` multiplies the feature that does not decide; three sets are drawn."""
    counts: dict[str, list[int]] = {"raw": [], "min-max": [], "standard": []}
    unchanged, errors = True, []
    for draw in range(3):
        rng = seeds.generator("scaling", seed, draw)
        labels = np.where(rng.random(points) < 0.5, 1.0, -1.0)
        decides = labels * rng.uniform(0.2, 1.0, points)
        rows = np.column_stack([decides, units * rng.normal(size=points)])
        scaled = {"raw": rows, "min-max": min_max_scale(rows), "standard": standard_scale(rows)}
        errors.append(np.max(scaling_errors(rows, scaled["min-max"], scaled["standard"])))
        for name, features in scaled.items():
            counts[name].append(learn_perceptron(embed(features), labels, most=200_000).updates)
        two = [learn_perceptron(c * rows, labels, most=200_000).updates for c in (1.0, 1024.0)]
        unchanged = unchanged and two[0] == two[1]
    means = {name: float(np.mean(count)) for name, count in counts.items()}
    order = np.argsort(counts["raw"])
    return Outcome(
        (
            at_least("updates are the same at 1024 times the scale", unchanged, 1),
            at_most(
                "mean updates after min-max scaling over raw", means["min-max"] / means["raw"], 0.5
            ),
            at_most(
                "mean updates after standard scaling over raw",
                means["standard"] / means["raw"],
                0.5,
            ),
            at_most("scaled columns away from their range, mean, variance, or line", errors, 1e-9),
        ),
        sequences(
            "Updates before and after scaling",
            "set, by its raw updates",
            "updates",
            {name: np.array(count)[order] for name, count in counts.items()},
            log=True,
        ),
    )


def scaling_errors(raw: np.ndarray, ranged: np.ndarray, standard: np.ndarray) -> list[float]:
    """Return how far scaled features (N, d) are from what the two scalings promise.

    They are the ends of the range, mean and variance, and that each column is the raw one times a
    positive number, and shifted; a constant column becomes 0.
    """
    lines = [
        abs(1 - np.corrcoef(before, after)[0, 1])
        for scaled in (ranged, standard)
        for before, after in zip(raw.T, scaled.T, strict=True)
    ]
    constant = np.full((3, 1), 7.0)
    return [
        float(np.abs(min_max_scale(constant)).max()),
        float(np.abs(standard_scale(constant)).max()),
        float(np.abs(ranged.min(axis=0)).max()),
        float(np.abs(ranged.max(axis=0) - 1).max()),
        float(np.abs(standard.mean(axis=0)).max()),
        float(np.abs((standard**2).mean(axis=0) - 1).max()),
        *lines,
    ]
