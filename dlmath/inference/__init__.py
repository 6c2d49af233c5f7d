"""Trained classifiers in any runtime, and their predictions for images.

Names are loaded on first use: a light form answers in a fraction of TensorFlow's import.
"""

from typing import TYPE_CHECKING

from dlmath._lazy import lazy_names

__all__ = [
    "Classifier",
    "KerasClassifier",
    "Prediction",
    "load_classifier",
    "predict",
    "predict_probabilities",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "Classifier": "dlmath.inference.classifier",
        "KerasClassifier": "dlmath.inference.keras_classifier",
        "Prediction": "dlmath.inference.outcome",
        "load_classifier": "dlmath.inference.runtimes",
        "predict": "dlmath.inference.predict_files",
        "predict_probabilities": "dlmath.inference.probabilities",
    },
)

if TYPE_CHECKING:
    from dlmath.inference.classifier import Classifier
    from dlmath.inference.keras_classifier import KerasClassifier
    from dlmath.inference.outcome import Prediction
    from dlmath.inference.predict_files import predict
    from dlmath.inference.probabilities import predict_probabilities
    from dlmath.inference.runtimes import load_classifier
