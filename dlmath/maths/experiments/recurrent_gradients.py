"""Gradients along a sequence: backpropagation through time, and how they fall and grow."""

import numpy as np

from dlmath import seeds
from dlmath.maths.choices import choose
from dlmath.maths.differences import complex_step
from dlmath.maths.experiment_base import Outcome, Sabotage, at_least, at_most, experiment
from dlmath.maths.papers import Source
from dlmath.maths.plots import curves, dots, sequences
from dlmath.maths.recurrences import (
    CELLS,
    Cell,
    SimpleCell,
    Weights,
    drawn,
    jacobians,
    through_time,
    unrolled,
)

LINEAR = SimpleCell("linear")
GELFAND = "Gelfand, 1941; Horn and Johnson, Matrix analysis, 2013, corollary 5.6.14"
PASCANU = "Pascanu, Mikolov and Bengio, On the difficulty of training recurrent networks, 2013"


@experiment(
    title="Backpropagation through time is the chain rule, unrolled",
    statement=(
        "For a loss of all states of a recurrence, dL/ds_t is the sum over k >= t of g_k J_k ... "
        "J_(t+1), with g_k the gradient in s_k as the loss itself contains it and J_k = ds_k / "
        "ds_(k-1). The recursion delta_(t-1) = g_(t-1) + delta_t J_t gives it, and what the steps "
        "contribute adds up to the gradient in the weights. All of it is the derivative of the "
        "unrolled map, for the simple recurrence, the LSTM and the GRU."
    ),
    sources=(
        Source("tsemo", 557, "Gradient of loss with respect to hidden states"),
        Source("tsemo", 540, "Simple RNN"),
        Source("tsemo", 565, "The full gradient with respect to the hidden state at time"),
        Source("murari", 493, "Recurrent Neural Networks"),
    ),
    about=(
        "recurrences.SimpleCell",
        "recurrences.LstmCell.step",
        "recurrences.LstmCell.pull",
        "recurrences.GruCell.step",
        "recurrences.GruCell.pull",
        "recurrences.through_time",
        "recurrences.jacobians",
        "sum_of_products",
    ),
    reference="Werbos, Backpropagation through time: what it does and how to do it, 1990",
    sabotage=Sabotage("the loss of later steps reaches back only some steps", {"window": 3}),
)
def backpropagation_through_time(*, window: int = 100, length: int = 8, seed: int = 0) -> Outcome:
    """`window` is how many steps back a gradient goes; all, where it is at least `length`."""
    rng = seeds.generator("through time", seed)
    errors: dict[str, list[float]] = {"recursion": [], "sum of products": []}
    pairs = []
    for cell in CELLS.values():
        weights = drawn(cell, 3, 4, rng)
        xs, first = rng.normal(size=(length, 3)), rng.normal(size=cell.parts * 4)
        upstream = rng.normal(size=(length + 1, len(first)))
        states = unrolled(cell, xs, first, weights)
        of_x, of_states, of_weights = through_time(cell, xs, states, weights, upstream)
        wanted = derivatives(cell, xs, states, weights, upstream)
        errors["recursion"] += map(relative, [of_x, of_states, *of_weights], wanted)
        summed = sum_of_products(jacobians(cell, xs, states, weights), upstream, window)
        errors["sum of products"].append(relative(summed, wanted[1]))
        pairs.append(np.column_stack([wanted[1].ravel(), summed.ravel()]))
    points = np.concatenate(pairs)
    ends = np.array([points.min(), points.max()])
    chart = curves("dL/ds_t", "complex step", "sum of products", {"equal": (ends, ends)})
    return Outcome(
        tuple(
            at_most(f"{way}: largest error of a derivative, relative", found, 1e-12)
            for way, found in errors.items()
        ),
        dots(chart, points, "other"),
    )


def sum_of_products(steps: np.ndarray, upstream: np.ndarray, window: int) -> np.ndarray:
    """Return the sums over k = t ... t + window of g_k J_k ... J_(t+1), (T + 1, S)."""
    sums = []
    for t in range(len(upstream)):
        product, total = np.eye(upstream.shape[1]), upstream[t]
        for k in range(t + 1, len(upstream))[:window]:
            product = steps[k - 1] @ product
            total = total + upstream[k] @ product
        sums.append(total)
    return np.array(sums)


def derivatives(
    cell: Cell, xs: np.ndarray, states: np.ndarray, weights: Weights, upstream: np.ndarray
) -> list[np.ndarray]:
    """Return the derivatives of sum <g_t, s_t> in inputs, states and weights, by complex steps."""

    def loss(xs: np.ndarray, first: np.ndarray, weights: Weights, start: int = 0) -> complex:
        return np.sum(unrolled(cell, xs[start:], first, weights) * upstream[start:])

    def of_weights(name: str) -> np.ndarray:
        return complex_step(
            lambda one: loss(xs, states[0], weights._replace(**{name: one})),
            getattr(weights, name),
        )

    def in_state(t: int) -> np.ndarray:
        return complex_step(lambda state: loss(xs, state, weights, t), states[t])

    return [
        complex_step(lambda moved: loss(moved, states[0], weights), xs),
        np.array([in_state(t) for t in range(len(states))]),
        *map(of_weights, Weights._fields),
    ]


def relative(found: np.ndarray, wanted: np.ndarray) -> float:
    """Return the largest difference, over the largest entry."""
    return float(np.abs(found - wanted).max() / np.abs(wanted).max())


def orthogonal(units: int, rng: np.random.Generator) -> np.ndarray:
    """Return a random orthogonal matrix."""
    return np.linalg.qr(rng.normal(size=(units, units)))[0]


def products(steps: np.ndarray) -> np.ndarray:
    """Return the Jacobians ds_T / ds_t = J_T ... J_(t+1) for t = 0 ... T, (T + 1, S, S)."""
    found = [np.eye(len(steps[0]))]
    for one in steps[::-1]:
        found.append(found[-1] @ one)
    return np.array(found[::-1])


def end_errors(
    cell: Cell, xs: np.ndarray, states: np.ndarray, weights: Weights, found: np.ndarray
) -> list[float]:
    """Return how far Jacobians (T + 1, S, S) are from complex steps of s_T, at some t, relative."""

    def last_in(t: int) -> np.ndarray:
        return complex_step(lambda s: unrolled(cell, xs[t:], s, weights)[-1], states[t]).T

    places = (0, 1, len(xs) // 2, len(xs) - 1, len(xs))
    return [relative(found[t], last_in(t)) for t in places]


def norms_of(matrices: np.ndarray) -> np.ndarray:
    """Return the spectral norm of each matrix."""
    return np.linalg.norm(matrices, 2, axis=(1, 2))


@experiment(
    title="Orthogonal recurrent weights keep gradients",
    statement=(
        "With linear units and orthogonal recurrent weights every Jacobian ds_T / ds_t is "
        "orthogonal: a gradient keeps its norm exactly, however long the sequence. With tanh "
        "units and the same weights a step multiplies it by a number between the least and the "
        "largest slope of the units at that step, so it never grows."
    ),
    sources=(Source("tsemo", 566, "repeated multiplication of Jacobians"),),
    about=("recurrences.SimpleCell.step", "recurrences.jacobians", "products", "orthogonal"),
    reference="Arjovsky, Shah and Bengio, Unitary evolution recurrent networks, arXiv:1511.06464",
    sabotage=Sabotage("the weights are 1.01 times orthogonal", {"scale": 1.01}),
)
def orthogonal_recurrences_keep_gradients(
    *, scale: float = 1.0, length: int = 200, units: int = 12, seed: int = 0
) -> Outcome:
    """`scale` is the norm of the recurrent weights."""
    rng = seeds.generator("orthogonal recurrence", seed)
    weights = drawn(LINEAR, 3, units, rng)._replace(recurrent=scale * orthogonal(units, rng))
    xs, first = rng.normal(size=(length, 3)), rng.normal(size=units)
    last, norms, found, away = rng.normal(size=units), {}, {}, []
    for name, cell in (("linear", LINEAR), ("tanh", SimpleCell())):
        states = unrolled(cell, xs, first, weights)
        found[name] = products(jacobians(cell, xs, states, weights))
        norms[name] = np.linalg.norm(last @ found[name], axis=1)
        away += end_errors(cell, xs, states, weights, found[name])
    slopes = 1 - states[1:] ** 2  # of tanh, which was last
    steps = norms["tanh"][:-1] / norms["tanh"][1:]
    spread = np.linalg.svd(found["linear"], compute_uv=False)
    return Outcome(
        (
            at_most("ds_T / ds_t away from complex steps, relative", away, 1e-12),
            at_most(
                "linear: norm of a gradient away from the last, relative",
                np.abs(norms["linear"] / norms["linear"][-1] - 1),
                1e-12,
            ),
            at_most("linear: singular values of ds_T / ds_t off 1", np.abs(spread - 1), 1e-12),
            at_most(
                "tanh: factor of a step over the largest slope", steps / slopes.max(1), 1 + 1e-9
            ),
            at_least("tanh: the same over the least slope", steps / slopes.min(1), 1 - 1e-9),
        ),
        sequences("Norm of dL/ds_t", "t", "norm", norms, log=True),
    )


@experiment(
    title="Gradients of a linear recurrence grow or vanish as powers of the spectral radius",
    statement=(
        "With linear units ds_T / ds_t is the power T - t of the recurrent matrix. If that is "
        "diagonalisable with eigenvalues of modulus rho and eigenvectors of condition kappa, the "
        "norm lies between rho^n and kappa rho^n after n steps, so log of the norm over n is "
        "within log(kappa) / n of log rho, for rho below 1 and above it. For a normal matrix it is "
        "rho^n. Otherwise a gradient may grow before it vanishes, by a factor of at most kappa."
    ),
    sources=(Source("tsemo", 566, "can shrink or grow exponentially"),),
    about=("powers",),
    reference=GELFAND,
    sabotage=Sabotage("the matrix is not diagonalisable", {"nilpotent": 0.5}),
)
def spectral_radius_sets_the_rate(
    *, nilpotent: float = 0.0, length: int = 200, units: int = 6, seed: int = 0
) -> Outcome:
    """`nilpotent` is what is added above the blocks of the matrix in its own basis."""
    rng = seeds.generator("spectral radius", seed)
    basis = orthogonal(units, rng) @ (np.eye(units) + 3 * np.triu(np.ones((units, units)), 1))
    kappa = np.linalg.cond(basis)
    steps = np.arange(length + 1)
    away, normal, shown, off = [], [], {}, []
    for rho in (0.9, 1.1):
        matrix = turned(units, rho, nilpotent)
        of_steps = basis @ matrix @ np.linalg.inv(basis)
        sheared = powers(of_steps, length)
        weights = drawn(LINEAR, 3, units, rng)._replace(recurrent=of_steps.T)
        xs = rng.normal(size=(length, 3))
        states = unrolled(LINEAR, xs, rng.normal(size=units), weights)
        off += end_errors(LINEAR, xs, states, weights, sheared[::-1])
        away.append(np.log(norms_of(sheared)) - steps * np.log(rho))
        normal.append(np.log(norms_of(powers(matrix, length))) - steps * np.log(rho))
        shown[f"rho = {rho:g}"] = norms_of(sheared)
    rates = np.array(away)[:, 1:] / steps[1:]
    return Outcome(
        (
            # Rounding grows by the condition of the eigenvectors, 700, and the number of steps.
            at_most("power T - t away from complex steps of s_T, relative", off, 1e-9),
            at_least("least of log norm - n log rho", np.array(away).ravel(), -1e-9),
            at_most("largest of it", np.array(away).ravel(), np.log(kappa) + 1e-9),
            at_most("rate at the end away from log rho", rates[:, -1], np.log(kappa) / length),
            at_most("normal matrix: |log norm - n log rho|", np.abs(normal).ravel(), 1e-9),
            at_least("rho = 0.9: largest norm, before it vanishes", shown["rho = 0.9"].max(), 2),
        ),
        sequences("Norm of ds_T / ds_t", "T - t", "norm", shown, log=True),
    )


def turned(units: int, rho: float, nilpotent: float) -> np.ndarray:
    """Return rho times the same rotation in each pair of axes, plus multiples of I above them."""
    angle = 0.7
    rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    pairs = units // 2
    return np.kron(np.eye(pairs), rho * rotation) + nilpotent * np.kron(
        np.eye(pairs, k=1), np.eye(2)
    )


def powers(matrix: np.ndarray, length: int) -> np.ndarray:
    """Return the powers 0 ... length of a matrix."""
    return products(np.repeat(matrix[np.newaxis], length, axis=0))[::-1]


@experiment(
    title="What bounds the gradient of a recurrent network",
    statement=(
        "For h_t = tanh(x_t W + h_(t-1) U + b) the Jacobian dh_T / dh_t is the product of "
        "diag(tanh') U^T over the steps, and its norm at most the product of |U| max tanh'. With "
        "|U| = rho < 1 it is at most rho^(T-t). |U| > 1 is needed for it to grow, but not enough: "
        "of linear units it grows at least as the spectral radius to the power T - t, while with "
        "the same U it vanishes where the units saturate."
    ),
    sources=(
        Source("tsemo", 566, "depending on the spectral norm"),
        Source("tsemo", 561, "consider"),
    ),
    about=("recurrences.SimpleCell.step", "recurrences.jacobians", "products"),
    reference=PASCANU,
    sabotage=Sabotage(
        "the spectral radius is put in the place of the spectral norm", {"measure": "radius"}
    ),
)
def recurrent_gradients_are_bounded(
    *, measure: str = "norm", length: int = 40, units: int = 12, seed: int = 0
) -> Outcome:
    """`measure` of the recurrent matrix is its norm, or the radius of its spectrum."""
    rng = seeds.generator("bounded", seed)
    weights = drawn(SimpleCell(), 3, units, rng)
    direction = triangular(units, rng)
    xs, first = rng.normal(size=(length, 3)), rng.normal(size=units)
    size = choose("measure", measure, {"norm": norm, "radius": radius})
    over, away, shown = [], [], {}
    for rho in (0.9, 3.0):
        now = weights._replace(recurrent=rho * direction)
        states = unrolled(SimpleCell(), xs, first, now)
        found = products(jacobians(SimpleCell(), xs, states, now))
        factors = size(now.recurrent) * (1 - states[1:] ** 2).max(axis=1)
        bound = np.append(np.cumprod(factors[::-1])[::-1], 1.0)
        over.append(norms_of(found) / bound)
        away += end_errors(SimpleCell(), xs, states, now, found)
        shown[f"|U| = {rho:g}"] = norms_of(found)
    steps = np.arange(length, -1.0, -1.0)
    recurrent = 3 * direction
    reach = np.abs(recurrent).sum(axis=0).max()  # |h U| is at most this, for |h| <= 1
    large = weights._replace(recurrent=recurrent, bias=np.full(units, 3 + reach))
    quiet, first = 0 * xs, np.tanh(first)
    linear, saturated = (
        norms_of(products(jacobians(cell, quiet, unrolled(cell, quiet, first, large), large)))
        for cell in (LINEAR, SimpleCell())
    )
    slope = 1 - np.tanh(3) ** 2
    return Outcome(
        (
            at_most("product of Jacobians away from complex steps, relative", away, 1e-12),
            at_most("|U| over rho, off 1", abs(norm(direction) - 1), 1e-12),
            at_most("norm over the product of |U| max tanh'", np.concatenate(over), 1 + 1e-12),
            at_most("|U| = 0.9: norm over 0.9^(T-t)", shown["|U| = 0.9"] / 0.9**steps, 1 + 1e-12),
            at_least(
                "|U| = 3, linear: norm over radius^(T-t)",
                linear / radius(recurrent) ** steps,
                1 - 1e-12,
            ),
            at_least("|U| = 3, linear: spectral radius", radius(recurrent), 1.01),
            at_most(
                "|U| = 3, saturated: norm over (3 tanh')^(T-t)",
                saturated / (3 * slope) ** steps,
                1 + 1e-12,
            ),
            at_most("|U| = 3, saturated: 3 tanh'", 3 * slope, 0.1),
        ),
        sequences("Norm of dh_T / dh_t", "t", "norm", shown, log=True),
    )


def norm(matrix: np.ndarray) -> float:
    """Return the spectral norm."""
    return float(np.linalg.norm(matrix, 2))


def radius(matrix: np.ndarray) -> float:
    """Return the spectral radius."""
    return float(np.abs(np.linalg.eigvals(matrix)).max())


def triangular(units: int, rng: np.random.Generator) -> np.ndarray:
    """Return a random triangular matrix of norm 1 whose spectral radius is at least 1/2."""
    above = np.triu(rng.normal(size=(units, units)), 1)
    matrix = np.eye(units) + above / norm(above)
    return matrix / norm(matrix)
