"""Go on from a finished run with new data: its recipe, its weights, and its split."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np

from dlmath import models
from dlmath.data.carried_split import carry_over
from dlmath.data.run_data import RunData
from dlmath.data.sources import Dataset
from dlmath.data.splits import Split
from dlmath.errors import RunError, UserError
from dlmath.models.backbones import find_backbone
from dlmath.models.own_images import is_own_images
from dlmath.recipe import Recipe, settings_of
from dlmath.runs import Run
from dlmath.training import checkpoints
from dlmath.training.checkpoints import Checkpoint


@dataclass(frozen=True, eq=False)
class Start:
    """What a training begins with that goes on from another.

    Attributes:
        weights: Of the whole model, in the order of `model.weights`.
        lineage: What the manifest says: the parent, its model's SHA-256, and the runs before it.
    """

    weights: tuple[np.ndarray, ...]
    lineage: Mapping[str, Any]


def write_start(start: Start, run: Run) -> None:
    """Keep the weights in the new run: it can be gone on with wherever the parent is by then."""
    checkpoint = Checkpoint(_arrays(start.weights), {"lineage": dict(start.lineage)})
    checkpoints.save(checkpoint, _start_path(run))


def read_start(run: Run) -> Start | None:
    """Return what a run began with, if it went on from another.

    Raises:
        RunError: The file is missing or damaged.
    """
    if "lineage" not in run.manifest:
        return None
    checkpoint = checkpoints.load(_start_path(run))
    return Start(tuple(checkpoint.arrays.values()), checkpoint.meta["lineage"])


def begin_with(start: Start, model: keras.Model) -> None:
    """Give an untrained model the weights.

    Raises:
        RunError: They are of another network; names the settings that may have made it so.
    """
    try:
        checkpoints.restore(_arrays(start.weights), {"weights": model.weights})
    except RunError as error:
        raise RunError(
            f"The weights of {start.lineage['parent']} do not fit to this network: {error} "
            "Leave --image-size as it is there."
        ) from error


def _arrays(weights: Sequence[np.ndarray]) -> dict[str, np.ndarray]:
    return {f"weights/{number}": array for number, array in enumerate(weights)}


def _start_path(run: Run) -> Path:
    return run.checkpoints / "start.checkpoint"


@dataclass(frozen=True)
class Parent:
    """A finished run that another goes on from."""

    run: Run

    @classmethod
    def find(cls, run: Run | str | Path) -> "Parent":
        """Return the run as a parent.

        Raises:
            RunError: There is none, or it is not finished.
        """
        run = run if isinstance(run, Run) else Run.find(run)
        if not run.is_finished:
            raise RunError(
                f"{run.folder} is not finished, so there is nothing to go on from. Finish it "
                f"first: dlmath train --resume {run.folder}"
            )
        return cls(run)

    def recipe(self, task: Recipe | str | Path | None, settings: Mapping[str, Any]) -> Recipe:
        """Return the run's recipe with settings changed.

        Raises:
            UserError: The task is another one, or a setting would not fit the run's weights.
        """
        recipe = self.run.recipe
        own = isinstance(task, str | Path) and is_own_images(task)
        if task is not None and not own and task not in (recipe, recipe.name):
            raise UserError(
                f"What goes on from {self.run.folder} is of the task {recipe.name!r} again. "
                f"Received: {str(task)!r}. Name new images with --data."
            )
        about = settings_of(type(recipe))
        if fixed := [name for name in about if about[name].fits_weights and name in settings]:
            raise UserError(
                f"The weights of {self.run.folder} fit to its own {', '.join(fixed)}. Leave "
                f"{'it' if len(fixed) == 1 else 'them'} out, or train without --from."
            )
        recipe = recipe.replace(**settings)
        recipe.refuse_without_effect(settings)
        find_backbone(recipe.backbone, recipe.image_size)
        return recipe

    def split(self, dataset: Dataset, recipe: Recipe) -> Split:
        """Split the new data so that nobody changes sides."""
        return carry_over(
            dataset,
            RunData(self.run).rows,
            seed=recipe.seed,
            validation_fraction=recipe.validation_fraction,
            test_fraction=recipe.test_fraction,
        )

    def start(self) -> Start:
        """Read the run's weights."""
        digest = hashlib.sha256(self.run.model_path.read_bytes()).hexdigest()
        weights = tuple(np.asarray(array) for array in models.load(self.run).get_weights())
        link = {"run": self.run.name, "model_sha256": digest}
        before = self.run.manifest.get("lineage", {}).get("chain", [])
        lineage = {"parent": self.run.name, "model_sha256": digest, "chain": [link, *before]}
        return Start(weights, lineage)
