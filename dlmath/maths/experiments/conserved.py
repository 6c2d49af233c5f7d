"""Structure as a constraint: symplectic layers, Hamiltonian networks, a physics-informed loss."""

import numpy as np

from dlmath import seeds
from dlmath.maths.choices import choose
from dlmath.maths.experiment_base import Outcome, Sabotage, at_least, at_most, experiment
from dlmath.maths.papers import Source
from dlmath.maths.plots import curves, sequences

OMEGA = np.array([[0.0, 1.0], [-1.0, 0.0]])  # of one place q and one momentum p


def gradient_layer(
    x: np.ndarray, kernel: np.ndarray, scale: np.ndarray, bias: np.ndarray
) -> np.ndarray:
    """Return K^T (a tanh(K x + b)), the gradient of sum a log cosh(K x + b), for one x of (d,)."""
    return kernel.T @ (scale * np.tanh(kernel @ x + bias))


def symplectic_step(z: np.ndarray, up: tuple, down: tuple, kind: str) -> np.ndarray:
    """Return (q, p) after q += grad V(p), then p -= grad U(q), for z = (q, p) of (2 d,).

    Args:
        z: Places, then momenta.
        up: Arguments of `gradient_layer` for V.
        down: Those for U.
        kind: `symplectic` takes the new q in the second half, `explicit` the old one.
    """
    q, p = np.split(z, 2)
    moved = q + gradient_layer(p, *up)
    return np.concatenate([moved, p - gradient_layer(moved if kind == "symplectic" else q, *down)])


@experiment(
    title="Symplectic layers keep areas, whatever their weights",
    statement=(
        "Layers q <- q + grad V(p), p <- p - grad U(q), with V and U networks of one hidden layer, "
        "are symplectic for any weights: the Jacobian M of any stack of them has M^T J M = J, so "
        "its determinant is 1, its singular values come in pairs of product 1, and gradients "
        "cannot all vanish, however deep it is. If the second half takes the old q, neither holds."
    ),
    sources=(Source("murari", 351, "Symplectic/Hamiltonian Networks"),),
    about=("symplectic_step", "gradient_layer"),
    reference="Jin et al., SympNets, arXiv:2001.03750, theorem 1",
    sabotage=Sabotage("both halves take the old values", {"kind": "explicit"}),
)
def symplectic_layers_keep_areas(
    *, kind: str = "symplectic", depth: int = 20, seed: int = 0
) -> Outcome:
    """`kind` is symplectic or explicit."""
    choose("kind", kind, {"symplectic": 0, "explicit": 0})
    rng, d, width = seeds.generator("symplectic", seed), 2, 6
    form = np.kron(OMEGA, np.eye(d))
    jacobian, z = np.eye(2 * d), rng.normal(size=2 * d)
    apart, smallest, gradients = [], [], []
    for _ in range(depth):
        halves = [
            (rng.normal(size=(width, d)) / 2, rng.normal(size=width) / 3, rng.normal(size=width))
            for _ in range(2)
        ]
        turned = [
            symplectic_step(z + 1e-20j * side, halves[0], halves[1], kind) for side in np.eye(2 * d)
        ]
        layer = np.array([one.imag / 1e-20 for one in turned]).T
        jacobian = layer @ jacobian
        size = np.linalg.norm(jacobian, 2)
        apart.append(np.abs(jacobian.T @ form @ jacobian - form).max() / size**2)
        values = np.linalg.svd(jacobian, compute_uv=False)
        apart.append(np.abs(values * values[::-1] - 1).max() / size**2)
        smallest.append(values[0])
        gradients.append(_gradient_error(z[:d], halves[0]))
        z = symplectic_step(z, halves[0], halves[1], kind)
    idle = [(kernel, 0 * scale, bias) for kernel, scale, bias in halves]
    still = symplectic_step(z, idle[0], halves[1], kind)
    carried = symplectic_step(z, halves[0], idle[1], kind)
    return Outcome(
        (
            at_most(
                "M^T J M away from J, and pairs of singular values from 1, over |M|^2", apart, 1e-13
            ),
            at_least("largest singular value", smallest, 1 - 1e-12),
            at_most("layer away from the gradient of its potential", gradients, 1e-10),
            at_most("U = 0: momenta that change", np.abs(carried[d:] - z[d:]).max(), 0),
            at_most(
                "U = 0: places away from q + grad V(p)",
                np.abs(carried[:d] - z[:d] - gradient_layer(z[d:], *halves[0])).max(),
                1e-14,
            ),
            at_most("V = 0: places that move", np.abs(still[:d] - z[:d]).max(), 0),
            at_most(
                "V = 0: momenta away from p - grad U(q)",
                np.abs(still[d:] - z[d:] + gradient_layer(z[:d], *halves[1])).max(),
                1e-14,
            ),
        ),
        sequences(
            "Largest singular value of the stack", "layer", "value", {kind: smallest}, log=True
        ),
    )


def _gradient_error(x: np.ndarray, weights: tuple) -> float:
    """Return how far `gradient_layer` is from the complex-step gradient of its potential."""
    kernel, scale, bias = weights

    def potential(x: np.ndarray) -> complex:
        return complex(np.sum(scale * np.log(np.cosh(kernel @ x + bias))))

    slopes = [potential(x + 1e-20j * side).imag / 1e-20 for side in np.eye(len(x))]
    return float(np.abs(gradient_layer(x, *weights) - slopes).max())


def swing(kind: str, step: float, steps: int) -> np.ndarray:
    """Return the energies (q^2 + p^2)/2 of x'' = -x from q = 1, p = 0, by a method of Euler's."""
    q, p, energies = 1.0, 0.0, []
    for _ in range(steps + 1):
        energies.append((q * q + p * p) / 2)
        moved = q + step * p
        p = p - step * (moved if kind == "symplectic" else q)
        q = moved
    return np.array(energies)


@experiment(
    title="A symplectic step keeps the energy bounded for ever",
    statement=(
        "For the oscillator x'' = -x with a step h < 2, Euler's symplectic method keeps q^2 + p^2 "
        "+ h q p exactly, so the energy stays between 1/(1 + h/2) and 1/(1 - h/2) times this half "
        "for ever. The explicit method multiplies the energy by exactly 1 + h^2 in each step."
    ),
    sources=(Source("murari", 351, "Symplectic/Hamiltonian Networks"),),
    about=("swing",),
    reference="Hairer, Lubich and Wanner, Geometric numerical integration, 2006, I.1 and IX.3",
    sabotage=Sabotage("the method is explicit", {"kind": "explicit"}),
)
def energy_stays_bounded(
    *, kind: str = "symplectic", step: float = 0.1, steps: int = 5000
) -> Outcome:
    """`kind` is symplectic or explicit, `step` is h."""
    choose("kind", kind, {"symplectic": 0, "explicit": 0})
    found = swing(kind, step, steps)
    explicit = swing("explicit", step, 100)
    growth = 0.5 * (1 + step**2) ** np.arange(101)
    # The second step from its formulas: q = 1, p = -h, then q = 1 - h^2, p = -2 h + h^3.
    second = ((1 - step**2) ** 2 + (2 * step - step**3) ** 2) / 2
    return Outcome(
        (
            at_most(
                "energy of a path over its largest bound", found / (0.5 / (1 - step / 2)), 1 + 1e-12
            ),
            at_least(
                "energy of a path over its least bound", found / (0.5 / (1 + step / 2)), 1 - 1e-12
            ),
            at_most(
                "the bounds are met to",
                [1 - found.max() * (2 - step), found.min() * (2 + step) - 1],
                1e-3,
            ),
            at_most(
                "explicit: energy over (1 + h^2)^n, from 1", np.abs(explicit / growth - 1), 1e-12
            ),
            at_most("energy after two steps, away from its formula", abs(found[2] - second), 1e-15),
            at_most(
                "energy after one step, away from its formula",
                abs(found[1] - (1 + step**2) / 2),
                1e-15,
            ),
        ),
        sequences(
            "Energy of the oscillator",
            "step",
            "energy",
            {kind: found[:100], "explicit": explicit[:100]},
        ),
    )


def features(t: np.ndarray, rates: np.ndarray, places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return tanh(r (t - c)) and its derivative in t, (n, units) each, with a first one 1."""
    values = np.tanh(rates * (t[:, np.newaxis] - places))
    slopes = rates * (1 - values**2)
    return np.c_[np.ones(len(t)), values], np.c_[np.zeros(len(t)), slopes]


def fitted(
    seen: np.ndarray,
    truth: np.ndarray,
    points: np.ndarray,
    rate: float,
    units: tuple,
    weight: float = 1.0,
) -> np.ndarray:
    """Return the coefficients of least mean squared error, plus that of weight (u' + rate u).

    Args:
        seen: Times of the data.
        truth: The data.
        points: Times at which the equation counts.
        rate: Of the equation.
        units: Rates and places of the features.
        weight: Of the equation; 0 leaves it out.
    """
    values, _ = features(seen, *units)
    there, slopes = features(points, *units)
    residual = weight * (slopes + rate * there)
    rows = np.r_[values / np.sqrt(len(seen)), residual / np.sqrt(len(points))]
    targets = np.r_[truth / np.sqrt(len(seen)), np.zeros(len(points))]
    return np.linalg.lstsq(rows, targets, rcond=None)[0]


@experiment(
    title="A physics-informed loss reaches beyond the data, as far as its equation is right",
    statement=(
        "A network u with data of u' = -u on [0, 1/2] only, whose loss also has the squared "
        "residual r = u' + u on [0, 3], is off at t by at most |u(0) - 1| e^{-t} plus the integral "
        "of e^{-(t - s)} |r(s)| ds, whatever the network; this bound is small where the loss is, "
        "so it extrapolates. Without the residual, or with another equation in it, the same "
        "network and data miss far from the data."
    ),
    sources=(Source("murari", 351, "physics-informed losses or hard constraints"),),
    about=("fitted", "features"),
    reference="Raissi, Perdikaris and Karniadakis, Physics-informed neural networks, 2019; the "
    "bound is Gronwall's",
    sabotage=Sabotage("the equation in the loss is u' = -u/2", {"rate": 0.5}),
)
def physics_informed_loss_extrapolates(*, rate: float = 1.0, seed: int = 0) -> Outcome:
    """`rate` is that of the equation in the loss."""
    rng = seeds.generator("physics", seed)
    units = rng.uniform(0.3, 1.5, 25), rng.uniform(-0.5, 3.5, 25)
    seen, points, t = np.linspace(0, 0.5, 12), np.linspace(0, 3, 60), np.linspace(0, 3, 61)
    informed = fitted(seen, np.exp(-seen), points, rate, units)
    plain = fitted(seen, np.exp(-seen), points, rate, units, 0.0)
    values, slopes = features(t, *units)
    error = np.abs(values @ informed - np.exp(-t))
    off = np.abs(values @ plain - np.exp(-t))

    start = abs(float(values[0] @ informed) - 1)
    fine = np.linspace(0, 3, 6001)
    there, slope = features(fine, *units)
    residuals = np.abs((slope + there) @ informed)
    bounds = np.array(
        [
            start * np.exp(-end)
            + np.trapezoid(np.exp(fine[:stop] - end) * residuals[:stop], fine[:stop])
            for end, stop in ((0.5, 1001), (1.5, 3001), (3.0, 6001))
        ]
    )
    reached = error[[10, 30, 60]]
    noisy = np.exp(-seen) + 0.1 * rng.normal(size=len(seen))
    few = units[0][:4], units[1][:4]
    pull = _pull(fitted(seen, noisy, points, 2.0, few, 0.5), seen, noisy, points, few)
    own = features(units[1], *units)[0]
    differences = (values[2:] - values[:-2]) / (t[2:] - t[:-2])[:, np.newaxis]
    return Outcome(
        (
            at_most("error over its bound", reached / bounds, 1 + 1e-6),
            at_most("largest error up to t = 3", error, 1e-3),
            at_least("without the residual: error at t = 3 over it", off[-1] / error[-1], 10),
            at_most(
                "slope of the loss at its least, equation u' = -2 u and weight 1/2", pull, 1e-9
            ),
            at_most(
                "features of a unit at its own place, away from 0", np.abs(np.diag(own[:, 1:])), 0
            ),
            at_most("first feature away from 1", np.abs(own[:, 0] - 1), 0),
            # Third derivatives of tanh(r t) are at most 2 r^3.
            at_most(
                "slopes of the features away from differences, over their bound",
                np.abs(differences - slopes[1:-1]) / (2 * 1.5**3 * 0.05**2 / 6),
                1,
            ),
        ),
        curves(
            "Errors beyond the data, which end at 1/2",
            "t",
            "error",
            {"with the equation": (t, error), "without": (t, off)},
            log=True,
        ),
    )


def _pull(
    found: np.ndarray, seen: np.ndarray, truth: np.ndarray, points: np.ndarray, units: tuple
) -> np.ndarray:
    """Return half the derivatives of mean (u - truth)^2 + mean (u' + 2 u)^2 / 4 at `found`."""
    values, _ = features(seen, *units)
    there, slopes = features(points, *units)
    equation = slopes + 2 * there
    data = values.T @ (values @ found - truth) / len(seen)
    return np.abs(data + equation.T @ (equation @ found) / (4 * len(points)))
