"""The ledger of every algorithm and claim of the papers by its line, and what becomes of it."""

from dlmath.maths.ledger import ferguson, foundations, jiang, murari, tsemo
from dlmath.maths.ledger.entry import Entry

LEDGER: dict[str, tuple[Entry, ...]] = {
    "tsemo": tsemo.ENTRIES,
    "murari": murari.ENTRIES,
    "ferguson": ferguson.ENTRIES,
    "jiang": jiang.ENTRIES,
    "foundations": foundations.ENTRIES,
}

__all__ = ["LEDGER", "Entry"]
