"""Layouts of class folders: patients inside classes, second copies, names of parts, dead links."""

import numpy as np
import pytest
from PIL import Image

from dlmath.audit.folders import check_folders
from dlmath.data.class_folders import read_tree
from dlmath.data.sources import read_sources
from dlmath.errors import DataError


def nested(patients=8):
    return [
        f"{label}/{label[0]}{patient}/{image}.png"
        for label in ("ill", "well")
        for patient in range(patients)
        for image in range(2)
    ]


def test_folders_inside_class_folders_are_the_patients(tmp_path, write_images):
    dataset = read_sources([write_images(tmp_path / "data", nested())])

    assert len(dataset.examples) == 32
    assert dataset.classes == ("ill", "well")
    assert {one.patient for one in dataset.examples if one.label == "ill"} == {
        f"i{number}" for number in range(8)
    }
    assert (dataset.patients.count, dataset.patients.origin) == (16, "named")
    assert dataset.passed_over == {}
    assert any("16 folders inside the class folders are taken" in w for w in dataset.warnings)


def test_deeper_folders_of_a_patient_are_read_too(tmp_path, write_images):
    names = [name.replace("/0.png", "/left/0.png") for name in nested()]
    dataset = read_sources([write_images(tmp_path / "data", names)])

    assert len(dataset.examples) == 32
    assert dataset.patients.count == 16


def test_very_deep_folders_and_links_are_counted_and_not_entered(tmp_path, write_images):
    deep = "ill/i0/1/2/3/4/5/6.png"
    root = write_images(tmp_path / "data", [*nested(), deep])
    (root / "well" / "w0" / "linked").symlink_to(root / "ill", target_is_directory=True)
    dataset = read_sources([root])

    assert len(dataset.examples) == 32
    assert dataset.passed_over == {"linked or deep folders": 2}


def test_one_patient_may_have_images_of_both_classes(tmp_path, write_images):
    names = [f"{label}/p{patient}/1.png" for label in ("a", "b") for patient in range(8)]
    assert read_sources([write_images(tmp_path / "data", names)]).patients.count == 8


def test_few_large_folders_are_no_patients_but_their_images_are_read(tmp_path, write_images):
    names = [f"{label}/{side}/{n}.png" for label in "ab" for side in "lr" for n in range(3)]
    dataset = read_sources([write_images(tmp_path / "data", names)])

    assert len(dataset.examples) == 12
    assert {one.patient for one in dataset.examples} == {None}
    assert any("in 2 folders inside the class folders, too few" in w for w in dataset.warnings)


def test_patients_in_parts(tmp_path, write_images):
    names = [f"{part}/{name}" for part in ("train", "test") for name in nested()]
    dataset = read_sources([write_images(tmp_path / "data", names)])

    assert {one.part for one in dataset.examples} == {"train", "test"}
    assert len(dataset.examples) == 64


def test_where_a_class_holds_images_itself_folders_in_it_are_passed_over(tmp_path, write_images):
    root = write_images(tmp_path / "data", [*nested(), "ill/1.png", "well/1.png"])
    dataset = read_sources([root])

    assert len(dataset.examples) == 2
    assert dataset.passed_over == {"folders inside class folders": 16}


def test_the_audit_knows_the_layout(tmp_path, write_images):
    assert check_folders(write_images(tmp_path / "data", nested())) == []


def test_a_second_copy_inside_is_passed_over(tmp_path, write_images):
    flat = ["Parasitized/1.png", "Parasitized/2.png", "Uninfected/1.png", "Uninfected/2.png"]
    names = [f"cell_images/{folder}{name}" for folder in ("", "cell_images/") for name in flat]
    root = write_images(tmp_path / "cell_images", names)
    dataset = read_sources([root])

    assert dataset.classes == ("Parasitized", "Uninfected")
    assert [one.file for one in dataset.examples] == [f"cell_images/{name}" for name in flat]
    assert dataset.passed_over == {"folders that repeat the class folders": 1}
    (finding,) = check_folders(root)
    assert (finding.kind, finding.files) == ("second-copy", ("cell_images/cell_images",))


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("valid", "validation"),
        ("Validation", "validation"),
        ("val", "train"),
        ("training", "train"),
        ("Testing", "test"),
    ],
)
def test_names_of_parts(tmp_path, write_images, name, part):
    names = [f"{folder}/{label}/1.png" for folder in ("train", name) for label in ("ill", "well")]
    found = read_sources([write_images(tmp_path / "data", names)]).examples

    assert {one.part for one in found if one.file.startswith(f"{name}/")} == {part}


def test_valid_next_to_invalid_is_a_class(tmp_path, write_images):
    root = write_images(tmp_path / "data", ["valid/1.png", "invalid/1.png"])
    assert read_sources([root]).classes == ("invalid", "valid")


def test_dead_links_are_counted_or_named(tmp_path, write_images):
    root = write_images(tmp_path / "data", ["ill/1.png", "well/1.png"])
    (root / "ill" / "2").symlink_to("gone")
    assert read_tree(root).passed_over == {"dead links": 1}

    (root / "ill" / "3.png").symlink_to("gone.png")
    with pytest.raises(DataError, match=r"1 file cannot be read: ill/3.png"):
        read_sources([root])


def test_content_decides_what_an_image_is(tmp_path, write_images):
    root = write_images(tmp_path / "data", ["ill/1.png", "well/1.png"])
    picture = Image.fromarray(np.zeros((4, 4, 3), np.uint8))
    for name in ("2.jfif", "3.jpe", "4", "5.tif", "6.dat"):
        picture.save(root / "ill" / name, "TIFF" if name == "5.tif" else "JPEG")
    (root / "ill" / "scan.avif").write_bytes(b"x")

    contents = read_tree(root)

    assert contents.warnings == [
        "1 file in class folders, of an image format that is not read or behind a dead link, left "
        "out: ill/scan.avif."
    ]
    files = [one.file for one in contents.files if one.label == "ill"]
    assert files == ["ill/1.png", "ill/2.jfif", "ill/3.jpe", "ill/4", "ill/5.tif", "ill/6.dat"]
    assert contents.passed_over == {"*.avif": 1}
