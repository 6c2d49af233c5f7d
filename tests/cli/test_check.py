import json

import pytest
import typer
from typer.testing import CliRunner

from dlmath.cli import check
from dlmath.errors import CheckFailedError, UserError

app = typer.Typer()
app.command()(check.check)

WRONG = (
    "from dlmath.layers import Layer\n"
    "class Double(Layer):\n"
    "    def forward(self, x):\n        return 2 * x, None\n"
    "    def backward(self, cache, g):\n        return {'x': 3 * g}\n"
)


def invoke(*arguments):
    return CliRunner().invoke(app, list(arguments))


def test_the_table_shows_a_row_for_each_gradient():
    result = invoke("MeanSquaredError", "L2")
    assert result.exit_code == 0, result.output
    assert "MeanSquaredError()" in result.stdout
    assert "dL/dy_pred" in result.stdout
    assert "3 of 3 gradients right" in result.stdout


def test_json_is_one_document_and_nothing_else():
    result = invoke("L2", "--json")
    document = json.loads(result.stdout)
    assert document["passed"] is True
    assert document["rows"][0]["taylor"] == pytest.approx(2, abs=0.1)


def test_a_wrong_layer_of_ones_own_is_shown_and_fails(tmp_path, monkeypatch):
    (tmp_path / "wrong_layers.py").write_text(WRONG)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    result = invoke("wrong_layers:Double")
    assert isinstance(result.exception, CheckFailedError)
    assert result.exception.exit_code == 4
    assert "Double dL/dx: tape" in str(result.exception)
    assert "failed" in result.stdout


HALF = WRONG.replace("3 * g", "2 * g").replace("2 * x, None", "2 * x + 1, None")


def test_a_layer_without_a_reference_is_noted_and_one_that_differs_from_it_fails(
    tmp_path, monkeypatch
):
    (tmp_path / "half_layers.py").write_text(HALF + "def twice(x):\n    return 2 * x\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    bare = invoke("half_layers:Double")
    assert bare.exit_code == 0, bare.output
    assert "checked without a reference" in " ".join(bare.stdout.split())
    against = invoke("half_layers:Double", "--reference", "half_layers:twice")
    assert "Double dL/dx: reference" in str(against.exception)
    document = json.loads(invoke("half_layers:Double", "--json").stdout)
    assert document["passed"] is True
    assert len(document["notes"]) == 1


def test_an_unknown_layer_is_one_message_of_the_users():
    error = invoke("Desne").exception
    assert isinstance(error, UserError)
    assert error.exit_code == 2
    assert "Did you mean 'Dense'?" in str(error)


def test_derive_prints_the_steps_with_their_rules_and_the_verdict():
    result = invoke("--derive", "dense")
    assert result.exit_code == 0, result.output
    assert "<g, d(x W)> = <g W^T, dx> + <x^T g, dW>" in result.stdout
    assert "matrix product" in result.stdout
    assert "Proven equal to the code, for all sizes: y, dL/dx, dL/dkernel" in result.stdout


def test_derive_prints_latex():
    result = invoke("--derive", "L2", "--latex")
    assert r"\begin{align*}" in result.stdout
    assert r"\frac{\partial L}{\partial x}" in result.stdout


def test_derive_as_json_is_one_document():
    (proof,) = json.loads(invoke("--derive", "Dropout", "--json").stdout)
    assert proof["verdict"] == "proven"
    assert proof["proven"] == {"y": True, "x": True}
    assert proof["derived"][-1] == {"formula": "dL/dx = g * m", "rule": "read off"}


def test_a_layer_that_is_not_what_was_derived_fails(monkeypatch):
    from dlmath.layers.regularizers import L2

    monkeypatch.setattr(L2, "backward", lambda self, cache, g: {"x": g * self.l2 * cache})
    result = invoke("--derive", "L2")
    assert isinstance(result.exception, CheckFailedError)
    assert "1 of 1 layers are not what was derived: L2()" in str(result.exception)
    assert "not equal: x" in result.stdout


@pytest.fixture
def few(monkeypatch):
    """Only two cases are registered, so that `all` is fast."""
    from dlmath.derivation import registry

    monkeypatch.setattr(
        registry, "DERIVED", [c for c in registry.DERIVED if c.kind in ("L1", "L2")]
    )


def test_derive_all_is_a_table(few):
    result = invoke("--derive", "all")
    assert result.exit_code == 0, result.output
    assert "L2()" in result.stdout
    assert "4 backward passes derived, 2 proven equal to the code." in result.stdout


def test_derive_all_writes_the_page(few, tmp_path):
    path = tmp_path / "derivations.md"
    result = invoke("--derive", "all", "--out", str(path))
    assert result.exit_code == 0, result.output
    assert "| L1() | ∂x | proven | agree at 3 sizes |" in path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--derive", "Desne"], "Did you mean 'Dense'?"),
        (["Dense", "--derive", "Dense"], "Received: Dense as well"),
        (["Dense", "--latex"], "Received: no --derive"),
        (["--out", "page.md"], "--out is for derivations"),
        (["--derive", "Dense", "--out", "page.md"], "Use --derive all"),
        (["--derive", "Dense", "--latex", "--json"], "Choose one"),
    ],
)
def test_options_that_do_not_fit_are_one_message_of_the_users(arguments, words):
    error = invoke(*arguments).exception
    assert isinstance(error, UserError)
    assert words in str(error)
