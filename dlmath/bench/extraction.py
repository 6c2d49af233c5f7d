"""Features of a frozen backbone: Keras, the folded graph, LiteRT, and LiteRT in eight bits."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import keras
import numpy as np
import tensorflow as tf

from dlmath import models, seeds
from dlmath.bench.timing import Comparison, take_turns
from dlmath.features.convert import to_litert
from dlmath.features.folding import fold_batch_normalization
from dlmath.features.network import FrozenNetwork, feature_model, freeze
from dlmath.inference.network import Network
from dlmath.recipe import Recipe
from dlmath.reporting import SILENT, Reporter

IMAGES = 64
BASELINE = "stock Keras"


def run(rounds: int, reporter: Reporter = SILENT) -> list[Comparison]:
    """Compare the ways to compute features; B0 has random weights, which cost the same."""
    return [
        compare_extractors("efficientnet_lite0", "imagenet", rounds, reporter),
        compare_extractors("efficientnet_b0", "none", rounds, reporter),
    ]


def compare_extractors(
    backbone: str, weights: str, rounds: int, reporter: Reporter = SILENT
) -> Comparison:
    """Compare the ways on one backbone, with the largest difference of a feature from Keras."""
    reporter.say(f"Converting {backbone} …")
    recipe = Recipe(name="bench", classes=("a", "b"), backbone=backbone, weights=weights)
    classifier = models.build(recipe)
    model = feature_model(classifier)
    shape = (IMAGES, *model.input_shape[1:])
    pixels = seeds.generator("bench").integers(0, 256, shape).astype(np.uint8)
    ways = {
        BASELINE: _graph(model, pixels),
        "folded graph": _graph(fold_batch_normalization(model), pixels),
        "LiteRT": in_threads(freeze(classifier), pixels),
        "LiteRT, 8 bits": in_threads(_quantised(classifier, pixels), pixels),
    }
    wanted = ways[BASELINE]()
    scale = np.abs(wanted).max()
    notes = {
        name: f"largest difference {np.abs(way() - wanted).max() / scale:.0e} of the largest"
        for name, way in ways.items()
        if name != BASELINE
    }
    return take_turns(
        f"Features of {IMAGES} images, {backbone} at {model.input_shape[1]} px",
        ways,
        baseline=BASELINE,
        amount=IMAGES,
        unit="images",
        rounds=rounds,
        reporter=reporter,
        notes=notes,
    )


def _graph(model: keras.Model, pixels: np.ndarray) -> Callable[[], np.ndarray]:
    """A traced call on the whole batch, as `predict` does it."""
    call = tf.function(lambda images: model(images, training=False), autograph=False)
    images = tf.constant(pixels, tf.float32)
    return lambda: call(images).numpy()


def in_threads(network: FrozenNetwork, pixels: np.ndarray) -> Callable[[], np.ndarray]:
    """The frozen network as `load_features` runs it, without the decoding."""
    runners = [network.make_runner() for _ in range(network.threads)]
    shares = np.array_split(pixels, network.threads)
    pool = ThreadPoolExecutor(network.threads)

    def share(number: int) -> np.ndarray:
        size, own = network.batch_size, shares[number]
        return np.concatenate(
            [runners[number](own[first : first + size]) for first in range(0, len(own), size)]
        )

    return lambda: np.concatenate(list(pool.map(share, range(network.threads))))


def _quantised(classifier: keras.Model, pixels: np.ndarray) -> FrozenNetwork:
    """The network with 8-bit weights and activations, calibrated on the images themselves."""
    network = freeze(classifier)
    content = to_litert(feature_model(classifier), calibration=pixels[:16])
    if content is None:
        raise RuntimeError("LiteRT's converter refused to quantise the network.")
    return FrozenNetwork(
        key="",
        image_size=network.image_size,
        feature_count=network.feature_count,
        runtime=network.runtime,
        content=content,
        make_runner=lambda: Network(content, threads=1),
        threads=network.threads,
        batch_size=network.batch_size,
    )
