"""A reporter that keeps what it receives."""

from dlmath.reporting import Reporter


class Recorder(Reporter):
    """Keeps the messages in `said`, and the progress in `steps`, as (task, done, total)."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.steps: list[tuple[str, int, int]] = []

    def say(self, message: str) -> None:
        self.said.append(message)

    def progress(self, task: str, done: int, total: int, note: str = "") -> None:
        self.steps.append((task, done, total))
