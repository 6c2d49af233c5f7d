"""Contact sheet: some images of each class on one picture, to look at before training."""

import io
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from PIL import Image, ImageDraw, ImageFont

from dlmath.data.image_headers import BadImage
from dlmath.data.images import read_upright
from dlmath.data.sources import Dataset, ImageRecord
from dlmath.errors import DataError
from dlmath.runs import write_bytes
from dlmath.seeds import generator

TILE = 176  # pixels a side; a larger image is made smaller, a smaller one is left as it is
COLUMNS = 8
GAP = 10
CAPTION = 18  # height of the line with a file's name
TITLE = 34
PAPER, INK, FAINT, HOLE = "white", "black", "#555555", "#dddddd"


def write_contact_sheet(dataset: Dataset, out: Path, per_class: int = 8, seed: int = 0) -> Path:
    """Draw up to `per_class` images of each class, with class titles and file names, as a PNG.

    The images are chosen by `seed`, of as many patients as possible. A file that cannot be read
    leaves a grey tile that says so.

    Args:
        dataset: The images to choose from.
        out: The picture to write.
        per_class: Number of images of each class, at least 1.
        seed: Another seed chooses others.

    Returns:
        `out`.

    Raises:
        DataError: There is nothing to draw, or `out` cannot be written.
    """
    if per_class < 1 or not dataset.examples:
        raise DataError(
            "A sheet needs images. "
            f"Received: per_class={per_class}, {len(dataset.examples)} images."
        )
    buffer = io.BytesIO()
    _draw(dataset, per_class, seed).save(buffer, "PNG")
    try:
        write_bytes(Path(out), buffer.getvalue())
    except OSError as error:
        raise DataError(f"Cannot write {out}: {error.strerror}. Pass another --out.") from error
    return Path(out)


def choose(examples: Sequence[ImageRecord], count: int, *key: int | str) -> list[ImageRecord]:
    """Return up to `count` examples in random order, one of each patient before two of any."""
    order = generator("sheet", *key).permutation(len(examples))
    shuffled = [examples[index] for index in order]
    seen: dict[str | None, int] = {}
    turns = []
    for example in shuffled:
        turns.append(seen.get(example.patient, 0))
        seen[example.patient] = turns[-1] + 1
    by_turn = sorted(range(len(shuffled)), key=lambda index: turns[index])  # stable: still shuffled
    return [shuffled[index] for index in by_turn[:count]]


def _draw(dataset: Dataset, per_class: int, seed: int) -> Image.Image:
    groups = {
        name: [example for example in dataset.examples if example.label == name]
        for name in dataset.classes
    }
    columns = min(per_class, COLUMNS)
    rows = {name: -(-min(per_class, len(group)) // columns) for name, group in groups.items()}
    row_height = TILE + CAPTION + GAP
    height = TITLE + sum(TITLE + count * row_height for count in rows.values()) + GAP
    sheet = Image.new("RGB", (GAP + columns * (TILE + GAP), height), PAPER)
    _text(sheet, (GAP, GAP), _headline(dataset), 16, FAINT)
    top = TITLE
    for name, group in groups.items():
        _text(sheet, (GAP, top + 6), f"{name}  ({len(group):,})", 20, INK)
        for index, example in enumerate(choose(group, per_class, seed, name)):
            row, column = divmod(index, columns)
            _place(sheet, example, GAP + column * (TILE + GAP), top + TITLE + row * row_height)
        top += TITLE + rows[name] * row_height
    return sheet


def _headline(dataset: Dataset) -> str:
    origin = "drawn, not real: " if dataset.phantom else ""
    names = ", ".join(PurePosixPath(source).name or source for source in dataset.sources)
    return f"{origin}{names}, {len(dataset.examples):,} images"


def _place(sheet: Image.Image, example: ImageRecord, left: int, top: int) -> None:
    try:
        tile = read_upright(example.path, example.file).convert("RGB")
    except BadImage:
        tile = Image.new("RGB", (TILE, TILE), HOLE)
        _text(tile, (GAP, TILE // 2), "cannot be read", 14, FAINT)
    tile.thumbnail((TILE, TILE))
    sheet.paste(tile, (left + (TILE - tile.width) // 2, top + (TILE - tile.height) // 2))
    _text(sheet, (left, top + TILE + 2), PurePosixPath(example.file).name, 11, INK, TILE)


def _text(
    picture: Image.Image,
    at: tuple[int, int],
    text: str,
    size: int,
    fill: str,
    width: int | None = None,
) -> None:
    """Write one line, with dots in the place of its middle where it is longer than `width`."""
    font = ImageFont.load_default(size=size)
    kept = text
    while width and len(text) > 4 and font.getlength(kept) > width:
        middle = len(text) // 2
        text = text[:middle] + text[middle + 1 :]
        kept = text[:middle] + "…" + text[middle:]
    ImageDraw.Draw(picture).text(at, kept, fill=fill, font=font)
