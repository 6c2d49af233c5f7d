"""A training step of all weights: stock Keras, frozen batch normalisation, and dlmath's own graph.

    python benchmarks/speed/training_step.py

All see the same 32 images at 224 px (for the tail, 32 of its inputs), have random weights and the
optimizer of a recipe, and take turns within one process. Each way's time is also given as processor
time, which other programs on the machine disturb less. `pieces` are the ideas behind the graph,
kept or not, each on the layer where it matters most. Takes 4 minutes on two idle cores. Writes
`benchmarks/results/training-step.json`.
"""

import json
import os
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from unittest.mock import patch

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np
import tensorflow as tf

from dlmath import models
from dlmath.features.folding import convolution_chains
from dlmath.recipe import Recipe
from dlmath.training import frozen_convolution as frozen
from dlmath.training.devices import pin_threads
from dlmath.training.optimizer import make_optimizer
from dlmath.training.training_graph import TrainingModel

RESULT = Path(__file__).parents[1] / "results" / "training-step.json"
BATCH, ROUNDS = 32, 5
TAIL = "block6a_expand_conv"
Way = Callable[[], object]

STOCK, FROZEN, OURS = "stock Keras, normalisation trains", "normalisation frozen", "dlmath"
STRIDED = "gradient of the input of a 3x3 depthwise convolution with stride 2 at 112x112x96"
# What the graph would be without one of its parts.
WITHOUT = {
    "dlmath without matrix products": ("_is_pointwise", lambda *_: False),
    "dlmath without narrow sums": ("_WIDEST", 99),
    "dlmath without one pass through silu": ("_through_silu", lambda g, z: plain_silu(g, z)),
}


def main() -> None:
    pin_threads()
    networks = {}
    for name, backbone in (("EfficientNet-Lite0", "lite0"), ("EfficientNetB0", "b0")):
        networks[name] = steps(f"efficientnet_{backbone}", whole)
    networks["tail of EfficientNet-Lite0"] = steps("efficientnet_lite0", tail)
    result = {
        "command": "python benchmarks/speed/training_step.py",
        "cores": len(os.sched_getaffinity(0)),
        "load_average": os.getloadavg()[0],
        "batch": BATCH,
        "networks": networks,
        "pieces": pieces(),
    }
    RESULT.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


def steps(backbone: str, part: Callable[[keras.Model], tuple]) -> dict:
    """Return the times of each way, and of the network's 1x1 products by themselves."""
    recipe = Recipe(
        name="step", classes=("a", "b"), positive_class="b", backbone=backbone, weights="none"
    )
    models_of = [models.build(recipe.replace(tune="all")) for _ in range(2)]
    for layer in models_of[1].get_layer("backbone").layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.trainable = False
    (trains, frozen_layers) = (part(model) for model in models_of)
    ways = {
        STOCK: step(keras.Model(*trains), recipe),
        FROZEN: step(keras.Model(*frozen_layers), recipe),
        OURS: step(TrainingModel(*frozen_layers), recipe),
    }
    for name, (attribute, value) in WITHOUT.items():
        if "silu" not in name or backbone.endswith("b0"):
            ways[name] = step(TrainingModel(*frozen_layers), recipe, {attribute: value})
    ways["its 1x1 products, nothing else"] = products(keras.Model(*frozen_layers))
    return take_turns(ways)


def whole(model: keras.Model) -> tuple:
    return model.input, model.get_layer("logits").output


def tail(model: keras.Model) -> tuple:
    """Return the inputs and outputs of the layers that `tune = "tail"` trains."""
    backbone = model.get_layer("backbone")
    layers = keras.Model(backbone.get_layer(TAIL).input, backbone.output)
    inputs = keras.Input(layers.input.shape[1:])
    return inputs, model.get_layer("logits")(model.get_layer("pooling")(layers(inputs)))


def step(model: keras.Model, recipe: Recipe, changes: dict[str, object] | None = None) -> Way:
    """Return a training step on one batch, traced where some parts of the graph are changed."""
    model.compile(
        optimizer=make_optimizer(recipe, 100),
        loss=keras.losses.CategoricalCrossentropy(from_logits=True),
        jit_compile=False,
    )
    draw = np.random.default_rng(0)
    x = tf.constant(draw.uniform(0, 255, (BATCH, *model.input.shape[1:])), tf.float32)
    y = tf.one_hot(np.arange(BATCH) % 2, 2)
    way = lambda: model.train_on_batch(x, y)  # noqa: E731
    with ExitStack() as stack:
        for name, value in (changes or {}).items():
            stack.enter_context(patch.object(frozen, name, value))
        way()
    return way


def products(model: keras.Model) -> Way:
    """Return the matrix products of the 1x1 convolutions of a step: three for each of them.

    They are the floor of a step: most of its arithmetic, at the machine's best rate for it.
    """
    operands = []
    for chain in convolution_chains(model):
        kernel = tf.convert_to_tensor(chain.convolution.kernel)
        if kernel.shape[:2] == (1, 1):
            rows = BATCH * int(np.prod(chain.convolution.output.shape[1:3]))
            x, h = (tf.random.normal((rows, channels)) for channels in kernel.shape[2:])
            operands.append((x, kernel[0, 0], h))

    def compute() -> None:
        for x, kernel, h in operands:
            tf.matmul(x, kernel)
            tf.matmul(h, kernel, transpose_b=True)
            tf.matmul(x, h, transpose_a=True)

    return compute


def normal(*shape: int) -> tf.Tensor:
    return tf.random.stateless_normal(shape, (0, 1))


def pieces() -> dict[str, dict]:
    """Return the times of one layer's part of a step in several forms."""
    x, h, kernel = normal(BATCH, 28, 28, 240), normal(BATCH, 28, 28, 240), normal(5, 5, 240, 1)
    strided_h, small_kernel = normal(BATCH, 56, 56, 96), normal(3, 3, 96, 1)
    large = normal(BATCH, 112, 112, 96)
    windows = frozen.Windows((1, 1), "SAME", True)
    return {
        "gradient of a 5x5 depthwise kernel at 28x28x240": take_turns(
            {
                "TensorFlow": traced(native_kernel_gradient, x, h),
                "25 sums of products": traced(by_taps, x, h),
                "two narrow sums": traced(frozen._kernel_gradient, x, h, kernel.shape, windows),
            }
        ),
        STRIDED: take_turns(
            {
                "TensorFlow": traced(native_input_gradient, strided_h, small_kernel),
                "a convolution of the dilated gradient": traced(
                    by_dilation, strided_h, small_kernel
                ),
            }
        ),
        "gradient through silu at 112x112x96": take_turns(
            {
                "TensorFlow": traced(plain_silu, large, large),
                "one pass, compiled by XLA": traced(frozen._through_silu, large, large),
            }
        ),
    }


def traced(function: Way, *arguments: object) -> Way:
    compiled = tf.function(function)
    return lambda: compiled(*arguments)


def native_kernel_gradient(x: tf.Tensor, h: tf.Tensor) -> tf.Tensor:
    return tf.raw_ops.DepthwiseConv2dNativeBackpropFilter(
        input=x,
        filter_sizes=(5, 5, x.shape[3], 1),
        out_backprop=h,
        strides=(1, 1, 1, 1),
        padding="SAME",
    )


def by_taps(x: tf.Tensor, h: tf.Tensor) -> tf.Tensor:
    """Return one sum of products for each of the 25 entries of a kernel."""
    padded = tf.pad(x, ((0, 0), (2, 2), (2, 2), (0, 0)))
    height, width = h.shape[1:3]
    taps = [
        tf.reduce_sum(padded[:, i : i + height, j : j + width] * h, (0, 1, 2))
        for i in range(5)
        for j in range(5)
    ]
    return tf.reshape(tf.stack(taps), (5, 5, -1, 1))


def native_input_gradient(h: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
    return tf.raw_ops.DepthwiseConv2dNativeBackpropInput(
        input_sizes=(BATCH, 112, 112, 96),
        filter=kernel,
        out_backprop=h,
        strides=(1, 2, 2, 1),
        padding="SAME",
    )


def by_dilation(h: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
    """Return the gradient as the turned kernel over the gradient with zeros in between."""
    batch, height, width, channels = h.shape
    columns = tf.reshape(tf.stack([h, tf.zeros_like(h)], 3), (batch, height, 2 * width, channels))
    rows = tf.stack([columns, tf.zeros_like(columns)], 2)
    dilated = tf.reshape(rows, (batch, 2 * height, 2 * width, channels))
    padded = tf.pad(dilated, ((0, 0), (2, 0), (2, 0), (0, 0)))
    return tf.nn.depthwise_conv2d(padded, tf.reverse(kernel, (0, 1)), (1, 1, 1, 1), "VALID")


def plain_silu(g: tf.Tensor, z: tf.Tensor) -> tf.Tensor:
    sigma = tf.sigmoid(z)
    return g * (sigma * (1 + z * (1 - sigma)))


def take_turns(ways: dict[str, Way]) -> dict[str, dict[str, list[float]]]:
    """Run each way once outside the clocks, then all in turn; return their seconds."""
    seconds: dict[str, dict] = {name: {"wall": [], "processor": []} for name in ways}
    for number in range(ROUNDS + 1):
        for name, way in ways.items():
            wall, processor = time.perf_counter(), time.process_time()
            way()
            if number:
                seconds[name]["wall"].append(time.perf_counter() - wall)
                seconds[name]["processor"].append(time.process_time() - processor)
    for name, taken in seconds.items():
        print(
            name, {clock: round(median(values), 4) for clock, values in taken.items()}, flush=True
        )
    return seconds


if __name__ == "__main__":
    main()
