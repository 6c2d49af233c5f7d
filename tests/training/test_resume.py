import contextlib
import os
import shutil
import signal

import pytest

import dlmath
from dlmath.errors import DataError, RunError, Stopped
from dlmath.reporting import Reporter
from dlmath.runs import Run, write_text
from dlmath.training import checkpoints, resume
from dlmath.training.loop import Loop
from dlmath.training.runner import locked_run
from tests.support import crashing


class SignalAt(Reporter):
    """Sends this process a signal at the first progress of a task, or at a line."""

    def __init__(self, beginning, number=signal.SIGTERM):
        self.beginning, self.number, self.sent = beginning, number, False

    def progress(self, task, done, total, note=""):
        self.say(task)

    def say(self, message):
        if message.startswith(self.beginning) and not self.sent:
            self.sent = True
            os.kill(os.getpid(), self.number)


@pytest.fixture(scope="module", autouse=True)
def _checkpoints_are_kept():
    with crashing.keeping_checkpoints():
        yield


@pytest.fixture(scope="module")
def recipe(squares_recipe):
    return squares_recipe.replace(
        tune="all", batch_size=8, epochs=2, mixup=0.2, flip_horizontal=True, ema=0.9, l2=0.0
    )


@pytest.fixture(scope="module")
def images(draw_squares, tmp_path_factory):
    return draw_squares(tmp_path_factory.mktemp("images"), {"dark": 90, "bright": 170}, noise=60)


@pytest.fixture(scope="module")
def whole(recipe, images, tmp_path_factory):
    return dlmath.train(recipe, images, out=tmp_path_factory.mktemp("runs") / "whole")


@pytest.fixture(scope="module")
def expected(whole):
    return crashing.result(whole)


@pytest.fixture(scope="module")
def stopped_template(recipe, images, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "stopped"
    with pytest.raises(Stopped):
        dlmath.train(recipe, images, out=out, reporter=SignalAt("epoch 1/"))
    return out


@pytest.fixture
def stopped(stopped_template, tmp_path):
    """A run that a signal stopped in its first epoch."""
    shutil.copytree(stopped_template, tmp_path / "stopped")
    run = Run(tmp_path / "stopped")
    sources = [str(path) for path in Run(stopped_template).sources]
    run.update_manifest(data={**run.manifest["data"], "sources": sources})
    return run


def test_each_difference_is_named_and_refused(stopped, expected):
    manifest = stopped.manifest
    write_text(stopped.recipe_path, stopped.recipe.replace(seed=1).to_toml())
    stopped.update_manifest(
        versions={**manifest["versions"], "keras": "2.0"},
        device={**manifest["device"], "kind": "tpu"},
        threads={**manifest["threads"], "intra_op": 99},
        preprocessing="bicubic",
        platform="AmigaOS m68k",
        split={**manifest["split"], "sha256": "0"},
    )
    with pytest.raises(RunError) as refused:
        resume(stopped)
    for line in (
        "recipe seed: 0, now 1",
        "version of keras: '2.0', now",
        "device kind: 'tpu', now 'cpu'",
        "threads intra_op: 99, now",
        "preprocessing: bicubic, now",
        "platform: AmigaOS m68k, now",
        "split.csv: 0, now",
        "--force",
    ):
        assert line in str(refused.value)


@pytest.mark.slow
def test_what_is_forced_is_marked(stopped, expected):
    stopped.update_manifest(versions={**stopped.manifest["versions"], "numpy": "0.1"})
    run = resume(stopped, force=True)
    assert [line.split(":")[0] for line in run.manifest["forced"]] == ["version of numpy"]
    assert crashing.result(run) == expected  # it was the same NumPy after all


def test_a_run_goes_on_without_force_where_nothing_differs(stopped, expected):
    leftover = stopped.checkpoints / ".epoch-00000-step-000001-abcdefgh.tmp.checkpoint"
    leftover.write_bytes(b"half")
    run = resume(stopped)
    assert "forced" not in run.manifest
    assert len(run.manifest["resumed"]) == 1
    assert not leftover.exists()
    assert crashing.result(run) == expected


@pytest.mark.slow
def test_images_that_are_gone_are_left_out_by_force_alone(stopped, images, tmp_path):
    fewer = tmp_path / "fewer"
    shutil.copytree(images, fewer)
    gone = sorted(fewer.glob("*/p0_*.png"))
    for path in gone:
        path.unlink()
    with pytest.raises(DataError, match="not in the data"):
        resume(stopped, fewer)
    run = resume(stopped, fewer, force=True)
    assert any("2 images gone" in line for line in run.manifest["forced"])


def test_the_second_trainer_is_refused(recipe, stopped, images, tmp_path):
    with locked_run(stopped), pytest.raises(DataError, match=rf"\({os.getpid()}\) is training"):
        resume(stopped)
    fresh = Run(tmp_path / "fresh")
    fresh.folder.mkdir()
    with locked_run(fresh), pytest.raises(DataError, match="is training in"):
        dlmath.train(recipe, images, out=fresh.folder)


def test_what_a_kill_left_before_the_manifest_stands_in_nobodys_way(stopped, images, tmp_path):
    stopped.manifest_path.unlink()
    Run.check_unoccupied(stopped.folder)
    stopped.lock_path.unlink()
    with pytest.raises(RunError, match="absent or empty"):  # not known to be ours
        Run.check_unoccupied(stopped.folder)


@pytest.mark.slow
@pytest.mark.parametrize("task", ["reading training images", "Building", "epoch 2/2  "])
def test_a_signal_at_any_stage_stops_cleanly(recipe, images, expected, task, tmp_path):
    out = tmp_path / "run"
    with pytest.raises(Stopped, match="same command|--resume") as stopped:
        dlmath.train(recipe, images, out=out, reporter=SignalAt(task, signal.SIGINT))
    assert stopped.value.exit_code == 130
    run = resume(out) if (out / "manifest.json").exists() else dlmath.train(recipe, images, out=out)
    assert crashing.result(run) == expected


def interrupted(recipe, images, out, patch, name, replacement):
    with pytest.MonkeyPatch.context() as context:
        context.setattr(name, replacement)
        with pytest.raises(patch) as caught:
            dlmath.train(recipe, images, out=out)
    return caught.value


@pytest.mark.slow
def test_a_signal_while_validating_goes_on_at_the_end_of_the_epochs_steps(
    recipe, images, expected, tmp_path
):
    from dlmath.inference.probabilities import predict_probabilities

    def predict(*arguments, **options):
        os.kill(os.getpid(), signal.SIGTERM)
        return predict_probabilities(*arguments, **options)

    name = "dlmath.training.step_trainer.predict_probabilities"
    stopped = interrupted(recipe, images, tmp_path / "run", Stopped, name, predict)
    assert "while validating" in str(stopped)
    assert crashing.result(resume(tmp_path / "run")) == expected


@pytest.mark.slow
def test_a_signal_while_a_checkpoint_is_written_is_honoured_after_it(
    recipe, images, expected, tmp_path
):
    true = checkpoints.save

    sent = []

    def save(*arguments):
        if not sent:
            sent.append(os.kill(os.getpid(), signal.SIGTERM))
        true(*arguments)

    name = "dlmath.training.checkpoints.save"
    stopped = interrupted(recipe, images, tmp_path / "run", Stopped, name, save)
    assert stopped.exit_code == 143
    assert crashing.result(resume(tmp_path / "run")) == expected


@pytest.mark.slow
@pytest.mark.parametrize("place", ["write_light", "write_ood_score", "write_report"])
def test_an_end_after_the_last_epoch_is_made_up_for(recipe, images, expected, place, tmp_path):
    def ends(*arguments):
        raise SystemExit

    name = f"dlmath.training.runner.{place}"
    interrupted(recipe, images, tmp_path / "run", SystemExit, name, ends)
    assert not Run(tmp_path / "run").is_finished
    run = resume(tmp_path / "run")
    assert crashing.result(run) == expected
    assert run.report_path.is_file()


@pytest.mark.slow
def test_a_full_disk_is_one_message_with_the_command(recipe, images, expected, tmp_path):
    true, written = checkpoints.write_bytes, []

    def write(path, data):
        written.append(path)
        if len(written) > 2:
            raise OSError(28, "No space left on device")
        true(path, data)

    name = "dlmath.training.checkpoints.write_bytes"
    error = interrupted(recipe, images, tmp_path / "run", RunError, name, write)
    assert error.exit_code == 2
    assert "No space left on device. Everything up to epoch 2, step 0 is saved" in str(error)
    assert f"--resume {tmp_path / 'run'}" in str(error)
    assert crashing.result(resume(tmp_path / "run")) == expected


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_at_every_single_step_changes_no_bit(
    recipe, images, expected, number, monkeypatch, tmp_path
):
    true, codes = Loop._end_step, []

    def end_step(loop, result):
        os.kill(os.getpid(), number)
        true(loop, result)

    monkeypatch.setattr(Loop, "_end_step", end_step)
    run = Run(tmp_path / "run")
    while not run.is_finished:
        with contextlib.suppress(Stopped), recording(codes):
            if run.manifest_path.is_file():
                resume(run)
            else:
                dlmath.train(recipe, images, out=run.folder)
    steps = run.manifest["split"]["train"] // recipe.batch_size * recipe.epochs
    assert codes == [128 + number] * steps
    assert crashing.result(run) == expected


@contextlib.contextmanager
def recording(codes):
    """Note the exit code with which the block was stopped."""
    try:
        yield
    except Stopped as stopped:
        codes.append(stopped.exit_code)
        raise
