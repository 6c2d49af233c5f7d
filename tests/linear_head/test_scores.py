"""AUC and log loss against scikit-learn."""

import numpy as np
import pytest
from sklearn import metrics

from dlmath.linear_head.scores import auc, log_loss


def test_auc_is_that_of_scikit_learn_with_ties() -> None:
    rng = np.random.default_rng(0)
    labels, scores = rng.integers(0, 2, 200), rng.integers(0, 9, 200)
    several, p = rng.integers(0, 3, 200), rng.dirichlet(np.ones(3), 200)

    assert auc(labels, scores) == pytest.approx(metrics.roc_auc_score(labels, scores))
    assert auc(several, p) == pytest.approx(metrics.roc_auc_score(several, p, multi_class="ovr"))
    assert np.isnan(auc(np.ones(4), np.arange(4.0)))


def test_log_loss_is_that_of_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    labels, p, w = rng.integers(0, 3, 90), rng.dirichlet(np.ones(3), 90), rng.random(90)

    ours = log_loss(np.eye(3)[labels], p, w)

    assert ours == pytest.approx(metrics.log_loss(labels, p, sample_weight=w))
    assert np.isfinite(log_loss(np.eye(2)[[0]], np.array([[0.0, 1.0]]), np.ones(1)))
