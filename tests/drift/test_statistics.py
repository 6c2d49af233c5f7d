"""Sums that a server keeps: exact to merge, whole on disk, and silent about single images."""

import json
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlmath.data.locks import held
from dlmath.drift import ServedStatistics
from dlmath.drift.pictures import describe
from dlmath.drift.sketch import CELLS, EDGES, FARTHEST, Sketch
from dlmath.drift.statistics import LEAST, Totals, model_of
from dlmath.errors import DataError, RunError
from dlmath.runs import Run, write_bytes


@pytest.fixture
def begin(gaussian_rule):
    sketch = Sketch.of(gaussian_rule)
    return lambda: ServedStatistics(sketch, Totals.none("a" * 64, sketch.layout))


@pytest.fixture
def some_run(tmp_path):
    """A run of which there is no more than a model's file."""
    run = Run(tmp_path / "run")
    write_bytes(run.model_path, b"a model")
    return run


def rows_of(answers, start, stop):
    return type(answers)(*(None if field is None else field[start:stop] for field in answers))


def pixels(number):
    return np.random.default_rng(0).integers(0, 256, (number, 8, 8, 3), np.uint8)


@settings(max_examples=25)
@given(st.lists(st.integers(0, 60), max_size=4).map(sorted))
def test_statistics_of_parts_add_up_to_those_of_all(gaussian_rule, draw_answers, cuts):
    answers, _, _ = draw_answers(1, 60)
    sketch = Sketch.of(gaussian_rule)

    def totals(start, stop):
        one = ServedStatistics(sketch, Totals.none("a" * 64, sketch.layout))
        part = rows_of(answers, start, stop)
        one.add(part, pixels(60)[start:stop])
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


def test_what_is_summed(gaussian_rule, draw_answers, begin):
    answers, _, _ = draw_answers(2, 50)
    statistics = begin()

    statistics.add(answers, pixels(50))

    totals = statistics.totals
    projected = np.clip(statistics.sketch.project(answers), -FARTHEST, FARTHEST)
    np.testing.assert_allclose(totals.part("projected"), projected.sum(axis=0))
    products = (projected.T @ projected)[np.triu_indices(projected.shape[1])]
    np.testing.assert_allclose(totals.part("products"), products)
    odds = np.log(answers.probabilities[:, 1] / answers.probabilities[:, 0])
    wanted, _ = np.histogram(odds, [-np.inf, *EDGES, np.inf])
    np.testing.assert_array_equal(totals.part("scores"), wanted)
    out_of_distribution = answers.ood_scores > gaussian_rule.abstention.ood_score
    assert totals.part("unusual") == out_of_distribution.sum()
    abstained = gaussian_rule.abstains(answers.probabilities, answers.ood_scores)
    assert totals.part("abstained") == abstained.sum() > 0
    np.testing.assert_allclose(totals.part("pictures"), describe(pixels(50)).sum(axis=0))


def test_directions_are_in_standard_deviations_of_a_class(gaussian_rule, draw_answers):
    answers, _, _ = draw_answers(3, 4000)

    projected = Sketch.of(gaussian_rule).project(answers)

    np.testing.assert_allclose(projected.mean(axis=0), 0, atol=0.15)
    np.testing.assert_allclose(projected.std(axis=0), 1, atol=0.15)


def test_an_image_without_a_number_is_left_out(draw_answers, begin):
    answers, _, _ = draw_answers(4, 30)
    answers.probabilities[3] = np.nan
    answers.features[5, 0] = np.inf
    statistics = begin()

    statistics.add(answers, pixels(30))

    assert (statistics.totals.images, statistics.totals.left_out) == (28, 2)
    assert np.isfinite(statistics.totals.sums).all()


def test_what_is_written_is_read_again(draw_answers, begin, tmp_path):
    answers, _, _ = draw_answers(5, LEAST)
    statistics, path = begin(), tmp_path / "serving" / "statistics.json"
    path.parent.mkdir()
    statistics.add(answers, pixels(LEAST))
    wanted = statistics.totals

    assert statistics.save(path)

    found = ServedStatistics.load(path)
    np.testing.assert_array_equal(found.sums, wanted.sums)
    assert (found.model, found.layout, found.images) == (wanted.model, wanted.layout, LEAST)
    assert found.first == wanted.first.replace(microsecond=0)


def test_nothing_is_written_of_fewer_than_twenty_images(draw_answers, begin, tmp_path):
    answers, _, _ = draw_answers(6, LEAST)
    statistics, path = begin(), tmp_path / "statistics.json"

    statistics.add(rows_of(answers, 0, LEAST - 1), pixels(LEAST - 1))
    assert not statistics.save(path)
    assert not path.exists()
    statistics.add(rows_of(answers, LEAST - 1, LEAST), pixels(1))
    assert statistics.save(path)

    before = path.read_bytes()
    statistics.add(rows_of(answers, 0, LEAST - 1), pixels(LEAST - 1))
    assert not statistics.save(path)  # the difference of two files is that of 19 images
    assert path.read_bytes() == before


def test_statistics_of_two_models_do_not_mix(gaussian_rule, begin):
    layout = begin().totals.layout

    with pytest.raises(ValueError, match="two models"):
        begin().totals + Totals.none("b" * 64, layout)


@pytest.fixture
def written(draw_answers, begin, tmp_path):
    """A file of 20 images."""
    path = tmp_path / "statistics.json"
    save_twenty(begin(), draw_answers, path)
    return path


def save_twenty(statistics, draw_answers, path, seed=7):
    statistics.add(draw_answers(seed, LEAST)[0], pixels(LEAST))
    assert statistics.save(path)


def test_a_run_has_statistics_of_its_own_model(some_run, gaussian_rule, draw_answers, written):
    save_twenty(ServedStatistics.begin(some_run, gaussian_rule), draw_answers, written)

    found = ServedStatistics.load(written)
    assert found.model == model_of(some_run)  # those of another model are not gone on with
    assert found.images == LEAST


def test_servers_of_one_run_add_up_in_turns_and_beside_one_another(draw_answers, begin, written):
    one, other = begin(), begin()
    before = ServedStatistics.load(written)
    for server in (one, other, one):
        save_twenty(server, draw_answers, written, seed=8)

    found = ServedStatistics.load(written)
    assert found.images == 4 * LEAST
    assert found.first == before.first
    alone = begin()
    alone.add(draw_answers(8, LEAST)[0], pixels(LEAST))
    np.testing.assert_allclose(found.sums, before.sums + 3 * alone.totals.sums)


def test_two_servers_do_not_write_at_once(draw_answers, begin, written):
    statistics = begin()
    statistics.add(draw_answers(9, LEAST)[0], pixels(LEAST))

    with (
        held(written.with_suffix(".lock"), "writing"),
        pytest.raises(DataError, match=r"writing statistics\.json already"),
    ):
        statistics.save(written)

    assert statistics.save(written)  # nothing is lost
    assert ServedStatistics.load(written).images == 2 * LEAST


def test_sums_of_an_older_version_are_gone_on_with_as_they_are(draw_answers, begin, written):
    record = json.loads(written.read_text())
    del record["pictures"], record["sums"]["pictures"], record["sums"]["picture_products"]
    written.write_text(json.dumps(record))
    assert ServedStatistics.load(written).layout.pictures == 0

    save_twenty(begin(), draw_answers, written)

    found = ServedStatistics.load(written)
    assert (found.images, found.layout.pictures) == (2 * LEAST, 0)
    np.testing.assert_allclose(found.part("scores").sum(), 2 * LEAST)


@pytest.mark.parametrize(
    "damage",
    [
        lambda record: record.update(statistics_version=9),
        lambda record: record.pop("images"),
        lambda record: record.update(images=-5),
        lambda record: record.update(images=10**30),
        lambda record: record.update(images=float("inf")),
        lambda record: record.update(left_out=-1),
        lambda record: record.update(directions=10**9),
        lambda record: record["sums"].update(scores=[1.0]),
        lambda record: record["sums"].update(unusual="many"),
        lambda record: record["sums"].update(unusual=[LEAST + 1]),
        lambda record: record["sums"].update(projected=[float("nan")] * 16),
        lambda record: record["sums"].update(projected=[1e300] * 16),
        lambda record: record.update(sums=[]),
        lambda record: record.update(first="yesterday"),
        lambda record: record.update(first="0001-01-01T00:00:00+23:00"),
    ],
)
def test_a_damaged_file_is_refused_and_a_server_begins_again(draw_answers, begin, written, damage):
    record = json.loads(written.read_text())
    damage(record)
    written.write_text(json.dumps(record))

    with pytest.raises(RunError, match=r"statistics\.json does not hold.*Remove it"):
        ServedStatistics.load(written)
    save_twenty(begin(), draw_answers, written)
    assert ServedStatistics.load(written).images == LEAST


@pytest.mark.parametrize("content", [b"", b"[]", b"null", b'{"images"', b"\xff", b"[" * 100_000])
def test_what_is_no_record_at_all_is_refused(written, content):
    written.write_bytes(content)

    with pytest.raises(RunError, match=r"statistics\.json"):
        ServedStatistics.load(written)


def test_scores_of_more_than_two_classes_have_a_histogram_each(gaussian_rule):
    rule = replace(gaussian_rule, classes=("a", "b", "c"), positive_class=None, ood_score=None)
    sketch = Sketch.of(rule)
    probabilities = np.array([[0.2, 0.3, 0.5], [0.98, 0.01, 0.01]])

    rows = sketch.rows(np.zeros((2, 0)), probabilities, None, describe(pixels(2)))

    scores = sketch.layout.part(rows, "scores").reshape(2, 3, CELLS)
    np.testing.assert_array_equal(scores.sum(axis=2), 1)
    odds = np.log(probabilities / (1 - probabilities))
    np.testing.assert_array_equal(scores.argmax(axis=2), np.searchsorted(EDGES, odds, side="right"))
