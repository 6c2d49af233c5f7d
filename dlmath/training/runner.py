"""Carry a training out in its run's folder, from the newest checkpoint to the report."""

import errno
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import numpy as np

from dlmath.data.locks import held
from dlmath.drift.reference import write_reference
from dlmath.errors import DivergedError, RunError, Stopped
from dlmath.evaluation.report import write_report
from dlmath.logs import logged
from dlmath.runs import Run
from dlmath.terminal_text import quoted
from dlmath.training import manifest
from dlmath.training.calibration import calibrate
from dlmath.training.checkpoint_store import CheckpointStore
from dlmath.training.context import TrainingContext
from dlmath.training.distances import write_ood_score
from dlmath.training.model_files import write_light, write_model
from dlmath.training.trainer import Trainer
from dlmath.training.training_data import class_indices
from dlmath.training.validation import decisions

COMPARED_IMAGES = 16  # on which the light form of the model must answer like Keras

# What a full or failing disk reports; other errors of the system are not about the disk.
_DISK_FAULTS = {errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS, errno.EFBIG}


@contextmanager
def locked_run(run: Run) -> Iterator[None]:
    """Lock a run's folder against other trainings, as long as this process lives.

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


def run_training(run: Run, trainer: Trainer, context: TrainingContext) -> Run:
    """Train, write the model and the report, and return the finished run.

    The manifest calls the run finished only when everything is there. A run that is resumed after
    the last epoch goes through the whole ending again.

    Args:
        run: The run, whose folder holds recipe, split and manifest, inside `locked_run`.
        trainer: The trainer, with its model built and its data loaded.
        context: The device, the reporter, and the stop request.

    Raises:
        DivergedError: A loss or a weight became NaN or infinite; the best epoch is kept.
        Stopped: A signal came; everything was saved.
        OSError: The disk is full or fails; `locked_run` turns it into a message.
    """
    with logged(run, context.reporter) as log:
        started = time.perf_counter()
        try:
            outcome = _fit_and_finish(run, trainer, context.of_run(run, log))
            run.update_manifest(seconds=round(time.perf_counter() - started, 1), **outcome)
            write_report(run)
            run.update_manifest(state="finished", finished=manifest.now())
            CheckpointStore(run.checkpoints).clear()
        except Stopped:
            with suppress(OSError):  # a manifest that says "running" is as good
                run.update_manifest(state="stopped")
            raise
    return run


def _fit_and_finish(run: Run, trainer: Trainer, context: TrainingContext) -> dict[str, Any]:
    """Fit and finish the model, and return the manifest's entries."""
    try:
        trainer.fit(run, context)
    except DivergedError as error:
        raise _keep_last_good(run, trainer, context, error) from error
    context.check_not_stopped(trainer.FITTED)
    outcome, probabilities = _decide(run, trainer, context)
    context.check_not_stopped(trainer.FITTED)
    compared = trainer.sample_images(COMPARED_IMAGES)
    light = write_light(run, trainer.model, compared, trainer.network_content)
    context.check_not_stopped(trainer.FITTED)
    known = _write_references(run, trainer, probabilities, context, is_light=light is not None)
    return {**outcome, "light": light, **known}


def _decide(
    run: Run, trainer: Trainer, context: TrainingContext
) -> tuple[dict[str, Any], np.ndarray]:
    """Calibrate and write the best model, and choose threshold and abstention by it.

    The calibration comes first, since the threshold is one of calibrated probabilities.

    Returns:
        The manifest's entries, and the validation probabilities (N, K).
    """
    recipe, reporter, examples = trainer.recipe, context.reporter, trainer.validation
    logits = trainer.best_logits()
    labels = class_indices(examples, recipe)
    scaling, calibration = calibrate(trainer.model, logits, labels, recipe, reporter)
    probabilities = trainer.probabilities(logits, scaling)
    record = trainer.record(probabilities, reporter)
    write_model(run, trainer.model)
    patients = [example.patient for example in examples]
    stressed = trainer.stressed_probabilities()
    chosen = decisions(probabilities, labels, patients, recipe, reporter, stressed)
    return {**record, "calibration": calibration, **chosen}, probabilities


def _write_references(
    run: Run,
    trainer: Trainer,
    probabilities: np.ndarray,
    context: TrainingContext,
    *,
    is_light: bool,
) -> dict[str, Any]:
    """Write the references of new images: the score of one image, the drift of many."""
    recipe, examples = trainer.recipe, trainer.validation
    known = trainer.reference_features(run, probabilities, context.reporter, is_light=is_light)
    pictures = trainer.picture_means(context.reporter)
    labels = class_indices(examples, recipe)
    patients = [example.patient for example in examples]
    ood_score = write_ood_score(
        run,
        known.ood_score,
        known.train_images,
        known.validation,
        recipe.in_distribution_share,
    )
    drift = write_reference(run, known.validation, known.probabilities, labels, patients, pictures)
    return {"ood_score": ood_score, "drift": drift}


def _keep_last_good(
    run: Run, trainer: Trainer, context: TrainingContext, error: DivergedError
) -> DivergedError:
    """Write the model of the best epoch before the divergence, and say what is left."""
    if not trainer.has_model():
        run.update_manifest(state="diverged")
        return DivergedError(f"{error} No epoch was finished, so no model is kept.")
    outcome, _ = _decide(run, trainer, context)
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
        then = f"go on with: dlmath train --resume {quoted(run.folder)}"
    return RunError(
        f"The disk of {run.folder} cannot be written to: {error.strerror}. "
        f"{CheckpointStore(run.checkpoints).saved_until()}. Make room there, then {then}"
    )
