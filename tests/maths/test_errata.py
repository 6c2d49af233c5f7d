"""Each erratum: its line is there, its counterexample and its correction are as said."""

import pytest

from dlmath.maths import PAPERS
from dlmath.maths.errata import ERRATA

WITH_CODE = [
    pytest.param(one, id=f"{one.source.paper}-{one.source.line}") for one in ERRATA if one.compute
]


@pytest.mark.parametrize("erratum", WITH_CODE)
def test_the_counterexample_and_the_correction_compute(erratum):
    checks = erratum.checks
    assert checks
    assert all(check.holds for check in checks), [c for c in checks if not c.holds]


def test_they_stand_in_the_order_of_the_papers():
    papers = list(PAPERS)
    places = [(papers.index(one.source.paper), one.source.line) for one in ERRATA]
    assert places == sorted(set(places))


def test_their_words_stand_at_their_lines(papers_folder):
    lines = {key: (papers_folder / p.file).read_text().splitlines() for key, p in PAPERS.items()}
    for one in ERRATA:
        assert one.source.words in lines[one.source.paper][one.source.line - 1], one.source
