import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dlmath.data import phantom, phantom_plan
from dlmath.data.phantom import write_phantoms
from dlmath.data.phantom_truth import read_truth
from dlmath.data.sources import Dataset, read_sources
from dlmath.errors import DataError
from dlmath.models import RECIPES

NAMES = {
    "pneumonia": r"(train|test)/(NORMAL/(NORMAL2-)?IM-\d{4}-0001(-\d{4})?"
    r"|PNEUMONIA/person\d+_(bacteria|virus)_\d+)\.jpeg",
    "malaria": r"(Parasitized|Uninfected)/C\d+P\d+thinF_IMG_2015\d{4}_\d{6}_cell_\d+\.png",
}
TASKS = sorted(NAMES)


@pytest.fixture(scope="module", autouse=True)
def _few_cells() -> Iterator[None]:
    """A fifth of the cells: what is shown here does not depend on their number."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(phantom_plan, "CELLS", 4)
        yield


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("phantoms")
    return {task: write_phantoms(task, root / task, patients=10, image_size=96) for task in TASKS}


def dataset_of(task: str, folder: Path) -> Dataset:
    recipe = RECIPES[task]
    return read_sources([folder], classes=recipe.classes, patient_rules=recipe.patient_rules)


def hashes_of(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.mark.parametrize("task", TASKS)
def test_files_are_named_as_in_the_real_set(folders, task):
    images = set(hashes_of(folders[task])) - {"PHANTOM.json", "truth.csv"}

    assert images
    assert not [name for name in images if not re.fullmatch(NAMES[task], name)]


@pytest.mark.parametrize("task", TASKS)
def test_a_phantom_reads_as_a_class_tree_and_says_what_it_is(folders, task):
    dataset = dataset_of(task, folders[task])
    marker = json.loads((folders[task] / "PHANTOM.json").read_text())

    assert dataset.phantom
    assert {example.label for example in dataset.examples} == set(RECIPES[task].classes)
    assert marker["phantom"] is True
    assert marker["task"] == task
    assert (marker["seed"], marker["difficulty"], marker["patients"]) == (0, 0.5, 10)
    assert len({example.patient for example in dataset.examples}) == 10


def test_no_patient_is_in_train_and_test(folders):
    parts = defaultdict(set)
    for example in dataset_of("pneumonia", folders["pneumonia"]).examples:
        parts[example.patient].add(example.part)

    assert all(len(found) == 1 for found in parts.values())
    assert set().union(*parts.values()) == {"train", "test"}


def test_infected_patients_have_cells_of_both_classes_and_healthy_ones_of_one(folders):
    classes = defaultdict(set)
    for example in dataset_of("malaria", folders["malaria"]).examples:
        classes[example.patient].add(example.label)

    assert {frozenset(found) for found in classes.values()} == {
        frozenset({"Parasitized", "Uninfected"}),
        frozenset({"Uninfected"}),
    }


def test_some_patients_have_several_films(tmp_path):
    folder = write_phantoms("pneumonia", tmp_path / "films", patients=20, image_size=64)

    examples = dataset_of("pneumonia", folder).examples

    assert len({example.patient for example in examples}) == 20 < len(examples)


@pytest.mark.parametrize("task", TASKS)
def test_one_seed_gives_the_same_bytes_and_another_seed_others(folders, tmp_path, task):
    again = write_phantoms(task, tmp_path / "again", patients=10, image_size=96)
    other = write_phantoms(task, tmp_path / "other", patients=10, image_size=96, seed=1)

    assert hashes_of(again) == hashes_of(folders[task])
    assert not set(hashes_of(other).values()) & set(hashes_of(folders[task]).values())


@pytest.mark.parametrize("task", TASKS)
def test_truth_marks_the_findings_of_the_diseased_and_no_others(folders, task):
    truths = read_truth(folders[task])
    diseased = {
        example.file
        for example in dataset_of(task, folders[task]).examples
        if example.label == RECIPES[task].positive_class
    }

    assert set(truths) == diseased
    for truth in truths.values():
        with Image.open(folders[task] / truth.file) as image:
            assert truth.mask.shape == (image.height, image.width)
        assert truth.mask.any()


def test_films_have_the_size_that_was_asked_for(folders):
    for example in dataset_of("pneumonia", folders["pneumonia"]).examples:
        with Image.open(example.path) as film:
            assert (film.size, film.mode) == ((96, 96), "L")


def test_cells_vary_in_size_around_the_real_median(folders):
    widths = []
    for example in dataset_of("malaria", folders["malaria"]).examples:
        with Image.open(example.path) as cell:
            assert cell.mode == "RGB"
            widths.append(cell.width)

    assert 115 < np.median(widths) < 145
    assert np.std(widths) > 10


def test_progress_counts_every_picture(tmp_path):
    calls = []
    folder = write_phantoms(
        "pneumonia", tmp_path / "x", patients=10, image_size=64, progress=lambda *c: calls.append(c)
    )

    films = len(list(folder.rglob("*.jpeg")))
    assert calls == [(done, films) for done in range(1, films + 1)]


def test_an_occupied_folder_is_left_alone(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")

    with pytest.raises(DataError, match=r"absent or empty, and .* holds notes\.txt.*--out"):
        write_phantoms("malaria", tmp_path)

    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_an_empty_folder_is_taken(tmp_path):
    (tmp_path / "empty").mkdir()

    folder = write_phantoms("pneumonia", tmp_path / "empty", patients=10, image_size=64)

    assert (folder / "PHANTOM.json").is_file()


def test_an_interrupted_drawing_leaves_nothing(tmp_path, monkeypatch):
    def interrupted(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(phantom, "write_truth", interrupted)

    with pytest.raises(KeyboardInterrupt):
        write_phantoms("pneumonia", tmp_path / "x", patients=10, image_size=64)

    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("task", "arguments", "message"),
    [
        ("malarai", {}, "Received: task='malarai'. Did you mean 'malaria'"),
        ("malaria", {"patients": 9}, "Received: patients=9"),
        ("malaria", {"patients": 0}, "Received: patients=0"),
        ("malaria", {"difficulty": 1.5}, "Received: difficulty=1.5"),
        ("malaria", {"difficulty": float("nan")}, "Received: difficulty=nan"),
        ("pneumonia", {"image_size": 32}, "Received: image_size=32"),
    ],
)
def test_arguments_out_of_range_are_named(tmp_path, task, arguments, message):
    with pytest.raises(DataError, match=re.escape(message)):
        write_phantoms(task, tmp_path / "x", **arguments)

    assert not list(tmp_path.iterdir())


def test_the_files_that_describe_a_phantom_are_not_left_out(tmp_path):
    write_phantoms("malaria", tmp_path / "cells", patients=10, image_size=96)
    (tmp_path / "cells" / "notes.txt").write_text("mine")

    assert read_sources([tmp_path / "cells"]).passed_over == {"*.txt": 1}
