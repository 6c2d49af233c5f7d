import csv
from collections import Counter, defaultdict
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlmath.audit.image_stats import ImageStats
from dlmath.audit.leakage import check_leakage
from dlmath.audit.scan import scan_images
from dlmath.data.sources import Dataset, ImageRecord, read_sources
from dlmath.data.splits import split_examples
from dlmath.models import RECIPES
from tests.support import planting


def example(file, *, label="a", part=None, patient=None, sha256=None):
    return ImageRecord(file, Path(file), label, part, patient, sha256 or f"sha256 of {file}")


def stats(*hashes, size=1):
    return [ImageStats(file=str(n), size=size, pixel_hash=one) for n, one in enumerate(hashes)]


@pytest.mark.parametrize(
    ("first", "second", "kinds"),
    [
        ({}, {}, ["identical"]),
        ({"part": "train"}, {"part": "test"}, ["identical-across-splits"]),
        ({"part": "train"}, {}, ["identical"]),
        ({"label": "a"}, {"label": "b"}, ["identical-across-classes"]),
        ({"patient": "1"}, {"patient": "2"}, ["identical-across-patients"]),
        ({"patient": "1"}, {}, ["identical"]),
        (
            {"part": "train", "label": "a", "patient": "1"},
            {"part": "validation", "label": "b", "patient": "2"},
            ["identical-across-splits", "identical-across-classes"],
        ),
    ],
)
def test_what_identical_images_cross(first, second, kinds):
    pair = [example("1.png", **first), example("2.png", **second), example("3.png")]

    findings = check_leakage(pair, stats("x", "x", "y"))

    assert [finding.kind for finding in findings] == kinds
    assert all(finding.groups == (("1.png", "2.png"),) for finding in findings)
    severities = {"identical": "note", "identical-across-patients": "warning"}
    assert [f.severity for f in findings] == [severities.get(kind, "error") for kind in kinds]


def test_files_that_cannot_be_decoded_are_compared_by_their_bytes():
    three = [example(f"{n}.png", sha256="same") for n in range(3)]

    (finding,) = check_leakage(three, stats(None, None, "pixels"))

    assert finding.groups == (("0.png", "1.png"),)


def test_empty_files_are_not_called_identical():
    two = [example(f"{n}.png", sha256="of nothing") for n in range(2)]

    assert check_leakage(two, stats(None, None, size=0)) == []


def film(number, kind, image, part):
    name = f"person{number}_{kind}_{image}.jpeg"
    return example(f"{part}/PNEUMONIA/{name}", part=part, patient=f"person{number}")


def test_the_same_kind_on_both_sides_is_an_error_and_another_a_warning():
    films = [
        film(1, "bacteria", 1, "train"),
        film(1, "virus", 2, "test"),
        film(2, "bacteria", 3, "train"),
        film(2, "bacteria", 4, "train"),
        film(2, "bacteria", 5, "test"),
        film(3, "virus", 6, "train"),
        film(3, "bacteria", 7, "train"),
    ]

    error, warning = check_leakage(films, stats(*map(str, range(7))))

    assert (error.kind, error.severity) == ("patients-across-splits", "error")
    assert error.figures == {"patients": 1, "left_out": 2}
    assert error.groups == (tuple(one.file for one in films[2:5]),)
    assert (warning.kind, warning.severity) == ("patient-numbers-across-splits", "warning")
    assert warning.figures == {"patients": 1, "left_out": 1}


def test_names_without_a_kind_are_of_one_kind():
    pair = [
        example("train/C1_a.png", part="train", patient="C1"),
        example("test/C1_b.png", part="test", patient="C1"),
    ]

    (finding,) = check_leakage(pair, stats("x", "y"))

    assert finding.kind == "patients-across-splits"


@given(
    st.lists(
        st.tuples(
            st.integers(0, 40),
            st.sampled_from(["bacteria", "virus"]),
            st.sampled_from(["train", "validation", "test"]),
        ),
        min_size=1,
        max_size=60,
    )
)
def test_as_many_are_announced_as_the_split_leaves_out(drawn):
    # A patient of every part and class, so that any dataset can be split.
    sure = [(100 + n, "virus", part) for n, part in enumerate(["train", "validation", "test"])]
    films = [
        film(patient, kind, n, part) for n, (patient, kind, part) in enumerate([*drawn, *sure])
    ]
    dataset = Dataset(tuple(films), ("a",), {}, (), False, ())

    findings = check_leakage(films, stats(*map(str, range(len(films)))))

    split = split_examples(dataset, seed=0, validation_fraction=0.1, test_fraction=0.1)
    assert sum(finding.figures["left_out"] for finding in findings) == len(split.left_out)
    named = {file for finding in findings for file in finding.files}
    parts = defaultdict(set)
    for one in films:
        parts[one.patient].add(one.part)
    assert named == {one.file for one in films if len(parts[one.patient]) > 1}


@pytest.mark.real_data
def test_the_known_duplicates_and_shared_numbers_of_the_chest_xrays(shared_data):
    folder = shared_data / "chest_xray"
    rules = RECIPES["pneumonia"].patient_rules
    examples = read_sources([folder], patient_rules=rules).examples

    findings = {one.kind: one for one in check_leakage(examples, scan_images(examples))}

    with (folder / "chest_xray_duplicates.csv").open(newline="") as lines:
        known = defaultdict(set)
        for row in csv.DictReader(lines):
            known[row["group"]].add(row["file"])
    found = {
        frozenset(file.partition("!/")[2] for file in group)
        for kind in ("identical", "identical-across-patients")
        if kind in findings
        for group in findings[kind].groups
    }
    assert found == {frozenset(group) for group in known.values()}
    assert len(found) == 26
    assert not {"identical-across-splits", "identical-across-classes"} & findings.keys()
    assert "patients-across-splits" not in findings
    assert findings["patient-numbers-across-splits"].figures["left_out"] == 248


@pytest.mark.real_data
def test_no_two_of_the_cells_are_identical(shared_data):
    examples = read_sources([shared_data / "malaria"]).examples

    stats = scan_images(examples)

    assert check_leakage(examples, stats) == []
    assert Counter(image.fault for image in stats) == {None: 5416}


def test_planted_copies_and_patients_are_all_found(tmp_path, write_images):
    names = [f"{n}/{c}/C{n * 90 + k}_{c}.png" for n in range(2) for c in "ab" for k in range(40)]
    random = np.random.default_rng(0)
    root = write_images(
        tmp_path / "data", [f"{('train', 'test')[int(n[0])]}{n[1:]}" for n in names]
    )
    planted = planting.plant_identical_copies(root, random, each=5)
    planted += planting.plant_patients(root, random, each=5)
    rules = (*RECIPES["pneumonia"].patient_rules, r"^(?P<patient>C\d+)", r"^(?P<patient>copy)")
    # A copy is of nobody that is known.
    examples = [
        replace(one, patient=None) if one.patient == "copy" else one
        for one in read_sources([root], patient_rules=rules).examples
    ]

    findings = check_leakage(examples, scan_images(examples))

    assert [fault for fault in planted if not fault.is_found(findings)] == []
    named = {frozenset(group) for one in findings for group in one.groups}
    assert named == {frozenset(fault.files) for fault in planted}
