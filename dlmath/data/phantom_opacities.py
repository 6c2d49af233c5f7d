"""Pneumonia in a drawn chest X-ray: where, and by how much, the air of the lungs is filled."""

import numpy as np

from dlmath.data.phantom_shapes import Field, bump, edge, length, smooth_noise

ATTEMPTS = 20
SEEN = 0.1  # the least share of the lungs that an opacity covers


def draw_opacity(
    generator: np.random.Generator,
    u: Field,
    v: Field,
    air: Field,
    kind: str | None,
    difficulty: float,
) -> tuple[Field, np.ndarray]:
    """Draw how the air of the lungs is filled.

    Args:
        generator: Where the numbers come from.
        u: Across the picture, (H, W), the patient's middle at 0.
        v: Down the picture, (H, W).
        air: Thickness of air in the lungs, 0..1, (H, W).
        kind: `bacteria`, `virus`, or None for healthy lungs.
        difficulty: 0 (dense) to 1 (faint).

    Returns:
        The filled share of the air, float (H, W) in 0..1, and where it is worth pointing at,
        bool (H, W). Healthy lungs have a fine texture too, which counts as filled.
    """
    texture = 0.05 * smooth_noise(generator, u.shape, 56)
    texture += 0.04 * smooth_noise(generator, u.shape, 20)
    density = np.float32(1.2 - 0.6 * difficulty)
    if kind is None:
        return texture, np.zeros(u.shape, bool)
    draw = _consolidation if kind == "bacteria" else _interstitial
    lungs = air > 0.25
    for _ in range(ATTEMPTS):  # a patch behind the heart fills no air: no one could see it
        extent, filled = draw(generator, u, v)
        truth = (extent > 0.35) & lungs
        if truth.sum() > SEEN * lungs.sum():
            break
    return np.clip(texture + density * filled, -0.3, 0.95), truth


def _consolidation(generator: np.random.Generator, u: Field, v: Field) -> tuple[Field, Field]:
    """One dense patch with a ragged edge, sometimes two, crossed by air-filled bronchi."""
    extent = np.zeros_like(u)
    outline = 0.3 * smooth_noise(generator, u.shape, 5)
    outline += 0.16 * smooth_noise(generator, u.shape, 15)
    for _ in range(1 + (generator.random() < 0.35)):
        across = u if generator.random() < 0.5 else -u
        x = (across - generator.uniform(0.22, 0.6)) / generator.uniform(0.2, 0.42)
        y = (v - generator.uniform(-0.5, 0.5)) / generator.uniform(0.2, 0.42)
        ragged = length(x, y) - 0.9 + outline
        extent = np.maximum(extent, edge(ragged, generator.uniform(0.6, 1.3)))
    # Fluffy where alveoli are filled unevenly, with dark lines: bronchi that still hold air.
    fluffy = 0.85 + 0.26 * smooth_noise(generator, u.shape, 42)
    bronchi = bump(smooth_noise(generator, u.shape, 18), 0.25)
    return extent, extent * np.clip(fluffy - 0.3 * bronchi, 0.05, 1.2)


def _interstitial(generator: np.random.Generator, u: Field, v: Field) -> tuple[Field, Field]:
    """A net of fine streaks and small knots in both lungs, densest around the hila."""
    reach = generator.uniform(0.32, 0.6)
    centre = generator.uniform(-0.1, 0.2)
    around_hila = bump(length(np.abs(u) - 0.3, v - centre), reach)
    extent = around_hila * np.clip(1.0 + 0.3 * smooth_noise(generator, u.shape, 4), 0.2, 1.4)
    # The zeros of smooth noise are closed curves: drawn thick they look like thickened septa.
    septa = bump(smooth_noise(generator, u.shape, 30), 0.5)
    knots = np.clip(smooth_noise(generator, u.shape, 36), 0.0, None)
    strands = bump(smooth_noise(generator, u.shape, 17), 0.25)
    net = 0.1 + 0.38 * septa + 0.28 * knots + 0.2 * strands
    return extent, extent * np.clip(net, 0.0, 1.1)
