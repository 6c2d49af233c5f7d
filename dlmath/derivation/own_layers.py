"""Proof of a user's own layer: derived from its forward pass as it runs.

There are no nodes of it, so the derivation is in index notation (`index_derivative.py`).
"""

import time
from collections.abc import Iterator
from typing import Any

import tensorflow as tf

from dlmath.derivation.index_derivative import gradient
from dlmath.derivation.index_text import IndexDerivation
from dlmath.derivation.proof import Proof, followed, same
from dlmath.derivation.sizes import Length, NotTraceable, dimension
from dlmath.derivation.symbolic_tensor import SymbolicTensor, named, tensor
from dlmath.gradcheck.differentiable import Differentiable
from dlmath.gradcheck.targets import cases_of
from dlmath.seeds import generator

OF_INPUT = {1: "N", 2: "ND", 3: "NTD", 4: "NHWC"}


def proof_of_own(path: str) -> Proof:
    """Derive and prove a layer or function of one's own.

    Args:
        path: module:Name.

    Raises:
        UserError: There is none, or it cannot be called.
    """
    case = cases_of(path)[0]
    recorded = case.subject(generator(0, "derivation", path))
    start = time.perf_counter()
    try:
        derivation, proven, reason = _derived(recorded)
    except NotTraceable as problem:
        derivation, proven, reason = IndexDerivation(None, {}), {}, str(problem)
    seconds = time.perf_counter() - start
    return Proof(case.name, case.kind, derivation, proven, reason=reason, seconds=seconds)


def _derived(recorded: Differentiable) -> tuple[IndexDerivation, dict[str, bool], str | None]:
    tensors = dict(symbols(recorded))
    constants = {name: _constant(name, value) for name, value in recorded.constants.items()}
    y, upstream, backward = followed(recorded.pair, tensors, constants)
    derived = {name: gradient(y, upstream, x) for name, x in tensors.items()}
    proven, reason = {}, None
    for name, found in derived.items():
        code = tensor(backward[name])
        proven[name] = same(found, code)
        if not proven[name] and same(found, code, at_kinks=False):
            proven[name], reason = True, f"dL/d{name} only where no entry is at a kink"
    return IndexDerivation(y, derived), proven, reason


def symbols(recorded: Differentiable) -> Iterator[tuple[str, SymbolicTensor]]:
    """Yield each tensor by name with a dimension for each length.

    Lengths of the first tensor have letters of their own; a length of another tensor has the
    letter of the first tensor's axis, after the batch, that is as long, else a new one.
    """
    known: dict[int, Length] = {}
    for place, (name, value) in enumerate(recorded.tensors.items()):
        lengths = [int(length) for length in value.shape]
        if place == 0:
            letters = OF_INPUT.get(len(lengths))
            if letters is None:
                raise NotTraceable(f"an input of {len(lengths)} axes")
            shape: list[Length] = [dimension(letter) for letter in letters]
            known.update(zip(lengths[1:], shape[1:], strict=True))
        else:
            for length in lengths:
                if length > 1 and length not in known:
                    number = len(set(known.values()))
                    known[length] = dimension(f"U{number}")
            shape = [known.get(length, 1) for length in lengths]
        yield name, named(name, shape)


def _constant(name: str, value: Any) -> Any:
    if isinstance(value, tf.Tensor):
        raise NotTraceable(f"the constant {name} of the call is a tensor")
    return value
