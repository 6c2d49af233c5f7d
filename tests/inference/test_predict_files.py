import numpy as np
import pytest

import dlmath
from dlmath.data.image_search import find_images
from dlmath.errors import DataError, RunError, UserError
from dlmath.inference import predict, predict_files
from dlmath.inference.outcome import Prediction, csv_fields, csv_row
from dlmath.inference.runtimes import choose_runtime
from tests.support import tiny_runs


@pytest.fixture
def images(tmp_path):
    """A folder of a dark image, a bright one, and one that stands at the threshold or above."""
    folder = tmp_path / "images"
    folder.mkdir()
    for name, level in (("a_dark.png", 60), ("b_bright.JPG", 200)):
        tiny_runs.draw(level, np.random.default_rng(0)).save(folder / name)
    return folder


def test_each_file_gets_its_answer(tiny_run, images):
    dark, bright = predict(tiny_run, [images / "a_dark.png", images / "b_bright.JPG"])

    assert (dark.decision, dark.positive) == ("NORMAL", False)
    assert (bright.decision, bright.positive) == ("PNEUMONIA", True)
    assert bright.probabilities["PNEUMONIA"] == pytest.approx(1 / (1 + np.exp(-4)), abs=0.01)
    assert sum(bright.probabilities.values()) == pytest.approx(1, abs=1e-6)
    assert bright.as_json() == {
        "file": str(images / "b_bright.JPG"),
        "class": "PNEUMONIA",
        "probabilities": bright.probabilities,
        "positive": True,
        "ood_score": None,  # as of a run from before there was one
        "out_of_distribution": None,
        "abstains": None,
        "doubts": [],
        "distance": None,
        "unusual": None,
    }


def test_the_stored_threshold_decides(tiny_run, images):
    tiny_run.update_manifest(threshold={"value": 0.999, "chosen_on": "validation"})

    (bright,) = predict(tiny_run, images / "b_bright.JPG")

    assert bright.probabilities["PNEUMONIA"] > 0.9
    assert (bright.decision, bright.positive) == ("NORMAL", False)


def test_a_folder_is_searched_to_its_depths_in_order_of_names(tiny_run, images):
    (images / "deep").mkdir()
    (images / "a_dark.png").rename(images / "deep" / "dark.png")
    (images / "notes.txt").write_text("no image")
    (images / "._b_bright.JPG").write_bytes(b"left by macOS")

    predictions = dlmath.predict(tiny_run, images)

    names = [prediction.file for prediction in predictions]
    assert names == [str(images / "b_bright.JPG"), str(images / "deep" / "dark.png")]


def test_the_bad_ones_are_reported_and_passed_over(tiny_run, images):
    whole = (images / "b_bright.JPG").read_bytes()
    (images / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    (images / "text.jpg").write_text("I am a text")
    paths = [images / name for name in ("missing.png", "cut.jpg", "text.jpg", "b_bright.JPG")]

    missing, cut, text, bright = predict(tiny_run, paths)

    assert bright.error is None
    words = ("No such file", "broken off", "no image of a format that is read")
    for prediction, word in zip((missing, cut, text), words, strict=True):
        assert prediction.decision is None
        assert word in prediction.error
        assert prediction.as_json() == {"file": prediction.file, "error": prediction.error}


def test_only_bad_files_are_no_error_of_the_call(tiny_run, tmp_path):
    predictions = predict(tiny_run, [tmp_path / "missing.png"])

    assert [bool(prediction.error) for prediction in predictions] == [True]


def test_batches_do_not_show(tiny_run, images, monkeypatch):
    paths = [images / "a_dark.png", images / "none.png", images / "b_bright.JPG"] * 3
    whole = predict(tiny_run, paths)

    monkeypatch.setattr(predict_files, "BATCH_SIZE", 2)
    heard = []

    class Listener(dlmath.reporting.Reporter):
        def progress(self, task, done, total, note=""):
            heard.append((done, total))

    assert predict(tiny_run, paths, reporter=Listener()) == whole
    assert heard == [(2, 9), (4, 9), (6, 9), (8, 9), (9, 9)]


def test_they_agree_with_the_evaluation(tiny_run, tmp_path):
    evaluation = dlmath.evaluate(tiny_run)

    predictions = predict(tiny_run, [tmp_path / "data" / "test"])

    decided = [prediction.decision for prediction in predictions]
    truth = [prediction.file.split("/")[-2] for prediction in predictions]
    pairs = list(zip(truth, decided, strict=True))
    names = evaluation.classes
    assert evaluation.confusion == tuple(tuple(pairs.count((t, d)) for d in names) for t in names)


def test_three_classes_have_no_positive_one(tiny_run, images):
    recipe = tiny_run.recipe.replace(classes=("NORMAL", "PNEUMONIA", "OTHER"), positive_class="")
    tiny_run.recipe_path.write_text(recipe.to_toml())
    tiny_run.update_manifest(classes=list(recipe.classes), positive_class=None)
    tiny_runs.brightness_model(classes=3).save(tiny_run.model_path)

    predictions = predict(tiny_run, images)

    assert [prediction.positive for prediction in predictions] == [None, None]
    assert predictions[1].decision == "PNEUMONIA"


def test_a_model_that_gives_nan_is_refused(tiny_run, images):
    model = tiny_runs.brightness_model()
    head = model.get_layer("probabilities")
    head.set_weights([np.full_like(weight, np.nan) for weight in head.get_weights()])
    model.save(tiny_run.model_path)

    with pytest.raises(RunError, match=r"gives NaN for .*Train again"):
        predict(tiny_run, images)


@pytest.mark.parametrize("files", [[], "empty"])
def test_nothing_to_predict_is_refused(tiny_run, tmp_path, files):
    (tmp_path / "empty").mkdir()

    with pytest.raises(DataError, match="Name an image file"):
        predict(tiny_run, tmp_path / "empty" if files else [])


def test_an_unknown_run_names_the_command_that_makes_one(tmp_path):
    with pytest.raises(RunError, match="dlmath train"):
        predict(tmp_path / "nowhere", [tmp_path / "a.png"])


def test_documents_hold_two_fields_by_their_earlier_names_too():
    one = Prediction("a.png", "no", {"no": 1.0}, ood_score=2.5, out_of_distribution=True)

    for document, outside in ((one.as_json(), True), (csv_row(one), "true")):
        assert document["ood_score"] == document["distance"] == 2.5
        assert document["out_of_distribution"] == document["unusual"] == outside


def test_rows_of_a_csv_fit_its_header(tiny_run, images):
    good, bad = predict(tiny_run, [images / "b_bright.JPG", images / "missing.png"])
    fields = csv_fields(("NORMAL", "PNEUMONIA"))

    assert fields == [
        "file",
        "class",
        "positive",
        "probability_NORMAL",
        "probability_PNEUMONIA",
        "ood_score",
        "out_of_distribution",
        "abstains",
        "distance",
        "unusual",
        "error",
        "doubts",
    ]
    assert set(csv_row(good)) == set(fields)
    assert csv_row(good)["positive"] == "true"
    assert set(csv_row(bad)) <= set(fields)
    assert csv_row(bad)["class"] is None


def test_both_runtimes_give_the_same_document(light_run, images):
    light, keras = (predict(light_run, images, runtime=name) for name in ("light", "keras"))

    for ours, theirs in zip(light, keras, strict=True):
        assert ours.probabilities == pytest.approx(theirs.probabilities, abs=1e-4)
        document = {**theirs.as_json(), "probabilities": ours.probabilities}
        assert ours.as_json() == document


def test_auto_takes_the_light_form_where_there_is_one(light_run, images):
    assert choose_runtime(light_run, "auto") == "light"
    light_run.update_manifest(light=None)
    assert choose_runtime(light_run, "auto") == "keras"
    with pytest.raises(RunError, match="--runtime keras"):
        predict(light_run, images, runtime="light")


def test_an_unknown_runtime_is_refused(tiny_run, images):
    with pytest.raises(UserError, match=r"auto, light, keras\. Did you mean 'light'\?.*'lite'"):
        predict(tiny_run, images, runtime="lite")


def test_the_least_confidence_marks_what_is_unsure(light_run, images):
    light_run.update_manifest(abstention={"rule": "coverage", "confidence": 3.5})

    for runtime in ("light", "keras"):
        dark, bright = predict(light_run, images, runtime=runtime)
        # Log-odds of about -3 and 4 from a threshold of 0.5.
        assert (dark.abstains, bright.abstains) == (True, False)
        assert dark.out_of_distribution is None


def test_a_prevalence_moves_the_probability_and_no_decision(light_run, images):
    plain, moved = (predict(light_run, images, prevalence=share) for share in (None, 0.01))

    for before, after in zip(plain, moved, strict=True):
        own = before.probabilities["PNEUMONIA"]
        assert before.probability_at_prevalence is None
        assert after.probability_at_prevalence == pytest.approx(own / (own + 99 * (1 - own)))
        document = {
            **before.as_json(),
            "probability_at_prevalence": after.probability_at_prevalence,
        }
        assert after.as_json() == document
    assert set(csv_row(moved[0])) == set(csv_fields(("NORMAL", "PNEUMONIA"), shifted=True))


def test_what_is_no_prevalence_is_refused(light_run, images):
    with pytest.raises(DataError, match="above 0 and below 1"):
        predict(light_run, images, prevalence=5)


def test_a_pattern_stands_for_what_fits_it(tmp_path, write_images):
    write_images(tmp_path, ["b.png", "a.png", "c.jpeg", "deep/er/d.png", "[1].png"])

    assert [path.name for path in find_images(str(tmp_path / "?.png"))] == ["a.png", "b.png"]
    assert [path.name for path in find_images(str(tmp_path / "**" / "d.png"))] == ["d.png"]
    assert [path.name for path in find_images(tmp_path / "[1].png")] == ["[1].png"]


def test_a_pattern_that_fits_nothing_is_refused(tmp_path):
    with pytest.raises(DataError, match="No file fits the pattern"):
        find_images(str(tmp_path / "*.png"))
