"""Nothing that a hostile model file tries comes to pass, whichever way it comes in."""

import hashlib
import json
import sys

import keras
import numpy as np
import pytest

from dlmath import models
from dlmath.cli.main import main
from dlmath.errors import RunError, WeightsError
from dlmath.models.keras_archive import NOTE, NOTE_KEY, NOTE_RECIPE
from dlmath.models.weights_file import load_weights_file
from dlmath.runs import write_text
from tests.support import hostile_files as hostile

every_kind = pytest.mark.parametrize("kind", hostile.KINDS.values(), ids=list(hostile.KINDS))
HDF5_HOLES = [name for name in hostile.KINDS if name.startswith(("CVE-2026-1669", "CVE-2026-0897"))]


@pytest.fixture
def target(tmp_path):
    (tmp_path / "target").mkdir()
    return hostile.Target(tmp_path / "target")


def written(kind, target, path):
    path.write_bytes(kind.make(target))
    return path


def one_message(error, path):
    text = str(error.value)
    assert str(path) in text
    assert "\n" not in text
    return error.value.exit_code == 2


def is_harmless(kind, target, path, load):
    """Whether a file is refused, or its numbers are read and nothing else of it."""
    if not kind.in_description:
        with target.watched(), pytest.raises(WeightsError) as error:
            load()
        return one_message(error, path) and target.traces == []
    with target.watched():
        loaded = load()
    same = zip(loaded.get_weights(), good_weights(path.parent), strict=True)
    assert [layer.name for layer in loaded.layers] == [x.name for x in hostile.network().layers]
    return all(np.array_equal(ours, theirs) for ours, theirs in same) and target.traces == []


def good_weights(folder):
    path = folder / "good.keras"
    path.write_bytes(hostile.good_file())
    return keras.models.load_model(path).get_weights()


def with_weights_of(path):
    network = hostile.network()
    load_weights_file(network, path)
    return network


@every_kind
def test_a_file_leaves_no_trace(kind, target, tmp_path):
    path = written(kind, target, tmp_path / "model.keras")
    assert is_harmless(kind, target, path, lambda: models.load(path))


@every_kind
def test_as_weights_it_leaves_no_trace(kind, target, tmp_path):
    path = written(kind, target, tmp_path / "weights.keras")
    assert is_harmless(kind, target, path, lambda: with_weights_of(path))


def test_more_classes_than_there_are_weights_take_no_memory(tmp_path):
    path = tmp_path / "model.keras"
    recipe = hostile.RECIPE.replace(classes=[f"class {i}" for i in range(10**5)], positive_class="")
    note = {NOTE_KEY: {NOTE_RECIPE: recipe.to_toml()}}
    path.write_bytes(hostile.repacked({NOTE: json.dumps(note).encode()}))
    with pytest.raises(WeightsError, match="no head of 100,000 classes"):
        models.load(path)


@pytest.mark.parametrize("ending", [".h5", ".weights.h5"])
@pytest.mark.parametrize("hole", HDF5_HOLES)
def test_weights_alone_are_looked_through_too(hole, ending, target, tmp_path):
    path = tmp_path / f"weights{ending}"
    path.write_bytes(hostile.weights_in(hostile.KINDS[hole].make(target)))
    with target.watched(), pytest.raises(WeightsError, match="is not loaded: its ") as error:
        load_weights_file(hostile.network(), path)

    assert one_message(error, path)
    assert target.traces == []


def test_a_lambda_in_hdf5_is_no_weights(target, tmp_path):
    path = written(hostile.KINDS["CVE-2025-9905"], target, tmp_path / "model.h5")
    with target.watched(), pytest.raises(WeightsError) as error:
        load_weights_file(hostile.network(), path)

    assert one_message(error, path)
    assert target.traces == []


def test_the_bait_works(target, tmp_path):
    """Code that runs is noticed, so that what the other tests do not see did not happen."""
    model = hostile.lambda_model(target)
    model.save(tmp_path / "lambda.keras")
    with target.watched():
        keras.models.load_model(tmp_path / "lambda.keras", safe_mode=False)
    assert target.marker.exists()
    assert any("marker" in trace for trace in target.traces)


def test_reading_the_secret_is_noticed(target):
    with target.watched():
        target.secret.read_bytes()
    assert f"{target.secret} was opened" in target.traces


def run_command(monkeypatch, capsys, *arguments):
    monkeypatch.setattr(sys, "argv", ["dlmath", *map(str, arguments)])
    with pytest.raises(SystemExit) as exit_:
        main()
    return exit_.value.code, capsys.readouterr().err


COMMANDS = {
    "evaluate": lambda run, out: ("evaluate", run.folder),
    "predict": lambda run, out: ("predict", run.folder, image(run), "--runtime", "keras"),
    "explain": lambda run, out: ("explain", run.folder, image(run), "--out", out),
    "export": lambda run, out: ("export", run.folder, "--out", out),
}


def image(run):
    return next((run.folder.parents[1] / "data" / "test").rglob("*.png"))


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    "hole",
    [
        "CVE-2024-3660",
        "CVE-2026-1669",
        *(
            pytest.param(hole, marks=pytest.mark.slow)
            for hole in hostile.KINDS
            if hole not in ("CVE-2024-3660", "CVE-2026-1669")
        ),
    ],
)
def test_every_command_refuses_a_run_with_such_a_model(
    command, hole, tiny_run, target, tmp_path, monkeypatch, capsys
):
    written(hostile.KINDS[hole], target, tiny_run.model_path)
    arguments = COMMANDS[command](tiny_run, tmp_path / "out")
    with target.watched():
        code, said = run_command(monkeypatch, capsys, *arguments)

    assert code == 2
    assert said.count("Error: ") == 1
    assert str(tiny_run.model_path) in said
    assert "Traceback" not in said
    assert target.traces == []


def with_record(run, content):
    """Let the manifest vouch for a model file, as somebody who forges a whole run would."""
    run.model_path.write_bytes(content)
    run.update_manifest(model={"sha256": hashlib.sha256(content).hexdigest(), "bytes": 0})
    recipe = run.recipe.replace(backbone="malaria_cnn", weights="none", image_size=hostile.SIZE)
    write_text(run.recipe_path, recipe.to_toml())


@every_kind
def test_a_forged_checksum_opens_no_door(kind, tiny_run, target):
    with_record(tiny_run, kind.make(target))
    assert is_harmless(kind, target, tiny_run.model_path, lambda: models.load(tiny_run))


def test_a_saved_model_is_refused(tiny_run, tmp_path):
    folder = tmp_path / "saved_model"
    folder.mkdir()
    (folder / "saved_model.pb").write_bytes(b"")
    with pytest.raises(RunError, match="is a SavedModel, which is a program"):
        models.load(folder)
    with pytest.raises(WeightsError, match="A SavedModel is a program"):
        load_weights_file(hostile.network(), folder)
