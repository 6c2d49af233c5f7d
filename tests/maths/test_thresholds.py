"""Where theory says that a verdict turns: arguments on both sides of the place."""

import pytest

from dlmath.maths.registry import find

# Name, arguments on the side where the statement holds, and on the side where it does not.
PLACES = [
    ("descent-direction", {"step": 1.99}, {"step": 2.01}),  # 2/L
    ("gradient-descent-contracts", {"rate": 1.0}, {"rate": 1.01}),  # 2/(mu + L)
    ("best-step", {"assumed": 1.0}, {"assumed": 0.99}),  # 2/(mu + L), from above
    ("best-step", {"assumed": 1.0}, {"assumed": 1.01}),  # and from below
    ("divergence-beyond-two-over-l", {"rate": 1.001}, {"rate": 0.999}),  # 2/L
    ("divergence-beyond-two-over-l", {"rate": 1.001}, {"rate": 1.0}),
    ("momentum-in-a-long-valley", {"condition": 9.0}, {"condition": 9.0, "assumed": 0.99}),
    ("momentum-in-a-long-valley", {"condition": 9.0}, {"condition": 9.0, "assumed": 1.01}),
    ("momentum-reduces-oscillation", {"beta": 0.1}, {"beta": 0.09}),  # sqrt(beta) = 0.9 / 2.9
    ("momentum-is-stable", {"rate": 0.999}, {"rate": 1.001}),  # 2 (1 + beta)/L
    ("momentum-is-stable", {"rate": 0.99, "beta": 0.0}, {"rate": 1.01, "beta": 0.0}),  # 2/L
    ("newton-is-quadratic", {"start": 1.088}, {"start": 1.089}),  # sinh(2x) = 4x
    (
        "damped-newton-is-global",
        {"damped": False, "farthest": 1.088},
        {"damped": False, "farthest": 1.089},
    ),
    ("damped-newton-is-global", {"function": "log cosh"}, {"function": "e^x"}),
    ("relu-weak-derivative", {"cut": 1.0}, {"cut": 0.9}),
    ("saddles-outnumber-minima", {"highest": 3}, {"highest": 2}),
    ("vanishing-gradients", {"rho": 0.99}, {"rho": 1.01}),
    ("initialisation-keeps-the-scale", {"gain": 2.0}, {"gain": 1.8}),
    ("initialisation-keeps-the-scale", {"gain": 2.0}, {"gain": 2.2}),
]

# Arguments that satisfy the hypotheses, far from the defaults.
VALID = [
    ("descent-direction", {"step": 0.1, "mu": 1.0, "smoothness": 3.0}),
    ("gradient-descent-contracts", {"rate": 0.1}),
    ("best-step", {"mu": 0.01, "smoothness": 100.0, "steps": 9}),
    ("divergence-beyond-two-over-l", {"rate": 3.0, "steps": 200}),
    *(("momentum-in-a-long-valley", {"condition": kappa}) for kappa in (1.01, 1.5, 4.0, 16.0, 1e4)),
    ("momentum-in-a-long-valley", {"accuracy": 0.1}),
    ("momentum-reduces-oscillation", {"beta": 0.5, "rate": 1.5}),
    ("momentum-is-stable", {"rate": 0.1, "beta": 0.5}),
    ("rmsprop-is-scale-free", {"factor": 1e-4}),
    ("rmsprop-is-scale-free", {"factor": 1e6, "decay": 0.99}),
    ("adam-bias-correction", {"beta1": 0.5, "beta2": 0.99}),
    ("falling-rate", {"power": 0.75}),
    ("newton-is-quadratic", {"start": 0.3}),
    ("damped-newton-is-global", {"farthest": 12.0}),
    ("lbfgs-ends-on-a-quadratic", {"dimension": 4, "condition": 1.5}),
    ("natural-gradient-invariance", {"rate": 1.0}),
    ("kfac-invariance", {"rate": 0.1}),
    ("perceptron-off-the-origin", {"shift": 0.0}),
    ("hebb-finds-the-leading-direction", {"spread": 2.0}),
    ("separable-weights-diverge", {"distance": 14.0}),
    ("saddles-outnumber-minima", {"highest": 4}),
    ("scaling-and-conditioning", {"units": 5.0}),
    ("batch-normalisation-is-scale-free", {"factor": 0.2}),
    ("normalisation-tunes-the-rate", {"scale": 0.5}),
    ("vanishing-gradients", {"rho": 0.3, "depth": 10}),
    ("attention-stays-in-the-hull", {"keys": 2}),
    ("attention-commutes-with-permutations", {"tokens": 4, "blocks": 5}),
    ("sentences-are-bags-of-words", {"words": 4}),
    ("temperature-sets-the-entropy", {"keys": 20, "largest": 1}),
    ("sines-turn-with-the-position", {"width": 32, "back": 7}),
    ("attention-in-blocks", {"length": 7}),
    ("tokens-gather-in-one-point", {"beta": 0.5, "tokens": 4}),
    ("tokens-gather-in-one-point", {"beta": 3.0}),
    ("normalising-first-keeps-gradients", {"rho": 0.9, "depth": 3}),
    ("two-banks", {"width": 6}),
    ("residual-links-keep-gradients", {"rho": 0.45, "depth": 10}),
]


@pytest.mark.parametrize(("name", "within", "beyond"), PLACES)
def test_the_verdict_turns_where_theory_says(name, within, beyond):
    experiment = find(name)
    result = experiment.run(**within)
    assert result.holds, [check for check in result.checks if not check.holds]
    assert not experiment.run(**beyond).holds


@pytest.mark.parametrize(("name", "arguments"), VALID)
def test_valid_arguments_hold(name, arguments):
    result = find(name).run(**arguments)
    assert result.holds, [check for check in result.checks if not check.holds]
