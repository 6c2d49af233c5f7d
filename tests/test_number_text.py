import ast
import re
from pathlib import Path

import pytest

from dlmath.number_text import SENTENCE, estimate_cells, estimate_text, interval_text
from dlmath.stats import Estimate

WHOLE, POINT, NOTHING = (0.9123, 0.88, 0.9406), (0.9123, None, None), (None, None, None)


@pytest.mark.parametrize(
    ("estimate", "options", "text"),
    [
        (WHOLE, {}, "0.912 (0.880 to 0.941)"),
        (WHOLE, {"style": SENTENCE}, "0.912 (95 % interval 0.880 to 0.941)"),
        (WHOLE, {"form": "+.2f"}, "+0.91 (+0.88 to +0.94)"),
        (WHOLE, {"form": ".1%", "style": SENTENCE}, "91.2% (95 % interval 88.0% to 94.1%)"),
        (POINT, {}, "0.912"),
        (POINT, {"style": SENTENCE}, "0.912"),
        (NOTHING, {}, "undefined"),
    ],
)
def test_a_number_with_its_interval_in_one_text(estimate, options, text):
    assert estimate_text(*estimate, **options) == text


@pytest.mark.parametrize(
    ("estimate", "options", "cells"),
    [
        (WHOLE, {}, ("0.912", "0.880 to 0.941")),
        (WHOLE, {"form": "+.3f", "missing": "-"}, ("+0.912", "+0.880 to +0.941")),
        (POINT, {}, ("0.912", "")),
        (POINT, {"form": "+.3f", "missing": "-"}, ("+0.912", "-")),
        (NOTHING, {"missing": "-"}, ("undefined", "-")),
    ],
)
def test_a_number_with_its_interval_in_two_cells(estimate, options, cells):
    assert estimate_cells(*estimate, **options) == cells


def test_an_interval_and_an_estimate():
    assert interval_text(0.5, 0.75, ".1f") == "0.5 to 0.8"
    assert str(Estimate(*WHOLE)) == estimate_text(*WHOLE)
    assert str(Estimate(*NOTHING)) == "undefined"


# Two ends with a form each: `{x.low:.3f} to {x.high:.3f}`, `[{low:.3f}, {high:.3f}]`.
BY_HAND = re.compile(r"low\b[^{}]*:[^{}]*[f%]\}(\s|,|to)+\{[^{}]*high\b[^{}]*:")


def intervals_by_hand(source: str) -> list[str]:
    """Every f-string that writes the two ends of an interval with a format of its own."""
    strings = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.JoinedStr))
    return [text for text in map(ast.unparse, strings) if BY_HAND.search(text)]


def test_no_other_module_writes_the_ends_of_an_interval(repository: Path):
    files = [*(repository / "dlmath").rglob("*.py"), *(repository / "cli").rglob("*.py")]
    assert len(files) > 100
    own = repository / "dlmath" / "number_text.py"
    found = {
        str(file.relative_to(repository)): texts
        for file in files
        if file != own and (texts := intervals_by_hand(file.read_text(encoding="utf-8")))
    }
    assert found == {}


@pytest.mark.parametrize(
    "source",
    [
        "f'{one.low:.3f} to {one.high:.3f}'",
        "f\"{x['value']:.3f} [{x['low']:.3f}, {x['high']:.3f}]\"",
        "f'(95 % interval '\nf'{whole[\"low\"]:.1%} to {whole[\"high\"]:.1%}): {told}'",
    ],
)
def test_the_search_finds_an_interval_written_by_hand(source: str):
    assert intervals_by_hand(source)
