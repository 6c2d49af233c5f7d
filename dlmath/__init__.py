"""dlmath: medical image classifiers by transfer learning, and the mathematics underneath.

    import dlmath

    run = dlmath.train("pneumonia", data="phantom")
    print(dlmath.evaluate(run).metrics["auc"])

Names are loaded on first use, so that `import dlmath` stays instant: TensorFlow takes
seconds and is wanted by some of them only.
"""

from typing import TYPE_CHECKING

from dlmath._keras_settings import prepare_keras
from dlmath._lazy import lazy_names
from dlmath._version import __version__

prepare_keras()

__all__ = [
    "RECIPES",
    "Recipe",
    "Run",
    "__version__",
    "evaluate",
    "export",
    "load",
    "predict",
    "train",
]

# Packages are attributes too, so that `dlmath.layers.Dense` needs no import of its own.
__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "Recipe": "dlmath.recipe",
        "Run": "dlmath.runs",
        "RECIPES": "dlmath.models",
        "train": "dlmath.training",
        "evaluate": "dlmath.evaluation",
        "predict": "dlmath.inference",
        "export": "dlmath.export",
        "load": "dlmath.models",
    },
    subpackages=(
        "attribution",
        "audit",
        "bench",
        "data",
        "doctor",
        "drift",
        "evaluation",
        "explain",
        "features",
        "gradcheck",
        "inference",
        "layers",
        "linear_head",
        "maths",
        "models",
        "serving",
        "stats",
        "training",
    ),
)

if TYPE_CHECKING:
    from dlmath.evaluation import evaluate
    from dlmath.export import export
    from dlmath.inference import predict
    from dlmath.models import RECIPES, load
    from dlmath.recipe import Recipe
    from dlmath.runs import Run
    from dlmath.training.new_run import train
