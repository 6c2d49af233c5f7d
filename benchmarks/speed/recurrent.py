"""A training step of recurrent layers and of attention, against the layers of Keras.

    python benchmarks/speed/recurrent.py

Each way computes a loss and the gradients of its weights for the same 32 sequences in one graph,
and they take turns. Writes `benchmarks/results/recurrent.json`.
"""

import json
import os
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import tensorflow as tf

from dlmath import layers
from dlmath.bench.timing import take_turns
from dlmath.training.devices import pin_threads

RESULT = Path(__file__).parents[1] / "results" / "recurrent.json"
SEQUENCES, WIDTH, UNITS, HEADS, BLOCK = 32, 32, 64, 4, 64
LENGTHS = (16, 64, 256)
KERAS, OURS, BLOCKS = "Keras", "dlmath", "dlmath, in blocks"


def main() -> None:
    pin_threads()
    rows = {}
    for length in LENGTHS:
        x = tf.random.stateless_normal((SEQUENCES, length, WIDTH), (0, length))
        for kind in ("SimpleRNN", "LSTM", "GRU"):
            ways = {
                name: step(getattr(module, kind)(UNITS), x)
                for name, module in ((KERAS, keras.layers), (OURS, layers))
            }
            rows[f"{kind}, {length} steps"] = measured(ways)
        attention = {"num_heads": HEADS, "key_dim": WIDTH // HEADS}
        ways = {
            KERAS: step(keras.layers.MultiHeadAttention(**attention), x, x),
            OURS: step(layers.MultiHeadAttention(**attention), x, x),
            BLOCKS: step(layers.MultiHeadAttention(**attention, block_size=BLOCK), x, x),
        }
        rows[f"attention, {length} places"] = measured(ways)
    result = {
        "command": "python benchmarks/speed/recurrent.py",
        "cores": len(os.sched_getaffinity(0)),
        "load_average": os.getloadavg()[0],
        "rows": rows,
    }
    RESULT.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


def step(layer: keras.layers.Layer, *inputs: tf.Tensor) -> Callable[[], object]:
    """Return a training step without the optimizer, traced."""
    layer(*inputs)

    @tf.function
    def gradients() -> list[tf.Tensor]:
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(layer(*inputs) ** 2)
        return tape.gradient(loss, layer.trainable_variables)

    return lambda: gradients()[0].numpy()


def measured(ways: dict[str, Callable[[], object]]) -> dict:
    """Return the times of the ways, Keras first."""
    for way in ways.values():
        way()  # traced outside the clock
    comparison = take_turns(
        "A training step", ways, baseline=KERAS, amount=SEQUENCES, unit="sequences", rounds=15
    )
    return comparison.as_json()["ways"]


if __name__ == "__main__":
    main()
