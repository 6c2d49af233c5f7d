"""Drawn chest X-rays: what a frontal film of a child looks like, with or without pneumonia.

A film shows how much each ray was weakened on its way through the body. So each tissue adds
its part to one attenuation map (a full thickness of soft tissue is 1, lungs take away, bones
add), and the map is exposed like a film at the end. An opacity fills air with fluid: it can
take back as much attenuation as the air took away, and no more.

Coordinates: u from -1 (left of the picture, the patient's right) to 1, v from -1 (top) to 1.
"""

from dataclasses import dataclass
from typing import Literal, Self

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from scipy import ndimage

from dlmath.data.phantom_opacities import draw_opacity
from dlmath.data.phantom_shapes import (
    Field,
    bump,
    dome,
    edge,
    length,
    segment_distance,
    smooth_noise,
)

Opacity = Literal["bacteria", "virus"]

AIR_DEPTH = 0.56  # attenuation that a full thickness of lung takes away
RIBS = 10


@dataclass(frozen=True)
class Anatomy:
    """Anatomy of one patient, the same in every film. Lengths in half pictures."""

    cage_width: float  # half the inner width of the rib cage at its widest
    cage_top: float  # v of the lungs' apices
    domes: tuple[float, float]  # v of the diaphragm's two tops, left of the picture first
    heart: tuple[float, float]  # half width and half height
    mediastinum: float  # half width above the heart
    rib_pitch: float  # distance of neighbouring ribs
    rib_width: float
    rib_sweep: float  # how far a rib comes down between the spine and the side
    fat: float  # thickness of soft tissue around the cage

    @classmethod
    def draw(cls, generator: np.random.Generator) -> Self:
        """Draw one patient."""
        uniform = generator.uniform
        right_dome = uniform(0.42, 0.62)
        return cls(
            cage_width=uniform(0.66, 0.8),
            cage_top=uniform(-0.86, -0.68),
            domes=(right_dome, right_dome + uniform(0.0, 0.1)),
            heart=(uniform(0.27, 0.38), uniform(0.36, 0.46)),
            mediastinum=uniform(0.13, 0.2),
            rib_pitch=uniform(0.155, 0.19),
            rib_width=uniform(0.03, 0.042),
            rib_sweep=uniform(0.2, 0.36),
            fat=uniform(0.08, 0.18),
        )


@dataclass(frozen=True)
class FilmPose:
    """Pose of one film: its points in the patient's coordinates, and how the patient lies on it."""

    u: Field
    v: Field
    breath: float  # how far the diaphragm is down; negative: breathed out
    turn: float  # rotation about the body's axis: shifts the middle, lightens one side
    aeration: float  # how much air a breath leaves in the lungs, 1 in the mean
    arms_up: bool

    @classmethod
    def draw(cls, generator: np.random.Generator, size: int) -> Self:
        """Draw the pose of one film of `size` x `size` pixels."""
        axis = ((np.arange(size, dtype=np.float32) + 0.5) / size) * 2 - 1
        v, u = np.meshgrid(axis, axis, indexing="ij")
        angle, zoom = np.radians(generator.normal(0, 2.5)), generator.uniform(0.85, 1.15)
        u, v = u - generator.normal(0, 0.08), v - generator.normal(0, 0.08)
        cos, sin = np.float32(np.cos(angle) / zoom), np.float32(np.sin(angle) / zoom)
        u, v = cos * u + sin * v, cos * v - sin * u
        # Nobody is as symmetric as a formula.
        u = u + 0.02 * smooth_noise(generator, u.shape, 3)
        v = v + 0.02 * smooth_noise(generator, v.shape, 3)
        return cls(
            u=u,
            v=v,
            breath=generator.normal(0, 0.05),
            turn=generator.normal(0, 1.0),
            aeration=generator.uniform(0.75, 1.15),
            arms_up=bool(generator.random() < 0.6),
        )


def draw_chest_xray(
    generator: np.random.Generator,
    *,
    opacity: Opacity | None,
    difficulty: float = 0.5,
    size: int = 224,
    anatomy: Anatomy | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Draw one frontal chest X-ray.

    Args:
        generator: Where every number comes from; the same state gives the same picture.
        opacity: `bacteria` (one or two dense patches, often a lobe), `virus` (fine streaks in
            both lungs, around the hila), or None for a normal film.
        difficulty: 0 (dense opacities, plain films) to 1 (faint ones among look-alikes).
        size: Height and width in pixels.
        anatomy: The patient; drawn as well when left out.

    Returns:
        The film, uint8 (size, size), bright where little passes; and where the opacity lies,
        bool (size, size), all False for a normal film.
    """
    anatomy = anatomy or Anatomy.draw(generator)
    pose = FilmPose.draw(generator, size)
    air = _air(pose, anatomy)
    filled, truth = draw_opacity(generator, pose.u, pose.v, air, opacity, difficulty)
    attenuation = (
        _soft_tissue(pose, anatomy)
        - AIR_DEPTH * pose.aeration * air * (1.0 - filled)
        + 0.2 * _ribs(generator, pose, anatomy)
        + 0.15 * _spine(generator, pose)
        + 0.16 * _clavicles(generator, pose)
        + 0.34 * air * _vessels(generator, pose)
        + _gas_bubble(generator, pose, anatomy)
        + _veil(generator, pose, difficulty)
        + _lines(generator, pose, difficulty)
    )
    return _expose(generator, attenuation), truth


def _middle(pose: FilmPose) -> Field:
    """Distance from the body's middle line, which a turned patient shifts."""
    return pose.u - np.float32(0.03 * pose.turn)


def _soft_tissue(pose: FilmPose, anatomy: Anatomy) -> Field:
    u, v = pose.u, pose.v
    width = anatomy.cage_width + anatomy.fat
    shoulders = 0.35 * np.clip(-0.35 - v, 0.0, None)
    torso = dome(u, width) ** 0.7 * 0.2 + 0.72 * edge(np.abs(u) - width - shoulders, 0.05)
    torso *= edge(-0.93 + 0.25 * np.abs(u) - v, 0.12)  # nothing above the shoulders
    neck = dome(u, 0.33) * edge(v + 0.5, 0.5)
    head = dome(length(u / 0.62, (v + 1.32) / 0.5), 1.0)
    arms = np.zeros_like(u)
    for side in (-1.0, 1.0):
        hand = (side * 1.25, -1.3) if pose.arms_up else (side * 1.35, 0.9)
        distance = segment_distance(u, v, (side * (width - 0.02), -0.62), hand)
        arms = np.maximum(arms, 0.6 * dome(distance, 0.24) + 0.3 * dome(distance, 0.07))
    body = np.maximum(np.maximum(torso, arms), 0.8 * neck)
    belly = 0.16 * edge(anatomy.domes[0] + pose.breath - v, 0.5) * dome(u, width)
    return np.maximum(body + belly, 1.1 * head)


def _air(pose: FilmPose, anatomy: Anatomy) -> Field:
    """Thickness of air along the ray, 0..1: the cage without heart, middle and abdomen."""
    u, v, middle = pose.u, pose.v, _middle(pose)
    rise = np.clip((0.25 - v) / (0.25 - anatomy.cage_top), 0.0, None)
    inside = 1.0 - np.abs(u / anatomy.cage_width) ** 2.4 - rise**2.6
    air = np.clip(inside, 0.0, None) ** 0.38
    centre = anatomy.mediastinum * (1.0 + 0.25 * bump(v + 0.75, 0.25))
    air *= edge(centre - np.abs(middle), 0.07)
    air *= edge(1.0 - _heart_distance(middle, v, anatomy, pose.breath), 0.16)
    for side, top in zip((-1.0, 1.0), anatomy.domes, strict=True):
        across = (side * u - 0.36) / 0.4
        floor = top + pose.breath + 0.17 * across**2 + 0.08 * np.clip(across, 0, None) ** 4
        air *= np.where(side * u > 0, edge(v - floor, 0.035), 1.0)
    return air.astype(np.float32)


def _heart_distance(middle: Field, v: Field, anatomy: Anatomy, breath: float) -> Field:
    """1 on the outline of the heart, smaller inside. It lies to the right of the picture."""
    width, height = anatomy.heart
    x = middle - 0.14
    y = v - (anatomy.domes[0] + breath - 0.2)
    tilted = x - 0.35 * y
    return length(tilted / width, y / height)


def _ribs(generator: np.random.Generator, pose: FilmPose, anatomy: Anatomy) -> Field:
    """Each rib as a ring seen from the front: the upper arc behind, the fainter lower before."""
    total = np.zeros_like(pose.u)
    for number in range(RIBS):
        spine_v = anatomy.cage_top + 0.07 + number * anatomy.rib_pitch
        sweep = anatomy.rib_sweep * generator.uniform(0.93, 1.07) * (0.6 + 0.06 * number)
        side_v = spine_v + sweep
        rise = max(0.25 - side_v, 0.0) / (0.25 - anatomy.cage_top)
        reach = (anatomy.cage_width + 0.03) * (1.0 - rise**2.6) ** (1 / 2.4)
        rows = np.flatnonzero((np.abs(pose.v - side_v) < sweep + 0.06).any(axis=1))
        if not rows.size:
            continue
        near = slice(rows[0], rows[-1] + 1)  # a rib crosses a third of the film: compute no more
        x, y = np.abs(pose.u[near]) / reach, (pose.v[near] - side_v) / sweep
        radius = length(x, y) + 1e-3
        slope = length(x / reach, y / sweep) / radius  # how fast the radius grows
        across = (radius - 1.0) / (slope * anatomy.rib_width)
        # The cortex is denser than the marrow, so a rib is brightest at its two edges.
        profile = edge(np.abs(across) - 1.0, 0.5) * (0.6 + 0.4 * np.clip(across, -1, 1) ** 2)
        before = edge(0.5 - x, 0.3) * 0.5
        total[near] = np.maximum(total[near], profile * np.where(y < 0, 1.0, before))
    # Outside the lungs scatter drowns most of the ribs' contrast.
    return total * (1.0 - 0.5 * edge(anatomy.domes[0] + pose.breath - pose.v, 0.3))


def _spine(generator: np.random.Generator, pose: FilmPose) -> Field:
    middle = _middle(pose)
    phase, pitch = generator.uniform(0, 1), generator.uniform(0.14, 0.17)
    cycle = np.cos(2 * np.pi * (pose.v / np.float32(pitch) + np.float32(phase)))
    waist = 0.1 + 0.012 * cycle
    bodies = edge(np.abs(middle) - waist, 0.05) * (0.75 + 0.25 * np.clip(2 * cycle, -1, 1))
    processes = 0.5 * bump(middle, 0.018) * np.clip(cycle, 0, None)
    windpipe = 0.5 * bump(middle - 0.01, 0.04) * edge(pose.v + 0.25, 0.3)
    return bodies + processes - windpipe


def _clavicles(generator: np.random.Generator, pose: FilmPose) -> Field:
    total = np.zeros_like(pose.u)
    for side in (-1.0, 1.0):
        inner = generator.uniform(-0.7, -0.58)
        outer = inner - generator.uniform(0.02, 0.2) - 0.1 * pose.arms_up
        x = (side * pose.u - 0.1) / 0.6
        line = inner + (outer - inner) * x + 0.035 * np.sin(2 * np.pi * np.clip(x, 0, 1))
        shape = edge(np.abs(pose.v - line) - 0.028, 0.025) * edge(np.abs(x - 0.5) - 0.5, 0.1)
        total += shape
    return total


def _vessels(generator: np.random.Generator, pose: FilmPose) -> Field:
    """Lung vessels: curves that leave each hilum like spokes, thinner the farther they get."""
    total = np.zeros_like(pose.u)
    wander = 0.15 * smooth_noise(generator, pose.u.shape, 9)
    for side in (-1.0, 1.0):
        x, y = side * _middle(pose) - 0.17, pose.v - 0.02
        radius, angle = length(x, y) + 1e-3, np.arctan2(y, x) + wander
        nearest = np.full_like(radius, np.pi)  # angle to the nearest vessel
        for _ in range(8):
            start, bend = generator.uniform(-1.3, 1.5), generator.normal(0, 0.6)
            nearest = np.minimum(nearest, np.abs(angle - start - bend * radius))
        fade = np.exp(-radius / generator.uniform(0.25, 0.4))
        vessels = fade * bump(nearest * radius, 0.006 + 0.016 * fade)
        total += vessels * (1.0 - bump(radius, 0.1)) + 0.45 * bump(radius, 0.11)
    return total * generator.uniform(0.6, 1.3)


def _gas_bubble(generator: np.random.Generator, pose: FilmPose, anatomy: Anatomy) -> Field:
    """Gas in the stomach, under the diaphragm at the right of the picture, in some films."""
    if generator.random() > 0.5:
        return np.zeros_like(pose.u)
    x = (pose.u - generator.uniform(0.3, 0.5)) / generator.uniform(0.12, 0.28)
    y = (pose.v - anatomy.domes[1] - pose.breath - 0.24) / generator.uniform(0.08, 0.14)
    return -0.3 * dome(length(x, y), 1.0) ** 1.5


def _veil(generator: np.random.Generator, pose: FilmPose, difficulty: float) -> Field:
    """Unevenness that is no disease: a turned patient, folds of skin, scatter."""
    slope = 0.06 * pose.turn * pose.u
    clouds = 0.05 * smooth_noise(generator, pose.u.shape, 3)
    fold = segment_distance(
        pose.u,
        pose.v,
        (generator.uniform(-0.7, 0.7), generator.uniform(-0.5, 0.3)),
        (generator.uniform(-0.7, 0.7), generator.uniform(0.3, 1.0)),
    )
    strength = generator.uniform(0.0, 0.12) * difficulty * (generator.random() < 0.5)
    return slope + clouds + strength * bump(fold, generator.uniform(0.03, 0.12))


def _lines(generator: np.random.Generator, pose: FilmPose, difficulty: float) -> Field:
    """Tubes and leads over the patient, in a part of the films of either class."""
    total = np.zeros_like(pose.u)
    for _ in range(generator.binomial(2, 0.1 + 0.25 * difficulty)):
        swing, beat = generator.uniform(0.05, 0.3), generator.uniform(1.0, 4.0)
        phase = beat * pose.v + generator.uniform(0, 2 * np.pi)
        path = generator.uniform(-0.8, 0.8) + swing * np.sin(phase)
        slope = np.hypot(1.0, swing * beat * np.cos(phase))
        total += 0.2 * edge(np.abs(pose.u - path) / slope - 0.008, 0.012)
    return total


def _expose(generator: np.random.Generator, attenuation: Field) -> np.ndarray:
    """Turn attenuation into grey levels as a digital system does: window, tone, noise, marker.

    The tone curve is bent until the mean grey is a drawn one, so brightness says nothing
    about the class, as in a department where every film is set by eye.
    """
    size = attenuation.shape[0]
    grain = generator.standard_normal(attenuation.shape, dtype=np.float32)
    attenuation = attenuation + generator.uniform(0.004, 0.024) * ndimage.gaussian_filter(
        grain, 0.6
    )
    attenuation = ndimage.gaussian_filter(attenuation, generator.uniform(0.4, 0.9) * size / 224)
    low, high = np.percentile(attenuation, (1.0, 99.5))
    low -= generator.uniform(0.0, 0.05)
    level = np.clip((attenuation - low) / (high - low), 1e-3, 1.0)
    level = 1.0 - np.exp(-generator.uniform(0.8, 2.0) * level)  # the film's shoulder
    level /= level.max()
    level **= np.float32(_tone(level[::4, ::4], generator.uniform(0.4, 0.56)))
    film = Image.fromarray(np.rint(255 * level).astype(np.uint8))
    if generator.random() < 0.85:
        _mark_side(generator, film)
    return np.asarray(film)


def _tone(level: Field, target: float) -> float:
    """Return the exponent that gives `level` the mean `target`; levels and target in (0, 1)."""
    exponent = 1.0
    for _ in range(6):  # the mean falls steadily with the exponent, so this settles quickly
        exponent *= np.log(target) / np.log((level**exponent).mean())
    return exponent


def _mark_side(generator: np.random.Generator, film: Image.Image) -> None:
    """Set the lead letter that radiographers lay next to the patient's right."""
    size = film.width
    place = generator.uniform((0.02, 0.03), (0.1, 0.6)) * size
    font = ImageFont.load_default(size=size * generator.uniform(0.045, 0.08))
    ImageDraw.Draw(film).text(tuple(place), "R", fill=int(generator.integers(190, 256)), font=font)
