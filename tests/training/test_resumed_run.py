from dataclasses import replace
from types import SimpleNamespace

from dlmath.reporting import SILENT
from dlmath.training.manifest import weights_sha256
from dlmath.training.preparation import prepare_again
from dlmath.training.resumed_run import differences


def test_another_file_of_weights_is_a_difference(tiny_run, tmp_path):
    file = tmp_path / "own.weights.h5"
    file.write_bytes(b"one")
    prepared = prepare_again(tiny_run, None, SILENT)
    prepared = replace(prepared, recipe=prepared.recipe.replace(weights=str(file)))
    recorded = {"weights_file": weights_sha256(prepared.recipe)}

    context = SimpleNamespace(device=SimpleNamespace(as_dict=dict), threads={})

    def found():
        return differences(recorded, prepared, context)

    assert found() == []
    file.write_bytes(b"other")
    assert [line.split(":")[0] for line in found()] == ["file of weights"]
    file.unlink()
    assert [line.rpartition(" ")[2] for line in found()] == ["None"]


def test_weights_by_a_word_are_no_file(tiny_run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "imagenet").write_bytes(b"a file of that name")
    assert weights_sha256(tiny_run.recipe.replace(weights="imagenet")) is None
