import shutil

import numpy as np
import pytest

import dlmath
from dlmath.evaluation.pooling import pooled
from dlmath.runs import Run


@pytest.fixture
def folds(tiny_run):
    """Two runs that answered for the same images, and abstain from different ones."""
    dlmath.evaluate(tiny_run)
    other = Run(tiny_run.folder.with_name("other"))
    shutil.copytree(tiny_run.folder, other.folder)
    tiny_run.update_manifest(abstention={"confidence": 0.4})
    other.update_manifest(
        abstention={"confidence": 1.5}, threshold={"value": 0.3, "chosen_on": "validation"}
    )
    return [tiny_run, other]


def test_each_image_is_answered_by_the_limits_of_its_own_fold(folds):
    alone = [dlmath.evaluate(run) for run in folds]

    together = pooled(folds, folds[0].recipe).selective

    coverages = [one.selective["coverage"]["value"] for one in alone]
    assert coverages[0] != coverages[1]
    assert together["coverage"]["value"] == pytest.approx(np.mean(coverages))
    wrong = [c * one.selective["risk"]["value"] for c, one in zip(coverages, alone, strict=True)]
    assert together["risk"]["value"] == pytest.approx(sum(wrong) / sum(coverages))
    assert together["least_confidence"] is together["greatest_distance"] is None
    assert together["unusual"] is None


def test_where_a_fold_has_no_rule_only_the_curve_is_told(folds):
    folds[1].update_manifest(abstention=None)

    together = pooled(folds, folds[0].recipe).selective

    assert together["coverage"] is together["risk"] is None
    assert together["curve"][-1]["coverage"] == 1
