"""Running the oracles over layers, and judging what they say."""

import time
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import tensorflow as tf

from dlmath.gradcheck import oracles
from dlmath.gradcheck.cases import Case
from dlmath.gradcheck.report import Report, Row
from dlmath.gradcheck.subject import Subject, Tensors, random_upstream, tape_gradients
from dlmath.gradcheck.targets import cases_of
from dlmath.seeds import generator

TOLERANCE = 1e-8  # relative, in float64, where about 16 digits are carried
LEAST_SLOPE = 1.9  # of the Taylor remainder: 2 when the gradient is right, 1 when it is wrong

Upstream = Callable[[Subject, np.random.Generator], list[tf.Tensor]]


def check(*targets: Any, inputs: dict[str, Any] | None = None, seed: int = 0) -> Report:
    """Check the hand-written backward passes of the targets; without targets, of everything here.

    Args:
        *targets: Names of registered layers ("Conv2D"), "module:Name" of a layer of your own, or
            layers, layer classes, functions (`dlmath.layers.Function`) and cases themselves.
        inputs: Values of the tensors by name, for a function, or {"x": value} for a layer; drawn
            at random where left out.
        seed: Of the random points, upstream gradients and directions.

    Returns:
        A report with a row for each gradient; `report.passed` is the verdict.

    Raises:
        UserError: A target that is no layer, or cannot be built or called.
    """
    start = time.perf_counter()
    cases = [case for target in targets or (None,) for case in cases_of(target, inputs)]
    rows = [row for case in cases for row in check_case(case, seed=seed)]
    return Report(tuple(rows), time.perf_counter() - start)


def check_case(
    case: Case, *, seed: int = 0, upstream: Upstream = random_upstream, extremes: bool = True
) -> list[Row]:
    """Every oracle on one case: a row for each gradient.

    Args:
        case: The case.
        seed: Of all that is random.
        upstream: Draws the upstream gradients. Only the suite that checks this checker gives
            another one.
        extremes: Whether to run the sixth oracle, the slowest.
    """
    random = generator(seed, "gradcheck", case.name)
    subject = case.subject(random)
    g = upstream(subject, random)
    figures: dict[str, dict[str, Any]] = {
        "tape": oracles.tape(subject, g, random),
        "differences": oracles.differences(subject, g, random),
        "taylor": oracles.taylor_slope(subject, g, random),
        "adjoint": oracles.adjoint(subject, g, random),
        "second_order": oracles.second_order(subject, g, random),
    }
    if subject.reference is not None:
        figures["keras"] = oracles.reference(subject, g, random)
    worst = at_extremes(case, seed, upstream) if extremes else {}
    return [
        _judge(case, name, {oracle: found[name] for oracle, found in figures.items()}, worst)
        for name in subject.names
    ]


def at_extremes(case: Case, seed: int, upstream: Upstream) -> dict[str, tuple[float, str]]:
    """The worst error over the extremes of a case, and its label, for each tensor.

    The gradient must be finite, and equal that of the reference, or of the tape without one,
    wherever that is finite itself.
    """
    worst: dict[str, tuple[float, str]] = {}
    for label, extreme in case.extremes().items():
        random = generator(seed, "extreme", case.name, label)
        subject = extreme.subject(random)
        g = upstream(subject, random)
        trusted = subject.by_reference if subject.reference is not None else subject.plain
        expected = tape_gradients(trusted, subject.tensors, g)
        ours = subject.by_hand(g)
        for name in subject.names:
            error = oracles.relative_error(ours[name], _where_finite(expected, ours, name))
            if error > worst.get(name, (-1.0, ""))[0]:
                worst[name] = (error, label)
    return worst


def _where_finite(expected: Tensors, ours: Tensors, name: str) -> tf.Tensor:
    return tf.where(tf.math.is_finite(expected[name]), expected[name], ours[name])


def _judge(
    case: Case, name: str, figures: dict[str, Any], worst: dict[str, tuple[float, str]]
) -> Row:
    error, label = worst.get(name, (None, None))
    figures = {**figures, "extremes": error}
    keras_tolerance = case.keras_tolerance or TOLERANCE
    tolerances = {"keras": keras_tolerance, "extremes": keras_tolerance}
    failed = [
        oracle
        for oracle, figure in figures.items()
        if figure is not None
        and (
            figure < LEAST_SLOPE
            if oracle == "taylor"
            else not figure <= tolerances.get(oracle, TOLERANCE)
        )
    ]
    return Row(case.name, name, figures, tuple(failed), label)


def names_of(rows: Iterable[Row]) -> list[str]:
    """The cases that the rows belong to."""
    return list(dict.fromkeys(row.layer for row in rows))
