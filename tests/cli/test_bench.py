import json

import pytest
from typer.testing import CliRunner

from dlmath import bench
from dlmath.bench.timing import Comparison
from dlmath.cli.main import app


@pytest.fixture
def measured(monkeypatch):
    """Benchmarks that take no time; returns the names that were run."""
    names = []

    def run(name, rounds, reporter):
        reporter.progress(f"{name} of images", 0, 2)
        reporter.progress(f"{name} of images", 2, 2)
        names.append((name, rounds))
        seconds = {"stock": (2.0,) * rounds, "ours": (0.5,) * rounds}
        return [Comparison(f"{name} of images", "stock", 10, "images", seconds, {"ours": "close"})]

    monkeypatch.setattr(bench, "run", run)
    return names


def test_without_a_name_all_are_run(measured):
    done = CliRunner().invoke(app, ["bench", "--rounds", "2"])
    assert done.exit_code == 0, done.output
    assert measured == [(name, 2) for name in bench.BENCHMARKS]


def test_the_table_names_the_baseline_and_the_ratio(measured):
    done = CliRunner().invoke(app, ["bench", "head"])
    assert "head of images" in done.stdout
    assert "stock (baseline)" in done.stdout
    assert "4.00" in done.stdout
    assert "close" in done.stdout


def test_json_is_one_document(measured):
    done = CliRunner().invoke(app, ["bench", "head", "--json"])
    (comparison,) = json.loads(done.stdout)["head"]
    assert comparison["ways"]["ours"]["ratio"] == 4
    assert comparison["ways"]["ours"]["per_second"] == 20


def test_an_unknown_name_is_refused():
    done = CliRunner().invoke(app, ["bench", "haed"])
    assert "Did you mean 'head'" in str(done.exception)
