"""One neuron: Hebb's rule, what it cannot learn, and the embedding that mends it."""

import numpy as np

from dlmath import seeds
from dlmath.maths.chance import outside
from dlmath.maths.choices import choose
from dlmath.maths.datasets import ball_and_annulus
from dlmath.maths.differences import derivative_error
from dlmath.maths.experiment_base import Outcome, Sabotage, at_least, at_most, experiment
from dlmath.maths.objectives import least_squares
from dlmath.maths.optimisers import GradientDescent, minimise
from dlmath.maths.papers import Source
from dlmath.maths.perceptron import embed, hebb, learn_perceptron
from dlmath.maths.plots import curves, dots, sequences
from dlmath.maths.separation import separating_plane


@experiment(
    title="Hebb's rule finds the leading direction of its inputs",
    statement=(
        "If the correlation matrix C of the inputs has a leading eigenvector, Hebb's rule turns "
        "the weights of a linear neuron towards it while their length grows without bound: for "
        "independent inputs the mean of w_k is (I + rate C)^k w_0. With degradation (Oja's rule) "
        "the direction is the same, and the length tends to 1."
    ),
    sources=(
        Source("ferguson", 54, "synapses are actually strengthened"),
        Source("ferguson", 54, "degradation of the synapse strength"),
    ),
    about=("hebb",),
    reference="Oja, A simplified neuron model as a principal component analyzer, 1982",
    sabotage=Sabotage("no direction leads", {"spread": 1.0}),
)
def hebb_finds_the_leading_direction(
    *, spread: float = 3.0, inputs: int = 6000, rate: float = 0.002, seed: int = 0
) -> Outcome:
    """`spread` is the deviation of the inputs along the leading direction; it is 1 across."""
    rng = seeds.generator("hebb", seed)
    lead = np.array([0.6, 0.8])
    across = np.array([-0.8, 0.6])
    x = rng.normal(size=(inputs, 2)) @ np.stack([spread * lead, across])
    start = 0.1 * across + 0.01 * lead
    paths = {name: hebb(x, start, rate, decay=name == "Oja") for name in ("Hebb", "Oja")}
    runs = rng.normal(size=(300, 40, 2)) @ np.stack([spread * lead, across])
    ends = np.array([hebb(one, start, rate, decay=False)[-1] for one in runs])
    off = [
        outside(ends @ axis, (1 + rate * square) ** 40 * (start @ axis))
        for axis, square in ((lead, spread**2), (across, 1.0))
    ]
    lengths = {name: np.linalg.norm(path, axis=1) for name, path in paths.items()}
    cosines = {name: np.abs(path @ lead) / lengths[name] for name, path in paths.items()}
    return Outcome(
        (
            at_least("Hebb: cosine with the leading direction", cosines["Hebb"][-1], 0.99),
            at_least("Hebb: length over the first", lengths["Hebb"][-1] / lengths["Hebb"][0], 100),
            at_least("Oja: cosine with the leading direction", cosines["Oja"][-1], 0.99),
            at_most("Oja: length away from 1", abs(lengths["Oja"][-1] - 1), 0.1),
            at_most(
                "Hebb: mean of 300 runs off (I + rate C)^40 w_0 beyond chance, in standard errors",
                off,
                0,
            ),
        ),
        sequences(
            "Length of the weights",
            "input",
            "length",
            lengths,
            log=True,
        ),
    )


@experiment(
    title="No line, but a paraboloid, parts a ball from a ring",
    statement=(
        "No hyperplane separates a ball from the ring around it: the linear programme has no "
        "solution, and the perceptron does not stop. After the embedding x -> (x, |x|^2) planes of "
        "heights between 1 and the square of the ring's inner radius separate them, and the "
        "perceptron stops."
    ),
    sources=(
        Source("tsemo", 264, "There exist datasets that are separable but not linearly separable"),
        Source("tsemo", 271, "embed it into a higher-dimensional vector space"),
        Source("ferguson", 88, "would require an inequality quadratic in the inputs"),
        Source("ferguson", 86, "simply determining whether the inequality"),
    ),
    about=("separating_plane", "embed", "compute.squares"),
    reference="Cover, Geometrical properties of systems of linear inequalities, 1965",
    sabotage=Sabotage("the embedding is left out", {"embedding": "none"}),
)
def ball_and_annulus_embedding(
    *, embedding: str = "square", points: int = 100, gap: float = 0.1, seed: int = 0
) -> Outcome:
    """`embedding` is square or none; `gap` lies between ball and ring, where the paper has 0."""
    rows, classes = ball_and_annulus(points, seed, (1.0, 1.0 + gap, 2.0))
    labels = 2.0 * classes - 1
    squares = (rows**2).sum(axis=1)
    mended = choose(
        "embedding", embedding, {"square": np.column_stack([rows, squares]), "none": rows}
    )
    flat, lifted = embed(rows), embed(mended)
    without = separating_plane(flat, labels)
    learnt = learn_perceptron(flat, labels, most=3_000)
    plane = separating_plane(lifted, labels)
    right = 0.0 if plane is None else np.mean(np.sign(lifted @ plane) == labels)
    height = np.append(np.zeros(lifted.shape[1] - 2), [1.0, -(1 + (1 + gap) ** 2) / 2])
    margin = (labels * (lifted @ height)).min()
    # Novikoff's bound, with the plane of the middle height.
    bound = (lifted**2).sum(axis=1).max() * (height @ height) / margin**2
    above = learn_perceptron(lifted, labels, most=int(min(bound, 20_000)) + 1)
    chart = curves(
        "Ball and ring",
        "x",
        "y",
        {
            "radius 1": (np.cos(np.linspace(0, 7, 99)), np.sin(np.linspace(0, 7, 99))),
            "ring's edge": (2 * np.cos(np.linspace(0, 7, 99)), 2 * np.sin(np.linspace(0, 7, 99))),
        },
    )
    dots(dots(chart, rows[classes == 0], "curve"), rows[classes == 1], "other")
    return Outcome(
        (
            at_most("separating lines in the plane", float(without is not None), 0),
            at_most("whether the perceptron stops in the plane", learnt.converged, 0),
            at_least("accuracy of a plane after the embedding", right, 1),
            at_least(
                "margin of the middle height, over half of the gap of |x|^2",
                margin / (((1 + gap) ** 2 - 1) / 2),
                1 - 1e-9,
            ),
            at_least(
                "accuracy of the perceptron after the embedding",
                np.mean(np.sign(lifted @ above.weights) == labels),
                1,
            ),
        ),
        chart,
    )


@experiment(
    title="A linear neuron learns the least squares fit",
    statement=(
        "Gradient descent on the squared loss of a linear neuron with linearly independent "
        "features ends at the solution of the normal equations: after k steps of rate r it is "
        "(I - r H)^k times as far off as at the start, H being the features' correlation matrix."
    ),
    sources=(
        Source("ferguson", 156, "for the linear neuron"),
        Source("foundations", 55, "Mean Squared Error (MSE)"),
        Source("murari", 125, r"\|\mathcal{N}_\theta(\mathbf{x}_i) - \mathbf{y}_i\|_2^2"),
    ),
    about=("least_squares", "GradientDescent.step"),
    reference="Calin, Deep learning architectures, 2020, section 5.6",
    sabotage=Sabotage("two features are the same: the solution is not unique", {"copied": True}),
)
def linear_neuron(
    *, copied: bool = False, rows: int = 60, steps: int = 3000, seed: int = 0
) -> Outcome:
    """`copied` makes the second feature a copy of the first."""
    rng = seeds.generator("linear neuron", seed)
    features = embed(rng.normal(size=(rows, 3)))
    if copied:
        features[:, 1] = features[:, 0]
    targets = features @ rng.normal(size=4) + 0.3 * rng.normal(size=rows)
    objective = least_squares(features, targets)
    hessian = features.T @ features / rows
    largest = np.linalg.eigvalsh(hessian)[-1]
    starts = rng.normal(size=(2, 4)) * 3
    paths = [minimise(objective, s, GradientDescent(1 / largest), steps).points for s in starts]
    solution = np.linalg.lstsq(features, targets, rcond=None)[0]
    distance = [np.linalg.norm(path - solution, axis=1) for path in paths]
    shrink = np.eye(4) - hessian / largest
    gaps: list[float] = []
    for k in (1, 2, 5, 20, 100):
        expected = [np.linalg.matrix_power(shrink, k) @ (s - solution) for s in starts]
        gaps.extend(
            np.abs(path[k] - solution - at).max() for path, at in zip(paths, expected, strict=True)
        )
    return Outcome(
        (
            at_most("farther end of two starts from the solution", (d[-1] for d in distance), 1e-9),
            at_most("points on the way, away from (I - r H)^k of the start", gaps, 1e-9),
            at_most(
                "least squares: derivatives away from differences",
                derivative_error(objective, starts[0]),
                1e-7,
            ),
            at_most(
                "least squares at 0 away from half of the targets' mean square",
                abs(objective.value(np.zeros(4)) - np.mean(targets**2) / 2),
                1e-12,
            ),
        ),
        sequences(
            "Distance to the normal equations' solution",
            "step",
            "distance",
            {
                "first start": distance[0][:300],
                "second start": distance[1][:300],
            },
            log=True,
        ),
    )
