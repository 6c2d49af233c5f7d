"""Context of one training: device, checkpoint interval, reporter, stop request."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from dlmath.reporting import SILENT, Reporter
from dlmath.runs import Run
from dlmath.terminal_text import quoted
from dlmath.training.checkpoint_schedule import EVERY, Interval
from dlmath.training.devices import DeviceConfig
from dlmath.training.signals import StopRequest, StopsOnSignal

_NOTHING_BEGUN = "Nothing of the training had begun. Start it by the same command again."


@dataclass(frozen=True)
class TrainingContext:
    """Device, checkpoint interval, reporter and stop request of one training.

    Attributes:
        device: The device and its strategy.
        threads: The numbers of threads in force, as `pin_threads` returned them.
        interval: The distance wanted between two checkpoints.
        tensorboard: Whether event files are written too.
        reporter: Receives the messages and the progress.
        stop: The request to stop, set by a signal.
        command: The command that the manifest records.
        what_next: What is kept when a signal stops the training, and the command that goes on.
    """

    device: DeviceConfig
    threads: Mapping[str, int]
    interval: Interval = field(default_factory=lambda: Interval.parse(EVERY))
    tensorboard: bool = False
    reporter: Reporter = SILENT
    stop: StopRequest = field(default_factory=StopRequest)
    command: Sequence[str] = ()
    what_next: str = _NOTHING_BEGUN

    def of_run(self, run: Run, reporter: Reporter | None = None) -> "TrainingContext":
        """Return the context of a run whose folder exists, so that it can be resumed."""
        what_next = f"Go on with: dlmath train --resume {quoted(run.folder)}"
        return replace(self, what_next=what_next, reporter=reporter or self.reporter)

    def interruptible(self) -> Reporter:
        """Return a reporter whose progress stops the work when a signal came."""
        return StopsOnSignal(self.reporter, self.stop, self.what_next)

    def check_not_stopped(self, where: str) -> None:
        """Leave if a signal came.

        Args:
            where: How far the training is and what is kept, such as "after the last epoch;
                everything is saved".

        Raises:
            Stopped: A signal came.
        """
        self.stop.check_not_stopped(f"Stopped {where}. {self.what_next}")
