"""Each erratum: its line is there, its counterexample and its correction are as said."""

import pytest

from dlmath.maths import PAPERS
from dlmath.maths.errata import ERRATA, ERRORS, KINDS, Comparison, Erratum
from dlmath.maths.errata.markdown_page import counted, page
from dlmath.maths.papers import Source

COMPUTED = [
    pytest.param(one, id=f"{one.source.paper}-{one.source.line}") for one in ERRATA if one.evidence
]
AT_LINES = {(one.source.paper, one.source.line): one for one in ERRATA}


@pytest.mark.parametrize("erratum", COMPUTED)
def test_the_counterexample_and_the_correction_compute(erratum):
    checks = erratum.checks
    assert checks
    assert all(check.holds for check in checks), [c for c in checks if not c.holds]


@pytest.mark.parametrize("erratum", COMPUTED)
def test_what_is_right_would_not_pass_as_wrong_nor_what_is_printed_as_right(erratum):
    for one in erratum.evidence:
        assert not one.refuted(one.right).holds
        assert not one.confirmed(one.printed).holds


@pytest.mark.parametrize(
    ("paper", "line", "claim"),
    [
        ("murari", 193, lambda x: abs(1 - abs(x))),  # another wrong hat
        ("murari", 90, 3),
        ("jiang", 78, lambda n, m, p: (p, n)),
        ("foundations", 148, lambda search, near, strongly, quadratic: quadratic or not near),
        ("tsemo", 428, lambda a, b: b == 0),
    ],
)
def test_the_measure_judges_other_claims_too(paper, line, claim):
    [one, *_] = AT_LINES[paper, line].evidence
    assert one.confirmed(claim).holds == (line == 148)


def test_a_comparison_that_what_is_right_would_pass_is_refused():
    with pytest.raises(ValueError, match="less than `wrong_by`"):
        Comparison("length", len, "ab", "a", wrong_by=1, within=1)


@pytest.mark.parametrize(
    ("kind", "reference", "message"),
    [
        ("mathematics", "a book", "needs a comparison"),
        ("history", "", "needs a comparison"),
        ("misprint", "", "must be one of"),
    ],
)
def test_an_erratum_without_evidence_is_refused(kind, reference, message):
    with pytest.raises(ValueError, match=message):
        Erratum(Source("tsemo", 1, "Tsemo"), kind, "", "", "", reference=reference)


def test_only_what_the_text_shows_counts_as_an_error():
    """Tsemo's formulas are lost, and the others' may have lost a sign: those are remarks."""
    kinds = {place: one.kind for place, one in AT_LINES.items()}
    assert {kinds["tsemo", line] for line in (206, 421, 427, 428, 676)} == {"lost formula"}
    assert {kinds["murari", line] for line in (189, 193, 239, 300, 407)} == {"extraction"}
    assert {kinds["tsemo", 227], kinds["foundations", 74], kinds["jiang", 116]} == {"reading"}
    assert {one.kind for one in ERRATA if one.is_error} == set(ERRORS) < set(KINDS)


def test_they_stand_in_the_order_of_the_papers():
    papers = list(PAPERS)
    places = [(papers.index(one.source.paper), one.source.line) for one in ERRATA]
    assert places == sorted(set(places))


def test_their_words_stand_at_their_lines(papers_folder):
    lines = {key: (papers_folder / p.file).read_text().splitlines() for key, p in PAPERS.items()}
    for one in ERRATA:
        assert one.source.words in lines[one.source.paper][one.source.line - 1], one.source


def test_the_page_is_up_to_date(repository):
    committed = (repository / "docs" / "errata.md").read_text(encoding="utf-8")
    assert committed == page(), "run: dlmath learn errata --out docs/errata.md"


def test_the_page_says_that_formulas_were_lost_and_counts_remarks_apart():
    text = page()
    assert "has lost all its formulas" in text
    assert "### Erratum (an error of mathematics): Tsemo, line 349" in text
    assert "### Remark (rests on a formula that the text has lost): Tsemo, line 427" in text
    assert counted().startswith("40 errata, 34 of them computed, and 25 remarks")
