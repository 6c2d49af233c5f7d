import csv
import json
import shutil

import numpy as np
import pytest

import dlmath
from dlmath.errors import DataError, RunError, WeightsError
from dlmath.evaluation import evaluate
from dlmath.evaluation.evaluated_images import PHANTOM_WARNING
from dlmath.runs import Run
from tests.support import tiny_network, tiny_runs


def rows_of(path) -> list[dict[str, str]]:
    with path.open(newline="") as lines:
        return list(csv.DictReader(lines))


def test_the_test_part_of_the_run(tiny_run):
    evaluation = evaluate(tiny_run)

    assert (evaluation.task, evaluation.split) == ("tiny", "test")
    assert (evaluation.n, evaluation.patients) == (24, 12)
    assert len(evaluation.warnings) == 1
    assert "6 of NORMAL, 6 of PNEUMONIA" in evaluation.warnings[0]
    assert np.sum(evaluation.confusion) == 24
    assert 0.7 < evaluation.metrics["auc"].value < 1
    assert evaluation.metrics["auc"].low < evaluation.metrics["auc"].value


def test_it_is_kept_with_each_images_probabilities(tiny_run):
    evaluation = evaluate(tiny_run)

    assert json.loads(tiny_run.metrics_path.read_text()) == evaluation.as_json()
    rows = rows_of(tiny_run.folder / "predictions.csv")
    assert len(rows) == 24
    assert set(rows[0]) == {
        "file",
        "patient",
        "class",
        "probability_NORMAL",
        "probability_PNEUMONIA",
        "ood_score",
    }
    positive = [row for row in rows if row["class"] == "PNEUMONIA"]
    hits = sum(float(row["probability_PNEUMONIA"]) >= 0.5 for row in positive)
    assert evaluation.metrics["sensitivity"].value == hits / len(positive)
    assert rows[0]["file"].startswith("test/NORMAL/")


def test_again_gives_the_same_figures_to_the_last_bit(tiny_run):
    assert evaluate(tiny_run) == dlmath.evaluate(str(tiny_run.folder))


def test_validation_says_what_was_chosen_on_it_and_is_not_kept(tiny_run):
    evaluation = evaluate(tiny_run, split="validation")

    assert evaluation.split == "validation"
    assert "were chosen on" in evaluation.warnings[0]
    assert not tiny_run.metrics_path.exists()


def test_all_names_the_images_that_were_trained_on(tiny_run):
    evaluation = evaluate(tiny_run, split="all")

    assert evaluation.n == 56
    assert "24 images of these 56 were trained on" in evaluation.warnings[0]


def test_given_data_without_parts_are_evaluated_whole(tiny_run, tmp_path):
    evaluation = evaluate(tiny_run, tmp_path / "data" / "test")

    assert evaluation.split == "all"
    assert (evaluation.n, evaluation.patients) == (24, 12)
    assert not tiny_run.metrics_path.exists()


@pytest.mark.parametrize(
    ("label", "rate"), [("NORMAL", "specificity"), ("PNEUMONIA", "sensitivity")]
)
def test_images_of_one_class_give_what_is_defined_of_them(tiny_run, tmp_path, label, rate):
    both = evaluate(tiny_run, tmp_path / "data" / "test")
    shutil.copytree(tmp_path / "data" / "test" / label, tmp_path / "one" / label)

    one = evaluate(tiny_run, tmp_path / "one", slice_by=(), prevalence=0.1)

    row = 0 if label == "NORMAL" else 1
    assert one.n == 12
    assert np.array_equal(one.confusion[row], both.confusion[row])
    assert not np.any(one.confusion[1 - row])
    assert one.metrics[rate].value == both.metrics[rate].value
    assert one.metrics["accuracy"].value == both.metrics[rate].value
    assert one.metrics[rate].low < one.metrics[rate].high
    assert one.metrics["auc"].value is None
    other = "PNEUMONIA" if label == "NORMAL" else "NORMAL"
    assert f"There is no image of {other}." in one.warnings


def test_given_data_with_a_test_part_are_evaluated_on_it(tiny_run, tmp_path):
    own = evaluate(tiny_run)

    given = evaluate(tiny_run, [tmp_path / "data"])

    assert given.split == "test"
    assert given == own


def test_given_training_images_are_known_under_any_name(tiny_run, tmp_path):
    copies = tmp_path / "copies"
    for label in ("NORMAL", "PNEUMONIA"):
        (copies / label).mkdir(parents=True)
        for number, path in enumerate(sorted((tmp_path / "data" / "train" / label).iterdir())):
            shutil.copy(path, copies / label / f"x{number}_0{path.suffix}")

    evaluation = evaluate(tiny_run, copies)

    assert "24 images of these 32 were trained on" in evaluation.warnings[0]
    assert "chosen on 8 of these 32" in evaluation.warnings[1]


def test_names_that_no_rule_reads_leave_the_patients_unknown(tiny_run, tmp_path):
    path = next((tmp_path / "data" / "test" / "NORMAL").iterdir())
    path.rename(path.with_name(f"00017{path.suffix}"))

    evaluation = evaluate(tiny_run, tmp_path / "data" / "test")

    assert evaluation.patients is None
    assert "Whose images these are is not known" in evaluation.warnings[0]


def test_given_data_have_no_validation_part(tiny_run, tmp_path):
    with pytest.raises(DataError, match="Leave --data out"):
        evaluate(tiny_run, tmp_path / "data", split="validation")


def test_given_data_without_the_part_asked_for_are_refused(tiny_run, tmp_path):
    shutil.rmtree(tmp_path / "data" / "test")

    with pytest.raises(DataError, match="test part of .* is empty.*--split all"):
        evaluate(tiny_run, tmp_path / "data")


def test_an_unknown_split_is_refused(tiny_run):
    with pytest.raises(DataError, match="split='train'"):
        evaluate(tiny_run, split="train")


def test_an_empty_test_part_is_refused(tiny_run, tmp_path):
    rows = [row for row in tiny_run.split_path.read_text().splitlines() if ",test" not in row]
    tiny_run.split_path.write_text("\n".join(rows) + "\n")

    with pytest.raises(DataError, match="The test part of .* is empty"):
        evaluate(tiny_run)


def test_phantoms_are_stamped(tiny_run, tmp_path, monkeypatch):
    from dlmath.data import run_data

    def drawn(*args, **kwargs):
        import dataclasses

        return dataclasses.replace(read_sources(*args, **kwargs), phantom=True)

    read_sources = run_data.read_sources
    monkeypatch.setattr(run_data, "read_sources", drawn)

    assert evaluate(tiny_run).warnings[0] == PHANTOM_WARNING


def test_a_missing_image_is_named(tiny_run, tmp_path):
    (tmp_path / "data" / "test" / "NORMAL" / "nte0_0.jpeg").unlink()

    with pytest.raises(DataError, match=r"nte0_0\.jpeg"):
        evaluate(tiny_run)


def test_a_broken_image_is_named_or_left_out_as_the_recipe_says(tiny_run, tmp_path):
    broken = tmp_path / "more" / "NORMAL" / "x0_0.png"
    shutil.copytree(tmp_path / "data" / "test", tmp_path / "more")
    broken.write_bytes(b"no image")
    with pytest.raises(DataError, match=r"x0_0\.png") as error:
        evaluate(tiny_run, tmp_path / "more")
    assert "Only a run that was trained with --set on_bad_file=skip" in str(error.value)

    recipe = tiny_run.recipe.replace(on_bad_file="skip")
    tiny_run.recipe_path.write_text(recipe.to_toml())
    evaluation = evaluate(tiny_run, tmp_path / "more")

    assert evaluation.n == 24
    assert "1 file could not be read and is left out." in evaluation.warnings


def test_a_model_that_gives_nan_is_refused(tiny_run):
    model = tiny_runs.brightness_model()
    head = model.get_layer("probabilities")
    head.set_weights([np.full_like(weight, np.nan) for weight in head.get_weights()])
    model.save(tiny_run.model_path)

    with pytest.raises(RunError, match="gives NaN for 24 of 24 images"):
        evaluate(tiny_run)
    assert not tiny_run.metrics_path.exists()


def test_a_model_with_another_number_of_classes_is_refused(tiny_run):
    tiny_runs.brightness_model(classes=3).save(tiny_run.model_path)

    with pytest.raises(WeightsError, match="it has no head of 2 classes"):
        evaluate(tiny_run)


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("recipe.toml", RunError),
        ("manifest.json", RunError),
        ("split.csv", RunError),
        ("model.keras", RunError),
    ],
)
def test_a_missing_file_of_the_run_is_named(tiny_run, name, error):
    (tiny_run.folder / name).unlink()

    with pytest.raises(error, match=name.replace(".", r"\.")):
        evaluate(tiny_run)


def test_a_damaged_model_is_named(tiny_run):
    tiny_run.model_path.write_bytes(b"PK\3\4 cut off")

    with pytest.raises(WeightsError, match=r"model\.keras"):
        evaluate(tiny_run)


def test_a_run_without_a_threshold_names_the_command_that_goes_on(tiny_run):
    tiny_run.update_manifest(threshold=None)

    with pytest.raises(RunError, match="dlmath train --resume"):
        evaluate(tiny_run)


def test_an_unfinished_run_is_evaluated_with_a_warning(tiny_run):
    tiny_run.update_manifest(state="diverged")

    assert "its state is: diverged" in evaluate(tiny_run).warnings[0]


def test_three_classes(tmp_path):
    tiny_runs.write_images(tmp_path / "data")
    for part in ("train", "test"):
        shutil.copytree(tmp_path / "data" / part / "NORMAL", tmp_path / "data" / part / "OTHER")
        for path in (tmp_path / "data" / part / "OTHER").iterdir():
            path.rename(path.with_name("o" + path.name))
    run = Run(tmp_path / "run")
    recipe = tiny_runs.RECIPE.replace(classes=("NORMAL", "PNEUMONIA", "OTHER"), positive_class="")
    tiny_runs.write_run(run, tmp_path / "data", recipe)

    with tiny_network.known():
        evaluation = evaluate(run)

    assert evaluation.positive_class is None
    assert evaluation.threshold is None
    assert np.shape(evaluation.confusion) == (3, 3)
    assert evaluation.metrics["auc"].value is not None


def test_the_openings_of_the_test_part_are_counted_whatever_asks_for_it(tiny_run, tmp_path):
    evaluate(tiny_run, split="validation")
    evaluate(tiny_run)
    evaluate(tiny_run, split="all")
    evaluation = evaluate(tiny_run, tmp_path / "data" / "test")

    assert evaluation.test_openings.count == 3
    assert evaluation.test_openings.models == 1
    assert not any("opened" in warning for warning in evaluation.warnings)
    assert evaluate(tiny_run, split="validation").test_openings is None


def test_looking_again_after_a_change_is_a_warning(tiny_run):
    evaluate(tiny_run)
    tiny_run.update_manifest(threshold={"value": 0.4, "chosen_on": "validation"})

    evaluation = evaluate(tiny_run)

    assert evaluation.test_openings.models == 2
    assert "changed in sight of the test part" in evaluation.warnings[-1]


def test_the_document_holds_the_threshold_the_points_and_the_patients(tiny_run):
    evaluation = evaluate(tiny_run, prevalence=0.1)

    choice = evaluation.threshold_choice
    assert choice["rule"] == "youden"
    assert choice["preferred_here"]["used"] is False
    assert choice["preferred_here"]["value"] != evaluation.threshold.value == 0.5
    assert set(evaluation.operating_points) == {
        f"{wanted}_at_{held}_{level}"
        for wanted, held in (("sensitivity", "specificity"), ("specificity", "sensitivity"))
        for level in (90, 95)
    }
    parts = {name: metric.value for name, metric in evaluation.calibration.items()}
    assert 0 <= parts.pop("mce") <= 1
    assert evaluation.metrics["brier"].value == pytest.approx(
        sum(parts.values()) - 2 * parts["brier_resolution"]
    )
    assert evaluation.patient_level["n"] == 12
    assert set(evaluation.slices) == {"brightness"}  # all images are of one size
    at = evaluation.at_prevalence["metrics"]
    se, sp = (evaluation.metrics[name].value for name in ("sensitivity", "specificity"))
    assert at["ppv"]["value"] == pytest.approx(0.1 * se / (0.1 * se + 0.9 * (1 - sp)))
    assert at["ppv"]["value"] < evaluation.metrics["ppv"].value


def test_slices_by_a_column_of_a_csv(tiny_run, tmp_path):
    rows = [row["file"] for row in rows_of(tiny_run.split_path) if row["split"] == "test"]
    table = tmp_path / "sites.csv"
    lines = ["file,site", *(f"{file},{'ab'[number % 2]}" for number, file in enumerate(rows))]
    table.write_text("\n".join(lines) + "\n")

    evaluation = evaluate(tiny_run, slice_by=[f"{table}:site"])

    assert set(evaluation.slices["site"]["groups"]) == {"a", "b"}
    with pytest.raises(DataError, match="FILE.csv:COLUMN"):
        evaluate(tiny_run, slice_by=["site"])
    (tmp_path / "one.csv").write_text("\n".join(["file,site", *(f"{file},a" for file in rows)]))
    with pytest.raises(DataError, match="'site' of .* has fewer than two different texts"):
        evaluate(tiny_run, slice_by=[f"{tmp_path / 'one.csv'}:site"])

    recipe = tiny_run.recipe.replace(columns=("file=Datei", "class=Befund"))
    tiny_run.recipe_path.write_text(recipe.to_toml())
    table.write_text("\n".join(lines).replace("file,site", "Datei,site") + "\n")
    renamed = evaluate(tiny_run, slice_by=[f"{table}:site"])
    assert renamed.slices["site"] == evaluation.slices["site"]


@pytest.mark.parametrize("prevalence", [0, 1, 1.5])
def test_what_is_no_prevalence_is_refused_before_the_test_part_counts(tiny_run, prevalence):
    with pytest.raises(DataError, match="above 0 and below 1"):
        evaluate(tiny_run, prevalence=prevalence)

    assert evaluate(tiny_run).test_openings.count == 1
