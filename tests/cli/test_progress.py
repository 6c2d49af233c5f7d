import io
import re
import sys

import pytest
from rich.console import Console
from rich.progress import Progress, TextColumn

from dlmath.cli import progress
from dlmath.logs import DETAILS
from tests.support.on_terminal import run_on_terminal


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


PRINTING = """
from dlmath.cli.output import ERR, OUT
from dlmath.cli.progress import reporter
with reporter() as report:
    report.progress("experiments", 1, 3, "first [red]")
    OUT.line("the first result")
    ERR.line("a note")
    report.progress("experiments", 2, 3, "second")
    report.say("news")
    OUT.paragraph("the second result")
"""


def test_what_is_printed_while_bars_move_stands_on_lines_of_its_own():
    code, printed = run_on_terminal([sys.executable, "-c", PRINTING], COLUMNS="80")
    assert code == 0, printed
    # As a terminal shows it: what stood in a line before it was cleared is gone.
    lines = [line.split("\x1b[2K")[-1] for line in printed.split("\n")]
    shown = [re.sub(r"\x1b\[[?0-9;]*[a-zA-Z]|\r", "", line) for line in lines]
    for expected in ("the first result", "a note", "news", "the second result"):
        assert expected in shown


def test_results_go_to_a_pipe_while_bars_move_on_the_terminal(tmp_path):
    results = tmp_path / "results"
    code, printed = run_on_terminal(
        ["/bin/sh", "-c", f'"{sys.executable}" -c "$0" > {results}', PRINTING]
    )
    assert code == 0, printed
    assert results.read_text() == "the first result\nthe second result\n"
    assert "the first result" not in printed
