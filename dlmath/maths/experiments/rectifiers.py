"""ReLU: its weak derivative, what it represents, and piecewise affine functions exactly."""

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.integrate import quad
from scipy.spatial import Delaunay

from dlmath import seeds
from dlmath.maths.activations import ACTIVATIONS, relu
from dlmath.maths.experiment_base import Outcome, Sabotage, at_least, at_most, experiment
from dlmath.maths.network import forward
from dlmath.maths.papers import Source
from dlmath.maths.piecewise import as_network, convex_difference, from_breakpoints, interpolate
from dlmath.maths.plots import curves


def bump(x: float, centre: float, width: float) -> float:
    """Return exp(-1 / (1 - u^2)) with u = (x - centre) / width: smooth, and 0 outside."""
    u = (x - centre) / width
    return float(np.exp(-1 / (1 - u * u))) if abs(u) < 1 else 0.0


def bump_slope(x: float, centre: float, width: float) -> float:
    """Return the derivative of `bump`."""
    u = (x - centre) / width
    return bump(x, centre, width) * -2 * u / (1 - u * u) ** 2 / width if abs(u) < 1 else 0.0


@experiment(
    title="ReLU's derivative is the Heaviside function",
    statement=(
        "As a distribution: for every smooth test function phi of compact support, -int ReLU "
        "phi' = int H phi, over the whole line. Where the integrals stop before phi is 0, at a, "
        "they differ by ReLU(a) phi(a)."
    ),
    sources=(
        Source("tsemo", 350, "Proposition 5.2"),
        Source("tsemo", 349, "distribution defined on test functions"),
    ),
    about=("relu", "activations.relu_slope", "bump", "bump_slope"),
    reference="Rudin, Functional analysis, 1991, section 6.11",
    sabotage=Sabotage("the integrals stop where the test function is not 0", {"cut": 0.3}),
)
def relu_weak_derivative(*, cut: float = 1.0, tests: int = 30, seed: int = 0) -> Outcome:
    """`cut` is where the integrals stop, in units of the half width of the test function."""
    rng = seeds.generator("test functions", seed)
    gaps, centres = [], np.sort(rng.uniform(-1.5, 1.5, tests))
    left, right, wholes, heights, slopes = [], [], [], [], []
    heaviside = ACTIVATIONS["relu"].slope
    for centre in centres:
        width = rng.uniform(0.3, 2.0)
        ends = centre - width, centre + cut * width
        kink = [0.0] if ends[0] < 0 < ends[1] else None

        def integral(
            function: Callable[..., Any],
            ends: tuple[float, float] = ends,
            kink: list[float] | None = kink,
        ) -> float:
            return float(quad(function, *ends, points=kink, epsabs=1e-11, limit=200)[0])

        minus = integral(lambda x, c=centre, w=width: -relu(np.array(x)) * bump_slope(x, c, w))
        plus = integral(lambda x, c=centre, w=width: heaviside(np.array(x)) * bump(x, c, w))
        # phi is the integral of phi', so it is 0 at both ends of its support.
        wholes.append(integral(lambda x, c=centre, w=width: bump_slope(x, c, w)))
        wholes[-1] -= bump(ends[1], centre, width)
        heights.append(abs(bump(centre, centre, width) - np.exp(-1)))
        for place in centre + width * np.array([-1.7, -1.1, -0.8, -0.3, 0.5, 0.9, 1.3]):
            ahead, behind = (bump(place + move, centre, width) for move in (1e-6, -1e-6))
            slopes.append(abs((ahead - behind) / 2e-6 - bump_slope(place, centre, width)))
        left.append(minus)
        right.append(plus)
        gaps.append(abs(minus - plus))
    return Outcome(
        (
            at_most("largest |-int ReLU phi' - int H phi|", gaps, 1e-8),
            at_most("height of phi away from 1 / e", heights, 1e-12),
            at_most("phi' away from differences of phi, in and out of its support", slopes, 1e-7),
            at_most("int phi' away from the value of phi where it stops", map(abs, wholes), 1e-8),
        ),
        curves(
            "Both sides, by the centre of the test function",
            "centre",
            "integral",
            {"-int ReLU phi'": (centres, left), "int H phi": (centres, right)},
        ),
    )


@experiment(
    title="What ReLUs represent",
    statement=(
        "x = R(x) - R(-x), x^p = R^p(x) + (-1)^p R^p(-x), |x| = R(x) + R(-x), max(x, y) = x + "
        "R(y - x), min(x, y) = x - R(x - y), and max(0, 1 - |x|) = R(x - 1) - 2 R(x) + R(x + "
        "1), with R the ReLU."
    ),
    sources=(
        Source("murari", 189, r"\text{ReLU}^p(x)"),
        Source("murari", 190, r"$|x| = "),
        Source("murari", 191, r"\max\{x, y\}"),
        Source("murari", 192, r"\min\{x, y\}"),
        Source("murari", 194, r"- 2\text{ReLU}(x)"),
    ),
    about=("relu",),
    reference="the corrections of lines 189 and 193 are among the errata",
    sabotage=Sabotage("the power and the hat are taken as printed", {"printed": True}),
)
def relu_identities(*, printed: bool = False, seed: int = 0) -> Outcome:
    """`printed` leaves out the power of the second term and takes |1 - |x|| for the hat."""
    x, y = seeds.generator("identities", seed).uniform(-3, 3, (2, 400))
    x.sort()
    hat = np.abs(1 - np.abs(x)) if printed else 1 - np.abs(x)
    gaps = {
        "x": relu(x) - relu(-x) - x,
        **{
            f"x^{p}": relu(x) ** p + (-1) ** p * relu(-x) ** (1 if printed else p) - x**p
            for p in (2, 3, 5)
        },
        "|x|": relu(x) + relu(-x) - np.abs(x),
        "max": np.abs(x + relu(y - x) - np.maximum(x, y))
        + np.abs(y + relu(x - y) - np.maximum(x, y)),
        "min": np.abs(x - relu(x - y) - np.minimum(x, y))
        + np.abs(y - relu(y - x) - np.minimum(x, y)),
        "hat": relu(x - 1) - 2 * relu(x) + relu(x + 1) - np.maximum(0, hat),
    }
    return Outcome(
        tuple(
            at_most(f"{name}: largest difference", np.abs(gap).max(), 1e-12)
            for name, gap in gaps.items()
        ),
        curves(
            "The hat",
            "x",
            "y",
            {
                "three ReLUs": (x, relu(x - 1) - 2 * relu(x) + relu(x + 1)),
                "max(0, 1 - |x|)": (x, np.maximum(0, hat)),
            },
        ),
    )


@experiment(
    title="A continuous piecewise affine function is a ReLU network",
    statement=(
        "Any continuous piecewise affine function on a triangulated convex region is a ReLU "
        "network, whose weights are written down, not learnt: f = g - h with g and h convex, "
        "each the maximum of its pieces, by a tree of ReLU layers. On a line one hidden layer "
        "is enough. A network is continuous, so no function with a jump is one."
    ),
    sources=(
        Source("murari", 396, "Any continuous piecewise affine (CPA) function"),
        Source("murari", 405, r"\max(u, v)"),
        Source("murari", 409, "This extends to the function"),
        Source("murari", 429, "can be written as $f = g - h$"),
        Source("murari", 446, "running in parallel"),
    ),
    about=(
        "as_network",
        "convex_difference",
        "interpolate",
        "from_breakpoints",
        "piecewise._maxima_of_pairs",
        "piecewise.Pieces",
    ),
    reference="Arora et al., arXiv:1611.01491; De Loera et al., Triangulations, 2010",
    sabotage=Sabotage("the function jumps", {"jump": 0.5}),
)
def piecewise_affine_is_a_network(
    *, jump: float = 0.0, vertices: int = 20, dimension: int = 2, seed: int = 0
) -> Outcome:
    """`jump` is added where the first coordinate is positive; vertices and values are random."""
    rng = seeds.generator("piecewise", seed)
    places = rng.normal(size=(vertices, dimension))
    pieces = interpolate(Delaunay(places), rng.normal(size=len(places)))
    network = as_network(pieces)
    points = rng.dirichlet(np.full(vertices, 0.3), 2000) @ places  # inside the convex hull
    gap = forward(network, points)[:, 0] - pieces(points) - jump * (points[:, 0] > 0)
    breaks = np.sort(rng.uniform(-1, 1, 9))
    heights = rng.normal(size=9)
    line = np.linspace(breaks[0], breaks[-1], 500)
    drawn = forward(from_breakpoints(breaks, heights), line[:, np.newaxis])[:, 0]
    wanted = np.interp(line, breaks, heights) + jump * (line > 0)
    return Outcome(
        (
            at_most(
                f"largest difference in {dimension} dimensions, {len(pieces.offsets)} pieces",
                np.abs(gap).max(),
                1e-9,
            ),
            at_most("largest difference on a line", np.abs(drawn - wanted).max(), 1e-9),
            at_least(
                "least bend of g and h, which are convex",
                (part.bends().min() for part in convex_difference(pieces)),
                -1e-9,
            ),
        ),
        curves("On a line", "x", "y", {"network": (line, drawn), "function": (line, wanted)}),
    )
