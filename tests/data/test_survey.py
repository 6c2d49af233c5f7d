import pytest

from dlmath.data.survey import survey
from dlmath.errors import DataError


def test_classes_counts_parts_and_patients(write_images, tmp_path):
    names = [f"train/ill/p{p}_{i}.png" for p in range(6) for i in range(2)]
    names += [f"test/Ill/q{p}_{i}.png" for p in range(3) for i in range(2)]
    names += [f"train/well/w{p}_{i}.png" for p in range(3) for i in range(2)]
    seen = survey([write_images(tmp_path, names)])
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
    seen = survey([tmp_path / "all.csv"])
    assert (seen.patients.count, seen.patients.origin) == (4, "named")


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(DataError, match="No JPEG or PNG"):
        survey([tmp_path])
