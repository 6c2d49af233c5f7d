import json
import sys

import numpy as np
import pytest
import tensorflow as tf

from dlmath import gradcheck
from dlmath.errors import UserError
from dlmath.gradcheck.registry import kinds
from dlmath.layers import Dense, Layer, Pair

SMOOTH = {"Dense", "LayerNormalization", "Softmax", "MeanSquaredError"}


class Scale(Layer):
    """A user's own layer, right."""

    def build(self, input_shape):
        self.factor = self.add_weight(shape=(input_shape[-1],), name="factor")

    def forward(self, x, factor):
        return factor * x, (x, factor)

    def backward(self, cache, g):
        x, factor = cache
        axes = list(range(len(x.shape) - 1))
        return {"x": factor * g, "factor": tf.reduce_sum(g * x, axis=axes)}


class Wrong(Scale):
    """The same with a sign lost."""

    def backward(self, cache, g):
        return {**super().backward(cache, g), "x": -cache[1] * g}


class Training(Scale):
    """A layer with a flag, whose backward pass knows training only."""

    def call(self, inputs, training=None):
        return self.apply(inputs, strong=bool(training))

    def forward(self, x, factor, *, strong=False):
        return (2 if strong else 1) * factor * x, ((2 if strong else 1) * x, factor)

    def backward(self, cache, g):
        x, factor = cache
        return {"x": 2 * factor * g, "factor": tf.reduce_sum(g * x, axis=0)}


def test_smooth_layers_are_right_to_eight_digits():
    report = gradcheck.check(*SMOOTH)
    assert report.passed, report.failures()
    errors = [
        row.errors[oracle]
        for row in report.rows
        for oracle in set(gradcheck.ORACLES) - {"taylor", "float32"}
    ]
    assert max(errors) < 1e-8
    assert all(row.errors["float32"] < 1 for row in report.rows)
    slopes = [row.errors["taylor"] for row in report.rows if row.errors["taylor"] is not None]
    assert slopes
    assert all(1.9 < slope < 2.1 for slope in slopes)


@pytest.mark.slow
def test_every_registered_gradient_is_right():
    report = gradcheck.check()
    assert report.passed, report.failures()
    assert {row.layer.partition("(")[0] for row in report.rows} == set(kinds())


def test_a_layer_of_ones_own_is_checked_without_a_reference():
    report = gradcheck.check(Scale)
    assert report.passed, report.failures()
    assert [row.gradient for row in report.rows] == ["x", "factor"]
    assert all(row.errors.get("keras") is None for row in report.rows)


def test_a_wrong_gradient_fails_by_every_oracle():
    rows = gradcheck.check(Wrong(), inputs={"x": np.arange(12.0).reshape(4, 3) / 12}).rows
    assert set(rows[0].failed) == {"tape", "differences", "taylor", "adjoint", "second_order"}
    assert rows[1].failed == (), "the gradient of the factor is right"
    assert "extremes" in gradcheck.check(Wrong).rows[0].failed


@pytest.mark.parametrize("wrong", ["x", "factor"])
def test_a_right_gradient_passes_next_to_a_wrong_one(wrong):
    class Twice(Scale):
        def backward(self, cache, g):
            right = super().backward(cache, g)
            return {**right, wrong: 2 * right[wrong]}

    failed = {row.gradient for row in gradcheck.check(Twice).rows if row.failed}
    assert failed == {wrong}


SCALE = "x, factor = cache\nright = {'x': factor * g, 'factor': tf.reduce_sum(g * x, axis=0)}\n"
FORWARD = "return factor * x, (x, factor)"
SLIPS = [
    # forward, backward, what is said, and the gradients that it is said of
    (FORWARD, "return None", "backward must return {'x': dL/dx, 'factor': dL/dfactor}. Received: "
     "None", ["x", "factor"]),
    (FORWARD, "return right['x']", "Received: a tensor of shape (4, 5)", ["x", "factor"]),
    (FORWARD, "return {'y': right['x'], 'factor': right['factor']}", "backward returned no "
     "gradient for 'x'. Received: the keys 'y', 'factor'", ["x"]),
    (FORWARD, "return {**right, 'x': None}", "backward returned None for 'x'", ["x"]),
    (FORWARD, "return {**right, 'factor': g * x}", "of shape (4, 5) for 'factor' of shape (5,)",
     ["factor"]),
    (FORWARD, "return {**right, 'x': tf.cast(right['x'], 'float32')}",
     "of dtype float32 for 'x' of dtype float64", ["x"]),
    (FORWARD, "return {**right, 'x': object()}", "backward returned no tensor for 'x'", ["x"]),
    (FORWARD, "return {'x': gg}", "backward raised NameError: name 'gg' is not defined (slips.py, "
     "line 10)", ["x", "factor"]),
    (FORWARD, "return {**right, 'x': right['x'] * tf.random.uniform((), dtype=g.dtype)}",
     "backward is not deterministic", ["x", "factor"]),
    ("return fator * x, x", "return right", "forward raised NameError: name 'fator' is not defined "
     "(slips.py, line 6)", ["x", "factor"]),
    ("return x * (1 / 0), x", "return right", "forward raised ZeroDivisionError: division by zero",
     ["x", "factor"]),
    ("return factor * x", "return right", "forward must return (y, cache)", ["x", "factor"]),
    ("return factor * x + tf.random.normal(x.shape, dtype=x.dtype), (x, factor)", "return right",
     "forward is not deterministic", ["x", "factor"]),
    ("return tf.cast(x, 'int32'), (x, factor)", "return right", "output of dtype int32",
     ["x", "factor"]),
    ("return tf.cast(factor * x, 'float32'), (x, factor)", "return right",
     "output of dtype float32", ["x", "factor"]),
    ("assert tf.reduce_any(x != 0), 'all zero'\n        " + FORWARD, "return right",
     "for inputs that are zero, forward raised AssertionError: all zero", ["x", "factor"]),
]  # fmt: skip


@pytest.mark.parametrize(("forward", "backward", "said", "gradients"), SLIPS)
def test_a_slip_of_the_author_is_named(forward, backward, said, gradients, tmp_path, monkeypatch):
    source = (
        "import tensorflow as tf\nfrom dlmath.layers import Layer\n"
        "class Slip(Layer):\n"
        "    def build(self, s): self.factor = self.add_weight(shape=(s[-1],), name='factor')\n"
        f"    def forward(self, x, factor):\n        {forward}\n"
        "    def backward(self, cache, g):\n"
        + "".join(f"        {line}\n" for line in (SCALE + backward).splitlines())
    )
    (tmp_path / "slips.py").write_text(source)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "slips", raising=False)

    report = gradcheck.check("slips:Slip")

    wrong = [row for row in report.rows if row.failed]
    assert [row.gradient for row in wrong] == gradients
    assert all(said in row.problem for row in wrong)
    assert not report.passed
    (line,) = report.failures()
    assert line.startswith("Slip")
    assert all(row.as_json()["problem"] == row.problem for row in report.rows)


def test_a_slip_shows_no_numbers(tmp_path):
    nothing = Pair(lambda x: (x, x), lambda cache, g: {})
    (cells,) = gradcheck.check(nothing).cells()
    assert set(cells[2:-1]) == {"-"}
    assert cells[-1] == "failed"


def test_a_layer_without_a_backward_pass_is_named():
    class Bare(Layer):
        def forward(self, x):
            return 2 * x, None

    assert gradcheck.check(Bare).failures() == ["Bare: Bare must define backward(self, cache, g)"]


def test_a_layer_that_cannot_be_called_is_named_with_the_line():
    class Raises(Scale):
        def forward(self, x, factor):
            raise ValueError("my own complaint")

    with pytest.raises(UserError, match=r"Raises cannot.*forward raised ValueError: my own compl"):
        gradcheck.check(Raises)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("from dlmath.layers import Layer\nprint(nothing)\n", "NameError: name 'nothing'"),
        ("class Own(:\n", "SyntaxError"),
    ],
)
def test_a_module_that_cannot_run_is_named(source, said, tmp_path, monkeypatch):
    (tmp_path / "broken_layers.py").write_text(source)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(UserError, match=f"Cannot import 'broken_layers': {said}"):
        gradcheck.check("broken_layers:Own")


def test_a_layer_that_has_a_training_flag_is_tried_both_ways():
    rows = {(row.layer, row.gradient): row for row in gradcheck.check(Training).rows}
    assert rows["Training(training=True)", "x"].failed == ()
    assert "tape" in rows["Training(training=False)", "x"].failed
    assert gradcheck.check(Training, options={"training": True}).passed


def test_a_gradient_is_not_passed_for_want_of_a_number_to_compare_it_with():
    # The tape's gradient of a root that is left out at 0 is 0 * infinity.
    root = Pair(
        lambda x: (tf.where(x > 0, tf.sqrt(x), tf.zeros_like(x)), x),
        lambda x, g: {"x": 7 * g},
    )
    report = gradcheck.check(root, inputs={"x": np.array([[0.0, 0.0]])})
    assert "tape" in report.rows[0].failed


def test_a_plain_pair_of_functions_is_checked_at_the_values_given():
    pair = Pair(
        lambda a, b: (tf.math.log(a) * b, (a, b)),
        lambda cache, g: {"a": g * cache[1] / cache[0], "b": g * tf.math.log(cache[0])},
    )
    positive = np.random.default_rng(0).uniform(1, 2, (3, 2))
    rows = gradcheck.check(pair, inputs={"a": positive, "b": positive}).rows
    assert [row.failed for row in rows] == [(), ()]
    assert rows[0].errors["taylor"] == pytest.approx(2, abs=0.1)


def test_a_gradient_cut_off_from_the_tape_is_found_by_the_second_order_alone():
    cut = Pair(lambda x: (x * x, x), lambda x, g: {"x": tf.stop_gradient(2 * x) * g})
    assert gradcheck.check(cut).rows[0].failed == ("second_order",)


def test_a_gradient_that_overflows_is_found_at_the_extremes_only():
    def backward(x, g):
        e = tf.exp(x)
        return {"x": g * e / (1 + e)}

    softplus = Pair(lambda x: (tf.math.softplus(x), x), backward)
    row = gradcheck.check(softplus).rows[0]
    assert row.failed == ("extremes", "float32")
    assert row.worst_extreme == "large"
    assert row.as_json()["extremes"] == "infinite"


def test_the_same_seed_gives_the_same_figures():
    first, second = (gradcheck.check("Dense", seed=4) for _ in range(2))
    assert first.rows == second.rows
    assert gradcheck.check("Dense", seed=5).rows != first.rows


def test_the_json_form_holds_every_figure():
    report = gradcheck.check("L2")
    document = json.loads(json.dumps(report.as_json()))
    assert document["passed"] is True
    assert document["rows"][0].keys() >= {"layer", "gradient", "failed", *gradcheck.ORACLES}


def test_nothing_checked_is_not_passed():
    assert not gradcheck.Report((), 0.0).passed


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("Conv2d_", r"Did you mean 'Conv2D'\?"),
        ("nowhere_at_all:Layer", "Cannot import 'nowhere_at_all'"),
        ("dlmath.layers:Dens", r"has no 'Dens'.*Did you mean 'Dense'\?"),
        (Dense, "Dense cannot be built without arguments"),
        (object(), "Only a subclass of dlmath.layers.Layer"),
        ("dlmath.layers:Conv2D", "cannot be built without arguments"),
    ],
)
def test_what_cannot_be_checked_is_one_message(target, message):
    with pytest.raises(UserError, match=message):
        gradcheck.check(target)


def test_a_layer_of_a_module_in_this_folder_is_found(tmp_path, monkeypatch):
    source = (
        "from dlmath.layers import Layer\n"
        "class Double(Layer):\n"
        "    def forward(self, x):\n        return 2 * x, None\n"
        "    def backward(self, cache, g):\n        return {'x': 2 * g}\n"
    )
    (tmp_path / "own_layers.py").write_text(source)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    assert gradcheck.check("own_layers:Double").passed
