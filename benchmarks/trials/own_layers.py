"""Wrong layers of a user's own, which the checker must refuse; `right_layers.py` has right ones.

    python benchmarks/trials/own_layers.py      (a minute)

Each wrong one belongs to a class of faults that one look at one point in float64 does not show.
Writes `benchmarks/results/own-layers.json`; docs/faults.md shows it.
"""

import logging
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from scipy.special import ndtr

from dlmath import gradcheck, layers
from dlmath.gradcheck import Report
from dlmath.layers import Layer, Pair
from dlmath.runs import write_json

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))  # where `benchmarks` is
from benchmarks.trials.right_layers import (  # noqa: E402
    WITH_STATE,
    MaskedMean,
    Product,
    Recurrent,
    Scale,
)

RESULT = ROOT / "benchmarks" / "results" / "own-layers.json"


@dataclass(frozen=True)
class Planted:
    """A wrong layer or function.

    Args:
        kind: The class of faults.
        what: What is wrong.
        target: Makes it.
        failed: An oracle that must fail.
        said: What the report must say of it.
        given: Further arguments of `gradcheck.check`.
    """

    kind: str
    what: str
    target: Callable[[], Any]
    failed: str
    said: str = ""
    given: dict[str, Any] = field(default_factory=dict)


def cube(x: Any) -> Any:
    return x**3, x


def cube_slope(x: Any, g: Any) -> Any:
    return 3 * x**2 * g


def wrong_between_2_and_1e5(x: Any, g: Any) -> Any:
    size = tf.abs(x)
    off = tf.cast((size > 2) & (size < 1e5), x.dtype)
    return {"x": (1 + off / 100) * cube_slope(x, g)}


def wrong_in_a_band(x: Any, g: Any) -> Any:
    size = tf.abs(x)
    return {"x": tf.cast((size < 30) | (size > 60), x.dtype) * cube_slope(x, g)}


def small_entries_dropped(x: Any, g: Any) -> Any:
    slope = cube_slope(x, g)
    return {"x": tf.where(tf.abs(slope) < 1e-9 * tf.reduce_max(tf.abs(slope)), 0.0, slope)}


def sigmoid_tail_dropped(x: Any, g: Any) -> Any:
    slope = tf.math.sigmoid(x) * tf.math.sigmoid(-x)
    return {"x": tf.where(slope < 1e-7, 0.0, slope) * g}


def dropped_in_float32(x: Any, g: Any) -> Any:
    slope = cube_slope(x, g)
    return {"x": tf.where(tf.abs(slope) < 1e-4, 0.0, slope) if x.dtype == tf.float32 else slope}


class WrongForward(Layer):
    """A softmax over the samples, not the classes, with the exact derivative of that."""

    def forward(self, x: Any) -> Any:
        y = tf.nn.softmax(x, axis=0)
        return y, y

    def backward(self, cache: Any, g: Any) -> Any:
        return {"x": cache * (g - tf.reduce_sum(cache * g, axis=0, keepdims=True))}


class StillStatistics(layers.BatchNormalization):
    """Batch normalisation whose moving statistics never move."""

    def _follow(self, batch: Any) -> None:
        pass


class UnbiasedStatistics(layers.BatchNormalization):
    """Batch normalisation whose moving variance is that of n - 1."""

    def _follow(self, batch: Any) -> None:
        n = 1.0 / (1 - 1 / 4)
        super()._follow(batch._replace(variance=batch.variance * n))


class WrongAtInference(layers.BatchNormalization):
    """Batch normalisation that divides by the variance at inference."""

    def forward(
        self, x: Any, gamma: Any = None, beta: Any = None, *, statistics: Any = None
    ) -> Any:
        if statistics is not None:
            mean, variance = statistics
            statistics = mean, variance**2
        return super().forward(x, gamma, beta, statistics=statistics)


class WrongBackwardAtInference(layers.BatchNormalization):
    """Batch normalisation with the gradient of training at inference."""

    def backward(self, cache: Any, g: Any) -> Any:
        return super().backward(cache._replace(training=True), g)


class FixedBatch(Scale):
    """The gradient of the factor by a batch size that is read while tracing."""

    def backward(self, cache: Any, g: Any) -> Any:
        x, factor = cache
        samples = x.shape[0] or 1
        total = tf.reduce_sum(g * x, axis=list(range(len(x.shape) - 1)))
        return {"x": factor * g, "factor": total / samples * (4 if x.shape[0] is None else samples)}


class UnrolledBatch(Scale):
    """A forward pass that walks over the samples, and so needs their number."""

    def forward(self, x: Any, factor: Any) -> Any:
        return tf.stack([factor * x[i] for i in range(x.shape[0])]), (x, factor)


class RemembersLast(Scale):
    """A layer that keeps its input on itself: the second call overwrites the first's."""

    def forward(self, x: Any, factor: Any) -> Any:
        self.last = x
        return factor * x, (x, factor)

    def backward(self, cache: Any, g: Any) -> Any:
        return super().backward((self.last, cache[1]), g)


class WrongProduct(Product):
    """The gradients of the two inputs exchanged, which two equal inputs hide."""

    def backward(self, cache: Any, g: Any) -> Any:
        a, b = cache
        return {"a": g * a, "b": g * b}


class CutOff(Scale):
    """A call that cuts the gradient off after the pair."""

    def call(self, inputs: Any) -> Any:
        return tf.stop_gradient(self.apply(inputs))


class MaskIgnoredBackward(MaskedMean):
    """The mask forgotten in the backward pass."""

    def backward(self, cache: Any, g: Any) -> Any:
        steps = tf.cast(tf.shape(cache)[-2], g.dtype)
        return {"x": tf.ones_like(cache) / steps * tf.expand_dims(g, -2)}


class NotThroughTime(Recurrent):
    """The gradient does not flow to the state before."""

    def to_state(self, z: Any, recurrent: Any) -> Any:
        return tf.zeros_like(z)


PLANTED = (
    Planted("sizes", "slopes 1 % off for 2 < |x| < 1e5",
            lambda: Pair(cube, wrong_between_2_and_1e5), "extremes", "of"),
    Planted("sizes", "slopes zero for 30 < |x| < 60", lambda: Pair(cube, wrong_in_a_band),
            "extremes", "of all sizes"),
    Planted("small entries", "entries below 1e-9 of the largest set to 0",
            lambda: Pair(cube, small_entries_dropped), "extremes"),
    Planted("small entries", "slopes of a sigmoid below 1e-7 set to 0",
            lambda: Pair(lambda x: (tf.math.sigmoid(x), x), sigmoid_tail_dropped), "extremes"),
    Planted("wrong forward", "a softmax along the wrong axis, and its exact derivative",
            WrongForward, "reference", given={"reference": "keras.layers:Softmax"}),
    Planted("state", "moving statistics that never move", StillStatistics, "calls",
            "moving_mean never moves in training"),
    Planted("state", "moving statistics that never move, against Keras", StillStatistics, "calls",
            "state after a call in training",
            given={"reference": "keras.layers:BatchNormalization"}),
    Planted("state", "a moving variance of n - 1", UnbiasedStatistics, "calls",
            "state after a call in training: moving_variance",
            given={"reference": "keras.layers:BatchNormalization"}),
    Planted("inference", "a wrong forward pass at inference only", WrongAtInference, "reference",
            given={"reference": "keras.layers:BatchNormalization"}),
    Planted("inference", "the gradient of training at inference", WrongBackwardAtInference, "tape"),
    Planted("float32", "small slopes set to 0 in float32 only",
            lambda: Pair(cube, dropped_in_float32), "float32"),
    Planted("float32", "a forward pass that is constant in float32",
            lambda: Pair(lambda x: (tf.zeros_like(x) if x.dtype == tf.float32 else x**3, x),
                         lambda x, g: {"x": cube_slope(x, g)}), "float32"),
    Planted("unknown batch size", "a gradient that depends on the batch size known while tracing",
            FixedBatch, "calls", "with an unknown batch size"),
    Planted("unknown batch size", "a loop over the samples", UnrolledBatch, "calls",
            "with an unknown batch size"),
    Planted("several calls", "an input that is kept on the layer", RemembersLast, "calls",
            "called twice"),
    Planted("several inputs", "the gradients of two inputs exchanged", WrongProduct, "tape"),
    Planted("several calls", "the gradient cut off in call", CutOff, "calls",
            "in a call of the layer"),
    Planted("masks and states", "a mask forgotten in the backward pass", MaskIgnoredBackward,
            "tape"),
    Planted("masks and states", "no gradient through time", NotThroughTime, "tape"),
    Planted("masks and states", "no gradient to the initial state", NotThroughTime, "tape",
            given=WITH_STATE),
)  # fmt: skip


def checked(planted: Planted) -> Report:
    """Return the report on a planted layer."""
    return gradcheck.check(planted.target(), **planted.given)


def main() -> None:
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    found = record()
    write_json(RESULT, found)
    refused = sum(bool(one["refused_by"]) for one in found["planted"])
    print(f"{refused} of {len(found['planted'])} wrong layers refused")


def record() -> dict[str, Any]:
    """Return the content of the result file."""
    rows = []
    for planted in PLANTED:
        report = checked(planted)
        failed = {oracle for row in report.rows for oracle in row.failed}
        rows.append(
            {
                "kind": planted.kind,
                "what": planted.what,
                "refused_by": [o for o in gradcheck.ORACLES if o in failed],
                "with_reference": "reference" in planted.given,
            }
        )
    return {"planted": rows, "gelu": gelu_in_float32()}


def gelu_in_float32() -> list[dict[str, float]]:
    """Return GELU on the left: exactly, by 1 + erf, and by the layers of Keras and of here."""
    x = np.array([-1.0, -3.0, -5.0, -5.5, -8.0, -12.0], "float32")
    exact = x.astype(float) * ndtr(x.astype(float))
    t = tf.constant(x)
    found = {
        "exact": exact,
        "by_sum": 0.5 * t * (1 + tf.math.erf(t / np.float32(2**0.5))),
        "keras": keras.layers.Activation("gelu")(t),
        "ours": layers.Activation("gelu")(t),
    }
    return [
        {"x": float(one), **{name: float(y[place]) for name, y in found.items()}}
        for place, one in enumerate(x)
    ]


if __name__ == "__main__":
    main()
