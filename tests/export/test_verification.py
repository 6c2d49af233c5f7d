"""What `verify` refuses, on what an export is said to have answered: no process is run."""

import numpy as np
import pytest

from dlmath.errors import VerificationError
from dlmath.evaluation.composition import class_counts
from dlmath.export import formats, quantization, verification
from dlmath.export.formats import FORMATS, find_format
from dlmath.export.litert import QUANTIZATIONS
from dlmath.export.verification_set import VerificationSet
from dlmath.inference.decision_rule import Abstention, Threshold
from dlmath.inference.keras_classifier import KerasClassifier

CLASSES = ("NORMAL", "PNEUMONIA")
RULE = KerasClassifier(
    CLASSES,
    8,
    "PNEUMONIA",
    Threshold(0.5, "validation"),
    abstention=Abstention(confidence=0.3),
    model=None,
)
EVERY = [(name, "none") for name in FORMATS] + [("litert", bits) for bits in QUANTIZATIONS[1:]]


def both(positive):
    return np.column_stack([1 - positive, positive]).astype(np.float32)


def expected_of(positive):
    """Return 64 images without files, half of each class."""
    truth = np.repeat([0, 1], 32)
    by_class = class_counts(truth, CLASSES)
    return VerificationSet(
        (None,) * 64, by_class, np.zeros((64, 8, 8, 3)), both(positive), None, RULE
    )


POSITIVE = np.r_[np.linspace(0.05, 0.42, 32), np.linspace(0.58, 0.95, 32)]


def proof_of(monkeypatch, positive, one, expected=None, abstains=None):
    """Return the proof of an export that gives these probabilities of the positive class."""
    expected = expected or expected_of(POSITIVE)
    probabilities = both(positive)
    decided = RULE.decide(probabilities)
    if abstains is None:
        abstains = RULE.abstains(probabilities, None)

    def run(program, arguments, *, isolated):
        np.savez(
            f"{arguments[1]}/outputs.npz",
            classes=np.array([CLASSES]),
            decision=np.array(CLASSES)[decided],
            abstains=abstains,
            seconds=1.0,
            **{"probabilities pixels": probabilities},
        )

    monkeypatch.setattr(verification, "_write_expected", lambda *_: None)
    monkeypatch.setattr(verification, "_run", run)
    monkeypatch.setattr(verification, "megabytes", lambda _: 0.5)
    limits = {"tolerance": one.tolerance, "most_changed": one.most_changed}
    return verification.verify("export", one.program, expected, isolated=True, **limits)


@pytest.mark.parametrize("kind", EVERY)
def test_no_bound_is_one_that_no_export_can_exceed(kind):
    one = find_format(*kind)

    assert 0 < one.tolerance < 0.5
    assert 0 < one.most_changed < 0.5


@pytest.mark.parametrize("kind", EVERY)
def test_what_the_run_says_passes_in_every_format(monkeypatch, kind):
    proof = proof_of(monkeypatch, POSITIVE, find_format(*kind))

    assert proof.by_class == {"NORMAL": 32, "PNEUMONIA": 32}
    assert (proof.changed_decisions, proof.changed_abstentions) == (0, 0)


@pytest.mark.parametrize("kind", EVERY)
def test_a_probability_that_is_farther_off_than_the_bound_is_refused(monkeypatch, kind):
    one = find_format(*kind)
    off = POSITIVE.copy()
    off[-1] -= 1.1 * one.tolerance

    with pytest.raises(VerificationError, match=r"off by up to .* \(pixels\)"):
        proof_of(monkeypatch, off, one)


@pytest.mark.parametrize("kind", EVERY)
def test_a_network_that_says_the_same_of_every_image_is_refused(monkeypatch, kind):
    with pytest.raises(VerificationError, match="It was not kept"):
        proof_of(monkeypatch, np.full(64, 0.45), find_format(*kind))


@pytest.mark.parametrize(("number", "refused"), [(6, False), (7, True)])
def test_with_8_bits_a_tenth_of_the_decisions_may_change(monkeypatch, number, refused):
    one = find_format("litert", "int8")
    positive = np.where(np.arange(64) < 32, POSITIVE, 0.6)
    other = positive.copy()
    other[32 : 32 + number] = 0.45  # within the tolerance, across the threshold

    if refused:
        with pytest.raises(VerificationError, match="decides 7 of 64 images otherwise"):
            proof_of(monkeypatch, other, one, expected_of(positive))
    else:
        found = proof_of(monkeypatch, other, one, expected_of(positive))
        assert (found.changed_decisions, found.changes_allowed) == (number, 6)


@pytest.mark.parametrize("kind", EVERY)
def test_an_export_that_abstains_where_the_run_answers_is_refused(monkeypatch, kind):
    opposite = ~RULE.abstains(both(POSITIVE), None)

    with pytest.raises(VerificationError, match="abstains on 64 of 64 images otherwise"):
        proof_of(monkeypatch, POSITIVE, find_format(*kind), abstains=opposite)


def test_a_refusal_of_fewer_bits_names_the_form_with_more_of_them(tiny_run, monkeypatch):
    def refuse(*args, **kwargs):
        raise VerificationError("It was not kept.")

    monkeypatch.setattr(formats, "verify", refuse)

    with pytest.raises(VerificationError, match="more bits: --quantize float16") as refused:
        formats.export(tiny_run, "litert", quantize="int8")
    assert refused.value.exit_code == 1


def test_a_loss_without_an_interval_is_held_to_the_bound_itself(monkeypatch, tmp_path):
    # One patient in the validation part: no spread is known, and no interval given.
    lost = {"images": 9, "loss": {"value": 0.5, "low": None, "high": None}}
    monkeypatch.setattr(quantization, "compare_accuracy", lambda *_: lost)
    monkeypatch.setattr(quantization.LiteRTClassifier, "load", lambda _: None)

    class Parts:
        def part(self, name):
            return range(9)

    with pytest.raises(VerificationError, match=r"loses 0\.500 of the accuracy"):
        quantization.measure_loss(Parts(), None, tmp_path)
