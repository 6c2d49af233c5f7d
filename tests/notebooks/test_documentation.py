"""The documentation as pages: no network, links that lead somewhere, formulas that are drawn."""

import re

import pytest

from dlmath.maths import all_experiments, find
from dlmath.maths.errata import ERRATA
from dlmath.maths.formulas import quoted_html
from docs import make_pages
from docs.make_notebook_pages import with_mathml

ELSEWHERE = r"<script|<link|@import|src=[\"']?(?:https?:)?//"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Every page but the notebooks, with two of the experiments."""
    folder = tmp_path_factory.mktemp("pages")
    few = {name: find(name) for name in ("best-step", "softmax-cross-entropy-gradient")}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(make_pages, "all_experiments", lambda: few)
        make_pages.main(folder, ["none"])
    return folder


def test_no_page_loads_anything_from_elsewhere(site):
    pages = list(site.glob("*.html"))
    assert len(pages) > 15
    for page in pages:
        assert not re.search(ELSEWHERE, page.read_text(encoding="utf-8")), page.name


def test_every_link_within_the_documentation_leads_to_a_page(site):
    for page in site.glob("*.html"):
        html = page.read_text(encoding="utf-8")
        for target in re.findall(r"(?:href|src)=\"(?!https?:|data:|#)([^\"#]+)", html):
            assert (site / target).exists(), (page.name, target)


def test_an_experiment_has_its_charts_formulas_and_both_verdicts(site):
    html = (site / "trials.html").read_text(encoding="utf-8")
    assert re.findall('<section id="([^"]+)">', html) == [
        "best-step",
        "softmax-cross-entropy-gradient",
    ]
    assert html.count("<img alt=") == 4
    assert "<math" in html
    assert "As stated: holds" in html
    assert html.count(": fails") == 2


def test_the_errata_have_their_kinds_and_values(site):
    html = (site / "errata.html").read_text(encoding="utf-8")
    assert len(re.findall("<section id=", html)) == len(ERRATA)
    assert "has lost all its formulas" in html
    assert '<section id="murari-251"><p><strong>Erratum (an error of mathematics)' in html
    assert re.search(r"5 times perhaps a slip of the extraction", html)


def test_statements_are_typeset_and_name_experiments_by_links(site):
    html = (site / "statements.html").read_text(encoding="utf-8")
    assert '<a href="trials.html#best-step">best-step</a>' in html
    assert "Its proof: at most (R / margin)<sup>2</sup> updates" in html
    assert "<code>tests/maths/test_contract.py</code>" in html


def test_every_quoted_formula_is_drawn():
    sources = {source for one in all_experiments().values() for source in one.sources}
    for source in sources | {one.source for one in ERRATA}:
        html = with_mathml(quoted_html(source.quote))
        left = re.sub(r"<code>.*?</code>", "", html, flags=re.DOTALL)
        assert "\\" not in left, source
        assert "&#x0005C;" not in left, source


def test_a_formula_that_is_not_understood_stays_as_it_was_written():
    assert with_mathml(r"of \(\undrawable x\)") == r"of <code>\undrawable x</code>"
