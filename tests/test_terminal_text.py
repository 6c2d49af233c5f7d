import json
import os
import shutil
import subprocess
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dlmath.terminal_text import command, json_visible, one_line, quoted, visible

BASH = shutil.which("bash")
words = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mpos\x1b]0;owned\x07", r"\x1b[31mpos\x1b]0;owned\x07"),
        ("\x9b31m", r"\x9b31m"),
        ("a\rb", r"a\rb"),
        ("abc\u202egpj.exe", r"abc\u202egpj.exe"),
        ("gesünd 健康 👩‍⚕️", "gesünd 健康 👩‍⚕️"),
        ("one\n\ttwo", "one\n\ttwo"),
    ],
)
def test_control_characters_are_written_out_and_letters_are_kept(text, shown):
    assert visible(text) == shown


def test_a_name_is_one_line():
    assert one_line("a\nError: b\t\x1bc") == r"a\nError: b\t\x1bc"


@given(st.text())
def test_nothing_that_is_shown_controls_a_terminal(text):
    assert all(unicodedata.category(letter) != "Cc" for letter in one_line(text))


@given(st.dictionaries(st.text(), st.text()))
def test_a_json_document_keeps_its_meaning(document):
    shown = json_visible(json.dumps(document, ensure_ascii=False, indent=2))
    assert json.loads(shown) == document
    assert visible(shown) == shown


@pytest.mark.skipif(BASH is None, reason="needs Bash")
@given(words)
@example("Pneumonia (sick)")
@example("it's \\ $HOME `date`")
@example("\x1b[31mpos\x9b\n\\'")
def test_a_shell_reads_the_word_that_was_quoted(word):
    assert _read_by_bash(quoted(word)) == word.encode()


@pytest.mark.skipif(BASH is None, reason="needs Bash")
def test_bytes_of_a_name_that_are_no_text_come_back():
    assert _read_by_bash(quoted(os.fsdecode(b"film\xff.png"))) == b"film\xff.png"


def test_plain_words_stay_as_they_are():
    assert command("dlmath", "evaluate", "runs/pneumonia-1") == "dlmath evaluate runs/pneumonia-1"
    assert command("--positive", "Pneumonia (sick)") == "--positive 'Pneumonia (sick)'"


def _read_by_bash(word: str) -> bytes:
    script = f"printf %s {word}".encode(errors="surrogateescape")
    return subprocess.run([BASH, "-c", script], capture_output=True, check=True).stdout
