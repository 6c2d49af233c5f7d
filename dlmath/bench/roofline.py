"""Roofline of a frozen network: its speed against what the processor can do.

The roofline of Williams, Waterman and Patterson ("Roofline: an insightful visual performance model
for multicore architectures", CACM 52(4), 2009): an image cannot take less time than its floating-
point operations at the peak of arithmetic, nor than its bytes at the peak of memory. Both peaks are
measured here, by a large matrix product and by copies of the size of the largest activation: that
is the memory which an image's activations travel through, a cache rather than the main memory.
"""

import math
import os
from concurrent.futures import ThreadPoolExecutor

import keras
import numpy as np

from dlmath import models, seeds
from dlmath.bench.extraction import in_threads
from dlmath.bench.timing import Comparison, take_turns
from dlmath.features.folding import fold_batch_normalization, leaf_layers
from dlmath.features.network import feature_model, freeze
from dlmath.recipe import Recipe
from dlmath.reporting import SILENT, Reporter

SIDE = 1536  # of the matrices
COPIED = 4 * 2**20  # bytes: the largest activation has 112 x 112 x 96 floats
COPIES = 64
IMAGES = 32


def run(rounds: int, reporter: Reporter = SILENT) -> list[Comparison]:
    """Compare the time of an image under LiteRT with the two bounds of its work."""
    recipe = Recipe(name="bench", classes=("a", "b"), backbone="efficientnet_lite0")
    classifier = models.build(recipe)
    folded = fold_batch_normalization(feature_model(classifier))
    operations, moved = floating_point_operations(folded), bytes_moved(folded)
    cores = os.cpu_count() or 1
    pool = ThreadPoolExecutor(cores)
    shape = (IMAGES, *folded.input_shape[1:])
    pixels = seeds.generator("bench").integers(0, 256, shape).astype(np.float32)
    left, right = np.ones((2, SIDE, SIDE), np.float32)
    blocks = [np.ones((2, COPIED // 4), np.float32) for _ in range(cores)]

    def copy(number: int) -> None:
        source, target = blocks[number]
        for _ in range(COPIES):
            np.copyto(target, source)

    peaks = take_turns(
        "Roofline of EfficientNet-Lite0",
        {
            "matrix product": lambda: left @ right,
            "copy": lambda: list(pool.map(copy, range(cores))),
            "LiteRT": in_threads(freeze(classifier), pixels),
        },
        baseline="LiteRT",
        amount=IMAGES,
        unit="images",
        rounds=rounds,
        reporter=reporter,
    )
    arithmetic = 2 * SIDE**3 / peaks.median("matrix product")
    memory = 2 * COPIED * COPIES * cores / peaks.median("copy")
    return [_roofline(peaks, operations, moved, arithmetic, memory)]


def _roofline(
    peaks: Comparison, operations: int, moved: int, arithmetic: float, memory: float
) -> Comparison:
    """State the bounds as ways to compute the images, in the times that they would take."""
    by_arithmetic, by_memory = IMAGES * operations / arithmetic, IMAGES * moved / memory
    share = max(by_arithmetic, by_memory) / peaks.median("LiteRT")
    return Comparison(
        title=f"{peaks.title} at 224 px: {operations / 1e6:,.0f} MFLOP and {moved / 1e6:,.0f} MB "
        f"an image; peaks {arithmetic / 1e9:,.0f} GFLOP/s and {memory / 1e9:,.1f} GB/s",
        baseline="LiteRT",
        amount=IMAGES,
        unit="images",
        seconds={
            "LiteRT": peaks.seconds["LiteRT"],
            "bound of arithmetic": (by_arithmetic,),
            "bound of memory": (by_memory,),
        },
        notes={"LiteRT": f"reaches {share:.0%} of the nearer bound"},
    )


def floating_point_operations(model: keras.Model) -> int:
    """Return the multiplications and additions of the convolutions and dense layers, an image."""
    return sum(_operations(layer) for layer in leaf_layers(model))


def _operations(layer: keras.layers.Layer) -> int:
    if not isinstance(
        layer, keras.layers.Conv2D | keras.layers.DepthwiseConv2D | keras.layers.Dense
    ):
        return 0
    kernel = layer.kernel
    places = math.prod(layer.output.shape[1:])
    # Each output adds up its window: over all inputs, or over one channel of a depthwise layer.
    is_depthwise = isinstance(layer, keras.layers.DepthwiseConv2D)
    window = math.prod(kernel.shape[:2] if is_depthwise else kernel.shape[:-1])
    return 2 * window * places


def bytes_moved(model: keras.Model) -> int:
    """Return the bytes of an image's activations, each written and read once, in float32.

    Weights stay in the caches from one image to the next and are left out, as are activation
    functions, which are fused into the layers before them.
    """
    written = sum(
        math.prod(layer.output.shape[1:])
        for layer in leaf_layers(model)
        if not isinstance(layer, keras.layers.ReLU | keras.layers.Dropout)
    )
    return 2 * 4 * written
