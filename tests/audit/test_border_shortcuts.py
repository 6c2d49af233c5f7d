"""A border that gives the class away is found; a class that only the middle shows is not."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlmath.audit.border_shortcuts import border_means, check_border, masked_grid
from dlmath.audit.image_stats import THUMBNAIL, ImageStats
from dlmath.audit.shortcuts import WARNS_ABOVE
from dlmath.data.sources import ImageRecord

CLASSES = ("well", "sick", "other")
MIDDLE = slice(16, 48)  # half of the sides: inside the default region


def data_set(labels, *, border=0.0, middle=0.0, per_patient=1, seed=0):
    """Noise, with `border` or `middle` grey levels added for each step of the class."""
    rng = np.random.default_rng(seed)
    coarse = rng.normal(110, 20, (len(labels), 16, 16))
    pictures = np.kron(coarse, np.ones((4, 4)))
    shift = np.zeros_like(pictures) + border * np.asarray(labels)[:, np.newaxis, np.newaxis]
    shift[:, MIDDLE, MIDDLE] = middle * np.asarray(labels)[:, np.newaxis, np.newaxis]
    thumbnails = (pictures + shift).clip(0, 255).astype(np.uint8)
    examples, stats = [], []
    for index, (label, thumbnail) in enumerate(zip(labels, thumbnails, strict=True)):
        name, patient = f"{index}.png", f"p{index // per_patient}"
        examples.append(ImageRecord(name, Path(name), CLASSES[label], None, patient, f"sha{index}"))
        stats.append(ImageStats(file=name, size=9, thumbnail=thumbnail))
    return examples, stats


def checked(labels, region=None, **options):
    (finding,) = check_border(*data_set(labels, **options), CLASSES, region)
    return finding


@pytest.mark.parametrize("number", [60, 400])
def test_a_planted_border_is_found_and_said(number):
    finding = checked(np.arange(number) % 2, border=15.0)

    assert (finding.kind, finding.severity) == ("border-shortcut", "warning")
    assert finding.figures["border"]["low"] > WARNS_ABOVE
    assert finding.figures["border"]["auc"] > 0.95
    assert finding.message.startswith(
        "With the middle of the picture masked (0.7 by 0.7 of it) the class is still predicted "
        "with AUC"
    )
    assert finding.message.endswith("a model can score that much without a look at the middle.")
    assert "border_swap" in finding.advice


def test_a_class_that_only_the_middle_shows_raises_no_alarm():
    for seed in range(8):
        finding = checked(np.arange(120) % 2, middle=40.0, seed=seed)
        assert finding.severity == "note"
        assert finding.advice == ""
        assert finding.message.startswith("No strong shortcut in the border:")
        for name in ("masked", "border"):
            assert finding.figures[name]["auc"] < 0.65


def test_noise_is_told_by_chance_alone():
    found = [checked(np.arange(60) % 2, seed=seed).figures for seed in range(20)]
    for name in ("masked", "border"):
        assert 0.44 < np.mean([figures[name]["auc"] for figures in found]) < 0.56


def test_a_named_region_masks_more_or_less():
    labels = np.arange(200) % 2
    inside_named = checked(labels, middle=40.0, region=(0.3, 0.3))
    whole = checked(labels, middle=40.0, region=(1.0, 0.6))

    assert inside_named.severity == "warning"  # half of the planted middle is not masked
    assert inside_named.figures["region"] == [0.3, 0.3]
    assert "0.3 by 0.3" in inside_named.message
    assert whole.figures["region"] == [0.7, 0.7]  # nothing smaller than the picture is named
    assert whole.severity == "note"


def test_of_several_classes_the_one_that_is_told_best_counts():
    labels = np.arange(180) % 3
    examples, stats = data_set((labels == 2).astype(int), border=20.0)
    examples = [replace(e, label=CLASSES[k]) for e, k in zip(examples, labels, strict=True)]

    (finding,) = check_border(examples, stats, CLASSES)

    assert finding.figures["border"]["class"] == "other"
    assert finding.severity == "warning"


def test_patients_are_apart_and_faults_left_out():
    """Each patient has a border of its own: that tells nothing of others."""
    labels = np.repeat(np.arange(12) % 2, 20)
    examples, stats = data_set(labels, per_patient=20)
    for index, one in enumerate(stats):
        stats[index] = replace(one, thumbnail=one.thumbnail // 2 + (index // 20 * 37 % 90))
    stats[0] = replace(stats[0], fault="truncated", thumbnail=None)

    (finding,) = check_border(examples, stats, CLASSES)

    assert (finding.figures["images"], finding.figures["patients"]) == (239, 12)
    assert finding.severity == "note"


def test_one_patient_of_a_class_is_too_few():
    assert check_border(*data_set([0, 0, 1]), CLASSES) == []


def test_the_masked_grid_and_the_means_are_those_of_a_known_picture():
    picture = np.full((1, THUMBNAIL, THUMBNAIL), 7.0)
    picture[:, :9] = 1.0  # above the region: it begins at 9.6
    picture[:, -9:] = 2.0
    picture[:, 10:54, 10:54] = 1_000.0  # the region of 0.7 by 0.7

    grid, means = masked_grid(picture, 0.7, 0.7), border_means(picture, 0.7, 0.7)

    # 16 x 16 less the 10 x 10 cells that lie in the region, whose pixels go from 10 to 53.
    assert grid.shape == (1, 156)
    assert grid.max() == 7.0
    assert means.shape == (1, 32)
    np.testing.assert_array_equal(means[0, :16], [1] * 8 + [2] * 8)
    np.testing.assert_allclose(means[0, 16:24], [1, (1 + 7 * 7) / 8, *[7] * 4, 51 / 8, 2])


@settings(max_examples=30, deadline=None)
@given(width=st.floats(0.05, 0.99), height=st.floats(0.05, 0.99), seed=st.integers(0, 99))
def test_what_lies_in_the_region_changes_nothing(width, height, seed):
    rng = np.random.default_rng(seed)
    one, other = rng.integers(0, 256, (2, 1, THUMBNAIL, THUMBNAIL)).astype(np.float32)
    place = np.abs((np.arange(THUMBNAIL) + 0.5) / THUMBNAIL - 0.5)
    inside = (place < height / 2)[:, np.newaxis] & (place < width / 2)
    mixed = np.where(inside, other, one)

    for features in (masked_grid, border_means):
        if features is border_means and max(width, height) > 1 - 2 / THUMBNAIL:
            continue  # one pixel of border is the least there is
        np.testing.assert_array_equal(features(one, width, height), features(mixed, width, height))
        assert np.isfinite(features(one, width, height)).all()
