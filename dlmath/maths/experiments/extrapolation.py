"""Outside of the data a network goes on as its activation does."""

import numpy as np

from dlmath import seeds
from dlmath.maths.activations import ACTIVATIONS
from dlmath.maths.choices import choose
from dlmath.maths.experiment_base import Outcome, Sabotage, at_least, at_most, experiment
from dlmath.maths.network import Layer, Network, forward
from dlmath.maths.papers import Source
from dlmath.maths.piecewise import from_breakpoints
from dlmath.maths.plots import curves

TURN = 2 * np.pi


def fitted_wave(activation: str, units: int, seed: int) -> Network:
    """Return a network of random units whose outer weights fit sin on [-2 pi, 2 pi] best.

    ReLUs bend at random places there; sine units have the frequencies 1, 2, 3, ... and random
    phases.
    """
    rng = seeds.generator("extrapolation", seed)
    slopes = rng.choice([-1.0, 1.0], units)
    bias = -slopes * TURN * np.linspace(-1, 1, units) + 0.01 * rng.normal(size=units)
    if activation == "sine":
        slopes, bias = 1.0 + np.arange(units) % 3, TURN * rng.random(units)
    hidden = Layer(slopes[np.newaxis], bias, ACTIVATIONS[activation])
    places = np.linspace(-TURN, TURN, 801)
    features = np.column_stack([hidden(places[:, np.newaxis]), np.ones(len(places))])
    outer = np.linalg.lstsq(features, np.sin(places), rcond=1e-8)[0]
    return hidden, Layer(outer[:-1, np.newaxis], outer[-1:])


@experiment(
    title="Outside of its data a ReLU network is a straight line",
    statement=(
        "A ReLU network of one variable is affine beyond its last bend. So whatever the error "
        "inside, it is at least 1 away from sin at one of any three consecutive extremes "
        "outside, as every affine function is; and the network that interpolates x^2 on [-1, 1] "
        "at points h apart, within h^2 / 4 of it, is exactly (x - 1)^2 + h (x - 1) away at x > 1: "
        "no width mends that. Sine units that fit sin inside fit it everywhere."
    ),
    sources=(
        Source("murari", 331, "behaviour outside $[-1, 1]$ is unreliable"),
        Source("murari", 339, "Performance outside the training regime"),
    ),
    about=("activations.relu", "from_breakpoints", "network.forward"),
    reference="Xu et al., How neural networks extrapolate, arXiv:2009.11848, theorem 1; Ziyin et "
    "al., Neural networks fail to learn periodic functions, arXiv:2006.08195",
    sabotage=Sabotage("the activation is periodic", {"activation": "sine"}),
)
def networks_extrapolate_by_lines(
    *, activation: str = "relu", units: int = 60, seed: int = 0
) -> Outcome:
    """`activation` is relu or sine, of `units` units in one hidden layer."""
    choose("activation", activation, {"relu": 1, "sine": 1})
    network = fitted_wave(activation, units, seed)

    def error(x: np.ndarray) -> np.ndarray:
        return np.abs(forward(network, x[:, np.newaxis])[:, 0] - np.sin(x))

    inside = error(np.linspace(-TURN, TURN, 1001)).max()
    extremes = np.pi * (np.arange(2, 42) + 0.5)  # from 5 pi / 2 on, at 1 and -1 by turns
    threes = np.lib.stride_tricks.sliding_window_view(error(extremes), 3).max(axis=1)
    heights = forward(network, extremes[:, np.newaxis])[:, 0]
    size = np.abs(heights).max()
    parabolas, far = [], np.array([1.5, 3.0, 10.0, 100.0])
    for width in (4, 16, 64):
        places, h = np.linspace(-1, 1, width + 1), 2 / width
        line = forward(from_breakpoints(places, places**2), far[:, np.newaxis]).squeeze(axis=1)
        parabolas.append((far**2 - line) / ((far - 1) ** 2 + h * (far - 1)) - 1)
    shown = np.linspace(-TURN, 3 * TURN, 400)
    return Outcome(
        (
            at_most("largest error inside", inside, 0.05),
            at_most(
                "second difference outside, over the size",
                np.abs(np.diff(heights, 2)).max() / size,
                1e-9,
            ),
            at_least("least of the errors at three extremes outside", threes.min(), 1 - 1e-9),
            at_most(
                "x^2: error outside over (x - 1)^2 + h (x - 1), away from 1",
                np.abs(parabolas).max(),
                1e-9,
            ),
        ),
        curves(
            "Inside of [-2 pi, 2 pi], and beyond",
            "x",
            "y",
            {
                "sin": (shown, np.sin(shown)),
                "network": (shown, np.clip(forward(network, shown[:, np.newaxis])[:, 0], -3, 3)),
            },
        ),
    )
