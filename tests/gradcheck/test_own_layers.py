"""Layers of a user's own: each class of faults is refused by name, and no right layer is."""

import numpy as np
import pytest
import tensorflow as tf

from benchmarks.trials import own_layers
from benchmarks.trials.own_layers import PLANTED
from benchmarks.trials.right_layers import RIGHT, WITH_STATE, Product, Recurrent, Scale
from dlmath import gradcheck, layers
from dlmath.errors import UserError
from dlmath.layers import Pair
from dlmath.runs import read_json

QUICK = ("one weight", "two inputs", "whole numbers", "GELU by tanh", "an exponential", "a mask")


def assert_right(name):
    make, given = RIGHT[name]
    report = gradcheck.check(make(), **given)
    assert report.passed, report.failures()


@pytest.mark.parametrize("name", QUICK)
def test_a_right_layer_passes(name):
    assert_right(name)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in RIGHT if name not in QUICK])
def test_a_right_layer_passes_however_awkward(name):
    assert_right(name)


def assert_refused(planted):
    report = own_layers.checked(planted)
    named = [row for row in report.rows if planted.failed in row.failed]
    assert named, report.failures()
    assert any(planted.said in row.said() for row in named), report.failures()


ONE_EACH = {planted.kind: planted for planted in PLANTED if planted.target is not own_layers
            .NotThroughTime}  # fmt: skip


@pytest.mark.parametrize("planted", ONE_EACH.values(), ids=ONE_EACH)
def test_each_class_of_faults_is_refused_and_named(planted):
    assert_refused(planted)


@pytest.mark.slow
@pytest.mark.parametrize("planted", PLANTED, ids=lambda planted: planted.what)
def test_every_planted_fault_is_refused_and_named(planted):
    assert_refused(planted)


def test_the_committed_result_holds_the_planted_faults_and_leaves_none():
    found = read_json(own_layers.RESULT)["planted"]
    assert [one["what"] for one in found] == [planted.what for planted in PLANTED]
    for one, planted in zip(found, PLANTED, strict=True):
        assert planted.failed in one["refused_by"]


def test_without_a_reference_a_wrong_forward_passes_and_the_report_says_so():
    report = gradcheck.check(own_layers.WrongForward)
    assert report.passed
    (note,) = report.notes
    assert "WrongForward was checked without a reference" in note
    assert "a wrong one with its exact derivative passes" in note
    assert report.as_json()["notes"] == [note]


def test_a_layer_that_keras_has_is_told_of_it():
    class Softmax(own_layers.WrongForward):
        pass

    (note,) = gradcheck.check(Softmax).notes
    assert "--reference keras.layers:Softmax" in note


def test_registered_layers_need_no_note_and_take_no_reference():
    assert gradcheck.check("L2").notes == ()
    with pytest.raises(UserError, match="registered layers are compared with Keras's"):
        gradcheck.check("L2", reference=tf.sin)


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        (3, "A reference must be a layer, a function"),
        ("keras.layers:Softmaxx", "has no 'Softmaxx'"),
        ("keras.layers:Softmax", r"same variables as the layer.*Received: shapes \[\], and \[\(5"),
    ],
)
def test_a_reference_that_does_not_fit_is_one_message(reference, said):
    with pytest.raises(UserError, match=said):
        gradcheck.check(Scale(), reference=reference)


def test_a_function_of_the_tensors_is_a_reference():
    right = gradcheck.check(Scale(), reference=lambda x, factor: factor * x)
    assert right.passed
    assert right.notes == ()
    wrong = gradcheck.check(Scale(), reference=lambda x, factor: 2 * factor * x)
    assert all("reference" in row.failed for row in wrong.rows)


def test_a_layer_of_two_inputs_has_a_row_for_each_and_never_takes_the_samples_of_one():
    rows = gradcheck.check(Product).rows
    assert [row.gradient for row in rows] == ["a", "b"]

    class OfRows(Product):
        def call(self, inputs):
            return self.apply(inputs[0], inputs[1])

    assert [row.gradient for row in gradcheck.check(OfRows).rows] == ["a", "b"]

    class Four(Product):
        def call(self, inputs):
            a, b, c, d = inputs
            return self.apply(a * c, b * d)

    with pytest.raises(UserError, match="cannot be called on an input of any of the shapes"):
        gradcheck.check(Four)
    four = {name: np.arange(6.0).reshape(2, 3) + place for place, name in enumerate("abcd")}
    assert gradcheck.check(Four, inputs=four).passed


def test_one_tensor_given_to_a_layer_of_two_inputs_is_refused():
    rows = np.arange(10.0).reshape(2, 5)
    with pytest.raises(UserError, match="reads the samples of one tensor as several inputs"):
        gradcheck.check(Product, inputs={"x": rows})
    assert gradcheck.check(Product, inputs={"a": rows, "b": rows + 0.5}).passed


def test_a_layer_that_does_nothing_at_inference_has_rows_of_training_only():
    given = {"inputs": {"x": np.arange(10.0).reshape(2, 5)}}
    report = gradcheck.check(layers.Dropout(0.5, seed=1), **given)
    assert [row.layer for row in report.rows] == ["Dropout(training=True)"]
    assert report.passed, report.failures()


def test_masks_and_initial_states_are_arguments_of_the_call():
    report = gradcheck.check(Recurrent(), **WITH_STATE)
    assert report.passed, report.failures()
    assert [row.gradient for row in report.rows] == [
        "inputs",
        "initial_state",
        "kernel",
        "recurrent",
    ]


def test_a_case_in_a_module_says_how_its_layer_is_called(tmp_path, monkeypatch):
    (tmp_path / "own_case_here.py").write_text(
        "import numpy as np\n"
        "from dlmath.gradcheck import OwnCase\n"
        "from dlmath.layers import Pair\n"
        "ROOT = Pair(lambda x: (x**0.5, x), lambda x, g: {'x': 0.5 * g * x**-0.5})\n"
        "CASE = OwnCase(ROOT, inputs={'x': np.array([[1.0, 2.0], [0.5, 3.0]])},\n"
        "               reference=lambda x: x**0.5)\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    report = gradcheck.check("own_case_here:CASE")
    assert report.passed, report.failures()
    assert report.notes == ()


def test_a_call_without_any_pass_is_named():
    class Idle(layers.Layer):
        def call(self, inputs):
            return 2 * inputs

    with pytest.raises(UserError, match="Idle runs no backward pass"):
        gradcheck.check(Idle)


def test_a_pass_that_fails_in_float32_only_is_named():
    def slope(x, g):
        if x.dtype == tf.float32:
            raise RuntimeError("no float32 here")
        return {"x": 2 * x * g}

    (row,) = gradcheck.check(Pair(lambda x: (x * x, x), slope)).rows
    assert row.failed == ("float32",)
    assert "no float32 here" in row.said()
