"""The optimisers against SciPy, closed forms and each other."""

import numpy as np
import pytest
from scipy.optimize import minimize, rosen, rosen_der, rosen_hess

from dlmath import seeds
from dlmath.maths.objectives import logistic_loss, quadratic, rosenbrock
from dlmath.maths.optimisers import Adam, GradientDescent, Momentum, RmsProp, minimise
from dlmath.maths.schedules import constant, cosine, exponential, inverse_time
from dlmath.maths.second_order import Lbfgs, NaturalGradient, Newton, backtrack

START = np.array([-1.2, 1.0])
EVERY = [
    GradientDescent(0.05),
    Momentum(0.05),
    Momentum(0.01, average=False),
    RmsProp(exponential(0.05, 0.99)),
    Adam(exponential(0.3, 0.98)),
    Newton(),
    Newton(backtrack),
    Lbfgs(),
    NaturalGradient(0.5),
]


@pytest.fixture(scope="module")
def logistic():
    rng = seeds.generator("test", "logistic")
    features = rng.normal(size=(100, 3))
    labels = (features @ [1.0, -1.0, 0.5] + rng.logistic(size=100) > 0).astype(float)
    return logistic_loss(features, labels, l2=0.1)


@pytest.mark.parametrize("optimiser", EVERY, ids=lambda one: type(one).__name__)
def test_each_ends_at_scipys_minimum_of_a_logistic_loss(optimiser, logistic):
    expected = minimize(logistic.value, np.zeros(3), jac=logistic.gradient, tol=1e-12).x
    end = minimise(logistic, np.zeros(3), optimiser, 1000, tolerance=1e-9).points[-1]
    np.testing.assert_allclose(end, expected, atol=1e-4)


@pytest.mark.parametrize("optimiser", [Newton(backtrack), Lbfgs()], ids=["newton", "lbfgs"])
def test_second_order_methods_cross_rosenbrocks_valley(optimiser):
    trace = minimise(rosenbrock(), START, optimiser, 100, tolerance=1e-9)
    np.testing.assert_allclose(trace.points[-1], [1, 1], atol=1e-8)
    assert len(trace.points) < 60


def test_lbfgs_needs_about_as_many_steps_as_scipys():
    ours = minimise(rosenbrock(), START, Lbfgs(10), 200, tolerance=1e-5)
    theirs = minimize(rosen, START, jac=rosen_der, method="L-BFGS-B")
    assert len(ours.points) <= 2 * theirs.nit


def test_rosenbrock_is_scipys():
    function = rosenbrock()
    for point in seeds.generator("test", "rosen").normal(size=(20, 2)):
        np.testing.assert_allclose(function.value(point), rosen(point))
        np.testing.assert_allclose(function.gradient(point), rosen_der(point))
        np.testing.assert_allclose(function.hessian(point), rosen_hess(point))


def test_gradient_descent_on_a_quadratic_is_its_closed_form():
    curvatures = np.array([0.5, 1.0, 3.0])
    points = minimise(quadratic(curvatures), np.ones(3), GradientDescent(0.2), 30).points
    steps = np.arange(31)[:, np.newaxis]
    np.testing.assert_allclose(points, (1 - 0.2 * curvatures) ** steps, rtol=1e-12)


def test_momentum_as_an_average_is_the_heavy_ball_at_another_rate(logistic):
    averaged = minimise(logistic, np.zeros(3), Momentum(1.0, 0.8), 40).points
    heavy = minimise(logistic, np.zeros(3), Momentum(0.2, 0.8, average=False), 40).points
    np.testing.assert_allclose(averaged, heavy, atol=1e-12)


def test_it_stops_early_at_a_small_gradient_and_where_nothing_is_finite():
    bowl = quadratic(np.array([1.0, 2.0]))
    assert len(minimise(bowl, np.ones(2), Newton(), 50, tolerance=1e-9).points) == 2
    with np.errstate(over="ignore", invalid="ignore"):
        assert len(minimise(bowl, np.ones(2), GradientDescent(1e200), 50).points) < 10


def test_batches_are_what_the_steps_see_and_the_whole_is_recorded():
    first, second = quadratic(np.array([1.0])), quadratic(np.array([3.0]))
    trace = minimise(
        quadratic(np.array([2.0])),
        np.ones(1),
        GradientDescent(0.1),
        2,
        batches=lambda number: (first, second)[number],
    )
    np.testing.assert_allclose(trace.points[:, 0], [1, 0.9, 0.63])
    np.testing.assert_allclose(trace.values, trace.points[:, 0] ** 2)


def test_schedules():
    assert constant(0.3)(7) == 0.3
    assert inverse_time(0.4, 10)(10) == pytest.approx(0.2)
    assert exponential(1.0, 0.5)(3) == pytest.approx(0.125)
    assert [cosine(1.0, 10)(step) for step in (0, 5, 10, 20)] == pytest.approx([1, 0.5, 0, 0])


def test_methods_say_what_they_need():
    from dlmath.maths.objectives import Objective

    bare = Objective(lambda x: 0.0, lambda x: np.ones_like(x))
    with pytest.raises(ValueError, match="Hessian"):
        minimise(bare, np.ones(2), Newton(), 1)
    with pytest.raises(ValueError, match="Fisher information"):
        minimise(bare, np.ones(2), NaturalGradient(), 1)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("ours", "name", "settings"),
    [
        (GradientDescent(0.1), "SGD", {}),
        (Momentum(0.1, 0.9, average=False), "SGD", {"momentum": 0.9}),
        (RmsProp(0.01, 0.9, 0.0), "RMSprop", {"rho": 0.9, "epsilon": 0.0}),
        (Adam(0.01, epsilon=1e-7), "Adam", {"epsilon": 1e-7}),
    ],
    ids=["gradient descent", "momentum", "rmsprop", "adam"],
)
def test_the_steps_are_those_of_keras(ours, name, settings, logistic):
    import keras

    rate = ours.rate
    variable = keras.Variable(np.full(3, 0.5), dtype="float64")
    theirs = getattr(keras.optimizers, name)(learning_rate=rate, **settings)
    theirs.build([variable])
    path = minimise(logistic, np.full(3, 0.5), ours, 25).points
    for point in path[1:]:
        gradient = logistic.gradient(np.array(variable))
        theirs.apply([keras.ops.convert_to_tensor(gradient)], [variable])
        np.testing.assert_allclose(np.array(variable), point, rtol=1e-4)
