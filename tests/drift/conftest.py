"""What the tests of drift share."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from dlmath.drift.pictures import PICTURES
from dlmath.drift.reference import Reference
from dlmath.drift.samples import Sample
from dlmath.drift.sketch import Sketch
from dlmath.drift.two_sample import TwoSampleResult, compare_samples
from dlmath.inference.classifier import Outputs
from dlmath.inference.decision_rule import Abstention, DecisionRule, Threshold
from dlmath.inference.light_classifier import softmax
from dlmath.inference.ood_fit import fit_ood_score, ood_limit
from dlmath.inference.ood_score import OodScore

FEATURES = 24
MEANS = np.array([[-2.0], [2.0]]) * (np.arange(FEATURES) < 3)  # of the classes


def draw_features(
    rng: np.random.Generator, labels: np.ndarray, patients: np.ndarray, shift: float = 0
) -> np.ndarray:
    """Return Gaussian features (N, 24), half of whose variance is that of their patient."""
    spread = np.linspace(0.5, 2, FEATURES)
    of_patient = rng.normal(0, 1, (patients.max() + 1, FEATURES))[patients]
    noise = (of_patient + rng.normal(0, 1, (len(labels), FEATURES))) / np.sqrt(2)
    return (MEANS[labels] + spread * (noise + shift)).astype(np.float32)


def draw_pictures(rng: np.random.Generator, patients: np.ndarray, contrast: float) -> np.ndarray:
    """Return figures of pictures (N, 15), by the light and the contrast of each patient."""
    light, spread = (draw[patients] for draw in rng.normal(0, 0.05, (2, patients.max() + 1)))
    levels = np.linspace(-0.3, 0.3, PICTURES)
    noise = rng.normal(0, 0.01, (len(patients), PICTURES))
    return 0.5 + light[:, np.newaxis] + contrast * np.outer(1 + spread, levels) + noise


def answer(ood_score: OodScore, features: np.ndarray) -> Outputs:
    """Return what a logistic regression says of features, as a run's classifier does."""
    logit = 0.5 * features[:, :3].sum(axis=1).astype(np.float64)
    probabilities = softmax(np.column_stack([np.zeros(len(logit)), logit]))
    return Outputs(probabilities, ood_score(features.astype(np.float64)), features)


@pytest.fixture(scope="session")
def gaussian_rule() -> DecisionRule:
    """What decides on the features that `draw_features` draws; it computes none itself."""
    rng = np.random.default_rng(0)
    patients = np.arange(1200) // 2
    labels = patients % 2
    features = draw_features(rng, labels, patients)
    ood_score = fit_ood_score(features[:800], labels[:800])
    assert ood_score is not None
    limit = ood_limit(ood_score(features[800:].astype(np.float64)))
    threshold, abstention = Threshold(0.5, "validation"), Abstention(2.0, limit)
    fields = ("healthy", "ill"), 8, "ill", threshold
    return DecisionRule(*fields, abstention=abstention, ood_score=ood_score)


@pytest.fixture(scope="session")
def draw_answers(gaussian_rule: DecisionRule) -> Callable[..., Any]:
    """The function that draws what is said of new images, their classes and patients."""

    def draw(seed: int, images: int, *, per_patient: int = 2, shift: float = 0, ill: float = 0.5):
        rng = np.random.default_rng(seed)
        patients = np.arange(images) // per_patient
        labels = (rng.random(images) < ill).astype(int)[patients]
        assert gaussian_rule.ood_score is not None
        features = draw_features(rng, labels, patients, shift)
        return answer(gaussian_rule.ood_score, features), labels, patients

    return draw


@pytest.fixture(scope="session")
def draw_reference(gaussian_rule: DecisionRule, draw_answers: Callable[..., Any]) -> Any:
    """The function that draws a reference, or new images in the form of one."""

    def draw(seed: int, images: int, *, contrast: float = 1, **how: Any) -> Reference:
        answers, labels, patients = draw_answers(seed, images, **how)
        projected = Sketch.of(gaussian_rule).project(answers)
        pictures = draw_pictures(np.random.default_rng(seed), patients, contrast)
        fields = projected, answers.probabilities, answers.ood_scores, labels, patients, pictures
        return Reference(*fields)

    return draw


@pytest.fixture(scope="session")
def compare_drawn(
    gaussian_rule: DecisionRule, draw_reference: Any
) -> Callable[..., TwoSampleResult]:
    """The function that compares new images with a reference of 400, both drawn."""
    sketch = Sketch.of(gaussian_rule)

    def compared(seed: int, images: int, *, known: bool = True, draws: int = 199, **how: Any):
        new = draw_reference(10_000 + seed, images, **how)
        patients = new.patients if known else np.zeros(images, int)
        sample = Sample.of(new.rows(sketch), patients)
        reference = draw_reference(20_000 + seed, 400)
        return compare_samples(
            reference, sketch, sample, patients_known=known, draws=draws, seed=seed
        )

    return compared
