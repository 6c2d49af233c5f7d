"""What a pair must also be in a model: the same while tracing, twice in one model, with its state.

A layer is called as a user calls it: with an unknown batch size inside `tf.function`, on another
number of samples, twice on different inputs, in training and at inference. Its outputs, gradients
and state are compared with those of its own eager call, and with the reference's where there is
one.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from dlmath.gradcheck.contract import in_short
from dlmath.gradcheck.differentiable import (
    Differentiable,
    Tensors,
    gradients_of,
    tape_gradients,
)
from dlmath.gradcheck.layer_calls import LayerCall, NamedCall, real_variables
from dlmath.gradcheck.oracles import entry_error, outputs_error

Worst = dict[str, tuple[float, str]]  # by gradient: the error, and where it was met
INFINITE = float("inf")
UNKNOWN_BATCH, FEWER, TWICE = "with an unknown batch size", "on fewer samples", "called twice"
AS_CALLED = "in a call of the layer"
UNMOVED = "state: {name} never moves in training, and inference depends on it"


@dataclass(frozen=True)
class Outcome:
    """What one call gives: its outputs, the gradients by name, and the state after it."""

    outputs: list[tf.Tensor]
    gradients: Tensors
    state: list[tf.Tensor]


def errors(subject: Differentiable, random: np.random.Generator) -> Worst:
    """Return the largest error of each gradient over all ways to call the subject."""
    found = _Findings(subject.names)
    found.attempt(TWICE, lambda: _called_twice(subject, found, random))
    if subject.called is not None:
        for training in _modes(subject.called.call):
            mode = subject.called
            if training is not None:
                mode = mode.of(mode.call.with_options(training=training))
            _one_mode(subject, mode, training, found, random)
        if subject.called.call.reference is None:
            found.attempt("state", lambda: _unmoved_statistics(subject.called, found))
    return found.worst


class _Findings:
    """The worst error of each gradient so far."""

    def __init__(self, names: tuple[str, ...]):
        self.worst: Worst = dict.fromkeys(names, (0.0, ""))

    def note(self, error: float, where: str, name: str | None = None) -> None:
        """Note an error of one gradient, or of all of them."""
        for one in self.worst if name is None else (name,):
            if one in self.worst and error > self.worst[one][0]:
                self.worst[one] = (error, where)

    def attempt(self, where: str, trial: Callable[[], None]) -> None:
        """Run a trial; whatever it raises is noted as a failure."""
        try:
            trial()
        except Exception as error:
            self.note(INFINITE, f"{where}: {in_short(error)}")

    def compare(self, ours: Outcome, theirs: Outcome, where: str) -> None:
        """Note the errors of one outcome against another."""
        self.note(outputs_error(ours.outputs, theirs.outputs), where)
        for name in self.worst:
            if name in ours.gradients:
                self.note(entry_error(ours.gradients[name], theirs.gradients[name]), where, name)


def _modes(call: LayerCall) -> tuple[bool | None, ...]:
    """Return the flag of the call itself, then the other one; None where there is no such flag."""
    if not call.takes_training:
        return (None,)
    own = bool(call.options.get("training"))
    return own, not own


def _one_mode(
    subject: Differentiable,
    mode: NamedCall,
    training: bool | None,
    found: _Findings,
    random: np.random.Generator,
) -> None:
    when = {True: " in training", False: " at inference", None: ""}[training]
    tensors = mode.tensors()
    upstream = [_normal(y, random) for y in tf.nest.flatten(mode.run(tensors)[0])]
    eager = _outcome(mode, tensors, upstream)
    if _is_own_mode(subject, training):
        gradients = tape_gradients(subject.wired, subject.tensors, upstream)
        outputs = subject.wired(subject.tensors)
        found.compare(eager, Outcome(outputs, gradients, []), AS_CALLED)
    found.attempt(UNKNOWN_BATCH + when, lambda: _traced(mode, eager, upstream, when, found))
    if mode.call.reference is not None:
        theirs = mode.of(mode.call.reference)
        found.attempt("reference" + when, lambda: _referenced(eager, theirs, when, upstream, found))


def _is_own_mode(subject: Differentiable, training: bool | None) -> bool:
    assert subject.called is not None
    return training is None or training == bool(subject.called.call.options.get("training"))


def _outcome(mode: NamedCall, tensors: Tensors, upstream: list[tf.Tensor]) -> Outcome:
    with tf.GradientTape() as tape:
        tape.watch(tensors)
        outputs, state = mode.run(tensors)
        outputs = tf.nest.flatten(outputs)
    gradients = gradients_of(tape, outputs, tensors, upstream)
    return Outcome(outputs, gradients, [tf.convert_to_tensor(value) for value in state])


def _traced(
    mode: NamedCall, eager: Outcome, upstream: list[tf.Tensor], when: str, found: _Findings
) -> None:
    """Compare with the call while tracing, with no axis of the batch known."""
    tensors, places = mode.tensors(), _batch_places(mode.call)
    leaves = [mode.call.leaves[place] for place in places]
    batch = leaves[0].shape[0] if leaves else 0
    specs = [_spec(leaf, batch) for leaf in leaves]
    upstream_specs = [_spec(g, batch) for g in upstream]
    weights = {name: tensors[name] for name in mode.weights}

    @tf.function(input_signature=[specs, upstream_specs], autograph=False)
    def traced(given: list[tf.Tensor], g: list[tf.Tensor]) -> Any:
        at = _with_batch(mode, places, given)
        one = _outcome(at, {**at.tensors(), **weights}, g)
        return one.outputs, one.gradients, one.state

    found.compare(Outcome(*traced(leaves, upstream)), eager, UNKNOWN_BATCH + when)
    per_sample = all(g.shape.rank and g.shape[0] == batch for g in upstream)
    if batch > 1 and per_sample:
        fewer = [leaf[:-1] for leaf in leaves]
        g = [one[:-1] for one in upstream]
        at = _with_batch(mode, places, fewer)
        again = _outcome(at, at.tensors(), g)
        found.compare(Outcome(*traced(fewer, g)), again, f"{UNKNOWN_BATCH}, {FEWER}{when}")


def _spec(x: tf.Tensor, batch: int) -> tf.TensorSpec:
    """Return the form of a tensor with the length of its first axis unknown if it is the batch."""
    shape = x.shape.as_list()
    return tf.TensorSpec([None, *shape[1:]] if shape and shape[0] == batch else shape, x.dtype)


def _batch_places(call: LayerCall) -> list[int]:
    """Return the places of the arguments with the samples along their first axis."""
    tensors = [place for place, leaf in enumerate(call.leaves) if isinstance(leaf, tf.Tensor)]
    if not tensors:
        return []
    batch = call.leaves[tensors[0]].shape[:1]
    return [place for place in tensors if batch and call.leaves[place].shape[:1] == batch]


def _with_batch(mode: NamedCall, places: list[int], given: list[tf.Tensor]) -> NamedCall:
    leaves = list(mode.call.leaves)
    for place, leaf in zip(places, given, strict=True):
        leaves[place] = leaf
    return mode.of(mode.call.with_leaves(leaves))


def _referenced(
    eager: Outcome, theirs: NamedCall, when: str, upstream: list[tf.Tensor], found: _Findings
) -> None:
    """Compare a call, and the state after it, with the reference's."""
    expected = _outcome(theirs, theirs.tensors(), upstream)
    found.compare(eager, expected, f"against the reference{when}")
    states = [[x for x in one.state if x.dtype.is_floating] for one in (eager, expected)]
    names = [v.name for v in real_variables(theirs.call.layer) if not v.trainable]
    for name, ours, other in zip(names, *states, strict=True):
        found.note(entry_error(ours, other), f"state after a call{when}: {name}")


def _called_twice(subject: Differentiable, found: _Findings, random: np.random.Generator) -> None:
    """Compare two calls in one model, on different inputs and with shared weights, with each."""
    weights = () if subject.called is None else tuple(subject.called.weights)
    first = subject.tensors
    moving = {
        name
        for name, x in first.items()
        if name not in weights and x.dtype.is_floating and x.shape.rank
    }

    def moved(tensors: Tensors) -> Tensors:
        return {n: tf.reverse(x, [0]) if n in moving else x for n, x in tensors.items()}

    second = moved(first)
    upstream = [[_normal(y, random) for y in subject.plain(at)] for at in (first, second)]
    singly = [
        tape_gradients(subject.wired, at, g)
        for at, g in zip((first, second), upstream, strict=True)
    ]

    def both(tensors: Tensors) -> list[tf.Tensor]:
        return [*subject.wired(tensors), *subject.wired(moved(tensors))]

    together = tape_gradients(both, first, [*upstream[0], *upstream[1]])
    back = moved(singly[1])  # reversing is its own adjoint
    for name in subject.names:
        found.note(entry_error(together[name], singly[0][name] + back[name]), TWICE, name)


def _unmoved_statistics(called: NamedCall | None, found: _Findings) -> None:
    """Find what inference depends on, training does not, and no call in training moves."""
    if called is None or not called.call.takes_training:
        return
    calls = {t: called.call.with_options(training=t) for t in (True, False)}
    base = {t: call.run() for t, call in calls.items()}
    fixed = called.call.layer.non_trainable_variables
    after = {id(variable): value for variable, value in zip(fixed, base[True][1], strict=True)}
    for place, variable in enumerate(real_variables(called.call.layer)):
        before = called.call.value(place)
        if not np.array_equal(before, after.get(id(variable), np.nan)):
            continue  # it trains, or moves
        changed = {t: call.run({place: 1.5 * before + 1})[0] for t, call in calls.items()}
        matters = {
            t: outputs_error(tf.nest.flatten(changed[t]), tf.nest.flatten(base[t][0])) > 0
            for t in calls
        }
        if matters[False] and not matters[True]:
            found.note(INFINITE, UNMOVED.format(name=variable.name))


def _normal(x: tf.Tensor, random: np.random.Generator) -> tf.Tensor:
    return tf.constant(random.normal(size=x.shape), x.dtype)
