"""Trained classifiers, whichever program runs them, and what they predict for images.

Names are loaded on first use: a light form answers in a fraction of TensorFlow's import.
"""

import importlib
from typing import TYPE_CHECKING, Any

# Where each public name lives.
_HOMES = {
    "Classifier": "dlmath.inference.classifier",
    "KerasClassifier": "dlmath.inference.keras_classifier",
    "Prediction": "dlmath.inference.prediction",
    "load_classifier": "dlmath.inference.runtimes",
    "predict": "dlmath.inference.predict_files",
    "predict_probabilities": "dlmath.inference.probabilities",
}

__all__ = [
    "Classifier",
    "KerasClassifier",
    "Prediction",
    "load_classifier",
    "predict",
    "predict_probabilities",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'dlmath.inference' has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])


if TYPE_CHECKING:
    from dlmath.inference.classifier import Classifier
    from dlmath.inference.keras_classifier import KerasClassifier
    from dlmath.inference.predict_files import predict
    from dlmath.inference.prediction import Prediction
    from dlmath.inference.probabilities import predict_probabilities
    from dlmath.inference.runtimes import load_classifier
