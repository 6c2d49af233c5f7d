"""Classes that differ by their files are found out; classes that do not raise no alarm."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dlmath.audit.image_stats import ImageStats
from dlmath.audit.scan import scan_images
from dlmath.audit.shortcuts import WARNS_ABOVE, check_shortcuts
from dlmath.data.sources import ImageRecord, read_sources
from dlmath.models import RECIPES

CLASSES = ("well", "sick", "other")


def data_set(labels, per_patient=1, seed=0, **shifts):
    """Examples with stats that are noise, but for `shifts` of a number by the class."""
    rng = np.random.default_rng(seed)
    examples, stats = [], []
    for index, label in enumerate(labels):
        number = {
            name: rng.normal(center, spread) + shifts.get(name, (0, 0, 0))[label]
            for name, (center, spread) in {
                "size": (5_000, 300),
                "width": (200, 10),
                "height": (180, 10),
                "brightness": (100, 8),
                "border": (20, 3),
            }.items()
        }
        name = f"{index}.png"
        patient = f"p{index // per_patient}"
        examples.append(
            ImageRecord(name, Path(name), CLASSES[label], None, patient, f"sha {index}")
        )
        stats.append(
            ImageStats(
                file=name,
                size=int(number["size"]),
                width=int(number["width"]),
                height=int(number["height"]),
                mode="RGB",
                brightness=number["brightness"],
                border=number["border"],
                border_spread=3.0,
            )
        )
    return examples, stats


def checked(labels, **options):
    (finding,) = check_shortcuts(*data_set(labels, **options), CLASSES)
    return finding


def alone(finding):
    return {one["name"]: one for one in finding.figures["alone"]}


@pytest.mark.parametrize("number", [30, 300])
def test_a_file_size_that_gives_the_class_away_is_named_first(number):
    finding = checked(np.arange(number) % 2, size=(0, 2_000, 0))
    assert finding.severity == "warning"
    assert finding.figures["alone"][0]["name"] == "file size"
    assert "only by file size with AUC" in finding.message
    assert alone(finding)["height"]["low"] < WARNS_ABOVE


def test_noise_raises_no_alarm_and_constants_are_left_out():
    for seed in range(8):
        finding = checked(np.arange(40) % 2, seed=seed)
        assert finding.severity == "note"
        assert finding.advice == ""
        assert not {"border spread", "colour mode", "JPEG quality"} & alone(finding).keys()


def test_noise_is_told_by_chance_alone():
    together = [
        checked(np.arange(60) % 2, seed=seed).figures["together"]["auc"] for seed in range(20)
    ]
    assert 0.44 < np.mean(together) < 0.56  # 20 areas of standard deviation 0.075 or so


def test_a_class_in_the_middle_is_told_too():
    examples, stats = data_set(np.arange(200) % 2)
    sizes = np.random.default_rng(1).normal(0, 1, 200)
    examples = [
        ImageRecord(e.file, e.path, CLASSES[int(abs(size) > 0.7)], None, e.patient, e.sha256)
        for e, size in zip(examples, sizes, strict=True)
    ]
    stats = [
        ImageStats(file=f.file, size=int(9_000 + 1_000 * size), width=9, height=9, mode="L")
        for f, size in zip(stats, sizes, strict=True)
    ]
    (finding,) = check_shortcuts(examples, stats, CLASSES)
    assert alone(finding)["file size"]["low"] > 0.95


def test_of_several_classes_the_one_that_is_told_best_counts():
    finding = checked(np.arange(120) % 3, brightness=(0, 0, 60))
    told = alone(finding)["mean brightness"]
    assert told["class"] == "other"
    assert told["low"] > 0.9
    assert finding.severity == "warning"


def test_images_of_one_patient_count_once():
    labels = np.repeat(np.arange(12) % 2, 20)
    finding = checked(labels, per_patient=20)
    assert finding.figures["patients"] == 12
    wide = alone(finding)["file size"]
    narrow = alone(checked(labels))["file size"]
    assert wide["high"] - wide["low"] > narrow["high"] - narrow["low"]


def test_the_mode_and_a_missing_quality_are_measurements():
    labels = np.arange(40) % 2
    examples, stats = data_set(labels)
    stats = [
        ImageStats(
            file=f.file, size=9, width=9, height=9, mode="L" if label else "RGB", quality=quality
        )
        for f, label, quality in zip(stats, labels, [None, 75] * 20, strict=True)
    ]
    (finding,) = check_shortcuts(examples, stats, CLASSES)
    assert alone(finding).keys() == {"colour mode", "JPEG quality"}
    assert all(one["auc"] == 1 for one in finding.figures["alone"])


def test_faulty_files_are_left_out():
    examples, stats = data_set(np.arange(40) % 2)
    broken = ImageStats(file=stats[0].file, size=0, fault="empty", reason="0.png is empty")
    (finding,) = check_shortcuts(examples, [broken, *stats[1:]], CLASSES)
    assert finding.figures["images"] == 39


@pytest.mark.parametrize("labels", [[], [0, 0, 0], [0, 0, 0, 1]])
def test_too_few_patients_are_said_to_be(labels):
    finding = checked(np.array(labels, int))
    assert finding.severity == "note"
    assert "cannot be said of" in finding.message


def test_files_that_are_all_alike_give_nothing_away():
    examples, _ = data_set(np.arange(8) % 2)
    same = [ImageStats(file=e.file, size=1, width=9, height=9, mode="L") for e in examples]
    (finding,) = check_shortcuts(examples, same, CLASSES)
    assert finding.message.startswith("No shortcut")


def advice_on(**changes):
    """Return the advice where the file size tells the class, and every other file has changes."""
    examples, stats = data_set(np.arange(60) % 2, size=(0, 2_000, 0))
    equal = [replace(one, width=9, height=9, format="JPEG", quality=75) for one in stats]
    other = [replace(one, **changes) if row % 4 > 1 else one for row, one in enumerate(equal)]
    (finding,) = check_shortcuts(examples, other, CLASSES)
    assert finding.severity == "warning"
    return finding.advice


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"width": 8}, "one size before"),
        ({"mode": "L"}, "one colour mode before"),
        ({"quality": 90}, "one compression before"),
        ({"format": "PNG", "quality": None}, "one compression before"),
        ({"height": 8, "quality": 90}, "one size and one compression before"),
    ],
)
def test_only_what_differs_is_to_be_made_equal(changes, what):
    assert f"Bring all classes to {what} training, and trust no result" in advice_on(**changes)


def test_where_all_files_are_compressed_alike_it_is_said_what_their_size_stands_for():
    advice = advice_on()
    assert "Bring all classes" not in advice
    assert "All files have one size, colour mode and compression already." in advice
    assert "how much detail, noise and contrast the picture holds" in advice


@pytest.mark.real_data
def test_the_originals_give_their_class_away_by_their_size(shared_data):
    dataset = read_sources(
        [shared_data / "chest_xray_original"], patient_rules=RECIPES["pneumonia"].patient_rules
    )
    stats = scan_images(dataset.examples)
    (finding,) = check_shortcuts(dataset.examples, stats, dataset.classes)
    assert finding.figures["images"] == 30
    assert finding.severity == "warning"
    size = alone(finding)["file size"]
    assert size["low"] > WARNS_ABOVE
    assert size["auc"] > 0.9


@pytest.mark.parametrize(("known", "unseen"), [(True, "patients"), (False, "images")])
def test_what_was_unseen_is_named_as_far_as_it_is_known(known, unseen):
    examples, stats = data_set(np.arange(120) % 3)
    if not known:
        examples = [replace(example, patient=None) for example in examples]
    (finding,) = check_shortcuts(examples, stats, CLASSES)
    assert finding.message.endswith(f"on unseen {unseen}.")
    assert (finding.figures["patients"] is None) == (not known)
