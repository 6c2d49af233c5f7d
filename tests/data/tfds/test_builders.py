"""Builders, over fake archives that are drawn again for each test."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
import tensorflow_datasets as tfds
from PIL import Image

from dlmath import seeds
from dlmath.data.official import official_archive
from dlmath.data.pipeline import training_batches
from dlmath.data.pixels import load_pixels
from dlmath.data.sources import read_sources
from dlmath.data.splits import split_examples, split_hash
from dlmath.data.tfds.builders import KermanyChestXray, NlmMalaria
from dlmath.models import RECIPES

CELLS = [
    f"cell_images/{label}/C{patient}P{patient}thinF_IMG_1_cell_{cell}.png"
    for label, patients in (("Parasitized", range(1, 15)), ("Uninfected", range(8, 22)))
    for patient in patients
    for cell in range(2)
]  # seven patients with cells of one class, of both, and of the other
FILMS = [
    *[f"chest_xray/train/NORMAL/IM-{n:04}-0001.jpeg" for n in range(9)],
    *[f"chest_xray/train/PNEUMONIA/person{n}_bacteria_{n}.jpeg" for n in range(9)],
    *[f"chest_xray/test/NORMAL/NORMAL2-IM-{n:04}-0001.jpeg" for n in range(3)],
    *[f"chest_xray/test/PNEUMONIA/person{n}_virus_{n + 40}.jpeg" for n in range(7, 11)],
]
POOLED = [
    *[f"chest_xray/train/NORMAL/IM-{n:04}-0001.jpeg" for n in range(20)],
    *[f"chest_xray/test/PNEUMONIA/person{n}_virus_{n}.jpeg" for n in range(20)],
]


def draw_archive(folder, names):
    """Write images that no decoder and encoder would give back byte for byte."""
    for name in names:
        path = Path(folder, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = seeds.generator("film", name).integers(0, 256, (20, 14), np.uint8)
        if name.endswith("png"):
            Image.fromarray(np.stack([pixels] * 3, axis=2)).save(path, compress_level=3)
        else:
            Image.fromarray(pixels).save(path, quality=83)  # grey, as most of the films are
    return Path(folder)


class Drawn:
    """An archive drawn for the class, which TensorFlow Datasets' own tests are run over."""

    NAMES: tuple[str, ...] = ()

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.EXAMPLE_DIR = folder.name
        draw_archive(folder.name, cls.NAMES)
        super().setUpClass()


class TestNlmMalaria(Drawn, tfds.testing.DatasetBuilderTestCase):
    DATASET_CLASS = NlmMalaria
    NAMES = CELLS
    SPLITS = {"train": 40, "validation": 8, "test": 8}  # noqa: RUF012


class TestKermanyChestXrayOfficial(Drawn, tfds.testing.DatasetBuilderTestCase):
    DATASET_CLASS = KermanyChestXray
    BUILDER_CONFIG_NAMES_TO_TEST = ["official"]  # noqa: RUF012
    NAMES = FILMS
    SPLITS = {"train": 18, "test": 7}  # noqa: RUF012


class TestKermanyChestXrayRegrouped(Drawn, tfds.testing.DatasetBuilderTestCase):
    DATASET_CLASS = KermanyChestXray
    BUILDER_CONFIG_NAMES_TO_TEST = ["regrouped"]  # noqa: RUF012
    NAMES = POOLED
    SPLITS = {"train": 28, "validation": 6, "test": 6}  # noqa: RUF012


@pytest.fixture
def prepare(tmp_path, monkeypatch):
    """Build a set from an archive folder, as `tfds build --manual_dir` does."""
    monkeypatch.setenv("DLMATH_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "prepared"))

    def prepare(builder_class, manual, config=None):
        builder = builder_class(data_dir=tmp_path / "prepared", config=config)
        offline = tfds.download.DownloadConfig(manual_dir=manual, try_download_gcs=False)
        builder.download_and_prepare(download_config=offline)
        return builder

    return prepare


def split_of(source, task):
    recipe = RECIPES[task]
    dataset = read_sources([source], classes=recipe.classes, patient_rules=recipe.patient_rules)
    split = split_examples(
        dataset,
        seed=recipe.seed,
        validation_fraction=recipe.validation_fraction,
        test_fraction=recipe.test_fraction,
    )
    return dataset, split


def batches(examples, task):
    recipe = RECIPES[task].replace(batch_size=4, image_size=16)
    pixels = load_pixels(examples, recipe.image_size)
    classes = [recipe.classes.index(example.label) for example in pixels.examples]
    for epoch in range(2):
        labels = np.eye(len(recipe.classes))[classes]
        for batch in training_batches(pixels.array, labels, recipe, epoch=epoch):
            yield from (part.numpy() for part in batch)


@pytest.mark.parametrize(
    ("builder", "config", "names", "task"),
    [
        (NlmMalaria, None, CELLS, "malaria"),
        (KermanyChestXray, "official", FILMS, "pneumonia"),
    ],
    ids=["malaria", "pneumonia"],
)
def test_a_prepared_set_is_the_folder_bit_for_bit(prepare, tmp_path, builder, config, names, task):
    folder = draw_archive(tmp_path / "archive", names)
    built = prepare(builder, folder, config)
    from_folder, split = split_of(folder, task)
    from_set, split_again = split_of(f"tfds:{built.name}", task)
    for one, other in zip(from_folder.examples, from_set.examples, strict=True):
        assert (one.file, one.label, one.patient) == (other.file, other.label, other.patient)
        assert one.sha256 == other.sha256
    assert split_hash(split) == split_hash(split_again)
    assert not [warning for warning in from_set.warnings if "no patients" in warning]
    folder_batches, set_batches = batches(split.train, task), batches(split_again.train, task)
    for one, other in zip(folder_batches, set_batches, strict=True):
        assert one.tobytes() == other.tobytes()


def test_no_patient_is_in_two_splits_of_the_regrouped_films(prepare, tmp_path):
    folder = draw_archive(tmp_path / "archive", FILMS)
    built = prepare(KermanyChestXray, folder, "regrouped")
    patients = {
        name: {example["patient"] for example in tfds.as_numpy(built.as_dataset(split=name))}
        for name in ("train", "validation", "test")
    }
    assert all(patients.values())
    assert sum(map(len, patients.values())) == len(set().union(*patients.values()))


def test_the_official_films_whose_patient_may_be_in_test_are_marked(prepare, tmp_path):
    built = prepare(KermanyChestXray, draw_archive(tmp_path / "archive", FILMS), "official")
    train = list(tfds.as_numpy(built.as_dataset(split="train")))
    marked = {example["patient"].decode() for example in train if example["patient_in_test"]}
    assert marked == {"person7", "person8"}
    test = tfds.as_numpy(built.as_dataset(split="test"))
    assert not any(example["patient_in_test"] for example in test)


def test_the_archive_itself_may_lie_in_the_manual_folder(prepare, tmp_path):
    folder = draw_archive(tmp_path / "archive", CELLS)
    (tmp_path / "manual").mkdir()
    shutil.make_archive(tmp_path / "manual" / "cell_images", "zip", folder)
    built = prepare(NlmMalaria, tmp_path / "manual")
    assert built.info.splits.total_num_examples == len(CELLS)


@pytest.mark.parametrize("builder", [NlmMalaria, KermanyChestXray])
def test_without_a_manual_folder_the_official_archive_is_asked_for(builder, tmp_path, monkeypatch):
    names = {NlmMalaria: CELLS, KermanyChestXray: FILMS}[builder]
    folder, asked = draw_archive(tmp_path / "archive", names), []

    def download_and_extract(manager, resource):
        asked.append(resource.url)
        return folder

    monkeypatch.setattr(tfds.download.DownloadManager, "download_and_extract", download_and_extract)
    monkeypatch.setenv("DLMATH_HOME", str(tmp_path / "home"))
    (tmp_path / "prepared" / "downloads" / "manual" / "of_another_set").mkdir(parents=True)
    built = builder(data_dir=tmp_path / "prepared")
    built.download_and_prepare(download_config=tfds.download.DownloadConfig(try_download_gcs=False))
    assert asked == [official_archive(builder.TASK).url]
    assert built.info.splits.total_num_examples == len(names)


def test_what_is_known_of_the_archives_is_what_a_download_is_checked_by():
    (info,) = NlmMalaria.url_infos.values()
    official = official_archive("malaria")
    assert (info.size, info.checksum) == (official.size, official.sha256)
    theirs = tfds.builder_cls("malaria")
    assert theirs is not NlmMalaria  # the names do not collide
    assert theirs.url_infos == NlmMalaria.url_infos
    assert KermanyChestXray.url_infos == {}


def test_their_own_malaria_is_read_with_a_warning(tmp_path, monkeypatch):
    folder = draw_archive(tmp_path / "archive", CELLS)
    monkeypatch.setattr(
        tfds.download.DownloadManager, "download_and_extract", lambda *_: str(folder)
    )
    offline = tfds.download.DownloadConfig(try_download_gcs=False)
    theirs = tfds.builder("malaria", data_dir=tmp_path / "prepared")
    theirs.download_and_prepare(download_config=offline)
    monkeypatch.setenv("DLMATH_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "prepared"))
    dataset, split = split_of("tfds:malaria", "malaria")
    assert len(dataset.examples) == len(CELLS)
    assert dataset.classes == ("Parasitized", "Uninfected")
    assert {example.patient for example in dataset.examples} == {None}
    assert "cannot be split honestly" in " ".join(dataset.warnings)
    assert "The patient of" in " ".join(split.warnings)


@pytest.mark.slow
def test_the_build_command_prepares_a_set(tmp_path):
    folder = draw_archive(tmp_path / "archive", CELLS)
    command = [sys.executable, "-m", "dlmath.data.tfds", "nlm_malaria"]
    command += ["--manual_dir", folder, "--data_dir", tmp_path / "prepared"]
    environment = {**os.environ, "DLMATH_HOME": str(tmp_path / "home")}
    subprocess.run(command, check=True, env=environment, cwd=tmp_path)
    built = tfds.builder_from_directory(tmp_path / "prepared" / "nlm_malaria" / "1.0.0")
    assert built.info.splits.total_num_examples == len(CELLS)
