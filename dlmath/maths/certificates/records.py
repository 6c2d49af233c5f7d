"""Certificates as JSON: every number is a fraction, written as text."""

from dataclasses import asdict
from fractions import Fraction
from typing import Any

from dlmath.errors import DataError
from dlmath.maths.certificates.claims import (
    Certificate,
    LeastDegree,
    PiecewiseNetwork,
    RungeThreshold,
)

KINDS: dict[str, type[Certificate]] = {
    one.__name__: one for one in (LeastDegree, RungeThreshold, PiecewiseNetwork)
}


def as_record(certificate: Certificate) -> dict[str, Any]:
    """Return a certificate as plain values that JSON can hold."""
    return {"kind": type(certificate).__name__, **_plain(asdict(certificate))}


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
    if name == "degree" or name == "labels":
        return int(value) if name == "degree" else tuple(map(int, value))
    if isinstance(value, list):
        return tuple(_exact("", one) for one in value)
    return Fraction(value)
