"""Contact sheet: some images of each class on one picture, to look at before training."""

import io
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path, PurePosixPath

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from dlmath.data import images
from dlmath.data.image_headers import BadImage
from dlmath.data.sources import Dataset, ImageRecord
from dlmath.errors import DataError
from dlmath.output_files import write_output
from dlmath.recipe import Recipe
from dlmath.seeds import generator, tensorflow_seed

TILE = 176  # pixels a side; a larger image is made smaller, a smaller one is left as it is
COLUMNS = 8
GAP = 10
CAPTION = 18  # height of the line with a file's name
TITLE = 34
PAPER, INK, FAINT, HOLE = "white", "black", "#555555", "#dddddd"


def write_contact_sheet(
    dataset: Dataset,
    out: Path,
    per_class: int = 8,
    seed: int = 0,
    augmented: Recipe | None = None,
) -> Path:
    """Draw up to `per_class` images of each class, with class titles and file names, as a PNG.

    The images are chosen by `seed`, of as many patients as possible. A file that cannot be read
    leaves a grey tile that says so.

    Args:
        dataset: The images to choose from.
        out: The picture to write.
        per_class: Number of images of each class, at least 1.
        seed: Another seed chooses others.
        augmented: Show them as training by this recipe would see them, as one batch: resized and
            augmented. None: as they are.

    Returns:
        `out`.

    Raises:
        DataError: There is nothing to draw, or nothing is augmented.
        UserError: `out` cannot be written.
    """
    if per_class < 1 or not dataset.examples:
        raise DataError(
            "A sheet needs images. "
            f"Received: per_class={per_class}, {len(dataset.examples)} images."
        )
    buffer = io.BytesIO()
    groups = _chosen(dataset, per_class, seed)
    tiles = {} if augmented is None else _augmented_tiles(groups, augmented, seed)
    _draw(dataset, groups, per_class, tiles).save(buffer, "PNG")
    write_output(out, buffer.getvalue(), "--out")
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


def _chosen(dataset: Dataset, per_class: int, seed: int) -> dict[str, list[ImageRecord]]:
    return {
        name: choose([e for e in dataset.examples if e.label == name], per_class, seed, name)
        for name in dataset.classes
    }


def _augmented_tiles(
    groups: Mapping[str, Sequence[ImageRecord]], recipe: Recipe, seed: int
) -> dict[str, Image.Image]:
    """Return tiles by the file's name, augmented as one batch; files that cannot be read have none.

    Raises:
        DataError: The recipe augments nothing.
    """
    from dlmath.data import augment  # with TensorFlow, which a plain sheet does without

    if not recipe.augments:
        raise DataError(
            f"The recipe of {recipe.name} augments nothing. Received: {recipe.name}. Set a field "
            "such as rotation, zoom or border_swap in a recipe.toml (dlmath new)."
        )
    read: dict[str, np.ndarray] = {}
    for example in (example for group in groups.values() for example in group):
        with suppress(BadImage):
            read[example.file] = images.read(example.path, example.file, recipe.image_size)
    if not read:
        return {}
    pixels = np.stack(list(read.values())).astype(np.float32)
    drawn = augment.draw(recipe, len(pixels), tensorflow_seed(seed, "sheet"))
    batch = augment.apply(pixels, drawn).numpy().round().astype(np.uint8)
    return {file: Image.fromarray(tile) for file, tile in zip(read, batch, strict=True)}


def _draw(
    dataset: Dataset,
    groups: Mapping[str, Sequence[ImageRecord]],
    per_class: int,
    tiles: Mapping[str, Image.Image],
) -> Image.Image:
    columns = min(per_class, COLUMNS)
    counts = Counter(example.label for example in dataset.examples)
    rows = {name: -(-len(group) // columns) for name, group in groups.items()}
    row_height = TILE + CAPTION + GAP
    height = TITLE + sum(TITLE + count * row_height for count in rows.values()) + GAP
    sheet = Image.new("RGB", (GAP + columns * (TILE + GAP), height), PAPER)
    headline = _headline(dataset) + (", augmented" if tiles else "")
    _text(sheet, (GAP, GAP), headline, 16, FAINT)
    top = TITLE
    for name, group in groups.items():
        _text(sheet, (GAP, top + 6), f"{name}  ({counts[name]:,})", 20, INK)
        for index, example in enumerate(group):
            row, column = divmod(index, columns)
            tile = tiles.get(example.file) or _tile(example)
            _place(
                sheet, tile, example, GAP + column * (TILE + GAP), top + TITLE + row * row_height
            )
        top += TITLE + rows[name] * row_height
    return sheet


def _headline(dataset: Dataset) -> str:
    origin = "drawn, not real: " if dataset.phantom else ""
    names = ", ".join(PurePosixPath(source).name or source for source in dataset.sources)
    return f"{origin}{names}, {len(dataset.examples):,} images"


def _tile(example: ImageRecord) -> Image.Image:
    try:
        return images.read_upright(example.path, example.file).convert("RGB")
    except BadImage:
        tile = Image.new("RGB", (TILE, TILE), HOLE)
        _text(tile, (GAP, TILE // 2), "cannot be read", 14, FAINT)
        return tile


def _place(
    sheet: Image.Image, tile: Image.Image, example: ImageRecord, left: int, top: int
) -> None:
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
