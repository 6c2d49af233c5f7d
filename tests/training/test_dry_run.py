import itertools
import json

import pytest

from dlmath import models
from dlmath.errors import RecipeError
from dlmath.training import plan, time_estimates
from dlmath.training.time_estimates import StageEstimate, solving_seconds


@pytest.fixture(scope="module")
def images(draw_squares, tmp_path_factory):
    return draw_squares(tmp_path_factory.mktemp("squares"), {"dark": 110, "bright": 150})


def test_training_by_steps_is_counted_and_timed(images, squares_recipe, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    made = plan(squares_recipe, images, tune="all", batch_size=4, epochs=3)
    amounts = {stage.name: stage.amount for stage in made.stages}
    train, validation = (
        sum(made.summary.split[part].images.values()) for part in ("train", "validation")
    )
    assert amounts["train"] == 3 * (train // 4)
    assert amounts["read and resize"] == train + validation
    # Each epoch predicts the images as they are, and corrupted.
    assert amounts["predict the validation part"] == (2 * 3 + 2) * validation
    assert all(stage.seconds > 0 for stage in made.stages)
    assert made.seconds == sum(stage.seconds for stage in made.stages)
    assert made.memory["pixels"] == 3 * 8 * 8 * (train + validation)
    assert list(tmp_path.iterdir()) == []  # no run is made


def test_composites_of_a_named_region_are_counted_too(images, squares_recipe):
    region = {"region_width": 0.5, "region_height": 0.5}
    made = plan(squares_recipe, images, tune="all", batch_size=4, epochs=3, **region)
    amounts = {stage.name: stage.amount for stage in made.stages}

    validation = sum(made.summary.split["validation"].images.values())
    assert amounts["predict the validation part"] == (3 * 3 + 2) * validation


def test_a_head_is_planned_by_what_the_cache_lacks(images, squares_recipe):
    # A seed of its own: other tests may have left features of the same images in the cache.
    settings = {"tune": "head", "augmented_views": 1, "flip_horizontal": True, "seed": 4321}
    first = plan(squares_recipe, images, **settings)
    again = plan(squares_recipe, images, **settings)
    train, validation = (
        sum(first.summary.split[part].images.values()) for part in ("train", "validation")
    )
    name = "compute features that the cache does not have"
    first_amounts, amounts = (
        {stage.name: stage.amount for stage in made.stages} for made in (first, again)
    )
    kept = {stage.name: stage.amount for stage in first.kept}
    # Validation images are there as they are, and corrupted.
    assert first_amounts[name] + kept["features"] == 2 * train + 2 * validation
    assert amounts[name] <= first_amounts[name]  # what was measured on is kept
    assert first_amounts["solve for the head"] == 2 * train
    head = models.build(first.recipe).get_layer("logits")
    assert first.memory["features"] == 4 * head.input.shape[-1] * (2 * train + 2 * validation)


def test_a_tail_is_planned_by_what_the_cache_lacks(images, squares_recipe):
    settings = {
        "tune": "tail",
        "augmented_views": 2,
        "flip_horizontal": True,
        "seed": 4322,  # of its own, as above
        "batch_size": 4,
        "epochs": 3,
    }
    first = plan(squares_recipe, images, **settings)
    again = plan(squares_recipe, images, **settings)
    train, validation = (
        sum(first.summary.split[part].images.values()) for part in ("train", "validation")
    )
    name = "compute activations that the cache does not have"
    first_amounts, amounts = (
        {stage.name: stage.amount for stage in made.stages} for made in (first, again)
    )
    kept = {stage.name: stage.amount for stage in first.kept}
    corrupted = validation
    assert first_amounts[name] + kept["activations"] == 2 * train + validation + corrupted
    assert amounts[name] <= first_amounts[name]
    assert first_amounts["train"] == 3 * (train // 4)
    assert first_amounts["read and resize"] == validation
    assert first_amounts["predict the validation part"] == (3 + 2) * validation + 3 * corrupted
    row = 32 + 2 * 64  # the key, and an image of one pixel and 64 channels as float16
    assert first.memory["activations_on_disk"] == row * (2 * train + validation)
    assert all(stage.seconds > 0 for stage in first.stages if stage.amount)


@pytest.mark.parametrize(
    ("rows", "chooses", "seconds"),
    [
        (500, False, 1.0),  # one fit, as long as half the rows
        (500, True, 6.0),  # fewer rows than features
        (4000, True, 72.0),
    ],
)
def test_a_solve_is_as_many_fits_as_choosing_the_penalty_takes(rows, chooses, seconds):
    found = solving_seconds(0.5, min(rows, 250), rows, 1280, chooses=chooses)
    assert found == pytest.approx(seconds)


def test_parts_are_scaled_from_the_sample_to_all_images(images, squares_recipe, monkeypatch):
    """Every reading of the clock is one second after the last, so each measured part takes one."""
    ticks = itertools.count()
    monkeypatch.setattr(time_estimates.time, "perf_counter", lambda: float(next(ticks)))
    made = plan(squares_recipe, images, tune="all", batch_size=4, epochs=3)
    seconds = {stage.name: stage.seconds for stage in made.stages}
    train, validation = (
        sum(made.summary.split[part].images.values()) for part in ("train", "validation")
    )
    sample = min(train, 6 * 4)
    assert seconds["read and resize"] == pytest.approx((train + validation) / sample)
    assert seconds["train"] == pytest.approx(3 * (train // 4))
    assert seconds["predict the validation part"] == pytest.approx(2 * 3 + 2)
    assert seconds["measure the light of validation images"] == pytest.approx(1)
    assert seconds["compute features that tell strange images"] == pytest.approx(
        (train + validation) / validation
    )
    assert made.seconds == pytest.approx(sum(seconds.values()))


def test_a_plan_has_what_comes_before_it_in_its_time(images, squares_recipe):
    made = plan(squares_recipe, images, tune="all", epochs=1)
    after = made.after([StageEstimate("load TensorFlow", 1, "library", 7.0)])
    assert after.seconds == pytest.approx(7 + made.seconds)
    assert after.stages[1:] == made.stages


def test_the_document_is_json(images, squares_recipe):
    document = json.loads(json.dumps(plan(squares_recipe, images, tune="all", epochs=1).as_json()))
    assert document["recipe"]["epochs"] == 1
    assert document["data"]["split"]["train"]["images"]["dark"] > 0


def test_what_train_refuses_the_plan_refuses(images, squares_recipe):
    with pytest.raises(RecipeError, match="Which class is the positive one"):
        plan(squares_recipe, images, positive_class="")
