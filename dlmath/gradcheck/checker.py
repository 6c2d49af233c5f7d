"""Running the oracles over layers, and judging what they say."""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from dlmath.gradcheck import oracles
from dlmath.gradcheck.cases import Case
from dlmath.gradcheck.contract import ContractError, under_contract
from dlmath.gradcheck.differentiable import Differentiable, Tensors, tape_gradients
from dlmath.gradcheck.panel import Panel
from dlmath.gradcheck.report import FORM, WHOLE, Report, Row
from dlmath.gradcheck.targets import cases_of
from dlmath.layers import HandDerived
from dlmath.reporting import SILENT, Reporter
from dlmath.seeds import generator

TOLERANCE = 1e-8  # relative, in float64, where about 16 digits are carried
LEAST_SLOPE = 1.9  # of the Taylor remainder: 2 when the gradient is right, 1 when it is wrong


def check(
    *targets: Any,
    inputs: dict[str, Any] | None = None,
    seed: int = 0,
    reporter: Reporter = SILENT,
) -> Report:
    """Check the hand-written backward passes of the targets; without targets, of everything here.

    Args:
        *targets: Names of registered layers ("Conv2D"), "module:Name" of a layer of your own, or
            layers, layer classes, functions (`dlmath.layers.Function`) and cases themselves.
        inputs: Values of the tensors by name, for a function, or {"x": value} for a layer; drawn
            at random where left out.
        seed: Of the random points, upstream gradients and directions.
        reporter: Receives the progress.

    Returns:
        A report with a row for each gradient; `report.passed` is the verdict.

    Raises:
        UserError: A target that is no layer, or cannot be built or called.
    """
    start = time.perf_counter()
    cases = [case for target in targets or (None,) for case in cases_of(target, inputs)]
    rows: list[Row] = []
    for done, case in enumerate(cases, start=1):
        rows += check_case(case, seed=seed)
        reporter.progress("checking gradients", done, len(cases), case.kind)
    return Report(tuple(rows), time.perf_counter() - start)


def check_case(case: Case, *, seed: int = 0) -> list[Row]:
    """Run every oracle on one case, with random upstream gradients: a row for each gradient."""
    random = generator(seed, "gradcheck", case.name)
    try:
        subject, upstream, slips = under_contract(case.subject(random), random)
        points = extreme_points(case, seed=seed)
    except ContractError as slip:
        return [Row(case.name, name, {}, WHOLE, problem=str(slip)) for name in _names(case)]
    errors = Panel(subject, upstream, random).errors()
    worst = worst_extremes(points)
    return [
        Row(case.name, name, {}, FORM, problem=slips[name])
        if name in slips
        else _judge(case, name, {oracle: found[name] for oracle, found in errors.items()}, worst)
        for name in subject.names
    ]


def _names(case: Case) -> tuple[str, ...]:
    """Return the names of the tensors of a case that could not be called."""
    pair = getattr(case, "pair", None)
    return (isinstance(pair, HandDerived) and pair.tensor_names()) or ("x",)


@dataclass(frozen=True)
class ExtremePoint:
    """A subject at an extreme, and the gradients it should have there."""

    label: str
    subject: Differentiable
    upstream: list[tf.Tensor]
    expected: Tensors


def extreme_points(case: Case, *, seed: int = 0) -> list[ExtremePoint]:
    """The extremes of a case, with the gradients of the reference, or of the tape without one.

    Raises:
        ContractError: A pass raises there, or does not return what it must.
    """
    points = []
    for label, extreme in case.extremes().items():
        random = generator(seed, "extreme", case.name, label)
        try:
            subject, upstream, _ = under_contract(extreme.subject(random), random)
        except ContractError as slip:
            raise ContractError(f"for inputs that are {label}, {slip}") from slip
        trusted = subject.by_reference if subject.reference is not None else subject.plain
        expected = tape_gradients(trusted, subject.tensors, upstream)
        points.append(ExtremePoint(label, subject, upstream, expected))
    return points


def worst_extremes(points: Iterable[ExtremePoint]) -> dict[str, tuple[float, str]]:
    """The worst error over the extremes, and its label, for each tensor.

    The gradient must be finite, and equal the expected one wherever that is finite itself.
    """
    worst: dict[str, tuple[float, str]] = {}
    for point in points:
        ours = point.subject.by_hand(point.upstream)
        for name in point.subject.names:
            error = oracles.relative_error(ours[name], _where_finite(point.expected, ours, name))
            if error > worst.get(name, (-1.0, ""))[0]:
                worst[name] = (error, point.label)
    return worst


def _where_finite(expected: Tensors, ours: Tensors, name: str) -> tf.Tensor:
    return tf.where(tf.math.is_finite(expected[name]), expected[name], ours[name])


def _judge(
    case: Case, name: str, errors: dict[str, Any], worst: dict[str, tuple[float, str]]
) -> Row:
    error, label = worst.get(name, (None, None))
    errors = {**errors, "extremes": error}
    return Row(case.name, name, errors, failures(errors, case.keras_tolerance), label)


def failures(errors: dict[str, float | None], keras_tolerance: float | None) -> tuple[str, ...]:
    """The oracles whose error for one gradient is out of bounds."""
    bounds = dict.fromkeys(("keras", "extremes"), keras_tolerance or TOLERANCE)
    return tuple(
        oracle
        for oracle, error in errors.items()
        if error is not None
        and (error < LEAST_SLOPE if oracle == "taylor" else error > bounds.get(oracle, TOLERANCE))
    )
