"""Models that read the region, or the border, are told apart by what they score without it."""

import json
from importlib.resources import files
from types import SimpleNamespace

import jsonschema
import numpy as np
import pytest
from typer.testing import CliRunner

import dlmath
from dlmath.cli.evaluation_tables import region_table
from dlmath.cli.main import app
from dlmath.errors import DataError
from dlmath.evaluation.details import Evaluated
from dlmath.evaluation.intervals import Sample
from dlmath.evaluation.region_reliance import measure_region_reliance
from dlmath.evaluation.report_reliance import reliance_sections
from dlmath.inference.decision_rule import DecisionRule, Threshold
from dlmath.recipe import Recipe
from dlmath.runs import Run, read_json

SIZE, COUNT = 32, 60
RECIPE = Recipe(
    name="x", classes=("a", "b"), positive_class="b", region_width=0.6, region_height=0.6
)
RULE = DecisionRule(RECIPE.classes, SIZE, "b", Threshold(0.5, "validation"))
PARTS = ("as_they_are", "region_masked", "border_masked", "borders_swapped")


def both_places_show_it(seed=0):
    """Images of two classes, whose region and whose border each show the class."""
    rng = np.random.default_rng(seed)
    truth = np.arange(COUNT) % 2
    images = rng.normal(100, 5, (COUNT, SIZE, SIZE, 3))
    images += 60 * truth[:, np.newaxis, np.newaxis, np.newaxis]
    return images.clip(0, 255).astype(np.uint8), truth


def middle(images):
    return images[:, 12:20, 12:20].mean(axis=(1, 2, 3))


def corner(images):
    return images[:, :3, :3].mean(axis=(1, 2, 3))


def reader(place, sign=1.0):
    """A model whose probability grows with the brightness of one place."""

    def predict(images):
        probability = 1 / (1 + np.exp(-sign * (place(images.astype(float)) - 130) / 30))
        return np.column_stack([1 - probability, probability])

    return predict


def reliance(predict, images, truth):
    sample = Sample(RULE, truth, predict(images), np.arange(len(truth)) // 2)
    evaluated = Evaluated(sample, SimpleNamespace(array=images), seed=0)
    return measure_region_reliance(evaluated, RECIPE, predict)


def aucs(predict):
    found = reliance(predict, *both_places_show_it())
    return [found[name]["value"] for name in PARTS]


def test_a_model_that_reads_the_region_keeps_its_auc_without_the_border():
    assert aucs(reader(middle)) == pytest.approx([1, 1, 1, 1], abs=1e-9)


def test_a_model_that_reads_the_border_is_wrong_once_borders_are_swapped():
    """What is masked is filled with what is left: here either shows the class by itself."""
    assert aucs(reader(corner)) == pytest.approx([1, 1, 1, 0], abs=1e-9)


@pytest.mark.parametrize(
    ("place", "expected"),
    [(middle, [1, None, 1, 1]), (corner, [None, None, 1, None])],
)
def test_where_only_the_region_shows_the_class_nothing_is_left_without_it(place, expected):
    images, truth = both_places_show_it()
    shown = np.random.default_rng(1).normal(130, 20, images.shape).clip(0, 255).astype(np.uint8)
    shown[:, 6:26, 6:26] = images[:, 6:26, 6:26]  # the region, and no more

    found = reliance(reader(place), shown, truth)

    for name, value in zip(PARTS, expected, strict=True):
        interval = found[name]
        if value is None:  # by chance
            assert interval["low"] - 0.05 < 0.5 < interval["high"] + 0.05, name
        else:
            assert interval["value"] == pytest.approx(value, abs=0.01), name


def test_images_of_one_class_have_none():
    images, truth = both_places_show_it()

    assert reliance(reader(middle), images[truth == 0], truth[truth == 0]) is None


@pytest.fixture
def region_run(tiny_run):
    """The tiny run, of a recipe that names a region."""
    path = tiny_run.recipe_path
    text = path.read_text().replace("region_width = 1.0", "region_width = 0.5")
    path.write_text(text.replace("region_height = 1.0", "region_height = 0.5"))
    return Run(tiny_run.folder)


def test_evaluation_report_and_document_hold_it_when_asked_for(region_run):
    plain = dlmath.evaluate(region_run)
    evaluation = dlmath.evaluate(region_run, region=True)

    found = evaluation.region_reliance
    assert plain.region_reliance is None
    assert evaluation.metrics == plain.metrics
    assert (found["region"], found["n"]) == ([0.5, 0.5], evaluation.n)
    assert found["as_they_are"]["value"] == evaluation.metrics["auc"].value
    assert found["as_they_are"]["low"] == evaluation.metrics["auc"].low
    document = json.loads(json.dumps(evaluation.as_json()))
    schema = files("dlmath.evaluation").joinpath("evaluation.schema.json").read_text()
    jsonschema.Draft202012Validator(json.loads(schema)).validate(document)
    section = "".join(reliance_sections(read_json(region_run.metrics_path)))
    assert "Whether it looks at the region" in section
    assert f"{found['borders_swapped']['value']:.3f}" in section
    assert [row[0].plain for row in region_table(found).rows] == [
        "as they are",
        "the region masked, the border left",
        "the border masked, the region left",
        "each region in the border of another class",
    ]
    assert evaluation.test_openings.count == 2  # the test part is opened once for all of it


def test_a_recipe_without_a_region_is_refused_before_the_test_part_is_opened(tiny_run):
    with pytest.raises(DataError, match=r"names no region.*region_width=1\.0"):
        dlmath.evaluate(tiny_run, region=True)

    assert dlmath.evaluate(tiny_run).test_openings.count == 1


def test_the_command_measures_it(region_run):
    done = CliRunner().invoke(app, ["evaluate", str(region_run.folder), "--region", "--json"])

    assert done.exit_code == 0
    assert set(json.loads(done.stdout)["region_reliance"]) == {"region", "n", *PARTS}
