"""The wrong code that `tests/support/faults.py` puts in the place of right code."""

import numpy as np
import pytest

from dlmath.maths.activations import ACTIVATIONS, relu
from dlmath.maths.convolution import output_size
from dlmath.maths.network import initialised, stepped
from dlmath.maths.perceptron import Perceptron, learn_perceptron
from dlmath.maths.second_order import NaturalGradient, Newton
from tests.support.faults import EDITED, Seen, installed, wrong

X = np.array([-2.0, 0.0, 3.0])


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ("negated", [0, 0, -3]),
        ("scaled", [0, 0, 3.3]),
        ("shifted", [0.1, 0.1, 3.1]),
        ("unchanged", [0, 0, 3]),
    ],
)
def test_a_function_is_wrong_wherever_it_is_held_and_right_again_afterwards(fault, expected):
    held = ACTIVATIONS["relu"].value
    with installed("dlmath.maths.activations:relu", fault) as seen:
        np.testing.assert_allclose(relu(X), expected)
        np.testing.assert_allclose(held(x=X), expected)
    assert seen.wrong == (0 if fault == "unchanged" else 2)
    np.testing.assert_array_equal(relu(X), [0, 0, 3])


def test_methods_tables_and_constants_are_broken_too():
    with installed("dlmath.maths.activations:ACTIVATIONS[tanh].slope", "shifted"):
        assert ACTIVATIONS["tanh"].slope(np.zeros(1)) == pytest.approx(1.1)
    with installed("dlmath.maths.second_order:Newton.start", "shifted") as seen:
        assert Newton().start(X) is None
    assert seen.wrong == 0
    with installed("dlmath.maths.second_order:HALVINGS", "shifted"):
        from dlmath.maths.second_order import HALVINGS

        assert HALVINGS == 41
    with installed("dlmath.maths.convolution:output_size", "shifted"):
        assert output_size(9, 3, stride=2) == 5
    assert output_size(9, 3, stride=2) == 4
    assert NaturalGradient().rate == 1.0


def test_what_stands_next_to_numbers_stays_as_it_is():
    found = Perceptron(np.array([1.0, 2.0]), 7, True)
    seen = Seen()
    np.testing.assert_allclose(wrong(found, "negated", seen).weights, [-1, -2])
    assert wrong(found, "negated", seen).updates == 7
    assert wrong((3, True), "negated", seen) == (3, False)
    assert wrong({"number": 3, "name": "x"}, "shifted", seen) == {"number": 4, "name": "x"}
    assert wrong([np.bool_(True), np.array([True, False])], "negated", seen)[1].tolist() == [0, 1]
    assert wrong("text", "scaled", seen) == "text"


def test_a_zero_has_no_other_sign():
    seen = Seen()
    wrong(np.zeros(3), "negated", seen)
    assert seen.wrong == 0


def test_a_function_is_edited_in_place():
    network = initialised((2, 2), "linear", "edited")
    gradients = [(np.ones((2, 2)), np.ones(2))]
    right = stepped(network, gradients, 0.5)[0].weights
    with installed("dlmath.maths.network:stepped", EDITED, ("weights - rate", "weights + rate")):
        uphill = stepped(network, gradients, 0.5)[0].weights
    np.testing.assert_allclose((right + uphill) / 2, network[0].weights)
    np.testing.assert_array_equal(stepped(network, gradients, 0.5)[0].weights, right)


@pytest.mark.parametrize("old", ["not there", "weights"])
def test_an_edit_must_be_of_one_place(old):
    edit = (old, "x")
    with (
        pytest.raises(ValueError, match=r"learn_perceptron says .* times, not once"),
        installed("dlmath.maths.perceptron:learn_perceptron", EDITED, edit),
    ):
        pass
    assert learn_perceptron(np.ones((1, 1)), np.ones(1)).converged
