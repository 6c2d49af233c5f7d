"""Carry out a training in its run's folder, from the newest checkpoint to the report."""

import errno
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import keras

from dlmath.data.locks import held
from dlmath.errors import DivergedError, RunError, Stopped
from dlmath.evaluation.report import write_report
from dlmath.logs import logged
from dlmath.reporting import Reporter
from dlmath.runs import Run
from dlmath.training import manifest, solved_head
from dlmath.training.cadence import Cadence, Interval
from dlmath.training.checkpoint_store import CheckpointStore
from dlmath.training.devices import Placement
from dlmath.training.distances import write_ood_score_of_images
from dlmath.training.divergence import explained
from dlmath.training.ingredients import Ingredients
from dlmath.training.model_files import write_light
from dlmath.training.session import Session
from dlmath.training.signals import stop_request
from dlmath.training.solved_head import HeadIngredients

# What a full or failing disk says; other errors of the system are no matter of the disk.
_DISK_FAULTS = {errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS, errno.EFBIG}


@contextmanager
def sole_trainer(run: Run) -> Iterator[None]:
    """Hold a run's folder against other trainers, as long as this process lives.

    Raises:
        DataError: Another process trains there; names it.
        RunError: The disk was full or failed inside the block; says up to where all is saved.
    """
    try:
        with held(run.lock_path, f"training in {run.folder}"):
            yield
    except OSError as error:
        if error.errno not in _DISK_FAULTS:
            raise
        raise _disk_fault(run, error) from error


def carry_out(
    run: Run,
    ingredients: Ingredients | HeadIngredients,
    placement: Placement,
    reporter: Reporter,
    *,
    interval: Interval,
    tensorboard: bool = False,
) -> Run:
    """Train, write the model and the report, and return the finished run.

    The manifest calls the run finished only when everything is there.

    Args:
        run: Its folder holds recipe, split and manifest, and is held by `sole_trainer`.
        ingredients: The model and the images.
        placement: Of the device.
        reporter: Receives the progress.
        interval: Wanted between two checkpoints.
        tensorboard: Also write event files.

    Raises:
        DivergedError: A loss or a weight became NaN or infinite; the best epoch is kept.
        Stopped: A signal came; everything was saved.
        OSError: The disk is full or fails; `sole_trainer` makes a message of it.
    """
    with logged(run, reporter) as log:
        return _carry_out(run, ingredients, placement, log, interval, tensorboard=tensorboard)


def _carry_out(
    run: Run,
    ingredients: Ingredients | HeadIngredients,
    placement: Placement,
    reporter: Reporter,
    interval: Interval,
    *,
    tensorboard: bool,
) -> Run:
    started = time.perf_counter()
    try:
        with stop_request() as stop:
            if isinstance(ingredients, HeadIngredients):
                outcome = solved_head.solve(run, ingredients, reporter)
            else:
                observers = _observers(run) if tensorboard else ()
                session = Session(
                    run, ingredients, placement, stop, Cadence(interval), reporter, observers
                )
                outcome = _train_by_steps(session, ingredients, run, reporter)
            run.update_manifest(seconds=round(time.perf_counter() - started, 1), **outcome)
            write_report(run)
            run.update_manifest(state="finished", finished=manifest.now())
    except Stopped:
        with suppress(OSError):  # a manifest that says "running" is as good
            run.update_manifest(state="stopped")
        raise
    return run


def _train_by_steps(
    session: Session, ingredients: Ingredients, run: Run, reporter: Reporter
) -> dict[str, Any]:
    try:
        session.run_to_the_end()
    except DivergedError as error:
        reason = explained(
            error,
            ingredients.model,
            ingredients.train.pixels.examples,
            ingredients.recipe,
            session.loop.position,
        )
        raise _keep_last_good(session, run, reason) from error
    session.refuse_to_go_on()
    outcome = session.finish()
    session.refuse_to_go_on()
    compared = ingredients.validation.pixels.array[: solved_head.COMPARED_IMAGES]
    light = write_light(run, ingredients.model, compared)
    session.refuse_to_go_on()
    known = write_ood_score_of_images(run, ingredients, light is not None, reporter)
    return {**outcome, "light": light, **known}


def _observers(run: Run) -> list[keras.callbacks.Callback]:
    return [keras.callbacks.TensorBoard(os.fspath(run.folder / "tensorboard"), write_graph=False)]


def _keep_last_good(session: Session, run: Run, error: DivergedError) -> DivergedError:
    """Write the model of the best epoch before the divergence, and say what is left."""
    if not session.has_best():
        run.update_manifest(state="diverged")
        return DivergedError(f"{error} No epoch was finished, so no model is kept.")
    outcome = session.finish()
    run.update_manifest(state="diverged", **outcome)
    best = outcome["best"]
    return DivergedError(
        f"{error} The model of epoch {best['epoch']} (validation AUC {best['val_auc']:.4f}) is "
        f"kept in {run.model_path}."
    )


def _disk_fault(run: Run, error: OSError) -> RunError:
    """Say what is saved. To train on without being able to save would stake ever more work."""
    then = "start the same command again"
    if run.manifest_path.is_file():
        then = f"go on with: dlmath train --resume {run.folder}"
    return RunError(
        f"The disk of {run.folder} cannot be written to: {error.strerror}. "
        f"{CheckpointStore(run.checkpoints).saved_until()}. Make room there, then {then}"
    )
