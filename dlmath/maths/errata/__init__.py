"""Errata of the papers, in their order."""

from dlmath.maths.errata import murari, others, tsemo
from dlmath.maths.errata.erratum import Erratum

ERRATA: tuple[Erratum, ...] = (*tsemo.ERRATA, *murari.ERRATA, *others.ERRATA)

__all__ = ["ERRATA", "Erratum"]
