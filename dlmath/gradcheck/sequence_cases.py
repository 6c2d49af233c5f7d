"""Cases of layers on sequences: several inputs, tokens, masks, initial states.

What `cases.py` has for layers of one input of real numbers, this has for the others. A call is
recorded by the same `Recording` that serves a user's own layers.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from dlmath import layers
from dlmath.gradcheck.cases import GRADED, LARGE, TINY, Case, Draw, scaled
from dlmath.gradcheck.differentiable import Differentiable
from dlmath.gradcheck.layer_recording import Recording, spread
from dlmath.layers.attention import BlockwiseAttention, DotProductAttention

SAMPLES, MANY = 2, 6
# (T,) and the like: the shape of one sample of an input that is drawn. What is not drawn (tokens,
# masks) is a function of the number of samples, and flags stand for themselves.
Given = tuple[int, ...] | Callable[[int], np.ndarray] | list[Any] | bool


def mask(*shape: int) -> Callable[[int], np.ndarray]:
    """Return masks of one shape a sample, each with holes and with its first entry kept."""

    def kept(samples: int) -> np.ndarray:
        found = np.random.default_rng(5).random((samples, *shape)) < 0.6
        found[..., 0] = True
        return found

    return kept


def factors(*shape: int) -> Callable[[int], np.ndarray]:
    """Return what dropout multiplies entries by: 0, or 2 for each that is kept of one in two."""
    return lambda samples: 2.0 * (np.random.default_rng(5).random((samples, *shape)) < 0.5)


def tokens(length: int, below: int) -> Callable[[int], np.ndarray]:
    """Return whole numbers in 0..below-1, (samples, length)."""
    return lambda samples: np.random.default_rng(5).integers(0, below, (samples, length))


@dataclass(frozen=True)
class _Drawn:
    """What the cases of this module share: arguments of a call, given or drawn.

    Args:
        kind: Name of the layer or function.
        words: What sets the case apart from others of its kind.
        samples: Number N of samples.
        draw: Draws the inputs that are real numbers.
        graded: Whether samples of very different sizes are tried too, in float32 as well.
    """

    kind: str
    words: str = ""
    samples: int = field(default=SAMPLES, kw_only=True)
    draw: Draw = field(default=spread, kw_only=True)
    keras_tolerance: float | None = field(default=None, kw_only=True)
    graded: bool = field(default=True, kw_only=True)

    @property
    def name(self) -> str:
        return f"{self.kind}({self.words})"

    def _of_call(self, given: Given, random: np.random.Generator) -> Any:
        """Return one argument of the call as arrays of all samples."""
        if callable(given):
            return given(self.samples)
        if isinstance(given, list):
            return [self._of_call(one, random) for one in given]
        if isinstance(given, tuple):
            return self.draw((self.samples, *given), random)
        return given

    def extremes(self) -> dict[str, Case]:
        found: dict[str, Any] = {
            "large": replace(self, draw=scaled(LARGE)),
            "tiny": replace(self, draw=scaled(TINY)),
            "zero": replace(self, draw=scaled(0.0)),
            "one sample": replace(self, samples=1),
        }
        for label, draw in GRADED.items() if self.graded else ():
            found[label] = replace(self, samples=MANY, draw=draw)
        return found


@dataclass(frozen=True)
class CallCase(_Drawn):
    """One way to call a layer, with whatever its call takes.

    Args:
        arguments: Constructor arguments of the layer.
        inputs: The positional arguments of its call.
        call: The keyword arguments.
        reference: Constructor arguments of Keras's layer of the same name; None where it has none,
            or draws other numbers.
        zero: Weights whose gradient is 0 for every input; rounding noise is not looked at. A bias
            of the keys adds one number to all scores of a query, which moves no weight.
    """

    arguments: dict[str, Any] = field(default_factory=dict)
    inputs: tuple[Given, ...] = ()
    call: dict[str, Given] = field(default_factory=dict)
    reference: dict[str, Any] | None = None
    zero: tuple[str, ...] = ()

    def layer(self, **options: Any) -> keras.layers.Layer:
        """A new layer of ours."""
        return getattr(layers, self.kind)(**self.arguments, **options)

    def keras_layer(self, **options: Any) -> keras.layers.Layer:
        """A new layer of Keras of the same name."""
        return getattr(keras.layers, self.kind)(**(self.reference or {}), **options)

    def drawn(self, random: np.random.Generator) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Return the positional and the keyword arguments of the call, as arrays."""
        inputs = tuple(self._of_call(one, random) for one in self.inputs)
        return inputs, {name: self._of_call(one, random) for name, one in self.call.items()}

    def subject(self, random: np.random.Generator) -> Differentiable:
        inputs, options = self.drawn(random)
        theirs = None if self.reference is None else lambda dtype: self.keras_layer(dtype=dtype)
        found = Recording(
            make=lambda dtype: self.layer(dtype=dtype),
            inputs=inputs,
            options=options,
            reference=theirs,
            lenient=True,
        ).subject(random)
        if not self.zero:
            return found
        return replace(found, examined=tuple(n for n in found.names if n not in self.zero))


@dataclass(frozen=True)
class FunctionCase(_Drawn):
    """One way to call a function without weights.

    Args:
        make: Makes the function.
        shapes: Of one sample of each of its tensors, in their order.
        constants: Its keyword arguments.
        reference: The same function by other means, of the same tensors and constants by name.
    """

    make: Callable[[], layers.Function] = layers.Function
    shapes: tuple[tuple[int, ...], ...] = ()
    constants: dict[str, Given] = field(default_factory=dict)
    reference: Callable[..., Any] | None = None

    def subject(self, random: np.random.Generator) -> Differentiable:
        pair = self.make()
        constants = {name: self._of_call(one, random) for name, one in self.constants.items()}
        tensors = {
            name: tf.constant(self._of_call(shape, random), "float64")
            for name, shape in zip(pair.tensor_names(), self.shapes, strict=True)
        }
        theirs = self.reference
        return Differentiable(
            pair,
            tensors,
            {n: tf.constant(c) if isinstance(c, np.ndarray) else c for n, c in constants.items()},
            reference=None if theirs is None else lambda **given: theirs(**given, **constants),
            lenient=True,
        )


def attention_by_formula(
    q: tf.Tensor,
    k: tf.Tensor,
    v: tf.Tensor,
    keep: Any = True,
    causal: bool = False,
    factors: Any = 1.0,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Return the outputs and weights of attention by TensorFlow's softmax; every row has a key."""
    scores = tf.matmul(q, k, transpose_b=True) / np.sqrt(q.shape[-1])
    allowed = tf.broadcast_to(tf.constant(keep), scores.shape)
    if causal:
        allowed &= np.tri(*scores.shape[-2:]) > 0
    p = tf.nn.softmax(tf.where(allowed, scores, scores.dtype.min / 4))
    return tf.matmul(tf.cast(factors, p.dtype) * p, v), p


def outputs_by_formula(**given: Any) -> tf.Tensor:
    """Return the outputs of `attention_by_formula`."""
    return attention_by_formula(**given)[0]


UNITS, STEPS = 2, 3
SEQUENCE = (STEPS, 2)  # of one sample: T steps of D features
STATE = (UNITS,)
ALL = {"return_sequences": True, "return_state": True}


def _recurrent() -> list[CallCase]:
    found = []
    kinds = {"SimpleRNN": 1, "LSTM": 2, "GRU": 1}
    ways: list[tuple[str, dict[str, Any], dict[str, Given]]] = [
        ("all outputs and states", ALL, {}),
        ("last output", {}, {}),
        ("go_backwards", {"return_sequences": True, "go_backwards": True}, {"mask": mask(STEPS)}),
        ("unroll, no bias", {**ALL, "unroll": True, "use_bias": False}, {}),
    ]
    for kind, states in kinds.items():
        start: dict[str, Given] = {"initial_state": [STATE] * states}
        for words, given, call in ways:
            arguments = {"units": UNITS, **given}
            found.append(
                CallCase(
                    kind, words, arguments, (SEQUENCE,), {**start, **call}, reference=arguments
                )
            )
    before = {"units": UNITS, **ALL, "reset_after": False}
    after: dict[str, Given] = {"initial_state": [STATE], "mask": mask(STEPS)}
    found.append(
        CallCase("GRU", "reset before, mask", before, (SEQUENCE,), after, reference=before)
    )
    return found


# Keras rounds 1 / sqrt(key_dim) to float32: 4 has an exact root.
HEADS = {"num_heads": 2, "key_dim": 4, "value_dim": 3}
QUERY, VALUE = (3, 4), (5, 3)


def _attention(
    words: str, inputs: tuple[Given, ...], call: dict[str, Given], **changed: Any
) -> CallCase:
    arguments = {**HEADS, **changed}
    return CallCase(
        "MultiHeadAttention",
        words,
        arguments,
        inputs,
        call,
        reference=arguments,
        zero=("key_bias",),
    )


ATTENTION: list[Case] = [
    FunctionCase("DotProductAttention", "", DotProductAttention, (QUERY, (5, 4), VALUE),
                 reference=attention_by_formula),
    FunctionCase("DotProductAttention", "keep, causal", DotProductAttention, (QUERY, QUERY, (3, 2)),
                 {"keep": mask(1, 3), "causal": True}, reference=attention_by_formula),
    FunctionCase("DotProductAttention", "dropped weights", DotProductAttention,
                 (QUERY, (5, 4), VALUE), {"factors": factors(3, 5)},
                 reference=attention_by_formula),
    # With one weight near 1, g V^T - g.O is a difference of equal terms, summed in two orders.
    FunctionCase("BlockwiseAttention", "blocks of 2", lambda: BlockwiseAttention(2),
                 (QUERY, (5, 4), VALUE), reference=outputs_by_formula, graded=False),
    FunctionCase("BlockwiseAttention", "blocks of 2, keep, causal", lambda: BlockwiseAttention(2),
                 (QUERY, QUERY, (3, 2)), {"keep": mask(1, 3), "causal": True},
                 reference=outputs_by_formula, graded=False),
    _attention("weights returned", (QUERY, VALUE), {"return_attention_scores": True}),
    _attention("one head, no bias", (QUERY, VALUE), {}, num_heads=1, use_bias=False),
    _attention("causal", (QUERY, QUERY), {"use_causal_mask": True}),
    _attention("masks", (QUERY, VALUE), {"value_mask": mask(5), "attention_mask": mask(3, 5)}),
]  # fmt: skip

TABLE = {"input_dim": 5, "output_dim": 3}
EMBEDDINGS: list[Case] = [
    CallCase("Embedding", "tokens", TABLE, (tokens(4, 4),), reference=TABLE),
    CallCase("PositionEmbedding", "", {"sequence_length": 4}, (QUERY,)),
    CallCase("SinePositionEncoding", "", {"max_wavelength": 100}, (QUERY,)),
]

SEQUENCE_CASES: tuple[Case, ...] = (*_recurrent(), *EMBEDDINGS, *ATTENTION)
