"""Whatever bytes a reader gets, it answers or raises an error of ours: no traceback, no hang."""

import io
import resource
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from dlmath.data import images
from dlmath.data.archives import unpack
from dlmath.data.sources import read_sources
from dlmath.errors import DlmathError
from dlmath.models.keras_archive import read_weights
from dlmath.recipe import Recipe
from dlmath.training.checkpoints import Checkpoint, pack
from dlmath.training.checkpoints import unpack as unpack_checkpoint
from tests.support.mutating import MUTATIONS

INPUTS, WARMED_UP = 10_000, 2_000
GROWTH = 64 * 2**20  # bytes; a thousandth of a MiB left behind by each input is seen


def _png():
    buffer = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 256, (9, 7, 3), np.uint8)
    Image.fromarray(noise).save(buffer, "PNG")
    return buffer.getvalue()


def _zip(members):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, data in members.items():
            packed.writestr(name, data)
    return buffer.getvalue()


def _weights():
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        file["layers/dense/vars/0"] = np.ones((3, 2), np.float32)
    return buffer.getvalue()


RECIPE = Recipe(name="test", classes=("a", "b"), patient_rules=(r"^(?P<patient>p\d+)_",))
GOOD = {
    "recipe": RECIPE.to_toml().encode(),
    "table": b"file,class,patient,split\na.png,NORMAL,p1,train\nb.png,PNEUMONIA,p2,test\n",
    "archive": _zip({"NORMAL/p1_1.png": _png(), "PNEUMONIA/p2_1.png": _png()}),
    "image": _png(),
    "checkpoint": pack(Checkpoint({"a": np.ones((2, 3), np.float32)}, {"epoch": 1})),
    "model": _zip(
        {
            "metadata.json": b"{}",
            "config.json": b'{"module": "keras", "class_name": "Functional", "config": {}}',
            "model.weights.h5": _weights(),
        }
    ),
}


@pytest.fixture(scope="module")
def read(tmp_path_factory):
    """The function that gives bytes to a reader, and lets only errors of ours pass by."""
    folder = tmp_path_factory.mktemp("broken")
    for name in ("a.png", "b.png"):
        (folder / name).write_bytes(_png())

    def written(data, ending):
        path = folder / f"input{ending}"
        path.write_bytes(data)
        return path

    readers = {
        "recipe": lambda data: Recipe.read(written(data, ".toml")),
        "table": lambda data: read_sources([written(data, ".csv")]),
        "archive": lambda data: unpack(written(data, ".zip")),
        "image": lambda data: images.read(written(data, ".png"), "input.png", 8),
        "checkpoint": lambda data: unpack_checkpoint(data, "input"),
        "model": lambda data: read_weights(data, Path("input.keras")),
    }

    def give(kind, data):
        """Return whether the reader took the bytes."""
        try:
            readers[kind](data)
        except DlmathError:
            return False
        return True

    return give


def mutated(kind, number):
    """Return broken input `number` of a kind: the same number, the same bytes."""
    random = np.random.default_rng([7, list(GOOD).index(kind), number])
    data = GOOD[kind]
    for _ in range(random.integers(1, 4)):
        if data:
            data = MUTATIONS[random.integers(len(MUTATIONS))](data, random)
    return data


@pytest.mark.parametrize("kind", GOOD)
def test_the_good_file_is_taken(kind, read):
    assert read(kind, GOOD[kind])


@pytest.mark.parametrize("kind", GOOD)
@settings(max_examples=100, suppress_health_check=list(HealthCheck))
@given(data=st.binary(max_size=400))
def test_any_bytes(kind, read, data):
    read(kind, data)


@pytest.mark.parametrize("kind", GOOD)
@settings(max_examples=100, suppress_health_check=list(HealthCheck))
@given(data=st.text(max_size=200))
def test_any_text_behind_the_beginning_of_a_good_file(kind, read, data):
    half = GOOD[kind][: len(GOOD[kind]) // 2]
    read(kind, half + data.encode(errors="surrogatepass"))


@pytest.mark.parametrize("kind", GOOD)
def test_broken_files(kind, read):
    taken = [read(kind, mutated(kind, number)) for number in range(60)]
    assert not all(taken)


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("recipe", b"name = " + b"[" * 100_000),
        ("recipe", b"name = 'a'\nseed = " + b"9" * 10_000),
        ("recipe", b"name = 'a'\npatient_rules = ['(?P<patient>" + b"(" * 5_000 + b"']"),
        ("recipe", b"name = 'a'\npatient_rules = ['(?P<patient>x{99999999999999999999})']"),
        ("recipe", b"name = 'a'\nlearning_rate = nan"),
        ("table", b"file,class\n" + b"x" * 100_000 + b".png,NORMAL\n"),
        ("table", b"file,class\na\0.png,NORMAL\n"),
        ("table", b'file,class\n"' + b"x" * 200_000),
        ("table", b"file,class\n" + b"../" * 50_000 + b"a.png,NORMAL\n"),
        ("table", b"file,class,file,class\na.png,NORMAL,b.png,OTHER\n"),
        ("checkpoint", b"dlmath checkpoint 2\n"),
    ],
)
def test_what_is_known_to_upset_such_readers(kind, data, read):
    read(kind, data)


@pytest.mark.slow
def test_memory_does_not_grow_over_many_inputs(read, monkeypatch, tmp_path):
    monkeypatch.setenv("DLMATH_HOME", str(tmp_path))
    kinds = list(GOOD)
    for number in range(INPUTS):
        if number == WARMED_UP:
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        read(kinds[number % len(kinds)], mutated(kinds[number % len(kinds)], number))
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
    assert grown < GROWTH
