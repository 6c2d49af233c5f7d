import csv
import json
import shutil

import numpy as np
import pytest

from dlmath.errors import RunError
from dlmath.evaluation import METRICS, compare_runs, evaluate
from dlmath.runs import Run


@pytest.fixture
def pair(tiny_run):
    """The evaluated run and a copy of another threshold and sharper probabilities."""
    evaluate(tiny_run)
    other = Run(tiny_run.folder.with_name("other"))
    shutil.copytree(tiny_run.folder, other.folder)
    other.update_manifest(threshold={"value": 0.3, "chosen_on": "validation"})
    change(other, lambda row, rng: tilt(row, rng))
    return tiny_run, other


def tilt(row, rng):
    p = float(row["probability_PNEUMONIA"])
    p = 1 / (1 + np.exp(-(np.log(p / (1 - p)) + rng.normal())))
    return {**row, "probability_PNEUMONIA": p, "probability_NORMAL": 1 - p}


def change(run, changed, columns=None):
    """Rewrite the run's predictions, each row by `changed`; None leaves a row out."""
    path = run.folder / "predictions.csv"
    with path.open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    rng = np.random.default_rng(0)
    rows = [new for row in rows if (new := changed(row, rng)) is not None]
    with path.open("w", newline="") as out:
        writer = csv.DictWriter(out, columns or list(rows[0]), extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)


def test_each_metric_is_that_of_the_run_and_the_difference_theirs(pair):
    first = json.loads(pair[0].metrics_path.read_text())

    found = compare_runs(*pair)

    assert (found.n, found.patients) == (24, 12)
    assert found.runs == ("tiny", "other")
    assert tuple(found.metrics) == tuple(METRICS)
    for name, row in found.metrics.items():
        assert row.first == pytest.approx(first["metrics"][name]["value"], abs=1e-12), name
        assert row.difference.value == pytest.approx(row.first - row.second, abs=1e-12), name
        assert (row.difference.low is None) == (name == "ece")
    assert found.delong.value == pytest.approx(found.metrics["auc"].difference.value, abs=1e-12)
    right = found.mcnemar
    surplus = (right.only_first - right.only_second) / 24
    assert surplus == pytest.approx(found.metrics["accuracy"].difference.value)
    assert "a choice made on the test part" in found.warnings[0]


def test_the_order_turns_the_signs(pair):
    one, other = compare_runs(*pair), compare_runs(*reversed(pair))

    for name in METRICS:
        assert other.metrics[name].difference.value == -one.metrics[name].difference.value
    assert other.delong.value == pytest.approx(-one.delong.value)
    assert other.mcnemar.p_by_patient == one.mcnemar.p_by_patient


def test_a_run_does_not_differ_from_itself(tiny_run):
    evaluate(tiny_run)

    found = compare_runs(tiny_run, tiny_run)

    assert all(row.difference.value == 0 for row in found.metrics.values())
    # Two models that agree here may differ elsewhere: an interval of no width would say never.
    assert all(row.difference.low != 0 for row in found.metrics.values())
    assert found.mcnemar == (0, 0, 1, 1)
    assert found.delong == (0, 0, 0, 0, 1)


def test_images_of_one_run_alone_are_named(pair):
    change(pair[1], lambda row, rng: None if "nte0_0" in row["file"] else row)

    with pytest.raises(RunError, match=r"1 image only of tiny: test/NORMAL/nte0_0\.jpeg"):
        compare_runs(*pair)


def test_other_labels_are_named(pair):
    def relabel(row, rng):
        return {**row, "class": "PNEUMONIA"} if "nte0_0" in row["file"] else row

    change(pair[1], relabel)

    with pytest.raises(RunError, match=r"the class differs of 1 image: test/NORMAL/nte0_0"):
        compare_runs(*pair)


def test_other_bytes_under_the_same_names_are_named(pair):
    path = pair[1].split_path
    rows = path.read_text().splitlines()
    place = next(number for number, row in enumerate(rows) if "nte0_0" in row)
    sha256 = next(cell for cell in rows[place].split(",") if len(cell) == 64)
    rows[place] = rows[place].replace(sha256, "0" * 64)
    path.write_text("\n".join(rows) + "\n")

    with pytest.raises(RunError, match=r"the content differs of 1 image: .*nte0_0"):
        compare_runs(*pair)


def test_other_classes_are_refused(pair):
    recipe = pair[1].recipe.replace(positive_class="NORMAL")
    pair[1].recipe_path.write_text(recipe.to_toml())
    pair[1].update_manifest(positive_class="NORMAL")

    with pytest.raises(RunError, match="other has NORMAL, PNEUMONIA, positive NORMAL"):
        compare_runs(*pair)


def test_a_run_that_was_not_evaluated_names_the_command(pair):
    (pair[1].folder / "predictions.csv").unlink()

    with pytest.raises(RunError, match=r"predictions\.csv is missing\. Run: dlmath evaluate"):
        compare_runs(*pair)


def test_a_table_without_a_column_is_damaged(pair):
    change(pair[1], lambda row, rng: row, ["file", "class", "probability_NORMAL"])

    with pytest.raises(RunError, match="is damaged: it must have the columns"):
        compare_runs(*pair)


def test_a_probability_that_is_no_number_is_damaged(pair):
    change(pair[1], lambda row, rng: {**row, "probability_NORMAL": "x"})

    with pytest.raises(RunError, match=r"predictions\.csv is damaged: could not convert"):
        compare_runs(*pair)
