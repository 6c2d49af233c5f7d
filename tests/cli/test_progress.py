import io

import pytest
from rich.console import Console
from rich.progress import Progress, TextColumn

from dlmath.cli import progress
from dlmath.logs import DETAILS


def test_lines_come_at_most_every_few_seconds(monkeypatch, capsys):
    clock = iter([0.0, 1.0, 5.0, 6.0, 11.0])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    reporter = progress.LineReporter()
    for done in range(1, 5):
        reporter.progress("epoch 1/2", done, 4, "loss 0.5")
    reporter.say("done [bold]x[/bold]")
    assert capsys.readouterr().err.splitlines() == [
        "epoch 1/2  2/4  loss 0.5",
        "epoch 1/2  4/4  loss 0.5",
        "done [bold]x[/bold]",
    ]


def test_a_bar_comes_and_goes_with_its_task():
    console = Console(file=io.StringIO(), force_terminal=True)
    with Progress(TextColumn("{task.fields[note]}"), console=console) as bars:
        reporter = progress.BarReporter(bars)
        reporter.progress("one", 1, 2, "half")
        assert [task.completed for task in bars.tasks] == [1]
        reporter.progress("one", 2, 2)
        assert bars.tasks == []
        reporter.progress("one", 1, 2)
        assert len(bars.tasks) == 1


@pytest.mark.parametrize("verbose", [False, True])
def test_details_are_shown_to_those_who_ask(verbose, capsys):
    with progress.reporter(verbose=verbose) as report:
        DETAILS.info("device cpu")
        report.say("epoch 1")
    assert ("device cpu" in capsys.readouterr().err) == verbose
