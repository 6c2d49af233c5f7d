import base64

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import dlmath
from dlmath.errors import DataError, RunError
from dlmath.evaluation import evaluate, report_maps
from dlmath.evaluation.intervals import Sample
from dlmath.evaluation.report import write_report
from dlmath.evaluation.report_maps import EACH, certainty, most_confident
from dlmath.explain import MapPicture
from dlmath.inference.decision_rule import DecisionRule, Threshold
from dlmath.runs import read_json, write_json

PICTURE = b"\x89PNG of a map"
ADDRESS = f"data:image/png;base64,{base64.b64encode(PICTURE).decode()}"


def evaluate_with(explain, run):
    """Evaluate, with something else in the place of the heat maps."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(report_maps, "explain_examples", explain)
        return evaluate(run)


def explained(classifier, files, reporter, region=None):
    """Answer without asking the model: the first map passes, the last cannot be drawn."""
    good = MapPicture("PNEUMONIA", 0.9, PICTURE, ("deletion: <low>",), ())
    bad = good._replace(said=(), warnings=("The map fails by sanity: it is alike.",))
    return [good, *[bad] * (len(files) - 2), None]


def page(run):
    return run.report_path.read_text(encoding="utf-8")


def maps(run):
    return read_json(run.report_path.parent / "maps" / "maps.json")["maps"]


def test_rights_and_wrongs_are_shown_with_what_was_measured(tiny_run):
    evaluation = evaluate_with(explained, tiny_run)
    wrong = evaluation.confusion[0][1] + evaluation.confusion[1][0]
    kinds = [one["kind"] for one in maps(tiny_run)]
    count = len(kinds)

    assert kinds[:EACH] == ["right"] * EACH
    assert wrong == 2  # of one patient, whose more confident one could not be drawn
    assert kinds[EACH:] == []
    assert page(tiny_run).count(ADDRESS) == count
    assert page(tiny_run).count("Passed all checks of the map.") == 1
    assert "deletion: &lt;low&gt;" in page(tiny_run)
    assert page(tiny_run).count("The map fails by sanity") == count - 1


@pytest.mark.parametrize(
    ("outside", "kind", "said"),
    [
        (0.62, "warning", "62% of the map lies outside the region that the label is about."),
        (0.2, "faint", "20% of the map lies outside the region that the label is about."),
        (None, "faint", "No region is known: whether the map lies where"),
    ],
)
def test_a_map_that_passes_is_not_green_and_its_place_is_said(tiny_run, outside, kind, said):
    def explain(classifier, files, reporter, region):
        return [MapPicture("PNEUMONIA", 0.9, PICTURE, (), (), outside) for _ in files]

    evaluate_with(explain, tiny_run)

    assert f'<p class="{kind}">{said}' in page(tiny_run)
    assert '<p class="note">' not in page(tiny_run)


def test_the_region_of_the_recipe_is_what_maps_are_measured_by(tiny_run):
    asked = []

    def explain(classifier, files, reporter, region):
        asked.append(region)
        return explained(classifier, files, reporter)

    evaluate_with(explain, tiny_run)
    assert tiny_run.recipe.region is None
    assert asked == [None]
    named = tiny_run.recipe.replace(region_width=0.5, region_height=0.75)
    found = report_maps._region(named)
    assert found.shape == (named.image_size, named.image_size)
    assert found.mean() == pytest.approx(0.5 * 0.75, abs=0.02)


def test_a_report_written_again_keeps_its_maps(tiny_run):
    evaluate_with(explained, tiny_run)
    shown = page(tiny_run).count(ADDRESS)
    write_report(tiny_run)
    assert page(tiny_run).count(ADDRESS) == shown
    evaluate(tiny_run)  # gives the same predictions
    assert page(tiny_run).count(ADDRESS) == shown


def test_maps_that_are_kept_are_not_drawn_again(tiny_run):
    asked = []

    def explain(*given, **named):
        asked.append(given)
        return explained(*given, **named)

    evaluate_with(explain, tiny_run)
    shown = page(tiny_run)
    evaluate_with(explain, tiny_run)
    assert len(asked) == 1
    assert page(tiny_run).count(ADDRESS) == shown.count(ADDRESS) > 0

    (tiny_run.report_path.parent / "maps" / "1.png").unlink()
    evaluate_with(explain, tiny_run)
    assert len(asked) == 2


def test_maps_of_other_predictions_are_not_shown(tiny_run):
    evaluate_with(explained, tiny_run)
    predictions = tiny_run.folder / "predictions.csv"
    predictions.write_text(predictions.read_text().rsplit("\n", 2)[0] + "\n")
    write_report(tiny_run)

    assert "Where the evidence lies" not in page(tiny_run)


def test_a_model_without_a_feature_map_is_one_line(tiny_run):
    def explain(classifier, files, reporter, region):
        raise DataError("The model 'flat' has no feature map.")

    evaluate_with(explain, tiny_run)

    assert "No heat maps: The model &#x27;flat&#x27; has no feature map." in page(tiny_run)
    assert "data:image/png" not in page(tiny_run)


def test_no_folder_of_the_machine_is_told(tiny_run):
    evaluate_with(explained, tiny_run)

    assert str(tiny_run.folder.parent) not in page(tiny_run)
    assert "test/" not in page(tiny_run)


def test_a_damaged_map_is_one_message(tiny_run):
    evaluate_with(explained, tiny_run)
    (tiny_run.report_path.parent / "maps" / "1.png").unlink()
    with pytest.raises(RunError, match="Evaluate again"):
        write_report(tiny_run)
    write_json(tiny_run.report_path.parent / "maps" / "maps.json", ["other"])
    with pytest.raises(RunError, match="Evaluate again"):
        write_report(tiny_run)
    evaluate_with(explained, tiny_run)  # and that mends it
    assert ADDRESS in page(tiny_run)


def test_a_folder_that_cannot_be_written_keeps_the_figures(tiny_run):
    tiny_run.report_path.parent.write_text("in the way", encoding="utf-8")
    with pytest.raises(RunError, match="The model and its metrics are kept"):
        evaluate_with(explained, tiny_run)
    assert tiny_run.metrics_path.is_file()


def test_the_facade_draws_them(tiny_run):
    dlmath.evaluate(tiny_run)
    drawn = page(tiny_run)
    assert "Where the evidence lies" in drawn
    assert drawn.count("data:image/png;base64,") == len(maps(tiny_run)) > EACH
    assert all(f"{name}: " in drawn for name in ("deletion", "sanity"))
    assert "wrong: NORMAL" in drawn or "wrong: PNEUMONIA" in drawn

    tiny_run.report_path.unlink()
    dlmath.evaluate(tiny_run, explained=False)
    assert page(tiny_run).count("data:image/png;base64,") == len(maps(tiny_run))


def sample_of(truth, positive, clusters=None, threshold=0.5):
    rule = DecisionRule(
        classes=("no", "yes"),
        image_size=8,
        positive_class="yes",
        threshold=Threshold(threshold, "validation"),
    )
    positive = np.asarray(positive, float)
    clusters = np.arange(len(positive)) if clusters is None else np.asarray(clusters)
    probabilities = np.stack([1 - positive, positive], axis=1)
    return Sample(rule, np.asarray(truth), probabilities, clusters)


def test_the_classes_take_turns_the_more_confident_first():
    sample = sample_of([1, 1, 1, 0, 0], [0.9, 0.99, 0.8, 0.3, 0.1])

    assert most_confident(sample, right=True, count=3) == [1, 4, 0]
    assert most_confident(sample, right=False, count=3) == []


def test_one_image_of_a_patient():
    sample = sample_of([1, 1, 1], [0.99, 0.98, 0.7], clusters=[0, 0, 1])

    assert most_confident(sample, right=True, count=3) == [0, 2]


def test_certainty_is_the_share_of_the_way_from_the_threshold():
    sample = sample_of([1, 0, 1], [0.9, 0.4, 0.8], threshold=0.8)

    np.testing.assert_allclose(certainty(sample), [0.5, 0.5, 0], atol=1e-12)


@pytest.mark.parametrize("threshold", [0.0, 1.0])
def test_a_threshold_at_the_end_of_the_scale(threshold):
    found = certainty(sample_of([1, 0], [0.0, 1.0], threshold=threshold))

    assert ((found >= 0) & (found <= 1)).all()


def test_of_several_classes_it_is_the_largest_probability():
    rule = DecisionRule(("a", "b", "c"), 8, None, None)
    probabilities = np.array([[0.2, 0.5, 0.3], [0.8, 0.1, 0.1]])
    sample = Sample(rule, np.array([1, 1]), probabilities, np.arange(2))

    np.testing.assert_array_equal(certainty(sample), [0.5, 0.8])
    assert most_confident(sample, right=True, count=3) == [0]
    assert most_confident(sample, right=False, count=3) == [1]


@given(
    rows=st.lists(st.tuples(st.integers(0, 1), st.floats(0, 1), st.integers(0, 4)), min_size=1),
    count=st.integers(1, 4),
    right=st.booleans(),
)
def test_what_is_chosen_is_as_asked_for(rows, count, right):
    truth, positive, clusters = zip(*rows, strict=True)
    sample = sample_of(truth, positive, clusters)
    found = most_confident(sample, right, count)

    assert len(found) <= count
    assert len({clusters[row] for row in found}) == len(found)
    assert all((sample.decision[row] == truth[row]) == right for row in found)
