"""Warm start: continue a finished run on new data, with its recipe, weights and split."""

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
from dlmath.terminal_text import quoted
from dlmath.training import checkpoints
from dlmath.training.checkpoints import Checkpoint


@dataclass(frozen=True, eq=False)
class WarmStart:
    """Initial weights and provenance of a run that continues another one.

    Attributes:
        weights: The weights of the whole model, in the order of `model.weights`.
        provenance: The manifest's `lineage`: the parent, its model's SHA-256, and the runs before.
    """

    weights: tuple[np.ndarray, ...]
    provenance: Mapping[str, Any]

    def load_into(self, model: keras.Model) -> None:
        """Give an untrained model the weights.

        Raises:
            RunError: They belong to another network; names the settings that may have made it so.
        """
        try:
            checkpoints.restore(_arrays(self.weights), {"weights": model.weights})
        except RunError as error:
            raise RunError(
                f"The weights of {self.provenance['parent']} do not fit to this network: {error} "
                "Leave --image-size as it is there."
            ) from error

    def write(self, run: Run) -> None:
        """Keep the weights in the new run, so that it can be resumed without its parent."""
        checkpoint = Checkpoint(_arrays(self.weights), {"lineage": dict(self.provenance)})
        checkpoints.save(checkpoint, _path(run))


def read_warm_start(run: Run) -> WarmStart | None:
    """Return the initial weights of a run that continues another one, else None.

    Raises:
        RunError: The file is missing or damaged.
    """
    if "lineage" not in run.manifest:
        return None
    checkpoint = checkpoints.load(_path(run))
    return WarmStart(tuple(checkpoint.arrays.values()), checkpoint.meta["lineage"])


def _arrays(weights: Sequence[np.ndarray]) -> dict[str, np.ndarray]:
    return {f"weights/{number}": array for number, array in enumerate(weights)}


def _path(run: Run) -> Path:
    return run.checkpoints / "start.checkpoint"


@dataclass(frozen=True)
class Parent:
    """A finished run that another run continues."""

    run: Run

    @classmethod
    def find(cls, run: Run | str | Path) -> "Parent":
        """Return the run as a parent.

        Raises:
            RunError: There is no such run, or it is not finished.
        """
        run = run if isinstance(run, Run) else Run.find(run)
        if not run.is_finished:
            raise RunError(
                f"{run.folder} is not finished, so there is nothing to go on from. Finish it "
                f"first: dlmath train --resume {quoted(run.folder)}"
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
        recipe.check_has_effect(settings)
        find_backbone(recipe.backbone, recipe.image_size)
        return recipe

    def split(self, dataset: Dataset, recipe: Recipe) -> Split:
        """Split the new data so that no patient changes from one part to another."""
        return carry_over(
            dataset,
            RunData(self.run).rows,
            seed=recipe.seed,
            validation_fraction=recipe.validation_fraction,
            test_fraction=recipe.test_fraction,
        )

    def warm_start(self) -> WarmStart:
        """Read the run's weights."""
        digest = hashlib.sha256(self.run.model_path.read_bytes()).hexdigest()
        weights = tuple(np.asarray(array) for array in models.load(self.run).get_weights())
        link = {"run": self.run.name, "model_sha256": digest}
        before = self.run.manifest.get("lineage", {}).get("chain", [])
        provenance = {"parent": self.run.name, "model_sha256": digest, "chain": [link, *before]}
        return WarmStart(weights, provenance)
