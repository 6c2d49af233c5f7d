"""Decision boundaries as algebraic hypersurfaces of least degree (Tsemo, 5.4)."""

from collections.abc import Callable, Iterator

import numpy as np
from scipy.special import expit

from dlmath import seeds
from dlmath.maths.boundaries import fit_boundary, hulls_apart, least_degree
from dlmath.maths.chance import mean_range
from dlmath.maths.components import Components
from dlmath.maths.datasets import ball_and_annulus
from dlmath.maths.experiment_base import Outcome, Sabotage, at_least, at_most, experiment
from dlmath.maths.extremes import smallest_of
from dlmath.maths.network import Network, activations, backward, initialised, stepped
from dlmath.maths.papers import Source
from dlmath.maths.plots import curves

HIGHEST = 12
DEFINITION = Source("tsemo", 465, "A good decision boundary of order")


def petals(points: int, degree: int, margin: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return points of a square and the sign of a polynomial of exactly that degree, 1 to 4.

    Points where the polynomial is within `margin` of 0 are left out.
    """
    rng = seeds.generator("petals", seed)
    x, y = rng.uniform(-1.2, 1.2, (2, 4 * points))
    heights = {
        1: x + 0.5 * y,
        2: x**2 + y**2 - 0.6,
        3: y - 2 * x**3 + 1.2 * x,
        4: (x**2 - 0.45) * (y**2 - 0.45),
    }[degree]
    clear = np.flatnonzero(np.abs(heights) > margin)[:points]
    return np.column_stack([x, y])[clear], np.sign(heights[clear])


def noisy_rings(
    points: int, noise: float, seed: int, key: int | str
) -> tuple[np.ndarray, np.ndarray]:
    """Return the ball and the ring, touching, with that share of their labels turned."""
    rows, classes = ball_and_annulus(points, seed, (1.0, 1.0, 1.8), key)
    rng = seeds.generator("noise", seed, key)
    turned = rng.choice(len(rows), round(noise * len(rows)), replace=False)
    labels = 2.0 * classes - 1
    labels[turned] *= -1
    return rows, labels


def deepest(rows: np.ndarray, labels: np.ndarray, count: int) -> np.ndarray:
    """Return which `count` points lie deepest in their class: far from the other and the edge."""
    apart = np.linalg.norm(rows[:, np.newaxis] - rows, axis=2)
    other = np.where(labels[:, np.newaxis] != labels, apart, np.inf).min(axis=1)
    edge = 1.2 - np.abs(rows).max(axis=1)
    return np.argsort(-np.minimum(other, edge))[:count]


@experiment(
    title="The decision boundary of least degree is found",
    statement=(
        "On points labelled by the sign of a polynomial of degree 1, 2, 3 or 4, linear "
        "programming over the monomials finds that degree as the least that classifies all of "
        "them: its polynomial is right on every point, and one degree lower some mixture of the "
        "monomials of one class is one of the other's, so that none is (Gordan). The label turned "
        "that lies deepest inside a class raises it."
    ),
    sources=(
        DEFINITION,
        Source("tsemo", 35, "algebraic hypersurface"),
        Source("tsemo", 31, "lowest degree"),
    ),
    about=(
        "least_degree",
        "fit_boundary",
        "hulls_apart",
        "boundaries.by_degree",
        "polynomials.monomials",
    ),
    reference="Cover, Geometrical properties of systems of linear inequalities, 1965",
    sabotage=Sabotage("a label deep inside a class is wrong", {"flipped": 1}),
)
def least_degree_is_found(*, flipped: int = 0, points: int = 250, seed: int = 0) -> Outcome:
    """`flipped` labels are turned, those farthest from the other class and the square's edge."""
    wanted = np.arange(1, 5)
    found, wrong, below, at = [], [], [], []
    for degree in wanted:
        rows, labels = petals(points, int(degree), 0.03, seed)
        labels[deepest(rows, labels, flipped)] *= -1
        boundary = least_degree(rows, labels, highest=6)
        found.append(boundary.degree if boundary else 7)
        wrong.append(np.sum(np.sign(boundary(rows)) != labels) if boundary else len(rows))
        below.append(hulls_apart(rows, labels, int(degree) - 1))
        at.append(hulls_apart(rows, labels, int(degree)))
    return Outcome(
        (
            at_most("largest difference of the degree found", np.abs(found - wanted).max(), 0),
            at_most("points on the wrong side of what was found", wrong, 0),
            at_most("one degree lower: distance of the classes' hulls", below, 1e-9),
            at_least("of the degree itself: the same", at, 1e-6),
        ),
        curves(
            "Least degree, by the true one",
            "true degree",
            "degree found",
            {"found": (wanted, found), "true": (wanted, wanted)},
        ),
    )


@experiment(
    title="A fraction alpha needs a lower degree",
    statement=(
        "With noise, a boundary that classifies all points has a high degree, one that "
        "classifies a fraction alpha a low one: for a ball in a ring, with fewer labels turned "
        "than 1 - alpha and alpha beyond what a line can do, 2, the ring's own. The latter is "
        "nearer to the truth on new points. Without noise there is nothing to give up."
    ),
    sources=(
        DEFINITION,
        Source("tsemo", 31, "a high percentage of the training dataset"),
        Source(
            "tsemo", 464, "Overfitting occurs when the decision boundary is excessively complex"
        ),
    ),
    about=("least_degree",),
    reference="Johnson and Preparata, The densest hemisphere problem, 1978 (why alpha is a bound)",
    sabotage=Sabotage("no label is wrong", {"noise": 0.0}),
)
def fraction_alpha(
    *, alpha: float = 0.8, noise: float = 0.08, points: int = 90, draws: int = 12, seed: int = 0
) -> Outcome:
    """`noise` is the share of the ball's and the ring's points whose label is turned."""
    gains, degrees, shares = [], [], []
    for draw in range(draws):
        rows, labels = noisy_rings(points // 2, noise, seed, draw)
        new, truth = noisy_rings(1000, 0.0, seed, "new")
        # Where not even the highest degree is right on all points, it stands for them.
        every = least_degree(rows, labels, 1.0, HIGHEST) or fit_boundary(rows, labels, HIGHEST)
        enough = least_degree(rows, labels, alpha, HIGHEST) or every
        scores = [np.mean(np.sign(boundary(new)) == truth) for boundary in (every, enough)]
        gains.append(scores[1] - scores[0])
        degrees.append([every.degree, enough.degree])
        shares.append(np.mean(np.sign(enough(rows)) == labels))
    highest, lowest = np.transpose(degrees)
    tried = np.arange(1, 9)
    by_degree = [fit_boundary(rows, labels, int(degree)).accuracy for degree in tried]
    return Outcome(
        (
            at_least("least share that the boundary for a fraction is right on", shares, alpha),
            at_most("its degree away from 2, largest", np.abs(lowest - 2).max(), 0),
            at_least("least degree for all points", highest.min(), 3),
            at_least("gain in accuracy on new points, least mean", mean_range(gains, 1e-4)[0], 0.0),
        ),
        curves(
            "Share of points classified",
            "degree",
            "share",
            {"share": (tried, by_degree), "alpha": (tried, np.full(len(tried), alpha))},
        ),
    )


COEFFICIENTS = {1: 6, 2: 21, 3: 56}  # of a polynomial of that degree in five dimensions


@experiment(
    title="A low degree needs less data",
    statement=(
        "When a plane is the true boundary in five dimensions, a boundary of least coefficients "
        "that is right on N examples errs on new ones with an expected chance of at most c / "
        "(N + 1), c being the number of coefficients: 6 for degree 1 and 56 for degree 3. The "
        "lower degree is more accurate. When the truth is a sphere, degree 1 cannot follow."
    ),
    sources=(
        Source("tsemo", 36, "acceptable classification accuracy with less data"),
        DEFINITION,
    ),
    about=("compute.errors",),  # the fit is judged where its degree is
    reference="Calafiore and Campi, Uncertain convex programs, 2005, theorem 1; Vapnik and "
    "Chervonenkis, 1971",
    sabotage=Sabotage("the true boundary is a sphere", {"truth": 2}),
)
def low_degree_needs_less_data(
    *, truth: int = 1, low: int = 1, high: int = 3, draws: int = 20, seed: int = 0
) -> Outcome:
    """`truth` is the degree of the true boundary, `low` and `high` (1 to 3) those fitted."""
    sizes = np.array([20, 40, 80])

    def drawn(number: int, *key: int | str) -> tuple[np.ndarray, np.ndarray]:
        rows = seeds.generator("less data", seed, *key).uniform(-1, 1, (number, 5))
        heights = rows @ [1.0, -0.8, 0.6, 0.4, -0.2] if truth == 1 else (rows**2).sum(axis=1) - 1.6
        return rows, np.sign(heights)

    new, said = drawn(1500, "new")
    errors = np.zeros((2, draws, len(sizes)))  # of the low and the high degree
    right = 1.0
    for draw in range(draws):
        for place, size in enumerate(sizes):
            rows, labels = drawn(int(size), draw, int(size))
            for which, degree in enumerate((low, high)):
                boundary = fit_boundary(rows, labels, degree)
                errors[which, draw, place] = np.mean(np.sign(boundary(new)) != said)
                right = smallest_of(right, boundary.accuracy)
    gains = errors[1] - errors[0]
    promised = np.array([[COEFFICIENTS[d] / (n + 1) for n in sizes] for d in (low, high)])
    least_error = np.array([mean_range(one, 1e-4)[0] for one in errors])
    return Outcome(
        (
            at_least("least share of its examples that a boundary is right on", right, 1),
            at_most(
                "error on new points over coefficients / (N + 1), largest of the least means",
                (least_error / promised).max(),
                1,
            ),
            at_least(
                "advantage of the low degree, over all sizes, least mean",
                mean_range(gains.mean(axis=1), 1e-3)[0],
                np.finfo(float).tiny,  # more than 0
            ),
            at_least(
                "the same at the worst size, largest mean", mean_range(gains, 1e-3)[1].min(), 0
            ),
        ),
        curves(
            "Accuracy on new points",
            "log10 of sample size",
            "accuracy",
            {
                f"degree {d}": (np.log10(sizes), 1 - values.mean(axis=0))
                for d, values in zip((low, high), errors, strict=True)
            },
        ),
    )


Embedding = Callable[[np.ndarray], np.ndarray]


def on_components(network: Network, rows: np.ndarray, count: int = 2) -> Embedding:
    """Return the map to the principal components, of `rows`, of the last hidden layer."""
    components = Components.of(activations(network, rows)[-2], count)
    return lambda points: components(activations(network, points)[-2])


def logistic_descent(
    network: Network, rows: np.ndarray, labels: np.ndarray, steps: int, rate: float
) -> Iterator[Network]:
    """Yield the network before and after each step on the mean of log(1 + exp(-y f(x)))."""
    signs = labels[:, np.newaxis]
    yield network
    for _ in range(steps):
        gradients, _ = backward(network, rows, lambda f: -signs * expit(-signs * f) / len(rows))
        network = stepped(network, gradients, rate)
        yield network


@experiment(
    title="Training lowers the degree of the boundary in the features",
    statement=(
        "On the first two principal components of a network's last hidden layer the ball and "
        "the ring have a boundary of degree 2 or more while its weights are random. Gradient "
        "descent makes features that a line parts, which is all that the last layer can draw; "
        "the line is right on new points too."
    ),
    sources=(
        Source("tsemo", 39, "nature of the decision boundaries"),
        Source("tsemo", 272, "Neural networks with more than one hidden layer are able"),
        DEFINITION,
    ),
    about=("logistic_descent", "on_components"),
    reference="Alain and Bengio, Understanding intermediate layers, 2016, arXiv:1610.01644",
    sabotage=Sabotage("nothing is trained", {"steps": 0}),
)
def training_lowers_the_degree(*, steps: int = 3000, rate: float = 1.2, seed: int = 0) -> Outcome:
    """`steps` of gradient descent on the logistic loss, for two hidden layers of 16 tanh units."""
    rows, classes = ball_and_annulus(100, seed, (1.0, 1.2, 2.0))
    new, truth = ball_and_annulus(1000, seed, (1.0, 1.2, 2.0), "new")
    labels = 2.0 * classes - 1
    start = initialised((2, 16, 16, 1), "tanh", "lower degree", seed)
    path = list(logistic_descent(start, rows, labels, steps, rate))
    before, after = (
        least_degree(on_components(network, rows)(rows), labels) for network in (start, path[-1])
    )
    embedded = on_components(path[-1], rows)
    line = fit_boundary(embedded(rows), labels, 1)
    times = np.linspace(0, steps, 11).astype(int)
    shares = [fit_boundary(on_components(path[t], rows)(rows), labels, 1).accuracy for t in times]
    return Outcome(
        (
            at_least("least degree before", before.degree if before else np.inf, 2),
            at_most("least degree after", after.degree if after else np.inf, 1),
            at_least(
                "share of new points the line is right on",
                np.mean((line(embedded(new)) > 0) == truth),
                0.95,
            ),
        ),
        curves("Points that a line parts", "step", "share", {"degree 1": (times, shares)}),
    )
