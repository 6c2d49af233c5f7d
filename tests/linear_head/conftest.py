"""Data that a head can be fitted to."""

from collections.abc import Callable

import numpy as np
import pytest

Data = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def _clouds(rows: int = 120, width: int = 6, classes: int = 2, seed: int = 0) -> Data:
    rng = np.random.default_rng(seed)
    labels = np.arange(rows) % classes
    features = rng.normal(size=(rows, width)) @ rng.normal(size=(width, width))
    features += 0.8 * rng.normal(size=(classes, width))[labels]
    features = features * 10.0 ** rng.uniform(-2, 2, width) + rng.normal(size=width)
    targets = 0.9 * np.eye(classes)[labels] + 0.1 * rng.dirichlet(np.ones(classes), rows)
    return features, targets, rng.uniform(0.2, 3, rows), rng.integers(0, rows // 3, rows)


@pytest.fixture(scope="session")
def clouds() -> Callable[..., Data]:
    """Overlapping clouds of classes on correlated features of unlike scales, soft labels.

    Features (N, D), targets (N, K), weights (N,), groups (N,).
    """
    return _clouds
