"""What a notebook shows holds as it is stated, and fails with its sabotage."""

import re
from base64 import b64decode

import pytest

from dlmath.errors import CheckFailedError, UserError
from dlmath.maths import trials
from dlmath.maths.errata import ERRATA
from dlmath.maths.experiment_base import Experiment, Outcome, Sabotage, at_most
from dlmath.maths.papers import Source
from dlmath.maths.plots import curves


def experiment(*, bound: float, sabotaged: float) -> Experiment:
    """An experiment whose one figure is 1."""

    def compute(*, limit: float = bound) -> Outcome:
        chart = curves("none", "x", "y", {"y": ([0.0, 1.0], [0.0, 1.0])})
        return Outcome((at_most("a <b>", 1.0, limit),), chart)

    why = Sabotage("the limit is lower", {"limit": sabotaged})
    return Experiment("one", "One", "1 <= limit", (Source("tsemo", 1, "Tsemo"),), why, compute)


@pytest.fixture
def as_found(monkeypatch):
    return lambda one: monkeypatch.setattr(trials, "find", lambda name: one)


def test_both_verdicts_are_shown(as_found):
    as_found(experiment(bound=2.0, sabotaged=0.5))
    text = repr(trials.trial("one"))
    assert "Tsemo, line 1: “Tsemo”" in text
    assert "As stated: holds\n  a <b>  1 ≤ 2  yes" in text
    assert "Sabotage, the limit is lower: fails\n  a <b>  1 ≤ 0.5  no" in text


def test_the_html_escapes_what_is_shown(as_found):
    as_found(experiment(bound=2.0, sabotaged=0.5))
    html = trials.trial("one")._repr_html_()
    assert "a &lt;b&gt;" in html
    assert "1 ≤ 0.5" in html
    assert "<b>" not in html


def test_the_chart_is_drawn_both_times_and_its_style_stays_within_it(as_found):
    as_found(experiment(bound=2.0, sabotaged=0.5))
    html = trials.trial("one")._repr_html_()
    drawn = re.findall(r"<img alt='none' [^>]*src='data:image/svg\+xml;base64,([^']+)'", html)
    assert [b64decode(one).startswith(b"<svg xmlns=") for one in drawn] == [True, True]
    assert re.findall("<figcaption>(.*?)</figcaption>", html) == [
        "none, as stated",
        "none, with the sabotage",
    ]
    assert "<style" not in html


def test_a_quoted_formula_is_one():
    html = trials.erratum("murari", 251)._repr_html_()
    assert r"\(\|\theta_k - \theta_*\|_2^2 \leq \gamma^k" in html
    assert "&gamma; is in [0, 1)" in html


@pytest.mark.parametrize(("bound", "sabotaged"), [(0.5, 0.5), (2.0, 2.0)])
def test_a_verdict_that_should_not_be_is_an_error(as_found, bound, sabotaged):
    as_found(experiment(bound=bound, sabotaged=sabotaged))
    with pytest.raises(CheckFailedError, match=r"one (holds|fails) as stated"):
        trials.trial("one")


def test_an_erratum_is_shown_with_its_figures():
    shown = trials.erratum("murari", 251)
    assert "gamma is in [0, 1)" in repr(shown)
    assert "Computed" in repr(shown)
    assert "<em>Right:</em>" in shown._repr_html_()


def test_an_erratum_of_history_has_a_reference_and_no_figures():
    shown = trials.erratum("tsemo", 148)
    assert shown.tables == ()
    assert ("See", ERRATA[2].reference) in shown.paragraphs


def test_the_kind_stands_in_the_title():
    kinds = {line: trials.erratum("murari", line).title for line in (193, 251)}
    assert kinds[251] == "Erratum (an error of mathematics): Murari, line 251"
    assert kinds[193].startswith("Remark (perhaps a slip of the extraction, not of the paper)")


def test_an_erratum_that_does_not_compute_is_an_error(monkeypatch):
    wrong = [one for one in ERRATA if one.source.line == 251]
    monkeypatch.setitem(vars(wrong[0]), "checks", (at_most("two", 2.0, 1.0),))
    with pytest.raises(CheckFailedError, match="Murari, line 251"):
        trials.erratum("murari", 251)


@pytest.mark.parametrize(
    ("paper", "line", "said"), [("murari", 1, "251"), ("euler", 1, "tsemo, murari")]
)
def test_where_none_is_known_the_message_names_some(paper, line, said):
    with pytest.raises(UserError, match=said):
        trials.erratum(paper, line)
