"""Drawn red blood cells of a Giemsa-stained thin smear, with or without a malaria parasite.

Light that passes a stained cell is weakened in each colour by the dye it meets (Beer-Lambert),
so everything in a cell adds to a density, and the picture is `light * exp(-density)`.
Around the segmented cell the picture is black, as in the NLM's collection.

Coordinates: x and y from about -1 to 1, the cell's middle at 0, its mean radius 1.
"""

from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np
from scipy import ndimage

from dlmath.data.phantom_shapes import Field, bump, edge, length, smooth_noise

MEDIAN_SIZE = 130  # pixels across a cell, as in the NLM's collection
STEP = 3  # pixels; the collection's outlines were found on coarser pictures and have steps

# Density (natural logarithm) per unit of dye in red, green and blue.
EOSIN = np.array([0.14, 0.6, 0.54], np.float32)  # pink: haemoglobin
AZURE = np.array([0.45, 0.46, 0.16], np.float32)  # blue: cytoplasm, platelets
CHROMATIN = np.array([0.38, 1.75, 0.36], np.float32)  # magenta: what Giemsa makes of DNA
DIRT = np.array([0.96, 0.92, 0.83], np.float32)  # dried dye and dust


@dataclass(frozen=True)
class Stain:
    """Properties that all cells on one patient's slide share."""

    light: tuple[float, float, float]  # red, green and blue of the empty slide, 0..255
    eosin: float  # units of dye in a cell
    azure: float
    parasite: float  # how strongly parasites took the dye
    pallor: float  # how much thinner cells are in their middle
    blur: float  # of microscope and camera, in pixels

    @classmethod
    def draw(cls, generator: np.random.Generator) -> Self:
        """Draw one slide: salmon, lilac or bluish, pale or deep."""
        uniform = generator.uniform
        blueness = uniform(0.0, 1.0) ** 1.3
        return cls(
            light=(uniform(225, 250), uniform(218, 240), uniform(205, 240)),
            eosin=uniform(0.35, 0.8) * (1.15 - 0.75 * blueness),
            azure=0.1 + 0.7 * blueness * uniform(0.7, 1.2),
            parasite=uniform(0.75, 1.15),
            pallor=uniform(0.0, 0.5),
            blur=uniform(0.7, 1.6),
        )


class Cell(NamedTuple):
    """The points of one picture in a cell's coordinates, and the cell's own shape."""

    x: Field
    y: Field
    outline: Field  # signed distance from the cell's border, negative inside
    pixels: float  # pixels per unit length


def draw_cell(
    generator: np.random.Generator,
    *,
    parasitized: bool,
    difficulty: float = 0.5,
    size: int | None = None,
    stain: Stain | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Draw one red cell, cropped to its bounds.

    Args:
        generator: Where every number comes from; the same state gives the same picture.
        parasitized: With a ring form or a trophozoite, sometimes two.
        difficulty: 0 (large dark parasites, clean cells) to 1 (small pale ones, much else).
        size: Pixels across a round cell; drawn around `MEDIAN_SIZE` when left out.
        stain: The slide the cell is on; drawn as well when left out.

    Returns:
        The cell on black, uint8 (height, width, 3), and where the parasites lie,
        bool (height, width), all False in a healthy cell.
    """
    stain = stain or Stain.draw(generator)
    size = size or round(float(np.clip(MEDIAN_SIZE * generator.lognormal(0, 0.15), 48, 300)))
    cell = _shape(generator, size)
    density = _cytoplasm(generator, cell, stain)
    truth = np.zeros(cell.x.shape, bool)
    if parasitized:
        for _ in range(1 + (generator.random() < 0.12)):
            parasite, extent = _parasite(generator, cell, difficulty)
            density += stain.parasite * parasite
            truth |= extent
    # A parasite darkens its cell; more of the rest in healthy ones keeps darkness from telling.
    chance = (0.1 + 0.4 * difficulty) * (1.0 if parasitized else 1.4)
    density += _distractors(generator, cell, chance)
    return _photograph(generator, cell, stain, density, truth)


def _shape(generator: np.random.Generator, size: int) -> Cell:
    """A disc pulled out of round; some cells have a dent or a corner."""
    side = round(size * 1.4)
    axis = (np.arange(side, dtype=np.float32) - side / 2) / np.float32(size / 2)
    y, x = np.meshgrid(axis, axis, indexing="ij")
    angle, radius = np.arctan2(y, x), length(x, y)
    border = np.full_like(angle, 0.97)
    for waves, height in ((2, 0.06), (3, 0.035), (4, 0.02), (5, 0.012), (7, 0.008), (11, 0.006)):
        phase = generator.uniform(0, 2 * np.pi)
        border += abs(generator.normal(0, height)) * np.cos(waves * angle + phase)
    if generator.random() < 0.25:
        away = np.angle(np.exp(1j * (angle - generator.uniform(-np.pi, np.pi)))).astype(np.float32)
        border += generator.uniform(-0.3, 0.3) * bump(away, generator.uniform(0.15, 0.5))
    return Cell(x, y, radius - border, size / 2)


def _cytoplasm(generator: np.random.Generator, cell: Cell, stain: Stain) -> np.ndarray:
    """Density (H, W, 3) of haemoglobin: thinner in the middle and at the rim, unevenly dyed."""
    x, y = cell.x - generator.normal(0, 0.1), cell.y - generator.normal(0, 0.1)
    pallor = stain.pallor * generator.uniform(0.3, 1.3)
    pale = pallor * bump(length(x, y), generator.uniform(0.25, 0.5))
    rim = 0.35 * edge(-0.05 - cell.outline, 0.1)
    clouds = 0.05 * smooth_noise(generator, x.shape, 4)
    clouds += 0.025 * smooth_noise(generator, x.shape, 22)
    tilt = generator.normal(0, 0.06) * x + generator.normal(0, 0.06) * y
    thickness = (1.0 - pale - rim + clouds + tilt) * generator.uniform(0.85, 1.15)
    dyes = stain.eosin * EOSIN + stain.azure * AZURE
    return thickness[..., None] * dyes


def _place(generator: np.random.Generator, cell: Cell) -> tuple[Field, Field]:
    """Coordinates around a random point well inside the cell, turned by a random angle."""
    inside = np.flatnonzero(cell.outline < -0.12)
    point = inside[generator.integers(inside.size)]
    x, y = cell.x - cell.x.flat[point], cell.y - cell.y.flat[point]
    turn = generator.uniform(0, 2 * np.pi)
    cos, sin = float(np.cos(turn)), float(np.sin(turn))
    return cos * x + sin * y, cos * y - sin * x


def _parasite(
    generator: np.random.Generator, cell: Cell, difficulty: float
) -> tuple[np.ndarray, np.ndarray]:
    """One parasite: its density (H, W, 3) and where it lies (H, W)."""
    x, y = _place(generator, cell)
    scale = generator.uniform(0.16, 0.3) * (1.25 - 0.5 * difficulty)
    strength = generator.uniform(0.8, 1.2) * (1.2 - 0.75 * difficulty)
    wobble = 1.0 + 0.12 * smooth_noise(generator, x.shape, 12)
    x, y = x / scale * wobble, y / (scale * generator.uniform(0.65, 1.0)) * wobble
    draw = _ring_form if generator.random() < 0.65 else _trophozoite
    azure, chromatin = draw(generator, x, y)
    density = strength * (azure[..., None] * AZURE + chromatin[..., None] * CHROMATIN)
    extent = (length(x, y) < 1.25) & (cell.outline < 0)
    return density, extent


def _ring_form(generator: np.random.Generator, x: Field, y: Field) -> tuple[Field, Field]:
    """A young parasite: a thin ring around a vacuole, one or two dots of chromatin on it."""
    radius, angle = length(x, y), np.arctan2(y, x)
    thickness = 0.2 + 0.1 * np.cos(angle)
    ring = bump(radius - 0.85, thickness) * (0.75 + 0.25 * np.cos(angle))
    dots = np.zeros_like(x)
    for _ in range(1 + (generator.random() < 0.25)):
        at = generator.uniform(-0.9, 0.9)
        distance = length(x - 0.9 * float(np.cos(at)), y - 0.9 * float(np.sin(at)))
        dots = np.maximum(dots, edge(distance - generator.uniform(0.25, 0.42), 0.35))
    vacuole = -0.25 * bump(radius, 0.5)
    return 1.3 * ring + vacuole, 0.35 * ring + dots


def _trophozoite(generator: np.random.Generator, x: Field, y: Field) -> tuple[Field, Field]:
    """An older parasite: a compact clump of dark chromatin in a little blue cytoplasm."""
    ragged = length(x, y) - 0.75 + 0.2 * smooth_noise(generator, x.shape, 10)
    body = edge(ragged, 0.5)
    core = edge(length((x - 0.15) / 1.1, y / 0.75) - 0.55, 0.4)
    return 1.1 * body, 0.3 * body + 0.8 * core


def _distractors(generator: np.random.Generator, cell: Cell, chance: float) -> np.ndarray:
    """Draw what is no parasite and lies in cells of both classes: platelets, dirt, bubbles."""
    density = np.zeros((*cell.x.shape, 3), np.float32)
    for _ in range(generator.binomial(2, chance)):
        x, y = _place(generator, cell)
        draw = (_platelet, _dirt, _bubble)[generator.choice(3, p=(0.4, 0.35, 0.25))]
        density += draw(generator, x, y) * generator.uniform(0.6, 1.2)
    return density


def _platelet(generator: np.random.Generator, x: Field, y: Field) -> np.ndarray:
    """A pale, blurred, granular lilac body, larger than most parasites and without a dot."""
    scale = generator.uniform(0.2, 0.32)
    body = edge(length(x, 1.3 * y) / scale - 1.0, 0.9)
    grains = 0.8 + 0.25 * smooth_noise(generator, x.shape, 26)
    return (body * grains)[..., None] * (0.55 * AZURE + 0.2 * EOSIN)


def _dirt(generator: np.random.Generator, x: Field, y: Field) -> np.ndarray:
    """A small hard-edged speck, brownish black."""
    scale = generator.uniform(0.04, 0.1)
    ragged = length(x, y) / scale - 1.0 + 0.3 * smooth_noise(generator, x.shape, 30)
    return edge(ragged, 0.5)[..., None] * DIRT


def _bubble(generator: np.random.Generator, x: Field, y: Field) -> np.ndarray:
    """A refractile spot: bright, with a faint dark border of no colour."""
    radius = length(x, y) / generator.uniform(0.06, 0.14)
    return (0.12 * bump(radius - 1.2, 0.3) - 0.25 * bump(radius, 0.8))[..., None]


def _photograph(
    generator: np.random.Generator, cell: Cell, stain: Stain, density: np.ndarray, truth: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Pass light through, blur, add the camera's noise, cut the cell out and crop to it."""
    picture = np.array(stain.light, np.float32) * np.exp(-density)
    picture *= generator.uniform(0.92, 1.06)
    blur = stain.blur * cell.pixels * 2 / MEDIAN_SIZE
    picture = ndimage.gaussian_filter(picture, (blur, blur, 0))
    grain = generator.standard_normal(truth.shape, dtype=np.float32)
    picture += (ndimage.gaussian_filter(grain, 0.7) * generator.uniform(1.0, 5.0))[..., None]

    mask = cell.outline < 0.02 * smooth_noise(generator, cell.x.shape, 40)
    mask = np.repeat(np.repeat(mask[::STEP, ::STEP], STEP, axis=0), STEP, axis=1)
    mask = mask[: truth.shape[0], : truth.shape[1]]
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    crop = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    picture = np.rint(np.clip(picture, 0, 255)).astype(np.uint8) * mask[..., None]
    return picture[crop], (truth & mask)[crop]
