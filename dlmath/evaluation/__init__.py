"""Evaluation of a trained classifier: metrics with intervals.

Names are loaded on first use: the metrics need only NumPy, running a model needs TensorFlow.
"""

from typing import TYPE_CHECKING

from dlmath._lazy import lazy_names

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

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "METRICS": "dlmath.evaluation.metric_table",
        "AucDifference": "dlmath.evaluation.paired",
        "Comparison": "dlmath.evaluation.run_comparison",
        "Difference": "dlmath.evaluation.run_comparison",
        "Evaluation": "dlmath.evaluation.evaluation_result",
        "McNemar": "dlmath.evaluation.paired",
        "Metric": "dlmath.evaluation.metric_table",
        "binary_metrics": "dlmath.evaluation.metrics",
        "choose_threshold": "dlmath.evaluation.threshold",
        "compare_runs": "dlmath.evaluation.run_comparison",
        "evaluate": "dlmath.evaluation.evaluate_run",
        "multiclass_metrics": "dlmath.evaluation.metrics",
    },
)

if TYPE_CHECKING:
    from dlmath.evaluation.evaluate_run import evaluate
    from dlmath.evaluation.evaluation_result import Evaluation
    from dlmath.evaluation.metric_table import METRICS, Metric
    from dlmath.evaluation.metrics import binary_metrics, multiclass_metrics
    from dlmath.evaluation.paired import AucDifference, McNemar
    from dlmath.evaluation.run_comparison import Comparison, Difference, compare_runs
    from dlmath.evaluation.threshold import choose_threshold
