import numpy as np
import pytest
import tensorflow as tf

from dlmath.gradcheck import oracles
from dlmath.gradcheck.differentiable import Differentiable, random_upstream
from dlmath.layers import Pair

X = np.array([[0.3, -0.8], [1.1, 0.4]])
RIGHT = Pair(lambda x: (tf.sin(x), x), lambda x, g: {"x": tf.cos(x) * g})
WRONG = Pair(lambda x: (tf.sin(x), x), lambda x, g: {"x": tf.sin(x) * g})


def consult(oracle, pair, reference=None):
    subject = Differentiable(pair, {"x": tf.constant(X)}, reference=reference)
    random = np.random.default_rng(0)
    upstream = random_upstream(subject, random)
    return oracle(subject, upstream, random)["x"](subject.by_hand(upstream)["x"])


def second_order(subject, upstream, random):
    """The oracle in the form of the others; it looks at the subject's own backward pass."""
    errors = oracles.SecondOrder(subject, upstream, random).errors()
    return {name: lambda _, error=error: error for name, error in errors.items()}


@pytest.mark.parametrize(
    "oracle", [oracles.tape, oracles.differences, oracles.adjoint, second_order]
)
def test_each_oracle_tells_a_right_backward_from_a_wrong_one(oracle):
    assert consult(oracle, RIGHT) < 1e-10
    assert consult(oracle, WRONG) > 1e-2


def test_the_reference_tells_too():
    assert consult(oracles.reference, RIGHT, tf.sin) < 1e-15
    assert consult(oracles.reference, WRONG, tf.sin) > 1e-2
    assert consult(oracles.reference, RIGHT, lambda x: tf.sin(x) + 0.01 * x) > 1e-3


def test_the_slope_is_two_for_a_right_gradient_and_one_for_a_wrong_one():
    assert consult(oracles.taylor_slope, RIGHT) == pytest.approx(2, abs=0.02)
    assert consult(oracles.taylor_slope, WRONG) == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize("size", np.geomspace(1e-4, 1e-1, 13))
@pytest.mark.parametrize("sign", [-1, 1])
def test_terms_that_cancel_bend_the_line_and_not_the_verdict(sign, size):
    """(x - X)^3 + c (x - X)^2: at some step between 0.01 and 0.0003 the two parts cancel."""
    c = sign * size

    def gradient(x):
        return 3 * (x - X) ** 2 + 2 * c * (x - X)

    def forward(x):
        return (x - X) ** 3 + c * (x - X) ** 2, x

    right = Pair(forward, lambda x, g: {"x": gradient(x) * g})
    wrong = Pair(forward, lambda x, g: {"x": (gradient(x) + 1e-3) * g})
    assert consult(oracles.taylor_slope, right) >= oracles.LEAST_SLOPE
    assert consult(oracles.taylor_slope, wrong) < oracles.LEAST_SLOPE


def test_an_affine_function_has_no_slope():
    assert (
        consult(oracles.taylor_slope, Pair(lambda x: (3 * x, 0), lambda _, g: {"x": 3 * g})) is None
    )


def test_forward_mode_through_a_traced_function_compares_a_wrong_backward_with_itself():
    # Why the adjoint oracle runs eagerly and through the plain forward pass.
    x, v = tf.constant(X), tf.constant(X[::-1].copy())

    def derivative_along_v(function):
        with tf.autodiff.ForwardAccumulator(x, v) as forward_mode:
            y = function(x)
        return forward_mode.jvp(y)

    np.testing.assert_allclose(derivative_along_v(tf.function(WRONG)), np.sin(X) * v)
    plain = derivative_along_v(lambda x: WRONG.forward(x)[0])
    np.testing.assert_allclose(plain, np.cos(X) * v)


def test_under_ones_a_backward_of_softmax_that_returns_zeros_passes_and_under_random_ones_not():
    zeros = Pair(
        lambda x: (tf.nn.softmax(x), x),
        lambda x, g: {"x": tf.zeros_like(x)},
    )
    subject = Differentiable(zeros, {"x": tf.constant(X)})
    random = np.random.default_rng(0)
    ones = [tf.ones_like(y) for y in subject.plain(subject.tensors)]
    claimed = tf.zeros_like(X)
    assert oracles.tape(subject, ones, random)["x"](claimed) < 1e-8
    assert oracles.tape(subject, random_upstream(subject, random), random)["x"](claimed) > 0.5


@pytest.mark.parametrize(
    ("ours", "theirs", "error"),
    [
        ([1.0, 2.0], [1.0, 2.0], 0.0),
        ([1.0, 2.0], [1.0, 4.0], 0.5),
        ([1e-20], [0.0], 0.0),
        ([np.nan], [1.0], np.inf),
        ([1.0], [np.nan], np.inf),
        ([np.inf], [np.inf], np.inf),
        ([[1.0]], [1.0], np.inf),
    ],
)
def test_relative_error(ours, theirs, error):
    assert oracles.relative_error(ours, theirs) == pytest.approx(error, abs=1e-12)


@pytest.mark.parametrize(
    ("ours", "theirs", "error"),
    [
        ([[1.0, 1e-5]], [[1.0, 0.0]], 1.0),  # its own size, however large the others
        ([[1e3, 1e-9]], [[1e3, 0.0]], 1e-6),  # at least 1e-6 of the largest of its sample
        ([[1e3, 1.0], [1e-5, 1.0]], [[1e3, 1.0], [0.0, 1.0]], 1.0),  # of its own sample only
        ([[1e-9, 0.0]], [[0.0, 0.0]], 1e-3),  # and at least 1e-6
        ([1.0, 1e-5], [1.0, 0.0], 1.0),
        ([np.nan], [1.0], np.inf),
        ([[1.0]], [1.0], np.inf),
        (2.0, 1.0, 0.5),
    ],
)
def test_entry_error(ours, theirs, error):
    assert oracles.entry_error(ours, theirs) == pytest.approx(error, rel=1e-12)


def test_a_difference_within_the_slack_is_none():
    assert oracles.entry_error([[1.0, 2.0]], [[1.0, 2.5]], slack=np.array([[0.5]])) == 0
    assert oracles.entry_error([[1.0, 2.0]], [[1.0, 2.5]], slack=0.25) == pytest.approx(0.1)


def test_the_tape_through_a_saturated_softmax_may_be_off_and_the_estimate_says_so():
    x = tf.constant([[30.0, 0.0, 1.0], [0.1, 0.2, 0.3]], tf.float64)
    pair = Pair(lambda x: (1e6 * tf.nn.softmax(x), x), lambda x, g: {"x": g})
    subject = Differentiable(pair, {"x": x})
    upstream = [tf.constant([[1.3, -0.7, 0.4]] * 2, tf.float64)]
    expected = oracles.tape_gradients(subject.plain, subject.tensors, upstream)
    slack = oracles.rounding_of_tape(subject, upstream, expected)["x"]
    assert slack.shape == (2, 1)
    assert np.all(slack < 1e-6)
    assert slack[0, 0] > 0


def test_five_points_are_exact_for_polynomials_of_degree_four():
    derivative = oracles.five_point(lambda h: (2 + h) ** 4)
    assert float(derivative) == pytest.approx(32, rel=1e-11)
