r"""Recurrent layers: a map of states that is applied once for each time step, and its adjoint.

A recurrent layer runs a *cell*, s_t = F(x_t, s_{t-1}), from an initial state s_0 over the inputs
x_1, ..., x_T, and gives h_1, ..., h_T, the first component of the states.

**Backpropagation through time** (Tsemo, section 7). Let L depend on h_1, ..., h_T and on the final
state, and let J_t = dF/ds at step t. What L changes by as s_{t-1} moves goes through s_t only, so
by the chain rule of `hand_derived.py`

    delta_t     = g_t + carry_t,               g_t = the gradient of h_t as the layer's own output,
    carry_{t-1} = J_t* delta_t,                carry_T = the gradient of the final state.

Unrolled, dL/ds_t = sum over k >= t of J_{t+1}* ... J_k* g_k: the paper's sum of products of
Jacobians, which vanish or explode with k - t. Gradients of the inputs and weights are adjoints at
each step, added up over the steps, since every step uses the same weights.

**What is computed where.** The recursion is linear in delta. So the nonlinear part, the activations
and their slopes at every step, is computed for all steps at once, and the loop back over time holds
products with fixed coefficients and one matrix product for each recurrent kernel. Products that no
later step needs, of the input with its kernel and those of the weights' gradients, are one matrix
product over all steps.

**Masks.** Where a sequence's mask is False the state stays, s_t = m_t F(x_t, s_{t-1}) +
(1 - m_t) s_{t-1}, hence delta reaches F times m_t and s_{t-1} times 1 - m_t directly. The output
repeats the last one that was computed, and is 0 before the first, as in Keras.
"""

from typing import Any, NamedTuple

import keras
import tensorflow as tf

from dlmath.layers import activations, arguments, regularizers
from dlmath.layers.base import Layer, shape_of
from dlmath.layers.dropout import Dropout
from dlmath.layers.graph_loops import scan
from dlmath.layers.hand_derived import Gradients

States = tuple[tf.Tensor, ...]


class Trace(NamedTuple):
    """What a pass over time leaves, each with the time first: (T, N, ...).

    Attributes:
        x: The inputs.
        kept: Of each step, what its cell wants to see again.
        before: The states that each step began with, without dropped entries.
        after: The states that each step computed, before the mask.
        mask: (T, N, 1) of 0 and 1, or None.
        seen: (T, N, 1), whether a step up to this one was computed; None without a mask.
    """

    x: tf.Tensor
    kept: tuple[tf.Tensor, ...]
    before: States
    after: States
    mask: tf.Tensor | None
    seen: tf.Tensor | None


class Recurrent(Layer):
    """A layer that runs a cell over time; a subclass writes the cell.

    A cell is four methods on tensors of one step, N rows each, or of all steps, T * N rows:

        advance(drive, states, h, weights)      one step; drive = x W + b, h the dropped state
        coefficients(trace, h, weights)         all that is nonlinear, at all steps at once
        retreat(delta, coefficients, weights)   one step back: what reaches drive (emitted first),
                                                the dropped state h, and the states directly
        weight_gradients(trace, h, emitted)     from what was emitted at all steps

    Args:
        units: Width U of the state.
        activation, use_bias, kernel_initializer, recurrent_initializer, bias_initializer,
            kernel_regularizer, recurrent_regularizer, bias_regularizer: As in Keras.
        dropout: Share of the inputs' features dropped in training, the same at every step.
        recurrent_dropout: The same of the state where it meets the recurrent kernel (one mask for
            all gates, after Gal and Ghahramani 2016; Keras draws one for each gate).
        seed: Of the draws.
        return_sequences: Return the outputs of all steps, not only the last.
        return_state: Return the final states too.
        go_backwards: Run over the sequence from its end; outputs stand in the order of the run.
        stateful: Begin where the last call ended, until `reset_state`; the batch size is fixed.
        unroll: Write the steps out in the graph.

    Shapes: x (N, T, D) to (N, U), or (N, T, U) with `return_sequences`; a mask is bool (N, T).

    Raises:
        ValueError: An argument out of range, or one of Keras's that is not supported.
    """

    gates = 1  # blocks of U columns in the kernels
    states_kept = 1

    def __init__(
        self,
        units: int,
        activation: str | None = "tanh",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: int | None = None,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.units = arguments.whole(units, "units")
        self.activation = activations.name_of(activation)
        self.use_bias = use_bias
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.recurrent_initializer = keras.initializers.get(recurrent_initializer)
        self.bias_initializer = keras.initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.recurrent_regularizer = regularizers.get(recurrent_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.dropout = arguments.fraction(dropout, "dropout")
        self.recurrent_dropout = arguments.fraction(recurrent_dropout, "recurrent_dropout")
        self.seed = seed
        self.return_sequences = return_sequences
        self.return_state = return_state
        self.go_backwards = go_backwards
        self.stateful = stateful
        self.unroll = unroll
        self.supports_masking = True
        self.input_spec = keras.layers.InputSpec(ndim=3)
        self._input_dropout = Dropout(
            dropout, noise_shape=(None, 1, None), seed=seed, dtype=self.dtype_policy
        )
        self._state_dropout = Dropout(
            recurrent_dropout, seed=None if seed is None else seed + 1, dtype=self.dtype_policy
        )
        self.states: list[Any] | None = None

    def build(self, sequences_shape: tuple, initial_state_shape: Any = None) -> None:
        width = self.gates * self.units
        self.kernel = self.add_weight(
            shape=(sequences_shape[-1], width),
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            name="kernel",
        )
        self.recurrent_kernel = self.add_weight(
            shape=(self.units, width),
            initializer=self.recurrent_initializer,
            regularizer=self.recurrent_regularizer,
            name="recurrent_kernel",
        )
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(
                shape=self._bias_shape(),
                initializer=self._bias_start(),
                regularizer=self.bias_regularizer,
                name="bias",
            )
        if self.stateful and self.states is None:
            self._add_states(sequences_shape[0])

    def _bias_shape(self) -> tuple[int, ...]:
        return (self.gates * self.units,)

    def _bias_start(self) -> Any:
        """The initializer of the bias."""
        return self.bias_initializer

    def _add_states(self, batch_size: int | None) -> None:
        if batch_size is None:
            raise ValueError(
                f"A stateful {type(self).__name__} needs the batch size: keras.Input(batch_shape="
                "(N, T, D)). Received: a batch of unknown size."
            )
        self.states = [
            self.add_weight(
                shape=(batch_size, self.units),
                initializer="zeros",
                trainable=False,
                name=f"rnn_state_{number}",
            )
            for number in range(self.states_kept)
        ]

    def reset_state(self) -> None:
        """Begin the next call of a stateful layer from zero."""
        for state in self.states or []:
            state.assign(tf.zeros_like(state))

    def call(
        self,
        sequences: tf.Tensor,
        initial_state: Any = None,
        mask: tf.Tensor | None = None,
        training: bool = False,
    ) -> Any:
        x = self._input_dropout(sequences, training=training) if training else sequences
        states = self._initial(initial_state, x)
        if self.go_backwards:
            x = tf.reverse(x, [1])
            mask = None if mask is None else tf.reverse(mask, [1])
        factors = None
        if training and self.recurrent_dropout:
            factors = self._state_dropout.draw(states[0])
        outputs, *finals = self.apply(x, *states, mask=mask, factors=factors)
        if self.stateful:
            for kept, state in zip(self.states or [], finals, strict=True):
                kept.assign(state)
        result = outputs if self.return_sequences else outputs[:, -1]
        return (result, *finals) if self.return_state else result

    def _initial(self, given: Any, x: tf.Tensor) -> States:
        if given is None and self.stateful:
            given = self.states
        if given is None:
            zeros = tf.zeros((shape_of(x)[0], self.units), x.dtype)
            return (zeros,) * self.states_kept
        found = given if isinstance(given, (list, tuple)) else [given]
        if len(found) != self.states_kept:
            raise ValueError(
                f"`initial_state` of {type(self).__name__} must be {self.states_kept} tensors "
                f"(N, {self.units}). Received: {len(found)}"
            )
        return tuple(tf.cast(tf.convert_to_tensor(state), x.dtype) for state in found)

    def compute_mask(self, _: Any, mask: Any = None) -> Any:
        of_output = mask if self.return_sequences else None
        return [of_output, *[None] * self.states_kept] if self.return_state else of_output

    def compute_output_shape(self, sequences_shape: tuple, initial_state_shape: Any = None) -> Any:
        batch, length = sequences_shape[:2]
        steps = (length,) if self.return_sequences else ()
        output, state = (batch, *steps, self.units), (batch, self.units)
        return (output, *[state] * self.states_kept) if self.return_state else output

    # --- The passes, shared by all cells; one of two states names the second as well ---

    def forward(
        self,
        x: tf.Tensor,
        h: tf.Tensor,
        kernel: tf.Tensor,
        recurrent_kernel: tf.Tensor,
        bias: tf.Tensor | None = None,
        *,
        mask: tf.Tensor | None = None,
        factors: tf.Tensor | None = None,
    ) -> tuple[tuple, tuple]:
        return self._run(x, (h,), (kernel, recurrent_kernel, bias), mask, factors)

    def _run(
        self,
        x: tf.Tensor,
        states: States,
        weights: tuple[tf.Tensor, ...],
        mask: tf.Tensor | None,
        factors: tf.Tensor | None,
    ) -> tuple[tuple, tuple]:
        kernel, _, bias = weights
        x = tf.transpose(x, [1, 0, 2])
        drive = tf.tensordot(x, kernel, 1)
        if bias is not None:
            drive = drive + self._input_bias(bias)
        held = None if mask is None else tf.cast(tf.transpose(mask)[..., tf.newaxis], x.dtype)

        def step(before: States, inputs: States) -> tuple[States, States]:
            drive_t, *mask_t = inputs
            after, kept = self.advance(drive_t, before, dropped(before[0], factors), weights)
            now = after
            if mask_t:
                m = mask_t[0]
                now = tuple(m * a + (1 - m) * b for a, b in zip(after, before, strict=True))
            return now, (*before, *after, *now[:1], *kept)

        inputs = (drive,) if held is None else (drive, held)
        finals, emitted = scan(step, states, inputs, unroll=self.unroll)
        count = self.states_kept
        before, after = emitted[:count], emitted[count : 2 * count]
        outputs, kept = emitted[2 * count], emitted[2 * count + 1 :]
        seen = None
        if held is not None:
            seen = tf.minimum(tf.cumsum(held, axis=0), 1)
            outputs = seen * outputs
        trace = Trace(x, kept, before, after, held, seen)
        return (tf.transpose(outputs, [1, 0, 2]), *finals), (trace, weights, factors)

    def backward(self, cache: tuple, g: tf.Tensor, *g_finals: tf.Tensor) -> Gradients:
        trace, weights, factors = cache
        kernel = weights[0]
        g = tf.transpose(g, [1, 0, 2])
        if trace.seen is not None:
            g = trace.seen * g
        h = dropped(trace.before[0], factors)
        coefficients = self.coefficients(trace, h, weights)

        def step(carry: States, inputs: States) -> tuple[States, States]:
            g_t, *rest = inputs
            delta = (g_t + carry[0], *carry[1:])
            direct = None
            if trace.mask is not None:
                m, *rest = rest
                direct = tuple((1 - m) * d for d in delta)
                delta = tuple(m * d for d in delta)
            emitted, to_h, through = self.retreat(delta, tuple(rest), weights)
            through = (through[0] + dropped(to_h, factors), *through[1:])
            if direct is not None:
                through = tuple(a + b for a, b in zip(through, direct, strict=True))
            return through, emitted

        masks = () if trace.mask is None else (trace.mask,)
        initial, emitted = scan(
            step, tuple(g_finals), (g, *masks, *coefficients), reverse=True, unroll=self.unroll
        )
        drive = emitted[0]
        gradients = self.weight_gradients(trace, h, emitted)
        return {
            "x": tf.transpose(tf.tensordot(drive, tf.transpose(kernel), 1), [1, 0, 2]),
            **dict(zip(("h", "c"), initial, strict=False)),
            "kernel": over_steps(trace.x, drive),
            **gradients,
        }

    def _input_bias(self, bias: tf.Tensor) -> tf.Tensor:
        """The part of the bias that is added to x W."""
        return bias

    def advance(
        self, drive: tf.Tensor, states: States, h: tf.Tensor, weights: tuple
    ) -> tuple[States, States]:
        """Return the next states, and what to keep of the step."""
        raise NotImplementedError

    def coefficients(self, trace: Trace, h: tf.Tensor, weights: tuple) -> States:
        """Return the tensors (T, N, .) that `retreat` multiplies by."""
        raise NotImplementedError

    def retreat(
        self, delta: States, coefficients: States, weights: tuple
    ) -> tuple[States, tf.Tensor, States]:
        """Return what to emit (the gradient of the drive first), and the gradients of the state.

        The state's own come in two: of h as it met the recurrent kernel, which some entries of
        may have been dropped, and of the states where they were used directly.
        """
        raise NotImplementedError

    def weight_gradients(self, trace: Trace, h: tf.Tensor, emitted: States) -> Gradients:
        """Return the gradients of the recurrent kernel and of the bias, by name."""
        raise NotImplementedError


def dropped(h: tf.Tensor, factors: tf.Tensor | None) -> tf.Tensor:
    """The state, or its gradient, times the factors of its dropout: a diagonal map."""
    return h if factors is None else factors * h


def over_steps(inputs: tf.Tensor, delta: tf.Tensor) -> tf.Tensor:
    """Sum over t of a_t^T delta_t, for (T, N, D) and (T, N, U): the gradient (D, U) of a kernel."""
    return tf.tensordot(inputs, delta, [[0, 1], [0, 1]])


def slope(name: str | None, z: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """The activation of that name at z, and its derivative there."""
    if name is None:
        return z, tf.ones_like(z)
    y, cache = activations.ACTIVATIONS[name].forward(z)
    return y, activations.ACTIVATIONS[name].backward(cache, tf.ones_like(z))["x"]


def at(name: str | None, z: tf.Tensor) -> tf.Tensor:
    """The activation of that name at z, without a gradient of its own."""
    return z if name is None else activations.ACTIVATIONS[name].forward(z)[0]
