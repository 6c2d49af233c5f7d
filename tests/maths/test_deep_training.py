from dataclasses import replace

import numpy as np
import pytest

from dlmath.maths.experiments.deep_training import Deep, drawn
from dlmath.maths.network import cross_entropy, softmax


def loss(network: Deep, rows: np.ndarray, labels: np.ndarray) -> float:
    logits = network.forward(rows)[-1] @ network.exit
    return cross_entropy(softmax(logits), np.eye(2)[labels])


@pytest.mark.parametrize("normalised", [False, True])
@pytest.mark.parametrize("links", [False, True])
@pytest.mark.parametrize("name", ["entry", "blocks", "exit"])
def test_a_step_is_against_the_gradient(name: str, links: bool, normalised: bool) -> None:
    rng = np.random.default_rng(0)
    rows, labels = rng.normal(size=(30, 2)), rng.integers(0, 2, 30)
    network = replace(drawn(3, 0.8, 0), links=links, normalised=normalised)
    whole = getattr(network, name)
    gradient = whole - getattr(network.stepped(rows, labels, 1.0), name)
    direction = rng.normal(size=whole.shape)

    ends = [
        loss(replace(network, **{name: whole + step * direction}), rows, labels)
        for step in (1e-5, -1e-5)
    ]

    assert (ends[0] - ends[1]) / 2e-5 == pytest.approx(np.sum(gradient * direction), rel=1e-6)
