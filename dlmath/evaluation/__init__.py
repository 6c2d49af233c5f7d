"""What a trained classifier is worth, with intervals.

Names are loaded on first use: the metrics need NumPy alone, running a model needs TensorFlow.
"""

import importlib
from typing import TYPE_CHECKING, Any

# Where each public name lives.
_HOMES = {
    "METRICS": "dlmath.evaluation.metric_table",
    "AucDifference": "dlmath.evaluation.paired",
    "Comparison": "dlmath.evaluation.compare",
    "Difference": "dlmath.evaluation.compare",
    "Evaluation": "dlmath.evaluation.evaluation",
    "McNemar": "dlmath.evaluation.paired",
    "Metric": "dlmath.evaluation.metric_table",
    "binary_metrics": "dlmath.evaluation.metrics",
    "choose_threshold": "dlmath.evaluation.threshold",
    "compare_runs": "dlmath.evaluation.compare",
    "evaluate": "dlmath.evaluation.evaluate_run",
    "multiclass_metrics": "dlmath.evaluation.metrics",
}

__all__ = [
    "METRICS",
    "AucDifference",
    "Comparison",
    "Difference",
    "Evaluation",
    "McNemar",
    "Metric",
    "binary_metrics",
    "choose_threshold",
    "compare_runs",
    "evaluate",
    "multiclass_metrics",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'dlmath.evaluation' has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])


if TYPE_CHECKING:
    from dlmath.evaluation.compare import Comparison, Difference, compare_runs
    from dlmath.evaluation.evaluate_run import evaluate
    from dlmath.evaluation.evaluation import Evaluation
    from dlmath.evaluation.metric_table import METRICS, Metric
    from dlmath.evaluation.metrics import binary_metrics, multiclass_metrics
    from dlmath.evaluation.paired import AucDifference, McNemar
    from dlmath.evaluation.threshold import choose_threshold
