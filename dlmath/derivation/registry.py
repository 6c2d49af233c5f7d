"""The derivations by the name of the layer, and their proofs.

A new layer of `dlmath.gradcheck.registry` gets a builder of its forward pass here.
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

from dlmath.derivation import forward_passes, window_passes
from dlmath.derivation.forward_passes import Builder, ForwardPass
from dlmath.derivation.functions_without_layer import WITHOUT_LAYER, proof_without_layer
from dlmath.derivation.own_layers import proof_of_own
from dlmath.derivation.proof import Proof, numerically_compared, prove
from dlmath.errors import UserError, did_you_mean
from dlmath.gradcheck.cases import Case
from dlmath.gradcheck.differentiable import Differentiable
from dlmath.gradcheck.registry import CASES, kinds
from dlmath.reporting import SILENT, Reporter
from dlmath.seeds import generator

BUILDERS: dict[str, Builder] = {
    "Dense": forward_passes.dense,
    "Conv2D": window_passes.convolution,
    "DepthwiseConv2D": window_passes.convolution,
    "MaxPooling2D": window_passes.max_pooling,
    "AveragePooling2D": window_passes.average_pooling,
    "GlobalAveragePooling2D": forward_passes.global_average,
    "Flatten": forward_passes.flatten,
    "ZeroPadding2D": window_passes.zero_padding,
    "BatchNormalization": forward_passes.batch_normalization,
    "LayerNormalization": forward_passes.layer_normalization,
    "Dropout": forward_passes.dropout,
    "ReLU": forward_passes.activation,
    "LeakyReLU": forward_passes.activation,
    "Softmax": forward_passes.activation,
    "Activation": forward_passes.activation,
    "MeanSquaredError": forward_passes.loss,
    "CategoricalCrossentropy": forward_passes.loss,
    "BinaryCrossentropy": forward_passes.loss,
    "im2col": window_passes.im2col,
    "L1": forward_passes.penalty,
    "L2": forward_passes.penalty,
}

DERIVED: tuple[Any, ...] = tuple(case for case in CASES if case.kind in BUILDERS)


def proofs_of(name: str, reporter: Reporter = SILENT) -> list[Proof]:
    """Derive and prove every case of a layer, or of all layers.

    Args:
        name: Of a layer, in upper or lower case, or "all"; module:Name for one of your own.
        reporter: Receives the progress.

    Raises:
        UserError: There is no derivation of that name.
    """
    if ":" in name:
        return [proof_of_own(name)]
    known = [*BUILDERS, *WITHOUT_LAYER]
    chosen = [kind for kind in known if name.lower() in ("all", kind.lower())]
    if not chosen and name.lower() in map(str.lower, kinds()):
        raise UserError(
            f"{name} is checked by numbers, not derived: its passes are loops or lookups, which "
            f"the rules do not cover. Received: --derive {name}. Run dlmath check {name}."
        )
    if not chosen:
        raise UserError(
            f"There is no derivation of that name. Received: --derive {name}."
            f"{did_you_mean(name, known)} Known: all, {', '.join(known)}. "
            "For a layer of your own give module:Name."
        )
    cases = [case for case in DERIVED if case.kind in chosen]
    others = [kind for kind in WITHOUT_LAYER if kind in chosen]
    steps: list[partial[Proof]] = [partial(proof_of, case) for case in cases]
    steps += [partial(proof_without_layer, kind) for kind in others]
    proofs: list[Proof] = []
    for step in steps:
        reporter.progress("deriving", len(proofs), len(steps))
        proofs.append(step())
    reporter.progress("deriving", len(proofs), len(steps))
    return proofs


def proof_of(case: Case) -> Proof:
    """Derive, prove and compare one case."""
    forward, _ = recorded_pass(case)
    proof = prove(forward, case.name, case.kind)
    return numerically_compared(proof, map(recorded_pass, sizes_of(case)))


def recorded_pass(case: Case) -> tuple[ForwardPass, Differentiable]:
    """Return the forward pass of a case in nodes, and the case at a random point."""
    recorded = case.subject(generator(0, "derivation", case.name))
    return BUILDERS[case.kind](case, recorded), recorded


def sizes_of(case: Any) -> Iterator[Case]:
    """Yield the case at its own size, with one sample, and at a larger size."""
    yield case
    if hasattr(case, "make"):  # a map that is made for one shape
        return
    yield replace(case, shape=(1, *case.shape[1:]))
    first, *middle, last = case.shape
    yield replace(case, shape=(first + 3, *[length + 1 for length in middle], 2 * last))
