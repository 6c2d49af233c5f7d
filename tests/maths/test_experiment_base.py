"""The frame: figures against bounds, verdicts, arguments from texts, wrong arguments."""

import json
import math

import numpy as np
import pytest

from dlmath.errors import UserError
from dlmath.maths import Outcome, Sabotage, Source
from dlmath.maths.choices import choose
from dlmath.maths.experiment_base import at_least, at_most, experiment
from dlmath.maths.plots import curves
from dlmath.maths.settings import read_settings


@experiment(
    title="A root",
    statement="The root of x is at most the bound.",
    sources=(Source("tsemo", 1, "Tsemo"),),
    sabotage=Sabotage("x is large", {"x": 100.0}),
)
def small_root(*, x: float = 4.0, digits: int = 3, exact: bool = True, unit: str = "m") -> Outcome:
    """`x` is any number from 0."""
    root = math.sqrt(x)
    return Outcome(
        (at_most("root", root, 2),), curves("Root", "x", "y", {"root": ([0, x], [0, 1])})
    )


@pytest.mark.parametrize(
    ("check", "holds"),
    [
        (at_most("a", 1, 1), True),
        (at_most("a", 1.1, 1), False),
        (at_least("a", 1, 1), True),
        (at_least("a", 0.9, 1), False),
        (at_most("a", math.nan, 1), False),
        (at_least("a", math.nan, 1), False),
        (at_most("a", np.float64(2), 3), True),
    ],
)
def test_a_figure_is_on_its_side_of_the_bound_or_not(check, holds):
    assert check.holds is holds


def test_json_has_words_for_what_it_has_no_numbers_for():
    values = [
        at_most("a", value, 1).as_json()["value"] for value in (math.inf, -math.inf, math.nan)
    ]
    assert values == ["infinite", "-infinite", None]


def test_the_name_and_the_defaults_come_from_the_function():
    assert small_root.name == "small-root"
    assert small_root.defaults == {"x": 4.0, "digits": 3, "exact": True, "unit": "m"}


def test_a_result_has_its_verdict_its_arguments_and_the_experiment_in_json():
    document = json.loads(json.dumps(small_root.run(x=9.0).as_json()))
    assert document["verdict"] == "fails"
    assert document["arguments"]["x"] == 9.0
    assert document["sabotage"] == {"why": "x is large", "arguments": {"x": 100.0}}
    assert small_root.run().holds
    assert not small_root.run(**small_root.sabotage.arguments).holds


def test_texts_become_arguments_of_the_defaults_types():
    texts = ["x=2", "digits=5", "exact=False", "unit=a=b"]
    assert read_settings(small_root, texts) == {
        "x": 2.0,
        "digits": 5,
        "exact": False,
        "unit": "a=b",
    }


@pytest.mark.parametrize("text", ["x=two", "digits=2.5", "exact=yes", "x"])
def test_a_text_of_another_type_is_refused(text):
    with pytest.raises(UserError, match="Received"):
        read_settings(small_root, [text])


def test_unknown_names_and_impossible_values_are_the_users_to_mend():
    with pytest.raises(UserError, match="Did you mean 'digits'"):
        small_root.run(digit=3)
    with pytest.raises(UserError, match="Its defaults are x=4.0"):
        small_root.run(x=-1.0)


def test_a_word_is_one_of_the_choices():
    assert choose("side", "left", {"left": 1, "right": 2}) == 1
    with pytest.raises(UserError, match="must be one of left, right.*Did you mean 'left'"):
        choose("side", "lefd", {"left": 1, "right": 2})
