"""Networks as dynamical systems: Euler steps, fixed points, chaos, layers that do not expand."""

import numpy as np
from scipy.integrate import solve_ivp

from dlmath import seeds
from dlmath.maths.chance import mean_range
from dlmath.maths.experiment_base import Outcome, Sabotage, at_least, at_most, experiment
from dlmath.maths.papers import Source
from dlmath.maths.plots import curves, sequences


def field(x: np.ndarray, inner: np.ndarray, outer: np.ndarray) -> np.ndarray:
    """Return f(x) = outer tanh(inner x) for columns x, (d, ...)."""
    return outer @ np.tanh(inner @ x)


def slope(x: np.ndarray, inner: np.ndarray, outer: np.ndarray) -> np.ndarray:
    """Return the Jacobian of `field` at one x, (d, d)."""
    return outer @ (inner * (1 - np.tanh(inner @ x) ** 2)[:, np.newaxis])


def residual_network(
    x: np.ndarray, inner: np.ndarray, outer: np.ndarray, layers: int, step: float
) -> np.ndarray:
    """Return x after `layers` residual layers x <- x + step f(x)."""
    for _ in range(layers):
        x = x + step * field(x, inner, outer)
    return x


@experiment(
    title="A residual network is Euler's method",
    statement=(
        "L residual layers x <- x + (T/L) f(x) end where the flow of x' = f(x) is at the time T, "
        "but for an error of T d(T)/L and terms of order 1/L^2, where d' = f'(x) d - f'(x) f(x)/2 "
        "and d(0) = 0: the order is 1, from both sides. The error is at most (T/L) (M/2) (e^{KT} - "
        "1)/K, with K a Lipschitz constant of f and M a bound of |f' f|. Without the factor 1/L, "
        "depth does not come near a flow."
    ),
    sources=(
        Source("murari", 503, "a promising interpretation relates them with dynamical systems"),
    ),
    about=("residual_network", "field", "slope"),
    reference="Hairer, Norsett and Wanner, Solving ordinary differential equations I, II.3, II.8",
    sabotage=Sabotage("the layers' step is T/sqrt(L)", {"power": 0.5}),
)
def residual_network_is_euler(*, power: float = 1.0, layers: int = 256, seed: int = 0) -> Outcome:
    """`power` of the number of layers divides the step."""
    rng, d, width, until = seeds.generator("flow", seed), 3, 5, 2.0
    inner, outer = rng.normal(size=(width, d)), rng.normal(size=(d, width))
    inner, outer = inner / np.linalg.norm(inner, 2), outer / np.linalg.norm(outer, 2)
    start = rng.normal(size=d)

    def with_error(_: float, both: np.ndarray) -> np.ndarray:
        x, error = both[:d], both[d:]
        jacobian = slope(x, inner, outer)
        f = field(x, inner, outer)
        return np.concatenate([f, jacobian @ error - jacobian @ f / 2])

    flow = solve_ivp(
        with_error, (0, until), np.r_[start, np.zeros(d)], "DOP853", rtol=1e-12, atol=1e-13
    ).y[:, -1]
    end, leading = flow[:d], until * flow[d:]
    counts = layers * 2 ** np.arange(4)
    errors = np.array(
        [
            residual_network(start, inner, outer, int(count), until / count**power) - end
            for count in counts
        ]
    )
    sizes = np.linalg.norm(errors, axis=1)
    left = np.linalg.norm(counts[:, np.newaxis] * errors - leading, axis=1)
    # Both factors have norm 1: so has f', and |f' f| <= |f| <= sqrt(width), as tanh is below 1.
    bound = until / counts * (np.sqrt(width) / 2) * (np.exp(until) - 1)
    return Outcome(
        (
            at_most("largest error over its bound", sizes / bound, 1),
            at_most(
                "L error - T d(T) at the deepest, over |T d(T)|",
                left[-1] / np.linalg.norm(leading),
                0.02,
            ),
            at_most("that remainder over the one at half the depth", left[1:] / left[:-1], 0.55),
            at_least("the same from below", left[1:] / left[:-1], 0.45),
            at_least("error at half the depth over the error", sizes[:-1] / sizes[1:], 1.95),
            at_most("the same from above", sizes[:-1] / sizes[1:], 2.05),
        ),
        curves(
            "Error of residual networks",
            "layers",
            "error",
            {"error": (counts, sizes), "bound": (counts, bound)},
            log=True,
        ),
    )


def repeated(weights: np.ndarray, bias: np.ndarray, starts: np.ndarray, steps: int) -> np.ndarray:
    """Return x_0, ..., x_steps of x <- tanh(W x + b), (steps + 1, d, number of starts)."""
    states = [starts]
    for _ in range(steps):
        states.append(np.tanh(weights @ states[-1] + bias[:, np.newaxis]))
    return np.array(states)


@experiment(
    title="A recurrent network that contracts has one fixed point",
    statement=(
        "If the spectral norm q of W is below 1, x <- tanh(W x + b) has exactly one fixed point "
        "x*, every start goes there, and after n steps the distance is at most q^n/(1 - q) times "
        "the first step, and at most q/(1 - q) times the last one. No power of a smaller rate "
        "would do: near x* the distance shrinks by the spectral radius of W diag(1 - x*^2) in each "
        "step. With q above 1 there may be several."
    ),
    sources=(Source("foundations", 136, "Fixed Points: Stable states in recurrent networks"),),
    about=("repeated",),
    reference="Banach's fixed point theorem",
    sabotage=Sabotage("the norm is 2", {"norm": 2.0}),
)
def contraction_has_one_fixed_point(*, norm: float = 0.9, seed: int = 0) -> Outcome:
    """`norm` is q."""
    rng, d, starts, steps = seeds.generator("contraction", seed), 4, 30, 400
    weights = rng.normal(size=(d, d))
    weights = norm * (weights + weights.T) / np.linalg.norm(weights + weights.T, 2)
    bias = 0.05 * rng.normal(size=d)
    x = repeated(weights, bias, rng.normal(size=(d, starts)) * 3, steps)
    end = x[-1, :, :1]
    apart = np.linalg.norm(x - end, axis=1)  # (steps + 1, starts)
    moves = np.linalg.norm(np.diff(x, axis=0), axis=1)
    n = np.arange(steps + 1)[:, np.newaxis]
    seen = apart > 1e-11  # below it rounding is what is left
    before = norm**n / max(1 - norm, 1e-9) * moves[0]
    after = norm / max(1 - norm, 1e-9) * moves
    # Near x* the slowest direction of the derivative is what is left.
    slopes = (1 - end[:, 0] ** 2)[:, np.newaxis] * weights
    rate = np.abs(np.linalg.eigvals(slopes)).max()
    usual = [
        np.log(column[kept][-1] / column[kept][-6]) / 5
        for column, kept in zip(apart.T, seen.T, strict=True)
    ]
    return Outcome(
        (
            at_most("largest distance of the ends from each other", apart[-1], 1e-12),
            at_most(
                "residual of the fixed point",
                np.abs(np.tanh(weights @ end + bias[:, np.newaxis]) - end),
                1e-12,
            ),
            at_most("distance over the bound by the first step", (apart / before)[seen], 1),
            at_most("distance over the bound by the last step", (apart[1:] / after)[seen[1:]], 1),
            at_most(
                "rate at the end, log, away from that of the derivative",
                np.abs(np.array(usual) - np.log(rate)),
                0.02,
            ),
        ),
        sequences(
            "Distance from the fixed point",
            "step",
            "distance",
            {"largest": apart.max(axis=1)[:100], "bound": before.max(axis=1)[:100]},
            log=True,
        ),
    )


def lyapunov_exponent(weights: np.ndarray, start: np.ndarray, skipped: int, steps: int) -> float:
    """Return the mean growth of log|dx| in x <- W tanh(x), along a path, after `skipped` steps."""
    x, tangent, growth = start, np.ones_like(start) / np.sqrt(len(start)), 0.0
    for step in range(skipped + steps):
        slopes = 1 - np.tanh(x) ** 2
        x, tangent = weights @ np.tanh(x), weights @ (slopes * tangent)
        size = np.linalg.norm(tangent)
        tangent = tangent / size
        growth += np.log(size) if step >= skipped else 0.0
    return growth / steps


def mean_field(gain: float, steps: int = 200) -> tuple[float, float]:
    """Return the variance of a unit and the exponent, as the number of units goes to infinity.

    q = g^2 E tanh(sqrt(q) Z)^2 and 2 lambda = log(g^2 E (1 - tanh(sqrt(q) Z)^2)^2), Z normal.
    """
    places, weights = np.polynomial.hermite_e.hermegauss(101)
    weights = weights / weights.sum()
    q = gain**2
    for _ in range(steps):
        q = gain**2 * weights @ np.tanh(np.sqrt(q) * places) ** 2
    slopes = 1 - np.tanh(np.sqrt(q) * places) ** 2
    return float(q), float(np.log(gain**2 * weights @ slopes**2) / 2)


@experiment(
    title="Random recurrent networks turn chaotic at the gain 1",
    statement=(
        "Let W have independent normal entries of variance g^2/N. Below g = 1 the state of x <- W "
        "tanh(x) dies out, and two close paths draw together at the rate of log g, the logarithm "
        "of the spectral radius of W. Above it they part: the mean Lyapunov exponent is positive, "
        "and as N grows it tends to that of the mean field, (1/2) log(g^2 E(1 - tanh^2)^2). That "
        "one is below log g for g > 1, as a tanh that saturates damps, and falls to 0 like 2 (g - "
        "1)^2/3 as g falls to 1."
    ),
    sources=(Source("foundations", 137, "Chaos Theory: Understanding complex temporal behaviors"),),
    about=("lyapunov_exponent", "mean_field"),
    reference="Sompolinsky, Crisanti and Sommers, Chaos in random neural networks, 1988; Molgedey, "
    "Schuchhardt and Schuster, Suppressing chaos in neural networks by noise, 1992",
    sabotage=Sabotage("a quarter of the gain", {"factor": 0.25}),
)
def gain_of_chaos(
    *, factor: float = 1.0, units: int = 128, draws: int = 10, seed: int = 0
) -> Outcome:
    """`factor` multiplies the gains of the networks, not that of the mean field."""
    rng = seeds.generator("chaos", seed)
    gains, steps = np.array([0.5, 0.7, 3.0, 5.0]), 120
    exponents, radii = np.zeros((2, draws, len(gains)))
    for draw in range(draws):
        weights = rng.normal(size=(units, units)) / np.sqrt(units)
        radius = np.abs(np.linalg.eigvals(weights)).max()
        for place, gain in enumerate(factor * gains):
            start = rng.normal(size=units)
            exponents[draw, place] = lyapunov_exponent(gain * weights, start, 100, steps)
            radii[draw, place] = np.log(gain * radius)
    expected = np.array([mean_field(gain)[1] for gain in gains])
    low, high = mean_range(exponents)
    room = 1 / np.sqrt(units)  # the mean field is that of infinitely many units
    quiet, loud = gains < 1, gains > 1
    near = mean_field(1.01, 2_000)
    small = 1e-9 * rng.normal(size=9)  # so small that tanh is the identity
    scaled = lyapunov_exponent(0.7 * np.eye(9), small, 0, 20)
    return Outcome(
        (
            at_most("gains below 1: largest exponent", exponents[:, quiet], 0),
            # A tangent along a non-normal matrix still turns: log of the number of units is left.
            at_most(
                "gains below 1: exponent away from log of the spectral radius",
                np.abs(exponents - radii)[:, quiet],
                np.log(units) / steps,
            ),
            at_least("gains above 1: mean exponent of the networks, from below", low[loud], 0),
            at_most(
                "gains above 1: mean above that of the mean field", low[loud] - expected[loud], room
            ),
            at_least(
                "gains above 1: mean above that of the mean field, from below",
                high[loud] - expected[loud],
                -room,
            ),
            at_most("mean field: exponent over log g", expected[loud] / np.log(gains[loud]), 1),
            # By Taylor's theorem q = g - 1 and lambda = 2 (g - 1)^2 / 3, but for higher orders.
            at_most("x <- 0.7 x: exponent away from log 0.7", abs(scaled - np.log(0.7)), 1e-12),
            at_most(
                "mean field at the gain 1.01: variance over g - 1, from 1",
                abs(near[0] / 0.01 - 1),
                0.05,
            ),
            at_most(
                "mean field at the gain 1.01: exponent over 2 (g - 1)^2/3, from 1",
                abs(near[1] * 1.5e4 - 1),
                0.05,
            ),
        ),
        curves(
            "Lyapunov exponents",
            "gain",
            "exponent",
            {
                "networks": (gains, exponents.mean(axis=0)),
                "mean field": (gains[loud], expected[loud]),
                "log g": (gains, np.log(gains)),
            },
        ),
    )


def damped_layer(x: np.ndarray, weights: np.ndarray, bias: np.ndarray, step: float) -> np.ndarray:
    """Return x - step W^T ReLU(W x + b) for columns x, a step on sum ReLU(W x + b)^2 / 2."""
    return x - step * weights.T @ np.maximum(weights @ x + bias[:, np.newaxis], 0)


@experiment(
    title="Residual layers that do not expand",
    statement=(
        "For any W and b, and 0 <= tau <= 2/|W|^2 in the spectral norm, x - tau W^T ReLU(W x + b) "
        "brings no two points further apart: it is a step of gradient descent on a convex function "
        "whose gradient has the Lipschitz constant |W|^2. So no stack of such layers does, however "
        "deep. 2/|W|^2 is best: along the first singular direction, where its unit is active, a "
        "layer multiplies distances by |1 - tau |W|^2|."
    ),
    sources=(
        Source("foundations", 136, "Lyapunov Stability: Conditions for stable network dynamics"),
        Source("murari", 351, "stability/Lipschitz control"),
    ),
    about=("damped_layer",),
    reference="Sherry et al., Designing stable neural networks using convex analysis and ODEs, "
    "arXiv:2306.17332",
    sabotage=Sabotage("the step is 2.2/|W|^2", {"step": 2.2}),
)
def layers_that_do_not_expand(*, step: float = 2.0, depth: int = 30, seed: int = 0) -> Outcome:
    """`step` is tau |W|^2."""
    rng, d = seeds.generator("expansion", seed), 5
    x, y = rng.normal(size=(2, d, 200)) * 3
    ratios, idle = [], []
    along: list[float] = []
    short: list[float] = []
    for layer in range(depth):
        weights, bias = rng.normal(size=(d + layer % 3, d)), rng.normal(size=d + layer % 3)
        square = float(np.linalg.norm(weights, 2) ** 2)
        ends = [damped_layer(z, weights, bias, step / square) for z in (x, y)]
        ratios.append(np.linalg.norm(ends[0] - ends[1], axis=0) / np.linalg.norm(x - y, axis=0))
        # A layer of one unit, with both points on its active side, along its weights.
        row = weights[:1]
        pair = row.T * np.array([[1.0, 2.0]])
        for found, tau in ((along, step), (short, 0.5)):
            moved = damped_layer(pair, row, np.zeros(1), tau / np.sum(row**2))
            apart = np.linalg.norm(moved[:, 0] - moved[:, 1]) / np.linalg.norm(row)
            found.append(float(apart))
        idle.append(damped_layer(-pair, row, np.zeros(1), step / np.sum(row**2)) + pair)
        x, y = ends
    together = np.cumprod(np.array(ratios), axis=0)
    return Outcome(
        (
            at_most("largest factor of a distance in a layer", ratios, 1 + 1e-12),
            at_most("largest factor of a distance in the stack", together[-1], 1 + 1e-12),
            at_most(
                "one unit, away from |1 - tau|W|^2|", np.abs(np.array(along) - abs(1 - step)), 1e-12
            ),
            at_most("the same with a quarter of that step", np.abs(np.array(short) - 0.5), 1e-12),
            at_most("factor of a distance along one unit", along, 1 + 1e-12),
            at_most("one unit that is not active: movement", np.abs(idle), 0),
            at_most(
                "away from x - tau W^T (W x + b) where all units are active",
                _active_error(rng),
                1e-12,
            ),
        ),
        sequences(
            "Distance of two points, over the first",
            "layer",
            "factor",
            {"largest of the pairs": together.max(axis=1), "mean": together.mean(axis=1)},
        ),
    )


def _active_error(rng: np.random.Generator) -> float:
    """Return how far a layer whose units are all active is from its affine map."""
    weights, x = rng.normal(size=(4, 3)), rng.normal(size=(3, 5))
    bias = 1 + np.abs(weights @ x).max(axis=1)
    affine = (np.eye(3) - 0.3 * weights.T @ weights) @ x - 0.3 * (weights.T @ bias)[:, np.newaxis]
    return float(np.abs(damped_layer(x, weights, bias, 0.3) - affine).max())
