import json

import pytest
from typer.testing import CliRunner

import dlmath
from dlmath.attribution import how_many
from dlmath.cli.main import app
from dlmath.errors import RunError


@pytest.fixture(scope="module")
def run(draw_squares, squares_recipe, tmp_path_factory):
    root = draw_squares(
        tmp_path_factory.mktemp("images"),
        {"dark": 122, "bright": 138},
        patients=120,
        images=1,
        spread=14,
    )
    recipe = squares_recipe.replace(validation_fraction=0.3)
    return dlmath.train(recipe, root, out=tmp_path_factory.mktemp("runs") / "run")


def test_the_curve_ends_with_all_training_patients(run):
    curve = how_many(run)
    sizes = [point.count for point in curve.points]
    train = {row.split(",")[3] for row in run.split_path.read_text().splitlines() if "train" in row}
    assert sizes == sorted(sizes)
    assert sizes[-1] == len(train)
    assert curve.points[-1].auc == pytest.approx(run.manifest["best"]["val_auc"], abs=1e-6)
    assert curve.held_back


def test_the_command_names_the_number_or_says_why_there_is_none(run):
    runner = CliRunner()
    done = runner.invoke(app, ["data", "howmany", str(run.folder), "--auc", "0.9", "--json"])
    assert done.exit_code == 0, done.output
    document = json.loads(done.stdout)
    assert document["needed"]["target"] == 0.9
    assert document["points"][0]["count"] < document["points"][-1]["count"]
    done = runner.invoke(app, ["data", "howmany", str(run.folder), "--auc", "0.9"])
    assert document["needed"]["message"] in done.stdout


def test_an_impossible_target_is_refused_before_any_work(run):
    done = CliRunner().invoke(app, ["data", "howmany", str(run.folder), "--auc", "1"])
    assert "between 0.5 and 1" in str(done.exception)


def test_a_head_trained_by_steps_has_no_curve(run, tmp_path):
    other = dlmath.train(
        run.recipe.replace(head_solver="sgd", l2=0.0, epochs=1), run.sources, out=tmp_path / "sgd"
    )
    with pytest.raises(RunError, match="A learning curve needs a head that was solved"):
        how_many(other)
