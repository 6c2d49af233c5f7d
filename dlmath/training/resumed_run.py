"""Resume an interrupted run, bit for bit, and refuse to where its conditions have changed.

The last bits of a result depend on recipe, data, versions, device and threads, so a resumed run is
the uninterrupted one only where none of them differs.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from dlmath.data.specification import SPECIFICATION
from dlmath.data.splits import split_hash
from dlmath.errors import RunError, Stopped
from dlmath.reporting import SILENT, Reporter
from dlmath.runs import Run
from dlmath.terminal_text import quoted
from dlmath.training import manifest
from dlmath.training.checkpoint_schedule import EVERY, Interval
from dlmath.training.context import TrainingContext
from dlmath.training.devices import choose_device, pin_threads
from dlmath.training.preparation import Data, Prepared, prepare_again
from dlmath.training.runner import locked_run, run_training
from dlmath.training.signals import stop_request
from dlmath.training.trainer import Trainer, trainer_type


def resume(
    run: Run | str | Path,
    data: Data = None,
    *,
    device: str = "auto",
    strategy: str = "auto",
    force: bool = False,
    checkpoint_every: str = EVERY,
    reporter: Reporter = SILENT,
) -> Run:
    """Resume an interrupted run from its newest good checkpoint, and return it finished.

    The result is bitwise that of the uninterrupted run on the same type of processor, with the same
    recipe, data, versions, device and number of threads, which is set to the recorded one.

    Args:
        run: The run, its folder, or its name under `runs/`.
        data: Where the data lies now, if it was moved.
        device: As in `train`.
        strategy: As in `train`.
        force: Resume although something differs, and list it in the manifest's `forced`.
        checkpoint_every: As in `train`.
        reporter: Receives the progress.

    Raises:
        RunError: The run is finished already, something differs, or every checkpoint is damaged.
        DataError: The data are not those that the run began with, or another process trains there.
        Stopped: A signal came; everything was saved.
    """
    run = run if isinstance(run, Run) else Run.find(run)
    interval = Interval.parse(checkpoint_every)
    _check_unfinished(run)
    threads = pin_threads(run.manifest.get("threads"))
    chosen = choose_device(device, strategy)
    with stop_request() as stop:
        context = TrainingContext(chosen, threads, interval, reporter=reporter, stop=stop)
        return resume_in(run, data, context, force=force)


def resume_in(run: Run, data: Data, context: TrainingContext, *, force: bool = False) -> Run:
    """Resume a run where the device is chosen and the threads are pinned; see `resume`."""
    context = context.of_run(run)
    with locked_run(run):
        _check_unfinished(run)  # by another process, meanwhile
        run.remove_leftovers()
        recorded = run.manifest
        found: list[str] = []
        prepared = prepare_again(run, data, context.interruptible(), found if force else None)
        found += differences(recorded, prepared, context)
        if not force:
            _check_no_differences(run, found)
        _warn_of_processor(recorded.get("cpu"), context.reporter)
        trainer: Trainer = trainer_type(prepared.recipe)(prepared, context.device)
        try:
            trainer.build(context.reporter)
            trainer.load(context)
        except Stopped:
            run.update_manifest(state="stopped")
            raise
        run.update_manifest(
            state="running",
            resumed=[*recorded.get("resumed", []), manifest.now()],
            **_forced(recorded.get("forced", []), found),
        )
        return run_training(run, trainer, context)


def differences(
    recorded: Mapping[str, Any], prepared: Prepared, context: TrainingContext
) -> list[str]:
    """Return each difference between the recorded run and what would train now.

    Args:
        recorded: The run's manifest; what it does not record is not compared.
        prepared: The recipe and the data as they are now.
        context: The device and the threads in force now.

    Returns:
        Lines of the form `what: then, now`.
    """
    pairs = (
        ("recipe", recorded.get("recipe"), prepared.recipe.as_dict()),
        ("version of", recorded.get("versions"), manifest.versions()),
        ("threads", recorded.get("threads"), context.threads),
        ("device", recorded.get("device"), context.device.as_dict()),
    )
    found = [line for what, then, now in pairs for line in _entries(what, then or {}, now)]
    then = {
        "platform": recorded.get("platform"),
        "preprocessing": recorded.get("preprocessing"),
        "split.csv": recorded.get("split", {}).get("sha256"),
        "file of weights": recorded.get("weights_file"),
    }
    now = {
        "platform": manifest.platform_name(),
        "preprocessing": SPECIFICATION,
        "split.csv": split_hash(prepared.split),
        "file of weights": manifest.weights_sha256(prepared.recipe),
    }
    return found + [
        f"{what}: {then[what]}, now {now[what]}"
        for what in then
        if then[what] not in (None, now[what])
    ]


def _entries(what: str, then: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    for name, value in then.items():
        if name not in now:
            yield f"{what} {name}: {value!r}, now unknown"
        elif now[name] != value:
            yield f"{what} {name}: {value!r}, now {now[name]!r}"


def _check_no_differences(run: Run, found: list[str]) -> None:
    """Refuse to continue a run under other conditions than it began with.

    Raises:
        RunError: There are differences; names each.
    """
    if found:
        raise RunError(
            f"{run.folder} would not go on as it began:\n"
            + "\n".join(f"  {line}" for line in found)
            + "\nGo back to that, or go on all the same with --force: the manifest will say so."
        )


def _check_unfinished(run: Run) -> None:
    if run.is_finished:
        raise RunError(
            f"{run.folder} is finished already. Look at it with: "
            f"dlmath evaluate {quoted(run.folder)}"
        )


def _warn_of_processor(recorded: str | None, reporter: Reporter) -> None:
    now = manifest.cpu_name()
    if recorded is not None and recorded != now:
        reporter.say(
            f"Warning: the run began on another processor ({recorded}, now {now}): its last bits "
            "may come out otherwise."
        )


def _forced(before: list[str], found: list[str]) -> dict[str, list[str]]:
    """Return the manifest's `forced`, which is absent unless a run was forced."""
    all_of_them = list(dict.fromkeys([*before, *found]))
    return {"forced": all_of_them} if all_of_them else {}
