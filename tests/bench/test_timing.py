import pytest

from dlmath.bench import BENCHMARKS, head, run
from dlmath.bench.timing import Comparison, take_turns
from dlmath.errors import UserError
from dlmath.reporting import Reporter


def test_the_ways_take_turns_after_one_round_outside_the_clock():
    calls = []
    comparison = take_turns(
        "letters",
        {"a": lambda: calls.append("a"), "b": lambda: calls.append("b")},
        baseline="a",
        amount=1,
        unit="letters",
        rounds=3,
    )
    assert "".join(calls) == "abababab"
    assert {name: len(times) for name, times in comparison.seconds.items()} == {"a": 3, "b": 3}


def test_every_call_is_reported_before_it_begins():
    said = []

    class Listening(Reporter):
        def progress(self, task, done, total, note=""):
            said.append((task, done, total, note))

    take_turns(
        "letters",
        {"a": lambda: said.append("a"), "b": lambda: said.append("b")},
        baseline="a",
        amount=1,
        unit="letters",
        rounds=1,
        reporter=Listening(),
    )
    assert said[:4] == [("letters", 0, 4, "a"), "a", ("letters", 1, 4, "b"), "b"]
    assert said[-1] == ("letters", 4, 4, "")


def test_the_ratio_is_of_medians_to_the_baseline():
    seconds = {"slow": (4.0, 4.0, 90.0), "fast": (2.0, 1.0, 2.0)}
    comparison = Comparison("test", "slow", 8, "images", seconds, {"fast": "a note"})
    assert comparison.ratio("fast") == 2
    assert comparison.ratio("slow") == 1
    ways = comparison.as_json()["ways"]
    assert ways["fast"]["per_second"] == 4
    assert ways["fast"]["note"] == "a note"
    assert ways["slow"]["note"] is None


def test_an_unknown_benchmark_names_the_nearest():
    with pytest.raises(UserError, match="Did you mean 'memory'"):
        run("memroy")
    assert BENCHMARKS


def test_the_head_is_compared_with_scikit_learn(monkeypatch):
    monkeypatch.setattr(head, "ROWS", 300)
    monkeypatch.setattr(head, "FEATURES", 40)
    (comparison,) = run("head", rounds=1)
    assert set(comparison.seconds) == {head.BASELINE, "exact head"}
    assert comparison.baseline == head.BASELINE
