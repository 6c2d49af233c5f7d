"""`tfds:NAME`: any image classification set of TensorFlow Datasets that is prepared on disk.

The encoded images are written to the cache once, as files next to a CSV, and read from there like
all other data, so that one specification of decoding holds for them too.
"""

import hashlib
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dlmath.data.archives import is_safe
from dlmath.data.class_folders import PARTS, SourceContents
from dlmath.data.image_formats import ENDINGS, describe, format_of, has_image_name
from dlmath.data.listing import listed
from dlmath.data.placing import atomic_folder, make_room
from dlmath.data.tables import read_table
from dlmath.errors import DataError
from dlmath.given_paths import given_path
from dlmath.models.recipes import TASKS
from dlmath.names import folded
from dlmath.reporting import SILENT, Reporter
from dlmath.runs import cache_home, mark_used, write_csv

PREFIX = "tfds:"

_TABLE = "images.csv"
_COLUMNS = ("file", "class", "patient", "split")
_LAYOUT = 2  # of what is written to the cache; part of its key
_NUMBERED = re.compile(r"\w+/\d{6}\.[a-z]+")
_VERSION = re.compile(r"\d+\.\d+\.\d+")  # what is half made has another name


def read_tfds(source: str, *, reporter: Reporter = SILENT) -> SourceContents:
    """Read `tfds:NAME`, `tfds:NAME/CONFIG` or `tfds:NAME:VERSION` from `$TFDS_DATA_DIR`.

    Splits other than train, val, validation and test are passed over. Texts named `filename` and
    `patient` are taken for what they say; images without a file name of their own are numbered.

    Raises:
        DataError: The set is not prepared on disk or is not one of encoded images with one label.
    """
    prepared = _prepared_folder(source)
    folder = _place(prepared)
    if (folder / _TABLE).is_file():
        mark_used(folder)
    else:
        with atomic_folder(folder) as temporary:
            rows = list(_write_images(prepared, temporary, reporter))
            write_csv(temporary / _TABLE, _COLUMNS, rows)
    contents = read_table(folder / _TABLE)
    contents.files = [
        item._replace(named=_NUMBERED.fullmatch(item.file) is None) for item in contents.files
    ]
    if not any(item.named or item.patient for item in contents.files):
        contents.warnings.append(_without_patients(source))
    return contents


def _without_patients(source: str) -> str:
    said = (
        f"{source} has no patients and no file names: its images are split one by one. If several "
        "are of one patient, results look better than they are."
    )
    name = source.removeprefix(PREFIX).split(":")[0]
    more = [task.tfds_warnings[name] for task in TASKS.values() if name in task.tfds_warnings]
    return " ".join([said, *more])


def _prepared_folder(source: str) -> Path:
    """Return the folder of the newest version, or of the one that is asked for."""
    root = given_path(os.environ.get("TFDS_DATA_DIR") or "~/tensorflow_datasets")
    name, _, version = source.removeprefix(PREFIX).partition(":")
    described = (root / name).glob("**/features.json") if name else []
    found = [path.parent for path in described if _VERSION.fullmatch(path.parent.name)]
    if version:
        found = [folder for folder in found if folder.name == version]
    if not found:
        raise DataError(
            f"No data set {name!r} is prepared in {root}. Received: {source}. Prepare it with "
            "`tfds build`, or set TFDS_DATA_DIR to the folder that holds it."
        )
    configs = sorted({folder.parent.name for folder in found})
    if len(configs) > 1:
        raise DataError(
            f"{source} has several configurations: {listed(configs)}. Name one: "
            f"{PREFIX}{name}/{configs[0]}"
        )
    return max(found, key=lambda folder: [int(part) for part in folder.name.split(".")])


def _place(prepared: Path) -> Path:
    changed = (prepared / "features.json").stat().st_mtime_ns
    key = f"{prepared.resolve()}|{changed}|{_LAYOUT}"
    digest = hashlib.sha256(key.encode()).hexdigest()
    return cache_home() / "tfds" / f"{prepared.parent.name}-{digest[:16]}"


def _write_images(prepared: Path, folder: Path, reporter: Reporter) -> Iterator[dict[str, str]]:
    """Write the images of all parts to `folder` and give their rows of the CSV."""
    # Imported here: it brings TensorFlow, which reading a folder does without.
    import tensorflow_datasets as tfds

    builder = tfds.builder_from_directory(prepared)
    features = builder.info.features
    image, label = _keys(features, tfds.features)
    texts = {name for name in features if isinstance(features[name], tfds.features.Text)}
    make_room(folder.parent, builder.info.dataset_size)
    splits = [name for name in PARTS if name in builder.info.splits]
    total = sum(builder.info.splits[name].num_examples for name in splits)
    names: set[str] = set()
    for split in splits:
        examples = builder.as_dataset(split=split, decoders={image: tfds.decode.SkipDecoding()})
        for index, example in enumerate(tfds.as_numpy(examples)):
            told = {name: example[name].decode(errors="replace") for name in texts}
            file = told.get("filename", "")
            if not _is_usable(file, names):
                file = f"{split}/{index:06d}.{_ending(example[image], prepared)}"
            names.add(folded(file))
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            (folder / file).write_bytes(example[image])
            yield {
                "file": file,
                "class": features[label].int2str(example[label]),
                "patient": told.get("patient", ""),
                "split": split,
            }
            reporter.progress("unpacking", len(names), total)


def _is_usable(file: str, taken: set[str]) -> bool:
    """Return whether a file can have this name: inside the folder, an image, and the first."""
    return (
        is_safe(file)
        and has_image_name(file)
        and file == file.strip()
        and _NUMBERED.fullmatch(file) is None
        and folded(file) not in taken
    )


def _keys(features: Any, kinds: Any) -> tuple[str, str]:
    """Return the names of the one image and the one label of `features`."""
    images = [name for name in sorted(features) if isinstance(features[name], kinds.Image)]
    labels = [name for name in sorted(features) if isinstance(features[name], kinds.ClassLabel)]
    if len(images) != 1 or len(labels) != 1:
        raise DataError(
            "A TFDS set of image classification has one image and one class label. "
            f"Received: images {images}, labels {labels} among {sorted(features)}"
        )
    return images[0], labels[0]


def _ending(encoded: bytes, prepared: Path) -> str:
    if kind := format_of(encoded):
        return ENDINGS[kind][0].removeprefix(".")
    raise DataError(
        f"The images in {prepared} are of no format that is read ({', '.join(ENDINGS)}). "
        f"Received: {describe(encoded)}. Write them out as PNG files and pass the folder."
    )
