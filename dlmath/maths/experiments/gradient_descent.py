"""Gradient descent: that it descends, how fast it contracts, its best step, and where it diverges.

Source of the rates: Nesterov, "Introductory lectures on convex optimization", 2004, theorem 2.1.15.
"""

import numpy as np

from dlmath import seeds
from dlmath.maths.experiment_base import Outcome, Sabotage, at_least, at_most, experiment
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
        "If f is L-smooth and the gradient g at x is not 0, then f(x - rate g) < f(x) for every "
        "0 < rate < 2/L, by at least rate (1 - L rate / 2) |g|^2."
    ),
    sources=(
        Source("tsemo", 75, "moving in the direction opposite to the gradient decreases"),
        Source("foundations", 30, "gradient descent moves in the opposite direction"),
    ),
    about=("bowl", "compute.after", "compute.decrease"),
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
    objective = bowl(6, mu, smoothness, seed)
    rate = step / smoothness
    rng = seeds.generator("descent", seed)
    starts = rng.normal(size=(points, 6)) * rng.uniform(0, 3, (points, 1)) * ([0, 1] + [0.3] * 4)
    gradients = np.array([objective.gradient(x) for x in starts])
    before = np.array([objective.value(x) for x in starts])
    after = np.array([objective.value(x) for x in starts - rate * gradients])
    decrease = before - after
    least = rate * (1 - smoothness * rate / 2) * (gradients**2).sum(axis=1)
    order = np.argsort(least)
    return Outcome(
        (
            at_least("least decrease of f", decrease.min(), 0.0),
            at_least("least decrease beyond its bound", (decrease - least).min(), -1e-12),
        ),
        sequences(
            "Decrease of f in one step",
            "point, by its bound",
            "decrease",
            {
                "decrease": decrease[order],
                "bound": least[order],
            },
        ),
    )


@experiment(
    title="Gradient descent contracts",
    statement=(
        "If f is mu-strongly convex and L-smooth and 0 < rate <= 2/(mu + L), then |x_k - x*|^2 "
        "<= gamma^k |x_0 - x*|^2 with gamma = 1 - 2 rate mu L / (mu + L)."
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
    start = seeds.generator("start", seed).normal(size=8)
    objectives = {
        "quadratic": quadratic(np.linspace(mu, smoothness, 8)),
        "not quadratic": bowl(8, mu, smoothness, seed),
    }
    bound = gamma ** np.arange(steps + 1) * (start @ start)
    checks, lines = [], {}
    for name, objective in objectives.items():
        trace = minimise(objective, start, GradientDescent(tau), steps)
        distance = (trace.points**2).sum(axis=1)
        worst = np.max(distance / bound)
        checks.append(at_most(f"{name}: largest |x_k - x*|^2 over its bound", worst, 1 + 1e-9))
        lines[name] = (np.arange(steps + 1), distance)
    lines["bound"] = (np.arange(steps + 1), bound)
    return Outcome(
        tuple(checks),
        curves("Squared distance to the minimum", "step", "squared distance", lines, log=True),
    )


@experiment(
    title="The best step is 2/(L + mu), and the rate is then tight",
    statement=(
        "Over all quadratics with curvatures in [mu, L], the factor by which gradient descent "
        "shrinks the distance in its worst case is least at the rate 2/(L + mu), where it is "
        "(kappa - 1)/(kappa + 1) with kappa = L / mu: the bound is attained."
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
    rates = np.linspace(0.02, 2.4 / smoothness, 120)

    def factor(tau: float) -> float:
        # One start along each axis: the worst of a quadratic lies at an end of the spectrum.
        traces = [minimise(objective, s, GradientDescent(tau), steps).points for s in np.eye(2)]
        return float(max(np.linalg.norm(t[-1]) for t in traces) ** (1 / steps))

    factors = np.array([factor(tau) for tau in rates])
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
        ),
        curves("Factor per step", "rate", "factor", {"worst case": (rates, factors)}).upright(
            believed, "2/(L + mu)"
        ),
    )


@experiment(
    title="Beyond 2/L gradient descent diverges",
    statement=(
        "On a quadratic with largest curvature L, gradient descent with a rate above 2/L leaves "
        "every bounded set, from every start that has a part along the steepest direction; "
        "below 2/L it converges."
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
    """`rate` is in units of 2/L."""
    objective = quadratic(np.linspace(mu, smoothness, 5))
    trace = minimise(objective, np.full(5, 1e-3), GradientDescent(rate * 2 / smoothness), steps)
    below = minimise(objective, np.full(5, 1e-3), GradientDescent(0.98 * 2 / smoothness), steps)
    distance, other = (np.linalg.norm(t.points, axis=1) for t in (trace, below))
    # The steepest coordinate is multiplied by 1 - rate L at every step.
    predicted = 1e-3 * abs(1 - 2 * rate) ** np.arange(len(distance))
    return Outcome(
        (
            at_least("last distance over the first", distance[-1] / distance[0], 1e3),
            at_most("distance below 2/L over the first", other[-1] / other[0], 1e-3),
            at_most(
                "relative error of |1 - rate L|^k for the steepest part",
                abs(abs(trace.points[-1, -1]) / predicted[-1] - 1),
                1e-9,
            ),
        ),
        sequences(
            "Distance to the minimum",
            "step",
            "distance",
            {
                f"{rate:g} of 2/L": distance,
                "0.98 of 2/L": other,
            },
            log=True,
        ),
    )
