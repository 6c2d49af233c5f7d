"""Sums that a server keeps: exact to merge, whole on disk, and silent about single images."""

import json
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlmath.drift import ServedStatistics
from dlmath.drift.sketch import CELLS, EDGES, FARTHEST, Sketch
from dlmath.drift.statistics import LEAST, Totals
from dlmath.errors import RunError
from dlmath.runs import Run, write_bytes


@pytest.fixture
def begin(gaussian_decider):
    sketch = Sketch.of(gaussian_decider)
    return lambda: ServedStatistics(sketch, Totals.none("a" * 64, sketch.layout))


@pytest.fixture
def some_run(tmp_path):
    """A run of which there is no more than a model's file."""
    run = Run(tmp_path / "run")
    write_bytes(run.model_path, b"a model")
    return run


def rows_of(answers, start, stop):
    return type(answers)(*(None if field is None else field[start:stop] for field in answers))


def abstained(decider, answers):
    return decider.abstains(answers.probabilities, answers.distances)


@settings(max_examples=25)
@given(st.lists(st.integers(0, 60), max_size=4).map(sorted))
def test_statistics_of_parts_add_up_to_those_of_all(gaussian_decider, draw_answers, cuts):
    answers, _, _ = draw_answers(1, 60)
    sketch = Sketch.of(gaussian_decider)

    def totals(start, stop):
        one = ServedStatistics(sketch, Totals.none("a" * 64, sketch.layout))
        part = rows_of(answers, start, stop)
        one.add(part, abstained(gaussian_decider, part))
        return one.totals

    ends = [0, *cuts, 60]
    parts = [totals(*two) for two in pairwise(ends)]
    whole, left, right = totals(0, 60), parts[0], parts[-1]
    for part in parts[1:]:
        left = left + part
    for part in parts[-2::-1]:
        right = part + right

    assert left.images == right.images == whole.images == 60
    for merged in (left, right):
        np.testing.assert_allclose(merged.sums, whole.sums, rtol=1e-12, atol=1e-12)
    counts = ("scores", "unusual", "abstained")
    assert all((left.part(name) == whole.part(name)).all() for name in counts)


def test_what_is_summed(gaussian_decider, draw_answers, begin):
    answers, _, _ = draw_answers(2, 50)
    statistics = begin()

    statistics.add(answers, abstained(gaussian_decider, answers))

    totals = statistics.totals
    projected = np.clip(statistics.sketch.project(answers), -FARTHEST, FARTHEST)
    np.testing.assert_allclose(totals.part("projected"), projected.sum(axis=0))
    products = (projected.T @ projected)[np.triu_indices(projected.shape[1])]
    np.testing.assert_allclose(totals.part("products"), products)
    odds = np.log(answers.probabilities[:, 1] / answers.probabilities[:, 0])
    wanted, _ = np.histogram(odds, [-np.inf, *EDGES, np.inf])
    np.testing.assert_array_equal(totals.part("scores"), wanted)
    unusual = answers.distances > gaussian_decider.abstention.distance
    assert totals.part("unusual") == unusual.sum()
    assert totals.part("abstained") == abstained(gaussian_decider, answers).sum() > 0


def test_directions_are_in_standard_deviations_of_a_class(gaussian_decider, draw_answers):
    answers, _, _ = draw_answers(3, 4000)

    projected = Sketch.of(gaussian_decider).project(answers)

    np.testing.assert_allclose(projected.mean(axis=0), 0, atol=0.15)
    np.testing.assert_allclose(projected.std(axis=0), 1, atol=0.15)


def test_an_image_without_a_number_is_left_out(draw_answers, begin):
    answers, _, _ = draw_answers(4, 30)
    answers.probabilities[3] = np.nan
    answers.features[5, 0] = np.inf
    statistics = begin()

    statistics.add(answers, None)

    assert (statistics.totals.images, statistics.totals.left_out) == (28, 2)
    assert np.isfinite(statistics.totals.sums).all()


def test_what_is_written_is_read_again(gaussian_decider, draw_answers, begin, tmp_path):
    answers, _, _ = draw_answers(5, LEAST)
    statistics = begin()
    statistics.add(answers, abstained(gaussian_decider, answers))

    assert statistics.save(tmp_path / "serving" / "statistics.json")

    found, wanted = (
        ServedStatistics.load(tmp_path / "serving" / "statistics.json"),
        statistics.totals,
    )
    np.testing.assert_array_equal(found.sums, wanted.sums)
    assert (found.model, found.layout, found.images) == (wanted.model, wanted.layout, LEAST)
    assert found.first == wanted.first.replace(microsecond=0)


def test_nothing_is_written_of_fewer_than_twenty_images(draw_answers, begin, tmp_path):
    answers, _, _ = draw_answers(6, LEAST)
    statistics, path = begin(), tmp_path / "statistics.json"

    statistics.add(rows_of(answers, 0, LEAST - 1), None)
    assert not statistics.save(path)
    assert not path.exists()
    statistics.add(rows_of(answers, LEAST - 1, LEAST), None)
    assert statistics.save(path)

    before = path.read_bytes()
    statistics.add(rows_of(answers, 0, LEAST - 1), None)
    assert not statistics.save(path)  # the difference of two files is that of 19 images
    assert path.read_bytes() == before


def test_statistics_of_two_models_do_not_mix(gaussian_decider, begin):
    layout = begin().totals.layout

    with pytest.raises(ValueError, match="two models"):
        begin().totals + Totals.none("b" * 64, layout)


def test_a_server_goes_on_with_its_statistics(some_run, gaussian_decider, draw_answers, tmp_path):
    answers, _, _ = draw_answers(7, LEAST)
    path = tmp_path / "statistics.json"
    statistics = ServedStatistics.begin(some_run, gaussian_decider)
    statistics.add(answers, None)
    statistics.save(path)

    again = ServedStatistics.go_on(some_run, gaussian_decider, path)
    assert again.totals.images == LEAST
    assert not again.save(path)

    some_run.model_path.write_bytes(b"another model")
    assert ServedStatistics.go_on(some_run, gaussian_decider, path).totals.images == 0


@pytest.mark.parametrize(
    "damage",
    [
        lambda record: record.update(statistics_version=9),
        lambda record: record.pop("images"),
        lambda record: record["sums"].update(scores=[1.0]),
        lambda record: record["sums"].update(unusual="many"),
        lambda record: record.update(first="yesterday"),
    ],
)
def test_a_damaged_file_is_refused_and_a_server_begins_anew(
    some_run, gaussian_decider, draw_answers, begin, tmp_path, damage
):
    statistics, path = begin(), tmp_path / "statistics.json"
    statistics.add(draw_answers(8, LEAST)[0], None)
    statistics.save(path)
    record = json.loads(path.read_text())
    damage(record)
    path.write_text(json.dumps(record))

    with pytest.raises(RunError, match=r"statistics\.json does not hold.*Remove it"):
        ServedStatistics.load(path)
    assert ServedStatistics.go_on(some_run, gaussian_decider, path).totals.images == 0


def test_scores_of_more_than_two_classes_have_a_histogram_each(gaussian_decider):
    decider = replace(gaussian_decider, classes=("a", "b", "c"), positive_class=None, distance=None)
    sketch = Sketch.of(decider)
    probabilities = np.array([[0.2, 0.3, 0.5], [0.98, 0.01, 0.01]])

    rows = sketch.rows(np.zeros((2, 0)), probabilities, None, None)

    scores = sketch.layout.part(rows, "scores").reshape(2, 3, CELLS)
    np.testing.assert_array_equal(scores.sum(axis=2), 1)
    odds = np.log(probabilities / (1 - probabilities))
    np.testing.assert_array_equal(scores.argmax(axis=2), np.searchsorted(EDGES, odds, side="right"))
