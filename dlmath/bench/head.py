"""The exact head against scikit-learn's solver of the same problem."""

import numpy as np
from sklearn.linear_model import LogisticRegression

from dlmath import seeds
from dlmath.bench.timing import Comparison, take_turns
from dlmath.linear_head import fit_head
from dlmath.reporting import SILENT, Reporter

ROWS, FEATURES, RANK = 4000, 1280, 200
PENALTY = 0.03
BASELINE = "scikit-learn, L-BFGS"


def run(rounds: int, reporter: Reporter = SILENT) -> list[Comparison]:
    """Compare the solvers at one penalty, to about the same gradient."""
    features, labels = features_like_a_networks(ROWS)
    standardised = (features - features.mean(axis=0)) / features.std(axis=0)
    targets, weights, groups = np.eye(2)[labels], np.ones(ROWS), np.arange(ROWS)
    # C for one vector of two classes, as `fit_head` states it.
    solver = LogisticRegression(C=2 / (PENALTY * ROWS), tol=1e-9, max_iter=10_000)
    ours = fit_head(features, targets, weights, groups, l2=PENALTY)
    theirs = solver.fit(standardised, labels)
    gap = np.abs(
        np.diff(ours.logits(features))[:, 0] - theirs.decision_function(standardised)
    ).max()
    return [
        take_turns(
            f"Logistic regression, {ROWS:,} x {FEATURES:,}, to the optimum",
            {
                BASELINE: lambda: solver.fit(standardised, labels),
                "exact head": lambda: fit_head(features, targets, weights, groups, l2=PENALTY),
            },
            baseline=BASELINE,
            amount=1,
            unit="fits",
            rounds=rounds,
            reporter=reporter,
            notes={"exact head": f"largest difference of a logit {gap:.0e}"},
        )
    ]


def features_like_a_networks(rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Return correlated features (N, D) float32, whose spectrum falls like 1 / k, and labels."""
    draw = seeds.generator("bench", "head")
    factors = draw.normal(size=(rows, RANK)) / np.arange(1, RANK + 1)
    features = np.maximum(factors @ draw.normal(size=(RANK, FEATURES)), 0)  # after a ReLU
    features += 0.05 * draw.normal(size=features.shape)
    margin = factors[:, :20] @ draw.normal(size=20) * 4
    labels = (draw.uniform(size=rows) < 1 / (1 + np.exp(-margin))).astype(int)
    return features.astype(np.float32), labels
