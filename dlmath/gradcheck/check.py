"""Running the oracles over layers, and judging what they say."""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from dlmath.gradcheck import oracles
from dlmath.gradcheck.cases import Case
from dlmath.gradcheck.panel import Panel
from dlmath.gradcheck.report import Report, Row
from dlmath.gradcheck.subject import Subject, Tensors, random_upstream, tape_gradients
from dlmath.gradcheck.targets import cases_of
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
    """Every oracle on one case, with random upstream gradients: a row for each gradient."""
    random = generator(seed, "gradcheck", case.name)
    subject = case.subject(random)
    figures = Panel(subject, random_upstream(subject, random), random).figures()
    worst = worst_extremes(extreme_points(case, seed=seed))
    return [
        _judge(case, name, {oracle: found[name] for oracle, found in figures.items()}, worst)
        for name in subject.names
    ]


@dataclass(frozen=True)
class ExtremePoint:
    """A subject at an extreme, and the gradients it should have there."""

    label: str
    subject: Subject
    upstream: list[tf.Tensor]
    expected: Tensors


def extreme_points(case: Case, *, seed: int = 0) -> list[ExtremePoint]:
    """The extremes of a case, with the gradients of the reference, or of the tape without one."""
    points = []
    for label, extreme in case.extremes().items():
        random = generator(seed, "extreme", case.name, label)
        subject = extreme.subject(random)
        upstream = random_upstream(subject, random)
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
    case: Case, name: str, figures: dict[str, Any], worst: dict[str, tuple[float, str]]
) -> Row:
    error, label = worst.get(name, (None, None))
    figures = {**figures, "extremes": error}
    return Row(case.name, name, figures, failures(figures, case.keras_tolerance), label)


def failures(figures: dict[str, float | None], keras_tolerance: float | None) -> tuple[str, ...]:
    """The oracles whose figure for one gradient is out of bounds."""
    bounds = dict.fromkeys(("keras", "extremes"), keras_tolerance or TOLERANCE)
    return tuple(
        oracle
        for oracle, figure in figures.items()
        if figure is not None
        and (figure < LEAST_SLOPE if oracle == "taylor" else figure > bounds.get(oracle, TOLERANCE))
    )
