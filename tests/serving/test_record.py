"""The sums that a server leaves for `dlmath drift`."""

import numpy as np
import pytest

from dlmath.drift import ServedStatistics
from dlmath.inference.classifier import Outputs
from dlmath.inference.runtimes import load_classifier
from dlmath.runs import Run
from dlmath.serving.record import Record


def pixels(number: int, size: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (number, size, size, 3), np.uint8)


def test_the_sums_of_all_answers_are_written_at_the_end(light_run: Run) -> None:
    classifier = load_classifier(light_run)
    asked = pixels(25, classifier.image_size)
    record = Record(light_run, classifier)

    record.add(classifier.predict(asked), asked)
    record.close()

    assert ServedStatistics.load(light_run.served_statistics_path).images == 25


def test_a_server_goes_on_where_the_last_one_ended(light_run: Run) -> None:
    classifier = load_classifier(light_run)
    asked = pixels(20, classifier.image_size)
    answers = classifier.predict(asked)
    for _ in range(2):
        record = Record(light_run, classifier)
        record.add(answers, asked)
        record.close()

    assert ServedStatistics.load(light_run.served_statistics_path).images == 40


def test_an_answer_that_is_no_number_is_not_counted(light_run: Run) -> None:
    classifier = load_classifier(light_run)
    record = Record(light_run, classifier)

    asked = pixels(30, classifier.image_size)
    record.add(Outputs(np.full((30, 2), np.nan), None), asked)
    record.close()

    assert not light_run.served_statistics_path.exists()


def test_a_folder_that_cannot_be_written_is_no_reason_to_stop(
    light_run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> bool:
        raise PermissionError("read-only")

    classifier = load_classifier(light_run)
    monkeypatch.setattr(ServedStatistics, "save", refuse)
    record = Record(light_run, classifier)

    record.close()

    assert not light_run.served_statistics_path.exists()
