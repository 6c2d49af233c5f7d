"""Certificates as JSON: every number is a fraction, written as text."""

import json
from dataclasses import asdict
from fractions import Fraction
from typing import Any

from dlmath.errors import DataError
from dlmath.maths.certificates.claims import LeastDegree, PiecewiseNetwork, RungeThreshold
from dlmath.maths.certificates.maxima import DifferenceOfMaxima

Certificate = LeastDegree | RungeThreshold | PiecewiseNetwork | DifferenceOfMaxima
KINDS: dict[str, type[Certificate]] = {
    "LeastDegree": LeastDegree,
    "RungeThreshold": RungeThreshold,
    "PiecewiseNetwork": PiecewiseNetwork,
    "DifferenceOfMaxima": DifferenceOfMaxima,
}
# What is no fraction, but a number of something.
WHOLE = ("degree", "labels", "simplices")


def as_record(certificate: Certificate) -> dict[str, Any]:
    """Return a certificate as plain values that JSON can hold."""
    return {"kind": type(certificate).__name__, **_plain(asdict(certificate))}


def as_text(certificate: Certificate) -> str:
    """Return a certificate as the JSON of its file."""
    return json.dumps(as_record(certificate), indent=1) + "\n"


def from_record(record: Any) -> Certificate:
    """Return the certificate that a record holds. It is not verified by this.

    Raises:
        DataError: The record is of no known kind, or lacks a part.
    """
    try:
        given = dict(record)
        kind = KINDS[given.pop("kind")]
        return kind(**{name: _exact(name, value) for name, value in given.items()})
    except (TypeError, KeyError, ValueError, ZeroDivisionError, AttributeError) as error:
        raise DataError(
            f"This is no certificate: {type(error).__name__}: {error}. Write one with "
            "dlmath learn certify NAME --out FOLDER."
        ) from error


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(name): _plain(one) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    return str(value) if isinstance(value, Fraction) else value


def _exact(name: str, value: Any) -> Any:
    if name == "weights":
        return {int(number): Fraction(weight) for number, weight in value.items()}
    if isinstance(value, list):
        return tuple(_exact(name, one) for one in value)
    return int(value) if name in WHOLE else Fraction(value)
