"""Gradient descent: that it descends, how fast it contracts, its best step, and where it diverges.

Source of the rates: Nesterov, "Introductory lectures on convex optimization", 2004, theorem 2.1.15.
"""

import numpy as np

from dlmath import seeds
from dlmath.maths.differences import central
from dlmath.maths.experiment_base import Outcome, Sabotage, at_least, at_most, experiment
from dlmath.maths.extremes import largest_of, smallest_of
from dlmath.maths.objectives import Objective, log_cosh, quadratic
from dlmath.maths.optimisers import GradientDescent, minimise
from dlmath.maths.papers import Source
from dlmath.maths.plots import curves, sequences

NESTEROV = "Nesterov, Introductory lectures on convex optimization, 2004, theorem 2.1.15"


def bowl(dimension: int, mu: float, smoothness: float, seed: int) -> Objective:
    """Return a convex function that is no quadratic, with its minimum at the origin.

    q(x) + c sum log cosh x_i, with curvatures of q in [mu, L - c], is mu-strongly convex and
    L-smooth, since the second derivative of log cosh lies in (0, 1].
    """
    share = (smoothness - mu) / 4
    between = seeds.generator("bowl", seed).uniform(mu, smoothness - share, dimension)
    between[:2] = mu, smoothness - share
    round_part, curved = quadratic(between), log_cosh()
    return Objective(
        value=lambda x: round_part.value(x) + share * curved.value(x),
        gradient=lambda x: round_part.gradient(x) + share * curved.gradient(x),
    )


@experiment(
    title="Moving against the gradient decreases the function",
    statement=(
        "If f is mu-strongly convex and L-smooth and the gradient g at x is not 0, a step of rate "
        "0 < rate < 2/L against g decreases f, by at least rate (1 - L rate / 2) |g|^2 and by at "
        "most rate (1 - mu rate / 2) |g|^2. Both are attained by quadratics."
    ),
    sources=(
        Source("tsemo", 75, "moving in the direction opposite to the gradient decreases"),
        Source("foundations", 30, "gradient descent moves in the opposite direction"),
    ),
    about=("GradientDescent.step", "bowl", "decreases"),
    reference="Nesterov, Introductory lectures on convex optimization, 2004, 1.2.3",
    sabotage=Sabotage("the step is longer than 2/L", {"step": 2.2}),
)
def descent_direction(
    *,
    step: float = 1.9,
    mu: float = 0.1,
    smoothness: float = 10.0,
    points: int = 200,
    seed: int = 0,
) -> Outcome:
    """`step` is the rate in units of 1/L."""
    rate = step / smoothness
    rng = seeds.generator("descent", seed)
    starts = rng.normal(size=(points, 6)) * rng.uniform(0, 3, (points, 1)) * ([0, 1] + [0.3] * 4)
    curved = bowl(6, mu, smoothness, seed)
    drawn = decreases(curved, starts, rate)
    extreme = decreases(quadratic(np.array([mu, smoothness])), np.eye(2), rate)
    stepped = minimise(curved, starts[0], GradientDescent(rate), 1).points
    low, high = 1 - smoothness * rate / 2, 1 - mu * rate / 2
    return Outcome(
        (
            # Above 0 by more than rounding: f is computed to 1e-16 of its value.
            at_least("least decrease over rate |g|^2", smallest_of(*drawn, *extreme), 1e-9),
            at_least("the same, less 1 - L rate / 2", drawn.min() - low, -1e-6),
            at_most("largest decrease over rate |g|^2", drawn.max(), high + 1e-6),
            at_most(
                "quadratics along both axes, away from the two bounds",
                np.abs(extreme - [high, low]).max(),
                1e-9,
            ),
            at_most(
                "step away from -rate g, g by differences of f",
                np.abs(stepped[1] - stepped[0] + rate * central(curved.value, starts[0])).max(),
                1e-8,
            ),
        ),
        sequences(
            "Decrease of f in one step, over rate |g|^2",
            "point, by its decrease",
            "decrease",
            {
                "decrease": np.sort(drawn),
                "1 - L rate / 2": np.full(points, low),
                "1 - mu rate / 2": np.full(points, high),
            },
        ),
    )


def decreases(objective: Objective, starts: np.ndarray, rate: float) -> np.ndarray:
    """Return (f(x) - f(x')) / (rate |g|^2) of a step x -> x' from each of the starts (N, d)."""
    way = GradientDescent(rate)
    after = np.array([minimise(objective, x, way, 1).points[-1] for x in starts])
    squares = np.array([np.sum(objective.gradient(x) ** 2) for x in starts])
    values = [np.array([objective.value(x) for x in at]) for at in (starts, after)]
    return (values[0] - values[1]) / (rate * squares)


@experiment(
    title="Gradient descent contracts",
    statement=(
        "If f is mu-strongly convex and L-smooth and 0 < rate <= 2/(mu + L), then |x_k - x*|^2 "
        "<= gamma^k |x_0 - x*|^2 with gamma = 1 - 2 rate mu L / (mu + L). On a quadratic each "
        "coordinate is multiplied by 1 - rate c at every step, c being its curvature; at the "
        "largest rate the bound is attained there."
    ),
    sources=(
        Source("murari", 249, r"Assume $0 < \tau \leq 2/(\mu + L)$"),
        Source("murari", 251, r"\leq \gamma^k"),
        Source("tsemo", 86, "the sequence will converge towards a local minimum"),
        Source("foundations", 153, "How quickly algorithms approach optima"),
    ),
    about=("GradientDescent.step", "bowl"),
    reference=NESTEROV,
    sabotage=Sabotage("the rate is 1.05 times 2/(mu + L)", {"rate": 1.05}),
)
def gradient_descent_contracts(
    *, rate: float = 1.0, mu: float = 0.5, smoothness: float = 10.0, steps: int = 60, seed: int = 0
) -> Outcome:
    """`rate` is in units of 2/(mu + L)."""
    tau = rate * 2 / (mu + smoothness)
    gamma = 1 - 2 * tau * mu * smoothness / (mu + smoothness)
    rng = seeds.generator("start", seed)
    start = rng.choice([-1.0, 1.0], 8) * rng.uniform(1, 2, 8)  # a part along every axis
    curvatures = np.linspace(mu, smoothness, 8)
    curved = bowl(8, mu, smoothness, seed)
    round_path, path, small = (
        minimise(f, first, GradientDescent(tau), number).points
        for f, first, number in (
            (quadratic(curvatures), start, steps),
            (curved, start, steps),
            (curved, np.full(8, 1e-3), 1),  # close to the minimum, where it is L-curved
        )
    )
    at = start / 2
    slope_error = np.abs(curved.gradient(at) - central(curved.value, at)).max()
    ks = np.arange(steps + 1)
    bound = gamma**ks * (start @ start)
    exact = (1 - tau * curvatures) ** ks[:, np.newaxis] * start
    # g_i / x_i is the mean curvature of coordinate i between the minimum and x_i.
    before, after = (np.vstack([path[part], small[part]]) for part in (slice(-1), slice(1, None)))
    seen = np.abs(before) > 1e-100
    bends = ((before - after) / tau)[seen] / before[seen]
    distances = {
        "quadratic": (round_path**2).sum(axis=1),
        "not quadratic": (path**2).sum(axis=1),
    }
    return Outcome(
        (
            *(
                at_most(
                    f"{name}: largest |x_k - x*|^2 over its bound",
                    np.max(distance / bound),
                    1 + 1e-9,
                )
                for name, distance in distances.items()
            ),
            at_most(
                "quadratic: away from (1 - rate c)^k x_0, relative",
                np.abs(round_path / exact - 1).max(),
                1e-9,
            ),
            at_most("not quadratic: gradient away from differences of f", slope_error, 1e-8),
            at_least("not quadratic: least mean curvature over mu", bends.min() / mu, 1 - 1e-9),
            at_most("not quadratic: largest over L", bends.max() / smoothness, 1 + 1e-9),
            at_least("the same, which is reached", bends.max() / smoothness, 1 - 1e-3),
        ),
        curves(
            "Squared distance to the minimum",
            "step",
            "squared distance",
            {name: (ks, distance) for name, distance in distances.items()} | {"bound": (ks, bound)},
            log=True,
        ),
    )


@experiment(
    title="The best step is 2/(L + mu), and the rate is then tight",
    statement=(
        "Over all quadratics with curvatures in [mu, L], the factor by which gradient descent "
        "shrinks the distance in its worst case is max(|1 - rate mu|, |1 - rate L|). It is least "
        "at the rate 2/(L + mu), where it is (kappa - 1)/(kappa + 1) with kappa = L / mu."
    ),
    sources=(
        Source("murari", 253, r"is minimised at $\tau^* = 2/(L + \mu)$"),
        Source("murari", 255, "condition number of the problem"),
        Source("foundations", 34, "Why some problems are harder to optimize"),
    ),
    about=("GradientDescent.step", "compute.factor"),
    reference=NESTEROV,
    sabotage=Sabotage("the L that is assumed is half of the true one", {"assumed": 0.5}),
)
def best_step(
    *, assumed: float = 1.0, mu: float = 1.0, smoothness: float = 10.0, steps: int = 50
) -> Outcome:
    """`assumed` is the L that the rate is computed from, in units of the true one."""
    objective = quadratic(np.array([mu, smoothness]))
    rates = np.linspace(0.01, 1.2, 120) * 2 / smoothness
    firsts: list[np.ndarray] = []

    def factor(tau: float) -> float:
        # One start along each axis: the worst of a quadratic lies at an end of the spectrum.
        traces = [minimise(objective, s, GradientDescent(tau), steps).points for s in np.eye(2)]
        firsts.append(np.stack([t[1] for t in traces]))
        return float(np.exp(np.log(largest_of(np.linalg.norm(t[-1]) for t in traces)) / steps))

    factors = np.array([factor(tau) for tau in rates])
    wanted = np.stack([np.diag([1 - tau * mu, 1 - tau * smoothness]) for tau in rates])
    off = np.abs(np.array(firsts) - wanted).max()
    lines = np.maximum(np.abs(1 - rates * mu), np.abs(1 - rates * smoothness))
    kappa = smoothness / mu
    believed = 2 / (assumed * smoothness + mu)
    attained = factor(believed)
    return Outcome(
        (
            at_most(
                "factor at 2/(L + mu), less the least of 120 rates", attained - factors.min(), 1e-9
            ),
            at_most(
                "factor at 2/(L + mu) away from (kappa - 1)/(kappa + 1)",
                abs(attained - (kappa - 1) / (kappa + 1)),
                1e-9,
            ),
            at_most(
                "factor at the 120 rates away from max(|1 - rate mu|, |1 - rate L|)",
                np.abs(factors - lines).max(),
                1e-9,
            ),
            at_most("first steps away from (1 - rate c) x", off, 1e-12),
        ),
        curves("Factor per step", "rate", "factor", {"worst case": (rates, factors)}).upright(
            believed, "2/(L + mu)"
        ),
    )


@experiment(
    title="Beyond 2/L gradient descent diverges",
    statement=(
        "On a quadratic each coordinate of curvature c is multiplied by 1 - rate c at every step. "
        "So above the rate 2/L, L being the largest curvature, gradient descent leaves every "
        "bounded set, from every start that has a part along the steepest direction; below 2/L "
        "it converges from every start."
    ),
    sources=(
        Source("tsemo", 86, "If is small enough"),
        Source("foundations", 25, "Stability of training dynamics"),
    ),
    about=("GradientDescent.step",),
    reference=NESTEROV,
    sabotage=Sabotage("the rate is below 2/L", {"rate": 0.98}),
)
def divergence_beyond_two_over_l(
    *, rate: float = 1.02, mu: float = 1.0, smoothness: float = 10.0, steps: int = 400
) -> Outcome:
    """`rate` is in units of 2/L; the rate below 2/L that is shown is its reciprocal."""
    curvatures = np.linspace(mu, smoothness, 5)
    start = np.full(5, 1e-3)
    lengths, factors, gaps = [], [], []
    for share in (rate, 1 / rate):
        tau = share * 2 / smoothness
        path = minimise(quadratic(curvatures), start, GradientDescent(tau), steps).points
        exact = start * (1 - tau * curvatures) ** np.arange(len(path))[:, np.newaxis]
        gaps.append(np.abs(path - exact).max() / np.abs(exact).max())
        factors.append(np.abs(path[-1] / start) ** (1 / (len(path) - 1)))
        lengths.append(np.linalg.norm(path, axis=1))
    return Outcome(
        (
            # The factors are powers of rounded points: 1e-9 is far above their rounding.
            at_least("factor per step of the steepest part, above", factors[0][-1], 1 + 1e-9),
            at_most("largest factor per step of a part, below", factors[1].max(), 1 - 1e-9),
            at_most("largest rise of the distance, below", np.diff(lengths[1]).max(), 0.0),
            at_most("points away from (1 - rate c)^k x_0, relative", gaps, 1e-9),
        ),
        sequences(
            "Distance to the minimum",
            "step",
            "distance",
            {f"{rate:.4g} of 2/L": lengths[0], f"{1 / rate:.4g} of 2/L": lengths[1]},
            log=True,
        ),
    )
