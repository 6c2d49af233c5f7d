"""A run's `.keras` file, with the decisions written into the note that Keras leaves of itself."""

import base64
import io
import json
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dlmath.errors import RunError
from dlmath.inference.decision_rule import DecisionRule
from dlmath.inference.ood_score import OodScore

_NOTE = "metadata.json"  # a member that Keras writes and never reads
_KEY = "dlmath"
_MOST = 32 * 2**20  # bytes of the note


def write_keras(model: Path, rule: DecisionRule, path: Path, metadata: Mapping[str, Any]) -> None:
    """Copy a `.keras` file, its `metadata.json` holding ours under `dlmath`."""
    described = dict(metadata)
    if rule.ood_score is not None:
        described["distance_npz"] = base64.b64encode(rule.ood_score.to_bytes()).decode()
    with zipfile.ZipFile(model) as source, zipfile.ZipFile(path, "w") as target:
        note = json.loads(source.read(_NOTE)) if _NOTE in source.namelist() else {}
        for member in source.infolist():
            if member.filename != _NOTE:
                target.writestr(member, source.read(member))
        target.writestr(_NOTE, json.dumps({**note, _KEY: described}))


def read_note(content: bytes, path: Path) -> tuple[dict[str, Any], OodScore | None]:
    """Return the metadata of an exported `.keras` file, and its out-of-distribution score.

    Args:
        content: Of the file.
        path: Only for the message.

    Raises:
        RunError: It is none that dlmath exported.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if archive.getinfo(_NOTE).file_size > _MOST:
                raise ValueError("its note is too long")
            metadata: dict[str, Any] = json.loads(archive.read(_NOTE))[_KEY]
        stored = metadata.get("distance_npz")
        ood_score = None if stored is None else OodScore.from_bytes(base64.b64decode(stored))
    # What zipfile, zlib and json say of a damaged file; RuntimeError of one without a bottom.
    except (
        *(zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, OSError),
        *(KeyError, ValueError, TypeError),
    ) as error:
        raise RunError(
            f"{path} does not say how it decides ({error}): dlmath did not export it. Name the "
            "run, or write it with: dlmath export RUN --format keras"
        ) from error
    return metadata, ood_score
