"""Proof that the code of a layer is the derived backward pass, for all sizes at once.

The code of `forward` and `backward` runs with symbolic tensors in place of TensorFlow's, so what is
compared is the code and not a copy of it. Three things are said of a layer: that its backward pass
was *derived*; that forward and backward are *proven* equal to the derived ones, in a normal form;
and that they are *numerically equal* in float64, at several sizes.
"""

import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import tensorflow as tf

from dlmath.derivation.differentiation import Derivation, differentiated
from dlmath.derivation.equality import is_zero
from dlmath.derivation.forward_passes import ForwardPass
from dlmath.derivation.graph import evaluated
from dlmath.derivation.index_text import IndexDerivation
from dlmath.derivation.nodes import Node, Variable
from dlmath.derivation.operations import Numeric, Symbolic
from dlmath.derivation.sizes import Length, NotTraceable, parts
from dlmath.derivation.symbolic_tensor import SymbolicTensor, like, named, tensor
from dlmath.derivation.tensorflow_names import symbolic_tensorflow
from dlmath.gradcheck.checker import TOLERANCE
from dlmath.gradcheck.differentiable import Differentiable, random_upstream
from dlmath.gradcheck.oracles import relative_error
from dlmath.layers import HandDerived
from dlmath.seeds import generator


@dataclass(frozen=True)
class Proof:
    """What was found of one case.

    Attributes:
        name: Of the case.
        kind: Of the layer.
        derivation: The derived backward pass; of an own layer in index notation.
        proven: Whether each of "y" and the gradients by name is proven equal to the code.
        has_backward: Whether there is a backward pass written by hand to compare with.
        reason: Why the code could not be followed, if it could not.
        error: The largest relative difference of numbers, over the sizes.
        sizes: How many sizes were tried.
        seconds: How long it took.
    """

    name: str
    kind: str
    derivation: Derivation | IndexDerivation
    proven: dict[str, bool] = field(default_factory=dict)
    has_backward: bool = True
    reason: str | None = None
    error: float = 0.0
    sizes: int = 0
    seconds: float = 0.0

    @property
    def gradients(self) -> list[str]:
        """The names of what gradients were derived of."""
        return [one if isinstance(one, str) else str(one.name) for one in self.derivation.gradients]

    @property
    def is_proven(self) -> bool:
        """Whether forward and backward are proven equal to the derived ones."""
        return self.has_backward and bool(self.proven) and all(self.proven.values())

    @property
    def is_equal(self) -> bool:
        """Whether the numbers agree at every size that was tried."""
        return self.sizes > 0 and self.error <= TOLERANCE

    @property
    def is_refuted(self) -> bool:
        """Whether the numbers differ, or a formula was compared and could not be proven equal."""
        return self.error > TOLERANCE or np.isnan(self.error) or not all(self.proven.values())

    def verdict(self) -> str:
        """Return the verdict in a few words."""
        if self.is_refuted:
            wrong = [name for name, is_equal in self.proven.items() if not is_equal]
            return f"not equal: {', '.join(wrong) or 'the numbers'}"
        if self.reason is not None:
            return f"{'proven' if self.is_proven else 'not proven'}: {self.reason}"
        return "proven" if self.has_backward else "no layer to compare with"

    def as_json(self) -> dict[str, Any]:
        """Return plain values that JSON can hold."""
        return {
            "layer": self.name,
            "derived": [
                {"formula": formula, "rule": rule}
                for formula, rule in self.derivation.lines("text")
            ],
            "proven": self.proven,
            "reason": self.reason,
            "largest_error": self.error if np.isfinite(self.error) else "infinite",
            "sizes": self.sizes,
            "verdict": self.verdict(),
            "seconds": round(self.seconds, 2),
        }


def prove(forward: ForwardPass, name: str, kind: str, *, has_backward: bool = True) -> Proof:
    """Derive a backward pass and compare it, and the forward pass, with the code of the pair.

    Args:
        forward: The forward pass in nodes, and the code.
        name: Of the case.
        kind: Of the layer.
        has_backward: Whether the code has a backward pass written by hand.
    """
    start = time.perf_counter()
    derivation = _derived(forward)
    try:
        proven, reason = _compared(forward, derivation, has_backward), None
    except NotTraceable as problem:
        proven, reason = {}, str(problem)
    seconds = time.perf_counter() - start
    return Proof(name, kind, derivation, proven, has_backward, reason=reason, seconds=seconds)


def _derived(forward: ForwardPass) -> Derivation:
    """Return the derivation, with the gradients that are also written in closed form."""
    derivation = differentiated(forward.output)
    if forward.closed_forms is None:
        return derivation
    closed = forward.closed_forms(derivation.upstream)
    return replace(derivation, closed={forward.tensors[name]: u for name, u in closed.items()})


def _compared(forward: ForwardPass, derivation: Derivation, has_backward: bool) -> dict[str, bool]:
    tensors = {name: _symbolic(variable) for name, variable in forward.tensors.items()}
    constants = {name: _symbolic(given) for name, given in forward.constants.items()}
    y, upstream, gradients = followed(forward.pair, tensors, constants, has_backward=has_backward)
    values: dict[Node, Any] = {v: tensors[name] for name, v in forward.tensors.items()}
    for name, given in forward.constants.items():
        values.update(zip(_flat(given), _flat(constants[name]), strict=True))
    ours = derivation.forward(Symbolic(), values)
    values[derivation.upstream] = upstream
    derived = derivation.backward(Symbolic(), values)
    found = {"y": same(ours, y)}
    for name, variable in forward.tensors.items():
        if has_backward:
            found[name] = same(derived[variable], gradients[name])
        if variable in derivation.closed:
            closed = evaluated(derivation.closed[variable], Symbolic(), dict(values))
            found[f"{name} in closed form"] = same(derived[variable], closed)
    return found


def followed(
    pair: HandDerived,
    tensors: dict[str, SymbolicTensor],
    constants: dict[str, Any],
    *,
    has_backward: bool = True,
) -> tuple[SymbolicTensor, SymbolicTensor, dict[str, Any]]:
    """Run the code of a pair with symbolic tensors; return y, g and the gradients by name.

    Raises:
        NotTraceable: The code does what symbolic tensors cannot follow, or is wrong itself.
    """
    functions = (pair.forward, pair.backward)
    try:
        with symbolic_tensorflow(*(sys.modules[one.__module__] for one in functions)):
            y, cache = pair.forward(**tensors, **constants)
            upstream = like("g", tensor(y).apart().axes)
            gradients = pair.backward(cache, upstream) if has_backward else {}
            found = {name: tensor(gradients[name]) for name in tensors} if has_backward else {}
    except NotTraceable:
        raise
    except Exception as problem:  # code that is wrong may raise anything
        raise NotTraceable(f"the code raised {type(problem).__name__}: {problem}") from problem
    return tensor(y), upstream, found


def same(one: SymbolicTensor, two: SymbolicTensor, *, at_kinks: bool = True) -> bool:
    """Return whether two symbolic tensors of one shape are proven equal in every entry."""
    return one.shape == two.shape and all(
        is_zero(cell, at_kinks=at_kinks) for cell in (one - two).cells.ravel()
    )


def _symbolic(given: Any) -> Any:
    if isinstance(given, tuple):
        return tuple(map(_symbolic, given))
    return named(given.name, given.layout)


def _flat(given: Any) -> list[Any]:
    return list(given) if isinstance(given, tuple) else [given]


def numerically_compared(
    proof: Proof, pairs: Iterable[tuple[ForwardPass, Differentiable]]
) -> Proof:
    """Return the proof with the largest error over forward passes recorded at several sizes."""
    start = time.perf_counter()
    errors = [_error(*pair) for pair in pairs]
    seconds = proof.seconds + time.perf_counter() - start
    return replace(proof, error=max(errors), sizes=len(errors), seconds=seconds)


def _error(forward: ForwardPass, recorded: Differentiable) -> float:
    derivation = differentiated(forward.output)
    (upstream,) = random_upstream(recorded, generator(0, "derivation"))
    values = dict(_numbers(forward, recorded))
    ops = Numeric(dimensions(values))
    y = derivation.forward(ops, values)
    expected_y = recorded.plain(recorded.tensors)[0]
    derived = derivation.backward(ops, {**values, derivation.upstream: upstream.numpy()})
    by_hand = recorded.by_hand([upstream])
    errors = [relative_error(tf.constant(y), expected_y)]
    for name, variable in forward.tensors.items():
        errors.append(relative_error(tf.constant(derived[variable]), by_hand[name]))
    return max(errors)


def _numbers(forward: ForwardPass, recorded: Differentiable) -> Iterator[tuple[Node, np.ndarray]]:
    for name, variable in forward.tensors.items():
        yield variable, recorded.tensors[name].numpy()
    for name, given in forward.constants.items():
        for variable, value in zip(_flat(given), _flat(recorded.constants[name]), strict=True):
            yield variable, np.asarray(value)


def dimensions(values: dict[Node, np.ndarray]) -> dict[str, int]:
    """Return the number that each dimension stands for, from arrays of known shapes."""
    found: dict[str, int] = {}
    for variable, array in values.items():
        assert isinstance(variable, Variable)
        for length, number in zip(variable.shape, array.shape, strict=True):
            found.update(_solved(length, number, found))
    return found


def _solved(length: Length, number: int, found: dict[str, int]) -> dict[str, int]:
    """Solve for the one dimension of a length that is not known yet."""
    factor, names = parts(length)
    unknown = [name for name in names if name not in found]
    for name in names:
        factor *= found.get(name, 1)
    return {unknown[0]: number // factor} if len(unknown) == 1 else {}
