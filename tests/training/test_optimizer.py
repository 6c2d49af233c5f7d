import keras
import numpy as np
import pytest
import tensorflow as tf

from dlmath.recipe import Recipe
from dlmath.training.optimizer import compile_for_training, learning_rate_schedule, make_optimizer


def recipe(**changes):
    return Recipe(name="test", classes=("a", "b"), positive_class="b", **changes)


def rates(steps_per_epoch=10, **changes):
    schedule = learning_rate_schedule(recipe(**changes), steps_per_epoch)
    return np.array([float(schedule(step)) for step in range(changes["epochs"] * steps_per_epoch)])


def test_the_learning_rate_warms_up_then_falls_along_half_a_cosine():
    got = rates(epochs=5, learning_rate=0.1, warmup_epochs=1.0)
    step = np.arange(50)
    expected = np.where(step < 10, 0.1 * step / 10, 0.05 * (1 + np.cos(np.pi * (step - 10) / 40)))
    np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-9)


def test_a_constant_rate_stays():
    got = rates(epochs=3, learning_rate=0.1, schedule="constant", warmup_epochs=0.5)
    np.testing.assert_allclose(got[5:], 0.1, rtol=1e-6)
    assert got[0] == 0


def test_a_warm_up_longer_than_the_training_is_cut():
    got = rates(epochs=1, learning_rate=0.1, warmup_epochs=7.0)
    assert np.all(np.diff(got) > 0)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("adam", keras.optimizers.Adam),
        ("adamw", keras.optimizers.AdamW),
        ("sgd", keras.optimizers.SGD),
    ],
)
def test_the_optimizer_is_the_recipes(name, kind):
    assert type(make_optimizer(recipe(optimizer=name), 10)) is kind
    scaled = make_optimizer(recipe(optimizer=name, precision="float16"), 10)
    assert isinstance(scaled, keras.optimizers.LossScaleOptimizer)


def test_weight_decay_spares_biases():
    model = tiny_model()
    optimizer = make_optimizer(recipe(optimizer="adamw", weight_decay=0.5, learning_rate=0.1), 10)
    optimizer.build(model.trainable_variables)
    before = {v.name: np.array(v) + 1 for v in model.trainable_variables}
    for variable in model.trainable_variables:
        variable.assign(before[variable.name])
    optimizer.apply_gradients(
        [(tf.zeros(variable.shape), variable) for variable in model.trainable_variables]
    )
    after = {v.name: np.array(v) for v in model.trainable_variables}
    np.testing.assert_array_equal(after["bias"], before["bias"])
    assert np.all(np.abs(after["kernel"]) < np.abs(before["kernel"]))


def tiny_model():
    images = keras.Input((3,), name="images")
    logits = keras.layers.Dense(2, name="logits")(images)
    return keras.Model(images, keras.layers.Softmax(name="probabilities")(logits))


def test_the_loss_is_the_weighted_mean_of_cross_entropies_even_where_probabilities_round_to_zero():
    model = tiny_model()
    training_model = compile_for_training(model, recipe(), 10)
    kernel = np.array([[1e4, -1e4], [0, 0], [0, 0]], "float32")
    model.get_layer("logits").set_weights([kernel, np.zeros(2, "float32")])
    images = np.array([[1, 0, 0], [0, 1, 0]], "float32")
    labels = np.array([[0, 1], [0.25, 0.75]], "float32")
    weights = np.array([2.0, 0.5], "float32")
    logs = training_model.test_on_batch(images, labels, sample_weight=weights, return_dict=True)
    assert logs["loss"] == pytest.approx((2.0 * 2e4 + 0.5 * np.log(2)) / 2, rel=1e-6)


def test_the_training_model_shares_every_variable():
    model = tiny_model()
    training_model = compile_for_training(model, recipe(), 10)
    assert [id(v) for v in training_model.variables] == [id(v) for v in model.variables]


def pretrained_and_head(weights, **changes):
    """Train one step from equal gradients; return how far the trunk and the head moved."""
    images = keras.Input((3,), name="images")
    trunk = keras.layers.Dense(2, name="trunk")(images)
    logits = keras.layers.Dense(2, name="logits")(trunk)
    model = keras.Model(images, keras.layers.Softmax()(logits))
    settings = {"optimizer": "sgd", "learning_rate": 0.1, "schedule": "constant", **changes}
    training_model = compile_for_training(model, recipe(weights=weights, **settings), 10)
    before = [np.array(v) for v in model.trainable_variables]
    training_model.optimizer.apply_gradients(
        [(tf.fill(v.shape, 2.0**15), v) for v in model.trainable_variables]  # the loss scale
    )
    moved = [
        np.abs(np.array(v) - old) for v, old in zip(model.trainable_variables, before, strict=True)
    ]
    return moved[0].mean(), moved[2].mean()


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "adamw"])
def test_pretrained_weights_learn_more_slowly_than_the_head(optimizer):
    trunk, head = pretrained_and_head("imagenet", optimizer=optimizer, backbone_rate=0.25)
    assert trunk == pytest.approx(0.25 * head, rel=1e-5)
    trunk, head = pretrained_and_head("imagenet", optimizer=optimizer, precision="float16")
    assert trunk == pytest.approx(0.1 * head, rel=1e-5)


def test_random_weights_learn_as_fast_as_the_head():
    trunk, head = pretrained_and_head("none")
    assert trunk == pytest.approx(head, rel=1e-5)
