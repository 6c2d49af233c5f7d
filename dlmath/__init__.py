"""dlmath: medical image classifiers by transfer learning, and the mathematics underneath.

    import dlmath

    run = dlmath.train("pneumonia", data="phantom", backbone="efficientnet_lite0")
    print(dlmath.evaluate(run).metrics["auc"])

Names are loaded on first use, so that `import dlmath` stays instant: TensorFlow takes
seconds and is wanted by some of them only.
"""

import importlib
from typing import TYPE_CHECKING, Any

from dlmath._version import __version__

# Where each public name lives.
_HOMES = {
    "Recipe": "dlmath.recipe",
    "Run": "dlmath.runs",
    "RECIPES": "dlmath.models",
    "train": "dlmath.training",
    "evaluate": "dlmath.evaluation",
    "predict": "dlmath.inference",
    "export": "dlmath.export",
    "load": "dlmath.models",
}

# Packages that are attributes too, so that `dlmath.layers.Dense` needs no import of its own.
_ROOMS = (
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
)

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


def __getattr__(name: str) -> Any:
    if name in _ROOMS:
        return importlib.import_module(f"dlmath.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module 'dlmath' has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES, *_ROOMS])


if TYPE_CHECKING:
    from dlmath.evaluation import evaluate
    from dlmath.export import export
    from dlmath.inference import predict
    from dlmath.models import RECIPES, load
    from dlmath.recipe import Recipe
    from dlmath.runs import Run
    from dlmath.training.train import train
