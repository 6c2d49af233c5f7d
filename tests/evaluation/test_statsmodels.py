"""Shares and paired decisions against statsmodels, whose values are in statsmodels.json."""

import json
from pathlib import Path

import numpy as np
import pytest

from dlmath.evaluation.paired import mcnemar_test
from dlmath.stats.proportions import clopper_pearson

VALUES = json.loads(Path(__file__).with_name("statsmodels.json").read_text())


@pytest.mark.parametrize("share", VALUES["clopper_pearson"])
def test_the_interval_of_a_share(share):
    found = clopper_pearson(share["hits"] / share["images"], share["images"])

    assert found[1:] == pytest.approx(share["interval"], abs=1e-12)


@pytest.mark.parametrize("pair", VALUES["mcnemar_exact"])
def test_mcnemars_exact_test(pair):
    one, two = pair["only_first"], pair["only_second"]
    first = np.repeat([True, True, False, False], [50, one, two, 40])
    second = np.repeat([True, False, True, False], [50, one, two, 40])

    found = mcnemar_test((first, second), np.arange(len(first)))

    assert (found.only_first, found.only_second) == (one, two)
    assert found.p == pytest.approx(pair["p"], abs=1e-12)
    assert found.p_by_patient == pytest.approx(pair["p"], abs=1e-12)
