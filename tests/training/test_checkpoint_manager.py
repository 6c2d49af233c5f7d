"""A fault at every single step that writing, renaming and removing checkpoints passes."""

import shutil

import pytest

from dlmath.errors import DivergedError
from dlmath.runs import Run
from dlmath.training.loop import Position
from tests.support import crashing


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    return crashing.FakeTraining(tmp_path_factory.mktemp("whole")).run()


@pytest.fixture(scope="module")
def points(expected, tmp_path_factory):
    """How many there are in a whole training."""
    faults = crashing.Faults(None, lambda: None)
    with faults.in_force():
        assert crashing.FakeTraining(tmp_path_factory.mktemp("counted")).run() == expected
    return faults.passed


def test_there_are_points_to_fail_at(points):
    assert points > 100


# All points take half a minute, most of it in fsync.
STRIDES = [13, pytest.param(1, marks=pytest.mark.slow)]


@pytest.mark.parametrize("every", STRIDES)
@pytest.mark.parametrize("fault", ["full_disk", "failing_disk"])
def test_an_error_at_any_point_loses_nothing(expected, points, fault, every, tmp_path):
    stopped = 0
    for at in range(0, points, every):
        folder = tmp_path / str(at)
        training = crashing.FakeTraining(folder)
        try:
            with crashing.Faults(at, getattr(crashing, fault)).in_force():
                assert training.run() == expected
        except OSError:
            stopped += 1
            assert crashing.FakeTraining(folder).run() == expected
        Run(folder).remove_leftovers()
        assert not list(folder.glob(".*"))
        shutil.rmtree(folder)
    assert stopped  # the others found room by removing the oldest checkpoint


@pytest.mark.parametrize("every", STRIDES)
def test_a_kill_at_any_point_loses_nothing(fork_server, expected, points, every, tmp_path):
    for at in range(0, points, every):
        folder = tmp_path / str(at)
        assert fork_server.call("fake_training", str(folder), at) == 9
        Run(folder).remove_leftovers()
        assert not list(folder.glob(".*"))
        assert crashing.FakeTraining(folder).run() == expected
        shutil.rmtree(folder)


def test_what_is_not_finite_is_never_saved(tmp_path):
    training = crashing.FakeTraining(tmp_path / "checkpoints")
    training.manager.save(training)
    training.weight.assign(training.weight.value * float("nan"))
    training.position = Position(0, 1)
    with pytest.raises(DivergedError, match="by step 1 of epoch 1"):
        training.manager.save(training)
    assert len(list((tmp_path / "checkpoints").iterdir())) == 1
