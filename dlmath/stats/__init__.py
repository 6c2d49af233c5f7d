"""Intervals and tests that several rooms use, in NumPy; images of one patient count together."""

from dlmath.stats.auc_interval import AucInterval, AucParts, auc_parts, auc_with_interval
from dlmath.stats.bootstrap import (
    LEVEL,
    REPLICATES,
    Estimate,
    bca_interval,
    cluster_indices,
    estimate,
    jackknife_weights,
    replicate_weights,
)
from dlmath.stats.proportions import (
    Share,
    clopper_pearson,
    effective_images,
    f1_share,
    share_of_images,
)

__all__ = [
    "LEVEL",
    "REPLICATES",
    "AucInterval",
    "AucParts",
    "Estimate",
    "Share",
    "auc_parts",
    "auc_with_interval",
    "bca_interval",
    "clopper_pearson",
    "cluster_indices",
    "effective_images",
    "estimate",
    "f1_share",
    "jackknife_weights",
    "replicate_weights",
    "share_of_images",
]
