"""Each certificate is verified, and refused when any part of it is spoilt."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad

from dlmath.errors import CheckFailedError, DataError, UserError
from dlmath.maths.certificates import CERTIFIED, certified
from dlmath.maths.certificates.claims import LeastDegree, RungeThreshold, monomials
from dlmath.maths.certificates.finding import (
    drawn_function,
    drawn_triangulation,
    find_least_degree,
    find_maxima,
    find_network,
    solve,
)
from dlmath.maths.certificates.records import as_record, from_record
from dlmath.maths.polynomials import monomials as float_monomials
from dlmath.maths.registry import all_experiments

TINY = Fraction(1, 10**40)


@pytest.fixture(scope="module")
def least() -> LeastDegree:
    return CERTIFIED["least-degree"].find()[2]


@pytest.fixture(scope="module")
def threshold() -> RungeThreshold:
    return CERTIFIED["runge-threshold"].find()[0]


@pytest.fixture(scope="module")
def network():
    return CERTIFIED["piecewise-network"].find()[1]


@pytest.mark.parametrize("name", CERTIFIED)
def test_what_is_found_is_verified_and_survives_a_file(name):
    assert CERTIFIED[name].experiment in all_experiments()
    for certificate in CERTIFIED[name].find():
        assert certificate.problems() == []
        assert from_record(as_record(certificate)) == certificate


def test_the_degrees_certified_are_those_of_the_polynomials_that_labelled_the_points():
    assert [one.degree for one in CERTIFIED["least-degree"].find()] == [1, 2, 3, 4]


def without(numbers: dict, key: int) -> dict:
    return {one: value for one, value in numbers.items() if one != key}


def with_zero(numbers: tuple, place: int) -> tuple:
    return (*numbers[:place], Fraction(0), *numbers[place + 1 :])


def test_every_part_of_a_least_degree_is_needed(least):
    first = next(iter(least.weights))
    spoilt = {
        "a lower degree": replace(
            least, degree=2, coefficients=least.coefficients[: len(monomials((0, 0), 2))]
        ),
        "the cube": replace(least, coefficients=with_zero(least.coefficients, 6)),
        "the sign": replace(least, coefficients=tuple(-c for c in least.coefficients)),
        "a label": replace(least, labels=(-least.labels[0], *least.labels[1:])),
        "a weight lost": replace(least, weights=without(least.weights, first)),
        "a weight moved": replace(
            least, weights={**least.weights, first: least.weights[first] + TINY}
        ),
        "weights negated": replace(least, weights={n: -w for n, w in least.weights.items()}),
        "no weights": replace(least, weights=dict.fromkeys(least.weights, Fraction(0))),
        "none": replace(least, weights={}),
        "labels of 0": replace(least, labels=(0,) * len(least.labels)),
        "labels lost": replace(least, labels=least.labels[1:]),
    }
    for what, certificate in spoilt.items():
        assert certificate.problems(), what


def test_the_place_of_a_point_with_a_weight_is_needed(least):
    number = next(iter(least.weights))
    points = list(least.points)
    points[number] = (points[number][0] + TINY, points[number][1])
    assert "sum to 0" in " ".join(replace(least, points=tuple(points)).problems())


def test_a_degree_that_is_not_the_least_has_no_weights():
    rng = np.random.default_rng(0)
    points = rng.uniform(-1, 1, (60, 2))
    labels = np.where(points[:, 0] + points[:, 1] > 0.1, 1.0, -1.0)
    found = find_least_degree(points, labels)
    assert found.degree == 1
    # No weights can rule out degree 1, so none of degree 2 as the least can be verified.
    padded = replace(found, degree=2, coefficients=(*found.coefficients, *[Fraction(0)] * 3))
    assert padded.problems() == ["the weighted monomials do not sum to 0"]


def test_points_that_no_degree_classifies_are_refused():
    points = np.array([[0.5, 0.5], [0.5, 0.5]])
    with pytest.raises(CheckFailedError, match="No degree up to 3"):
        find_least_degree(points, np.array([1.0, -1.0]), highest=3)


@given(st.lists(st.integers(-9, 9), min_size=3, max_size=3), st.integers(0, 3))
def test_exact_monomials_are_those_of_the_experiments(point, degree):
    exact = monomials(tuple(map(Fraction, point)), degree)
    floats = float_monomials(np.array([point], float), degree)[0]
    assert [float(one) for one in exact] == floats.tolist()


@given(st.integers(0, 10**6))
def test_a_solution_in_fractions_solves(seed):
    rng = np.random.default_rng(seed)
    rows = [[Fraction(int(n), 7) for n in row] for row in rng.integers(-4, 5, (3, 4))]
    wanted = [Fraction(int(n), 3) for n in rng.integers(-4, 5, 4)]
    right = [sum(a * b for a, b in zip(row, wanted, strict=True)) for row in rows]
    found = solve(rows, right)
    assert found is not None
    assert [sum(a * b for a, b in zip(row, found, strict=True)) for row in rows] == right
    assert solve([[Fraction(0)] * 4], [Fraction(1)]) is None


def test_the_threshold_is_trefethens():
    # Approximation theory and approximation practice, 2013, chapter 13: 0.7266 for 1/(1 + 25 x^2).
    (found,) = CERTIFIED["runge-threshold"].find()
    assert round(float(found.low), 4) == round(float(found.high), 4) == 0.7267


def test_the_enclosures_are_of_the_potential():
    def potential(z: complex) -> float:
        return 0.5 * quad(lambda t: np.log(abs(z - t)), -1, 1, points=[z.real])[0]

    x = Fraction(3, 5)
    height, pole = RungeThreshold.height(x), RungeThreshold.at_pole()
    assert float(height.low) == pytest.approx(2 * potential(0.6) + 2, abs=1e-9)
    assert float(pole.low) == pytest.approx(2 * potential(0.2j) + 2, abs=1e-9)


def test_every_part_of_a_threshold_is_needed(threshold):
    width = threshold.high - threshold.low
    spoilt = {
        "too low": RungeThreshold(threshold.low - width, threshold.high - width),
        "too high": RungeThreshold(threshold.low + width, threshold.high + width),
        "turned round": RungeThreshold(threshold.high, threshold.low),
        "outside": RungeThreshold(threshold.low, Fraction(3, 2)),
        "a point": RungeThreshold(threshold.low, threshold.low),
    }
    for what, certificate in spoilt.items():
        assert certificate.problems(), what


def test_every_part_of_a_network_is_needed(network):
    for name in ("inner", "bias", "outer", "heights", "breakpoints"):
        numbers = getattr(network, name)
        for place in range(len(numbers)):
            moved = (*numbers[:place], numbers[place] + TINY, *numbers[place + 1 :])
            assert replace(network, **{name: moved}).problems(), (name, place)
    for name in ("first_slope", "last_slope", "offset"):
        moved = getattr(network, name) + TINY
        assert replace(network, **{name: moved}).problems(), name
    assert replace(network, breakpoints=network.breakpoints[::-1]).problems()


def test_a_kink_between_the_breakpoints_is_seen(network):
    middle = (network.breakpoints[0] + network.breakpoints[1]) / 2
    bump = {
        "inner": (*network.inner, Fraction(1), Fraction(1), Fraction(1)),
        "bias": (*network.bias, TINY - middle, -middle, -TINY - middle),
        "outer": (*network.outer, Fraction(1), Fraction(-2), Fraction(1)),
    }
    assert replace(network, **bump).problems()


def test_every_part_of_a_difference_of_maxima_is_needed():
    found = CERTIFIED["piecewise-maxima"].find()[0]
    for name in ("upper", "lower"):
        pieces = getattr(found, name)
        for place, piece in enumerate(pieces):
            for sign in (1, -1):
                moved = (*piece[:-1], piece[-1] + sign * TINY)
                spoilt = replace(found, **{name: (*pieces[:place], moved, *pieces[place + 1 :])})
                assert spoilt.problems(), (name, place)
        assert replace(found, **{name: pieces[1:]}).problems()
    for place, height in enumerate(found.heights):
        heights = (*found.heights[:place], height + TINY, *found.heights[place + 1 :])
        assert replace(found, heights=heights).problems(), place


@given(st.integers(0, 1000))
def test_the_network_of_maxima_is_the_function_at_mixtures_of_vertices(seed):
    found = find_maxima(*drawn_triangulation(7, 2, seed))
    assert found.problems() == []
    for simplex in found.simplices:
        weights = [Fraction(n + 1, 6) for n in range(3)]  # of sum 1
        corners = [found.vertices[n] for n in simplex]
        point = tuple(
            sum(w * corner[axis] for w, corner in zip(weights, corners, strict=True))
            for axis in range(2)
        )
        mixed = sum(w * found.heights[n] for w, n in zip(weights, simplex, strict=True))
        assert found.network(point) == mixed


@given(st.integers(2, 12), st.integers(0, 1000))
def test_networks_of_drawn_functions_are_verified(count, seed):
    assert find_network(*drawn_function(count, seed)).problems() == []


@pytest.mark.parametrize(
    "record",
    [{}, [], None, {"kind": "LeastDegree"}, {"kind": "RungeThreshold", "low": "1/0", "high": "1"}],
)
def test_what_is_no_certificate_is_one_message_of_the_users(record):
    with pytest.raises(DataError, match="This is no certificate"):
        from_record(record)


def test_an_unknown_name_is_one_message_of_the_users():
    with pytest.raises(UserError, match="Did you mean 'least-degree'"):
        certified("least-degre")
