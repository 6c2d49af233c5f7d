"""Formulas are typeset, and prose stays as it is."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlmath.maths import all_experiments
from dlmath.maths.errata import ERRATA
from dlmath.maths.formulas import MINUS, quoted_html, typeset


@pytest.mark.parametrize(
    ("typed", "html"),
    [
        (
            "|x_k - x*|^2 <= gamma^k",
            f"|x<sub>k</sub> {MINUS} x*|<sup>2</sup> ≤ &gamma;<sup>k</sup>",
        ),
        ("W_{l+1}^T is in R^(d x h)", "W<sub>l+1</sub><sup>T</sup> is in R<sup>d x h</sup>"),
        ("2 pen_d, log_cosh", "2 pen<sub>d</sub>, log_cosh"),
        ("s_(r+1) and dZ_l", "s<sub>r+1</sub> and dZ<sub>l</sub>"),
        ("n^-1/2 and x^2/2", f"n<sup>{MINUS}1/2</sup> and x<sup>2</sup>/2"),
        ("m / (1 - beta1^t)", f"m / (1 {MINUS} &beta;<sub>1</sub><sup>t</sup>)"),
        ("ReLU(-x), sqrt(3), |w|_1", f"ReLU({MINUS}x), √(3), |w|<sub>1</sub>"),
        (
            "-sum_j y_j log softmax(z)_j",
            f"{MINUS}∑<sub>j</sub> y<sub>j</sub> log softmax(z)<sub>j</sub>",
        ),
        ("int H phi for x -> infinity", "∫ H &phi; for x → ∞"),
        ("a < b & c > d", "a &lt; b &amp; c &gt; d"),
        ("a < b, c > d", "a &lt; b, c &gt; d"),
        ("<w, x> = w . x -> -infinity.", f"⟨w, x⟩ = w · x → {MINUS}∞."),
        ("It ends. It begins", "It ends. It begins"),
        ("a mu-law and a pi-system", "a &mu;-law and a &pi;-system"),
        ("multiple picks of a snake_case name", "multiple picks of a snake_case name"),
        ("a follow-up - and more", f"a follow-up {MINUS} and more"),
    ],
)
def test_what_is_typed_in_a_terminal(typed, html):
    assert typeset(typed) == html


@given(st.text(alphabet=st.sampled_from("ab x<>&^_(){}-.,0123=!$\\*"), max_size=30))
def test_no_text_breaks_the_page_around_it(text):
    for html in (typeset(text), quoted_html(text)):
        tags = re.findall(r"</?(?:sub|sup|code|strong)>", html)
        left = re.sub(r"</?(?:sub|sup|code|strong)>", "", html)
        assert "<" not in left
        assert ">" not in left
        assert nested(tags)


def nested(tags: list[str]) -> bool:
    """Whether every tag that is opened is closed, the last one first."""
    open_tags: list[str] = []
    for tag in tags:
        if not tag.startswith("</"):
            open_tags.append(tag)
        elif not open_tags or open_tags.pop() != tag.replace("/", ""):
            return False
    return not open_tags


@pytest.mark.parametrize(
    ("quote", "html"),
    [
        (r"with $\tau < 2/L$.", r"with \(\tau &lt; 2/L\)."),
        (r"$$x \mapsto x^2$$", r"\(x \mapsto x^2\)"),
        ("is **deep** if", "is <strong>deep</strong> if"),
        (r"… A_1 \in \mathbb{R}^d …", r"… \(A_1 \in \mathbb{R}^d\) …"),
        (r"some point (x_1, \dots, x_n) belongs", r"some point \((x_1, \dots, x_n)\) belongs"),
        (r"for $x$ in $\Omega …", r"for \(x\) in <code>\Omega …</code>"),
        (r"… \mathbf{g}^j = 1,$$", r"… \(\mathbf{g}^j = 1,\)"),
        (r"\begin{cases} a …", r"<code>\begin{cases} a …</code>"),
    ],
)
def test_what_is_quoted_from_a_paper(quote, html):
    assert quoted_html(quote) == html


def test_no_quote_leaves_latex_outside_of_a_formula():
    sources = {source for one in all_experiments().values() for source in one.sources}
    for source in sources | {one.source for one in ERRATA}:
        html = re.sub(r"\\\(.*?\\\)|<code>.*?</code>", "", quoted_html(source.quote))
        assert "\\" not in html, source
        assert "$" not in html, source
