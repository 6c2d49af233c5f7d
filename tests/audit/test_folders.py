import os
from pathlib import Path

import numpy as np
import pytest

from dlmath.audit.folders import check_folders
from dlmath.audit.tree_scan import scan_tree
from dlmath.data.class_folders import read_tree
from dlmath.data.phantom import write_phantoms
from tests.support import planting

CLEAN = [
    f"{part}/{label}/{number}.png"
    for part in ("train", "test")
    for label in ("Healthy", "Ill")
    for number in range(3)
]


@pytest.fixture
def tree(write_images, tmp_path):
    return write_images(tmp_path / "data", CLEAN)


def only_finding(root: Path):
    (finding,) = check_folders(root)
    return finding.kind, finding.severity, finding.files


def test_a_clean_tree(tree):
    assert check_folders(tree) == []


@pytest.mark.parametrize("task", ["pneumonia", "malaria"])
def test_phantoms_are_clean(tmp_path, task):
    assert check_folders(write_phantoms(task, tmp_path / task, patients=10)) == []


def test_every_trap_that_can_be_laid_is_found(write_images, tmp_path):
    for number, (trap, (kind, spring)) in enumerate(planting.FOLDER_TRAPS.items()):
        root = write_images(tmp_path / str(number), CLEAN)

        spring(root)

        assert kind in {finding.kind for finding in check_folders(root)}, trap


def test_an_outer_folder_is_stepped_into(write_images, tmp_path):
    root = write_images(tmp_path / "data", [f"outer/inner/{name}" for name in CLEAN])
    (root / "outer/inner/train/Ill/notes.txt").write_text("x")

    assert only_finding(root) == (
        "other-files",
        "note",
        ("outer/inner/train/Ill/notes.txt",),
    )


def test_an_empty_class_is_an_error_and_in_one_part_a_warning(tree):
    (tree / "train" / "Doubtful").mkdir()
    assert only_finding(tree) == ("empty-class", "error", ("train/Doubtful",))

    (tree / "train" / "Doubtful").rename(tree / "train" / "x")
    (tree / "train" / "x").rmdir()
    (tree / "val" / "Ill").mkdir(parents=True)
    kinds = {finding.kind: finding.severity for finding in check_folders(tree)}
    assert kinds == {"empty-class-in-a-part": "warning", "val-merged": "note"}


@pytest.mark.parametrize(
    ("absent", "severity"), [("train", "error"), ("test", "warning")], ids=["train", "test"]
)
def test_a_class_in_one_part_only(write_images, tmp_path, absent, severity):
    extra = {"train": "test", "test": "train"}[absent]
    root = write_images(tmp_path / "data", [*CLEAN, f"{extra}/Third/1.png"])

    assert only_finding(root) == ("class-in-some-parts", severity, (f"{extra}/Third",))


@pytest.mark.parametrize(
    ("name", "severity"),
    [("ILL", "note"), ("Ill ", "error"), (" ill", "error"), ("I-ll", "error"), ("I_ll", "error")],
)
def test_class_names_that_differ_in_case_or_blanks(tree, name, severity):
    (tree / "test" / "Ill").rename(tree / "test" / name)

    (finding,) = [one for one in check_folders(tree) if one.kind == "class-spelling"]

    assert finding.severity == severity
    assert set(finding.files) == {"train/Ill", f"test/{name}"}
    assert repr(name) in finding.message


def test_class_names_alike_in_one_folder_without_parts(write_images, tmp_path):
    root = write_images(tmp_path / "data", ["NORMAL/1.png", "Normal /2.png", "ILL/3.png"])

    assert only_finding(root)[:2] == ("class-spelling", "error")


def test_one_class_alone(write_images, tmp_path):
    root = write_images(tmp_path / "data", ["outer/Ill/1.png", "outer/Ill/2.png"])

    (finding,) = check_folders(root)

    assert (finding.kind, finding.severity) == ("one-class", "error")


@pytest.mark.parametrize("name", ["scan.avif", "scan.JP2", "scan.nii.gz", "scan.svs"])
def test_other_formats_in_class_folders(tree, name):
    (tree / "train" / "Ill" / name).write_bytes(b"x")

    assert only_finding(tree) == ("other-image-formats", "warning", (f"train/Ill/{name}",))


def test_hidden_files_and_leftovers_at_every_level(tree):
    names = (".hidden", "train/.DS_Store", "train/Ill/._1.png", "test/Ill/Thumbs.db")
    for name in names:
        (tree / name).write_bytes(b"x")
    (tree / "__MACOSX").mkdir()

    kind, severity, files = only_finding(tree)

    assert (kind, severity) == ("hidden-files", "note")
    assert set(files) == {*names, "__MACOSX"}


def test_links_are_named_only_where_they_leave_the_root(tree, write_images, tmp_path):
    outside = write_images(tmp_path / "outside", ["more/1.png", "2.png"])
    folder = tree / "train" / "Ill"
    (folder / "inside.png").symlink_to(tree / "test" / "Ill" / "1.png")
    (folder / "outside.png").symlink_to(outside / "2.png")
    (tree / "train" / "Linked").symlink_to(outside / "more", target_is_directory=True)

    links = [one for one in check_folders(tree) if one.kind == "links-out"]

    assert [one.files for one in links] == [("train/Ill/outside.png", "train/Linked")]


def test_a_link_that_goes_round_ends(tree):
    (tree / "train" / "Ill" / "round").symlink_to(tree, target_is_directory=True)

    assert only_finding(tree) == ("nested-folder", "warning", ("train/Ill/round",))


def test_a_tree_reached_by_a_link_is_inside(tree, tmp_path):
    link = tmp_path / "link"
    link.symlink_to(tree, target_is_directory=True)

    assert check_folders(link) == []


def test_a_folder_that_cannot_be_read_is_a_finding(tmp_path):
    (finding,) = check_folders(tmp_path / "nowhere")

    assert (finding.kind, finding.severity) == ("folder-unreadable", "error")
    assert "No such file" in finding.message


def test_an_empty_folder(tmp_path):
    assert check_folders(tmp_path) == []


def test_the_scan_and_the_reading_see_the_same_images(write_images, tmp_path):
    random = np.random.default_rng(0)
    names = ("a.png", "b.JPG", "c.txt", ".d.png", "Thumbs.db", "e.gif")
    for number in range(20):
        folders = [
            os.path.join(*(random.choice(["train", "val", "Ill", "Well", "x"], depth)))  # noqa: PTH118
            for depth in random.integers(1, 4, size=8)
        ]
        files = {f"{folder}/{random.choice(names)}" for folder in folders}
        root = write_images(tmp_path / str(number), files)

        scanned = {path for folder in scan_tree(root).classes for path in folder.images}

        assert scanned == {found.path for found in read_tree(root).files}


@pytest.mark.parametrize("number", [1, 2])
def test_what_is_left_out_is_said_of_one_and_of_several(tree, number):
    for name in (".DS_Store", "Thumbs.db")[:number]:
        (tree / "train" / "Ill" / name).write_text("x")
        (tree / "train" / "Ill" / f"{name[1:]}.txt").write_text("x")

    said = {finding.kind: finding.message for finding in check_folders(tree)}

    plural = "s"[: number - 1]
    assert said == {
        "hidden-files": f"{number} hidden or system file{plural} left out.",
        "other-files": f"{number} file{plural} in class folders, no image: not read.",
    }
