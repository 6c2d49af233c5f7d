"""Train a finished run again from what it recorded, and hold the two against each other.

The test part stays closed: where the two models are the same bit for bit, so are their figures on
any images, and where they are not, another look at the test part would settle nothing.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from dlmath import models
from dlmath.errors import RunError
from dlmath.reporting import SILENT, Reporter
from dlmath.runs import Run, write_json
from dlmath.training.devices import pin_threads, place
from dlmath.training.prepare import Data, prepare_again
from dlmath.training.resume import resume
from dlmath.training.train import train_prepared

# What the last bits of a result depend on, beside the recipe and the data.
CONDITIONS = ("versions", "platform", "threads", "device", "preprocessing")
# What a training leaves in its manifest that must come out again, the file it began with first.
RESULTS = ("weights_file", "best", "threshold", "calibration", "head")


@dataclass(frozen=True)
class Comparison:
    """One thing that both runs have.

    Attributes:
        name: What it is.
        recorded: In the run that was reproduced.
        found: In the new one.
        same: Whether the two are equal; for figures, to the last bit.
    """

    name: str
    recorded: Any
    found: Any
    same: bool

    @classmethod
    def of(cls, name: str, recorded: Any, found: Any) -> Self:
        """Compare two values for equality."""
        return cls(name, recorded, found, recorded == found)


@dataclass(frozen=True)
class Reproduction:
    """A run, the run that was trained from its record, and what is the same in both.

    Attributes:
        original: The run that was reproduced.
        run: The new one.
        conditions: Versions, hardware and threads: where these differ, last bits may too.
        results: Data, split, history, figures and weights: what has to be the same.
        largest_difference: Of any weight of the two models.
    """

    original: Run
    run: Run
    conditions: tuple[Comparison, ...]
    results: tuple[Comparison, ...]
    largest_difference: float

    @property
    def is_same(self) -> bool:
        """Whether every result came out again, bit for bit."""
        return all(result.same for result in self.results)

    def as_json(self) -> dict[str, Any]:
        """Return what `reproduction.json` of the new run holds."""
        return {
            "original": self.original.name,
            "run": self.run.name,
            "same": self.is_same,
            "largest_difference": self.largest_difference,
            "conditions": [asdict(comparison) for comparison in self.conditions],
            "results": [asdict(comparison) for comparison in self.results],
        }


def reproduce(
    run: Run | str | Path,
    data: Data = None,
    *,
    out: str | Path | None = None,
    device: str = "auto",
    strategy: str = "auto",
    reporter: Reporter = SILENT,
    command: Sequence[str] = (),
) -> Reproduction:
    """Train a finished run again from its recipe and its split, and compare the two.

    Interrupted, the same call goes on. The comparison is kept in the new run's
    `reproduction.json`.

    Args:
        run: The run, its folder, or its name under `runs/`.
        data: Where the data lies now, if it was moved.
        out: The new run's folder, by default beside the old one with `-reproduced` to its name.
        device: As in `train`.
        strategy: As in `train`.
        reporter: Receives the progress.
        command: What the new manifest records as the command.

    Raises:
        RunError: The run is not finished, or `out` holds something else.
        DataError: The data are gone, or not those that the run was made with.
    """
    original = run if isinstance(run, Run) else Run.find(run)
    if not original.is_finished:
        raise RunError(
            f"Only a finished run can be reproduced, and {original.folder} is not. Go on with it: "
            f"dlmath train --resume {original.folder}"
        )
    folder = Path(out) if out is not None else _beside(original)
    again = _unfinished(original, folder)
    if again is not None:
        again = resume(again, data, device=device, strategy=strategy, reporter=reporter)
    else:
        Run.refuse_occupied(folder)
        threads, placement = pin_threads(), place(device, strategy)
        prepared = prepare_again(original, data, reporter)
        again = train_prepared(
            prepared, folder, placement, threads=threads, reporter=reporter, command=command
        )
    found = compare(original, again)
    write_json(again.folder / "reproduction.json", found.as_json())
    return found


def compare(original: Run, again: Run) -> Reproduction:
    """Return what is the same in two finished runs of one recipe."""
    recorded, found = original.manifest, again.manifest
    weights = [_weights(run) for run in (original, again)]
    results = [
        Comparison.of("recipe", _sha256(original.recipe_path), _sha256(again.recipe_path)),
        *(
            Comparison.of(f"{name} sha256", recorded[name]["sha256"], found[name]["sha256"])
            for name in ("data", "split")
        ),
        Comparison.of("history", _sha256(original.history_path), _sha256(again.history_path)),
        *(
            Comparison.of(name, recorded.get(name), found.get(name))
            for name in RESULTS
            if recorded.get(name) is not None or found.get(name) is not None
        ),
        Comparison.of("weights sha256", *map(_weights_sha256, weights)),
    ]
    return Reproduction(
        original,
        again,
        tuple(Comparison.of(name, recorded.get(name), found.get(name)) for name in CONDITIONS),
        tuple(results),
        _largest_difference(*weights),
    )


def _beside(run: Run) -> Path:
    return run.folder.resolve().with_name(f"{run.name}-reproduced")


def _unfinished(original: Run, folder: Path) -> Run | None:
    """Return the interrupted reproduction of `original` in `folder`, if that is what it holds."""
    run = Run(folder)
    if not run.manifest_path.is_file() or run.is_finished:
        return None
    same = run.recipe == original.recipe and (
        run.manifest["split"]["sha256"] == original.manifest["split"]["sha256"]
    )
    return run if same else None


def _weights(run: Run) -> list[np.ndarray]:
    return [np.asarray(array) for array in models.load(run).get_weights()]


def _weights_sha256(weights: Sequence[np.ndarray]) -> str:
    digest = hashlib.sha256()
    for array in weights:
        digest.update(f"{array.dtype.str}{array.shape}".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def _largest_difference(first: Sequence[np.ndarray], second: Sequence[np.ndarray]) -> float:
    pairs = zip(first, second, strict=True)
    return max(float(np.abs(a.astype(float) - b.astype(float)).max(initial=0)) for a, b in pairs)


def _sha256(path: Path) -> str | None:
    """Return the hash of a file; a head that was solved has no history of epochs."""
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else None
