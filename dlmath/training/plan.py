"""What a training would do, and how long that would take: the plan of `--dry-run`.

The time is estimated from a short measurement with the run's own images and network. Features that
the measurement computes stay in the cache, so nothing of it is lost.
"""

import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from dlmath.data.summary import Summary, summarise
from dlmath.recipe import Recipe
from dlmath.reporting import SILENT, Reporter
from dlmath.training.audited import audit_prepared
from dlmath.training.devices import pin_threads, place
from dlmath.training.estimates import Stage, estimate_head, estimate_steps
from dlmath.training.prepare import Data, prepare, resolve


@dataclass(frozen=True)
class Plan:
    """What a training would do.

    Attributes:
        recipe: Complete.
        summary: The data and their split.
        stages: In order.
        memory: Bytes: the most that was resident until now, libraries included, and of the arrays
            that the training would add.
    """

    recipe: Recipe
    summary: Summary
    stages: tuple[Stage, ...]
    memory: dict[str, int]

    @property
    def seconds(self) -> float:
        """How long everything would take, once TensorFlow is loaded."""
        return sum(stage.seconds for stage in self.stages)

    def as_json(self) -> dict[str, Any]:
        """Return the document of `train --dry-run --json`."""
        return {
            "recipe": self.recipe.as_dict(),
            "data": asdict(self.summary),
            "stages": [asdict(stage) for stage in self.stages],
            "memory": self.memory,
            "seconds": self.seconds,
        }


def plan(
    recipe: Recipe | str | Path,
    data: Data = None,
    *,
    device: str = "auto",
    strategy: str = "auto",
    reporter: Reporter = SILENT,
    **settings: Any,
) -> Plan:
    """Return what `train` with the same arguments would do; no run is made.

    Raises:
        UserError: As `train` would.
    """
    request = resolve(recipe, data, settings)
    pin_threads()
    placement = place(device, strategy)
    prepared = prepare(request, reporter)
    audit_prepared(
        prepared, reporter
    )  # which stays in the cache: the training will not wait for it
    estimate = estimate_head if prepared.recipe.solves_head else estimate_steps
    stages, arrays = estimate(prepared, placement, reporter)
    return Plan(
        prepared.recipe,
        summarise(prepared.catalogue, prepared.split),
        stages,
        {"resident_so_far": _resident(), **arrays},
    )


def _resident() -> int:
    """Return the most memory that this process has had, in bytes; 0 where it is not known."""
    try:
        import resource
    except ImportError:  # Windows
        return 0
    # Linux counts kilobytes, macOS bytes.
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
