import json
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from dlmath.cli.learn import app
from dlmath.cli.output import Output
from dlmath.errors import CheckFailedError, UserError
from dlmath.maths import PAPERS, all_experiments, find
from dlmath.maths.certificates import CERTIFIED
from dlmath.maths.experiment_base import Sabotage


def invoke(*arguments):
    return CliRunner().invoke(app, list(arguments))


def test_list_shows_every_experiment_with_its_place():
    result = invoke("list")
    assert result.exit_code == 0, result.output
    for name, one in all_experiments().items():
        assert name in result.stdout
        assert one.sources[0].place in result.stdout


def test_names_are_whole_in_a_narrow_terminal(monkeypatch):
    monkeypatch.setattr("dlmath.cli.learn._OUT", Output(pipe_width=80))
    shown = invoke("list").stdout
    assert all(name in shown for name in all_experiments())
    assert max(map(len, shown.splitlines())) <= 80


def test_list_as_json():
    document = json.loads(invoke("list", "--json").stdout)
    assert [one["name"] for one in document] == list(all_experiments())


def test_run_prints_figures_bounds_and_the_verdict():
    result = invoke("run", "best-step")
    assert result.exit_code == 0, result.output
    assert "Murari, line 253" in result.stdout
    assert "<=" in result.stdout
    assert "Holds." in result.stdout


def test_what_is_proven_in_fractions_is_shown_where_it_is_run_and_listed():
    assert "Run one: dlmath learn run NAME" in (listed := invoke("list").stderr)
    assert all(name in listed for name in CERTIFIED)
    assert "dlmath learn certify runge-threshold" in invoke("run", "runge-overfits").stdout
    assert "learn certify" not in invoke("run", "best-step").stdout
    assert all(one.experiment in all_experiments() for one in CERTIFIED.values())


def test_run_as_json_is_one_document():
    document = json.loads(invoke("run", "best-step", "--json").stdout)
    assert document["verdict"] == "holds"
    assert document["checks"][0]["holds"] is True


def test_a_set_argument_reaches_the_experiment_and_a_failed_verdict_exits_with_4():
    result = invoke("run", "gradient-descent-contracts", "--set", "rate=1.05", "--json")
    assert isinstance(result.exception, CheckFailedError)
    assert result.exception.exit_code == 4
    document = json.loads(result.stdout)
    assert document["arguments"]["rate"] == 1.05
    assert document["verdict"] == "fails"


def test_a_sabotage_that_turns_the_verdict_is_no_failure():
    result = invoke("run", "best-step", "--sabotage")
    assert result.exit_code == 0, result.output
    assert "Set: assumed=0.5" in result.stdout
    assert "Fails, as it should: the L that is assumed is half of the true one." in result.stdout


def test_a_sabotage_that_changes_nothing_exits_with_4(monkeypatch):
    harmless = replace(find("best-step"), sabotage=Sabotage("nothing", {"steps": 9}))
    monkeypatch.setattr("dlmath.maths.find", lambda _: harmless)
    result = invoke("run", "best-step", "--sabotage")
    assert isinstance(result.exception, CheckFailedError)
    assert "1 of 1 statements hold although a hypothesis is violated" in str(result.exception)
    assert "Holds, although it should fail: nothing." in result.stdout


def test_each_setting_has_a_plot_of_its_own(tmp_path):
    folder = tmp_path / "plots"
    invoke("run", "best-step", "--out", str(folder))
    honest = (folder / "best-step.svg").read_text()
    assert honest.startswith("<svg xmlns=")
    assert "Factor per step" in honest
    invoke("run", "best-step", "--sabotage", "--out", str(folder))
    invoke("run", "best-step", "--set", "steps=9", "--out", str(folder))
    assert (folder / "best-step.svg").read_text() == honest
    assert {path.name for path in folder.iterdir()} == {
        "best-step.svg",
        "best-step-assumed=0.5.svg",
        "best-step-steps=9.svg",
    }


def test_the_paper_is_named_and_its_sentence_quoted():
    shown = " ".join(invoke("run", "perceptron-bound").stdout.split())
    assert "Tsemo, line 179: “Suppose that a linearly separable dataset contained in" in shown
    assert "Tsemo: Tsemo Aristide: The algebra and the geometry aspect of deep" in shown
    assert "arXiv:2510.18862" in shown


def test_the_list_ends_with_the_papers():
    shown = " ".join(invoke("list").stdout.split())
    for paper in PAPERS.values():
        assert f"{paper.author}: {paper.citation}" in shown


def test_errata_show_the_line_the_counterexample_and_the_correction():
    result = invoke("errata")
    assert result.exit_code == 0, result.output
    assert "arXiv:2510.18862" in result.stdout
    assert "The hat is max{0, 1 - |x|}." in result.stdout
    shown = " ".join(result.stdout.split())
    assert "Murari, line 193: “Hat functions such as" in shown
    assert "Tsemo's has lost all its formulas" in shown
    assert "Remark (perhaps a slip of the extraction, not of the paper): Murari, line 193" in shown
    assert "see Rosenblatt, The perceptron" in shown


def test_errata_as_json():
    document = json.loads(invoke("errata", "--json").stdout)
    assert all(check["holds"] for one in document for check in one["checks"])
    assert {one["kind"] for one in document if not one["is_error"]} == {
        "extraction",
        "lost formula",
        "reading",
    }
    assert {one["source"]["paper"] for one in document} == set(PAPERS)


def test_errata_are_written_to_a_file(tmp_path):
    page = tmp_path / "errata.md"
    result = invoke("errata", "--out", str(page))
    assert result.exit_code == 0, result.output
    assert result.stdout == ""
    assert page.read_text(encoding="utf-8").startswith("# Errata of the papers")


def test_statements_are_written_to_a_file(tmp_path):
    page = tmp_path / "statements.md"
    assert invoke("statements", "--out", str(page)).exit_code == 0
    assert page.read_text() == invoke("statements").stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("run",), "takes the name of an experiment, or --all"),
        (("run", "best-step", "--all"), "takes the name of an experiment, or --all"),
        (("run", "best-stpe"), "Did you mean 'best-step'?"),
        (("run", "best-step", "--set", "assumd=1"), "Did you mean 'assumed'?"),
        (("run", "best-step", "--set", "assumed"), "NAME=VALUE"),
        (("run", "best-step", "--set", "steps=many"), "must be a whole number"),
        (("run", "best-step", "--set", "steps=0"), "cannot be computed"),
        (("run", "adam-bias-correction", "--set", "bias_correction=1"), "must be true or false"),
        (("run", "best-step", "--sabotage", "--set", "steps=9"), "without --sabotage"),
    ],
)
def test_a_wrong_request_is_one_message_of_the_users(arguments, message):
    error = invoke(*arguments).exception
    assert isinstance(error, UserError)
    assert message in str(error)
