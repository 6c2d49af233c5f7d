import re
import shutil

import numpy as np
import pytest
import tensorflow_datasets as tfds

from dlmath.data.sources import read_sources
from dlmath.errors import DataError

SIZES = {"train": 3, "test": 1, "extra": 1}


class TinyCells(tfds.core.GeneratorBasedBuilder):
    """Squares of two classes: three of each in train, one in test, and a split of another name."""

    VERSION = tfds.core.Version("1.10.0")

    def _info(self):
        features = tfds.features.FeaturesDict(self._features())
        return tfds.core.DatasetInfo(builder=self, features=features)

    def _features(self):
        return {
            "image": tfds.features.Image(shape=(8, 8, 3), encoding_format="png"),
            "label": tfds.features.ClassLabel(names=["sick/ill", "well"]),
        }

    def _split_generators(self, dl_manager):
        return {name: self._generate_examples(name) for name in SIZES}

    def _generate_examples(self, split):
        for label, shade in (("sick/ill", 60), ("well", 200)):
            for index in range(SIZES[split]):
                image = np.full((8, 8, 3), shade + index, np.uint8)
                yield f"{split}-{label}-{index}", {"image": image, "label": label}


class TwoImages(TinyCells):
    """Not image classification: there are two images to an example."""

    def _features(self):
        return {**super()._features(), "mask": tfds.features.Image(shape=(8, 8, 1))}

    def _generate_examples(self, split):
        for key, example in super()._generate_examples(split):
            yield key, {**example, "mask": np.zeros((8, 8, 1), np.uint8)}


class NamedCells(TinyCells):
    """Cells with patients and file names, some of which cannot be used."""

    NAMES = (
        "cells/P1_1.png",
        "cells/P1_2.png",
        "../outside.png",
        "/etc/outside.png",
        "test/000007.png",  # what could be the number of another image
        "notes.txt",
        "CELLS/p1_2.PNG",  # the same file where case does not count
        "",
    )

    def _features(self):
        text = tfds.features.Text()
        return {**super()._features(), "filename": text, "patient": text}

    def _generate_examples(self, split):
        names = self.NAMES[:6] if split == "train" else self.NAMES[6:]
        for name, (key, example) in zip(names, super()._generate_examples(split), strict=False):
            patient = "P1" if name.startswith("cells") else ""
            yield key, {**example, "filename": name, "patient": patient}


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tfds")
    for builder in (TinyCells, TwoImages, NamedCells):
        # A module that cannot be imported keeps TFDS from looking for files next to its code.
        builder.__module__ = builder.__name__
        offline = tfds.download.DownloadConfig(try_download_gcs=False)
        builder(data_dir=folder).download_and_prepare(download_config=offline)
    return folder


@pytest.fixture(autouse=True)
def home(prepared, tmp_path, monkeypatch):
    monkeypatch.setenv("TFDS_DATA_DIR", str(prepared))
    monkeypatch.setenv("DLMATH_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def test_a_prepared_set_becomes_encoded_files_with_parts_and_a_warning():
    dataset = read_sources(["tfds:tiny_cells"])
    assert dataset.classes == ("sick/ill", "well")
    held = [(example.part, example.label) for example in dataset.examples]
    assert sorted(held) == [
        ("test", "sick/ill"),
        ("test", "well"),
        *[("train", "sick/ill")] * 3,
        *[("train", "well")] * 3,
    ]
    assert all(e.path.read_bytes().startswith(b"\x89PNG") for e in dataset.examples)
    assert len({e.sha256 for e in dataset.examples}) == 6  # test repeats two of the squares
    assert [w for w in dataset.warnings if "tfds:tiny_cells has no patients" in w]


def test_the_files_are_written_once(home, recorder):
    steps = recorder.steps
    first = read_sources(["tfds:tiny_cells"], reporter=recorder)
    assert ("unpacking", 8, 8) in steps
    steps.clear()
    again = read_sources(["tfds:tiny_cells:1.10.0"], reporter=recorder)
    assert again.examples == first.examples
    assert {what for what, _, _ in steps} == {"hashing"}


def test_the_newest_version_is_taken(prepared, tmp_path, monkeypatch):
    root = tmp_path / "versions"
    shutil.copytree(prepared / "tiny_cells", root / "tiny_cells")
    (root / "tiny_cells" / "1.9.0").mkdir()
    (root / "tiny_cells" / "1.9.0" / "features.json").write_text("older, and not to be read")
    monkeypatch.setenv("TFDS_DATA_DIR", str(root))
    assert len(read_sources(["tfds:tiny_cells"]).examples) == 8


def test_a_configuration_is_found_or_asked_for(prepared, tmp_path, monkeypatch):
    root = tmp_path / "configs"
    for name in ("grey", "red"):
        shutil.copytree(prepared / "tiny_cells", root / "tiny_cells" / name)
    monkeypatch.setenv("TFDS_DATA_DIR", str(root))
    with pytest.raises(DataError, match=r"several configurations: grey, red\. Name one"):
        read_sources(["tfds:tiny_cells"])
    assert len(read_sources(["tfds:tiny_cells/red"]).examples) == 8


@pytest.mark.parametrize("name", ["tfds:nothing", "tfds:", "tfds:tiny_cells:9.9.9"])
def test_a_set_that_is_not_prepared(name, prepared):
    with pytest.raises(DataError, match=r"No data set .*`tfds build`.*TFDS_DATA_DIR") as raised:
        read_sources([name])
    assert str(prepared) in str(raised.value)


def test_a_set_of_another_kind(home):
    with pytest.raises(DataError, match=r"images \['image', 'mask'\]"):
        read_sources(["tfds:two_images"])
    assert not [path for path in home.rglob("*") if path.is_file()]


def test_file_names_and_patients_are_taken_where_they_can_be(home):
    dataset = read_sources(["tfds:named_cells"])
    patients = {example.file: example.patient for example in dataset.examples}
    assert patients.pop("cells/P1_1.png") == patients.pop("cells/P1_2.png") == "P1"
    assert all(re.fullmatch(r"(train|test)/\d{6}\.png", file) for file in patients)
    assert list(patients.values()) == [None] * 6
    assert not [warning for warning in dataset.warnings if "has no patients" in warning]
    written = {path.resolve() for path in home.rglob("*.png")}
    assert written == {example.path.resolve() for example in dataset.examples}


def test_rules_read_the_names_that_there_are_and_no_others(home):
    rule = r"^(?P<patient>[A-Z]\d)_"
    assert {
        e.patient for e in read_sources(["tfds:tiny_cells"], patient_rules=[rule]).examples
    } == {None}
    dataset = read_sources(["tfds:named_cells"], patient_rules=[rule])
    assert {e.patient for e in dataset.examples} == {"P1", None}


def test_their_own_malaria_is_warned_of_by_name(prepared, tmp_path, monkeypatch):
    shutil.copytree(prepared / "tiny_cells", tmp_path / "malaria")
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    (warning,) = read_sources(["tfds:malaria"]).warnings
    assert "cannot be split honestly" in warning
    assert "dlmath data download malaria" in warning
