"""What happens at the end of steps and epochs: validate, keep the best, stop, write, report."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from dlmath.reporting import Reporter
from dlmath.runs import write_csv
from dlmath.training.cadence import Cadence
from dlmath.training.loop import Callback, Position
from dlmath.training.signals import StopRequest


class Validation(Callback):
    """Adds the validation metrics to the epoch's logs."""

    def __init__(self, measure: Callable[[], dict[str, float]]):
        self._measure = measure

    def measure(self, logs: dict[str, float]) -> None:
        logs.update(self._measure())


class BestEpoch(Callback):
    """Calls `keep(epoch, value)` when the score is the highest yet; the first of equals stays."""

    def __init__(self, score: str, keep: Callable[[int, float], object]):
        self.score = score
        self.keep = keep
        self.epoch: int | None = None
        self.value: float | None = None

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        if self.value is None or logs[self.score] > self.value:
            self.epoch, self.value = epoch, logs[self.score]
            self.keep(epoch, logs[self.score])

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

    Epochs are counted from 1 there, as people do. Times are left out on purpose, so that
    two runs of one recipe leave the same file.
    """

    def __init__(self, path: Path):
        self.path = path
        self.rows: list[dict[str, float]] = []

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        self.rows.append({"epoch": epoch + 1, **logs})
        write_csv(self.path, self.rows[0], self.rows)

    def state(self) -> dict[str, Any]:
        return {"rows": self.rows}

    def restore(self, state: dict[str, Any]) -> None:
        self.rows = state["rows"]


class SaveRegularly(Callback):
    """Saves a checkpoint after epochs, and within them as often as wanted, where that is cheap.

    Last but for `StopOnSignal`, so that it holds the state of all the others.
    """

    def __init__(self, save: Callable[[], None], cadence: Cadence):
        self.save = save
        self.cadence = cadence

    def on_step_end(self, position: Position, loss: Callable[[], float]) -> None:
        if self.cadence.is_due_after_step():
            self.save()

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        if self.cadence.is_affordable():
            self.save()


class StopOnSignal(Callback):
    """Saves and leaves at the end of the step, or of the epoch, in which a signal arrived."""

    def __init__(self, request: StopRequest, save: Callable[[], None], next_command: str):
        self.request = request
        self.save = save
        self.next_command = next_command

    def on_step_end(self, position: Position, loss: Callable[[], float]) -> None:
        self._leave(f"in epoch {position.epoch + 1} after step {position.step}")

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        self._leave(f"after epoch {epoch + 1}")

    def _leave(self, where: str) -> None:
        if self.request.signal_number is not None:
            self.save()
            self.request.refuse_to_go_on(
                f"Stopped {where}; everything is saved. Go on with: {self.next_command}"
            )


class Progress(Callback):
    """Reports images a second and the loss as it goes, and a line for each epoch."""

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
        figures = "  ".join(f"{name} {value:.4f}" for name, value in logs.items())
        rate = f"  {self.rates[-1]:,.0f} images/s" if self.rates else ""
        self.reporter.say(f"epoch {epoch + 1}/{self.epochs}  {figures}{rate}")
        self.started = None

    def state(self) -> dict[str, Any]:
        return {"rates": self.rates}

    def restore(self, state: dict[str, Any]) -> None:
        self.rates = state.get("rates", [])

    def _rate(self) -> float:
        assert self.started is not None
        return self.images / max(time.perf_counter() - self.started, 1e-9)
