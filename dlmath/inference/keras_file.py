"""An exported `.keras` file: a run's model, with its decisions and recipe in the note of the file.

The note is `metadata.json`, which Keras writes and never reads; ours is its entry `dlmath`.
"""

import base64
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dlmath.errors import RunError
from dlmath.inference.decision_rule import DecisionRule
from dlmath.inference.ood_score import OodScore
from dlmath.models.keras_archive import NOTE, NOTE_KEY, NOTE_RECIPE
from dlmath.recipe import Recipe

_DISTANCE = "distance_npz"


def write_keras(
    model: Path, recipe: Recipe, rule: DecisionRule, path: Path, metadata: Mapping[str, Any]
) -> None:
    """Copy a `.keras` file and add to its note what loads it and how it decides.

    Args:
        model: The file.
        recipe: What its network is built from. Where its first weights came from is left out: it
            may be a path on this machine.
        rule: How it decides.
        path: Where the copy goes.
        metadata: What the export says of itself.
    """
    described = {**metadata, NOTE_RECIPE: recipe.replace(weights="none").to_toml()}
    if rule.ood_score is not None:
        described[_DISTANCE] = base64.b64encode(rule.ood_score.to_bytes()).decode()
    with zipfile.ZipFile(model) as source, zipfile.ZipFile(path, "w") as target:
        note = json.loads(source.read(NOTE)) if NOTE in source.namelist() else {}
        for member in source.infolist():
            if member.filename != NOTE:
                target.writestr(member, source.read(member))
        target.writestr(NOTE, json.dumps({**note, NOTE_KEY: described}))


def read_ood_score(metadata: Mapping[str, Any], path: Path) -> OodScore | None:
    """Return the out-of-distribution score in the note of an exported `.keras` file, or None.

    Args:
        metadata: The note, as `read_note` of `dlmath.models.keras_archive` returned it.
        path: The file's, for the message only.

    Raises:
        RunError: It is damaged.
    """
    stored = metadata.get(_DISTANCE)
    try:
        return None if stored is None else OodScore.from_bytes(base64.b64decode(stored))
    except (ValueError, TypeError, KeyError, EOFError, OSError, zipfile.BadZipFile) as error:
        raise RunError(
            f"The out-of-distribution score in {path} is damaged ({error}). Export the run again."
        ) from error
