"""Names in messages: the first ten of them, then how many more."""

from collections.abc import Sequence

SHOWN = 10


def listed(names: Sequence[str]) -> str:
    """Return `names` joined by commas, cut after the first ten: `a, b and 3 more`."""
    shown = ", ".join(names[:SHOWN])
    return f"{shown} and {len(names) - SHOWN:,} more" if len(names) > SHOWN else shown


def counted(number: int, noun: str) -> str:
    """Return `1 image`, `2 images`, `1,000 images`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
