"""Functions that have no layer in `dlmath.layers`: derived here, and compared with the tape.

`forward` is the code that is compared with the nodes; its gradient is TensorFlow's own.
"""

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import tensorflow as tf

from dlmath.derivation.forward_passes import ForwardPass
from dlmath.derivation.nodes import Coefficient, Node, Scale, Variable, transposed
from dlmath.derivation.proof import Proof, numerically_compared, prove
from dlmath.derivation.row_functions import Softmax
from dlmath.derivation.sizes import dimension, number_of
from dlmath.gradcheck.differentiable import Differentiable, tape_gradients
from dlmath.layers import Function
from dlmath.layers.hand_derived import Gradients
from dlmath.seeds import generator

SIZES = ({"N": 3, "D": 4, "M": 5, "U": 2}, {"N": 1, "D": 1, "M": 2, "U": 3})


class _ByTape(Function):
    """A forward pass whose backward pass is the tape's."""

    def backward(self, cache: Any, g: tf.Tensor) -> Gradients:
        return tape_gradients(lambda given: [self.forward(**given)[0]], cache, [g])


class Attention(_ByTape):
    """Scaled dot-product attention of one head: S(q k^T / sqrt D) v."""

    def forward(self, q: tf.Tensor, k: tf.Tensor, v: tf.Tensor) -> tuple[tf.Tensor, Any]:
        scores = tf.matmul(q, k, transpose_b=True) / tf.sqrt(tf.cast(q.shape[-1], q.dtype))
        return tf.matmul(tf.nn.softmax(scores), v), {"q": q, "k": k, "v": v}


class Embedding(_ByTape):
    """The rows of a table that a one-hot matrix chooses: o E."""

    def forward(self, table: tf.Tensor, *, chosen: tf.Tensor) -> tuple[tf.Tensor, Any]:
        return tf.matmul(chosen, table), ({"table": table}, chosen)

    def backward(self, cache: Any, g: tf.Tensor) -> Gradients:
        tensors, chosen = cache
        return tape_gradients(lambda given: [tf.matmul(chosen, given["table"])], tensors, [g])


def attention() -> ForwardPass:
    """Return attention of N queries over M keys and values."""
    queries, keys = dimension("N"), dimension("M")
    features, units = dimension("D"), dimension("U")
    q, k = Variable("q", (queries, features)), Variable("k", (keys, features))
    v = Variable("v", (keys, units))
    root = Coefficient(Fraction(1), (), (("D", Fraction(-1, 2)),))
    weights = Softmax(Scale(root, q @ transposed(k)), [1]).called("S")
    return ForwardPass(weights @ v, {"q": q, "k": k, "v": v}, Attention())


def embedding() -> ForwardPass:
    """Return the rows of a table of M rows that N samples choose."""
    table = Variable("E", (dimension("M"), dimension("D")))
    chosen = Variable("o", (dimension("N"), dimension("M")), is_fixed=True)
    return ForwardPass(chosen @ table, {"table": table}, Embedding(), {"chosen": chosen})


WITHOUT_LAYER: dict[str, Callable[[], ForwardPass]] = {
    "Attention": attention,
    "Embedding": embedding,
}


def proof_without_layer(name: str) -> Proof:
    """Derive a function, prove its forward pass, and compare its gradients with the tape's."""
    forward = WITHOUT_LAYER[name]()
    proof = prove(forward, name, name, has_backward=False)
    pairs = [(WITHOUT_LAYER[name](), sizes) for sizes in SIZES]
    return numerically_compared(proof, [(one, _recorded(one, sizes)) for one, sizes in pairs])


def _recorded(forward: ForwardPass, sizes: dict[str, int]) -> Differentiable:
    random = generator(0, "derivation", str(sizes))

    def numbers(variable: Node) -> tf.Tensor:
        return tf.constant(random.normal(size=[number_of(n, sizes) for n in variable.shape]))

    tensors = {name: numbers(variable) for name, variable in forward.tensors.items()}
    constants = {}
    for name, given in forward.constants.items():
        rows, columns = (number_of(n, sizes) for n in given.shape)
        constants[name] = tf.constant(np.eye(columns)[random.integers(0, columns, rows)])
    return Differentiable(forward.pair, tensors, constants)
