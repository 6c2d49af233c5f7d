"""The papers, and the sentences that are quoted from them."""

import pytest

from dlmath.maths import PAPERS, Source, all_experiments
from dlmath.maths.errata import ERRATA

SOURCES = {source for one in all_experiments().values() for source in one.sources}
SOURCES |= {one.source for one in ERRATA}
SHORT = 210


def test_a_paper_can_be_looked_up():
    assert PAPERS["tsemo"].citation.startswith(
        "Tsemo Aristide: The algebra and the geometry aspect of deep learning. 2025, "
        "arXiv:2510.18862"
    )


def test_every_source_has_a_short_sentence_that_holds_its_words():
    assert len(SOURCES) > 200
    for source in SOURCES:
        assert source.words in source.quote
        assert len(source.quote) <= max(SHORT, len(source.words) + 10)
        assert source.as_json()["quote"] == source.quote
    assert sum(source.quote != source.words for source in SOURCES) > 150
    assert Source("tsemo", 1, "Tsemo").quote == "Tsemo"  # of which no sentence is kept


def test_the_sentences_stand_in_the_papers(papers_folder):
    lines = {key: (papers_folder / p.file).read_text().splitlines() for key, p in PAPERS.items()}
    missing = [
        source.place
        for source in SOURCES
        for part in source.quote.split("…")
        if part.strip() not in lines[source.paper][source.line - 1]
    ]
    assert not missing


@pytest.mark.parametrize(
    ("paper", "line", "quote"),
    [
        (
            "murari",
            253,
            "The contraction factor \N{GREEK SMALL LETTER GAMMA} is minimised at "
            r"$\tau^* = 2/(L + \mu)$, where",
        ),
        ("foundations", 30, None),
    ],
)
def test_a_sentence_is_that_of_its_line(paper, line, quote):
    [found] = {one.quote for one in SOURCES if (one.paper, one.line) == (paper, line)}
    assert found == quote if quote else found.startswith("The gradient vector points in")
