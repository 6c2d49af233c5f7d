"""What is committed: small files, without traces of one machine or of a package registry."""

import re
from pathlib import Path

import pytest

LARGEST_FILE = 1_000_000  # bytes

# Written in pieces, so that this file does not hold what it looks for.
TRACES = (
    r"\bpy" r"pi\.org",
    r"python" r"hosted\.org",
    r"registry\." r"npmjs",
    r"\bdeb\." r"debian\.org",
    r"/ro" r"ot/",
    r"/ho" r"me/\w",
    r"/Us" r"ers/\w",
    r"/wo" r"rk/",
    r"/t" r"mp/\w",
)


def traces_in(text: str) -> list[str]:
    return [trace for trace in TRACES if re.search(trace, text)]


def test_no_tracked_file_is_large(tracked_files: list[Path]) -> None:
    large = [file.name for file in tracked_files if file.stat().st_size > LARGEST_FILE]
    assert len(tracked_files) > 20
    assert large == []


def test_no_tracked_file_names_a_registry_or_a_machine(tracked_files: list[Path]) -> None:
    findings = {
        file.name: found
        for file in tracked_files
        if (found := traces_in(file.read_text(encoding="utf-8", errors="ignore")))
    }
    assert findings == {}


@pytest.mark.parametrize(
    "text", ["https://files.python" + "hosted.org/x", "cache = '/ro" + "ot/.cache'"]
)
def test_a_planted_trace_is_found(text: str) -> None:
    assert len(traces_in(text)) == 1


def test_an_ordinary_address_is_no_trace() -> None:
    assert traces_in("see https://keras.io/api/ and ../shared/data, framework/data, tmp/x") == []
