"""One training step of the malaria network: from-scratch layers against Keras's.

Run: python benchmarks/speed/bench_layers.py

Both networks come from the same lines and see the same batch, and the two take turns, since other
work on the machine would otherwise fall on one of them. Next to the time on the clock stands the
processor time of all threads, which other work disturbs less.
"""

import statistics
import time
from collections.abc import Callable
from types import ModuleType

import keras
import numpy as np
import tensorflow as tf

from dlmath import layers
from dlmath.models.cell_cnn import malaria_cnn

BATCH, SIZE, REPEATS = 32, 64, 30
LIMIT = 3.0  # times Keras, on a CPU


def main() -> None:
    steps = {"scratch": training_step(layers), "keras": training_step(keras.layers)}
    clock: dict[str, list[float]] = {name: [] for name in steps}
    processor: dict[str, list[float]] = {name: [] for name in steps}
    for step in steps.values():
        step()  # trace and warm up outside the clock
    for _ in range(REPEATS):
        for name, step in steps.items():
            began, began_processor = time.perf_counter(), time.process_time()
            step()
            clock[name].append(time.perf_counter() - began)
            processor[name].append(time.process_time() - began_processor)
    for name in steps:
        median = statistics.median(clock[name])
        spread = max(clock[name]) / min(clock[name])
        print(
            f"{name:8} {BATCH / median:8,.0f} images/s, fastest {BATCH / min(clock[name]):8,.0f}   "
            f"slowest/fastest {spread:.1f}   processor {min(processor[name]) * 1e3:.0f} ms a step"
        )
    ratio = statistics.median(clock["scratch"]) / statistics.median(clock["keras"])
    work = min(processor["scratch"]) / min(processor["keras"])
    print(f"scratch takes {ratio:.2f} times Keras's time and {work:.2f} times its processor time")
    print(f"(limit {LIMIT:.0f}; a spread far above 2 says not to believe the first figure)")


def training_step(kind: ModuleType) -> Callable[[], np.ndarray]:
    """A traced step of Adam on one batch of random images; returns the loss."""
    model = malaria_cnn(SIZE, dropout=0.2, seed=0, layers=kind)
    optimizer = keras.optimizers.Adam()
    optimizer.build(model.trainable_variables)
    loss_of = keras.losses.CategoricalCrossentropy()
    random = np.random.default_rng(0)
    images = tf.constant(random.uniform(0, 255, (BATCH, SIZE, SIZE, 3)), tf.float32)
    labels = tf.one_hot(random.integers(0, 2, BATCH), 2)

    @tf.function
    def step() -> tf.Tensor:
        with tf.GradientTape() as tape:
            loss = loss_of(labels, model(images, training=True))
        gradients = tape.gradient(loss, [v.value for v in model.trainable_variables])
        optimizer.apply(gradients, model.trainable_variables)
        return loss

    return lambda: step().numpy()


if __name__ == "__main__":
    main()
