import csv

import pytest

from dlmath.errors import RunError
from dlmath.evaluation.report_figures import read_predictions
from dlmath.inference.columns import probability_columns


def write(run, patients):
    recipe = run.recipe
    columns = probability_columns(recipe.classes)
    with (run.folder / "predictions.csv").open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["file", "patient", "class", *columns])
        for number, patient in enumerate(patients):
            rows.writerow([f"{number}.png", patient, recipe.positive_class, 0.25, 0.75])


@pytest.mark.parametrize(
    ("patients", "clusters"),
    [(["b", "a", "b"], [1, 0, 1]), (["", "", ""], [0, 1, 2]), (["b", "", "b"], [0, 1, 2])],
)
def test_bands_count_the_patients_that_the_intervals_of_the_metrics_count(
    tiny_run, patients, clusters
):
    write(tiny_run, patients)
    assert read_predictions(tiny_run).patients.tolist() == clusters


def test_a_damaged_file_is_one_message(tiny_run):
    (tiny_run.folder / "predictions.csv").write_text("file\n1.png\n", encoding="utf-8")
    with pytest.raises(RunError, match="Evaluate again"):
        read_predictions(tiny_run)
