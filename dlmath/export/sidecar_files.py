"""The files next to the network of a LiteRT or ONNX export: metadata, and programs that use it.

`preprocess.py` reads an image file as training did; `classify.py` prints for files what `dlmath
predict --json` prints. Both import the folder `dlmath_standalone`, a copy of those files of dlmath
that they need: the very files that dlmath itself runs. Inside, imports are relative, so that the
copies work without dlmath, and next to another version of it.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dlmath.inference.decision_rule import DecisionRule
from dlmath.inference.export_files import DISTANCE, METADATA
from dlmath.runs import write_bytes, write_json

# Programs of the export's folder, and the name under which they import the copied files.
PROGRAMS = ("preprocess.py", "classify.py")
STANDALONE = "dlmath_standalone"
# Files of dlmath, by their paths in it. They import one another, NumPy, Pillow and the runtimes.
COPIED = (
    "chatter.py",
    "errors.py",
    "reporting.py",
    "data/conversion.py",
    "data/dicom.py",
    "data/dicom_levels.py",
    "data/dicom_lookup.py",
    "data/dicom_pixels.py",
    "data/exif.py",
    "data/image_formats.py",
    "data/image_headers.py",
    "data/images.py",
    "data/lost_data.py",
    "data/rows.py",
    "data/specification.py",
    "inference/classifier.py",
    "inference/columns.py",
    "inference/decision_rule.py",
    "inference/export_files.py",
    "inference/exported.py",
    "inference/litert_onnx.py",
    "inference/ood_score.py",
    "inference/outcome.py",
    "inference/standalone.py",
)
_HERE = Path(__file__).resolve().parent


def write_sidecar_files(folder: Path, rule: DecisionRule, metadata: Mapping[str, Any]) -> None:
    """Write `metadata.json`, the fitted out-of-distribution score if there is one, and programs.

    Args:
        folder: That of the export, with its network.
        rule: Decides by the network's outputs.
        metadata: What `dlmath.export.description.describe` returns.
    """
    write_json(folder / METADATA, dict(metadata))
    if rule.ood_score is not None:
        write_bytes(folder / DISTANCE, rule.ood_score.to_bytes())
    write_programs(folder)


def write_programs(folder: Path) -> None:
    """Copy both programs, and the files that they import, into a folder."""
    for name in PROGRAMS:
        write_bytes(folder / name, (_HERE / name).read_bytes())
    for name in COPIED:
        write_bytes(folder / STANDALONE / name, (_HERE.parent / name).read_bytes())
