"""The decisions of a `DecisionRule` in TensorFlow operations.

A SavedModel answers without Python, so its decisions must lie in its graph. They are computed in
float64, as those of `dlmath.inference.decision_rule`, which says what each of them means.
"""

import numpy as np
import tensorflow as tf

from dlmath.inference.decision_rule import DecisionRule
from dlmath.inference.ood_score import OodScore

_LEAST = np.finfo(np.float64).eps


def decisions(
    rule: DecisionRule, probabilities: tf.Tensor, ood_scores: tf.Tensor | None
) -> dict[str, tf.Tensor]:
    """Return the decisions for N images, each a tensor (N,).

    Args:
        rule: The decision rule of the run.
        probabilities: (N, K).
        ood_scores: (N,) out-of-distribution scores; None where the run fitted none.

    Returns:
        `decision`, the class by name. For two classes `positive`. Where the run
        has an out-of-distribution score, `ood_score` and `out_of_distribution`, and both by their
        earlier names, `distance` and `unusual`; where it has a rule to abstain by, `abstains`.
    """
    probabilities = tf.cast(probabilities, tf.float64)
    index = decided(rule, probabilities)
    found = {"decision": tf.gather(tf.constant(list(rule.classes)), index)}
    if rule.positive_index is not None:
        found["positive"] = tf.equal(index, rule.positive_index)
    reasons = []
    if rule.abstention.confidence is not None:
        reasons.append(_confidence(rule, probabilities) < rule.abstention.confidence)
    if ood_scores is not None:
        found["ood_score"] = found["distance"] = ood_scores  # also by its earlier name
        if rule.abstention.ood_score is not None:
            outside = tf.logical_not(ood_scores <= rule.abstention.ood_score)
            found["out_of_distribution"] = found["unusual"] = outside
            reasons.append(outside)
    if reasons:
        found["abstains"] = tf.reduce_any(tf.stack(reasons), axis=0)
    return found


def decided(rule: DecisionRule, probabilities: tf.Tensor) -> tf.Tensor:
    """Return the index of the class that is decided, int32 (N,), for float64 (N, K)."""
    positive = rule.positive_index
    if positive is None or rule.threshold is None:
        return tf.argmax(probabilities, axis=1, output_type=tf.int32)
    is_positive = probabilities[:, positive] >= rule.threshold.value
    return tf.where(is_positive, positive, 1 - positive)


def _confidence(rule: DecisionRule, probabilities: tf.Tensor) -> tf.Tensor:
    inside = tf.clip_by_value(probabilities, _LEAST, 1 - _LEAST)
    if rule.positive_index is None or rule.threshold is None:
        largest = tf.math.top_k(inside, 2).values
        return tf.math.log(largest[:, 0]) - tf.math.log(largest[:, 1])
    own = inside[:, rule.positive_index]
    limit = np.clip(rule.threshold.value, _LEAST, 1 - _LEAST)
    return tf.abs(tf.math.log(own / (1 - own)) - np.log(limit / (1 - limit)))


class OodScoreGraph:
    """An `OodScore` in TensorFlow operations.

    Attributes:
        variables: What it is made of, float32 as it is stored: constants would be written once for
            every function that uses them.
    """

    def __init__(self, ood_score: OodScore):
        arrays = (ood_score.means, ood_score.directions, ood_score.variances, ood_score.rest)
        self.variables = tuple(tf.Variable(np.float32(one), trainable=False) for one in arrays)

    def __call__(self, features: tf.Tensor) -> tf.Tensor:
        """Return the scores, float64 (N,), of features (N, D)."""
        means, directions, variances, rest = (tf.cast(one, tf.float64) for one in self.variables)
        away = tf.cast(features, tf.float64)[:, tf.newaxis] - means  # (N, K, D)
        along = tf.einsum("nkd,dr->nkr", away, directions) ** 2
        squares = tf.linalg.matvec(along, 1 / variances - 1 / rest)
        of_classes = squares + tf.reduce_sum(away**2, axis=2) / rest
        return tf.maximum(tf.reduce_min(of_classes, axis=1), 0)
