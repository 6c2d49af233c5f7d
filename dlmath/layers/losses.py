"""Losses under the names and arguments of Keras. `loss_functions.py` derives their gradients.

Each gives one number for a sample, and Keras's base class reduces them, by default to their mean
over the batch, whose adjoint is multiplication by 1 / N.
"""

from typing import Any

import keras
import tensorflow as tf

from dlmath.layers import arguments, loss_functions
from dlmath.layers.hand_derived import Function


class _Loss(keras.losses.Loss):
    """A Keras loss made of one hand-derived function of the truth and the prediction."""

    function: Function

    def call(self, y_true: tf.Tensor, y_pred: tf.Tensor) -> tf.Tensor:
        if len(y_true.shape) == len(y_pred.shape) - 1:
            y_true = tf.expand_dims(y_true, -1)
        if not y_true.shape.is_compatible_with(y_pred.shape):
            raise ValueError(
                f"{type(self).__name__} needs a truth in the shape of the prediction; it does not "
                f"broadcast. Received: y_true.shape={y_true.shape}, y_pred.shape={y_pred.shape}"
            )
        return self.function(self.smooth(y_true), y_pred)

    def smooth(self, y_true: tf.Tensor) -> tf.Tensor:
        return y_true


@keras.saving.register_keras_serializable("dlmath")
class MeanSquaredError(_Loss):
    """The mean square of the differences, as `keras.losses.MeanSquaredError`.

    Args:
        reduction, name, dtype: As in Keras.

    Shapes: y_true and y_pred (N, ..., K); one loss for each vector along the last axis.
    """

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str = "mean_squared_error",
        dtype: Any = None,
    ):
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        self.function = loss_functions.SquaredError()


class _CrossEntropy(_Loss):
    """The arguments that the cross-entropies share."""

    def __init__(
        self,
        from_logits: bool,
        label_smoothing: float,
        axis: int,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.from_logits = from_logits
        self.label_smoothing = arguments.fraction(label_smoothing, "label_smoothing")
        self.axis = axis

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "from_logits": self.from_logits,
            "label_smoothing": self.label_smoothing,
            "axis": self.axis,
        }


@keras.saving.register_keras_serializable("dlmath")
class CategoricalCrossentropy(_CrossEntropy):
    """Cross-entropy of one truth over K classes, as `keras.losses.CategoricalCrossentropy`.

    Args:
        from_logits: Predictions are logits (the better choice), not probabilities.
        label_smoothing: The part of the truth, in [0, 1], that is spread evenly over the classes.
        axis: The axis of the classes.
        reduction, name, dtype: As in Keras.

    Shapes: y_true and y_pred (N, ..., K), the truth one-hot or soft.
    """

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str = "categorical_crossentropy",
        dtype: Any = None,
    ):
        super().__init__(
            from_logits, label_smoothing, axis, reduction=reduction, name=name, dtype=dtype
        )
        self.function = (
            loss_functions.SoftmaxCrossEntropy(axis)
            if from_logits
            else loss_functions.CategoricalCrossEntropy(axis, keras.config.epsilon())
        )

    def smooth(self, y_true: tf.Tensor) -> tf.Tensor:
        classes = tf.cast(tf.shape(y_true)[self.axis], y_true.dtype)
        return y_true * (1 - self.label_smoothing) + self.label_smoothing / classes


@keras.saving.register_keras_serializable("dlmath")
class BinaryCrossentropy(_CrossEntropy):
    """Cross-entropy of K yes-or-no answers, as `keras.losses.BinaryCrossentropy`.

    Args:
        from_logits: Predictions are logits (the better choice), not probabilities.
        label_smoothing: How far, in [0, 1], the truth is drawn towards 1/2.
        axis: The axis that is averaged over.
        reduction, name, dtype: As in Keras.

    Shapes: y_true and y_pred (N, ..., K).
    """

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str = "binary_crossentropy",
        dtype: Any = None,
    ):
        super().__init__(
            from_logits, label_smoothing, axis, reduction=reduction, name=name, dtype=dtype
        )
        self.function = (
            loss_functions.SigmoidCrossEntropy(axis)
            if from_logits
            else loss_functions.BinaryCrossEntropy(axis, keras.config.epsilon())
        )

    def smooth(self, y_true: tf.Tensor) -> tf.Tensor:
        return y_true * (1 - self.label_smoothing) + 0.5 * self.label_smoothing
