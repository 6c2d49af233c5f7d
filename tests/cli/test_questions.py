"""Questions on a terminal, a real one: the program is run on a pseudo-terminal."""

import io
import os
import signal
import sys

import pytest

from dlmath.cli import questions
from dlmath.cli.questions import ask, choose
from dlmath.errors import UserError
from tests.support.on_terminal import run_on_terminal

ASKING = """
import signal
from dlmath.cli.main import app
from dlmath.cli import main
from dlmath.cli.questions import choose
@app.command()
def asking():
    print("chosen", choose("Which?", ["Pneumonia (sick)", "healthy"], "--positive CLASS"))
main.sys.argv = ["dlmath", "asking"]
main.main()
"""


@pytest.fixture
def typed(monkeypatch):
    """Give answers, in the order of the questions; the input ends after the last."""

    def give(*answers: str) -> None:
        monkeypatch.setattr("sys.stdin", io.StringIO("".join(f"{one}\n" for one in answers)))

    return give


@pytest.mark.parametrize(
    ("answers", "chosen"),
    [
        (["2"], "well"),
        (["ILL"], "ill"),
        (["", "3", "sick", " well "], "well"),
    ],
)
def test_a_choice_is_made_by_number_or_name_and_asked_again(typed, answers, chosen, capsys):
    typed(*answers)
    assert choose("Which?", ["ill", "well"], "--positive CLASS") == chosen
    said = capsys.readouterr().err
    assert "  1  ill\n  2  well\n" in said
    assert said.count("1 or 2: ") == len(answers)
    assert said.count("Type 1 or 2, or the name.") == len(answers) - 1


@pytest.mark.parametrize(("answer", "chosen"), [("1", "1"), ("0", "0"), ("a", "0"), ("b", "1")])
def test_classes_that_are_numbers_have_letters_before_them(typed, answer, chosen):
    typed(answer)
    assert choose("Which?", ["0", "1"], "--positive CLASS") == chosen


def test_what_cannot_be_read_is_said_and_asked_again(typed, capsys):
    def read(answer: str) -> int:
        if not answer.isdecimal():
            raise UserError(f"No number: {answer!r}.")
        return int(answer)

    typed("x", "", "7")
    assert ask("Number:", read, "Type one.", "--number N") == 7
    assert capsys.readouterr().err == "Number: No number: 'x'.\nNumber: Type one.\nNumber: "


def test_input_that_ends_names_the_option(typed, capsys):
    typed("sick")
    with pytest.raises(UserError, match="--positive CLASS"):
        choose("Which?", ["ill", "well"], "--positive CLASS")
    assert capsys.readouterr().err.endswith("1 or 2: \n")  # the error has a line of its own


def test_there_is_nothing_to_choose_from_without_a_mark_for_each():
    assert questions._marks([str(number) for number in range(3)]) == ["a", "b", "c"]


@pytest.mark.skipif(os.name != "posix", reason="needs pseudo-terminals")
@pytest.mark.parametrize(
    ("keys", "code", "said"),
    [
        (["\n", "sick\n", "1\n"], 0, "chosen Pneumonia (sick)"),
        (["\x03"], 128 + signal.SIGINT, "1 or 2:"),
        (["\x04"], 2, "Pass --positive CLASS"),
    ],
)
def test_on_a_terminal_enter_asks_again_and_control_c_exits_with_130(keys, code, said):
    found, printed = run_on_terminal([sys.executable, "-c", ASKING], keys, "1 or 2: ")
    assert found == code, printed
    assert said in printed
    assert printed.count("1 or 2:") == len(keys)
