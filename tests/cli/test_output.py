import ast
import json
from pathlib import Path

import pytest

from dlmath.cli.output import ERR, OUT, Output
from dlmath.cli.tables import Table

LONG = "Ä line of [bold]words[/bold] " * 10


def test_a_line_is_printed_whole_and_as_it_is(capsys):
    OUT.line(LONG)
    OUT.line()
    ERR.line(":cat: [red]")
    printed = capsys.readouterr()
    assert printed.out == f"{LONG}\n\n"
    assert printed.err == ":cat: [red]\n"


def test_warnings_and_errors_say_what_they_are(capsys):
    OUT.warning("few patients")
    OUT.warning("few patients", indent=4)
    ERR.error("no image")
    assert capsys.readouterr() == (
        "Warning: few patients\n    Warning: few patients\n",
        "Error: no image\n",
    )


def test_a_document_is_json_that_keeps_its_letters(capsys):
    document = {"class": "Läsion", "value": None, "rows": [1, 2]}
    OUT.document(document)
    printed = capsys.readouterr().out
    assert json.loads(printed) == document
    assert printed.startswith('{\n  "class": "Läsion",\n')


def test_paragraphs_are_wrapped_and_take_no_markup(capsys):
    OUT.paragraph(LONG)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) > 1
    assert max(map(len, lines)) <= 80
    assert "[bold]words[/bold]" in lines[0]


def test_styles_are_left_out_of_a_pipe(capsys):
    OUT.styled("[bold]12 words[/]", highlight=True)
    assert capsys.readouterr().out == "12 words\n"


@pytest.mark.parametrize(("width", "lines"), [(None, 2), (200, 1)])
def test_a_pipe_may_be_wider_than_80_columns(width, lines, capsys, monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)  # workers of pytest-xdist have one
    Output(pipe_width=width).paragraph("word " * 30)
    assert len(capsys.readouterr().out.splitlines()) == lines


def test_a_table_goes_to_its_stream(capsys):
    table = Table("metric")
    table.add("auc")
    ERR.show(table)
    printed = capsys.readouterr()
    assert "auc" in printed.err
    assert printed.out == ""


def printing_of_its_own(source: str) -> list[str]:
    """Every call that prints past `dlmath.cli.output`, or writes a JSON document there."""
    names = {"print", "Console", "typer.echo", "json.dump", "sys.stdout.write", "sys.stderr.write"}
    calls = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call))
    return [
        ast.unparse(call)
        for call in calls
        if ast.unparse(call.func) in names
        or ast.unparse(call.func).endswith("console.print")
        or (
            any(keyword.arg in ("soft_wrap", "indent") for keyword in call.keywords)
            and "warning" not in ast.unparse(call.func)
        )
    ]


def test_commands_print_through_the_output(repository: Path):
    files = [file for file in (repository / "cli").glob("*.py") if file.name != "output.py"]
    assert len(files) > 25
    found = {file.name: printing_of_its_own(file.read_text(encoding="utf-8")) for file in files}
    assert {name: calls for name, calls in found.items() if calls} == {}


@pytest.mark.parametrize(
    "source",
    [
        "typer.echo(text, err=True)",
        "Console(stderr=True)",
        "console.print(text)",
        "json.dumps(document, indent=2)",
        "print(text)",
    ],
)
def test_the_search_finds_what_prints_on_its_own(source: str):
    assert printing_of_its_own(source)


@pytest.mark.parametrize("columns", ["0", "00", "", "x", "-5"])
def test_a_width_of_no_columns_is_none(columns, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", columns)
    OUT.show(_metrics())
    assert "0.995" in capsys.readouterr().out
    assert OUT.width == 80


@pytest.mark.parametrize(("columns", "width"), [("40", 40), ("3", 20)])
def test_a_width_that_is_set_is_taken_as_far_as_it_can_be_read(columns, width, monkeypatch):
    monkeypatch.setenv("COLUMNS", columns)
    assert OUT.width == width
    assert Output(pipe_width=160).width == width


def test_no_text_controls_the_terminal(capsys):
    name = "\x1b[31mpos\x1b]0;owned\x07\x9b2J"
    shown = r"\x1b[31mpos\x1b]0;owned\x07\x9b2J"
    table = _metrics()
    table.add(name, "1")
    OUT.line(name)
    OUT.paragraph(name)
    OUT.styled(name.replace("[", r"\["))
    OUT.show(table)
    OUT.warning(name)
    ERR.error(name)
    printed = capsys.readouterr()
    assert printed.out.count(shown) == 5
    assert printed.err == f"Error: {shown}\n"


def test_a_document_keeps_control_characters_as_json_writes_them(capsys):
    OUT.document({"class": "\x1b[31m\x9b2J"})
    printed = capsys.readouterr().out
    assert json.loads(printed) == {"class": "\x1b[31m\x9b2J"}
    assert r"\u001b[31m\u009b2J" in printed


def _metrics() -> Table:
    table = Table("metric", "value")
    table.add("AUC", "0.995")
    return table
