"""Support vector machines: exact duality, and what a kernel parts that no line parts."""

from fractions import Fraction
from math import comb

import numpy as np

from dlmath import seeds
from dlmath.maths.datasets import ball_and_annulus
from dlmath.maths.experiment_base import Outcome, Sabotage, at_least, at_most, experiment
from dlmath.maths.extremes import largest_of
from dlmath.maths.kernel_machines import (
    ExactMachine,
    Machine,
    dual,
    exact_machine,
    primal,
    solve_in_fractions,
    train_machine,
)
from dlmath.maths.papers import Source
from dlmath.maths.plots import curves

KERNELS = Source("tsemo", 23, "support vector machines with kernels")


def lattice_rings(points: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return different points (N, 2) with integer coordinates up to 7, and labels -1 or 1.

    Label 1 is outside of the circle of radius 4.5, and two of the labels are turned.
    """
    rng = seeds.generator("lattice", seed)
    every = np.stack(np.meshgrid(np.arange(-7, 8), np.arange(-7, 8)), axis=-1).reshape(-1, 2)
    rows = every[rng.choice(len(every), points, replace=False)]
    labels = np.where(np.sum(rows**2, axis=1) > 20, 1, -1)
    labels[rng.choice(points, 2, replace=False)] *= -1
    return rows, labels


@experiment(
    title="The dual of a kernel machine has no gap, in exact fractions",
    statement=(
        "With a positive semidefinite kernel the least loss P of a support vector machine is the "
        "largest value D of its dual. For points and kernel (c + x . z)^2 in integers, c >= 0, "
        "both are fractions: from the active set that the solver finds, the multipliers and the "
        "bias are solved for exactly; they are feasible, meet the conditions of Karush, Kuhn and "
        "Tucker, and P - D is 0 and not nearly 0, which proves that they are optimal. Other "
        "multipliers have a lower D, other machines a higher P. For c < 0 the matrix of the "
        "kernel has a negative eigenvalue."
    ),
    sources=(KERNELS,),
    about=(
        "train_machine",
        "Machine.__call__",
        "primal",
        "dual",
        "exact_machine",
        "kernel_machines._judged",
        "kernel_machines.solve_in_fractions",
    ),
    reference="Boser, Guyon and Vapnik, 1992; Boyd and Vandenberghe, Convex optimization, 2004, "
    "section 5.5",
    sabotage=Sabotage("the kernel is not positive semidefinite", {"offset": -1}),
)
def machine_has_no_duality_gap(
    *, offset: int = 1, cost: int = 2, points: int = 24, seed: int = 0
) -> Outcome:
    """`offset` is c and `cost` is C in thousandths, 1 and 10 times; coordinates are up to 7."""
    rows, labels = lattice_rings(points, seed)
    kernel = (offset + rows @ rows.T) ** 2
    c = Fraction(cost, 1000)
    machine = train_machine(kernel.astype(float), labels, float(c))
    exact = exact_machine(kernel.tolist(), machine, c)
    costly = train_machine(kernel.astype(float), labels, 10 * float(c))
    other = exact_machine(kernel.tolist(), costly, 10 * c)
    eigenvalues = np.linalg.eigvalsh(kernel.astype(float))
    best = float(exact.value)
    duals, losses = elsewhere(kernel.astype(float), machine, float(c), seed)
    order = np.argsort(np.linalg.norm(rows, axis=1))
    return Outcome(
        (
            at_least("least eigenvalue over the largest", eigenvalues[0] / eigenvalues[-1], -1e-14),
            at_most("P - D, in fractions", float(abs(exact.gap)), 0),
            at_most("farthest outside of the constraints, in fractions", float(exact.outside), 0),
            at_most("farthest from the optimality conditions", float(exact.violation), 0),
            at_most("10 C: P - D, in fractions", float(abs(other.gap)), 0),
            at_most(
                "10 C: the same of the constraints",
                float(largest_of(other.outside, other.violation)),
                0,
            ),
            at_most(
                "solver: largest difference of f to the fractions",
                largest_of(_apart(kernel, machine, exact), _apart(kernel, costly, other)),
                1e-6,
            ),
            at_most(
                "spoilt machines: gap and conditions, in fractions against floating point",
                spoilt(kernel, labels, c),
                1e-6,
            ),
            at_most(
                "equations of low rank: residual in fractions", float(low_rank(kernel, seed)), 0
            ),
            at_most("other multipliers: largest D over the optimum", duals.max() / best, 1),
            at_least("other machines: least P over the optimum", losses.min() / best, 1),
            at_least("largest D of those, near to it", duals.max() / best, 0.9),
            at_most("least P of those, near to it", losses.min() / best, 1.1),
        ),
        curves(
            "Output of the machine, by the distance from 0",
            "number of the point, nearest first",
            "f",
            {
                "f": (np.arange(points), machine(kernel)[order]),
                "label": (np.arange(points), labels[order]),
            },
        ),
    )


def _apart(kernel: np.ndarray, machine: Machine, exact: ExactMachine) -> float:
    """Return the largest difference of a machine's outputs to the exact ones."""
    return float(np.abs(machine(kernel) - [float(f) for f in exact.outputs]).max())


def spoilt(kernel: np.ndarray, labels: np.ndarray, cost: Fraction) -> float:
    """Return the largest relative difference of what is said of wrong machines.

    One has no multipliers, one those of a class at C, and of two all or some are taken to be free:
    gap, violation and what is outside of the constraints are far from 0, and are computed again in
    floating point.
    """
    most, worst, every = float(cost), 0.0, np.ones(len(labels))
    shares = (0 * every, labels > 0, labels < 0, every / 2, (np.arange(len(labels)) % 3 < 1) / 2.0)
    for share, bias in zip(shares, (0.5, -0.25, 0.25, 0.25, 0.25), strict=True):
        guess = Machine(most * np.asarray(share, float), labels, bias, 0)
        exact = exact_machine(kernel.tolist(), guess, cost)
        a = np.array([float(value) for value in exact.multipliers])
        machine = Machine(a, labels, float(exact.bias), 0)
        margins = labels * machine(kernel)
        missed = np.concatenate([(1 - margins)[a < most], (margins - 1)[a > 0], [0.0]])
        outside = largest_of(abs(a @ labels), (-a).max(), (a - most).max(), 0.0)
        gap = primal(kernel, machine, most) - dual(kernel, labels, a)
        said = [float(value) for value in (exact.gap, exact.violation, exact.outside)]
        again = np.array([gap, missed.max(), outside])
        worst = largest_of(
            worst, float(np.max(np.abs(said - again) / np.maximum(np.abs(again), 1)))
        )
    return worst


def low_rank(kernel: np.ndarray, seed: int) -> Fraction:
    """Return the largest residual of K x = K z, solved in fractions for a K of low rank."""
    z = seeds.generator("low rank", seed).integers(-5, 6, len(kernel))
    right = [Fraction(int(value)) for value in kernel @ z]
    rows = [[Fraction(int(value)) for value in row] for row in kernel]
    x = solve_in_fractions(rows, right, [Fraction(1, 3)] * len(z))
    found = [sum((a * v for a, v in zip(row, x, strict=True)), Fraction(0)) for row in rows]
    return largest_of(abs(a - b) for a, b in zip(found, right, strict=True))


def elsewhere(
    kernel: np.ndarray, machine: Machine, cost: float, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return D of 40 other feasible multipliers, and P of 40 other machines, far and near."""
    rng = seeds.generator("elsewhere", seed)
    labels, a = machine.labels, machine.multipliers
    duals, losses = [], []
    for far in np.geomspace(1e-3, 1, 40):
        drawn = cost * rng.random(len(a))
        sums = [drawn[labels == side].sum() for side in (-1, 1)]
        drawn *= np.where(labels < 0, min(1, sums[1] / sums[0]), min(1, sums[0] / sums[1]))
        duals.append(dual(kernel, labels, a + far * (drawn - a)))
        other = a + far * cost * rng.normal(size=len(a)) / len(a)
        losses.append(
            primal(kernel, Machine(other, labels, machine.bias + far * rng.normal(), 0), cost)
        )
    return np.array(duals), np.array(losses)


RADII = (1.0, 1.3, 2.0)


@experiment(
    title="An even kernel parts the ball from the ring, an odd one nothing",
    statement=(
        "Take as many points of a disc as of a ring around it, each with its mirror image -x. "
        "With the kernel (x . z)^p, p odd, f - b is odd, so a pair x, -x of one class loses at "
        "least as much as at f = b: the best machine is f = b, with the loss C N of N points, as "
        "if nothing had been learnt; p = 1 are the lines. With p even |x|^p is in the kernel's "
        "space, of squared norm 1 / m, m = binomial(p, p/2) / 2^p: a circle parts all points, "
        "and the loss is at most 2 / (m (R^p - r^p)^2), r the largest radius of the disc's "
        "points and R the least of the ring's, and at least 2 / d^2, d the least distance of the "
        "classes in the kernel's space."
    ),
    sources=(
        KERNELS,
        Source("tsemo", 264, "separable but not linearly separable"),
        Source("tsemo", 271, "embed it into a higher-dimensional vector space"),
    ),
    about=("train_machine", "Machine.__call__", "primal", "dual"),
    reference="Schoelkopf and Smola, Learning with kernels, 2002, sections 2.1 and 7.3",
    sabotage=Sabotage("the kernel is odd", {"power": 3}),
)
def even_kernels_part_the_ring(
    *, power: int = 2, points: int = 20, cost: float = 20.0, seed: int = 0
) -> Outcome:
    """`power` is p; `points` of the disc and of the ring are drawn, and then mirrored."""
    drawn, classes = ball_and_annulus(points, seed, RADII)
    rows, labels = np.concatenate([drawn, -drawn]), np.tile(2.0 * classes - 1, 2)
    kernel = (rows @ rows.T) ** power
    machine = train_machine(kernel, labels, cost, tolerance=1e-9)
    found = primal(kernel, machine, cost)
    radii = np.linalg.norm(rows, axis=1)
    reach = radii[labels > 0].min() ** power - radii[labels < 0].max() ** power
    above = 2 * 2**power / (comb(power, power // 2) * reach**2)
    diagonal = np.diag(kernel)
    apart = diagonal[:, np.newaxis] + diagonal - 2 * kernel
    below = 2 / apart[labels > 0][:, labels < 0].min()
    lines = rows @ rows.T
    flat = primal(lines, train_machine(lines, labels, cost, tolerance=1e-9), cost)
    order = np.argsort(radii)
    return Outcome(
        (
            at_least("share of points on their side", np.mean(labels * machine(kernel) > 0), 1),
            at_most("loss over 2 / (m (R^p - r^p)^2)", found / above, 1 + 1e-9),
            at_least("loss over 2 / d^2", found / below, 1 - 1e-9),
            at_most(
                "relative gap of P to D",
                abs(found / dual(kernel, labels, machine.multipliers) - 1),
                1e-6,
            ),
            at_most(
                "loss of the best line over C N, away from 1",
                abs(flat / cost / len(rows) - 1),
                1e-9,
            ),
        ),
        curves(
            "Output of the machine, by the radius",
            "radius",
            "f",
            {
                f"(x . z)^{power}": (radii[order], machine(kernel)[order]),
                "label": (radii[order], labels[order]),
            },
        ),
    )
