import numpy as np
import pytest
from scipy.stats import entropy as scipys_entropy

from dlmath import seeds
from dlmath.maths.information import bottleneck, divergence, entropy, mutual_information


def test_entropy_and_divergence_are_scipys():
    p, q = seeds.generator("test", "laws").dirichlet(np.ones(6), 2)
    assert entropy(p) == pytest.approx(scipys_entropy(p, base=2))
    assert divergence(p, q) == pytest.approx(scipys_entropy(p, q, base=2))


def test_the_ends():
    assert entropy(np.array([1.0, 0.0])) == 0
    assert entropy(np.full(8, 1 / 8)) == pytest.approx(3)
    assert divergence(np.array([0.5, 0.5]), np.array([1.0, 0.0])) == np.inf
    assert mutual_information(np.eye(4) / 4) == pytest.approx(2)
    assert mutual_information(np.full((2, 3), 1 / 6)) == pytest.approx(0)


def test_the_bottleneck_of_a_decided_label_keeps_one_bit():
    joint = np.kron(np.eye(2), np.ones((2, 1))) / 4  # four inputs, two labels
    found = bottleneck(joint, 20.0, 4, seed=0)
    assert found.about_label == pytest.approx(1, abs=1e-6)
    assert found.encoder.sum(axis=1) == pytest.approx(1)
    assert bottleneck(joint, 0.5, 4, seed=0).about_input == pytest.approx(0, abs=1e-6)
