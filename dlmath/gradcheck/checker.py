"""Running the oracles over layers, and judging what they say."""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from dlmath.gradcheck import calls, oracles
from dlmath.gradcheck.cases import GRADED, Case
from dlmath.gradcheck.contract import ContractError, in_short, under_contract
from dlmath.gradcheck.differentiable import Differentiable, Tensors, tape_gradients
from dlmath.gradcheck.layer_recording import NothingToCheck
from dlmath.gradcheck.panel import Panel
from dlmath.gradcheck.precision import Float32
from dlmath.gradcheck.report import FORM, WHOLE, Report, Row
from dlmath.gradcheck.targets import cases_of, check_some_gradients, notes_on
from dlmath.layers import HandDerived
from dlmath.reporting import SILENT, Reporter
from dlmath.seeds import generator

TOLERANCE = 1e-8  # relative, in float64, where about 16 digits are carried
EXPLAINED = 1.0  # of a float32 error, over what rounding explains


def check(
    *targets: Any,
    inputs: dict[str, Any] | None = None,
    options: dict[str, Any] | None = None,
    reference: Any = None,
    tolerance: float | None = None,
    seed: int = 0,
    reporter: Reporter = SILENT,
) -> Report:
    """Check the hand-written backward passes of the targets; without targets, of everything here.

    Three independent kinds of evidence are gathered: whether the backward pass is the adjoint of
    this forward pass (four readings of that one fact), whether both agree with a reference, and
    what they do beyond one point in float64: second derivatives, inputs of all sizes and at
    extremes, float32, and the ways in which a model calls a layer.

    Args:
        *targets: Names of registered layers ("Conv2D"), "module:Name" of a layer of your own, or
            layers, layer classes, functions (`dlmath.layers.Function`) and cases themselves.
        inputs: Values of the tensors by name, for a function, or of the inputs of a layer in
            their order; drawn at random where left out.
        options: Further arguments of the call of a layer, such as `mask` or `initial_state`. The
            `training` flag is tried both ways unless it is given here.
        reference: What your own layer or function must agree with: a layer with the same
            variables (of `keras.layers`, for example), a function of the tensors by name, or
            "module:Name" of one. Without it a wrong forward pass with its exact derivative passes.
        tolerance: Of the comparison with that reference, where it rounds more than to 1e-8.
        seed: Of the random points, upstream gradients and directions.
        reporter: Receives the progress.

    Returns:
        A report with a row for each gradient; `report.passed` is the verdict, and `report.notes`
        says what limits it.

    Raises:
        UserError: A target that is no layer, or cannot be built or called, or a reference that
            does not fit it.
    """
    start = time.perf_counter()
    cases = [
        case
        for target in targets or (None,)
        for case in cases_of(target, inputs, options, reference, tolerance)
    ]
    rows: list[Row] = []
    for done, case in enumerate(cases, start=1):
        rows += check_case(case, seed=seed)
        reporter.progress("checking gradients", done, len(cases), case.kind)
    check_some_gradients(cases, rows)
    return Report(tuple(rows), time.perf_counter() - start, notes_on(cases))


def check_case(case: Case, *, seed: int = 0) -> list[Row]:
    """Run every oracle on one case, with random upstream gradients: a row for each gradient.

    No rows where the case runs no backward pass, as a dropout at inference.
    """
    random = generator(seed, "gradcheck", case.name)
    try:
        subject, upstream, slips = under_contract(case.subject(random), random)
        points = extreme_points(case, seed=seed)
    except NothingToCheck:
        return []
    except ContractError as slip:
        return [Row(case.name, name, {}, WHOLE, problem=str(slip)) for name in _names(case)]
    errors = Panel(subject, upstream, random).errors()
    worst = {"extremes": worst_extremes(points)}
    if not slips:
        own = ExtremePoint("", subject, upstream, {})
        worst["float32"] = worst_in_float32([own, *points], seed=seed)
        worst["calls"] = calls.errors(subject, random)
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

    @property
    def rounding(self) -> dict[str, Any]:
        """How far the expected gradients may be off themselves."""
        return oracles.rounding_of_tape(self.subject, self.upstream, self.expected)

    @property
    def holds_a_number(self) -> bool:
        """Return whether every output is finite, so that every gradient should be."""
        outputs = self.subject.plain(self.subject.tensors)
        return all(bool(tf.reduce_all(tf.math.is_finite(y))) for y in outputs)


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


def worst_extremes(points: Iterable[ExtremePoint]) -> calls.Worst:
    """The worst error of an entry over the extremes, and its label, for each tensor.

    The gradient must be finite where the outputs are, and equal the expected one wherever that is
    finite itself.
    """
    worst: calls.Worst = {}
    for point in points:
        ours = point.subject.by_hand(point.upstream)
        finite = point.holds_a_number
        for name in point.subject.names:
            both = _comparable(ours[name], point.expected[name], finite)
            error = oracles.entry_error(*both)
            if error > TOLERANCE and point.subject.lenient:
                error = oracles.entry_error(*both, slack=point.rounding[name])
            if error > worst.get(name, (-1.0, ""))[0]:
                worst[name] = (error, point.label)
    return worst


def _comparable(ours: tf.Tensor, expected: tf.Tensor, finite: bool) -> tuple[tf.Tensor, tf.Tensor]:
    """Return both gradients with what cannot be compared made equal."""
    known = tf.math.is_finite(expected)
    if not finite:
        ours = tf.where(known, ours, tf.zeros_like(ours))
    return ours, tf.where(known, expected, ours)


def worst_in_float32(points: Iterable[ExtremePoint], *, seed: int = 0) -> calls.Worst:
    """The worst error in float32, over what rounding explains, and its label, for each tensor.

    At the case's own point, which has no label, and where the inputs are of all sizes.
    """
    worst: calls.Worst = {}
    for point in points:
        if point.label and point.label not in GRADED:
            continue
        try:
            random = generator(seed, "float32", point.label)
            errors = Float32(point.subject, point.upstream, random).errors()
            label = f"inputs {point.label}" if point.label else ""
        except Exception as raised:
            errors, label = dict.fromkeys(point.subject.names, float("inf")), in_short(raised)
        for name, error in errors.items():
            if error > worst.get(name, (-1.0, ""))[0]:
                worst[name] = (error, label)
    return worst


def _judge(case: Case, name: str, errors: dict[str, Any], worst: dict[str, calls.Worst]) -> Row:
    where = {}
    for oracle, found in worst.items():
        errors[oracle], where[oracle] = found.get(name, (None, ""))
    failed = failures(errors, case.keras_tolerance)
    return Row(case.name, name, errors, failed, {o: label for o, label in where.items() if label})


def failures(errors: dict[str, float | None], keras_tolerance: float | None) -> tuple[str, ...]:
    """The oracles whose error for one gradient is out of bounds."""
    against_keras = ("reference", "extremes", "calls")
    bounds = dict.fromkeys(against_keras, keras_tolerance or TOLERANCE) | {"float32": EXPLAINED}
    return tuple(
        oracle
        for oracle, error in errors.items()
        if error is not None
        and (
            error < oracles.LEAST_SLOPE
            if oracle == "taylor"
            else not error <= bounds.get(oracle, TOLERANCE)
        )
    )
