"""Callbacks of the loop: validate, keep the best epoch, stop early, save, and report."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from dlmath.evaluation.metric_table import label_of
from dlmath.reporting import Reporter
from dlmath.runs import write_csv
from dlmath.training.checkpoint_schedule import CheckpointSchedule
from dlmath.training.context import TrainingContext
from dlmath.training.loop import Callback, Position


class Validation(Callback):
    """Adds the validation metrics to the epoch's logs."""

    def __init__(self, measure: Callable[[], dict[str, float]]):
        self._measure = measure

    def measure(self, logs: dict[str, float]) -> None:
        logs.update(self._measure())


class BestEpoch(Callback):
    """Calls `keep(epoch, logs)` when the score is the highest yet; a tie keeps the first."""

    def __init__(self, score: str, keep: Callable[[int, dict[str, float]], object]):
        self.score = score
        self.keep = keep
        self.epoch: int | None = None
        self.value: float | None = None

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        if self.value is None or logs[self.score] > self.value:
            self.epoch, self.value = epoch, logs[self.score]
            self.keep(epoch, logs)

    def state(self) -> dict[str, Any]:
        return {"epoch": self.epoch, "value": self.value}

    def restore(self, state: dict[str, Any]) -> None:
        self.epoch, self.value = state["epoch"], state["value"]


class EarlyStopping(Callback):
    """Stops once the best epoch lies `patience` epochs back; 0 never stops."""

    def __init__(self, best: BestEpoch, patience: int):
        self.best = best
        self.patience = patience
        self.last = 0

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        self.last = epoch

    def wants_to_stop(self) -> bool:
        if not self.patience or self.best.epoch is None:
            return False
        return self.last - self.best.epoch >= self.patience

    def state(self) -> dict[str, Any]:
        return {"last": self.last}

    def restore(self, state: dict[str, Any]) -> None:
        self.last = state["last"]


class History(Callback):
    """Keeps a row for each epoch, and writes them all to `history.csv` after each.

    Epochs are counted from 1 in the file. It holds no times, so that two runs of one recipe
    write the same file.
    """

    def __init__(self, path: Path):
        self.path = path
        self.rows: list[dict[str, float]] = []

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        self.rows.append({"epoch": epoch + 1, **logs})
        # A training that another version began may lack what is measured now.
        write_csv(self.path, dict.fromkeys(name for row in self.rows for name in row), self.rows)

    def state(self) -> dict[str, Any]:
        return {"rows": self.rows}

    def restore(self, state: dict[str, Any]) -> None:
        self.rows = state["rows"]


class SaveRegularly(Callback):
    """Saves a checkpoint after epochs, and within them as often as the schedule allows.

    It comes after all other callbacks but `StopOnSignal`, so that it saves their state.
    """

    def __init__(self, save: Callable[[], None], schedule: CheckpointSchedule):
        self.save = save
        self.schedule = schedule

    def on_step_end(self, position: Position, loss: Callable[[], float]) -> None:
        if self.schedule.is_due_after_step():
            self.save()

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        if self.schedule.is_affordable():
            self.save()


class StopOnSignal(Callback):
    """Saves and stops at the end of the step, or of the epoch, in which a signal arrived."""

    def __init__(self, context: TrainingContext, save: Callable[[], None]):
        self.context = context
        self.save = save

    def on_step_end(self, position: Position, loss: Callable[[], float]) -> None:
        self._leave(f"in epoch {position.epoch + 1} after step {position.step}")

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        self._leave(f"after epoch {epoch + 1}")

    def _leave(self, where: str) -> None:
        if self.context.stop.signal_number is not None:
            self.save()
            self.context.check_not_stopped(f"{where}; everything is saved")


class Progress(Callback):
    """Reports images a second and the loss after each step, and a line for each epoch."""

    def __init__(self, reporter: Reporter, epochs: int, steps: int, batch_size: int):
        self.reporter = reporter
        self.epochs, self.steps, self.batch_size = epochs, steps, batch_size
        self.started: float | None = None
        self.images = 0
        self.rates: list[float] = []  # images a second, an entry for each epoch

    def on_step_end(self, position: Position, loss: Callable[[], float]) -> None:
        if self.started is None:
            # The first step compiles the graph: its time says nothing about the rest.
            self.started, self.images = time.perf_counter(), 0
            return
        self.images += self.batch_size
        self.reporter.progress(
            f"epoch {position.epoch + 1}/{self.epochs}",
            position.step,
            self.steps,
            f"{self._rate():,.0f} images/s  loss {loss():.4f}",
        )

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        if self.images:
            self.rates.append(self._rate())
        metrics = "  ".join(f"{label_of(name)} {value:.4f}" for name, value in logs.items())
        rate = f"  {self.rates[-1]:,.0f} images/s" if self.rates else ""
        self.reporter.say(f"epoch {epoch + 1}/{self.epochs}  {metrics}{rate}")
        self.started = None

    def state(self) -> dict[str, Any]:
        return {"rates": self.rates}

    def restore(self, state: dict[str, Any]) -> None:
        self.rates = state.get("rates", [])

    def _rate(self) -> float:
        assert self.started is not None
        return self.images / max(time.perf_counter() - self.started, 1e-9)
