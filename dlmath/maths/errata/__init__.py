"""Errata of the papers, in their order."""

from dlmath.maths.errata import ferguson, foundations, jiang, murari, tsemo, tsemo_networks
from dlmath.maths.errata.erratum import ERRORS, EXTRACTED, KINDS, Comparison, Erratum

ERRATA: tuple[Erratum, ...] = (
    *tsemo.ERRATA,
    *tsemo_networks.ERRATA,
    *murari.ERRATA,
    *ferguson.ERRATA,
    *jiang.ERRATA,
    *foundations.ERRATA,
)

__all__ = ["ERRATA", "ERRORS", "EXTRACTED", "KINDS", "Comparison", "Erratum"]
