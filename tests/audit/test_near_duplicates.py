import hashlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dlmath.audit.near_duplicates import check_near_duplicates
from dlmath.audit.scan import scan_images
from dlmath.data.phantom import write_phantoms
from dlmath.data.sources import ImageRecord, read_sources
from tests.support import planting


def texture(seed):
    """A smooth random picture, (96, 80, 3)."""
    grid = np.random.default_rng(seed).integers(0, 256, (12, 10, 3), dtype=np.uint8)
    return Image.fromarray(grid).resize((80, 96), Image.Resampling.BICUBIC)


def saved(image, path, *, label="a", part="train", patient=None):
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path)
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    return ImageRecord(path.name, path, label, part, patient, sha256)


def findings_on(examples):
    return check_near_duplicates(examples, scan_images(examples))


@pytest.fixture
def pictures(tmp_path):
    return [saved(texture(n), tmp_path / f"{n}.png", patient=f"p{n}") for n in range(8)]


@pytest.mark.parametrize(
    ("changes", "kind", "severity"),
    [
        ({"patient": "p0"}, "near-duplicates", "note"),
        ({"patient": "p1"}, "near-duplicates-across-patients", "warning"),
        ({"patient": "p0", "label": "b"}, "near-duplicates-across-classes", "error"),
        ({"patient": "p0", "part": "test"}, "near-duplicates-across-splits", "error"),
    ],
)
def test_what_an_edited_copy_crosses_decides(pictures, tmp_path, changes, kind, severity):
    darker = texture(0).point(lambda level: 0.8 * level)
    copy = saved(darker, tmp_path / "copy.png", **changes)

    (finding,) = findings_on([*pictures, copy])

    assert (finding.kind, finding.severity) == (kind, severity)
    assert finding.groups == (("0.png", "copy.png"),)
    assert finding.figures == {"groups": 1, "images": 2}


def test_different_pictures_are_none(pictures):
    assert findings_on(pictures) == []


def test_identical_pictures_are_left_to_the_other_check(pictures, tmp_path):
    twin = saved(texture(0), tmp_path / "twin.bmp.png")

    assert findings_on([*pictures, twin]) == []


def test_the_twins_of_a_picture_are_in_the_group_of_its_copy(pictures, tmp_path):
    twin = saved(texture(0), tmp_path / "twin.png", patient="p0")
    copy = saved(texture(0).point(lambda level: level + 9), tmp_path / "copy.png", patient="p0")

    (finding,) = findings_on([*pictures, twin, copy])

    assert finding.groups == (("0.png", "twin.png", "copy.png"),)


def test_several_copies_make_one_group(pictures, tmp_path):
    copies = [
        saved(texture(3).point(lambda level, d=d: level + d), tmp_path / f"copy{d}.png")
        for d in (5, 10, 15)
    ]

    (finding,) = findings_on([*pictures, *copies])

    assert finding.groups == (("3.png", "copy5.png", "copy10.png", "copy15.png"),)


def test_blank_pictures_are_named_and_not_compared(pictures, tmp_path):
    blank = [
        saved(Image.new("L", (40, 40), shade), tmp_path / f"blank{shade}.png")
        for shade in (0, 90, 91)
    ]

    (finding,) = findings_on([*pictures, *blank])

    assert (finding.kind, finding.severity) == ("blank", "note")
    assert finding.files == ("blank0.png", "blank90.png", "blank91.png")


@pytest.mark.parametrize("number", [0, 1])
def test_few_files_or_none(pictures, number):
    assert findings_on(pictures[:number]) == []


def test_facts_of_faulty_files_are_passed_over(pictures, tmp_path):
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"")

    assert findings_on([*pictures, ImageRecord("bad.png", bad, "a", "train", None, "0" * 64)]) == []


def test_too_many_images_are_declined(pictures, monkeypatch):
    monkeypatch.setattr("dlmath.audit.near_duplicates.MOST_IMAGES", 7)

    (finding,) = findings_on(pictures)

    assert (finding.kind, finding.severity) == ("near-duplicates-not-searched", "note")


def test_progress_ends_at_the_last_picture(pictures, recorder):
    stats = scan_images(pictures)

    check_near_duplicates(pictures, stats, reporter=recorder)

    assert recorder.steps[-1] == ("comparing", 8, 8)


@pytest.mark.parametrize(
    ("task", "patients"), [("pneumonia", 40), pytest.param("malaria", 10, marks=pytest.mark.slow)]
)
def test_planted_copies_are_found_among_phantoms(tmp_path, task, patients):
    phantom = write_phantoms(task, tmp_path / "phantom", patients=patients)
    # By image: of ten patients the test part may have none of a class.
    examples = read_sources([phantom], patient_rules=()).examples
    copy = planting.copy_as_split(examples, tmp_path / "copy")

    planted = planting.plant_edited_copies(copy, np.random.default_rng(1), each=5)

    examples = read_sources([copy]).examples
    findings = findings_on(examples)
    found = [fault for fault in planted if fault.is_found(findings)]
    assert len(found) >= 0.95 * len(planted)
    named = {frozenset(group) for finding in findings for group in finding.groups}
    assert named <= {frozenset(fault.files) for fault in planted}


@pytest.mark.real_data
@pytest.mark.parametrize("name", ["external", "chest_xray_original"])
def test_planted_copies_are_found_among_real_images(shared_data: Path, tmp_path, name):
    examples = read_sources([shared_data / name], patient_rules=()).examples
    copy = planting.copy_as_split(examples, tmp_path / "copy", test_share=0.5)
    planted = planting.plant_edited_copies(copy, np.random.default_rng(1), each=4)

    findings = findings_on(read_sources([copy]).examples)

    assert all(fault.is_found(findings) for fault in planted)
    named = {frozenset(group) for finding in findings for group in finding.groups}
    assert named == {frozenset(fault.files) for fault in planted}
