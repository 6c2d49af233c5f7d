"""Learning curves: networks of equal size, causal, on the same sequences."""

import numpy as np
import pytest

from dlmath.seeds import generator
from dlmath.sequences.learning_curves import (
    NETWORKS,
    Curve,
    Training,
    built,
    learning_curve,
    weights_of,
    width_within,
)
from dlmath.sequences.tasks import TASKS


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
def test_the_weights_are_counted_right_and_within_the_budget(network, task):
    width = width_within(network, 700, task.inputs, task.outputs)
    model = built(network, width, 4, task, seed=0)

    assert model.count_params() == weights_of(network, width, task.inputs, task.outputs) <= 700
    assert weights_of(network, width + 2, task.inputs, task.outputs) > 700


def test_a_budget_that_no_width_meets_is_refused():
    with pytest.raises(ValueError, match=r"too few for LSTM. Received: weights=3"):
        width_within("LSTM", 3, 2, 1)


@pytest.mark.parametrize("network", NETWORKS)
def test_a_network_sees_the_past_and_nothing_of_the_future(network):
    task = TASKS["even process"]
    model = built(network, 6, 9, task, seed=1)
    inputs = task.draw(9, 3, generator("test", "causal")).inputs
    other = inputs.copy()
    other[:, 5] = other[:, 5, ::-1]
    change = np.abs(np.array(model(inputs)) - np.array(model(other))).max(axis=(0, 2))

    assert np.all(change[:5] == 0)
    assert np.all(change[5:] > 0)


def test_steps_to_a_loss_are_those_of_the_first_test_that_gave_it():
    curve = Curve(1, 1, (0, 10, 20, 30), (2.0, 0.5, 0.7, 0.1))

    assert [curve.steps_to(loss) for loss in (2.0, 0.6, 0.5, 0.3)] == [0, 10, 10, 30]
    assert curve.steps_to(0.05) is None


def test_a_network_learns_to_copy_over_a_short_gap_and_repeats_to_the_bit():
    training = Training(weights=2_000, steps=120, batch=32, rate=0.01, every=60)
    first, again = (learning_curve("attention", TASKS["copying"], 1, training, 3) for _ in range(2))

    assert first == again
    assert first.steps == (0, 60, 120)
    assert first.losses[0] > 1.9
    assert first.losses[-1] < 0.8
