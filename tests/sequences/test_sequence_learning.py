"""The study of how fast networks learn from sequences: its figures, and its curves again."""

import json

import numpy as np
import pytest

from benchmarks.studies import sequence_learning
from dlmath.sequences.learning_curves import Curve, Training, learning_curve
from dlmath.sequences.tasks import TASKS


@pytest.fixture(scope="module")
def result(repository):
    return json.loads((repository / "benchmarks/results/sequence-learning.json").read_text())


def test_the_quick_study_gives_a_figure_for_each_network_and_pair():
    found = sequence_learning.studied(sequence_learning.QUICK)

    json.dumps(found)
    (figures,) = found["figures"].values()
    assert set(figures["networks"]) == {"LSTM", "GRU"}
    for one in [*figures["differences"].values(), figures["networks"]["GRU"]["course"]]:
        assert one["low"] <= one["mean"] <= one["high"]
    course = figures["networks"]["LSTM"]["course"]["mean"]
    curves = [np.array(one["losses"]) for one in found["curves"]["adding, 5, LSTM"]]
    assert course == pytest.approx(np.mean([np.minimum(6 * one[1:], 1).mean() for one in curves]))


def test_an_interval_over_seeds_is_students():
    """The mean is 7/3, the variance 7/3, and Student's 97.5 % point at 2 degrees 4.302653."""
    found = sequence_learning.with_interval([1, 2, 4])
    reach = 4.302653 * 7**0.5 / 3

    assert (found["low"], found["high"]) == pytest.approx((7 / 3 - reach, 7 / 3 + reach), abs=1e-6)


def test_the_committed_figures_follow_from_the_committed_curves(result):
    curves = {
        name: [
            Curve(one["width"], one["weights"], tuple(one["steps"]), tuple(one["losses"]))
            for one in found
        ]
        for name, found in result["curves"].items()
    }
    for name, figures in result["figures"].items():
        task, length = name.rsplit(", ", 1)
        again = json.loads(json.dumps(sequence_learning.figures(task, int(length), curves)))
        for pair, wanted in figures["differences"].items():
            assert again["differences"][pair] == pytest.approx(wanted)
        for network, wanted in figures["networks"].items():
            assert again["networks"][network]["steps"] == wanted["steps"]
            assert again["networks"][network]["left"] == pytest.approx(wanted["left"])


def test_the_rates_are_those_with_which_the_least_was_left(result):
    for network, found in result["pilot"].items():
        assert found[f"{result['rates'][network]}"] == min(found.values())


@pytest.mark.parametrize(("task", "network"), [("adding", "GRU"), ("copying", "attention")])
def test_curves_of_the_study_begin_again_as_they_were(result, task, network):
    """Rounding, which differs by the processor, may have grown to a few percent."""
    plan = result["plan"]["training"]
    training = Training(**{**plan, "steps": plan["every"], "rate": result["rates"][network]})
    wanted = result["curves"][f"{task}, 10, {network}"][0]["losses"]
    found = learning_curve(network, TASKS[task], 10, training, seed=0)

    assert found.losses == pytest.approx(wanted[:2], rel=0.05)
