"""What a trained classifier says of images, whichever program runs it.

Names are loaded on first use: a light form answers in a fraction of TensorFlow's import.
"""

from typing import TYPE_CHECKING

from dlmath._lazy import lazy_names

__all__ = ["Classifier", "Prediction", "predict", "predict_probabilities"]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "Classifier": "dlmath.inference.keras_classifier",
        "Prediction": "dlmath.inference.prediction",
        "predict": "dlmath.inference.predict_files",
        "predict_probabilities": "dlmath.inference.probabilities",
    },
)

if TYPE_CHECKING:
    from dlmath.inference.keras_classifier import Classifier
    from dlmath.inference.predict_files import predict
    from dlmath.inference.prediction import Prediction
    from dlmath.inference.probabilities import predict_probabilities
