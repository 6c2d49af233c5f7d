import pytest

from dlmath.data.folds import split_folds
from dlmath.data.sources import read_sources
from dlmath.data.splits import split_examples
from dlmath.data.summary import Share, summarise, summarise_sources
from dlmath.errors import DataError

NAMES = [
    *(f"train/{label}/p{label}{index}_1.png" for label in ("sick", "well") for index in range(9)),
    *("test/sick/pt_1.png", "test/sick/pt_2.png", "train/well/pt_3.png", "train/well/readme.png"),
]


def test_counts_by_part_class_and_patient(tmp_path, write_images):
    root = write_images(tmp_path / "data", NAMES)
    dataset = read_sources([root], patient_rules=[r"(?P<patient>.+)_", "(?P<patient>readme)"])
    split = split_examples(dataset, seed=0, validation_fraction=0.15, test_fraction=0.15)
    summary = summarise(dataset, split, ["one more"])
    assert summary.on_disk == {
        "test": Share({"sick": 2, "well": 0}, 1),
        "train": Share({"sick": 9, "well": 11}, 20),
    }
    assert summary.split["left_out"] == Share({"sick": 0, "well": 1}, 1)
    assert summary.split["test"] == summary.on_disk["test"]
    assert sum(sum(share.images.values()) for share in summary.split.values()) == len(NAMES)
    assert summary.folds is None
    assert summary.warnings == (*split.warnings, "one more")


def test_folds_are_counted_with_what_stays_out_of_them(tmp_path, write_images):
    root = write_images(tmp_path / "data", NAMES)
    dataset = read_sources([root], patient_rules=[r"(?P<patient>.+)_", "(?P<patient>readme)"])
    summary = summarise(dataset, None, folds=split_folds(dataset, 3, seed=0))
    assert list(summary.folds) == ["fold 1", "fold 2", "fold 3", "test", "left_out"]
    assert [summary.folds[f"fold {number}"].images["sick"] for number in (1, 2, 3)] == [3, 3, 3]
    assert sum(share.patients for name, share in summary.folds.items() if "fold" in name) == 19
    assert summary.folds["left_out"] == Share({"sick": 0, "well": 1}, 1)


def test_without_patients_and_without_a_split(tmp_path, write_images):
    dataset = read_sources([write_images(tmp_path / "data", ["sick/1.png", "well/2.png"])])
    summary = summarise(dataset, None)
    assert summary.on_disk == {"all": Share({"sick": 1, "well": 1}, None)}
    assert summary.split is None


def test_classes_counts_parts_and_patients(write_images, tmp_path):
    names = [f"train/ill/p{p}_{i}.png" for p in range(6) for i in range(2)]
    names += [f"test/Ill/q{p}_{i}.png" for p in range(3) for i in range(2)]
    names += [f"train/well/w{p}_{i}.png" for p in range(3) for i in range(2)]
    seen = summarise_sources([write_images(tmp_path, names)])
    assert seen.images == {"Ill": 18, "well": 6}
    assert seen.classes == ("Ill", "well")
    assert seen.imbalance == 3
    assert seen.parts == {"test": 6, "train": 18}
    assert seen.patients.count == 12
    assert seen.patients.origin == "guessed"


def test_patients_that_a_table_names_are_not_guessed(write_images, tmp_path):
    files = [f"{number}.png" for number in range(4)]
    write_images(tmp_path, files)
    rows = [f"{file},{'ab'[number % 2]},p{number}" for number, file in enumerate(files)]
    (tmp_path / "all.csv").write_text("file,class,patient\n" + "\n".join(rows), encoding="utf-8")
    seen = summarise_sources([tmp_path / "all.csv"])
    assert (seen.patients.count, seen.patients.origin) == (4, "named")


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(DataError, match="No image in a class folder"):
        summarise_sources([tmp_path])
