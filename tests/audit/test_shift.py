"""Two sources are told apart, two halves of one are not."""

import json
from pathlib import Path

import numpy as np
import pytest

from dlmath.audit.image_stats import THUMBNAIL, ImageStats
from dlmath.audit.scan import scan_images
from dlmath.audit.shift import check_shift, shift_between
from dlmath.data.sources import ImageRecord, read_sources
from dlmath.models import RECIPES


def data_set(number, seed, part=None, shade=0, brightness=0, per_patient=1):
    """Noisy thumbnails, brighter on the left by `shade`; stats brighter by `brightness`."""
    rng = np.random.default_rng(seed)
    slope = np.linspace(shade / 2, -shade / 2, THUMBNAIL)
    examples, stats = [], []
    for index in range(number):
        thumbnail = rng.normal(120, 20, (THUMBNAIL, THUMBNAIL)) + slope
        name, patient = f"{index}.png", f"{seed}-{index // per_patient}"
        examples.append(ImageRecord(name, Path(name), "a", part, patient, f"sha {seed} {index}"))
        stats.append(
            ImageStats(
                file=name,
                size=int(rng.normal(9_000, 500)),
                width=64,
                height=64,
                mode="L",
                brightness=rng.normal(120 + brightness, 10),
                border=rng.normal(120, 10),
                border_spread=9.0,
                thumbnail=thumbnail.clip(0, 255).astype(np.uint8),
            )
        )
    return examples, stats


def between(a, b):
    return shift_between(*a, *b, ("the first", "the second"))


def test_two_halves_of_one_source_are_not_told_apart():
    for seed in range(5):
        finding = between(data_set(60, 2 * seed), data_set(40, 2 * seed + 1))
        assert finding.severity == "note"
        assert finding.figures["low"] < 0.5 < finding.figures["high"] + 0.1
        assert finding.figures["images"] == {"the first": 60, "the second": 40}


def test_a_brighter_source_is_told_by_that_statistic():
    finding = between(data_set(60, 0), data_set(60, 1, brightness=30))
    assert finding.severity == "warning"
    assert finding.figures["statistics"][0]["name"] == "mean brightness"
    assert "they differ most in mean brightness (+" in finding.message
    assert finding.figures["pictures_alone"]["low"] < 0.65


def test_other_pictures_are_told_though_every_statistic_is_alike():
    finding = between(data_set(60, 0), data_set(60, 1, shade=25))
    assert finding.figures["pictures_alone"]["low"] > 0.8
    assert all(one["p"] > 0.05 for one in finding.figures["statistics"])
    json.dumps(finding.figures, allow_nan=False)


def test_the_test_part_on_disk_is_told_from_the_others():
    train, test = data_set(40, 0, "train"), data_set(40, 1, "test", brightness=40)
    (finding,) = check_shift([*train[0], *test[0]], [*train[1], *test[1]])
    assert finding.message.startswith("A classifier tells the test part from the training part")
    assert check_shift(*train) == []
    assert check_shift(*test) == []
    assert check_shift(*data_set(10, 0)) == []


def test_a_patient_on_both_sides_is_scored_by_models_without_it():
    """Ten images of each of six patients: a model that knew the patients would tell the sides."""
    examples, stats = data_set(60, 0, per_patient=10)
    sides = np.arange(60) % 2 == 0
    parts = [
        [(e, f) for e, f, s in zip(examples, stats, sides, strict=True) if s == side]
        for side in (True, False)
    ]
    finding = between(*(tuple(zip(*part, strict=True)) for part in parts))
    assert finding.severity == "note"
    assert finding.figures["low"] < 0.5


@pytest.mark.parametrize("number", [0, 1])
def test_a_side_without_two_patients_cannot_be_told(number):
    finding = between(data_set(10, 0), data_set(number, 1))
    assert finding.severity == "note"
    assert "cannot be said" in finding.message


def test_faulty_files_are_left_out():
    examples, stats = data_set(20, 0)
    broken = [
        ImageStats(file=image.file, size=0, fault="empty", reason="empty") for image in stats[:5]
    ]
    finding = between((examples, [*broken, *stats[5:]]), data_set(20, 1))
    assert finding.figures["images"] == {"the first": 15, "the second": 20}


@pytest.mark.real_data
@pytest.mark.slow
def test_the_official_test_images_are_shifted(shared_data):
    dataset = read_sources(
        [shared_data / "chest_xray"], patient_rules=RECIPES["pneumonia"].patient_rules
    )
    (finding,) = check_shift(dataset.examples, scan_images(dataset.examples))
    assert finding.severity == "warning"
