"""The plan of `--dry-run`: what a training would do, and how long that would take.

The plan refuses everything that the training would refuse, by the same checks. The time is
estimated from a short measurement with the run's own images and network. The audit, and the
features that the measurement computes, stay in the cache for the training.
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
from dlmath.training.preflight import check, read_request
from dlmath.training.preparation import Data
from dlmath.training.signals import StopRequest
from dlmath.training.time_estimates import StageEstimate, estimate


@dataclass(frozen=True)
class Plan:
    """The plan of a training.

    Attributes:
        recipe: The complete recipe.
        summary: The data and their split.
        stages: The stages that the training still has to do, in order.
        kept: The stages done for the plan, whose results stay in the cache.
        memory: Bytes by name: the peak of resident memory until now, libraries included, and the
            arrays that the training would add.
    """

    recipe: Recipe
    summary: Summary
    stages: tuple[StageEstimate, ...]
    kept: tuple[StageEstimate, ...]
    memory: dict[str, int]

    @property
    def seconds(self) -> float:
        """The seconds that all stages would take together."""
        return sum(stage.seconds for stage in self.stages)

    def after(self, stages: Sequence[StageEstimate]) -> "Plan":
        """Return the plan with further stages put first, such as a program's start."""
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
        UserError: `train` would refuse the same request before it trains.
    """
    job = read_request(
        recipe,
        data,
        start_from=start_from,
        out=out,
        device=device,
        strategy=strategy,
        tensorboard=tensorboard,
        checkpoint_every=checkpoint_every,
        reporter=reporter,
        stop=StopRequest(),
        command=(),
        settings=settings,
    )
    prepared = job.prepared
    checked = check(prepared, job.folder, job.context)
    estimated = estimate(job, checked)
    return Plan(
        prepared.recipe,
        summarise(prepared.dataset, prepared.split),
        estimated.stages,
        estimated.kept,
        {"resident_so_far": _resident(), **estimated.arrays},
    )


def _resident() -> int:
    """Return the peak memory of this process in bytes; 0 where it is not known."""
    try:
        import resource
    except ImportError:  # Windows
        return 0
    # Linux counts kilobytes, macOS bytes.
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
