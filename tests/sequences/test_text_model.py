"""The study of the language model runs from end to end, and its figures are what they say."""

import numpy as np
import pytest

from benchmarks.studies.text_model import QUICK, Plan, on_the_source, on_the_text
from benchmarks.tables import load


@pytest.mark.slow
def test_the_quick_study_runs():
    text = on_the_text(QUICK)
    assert (
        text["bits_per_byte"]["transformer"]["value"] > text["bits_per_byte"]["Kneser-Ney"]["value"]
    )
    assert (
        text["bits_per_byte"]["transformer"]["low"] < text["bits_per_byte"]["transformer"]["high"]
    )
    assert len(text["samples"]) == 3
    (row,) = on_the_source(QUICK)["rows"]
    assert row["context"] == 2
    assert row["low"] > 0  # two steps do not learn the source


def test_the_figures_agree_with_one_another():
    result = load("text-model")
    text, found = result["text"], result["text"]["bits_per_byte"]
    for name in ("transformer", "mean of both"):
        difference = found[name]["value"] - found["Kneser-Ney"]["value"]
        assert found[f"{name} less Kneser-Ney"]["value"] == pytest.approx(difference)
        bits = np.log2(text["perplexity"][name]) * text["tokens"]["held out"]
        assert bits / text["bytes"]["held out"] == pytest.approx(found[name]["value"])
    assert np.mean(text["by_seed"]) == pytest.approx(found["transformer"]["value"])
    assert len(text["by_seed"]) == len(Plan().seeds)


def test_a_transformer_reaches_the_entropy_rate_if_it_sees_as_many_letters_as_the_order():
    source = load("text-model")["source"]
    for row in source["rows"]:
        assert row["low"] > 0  # no model is better than the source
        if row["context"] < source["order"]:
            assert row["theory"] > 0.29
            assert row["low"] < row["theory"] < row["high"]
        else:
            assert row["theory"] == pytest.approx(0, abs=1e-12)
            assert row["high"] < 0.003
