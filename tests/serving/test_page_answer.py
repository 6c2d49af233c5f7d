import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlmath.inference.decision_rule import Abstention, DecisionRule, Threshold
from dlmath.inference.outcome import Prediction
from dlmath.serving.page_answer import (
    answered_card,
    coming_map,
    missing_map,
    ready_map,
    refused_card,
    waiting_card,
)

TWO = DecisionRule(("NORMAL", "PNEUMONIA"), 16, "PNEUMONIA", Threshold(0.3, "validation"))
THREE = DecisionRule(("A", "B", "C"), 16, None, None)
NASTY = "<img src=x onerror=alert(1)>\"'&.png"


def card(classifier, probabilities, *, positive=None, file="a.png", **more):
    named = dict(zip(classifier.classes, probabilities, strict=True))
    decision = max(named, key=named.__getitem__)
    if positive is not None:
        decision = classifier.classes[int(positive)]
    prediction = Prediction(file, decision, named, positive, **more)
    return answered_card(classifier, prediction, b"jpeg", coming_map(is_first=False))


@given(p=st.floats(0, 1), limit=st.floats(0, 1))
def test_bar_and_threshold_stand_where_their_numbers_are(p, limit):
    classifier = DecisionRule(TWO.classes, 16, "PNEUMONIA", Threshold(limit, "validation"))
    html = card(classifier, (1 - p, p), positive=p >= limit)
    (fill,) = re.findall(r'dl-fill" style="width:([\d.]+)%', html)
    (mark,) = re.findall(r'dl-mark \S+" style="left:([\d.]+)%', html)
    assert float(fill) == pytest.approx(100 * p, abs=0.005)
    assert float(mark) == pytest.approx(100 * limit, abs=0.005)


@pytest.mark.parametrize(
    ("p", "positive", "said"),
    [
        (0.31, True, "The probability of PNEUMONIA, 0.310, is at or above the threshold of 0.300."),
        (0.29, False, "The probability of PNEUMONIA, 0.290, is below the threshold of 0.300."),
        (1.0, True, "The probability of PNEUMONIA, over 0.999, is at or above"),
        (0.0, False, "The probability of PNEUMONIA, under 0.001, is below"),
    ],
)
def test_the_decision_is_said_in_words(p, positive, said):
    html = card(TWO, (1 - p, p), positive=positive)
    assert f"Decided: <strong>{TWO.classes[positive]}</strong>" in html
    assert said in html


def test_the_bar_says_the_same_to_those_who_do_not_see_it():
    html = card(TWO, (0.25, 0.75), positive=True)
    assert 'role="img" aria-label="Probability of PNEUMONIA: 0.750; the threshold is 0.300"' in html


def test_of_more_classes_each_has_a_bar_and_none_a_threshold():
    html = card(THREE, (0.2, 0.5, 0.3))
    assert re.findall(r'aria-label="Probability of (\w)', html) == ["B", "C", "A"]
    assert "threshold" not in html
    assert "It is the most probable of the classes." in html


def test_an_answer_to_rely_on_is_not_doubted():
    assert "person should look" not in card(TWO, (0.1, 0.9), positive=True, abstains=False)
    assert "person should look" not in card(TWO, (0.1, 0.9), positive=True)


def test_abstaining_names_its_reasons():
    shy = DecisionRule(
        TWO.classes, 16, "PNEUMONIA", TWO.threshold, abstention=Abstention(1.0, ood_score=5.0)
    )
    near = card(shy, (0.65, 0.35), positive=True, abstains=True, out_of_distribution=False)
    strange = card(shy, (0.01, 0.99), positive=True, abstains=True, out_of_distribution=True)
    for html in (near, strange):
        assert html.index("a person should look at the image") < html.index("Decided:")
        assert "dl-positive" not in html  # neither alarm nor all-clear catches the eye
    assert "too near the threshold" in near
    assert "unlike those" not in near
    assert "unlike those that the model was trained on" in strange
    assert "too near" not in strange


def test_nothing_that_a_client_or_a_folder_named_is_html():
    odd = DecisionRule(("<b>x", NASTY), 16, NASTY, Threshold(0.3, "validation"))
    pages = [
        card(odd, (0.1, 0.9), positive=True, file=NASTY),
        waiting_card(NASTY),
        refused_card(NASTY, f"{NASTY} cannot be read"),
        ready_map(b"jpeg", NASTY, (NASTY,)),
        missing_map(NASTY),
    ]
    for html in pages:
        assert "<img src=x" not in html
        assert "<b>x" not in html
        assert "onerror" in html  # it is said, as text


def test_a_map_is_shown_with_its_warnings():
    html = ready_map(b"jpeg", "NORMAL", ("The map is empty.",))
    assert 'alt="Heat map over the image: the places that speak for NORMAL"' in html
    assert "Warning: The map is empty." in html


def test_the_first_map_says_why_it_takes_longer():
    assert "Keras is loaded" in coming_map(is_first=True)
    assert "Keras" not in coming_map(is_first=False)
