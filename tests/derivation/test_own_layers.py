"""Layers of one's own, and the second derivation: index calculus on what the code computes."""

import pytest

from dlmath.derivation.index_derivative import gradient
from dlmath.derivation.own_layers import proof_of_own
from dlmath.derivation.proof import followed, same
from dlmath.derivation.registry import DERIVED, recorded_pass
from dlmath.derivation.symbolic_tensor import named

MODULE = """
import tensorflow as tf

from dlmath.layers import Function, Layer


class Scale(Layer):
    def build(self, input_shape):
        self.factor = self.add_weight(shape=(input_shape[-1],), name="factor")

    def forward(self, x, factor):
        return factor * x, (x, factor)

    def backward(self, cache, g):
        x, factor = cache
        return {"x": factor * g, "factor": tf.reduce_sum(g * x, axis=0)}


class Wrong(Scale):
    def backward(self, cache, g):
        x, factor = cache
        return {"x": factor * g, "factor": tf.reduce_mean(g * x, axis=0)}


class Normed(Function):
    def forward(self, x):
        norm = tf.sqrt(tf.reduce_sum(x * x, axis=-1, keepdims=True))
        return x / norm, (x / norm, norm)

    def backward(self, cache, g):
        y, norm = cache
        return {"x": (g - y * tf.reduce_sum(g * y, axis=-1, keepdims=True)) / norm}


class Softplus(Function):
    def forward(self, x):
        return tf.maximum(x, 0) + tf.math.log1p(tf.exp(-tf.abs(x))), x

    def backward(self, x, g):
        return {"x": g * tf.math.sigmoid(x)}


class Rolled(Function):
    def forward(self, x):
        return tf.roll(x, 1, axis=0), None

    def backward(self, _, g):
        return {"x": tf.roll(g, -1, axis=0)}
"""


@pytest.fixture
def module(tmp_path, monkeypatch) -> str:
    name = "layers_to_derive"
    (tmp_path / f"{name}.py").write_text(MODULE)
    monkeypatch.syspath_prepend(str(tmp_path))
    return name


@pytest.mark.parametrize(
    ("name", "verdict", "line"),
    [
        ("Scale", "proven", "dL/dfactor[d] = sum_n g[n, d] x[n, d]"),
        ("Wrong", "not equal: factor", "dL/dfactor[d] = sum_n g[n, d] x[n, d]"),
        ("Normed", "proven", "y[n, d] = (sum_d' x[n, d']^2)^(-1/2) x[n, d]"),
        ("Softplus", "proven: dL/dx only where no entry is at a kink", None),
        ("Rolled", "not proven: tf.roll has no symbolic form here", None),
    ],
)
def test_a_layer_of_ones_own_is_derived_and_judged(module, name, verdict, line):
    proof = proof_of_own(f"{module}:{name}")
    assert proof.verdict() == verdict
    assert proof.is_refuted == (name == "Wrong")
    assert line is None or line in dict(proof.derivation.lines("text"))


# A window makes hundreds of entries; the derivative of the largest is by the nodes only.
SMALL = [case for case in DERIVED if len(case.shape) < 4 or case.kind == "GlobalAveragePooling2D"]
# Written with |z|, whose kink at 0 cancels; the derivative there is taken as 0.
WITH_KINK = {"BinaryCrossentropy(from_logits=True)"}


@pytest.mark.parametrize("case", SMALL, ids=lambda case: case.name)
def test_index_calculus_on_the_code_of_forward_gives_the_code_of_backward(case):
    forward, _ = recorded_pass(case)
    tensors = {name: named(str(v.name), v.layout) for name, v in forward.tensors.items()}
    constants = {name: named("c", v.layout) for name, v in forward.constants.items()}
    y, upstream, backward = followed(forward.pair, tensors, constants)
    for name, x in tensors.items():
        assert same(gradient(y, upstream, x), backward[name], at_kinks=case.name not in WITH_KINK)
