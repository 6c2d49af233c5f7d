"""Go on with an interrupted training."""

from pathlib import Path

from dlmath.errors import RunError, Stopped
from dlmath.reporting import SILENT, Reporter
from dlmath.runs import Run
from dlmath.training import manifest
from dlmath.training.cadence import EVERY, Interval
from dlmath.training.carry_out import carry_out, sole_trainer
from dlmath.training.devices import Placement, pin_threads, place, threads_in_force
from dlmath.training.differences import differences, refuse_differences
from dlmath.training.gather import build, gather
from dlmath.training.prepare import Data, prepare_again
from dlmath.training.signals import StopsOnSignal, stop_request


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
    """Go on with an interrupted run from its newest good checkpoint, and return it finished.

    The result is bitwise that of the run without interruption: on the same type of processor, with
    the same recipe, data, versions, device and number of threads, which is set to the recorded one.

    Args:
        run: The run, its folder, or its name under `runs/`.
        data: Where the data lies now, if it was moved.
        device: As in `train`.
        strategy: As in `train`.
        force: Go on although something differs, and say what in the manifest's `forced`.
        checkpoint_every: As in `train`.
        reporter: Receives the progress.

    Raises:
        RunError: The run is finished already, something differs, or every checkpoint is damaged.
        DataError: The data are not those that the run began with, or another process trains there.
        Stopped: A signal came; everything was saved.
    """
    run = run if isinstance(run, Run) else Run.find(run)
    interval = Interval.parse(checkpoint_every)
    _refuse_finished(run)
    pin_threads(run.manifest.get("threads"))
    return resume_in(run, data, place(device, strategy), interval, reporter, force=force)


def resume_in(
    run: Run,
    data: Data,
    placement: Placement,
    interval: Interval,
    reporter: Reporter,
    *,
    force: bool = False,
) -> Run:
    """Go on with a run where the device is chosen and the threads are pinned; see `resume`."""
    with sole_trainer(run), stop_request() as stop:
        _refuse_finished(run)  # by another process, meanwhile
        run.remove_leftovers()
        recorded = run.manifest
        heard = StopsOnSignal(reporter, stop, f"Go on with: dlmath train --resume {run.folder}")
        found: list[str] = []
        prepared = prepare_again(run, data, heard, found if force else None)
        found += differences(recorded, prepared, placement, threads_in_force())
        if not force:
            refuse_differences(run, found)
        _say_of_processor(recorded.get("cpu"), reporter)
        try:
            model = build(prepared, placement, reporter)
            ingredients = gather(prepared, model, placement, reporter, stop, run)
        except Stopped:
            run.update_manifest(state="stopped")
            raise
        run.update_manifest(
            state="running",
            resumed=[*recorded.get("resumed", []), manifest.now()],
            **_forced(recorded.get("forced", []), found),
        )
        return carry_out(run, ingredients, placement, reporter, interval=interval)


def _refuse_finished(run: Run) -> None:
    if run.is_finished:
        raise RunError(
            f"{run.folder} is finished already. Look at it with: dlmath evaluate {run.folder}"
        )


def _say_of_processor(recorded: str | None, reporter: Reporter) -> None:
    now = manifest.cpu_name()
    if recorded is not None and recorded != now:
        reporter.say(
            f"Warning: the run began on another processor ({recorded}, now {now}): its last bits "
            "may come out otherwise."
        )


def _forced(before: list[str], found: list[str]) -> dict[str, list[str]]:
    """Return the manifest's `forced`, absent from a run that nobody forced."""
    all_of_them = list(dict.fromkeys([*before, *found]))
    return {"forced": all_of_them} if all_of_them else {}
