"""Train a recipe in a new run, or go on with one that was interrupted."""

import importlib.util
import os
import shlex
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras

from dlmath.data.splits import write_split
from dlmath.errors import DivergedError, RunError, Stopped, UserError
from dlmath.evaluation.report import write_report
from dlmath.recipe import Recipe
from dlmath.reporting import SILENT, Reporter
from dlmath.runs import Run, write_json, write_text
from dlmath.training import manifest, solved_head
from dlmath.training.audited import audit_prepared, write_audit
from dlmath.training.devices import Placement, pin_threads, place
from dlmath.training.ingredients import Ingredients, gather
from dlmath.training.model_files import write_light
from dlmath.training.prepare import Data, Prepared, prepare, prepare_again, resolve
from dlmath.training.session import Session
from dlmath.training.signals import stop_request
from dlmath.training.solved_head import HeadIngredients


def train(
    recipe: Recipe | str | Path,
    data: Data = None,
    *,
    out: str | Path | None = None,
    device: str = "auto",
    strategy: str = "auto",
    tensorboard: bool = False,
    reporter: Reporter = SILENT,
    command: Sequence[str] = (),
    **settings: Any,
) -> Run:
    """Train a classifier, and return the finished run.

    The model that is kept is that of the epoch with the highest validation AUC. The
    threshold is chosen on the validation part. The test part is not opened.

    Args:
        recipe: A recipe, a task's name (`malaria`, `pneumonia`), the path of a recipe.toml,
            or one's own images: a folder of class folders, a zip of one, or a CSV.
        data: One source or several (a folder, a zip, a CSV, `tfds:NAME`), or the word
            `phantom`. Without any, the places that `dlmath data list` names.
        out: The run's own folder, absent or empty; by default `runs/<task>-<UTC time>`.
        device: auto, cpu, gpu or tpu.
        strategy: auto, one, mirrored or tpu.
        tensorboard: Also write event files to the run's `tensorboard/` (extra `tensorboard`).
        reporter: Hears of the progress.
        command: What the manifest records as the command.
        settings: Fields of the recipe to change, such as `epochs=3`.

    Raises:
        UserError: The recipe, the data, the device or `out` cannot be used.
        DivergedError: The loss became NaN; the best epoch so far is kept in the run.
        Stopped: A signal came; everything was saved.
    """
    request = resolve(recipe, data, settings)
    folder = Path(out) if out is not None else None
    if folder is not None:
        Run.refuse_occupied(folder)
    if tensorboard:
        _require_tensorboard(request.recipe)
    threads = pin_threads()
    placement = place(device, strategy)
    prepared = prepare(request, reporter)
    for warning in prepared.warnings:
        reporter.say(f"Warning: {warning}")
    return train_prepared(
        prepared,
        folder,
        placement,
        threads=threads,
        tensorboard=tensorboard,
        reporter=reporter,
        command=command,
    )


def train_prepared(
    prepared: Prepared,
    folder: Path | None,
    placement: Placement,
    *,
    threads: dict[str, int],
    tensorboard: bool = False,
    reporter: Reporter = SILENT,
    command: Sequence[str] = (),
) -> Run:
    """Train on data that were read and split already; see `train`.

    Args:
        prepared: Recipe and split.
        folder: The run's own, absent or empty.
        placement: Of the device.
        threads: As `pin_threads` returned them.
        tensorboard: As in `train`.
        reporter: As in `train`.
        command: As in `train`.
    """
    audit = audit_prepared(prepared, reporter)
    ingredients = _gather(prepared, placement, reporter)
    # Only now: whatever can be wrong with the request leaves no folder behind.
    run = Run.create(prepared.recipe.name, folder)
    write_text(run.recipe_path, prepared.recipe.to_toml())
    write_split(prepared.split, run.split_path)
    first = manifest.first_manifest(
        run, prepared, device=placement.as_dict(), threads=threads, command=shlex.join(command)
    )
    first["warnings"] += ingredients.warnings
    first["audit"] = audit.counts
    write_json(run.manifest_path, first)
    write_audit(run, audit)
    return _train(run, ingredients, placement, reporter, tensorboard=tensorboard)


def resume(
    run: Run | str | Path,
    data: Data = None,
    *,
    device: str = "auto",
    strategy: str = "auto",
    reporter: Reporter = SILENT,
) -> Run:
    """Go on with an interrupted run from its last checkpoint, and return it finished.

    Args:
        run: The run, its folder, or its name under `runs/`.
        data: Where the data lies now, if it was moved.
        device: As in `train`.
        strategy: As in `train`.
        reporter: As in `train`.

    Raises:
        RunError: The run is finished already, or its checkpoint is damaged.
        DataError: The data are not those that the run began with.
    """
    run = run if isinstance(run, Run) else Run.find(run)
    if run.is_finished:
        raise RunError(
            f"{run.folder} is finished already. Look at it with: dlmath evaluate {run.folder}"
        )
    pin_threads()
    placement = place(device, strategy)
    prepared = prepare_again(run, data, reporter)
    run.update_manifest(state="running", resumed=[*run.manifest.get("resumed", []), manifest.now()])
    return _train(run, _gather(prepared, placement, reporter), placement, reporter)


def _gather(
    prepared: Prepared, placement: Placement, reporter: Reporter
) -> Ingredients | HeadIngredients:
    if prepared.recipe.solves_head:
        return solved_head.gather(prepared, placement, reporter)
    return gather(prepared, placement, reporter)


def _train(
    run: Run,
    ingredients: Ingredients | HeadIngredients,
    placement: Placement,
    reporter: Reporter,
    *,
    tensorboard: bool = False,
) -> Run:
    started = time.perf_counter()
    try:
        if isinstance(ingredients, HeadIngredients):
            outcome = solved_head.solve(run, ingredients, reporter)
        else:
            observers = _observers(run) if tensorboard else ()
            outcome = _train_by_steps(run, ingredients, placement, reporter, observers)
    except Stopped:
        run.update_manifest(state="stopped")
        raise
    seconds = round(time.perf_counter() - started, 1)
    run.update_manifest(state="finished", finished=manifest.now(), seconds=seconds, **outcome)
    write_report(run)
    return run


def _train_by_steps(
    run: Run,
    ingredients: Ingredients,
    placement: Placement,
    reporter: Reporter,
    observers: Sequence[keras.callbacks.Callback],
) -> dict[str, Any]:
    with stop_request() as stop:
        session = Session(run, ingredients, placement, stop, reporter, observers)
        session.restore()
        try:
            session.loop.run()
        except DivergedError as error:
            raise _keep_last_good(session, run, error) from error
        outcome = session.finish()
        compared = ingredients.validation.pixels.array[: solved_head.COMPARED_IMAGES]
        return {**outcome, "light": write_light(run, ingredients.model, compared)}


def _require_tensorboard(recipe: Recipe) -> None:
    """Refuse before the work begins: TensorFlow looks for it only at the first event."""
    if recipe.solves_head:
        raise UserError(
            "A head that is solved exactly has no epochs to show in TensorBoard. Leave "
            "--tensorboard out, or add --set head_solver=sgd"
        )
    if importlib.util.find_spec("tensorboard") is None:
        raise UserError(
            "TensorBoard events need the package tensorboard, which is not installed. "
            "Run: pip install 'dlmath[tensorboard]'"
        )


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
