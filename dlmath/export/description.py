"""The metadata of an export: all that a program needs to know to use it."""

import contextlib
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

from dlmath._version import __version__
from dlmath.data.specification import SPECIFICATION
from dlmath.errors import DataError, RunError
from dlmath.inference.decision_rule import DecisionRule
from dlmath.inference.export_files import EXPORT_VERSION
from dlmath.inference.prevalence import trained_prevalence
from dlmath.runs import Run


def describe(run: Run, rule: DecisionRule, format: str) -> dict[str, Any]:
    """Return an export's metadata, ready for JSON.

    `calibration` is only a record: the scaling lies in the weights of the last layer. `input`
    describes the pixels after decoding and resizing; `preprocessing` names how, see
    `dlmath.data.specification`.
    """
    threshold, size = rule.threshold, rule.image_size
    return {
        "export_version": EXPORT_VERSION,
        "format": format,
        "task": run.recipe.name,
        "run": run.name,
        "phantom": run.manifest["data"]["phantom"],
        "made": datetime.now(UTC).isoformat(),
        "classes": list(rule.classes),
        "positive_class": rule.positive_class,
        "threshold": None if threshold is None else {**asdict(threshold), **_chosen_images(run)},
        "abstention": asdict(rule.abstention),
        "calibration": run.manifest.get("calibration"),
        "trained_prevalence": _trained_prevalence(run),
        "image_size": size,
        "preprocessing": SPECIFICATION,
        "input": f"pixels, float32 (N, {size}, {size}, 3), RGB in 0..255, not scaled",
        "versions": {
            "dlmath": __version__,
            **{name: version(name) for name in ("keras", "tensorflow")},
        },
    }


def _chosen_images(run: Run) -> dict[str, str]:
    """Return on what images the threshold was chosen, where it was not on plain ones."""
    images = (run.manifest.get("threshold") or {}).get("images")
    return {} if images is None else {"images": images}


def _trained_prevalence(run: Run) -> float | None:
    with contextlib.suppress(DataError, RunError):  # more than two classes, or not written down
        return trained_prevalence(run)
    return None
