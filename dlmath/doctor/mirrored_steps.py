"""Train a few steps on one and on two virtual CPUs, and print how far the weights are apart.

A program of its own: python -P mirrored_steps.py
"""

import numpy as np
import tensorflow as tf

from dlmath import models
from dlmath.data.pipeline import training_batches
from dlmath.recipe import Recipe
from dlmath.training.devices import choose_device
from dlmath.training.loop import Loop
from dlmath.training.optimizer import compile_for_training

EPOCHS, STEPS = 2, 4
# Plain gradient descent: Adam divides by the size of gradients, and makes rounding visible.
RECIPE = Recipe(
    name="mirrored",
    classes=("a", "b"),
    backbone="malaria_cnn",
    weights="none",
    image_size=8,
    batch_size=6,
    epochs=EPOCHS,
    optimizer="sgd",
    learning_rate=0.05,
)


def main() -> None:
    """Print the largest difference of a weight."""
    # Before anything else: virtual devices cannot be made once TensorFlow has started.
    tf.config.set_logical_device_configuration(
        tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2
    )
    difference = np.abs(trained("one") - trained("mirrored")).max()
    print(float(difference))  # noqa: T201  for the process that started this one


def trained(strategy: str) -> np.ndarray:
    """Return the weights after the steps, in one row."""
    device = choose_device("cpu", strategy)
    if device.strategy.num_replicas_in_sync != {"one": 1, "mirrored": 2}[strategy]:
        raise SystemExit("the CPU was not divided in two")
    with device.strategy.scope():
        model = compile_for_training(models.build(RECIPE), RECIPE, STEPS)
    draw = np.random.default_rng(0)
    count = STEPS * RECIPE.batch_size
    images = draw.integers(0, 256, (count, 8, 8, 3), dtype=np.uint8)
    labels = np.eye(2, dtype=np.float32)[draw.integers(0, 2, count)]

    def batches(epoch: int, step: int) -> tf.data.Dataset:
        return training_batches(images, labels, RECIPE, epoch=epoch, first_step=step)

    Loop(model, batches, EPOCHS, STEPS, strategy=device.strategy).run()
    return np.concatenate([np.ravel(weight) for weight in model.get_weights()])


if __name__ == "__main__":
    main()
