import json

import pytest

from dlmath import models
from dlmath.errors import RecipeError
from dlmath.training import plan


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
    assert amounts["predict the validation part after each epoch"] == 3 * validation
    assert all(stage.seconds > 0 for stage in made.stages)
    assert made.seconds == sum(stage.seconds for stage in made.stages)
    assert made.memory["pixels"] == 3 * 8 * 8 * (train + validation)
    assert list(tmp_path.iterdir()) == []  # no run is made


def test_a_head_is_planned_by_what_the_cache_lacks(images, squares_recipe):
    # A seed of its own: other tests may have left features of the same images in the cache.
    settings = {"tune": "head", "augmented_views": 1, "flip_horizontal": True, "seed": 4321}
    first = plan(squares_recipe, images, **settings)
    again = plan(squares_recipe, images, **settings)
    train, validation = (
        sum(first.summary.split[part].images.values()) for part in ("train", "validation")
    )
    missing = [made.stages[1].amount for made in (first, again)]
    assert missing[0] == 2 * train + validation
    assert missing[1] < missing[0]  # what was measured on is kept
    assert first.stages[2].amount == 2 * train
    head = models.build(first.recipe).get_layer("logits")
    assert first.memory["features"] == 4 * head.input.shape[-1] * (2 * train + validation)


def test_the_document_is_json(images, squares_recipe):
    document = json.loads(json.dumps(plan(squares_recipe, images, tune="all", epochs=1).as_json()))
    assert document["recipe"]["epochs"] == 1
    assert document["data"]["split"]["train"]["images"]["dark"] > 0


def test_what_train_refuses_the_plan_refuses(images, squares_recipe):
    with pytest.raises(RecipeError, match="Which class is the positive one"):
        plan(squares_recipe, images, positive_class="")
