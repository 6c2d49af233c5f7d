"""What a training would do, and how long that would take: the plan of `--dry-run`.

All that the training would refuse is refused, by the very steps that it begins with. The time is
estimated from a short measurement with the run's own images and network. The audit, and features
that the measurement computes, stay in the cache, so nothing of them is lost.
"""

import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from dlmath.data.summary import Summary, summarise
from dlmath.recipe import Recipe
from dlmath.reporting import SILENT, Reporter
from dlmath.runs import Run
from dlmath.training.begin import begin, check
from dlmath.training.estimates import Stage, estimate
from dlmath.training.prepare import Data


@dataclass(frozen=True)
class Plan:
    """What a training would do.

    Attributes:
        recipe: Complete.
        summary: The data and their split.
        stages: What it would still do, in order.
        kept: What was done for the plan and stays in the cache: the training need not do it.
        memory: Bytes: the most that was resident until now, libraries included, and of the arrays
            that the training would add.
    """

    recipe: Recipe
    summary: Summary
    stages: tuple[Stage, ...]
    kept: tuple[Stage, ...]
    memory: dict[str, int]

    @property
    def seconds(self) -> float:
        """How long all stages would take together."""
        return sum(stage.seconds for stage in self.stages)

    def after(self, stages: Sequence[Stage]) -> "Plan":
        """Return the plan with stages before its own, such as a program's start."""
        return replace(self, stages=(*stages, *self.stages))

    def as_json(self) -> dict[str, Any]:
        """Return the document of `train --dry-run --json`."""
        return {
            "recipe": self.recipe.as_dict(),
            "data": asdict(self.summary),
            "stages": [asdict(stage) for stage in self.stages],
            "kept": [asdict(stage) for stage in self.kept],
            "memory": self.memory,
            "seconds": self.seconds,
        }


def plan(
    recipe: Recipe | str | Path | None = None,
    data: Data = None,
    *,
    start_from: Run | str | Path | None = None,
    out: str | Path | None = None,
    device: str = "auto",
    strategy: str = "auto",
    tensorboard: bool = False,
    checkpoint_every: str | None = None,
    reporter: Reporter = SILENT,
    **settings: Any,
) -> Plan:
    """Return what `train` with the same arguments would do; no run is made.

    Raises:
        UserError: As `train` would, before it trains.
    """
    begun = begin(
        recipe,
        data,
        start_from=start_from,
        out=out,
        device=device,
        strategy=strategy,
        tensorboard=tensorboard,
        checkpoint_every=checkpoint_every,
        reporter=reporter,
        settings=settings,
    )
    prepared = begun.prepared
    checked = check(prepared, begun.folder, begun.placement, reporter)
    estimated = estimate(begun, checked, reporter)
    return Plan(
        prepared.recipe,
        summarise(prepared.dataset, prepared.split),
        estimated.stages,
        estimated.kept,
        {"resident_so_far": _resident(), **estimated.arrays},
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
