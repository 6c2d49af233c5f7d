import keras
import numpy as np
import pytest

from dlmath import seeds
from dlmath.errors import RecipeError
from dlmath.recipe import Recipe
from dlmath.training.optimizer import averaged_weights, compile_for_training

STEPS = 6


def build(epochs=100, **changes):
    images = keras.Input((3,), name="images")
    kernel = keras.initializers.GlorotUniform(1)
    logits = keras.layers.Dense(2, name="logits", kernel_initializer=kernel)(images)
    model = keras.Model(images, keras.layers.Softmax()(logits))
    recipe = Recipe(name="t", learning_rate=0.05, weights="none", epochs=epochs, **changes)
    return compile_for_training(model, recipe, STEPS)


def train(model):
    """Take the steps, and return the kernel after each."""
    kernels = []
    for step in range(STEPS):
        draw = seeds.generator("batch", step)
        images = draw.normal(size=(8, 3)).astype("float32")
        labels = np.eye(2, dtype="float32")[(images.sum(axis=1) > 0).astype(int)]
        model.train_on_batch(images, labels)
        kernels.append(np.array(model.trainable_variables[0]))
    return kernels


@pytest.mark.parametrize("optimizer", ["adam", "adamw", "sgd"])
@pytest.mark.parametrize("precision", ["float32", "float16"])
def test_the_average_is_that_of_its_recurrence(optimizer, precision):
    model = build(ema=0.8, optimizer=optimizer, precision=precision)
    kernels = train(model)
    expected = kernels[0]
    for kernel in kernels[1:]:
        expected = 0.8 * expected + 0.2 * kernel
    with averaged_weights(model):
        np.testing.assert_allclose(model.trainable_variables[0], expected, rtol=1e-5, atol=1e-7)
    assert np.array(model.trainable_variables[0]).tobytes() == kernels[-1].tobytes()


def test_a_short_training_averages_a_tenth_of_its_steps():
    model = build(epochs=10, ema=0.99)  # 60 steps
    assert model.optimizer.ema_momentum == pytest.approx(1 - 1 / 6)
    assert not build(epochs=1, ema=0.99).optimizer.use_ema  # 6 steps


def test_the_training_itself_does_not_feel_it():
    plain, averaged = train(build()), train(build(ema=0.9))
    assert plain[-1].tobytes() == averaged[-1].tobytes()


def test_the_weights_come_back_after_an_error():
    model = build(ema=0.8)
    kernels = train(model)
    with pytest.raises(InterruptedError), averaged_weights(model):
        raise InterruptedError
    assert np.array(model.trainable_variables[0]).tobytes() == kernels[-1].tobytes()


def test_without_averages_nothing_changes():
    model = build()
    kernels = train(model)
    with averaged_weights(model):
        assert np.array(model.trainable_variables[0]).tobytes() == kernels[-1].tobytes()


def test_a_solved_head_has_no_average():
    with pytest.raises(RecipeError, match="makes no use of `ema`"):
        Recipe(name="t", tune="head", ema=0.9).check_has_effect(["ema"])
