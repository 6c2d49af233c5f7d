"""Where theory says that a statement begins to fail, its experiment begins to fail."""

import pytest

from dlmath.maths.registry import find

TURNS = {
    # name: (argument, values with which it holds, values with which it fails)
    "machine-has-no-duality-gap": ("offset", (0, 1, 3), (-1, -2, -5)),
    "even-kernels-part-the-ring": ("power", (2, 4, 6), (1, 3, 5)),
    "integral-images-are-exact": ("size", (16, 255, 256), (258, 260, 300)),
    "adaboost-training-error": ("share", (1.0,), (0.5, 0.9, 1.1, 2.0)),
    "cascade-keeps-the-patterns": ("fresh", (0.9, 1.2, 2.0), (0.6, 0.4, 0.0)),
    "quadratic-forms-by-width": ("unseen", (0,), (1, 2)),
    "directions-limit-a-layer": ("extra", (0,), (1, 2)),
    "random-units-in-any-dimension": ("spread", (1.0,), (0.8, 0.9, 1.1, 1.3)),
    "polynomials-from-any-activation": ("activation", ("sigmoid", "tanh", "sine"), ("linear",)),
    "value-at-the-kink": ("value", (0.0, 0.5, 1.0), (-0.25, -0.01, 1.01, 1.25)),
    "heaviside-is-relus-slope": ("function", ("relu",), ("leaky", "absolute", "softplus")),
    "max-pooling-slopes": ("levels", (0,), (2, 3, 20)),
    "max-pooling-is-lipschitz": ("shift", (0, 2, 4, 6), (1, 3, 5)),
    "curve-through-every-student": ("students", (12, 27, 28), (29, 40)),
    "data-by-coefficients": ("missing", (0,), (1, 2)),
    "accuracies-as-counts": ("images", (624,), (16, 390, 1000)),
    "last-layer-labellings": ("copied", (0,), (1,)),
    "half-spaces-determine-a-measure": ("offsets", (True,), (False,)),
    "networks-extrapolate-by-lines": ("activation", ("relu",), ("sine",)),
    "temperature-sets-the-entropy": ("assumed", (1.0,), (0.5, 0.99, 1.01, 2.0)),
    "softmax-is-half-lipschitz": ("beta", (0.1, 0.5, 1.0), (1.001, 3.0)),
    "layer-normalisation-projects": ("epsilon", (0.0, 1e-30), (1e-6, 1.0)),
    "style-transfer-descends": ("weight", (1e6, 3e6), (0.0,)),
}
CASES = [
    pytest.param(name, argument, value, holds, id=f"{name}-{value}")
    for name, (argument, right, wrong) in TURNS.items()
    for holds, values in ((True, right), (False, wrong))
    for value in values
]


@pytest.mark.slow  # ninety runs
@pytest.mark.parametrize(("name", "argument", "value", "holds"), CASES)
def test_the_verdict_turns_where_theory_says(name, argument, value, holds):
    assert find(name).run(**{argument: value}).holds is holds


def test_a_smooth_activation_needs_its_derivatives_at_the_place():
    one = find("polynomials-from-any-activation")
    assert one.run(place=0.3).holds
    assert not one.run(place=0.0).holds  # there the second derivative is 0


@pytest.mark.parametrize(("size", "stride"), [(2, 2), (3, 3), (3, 1), (5, 2), (2, 3)])
def test_max_pooling_with_windows_of_any_size(size, stride):
    shift = 12 - 12 % stride
    assert find("max-pooling-is-lipschitz").run(size=size, stride=stride, shift=shift).holds
    assert find("max-pooling-slopes").run(size=size, stride=stride).holds


@pytest.mark.parametrize("features", [1, 2, 3])
def test_covers_count_with_more_features(features):
    assert find("last-layer-labellings").run(features=features).holds
