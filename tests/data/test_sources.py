import hashlib
import os
import shutil
import sys
import zipfile

import pytest

from dlmath.data.class_folders import PHANTOM_MARKER
from dlmath.data.sources import data_hash, read_sources
from dlmath.errors import DataError
from dlmath.models import RECIPES

FLAT = ["sick/1.png", "sick/2.JPG", "well/3.jpeg", "well/4.PNG"]
PARTED = ["train/sick/1.png", "train/well/2.png", "val/well/3.png", "test/sick/4.png"]


@pytest.fixture(autouse=True)
def _home(tmp_path, monkeypatch):
    monkeypatch.setenv("DLMATH_HOME", str(tmp_path / "home"))


def pack(folder, archive):
    with zipfile.ZipFile(archive, "w") as packed:
        for path in sorted(folder.rglob("*")):
            packed.write(path, path.relative_to(folder))
    return archive


def files(dataset):
    return [example.file for example in dataset.examples]


def test_a_flat_tree(tmp_path, write_images):
    root = write_images(tmp_path / "data", FLAT)
    dataset = read_sources([root])
    assert files(dataset) == sorted(FLAT)
    assert dataset.classes == ("sick", "well")
    assert not dataset.phantom
    for example in dataset.examples:
        assert example.path == root / example.file
        assert example.label == example.file.split("/")[0]
        assert example.part is None
        assert example.patient is None
        assert example.sha256 == hashlib.sha256(example.path.read_bytes()).hexdigest()


def test_a_tree_with_parts_merges_val_into_train_and_says_so(tmp_path, write_images):
    dataset = read_sources([write_images(tmp_path / "data", PARTED)])
    assert {e.file: e.part for e in dataset.examples} == {
        "train/sick/1.png": "train",
        "train/well/2.png": "train",
        "val/well/3.png": "train",
        "test/sick/4.png": "test",
    }
    assert [w for w in dataset.warnings if w.startswith("1 image of the part `val`")]


def test_a_part_named_validation_is_kept_in_any_case(tmp_path, write_images):
    names = ["Train/sick/1.png", "Train/well/2.png", "Validation/well/3.png", "TEST/sick/4.png"]
    dataset = read_sources([write_images(tmp_path / "data", names)])
    assert [e.part for e in dataset.examples] == ["test", "train", "train", "validation"]
    assert dataset.warnings == ()


@pytest.mark.parametrize("names", [FLAT, PARTED])
@pytest.mark.parametrize("wrapper", ["chest_xray", "a/b"])
def test_a_wrapping_folder_changes_nothing_but_the_names(tmp_path, write_images, names, wrapper):
    plain = read_sources([write_images(tmp_path / "plain", names)])
    wrapped = read_sources(
        [write_images(tmp_path / "data" / wrapper, names).parents[wrapper.count("/")]]
    )
    assert files(wrapped) == [f"{wrapper}/{file}" for file in files(plain)]
    assert [e.part for e in wrapped.examples] == [e.part for e in plain.examples]


def test_a_second_copy_beside_the_parts_is_passed_over(tmp_path, write_images):
    # As in the archive of the chest X-rays that most people have.
    names = [*PARTED, *(f"chest_xray/{name}" for name in PARTED)]
    dataset = read_sources([write_images(tmp_path / "chest_xray", names)])
    assert len(dataset.examples) == len(PARTED)
    assert dataset.passed_over == {"folders next to the parts": 1}


def test_what_is_no_image_is_passed_over_and_counted(tmp_path, write_images):
    root = write_images(tmp_path / "data", [*FLAT, "loose.png", "sick/nested/9.png"])
    write_images(root, ["sick/.hidden.png", "sick/._1.png", "__MACOSX/sick/._1.png"])
    for name in ("Thumbs.db", "sick/Thumbs.db", "well/desktop.ini", "well/notes.txt", "README"):
        (root / name).write_text("x")
    dataset = read_sources([root])
    assert files(dataset) == sorted(FLAT)
    assert dataset.passed_over == {
        "dotfiles": 2,
        "__MACOSX": 1,
        "Thumbs.db": 2,
        "desktop.ini": 1,
        "*.txt": 1,
        "*": 1,
        "images outside class folders": 1,
        "folders inside class folders": 1,
    }


def test_a_zip_prefixes_its_name_and_holds_the_same_bytes(tmp_path, write_images):
    folder = write_images(tmp_path / "data", PARTED)
    plain, zipped = read_sources([folder]), read_sources([pack(folder, tmp_path / "all.ZIP")])
    assert files(zipped) == [f"all.ZIP!/{file}" for file in files(plain)]
    assert [e.sha256 for e in zipped.examples] == [e.sha256 for e in plain.examples]


def test_a_folder_of_zips_is_their_union_and_other_files_are_ignored(tmp_path, write_images):
    folder = tmp_path / "zips"
    folder.mkdir()
    pack(write_images(tmp_path / "a", ["train/sick/1.png", "train/well/2.png"]), folder / "a.zip")
    pack(write_images(tmp_path / "b", ["test/sick/1.png"]), folder / "b.zip")
    (folder / "manifest.csv").write_text("file,class\n")
    dataset = read_sources([folder])
    expected = ["a.zip!/train/sick/1.png", "a.zip!/train/well/2.png", "b.zip!/test/sick/1.png"]
    assert files(dataset) == expected


def test_equal_names_of_two_sources_are_told_apart_by_the_sources_names(tmp_path, write_images):
    first = write_images(tmp_path / "one" / "data", ["sick/1.png", "well/2.png"])
    second = write_images(tmp_path / "two" / "data", ["sick/1.png"])
    third = write_images(tmp_path / "three", ["sick/5.png"])
    dataset = read_sources([first, second, third])
    assert files(dataset) == [
        "data-2/sick/1.png",
        "data/sick/1.png",
        "data/well/2.png",
        "three/sick/5.png",
    ]
    assert dataset.sources == (str(first), str(second), str(third))
    assert files(read_sources([first, third])) == ["sick/1.png", "sick/5.png", "well/2.png"]


def test_classes_take_the_recipes_order_and_spelling(tmp_path, write_images):
    root = write_images(
        tmp_path / "data", ["train/SICK/1.png", "train/well/2.png", "test/Sick/3.png"]
    )
    dataset = read_sources([root], classes=("well", "sick"))
    assert dataset.classes == ("well", "sick")
    assert [e.label for e in dataset.examples] == ["sick", "sick", "well"]
    assert read_sources([root]).classes == ("SICK", "well")


def test_patients_come_from_the_rules_and_a_csv_wins(tmp_path, write_images):
    root = write_images(tmp_path, ["sick/C1_a.png", "sick/C2_b.png", "well/x.png"])
    (root / "t.csv").write_text(
        "file,class,patient\nsick/C1_a.png,sick,\nsick/C2_b.png,sick,ann\nwell/x.png,well,bob\n"
    )
    rules = (r"^(?P<patient>C\d+)",)
    dataset = read_sources([root / "t.csv"], patient_rules=rules)
    assert [e.patient for e in dataset.examples] == ["C1", "ann", "bob"]
    shutil.rmtree(root / "well")
    write_images(root, ["well/C3_.png"])
    assert [e.patient for e in read_sources([root], patient_rules=rules).examples] == [
        "C1",
        "C2",
        "C3",
    ]


def test_a_name_that_no_rule_reads_is_an_error(tmp_path, write_images):
    root = write_images(tmp_path / "data", ["sick/C1.png", "well/scan.png"])
    with pytest.raises(DataError, match=r"1 file name: well/scan\.png"):
        read_sources([root], patient_rules=(r"^(?P<patient>C\d+)",))


def test_the_marker_of_a_phantom_is_seen(tmp_path, write_images):
    root = write_images(tmp_path / "data", FLAT)
    (root / PHANTOM_MARKER).write_text("{}")
    dataset = read_sources([root])
    assert dataset.phantom
    assert dataset.passed_over == {}
    assert read_sources([pack(root, tmp_path / "p.zip")]).phantom


def test_the_data_hash_follows_the_bytes_and_not_the_place(tmp_path, write_images):
    root = write_images(tmp_path / "data", FLAT)
    before = data_hash(read_sources([root]))
    moved = root.rename(tmp_path / "moved")
    assert data_hash(read_sources([moved])) == before
    (moved / "sick/1.png").write_bytes(b"changed")
    assert data_hash(read_sources([moved])) != before


def test_progress_is_told(tmp_path, write_images, recorder):
    steps = recorder.steps
    archive = pack(write_images(tmp_path / "data", FLAT), tmp_path / "a.zip")
    read_sources([archive], reporter=recorder)
    assert ("unpacking", 4, 4) in steps
    assert steps[-1] == ("hashing", 4, 4)


def test_a_missing_path(tmp_path):
    with pytest.raises(DataError, match=r"There are no data at .*nowhere.*--data phantom"):
        read_sources([tmp_path / "nowhere"])


def test_a_file_of_another_kind(tmp_path):
    (tmp_path / "data.tar").write_bytes(b"x")
    with pytest.raises(DataError, match=r"Received: .*data\.tar"):
        read_sources([tmp_path / "data.tar"])


def test_an_empty_folder(tmp_path):
    with pytest.raises(DataError, match="Received: nothing at all"):
        read_sources([tmp_path])


def test_images_without_class_folders(tmp_path, write_images):
    root = write_images(tmp_path / "data", ["1.png", "2.png"])
    with pytest.raises(DataError, match="Received: 2 images outside class folders"):
        read_sources([root])


def test_one_class(tmp_path, write_images):
    root = write_images(tmp_path / "data", ["sick/1.png", "sick/2.png"])
    with pytest.raises(DataError, match=r"at least two classes.*images of only sick"):
        read_sources([root])


def test_an_empty_class_folder_is_an_error_unless_the_recipe_does_not_name_it(
    tmp_path, write_images
):
    root = write_images(tmp_path / "data", FLAT)
    (root / "dead").mkdir()
    (root / "dead" / "scan.jp2").write_bytes(b"x")
    with pytest.raises(DataError, match="without an image: dead"):
        read_sources([root])
    assert len(read_sources([root], classes=("sick", "well")).examples) == 4
    with pytest.raises(DataError, match="without an image: dead"):
        read_sources([root], classes=("sick", "well", "Dead"))


def test_a_class_without_images_in_one_part_only_is_fine(tmp_path, write_images):
    root = write_images(tmp_path / "data", PARTED)
    (root / "val" / "SICK").mkdir()
    assert len(read_sources([root]).examples) == 4


def test_a_class_that_the_recipe_does_not_name(tmp_path, write_images):
    root = write_images(tmp_path / "data", ["sick/1.png", "wel/2.png"])
    with pytest.raises(DataError, match=r"name: wel\. Did you mean 'well'\?"):
        read_sources([root], classes=("sick", "well"))


def test_a_file_that_cannot_be_read(tmp_path, write_images):
    root = write_images(tmp_path / "data", FLAT)
    (root / "sick" / "dangling.png").symlink_to("nowhere.png")
    with pytest.raises(DataError, match=r"1 file cannot be read: sick/dangling\.png"):
        read_sources([root])


def test_a_source_is_not_read_twice(tmp_path, write_images, monkeypatch):
    write_images(tmp_path / "data", FLAT)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match=r"Received twice: .*data"):
        read_sources([tmp_path / "data", "data"])


@pytest.mark.skipif(sys.platform != "linux", reason="needs Linux, which allows such names")
def test_a_name_that_is_no_text(tmp_path, write_images):
    root = write_images(tmp_path / "data", FLAT)
    (root / "sick" / "1.png").rename(os.fsdecode(os.fsencode(root) + b"/sick/\xff.png"))
    with pytest.raises(DataError, match="1 file name cannot be read as UTF-8"):
        read_sources([root])


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("folder", "task", "images", "patients", "hash_of_a_file"),
    [
        ("chest_xray", "pneumonia", 5_540, 2_990, "699fcf7e63e7d5f0"),
        ("malaria", "malaria", 5_416, 180, "f53ac02c414961187"),
    ],
)
def test_real_sets_are_read_whole(shared_data, folder, task, images, patients, hash_of_a_file):
    recipe = RECIPES[task]
    dataset = read_sources(
        [shared_data / folder], classes=recipe.classes, patient_rules=recipe.patient_rules
    )
    assert len(dataset.examples) == images
    assert len({example.patient for example in dataset.examples}) == patients
    assert dataset.passed_over == {}
    assert dataset.examples[0].sha256.startswith(hash_of_a_file)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_is_not_waited_for(write_images, tmp_path):
    write_images(tmp_path, ["a/1.png", "b/1.png"])
    os.mkfifo(tmp_path / "a" / "2.png")
    with pytest.raises(DataError, match="1 file cannot be read: a/2.png"):
        read_sources([tmp_path])
