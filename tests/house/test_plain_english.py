"""No text uses the words of `LEFT_OUT`: a reader should need each sentence once."""

import io
import re
import tokenize
from pathlib import Path

import pytest

# The word, and what stands in its place. Identifiers and keys are free; sentences are not.
LEFT_OUT = {
    r"anew": "again",
    r"hears? of": "receives",
    r"tells? of": "says, reports",
    r"(is|are) told of": "gets",
    r"beside": "next to, with, against",
    r"alone": "only",
    r"seldomer": "less often",
}
_WORDS = re.compile(rf"\b({'|'.join(LEFT_OUT)})\b", re.IGNORECASE)
# Keys in quotation marks, and code in an f-string.
_NO_SENTENCE = re.compile(r"""["'][a-z_]+["']|\{[^{}]*\}""")
_PROSE = {".md", ".toml", ".html", ".ipynb", ".css"}


def sentences_of(file: Path) -> str:
    """Return the comments and texts of Python code, all of another file."""
    text = file.read_text(encoding="utf-8", errors="ignore")
    if file.suffix != ".py":
        return text
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    kinds = {"COMMENT", "STRING", "FSTRING_MIDDLE"}
    return "\n".join(
        _NO_SENTENCE.sub("", token.string)
        for token in tokens
        if tokenize.tok_name[token.type] in kinds and " " in token.string.strip("\"' ")
    )


def left_out_in(text: str) -> list[str]:
    return [found.group() for found in _WORDS.finditer(text)]


def advice_on(file: Path) -> list[str]:
    """Return for each word where it stands and what to write in its place."""
    if not left_out_in(sentences_of(file)):
        return []
    return [
        f"{file}:{number}: {found.group()!r}: write {_instead_of(found.group())}"
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1)
        for found in _WORDS.finditer(line)
    ]


def _instead_of(word: str) -> str:
    return next(new for old, new in LEFT_OUT.items() if re.fullmatch(old, word, re.IGNORECASE))


def test_no_sentence_has_a_word_that_is_left_out(tracked_files: list[Path]) -> None:
    texts = [
        file
        for file in tracked_files
        if (file.suffix in {".py", *_PROSE} or file.name == "Makefile") and file != Path(__file__)
    ]
    found = [advice for file in texts for advice in advice_on(file)]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ('"""Solves it anew."""', ["anew"]),
        ("x = 1  # the head alone", ["alone"]),
        ("f'{x} stands beside it'", ["beside"]),
        ('alone = table["alone"]', []),
        ("# a standalone program, besides", []),
    ],
)
def test_sentences_are_looked_at_and_identifiers_are_not(
    tmp_path: Path, code: str, found: list[str]
) -> None:
    file = tmp_path / "code.py"
    file.write_text(code)
    assert left_out_in(sentences_of(file)) == found
