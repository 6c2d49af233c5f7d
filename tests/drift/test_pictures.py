"""What is measured of a picture follows what is done to it, and nothing else."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFilter

from dlmath.drift.pictures import NAMES, PICTURES, describe


def figures(image):
    (found,) = describe(np.asarray(image)[np.newaxis])
    return dict(zip(NAMES, found, strict=True))


@pytest.fixture
def noise():
    """A picture of grey noise whose levels stay away from both ends."""
    levels = np.random.default_rng(1).integers(60, 190, (56, 56, 1), np.uint8)
    return np.repeat(levels, 3, axis=2)


@settings(max_examples=25)
@given(st.integers(0, 255), st.integers(8, 40))
def test_a_plain_picture_has_one_level_and_no_edge(level, size):
    found = figures(np.full((size, size, 3), level, np.uint8))

    for name in ("mean", "quantile_05", "median", "quantile_95", "border"):
        assert found[name] == pytest.approx(level / 255, abs=1e-6)
    for name in ("edges", "detail", "grain", "red", "blue", "contrast"):
        assert found[name] == pytest.approx(0, abs=1e-5)  # the colours are float32
    assert found["black"] == (level <= 5)
    assert found["white"] == (level >= 250)


def test_levels_are_those_of_numpy(noise):
    found, levels = figures(noise), noise[..., 0] / 255

    assert found["mean"] == pytest.approx(levels.mean())
    assert found["contrast"] == pytest.approx(levels.std())
    for name, share in (("quantile_05", 0.05), ("median", 0.5), ("quantile_95", 0.95)):
        assert found[name] == pytest.approx(np.quantile(levels, share), abs=1 / 255)
    inner = np.zeros(levels.shape, bool)
    inner[2:-2, 2:-2] = True
    assert found["border"] == pytest.approx(levels[~inner].mean())


def test_less_contrast_draws_the_levels_together(noise):
    before = figures(noise)
    after = figures(np.rint(127.5 + 0.8 * (noise - 127.5)).astype(np.uint8))

    assert after["contrast"] == pytest.approx(0.8 * before["contrast"], rel=0.01)
    assert after["quantile_05"] > before["quantile_05"]
    assert after["quantile_95"] < before["quantile_95"]


def test_a_blur_lowers_all_that_measures_sharpness(noise):
    before = figures(noise)
    after = figures(Image.fromarray(noise).filter(ImageFilter.GaussianBlur(1)))

    assert all(after[name] < before[name] - 0.3 for name in ("edges", "detail", "grain"))
    assert after["mean"] == pytest.approx(before["mean"], abs=0.01)


def test_an_edge_is_detail_and_no_grain():
    halves = np.zeros((32, 32, 3), np.uint8)
    halves[:, 16:] = 200

    found = figures(halves)

    assert found["detail"] > 1
    assert found["grain"] == 0


def test_a_tint_is_told_from_light(noise):
    tinted = noise.copy()
    tinted[..., 0] += 20

    found, before = figures(tinted), figures(noise)

    assert found["red"] == pytest.approx(20 / 255 * (1 - 0.299), abs=1 / 255)
    assert found["blue"] < before["blue"]


def test_no_picture_has_no_row():
    assert describe(np.zeros((0, 8, 8, 3), np.uint8)).shape == (0, PICTURES)
