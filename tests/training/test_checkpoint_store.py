import shutil
from pathlib import Path

import numpy as np
import pytest

from dlmath.errors import RunError
from dlmath.training import checkpoints
from dlmath.training.checkpoint_store import CheckpointStore
from dlmath.training.checkpoints import Checkpoint
from dlmath.training.loop import Position


def state(number, best_epoch=None):
    return Checkpoint({"model/0": np.full(20, number, float)}, {"best_epoch": best_epoch})


def best(epoch):
    return Checkpoint({"model/0": np.full(20, -epoch, float)}, {"epoch": epoch})


@pytest.fixture
def store(tmp_path):
    """Three epochs of training, of which the first and the third were the best so far."""
    store = CheckpointStore(tmp_path / "checkpoints")
    store.save_best(best(0))
    store.save(state(1, 0), Position(1, 0))
    store.save(state(2, 0), Position(2, 0))
    store.save_best(best(2))
    store.save(state(3, 2), Position(3, 0))
    return store


def names(store):
    return sorted(path.name for path in store.folder.iterdir())


def test_the_last_two_are_kept_with_the_best_that_each_names(store):
    assert names(store) == [
        "best-00000.checkpoint",
        "best-00002.checkpoint",
        "epoch-00002-step-000000.checkpoint",
        "epoch-00003-step-000000.checkpoint",
    ]
    store.save(state(4, 2), Position(10, 1))
    restored = store.newest(pytest.fail)
    assert restored.state.arrays["model/0"][0] == 4
    assert restored.best.meta["epoch"] == 2


def test_without_any_there_is_nothing_to_go_on_from(tmp_path):
    store = CheckpointStore(tmp_path / "checkpoints")
    assert store.newest(pytest.fail) is None
    assert store.saved_until() == "Nothing was saved yet"


@pytest.mark.parametrize("victim", ["epoch-00003-step-000000", "best-00002"])
def test_a_damaged_one_is_set_aside_and_the_one_before_it_is_taken(store, victim):
    path = store.folder / f"{victim}.checkpoint"
    path.write_bytes(path.read_bytes()[:-1])
    said = []
    restored = store.newest(said.append)
    assert restored.state.arrays["model/0"][0] == 2
    assert restored.best.meta["epoch"] == 0
    assert "damaged" in said[0]
    assert "epoch 3, step 0" in said[1]
    # What was later is out of the way of what the training writes now.
    assert names(store) == [
        "best-00000.checkpoint",
        "best-00002.checkpoint.damaged",
        "epoch-00002-step-000000.checkpoint",
        "epoch-00003-step-000000.checkpoint.damaged",
    ]
    store.save_best(best(2))
    store.save(state(3, 2), Position(3, 0))
    assert store.newest(pytest.fail).state.arrays["model/0"][0] == 3


def test_where_all_are_damaged_nothing_is_begun_again_silently(store):
    for path in store.folder.iterdir():
        path.write_bytes(b"")
    before = names(store)
    for _ in range(2):  # and the second time no more than the first
        with pytest.raises(RunError, match="remove .*checkpoints and resume"):
            store.newest(lambda message: None)
    assert names(store) == before


def test_a_missing_best_is_not_gone_on_without(store):
    for path in store.folder.glob("best-*"):
        path.unlink()
    with pytest.raises(RunError, match="best-00002"):
        store.newest(lambda message: None)


def test_a_flipped_bit_is_never_loaded(store, tmp_path):
    """200 places over the files that a resumed training would read."""
    rng = np.random.default_rng(0)
    kept = tmp_path / "kept"
    shutil.copytree(store.folder, kept)
    whole = {2: state(2, 0), 3: state(3, 2)}
    taken = []
    for _ in range(200):
        victim = store.folder / rng.choice(names(store))
        data = bytearray(victim.read_bytes())
        data[rng.integers(len(data))] ^= 1 << rng.integers(8)
        victim.write_bytes(data)
        restored = store.newest(lambda message: None)
        number = int(restored.state.arrays["model/0"][0])
        taken.append(number)
        expected = whole[number]
        assert restored.state.arrays["model/0"].tobytes() == expected.arrays["model/0"].tobytes()
        assert restored.best.arrays["model/0"][0] == -expected.meta["best_epoch"]
        shutil.rmtree(store.folder)
        shutil.copytree(kept, store.folder)
    assert set(taken) == {2, 3}


def test_on_a_full_disk_the_older_one_makes_room(store, monkeypatch):
    true, calls = checkpoints.save, []

    def fails_once(checkpoint, path):
        calls.append(sorted(p.name for p in path.parent.glob("epoch-*")))
        if len(calls) == 1:
            raise OSError(28, "No space left on device")
        true(checkpoint, path)

    monkeypatch.setattr(checkpoints, "save", fails_once)
    store.save(state(4, 2), Position(4, 0))
    assert len(calls[0]) == 2
    assert len(calls[1]) == 1
    assert store.newest(pytest.fail).state.arrays["model/0"][0] == 4


def test_on_a_disk_that_stays_full_the_last_one_is_still_there(store, monkeypatch):
    def fails(checkpoint, path):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(checkpoints, "save", fails)
        for _ in range(3):
            with pytest.raises(OSError, match="No space"):
                store.save(state(4, 2), Position(4, 0))
    assert store.saved_until() == "Everything up to epoch 4, step 0 is saved"
    assert store.newest(pytest.fail).state.arrays["model/0"][0] == 3


def test_files_of_others_are_left_alone(store):
    stranger = Path(store.folder / "notes.txt")
    stranger.write_text("mine")
    store.save(state(4, 2), Position(4, 0))
    store.newest(pytest.fail)
    assert stranger.read_text() == "mine"


def test_clearing_leaves_what_a_run_began_with_and_what_is_damaged(tmp_path):
    store = CheckpointStore(tmp_path / "checkpoints")
    store.folder.mkdir()
    names = ["epoch-00001-step-000002.checkpoint", "best-00001.checkpoint"]
    kept = ["start.checkpoint", "epoch-00001-step-000001.checkpoint.damaged"]
    for name in (*names, *kept):
        (store.folder / name).write_bytes(b"12345")
    assert store.clear() == 10
    assert sorted(path.name for path in store.folder.iterdir()) == sorted(kept)
    for name in kept:
        (store.folder / name).unlink()
    assert store.clear() == 0
    assert not store.folder.exists()
    assert store.clear() == 0
