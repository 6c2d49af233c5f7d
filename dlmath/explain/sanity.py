r"""Does a map depend on what the network has learned?

Weights are randomised layer by layer, from the top down, and never put back until the end. A map
that hardly changes shows the image's edges, not the network's reasons.

Source: Adebayo et al., "Sanity Checks for Saliency Maps", NeurIPS 2018, arXiv:1810.03292,
section 3.1 (cascading randomization).
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import keras
import numpy as np

from dlmath.explain.classifier_parts import ClassifierParts
from dlmath.explain.figure import Figure
from dlmath.explain.methods import Method
from dlmath.explain.similarity import rank_correlation, structural_similarity
from dlmath.features.folding import leaf_layers
from dlmath.seeds import generator

STAGES = 4
LIMIT = 0.5  # rank correlation that a map of an all random network may keep


@dataclass(frozen=True)
class Stage:
    """How alike the map still is once a layer and all those behind it are random.

    Attributes:
        layer: The lowest random layer.
        layers: How many layers with weights are random.
        rank_correlation: Spearman's, of the signed maps.
        ssim: Structural similarity of what is drawn, their positive parts scaled to 0..1.
    """

    layer: str
    layers: int
    rank_correlation: float
    ssim: float


def sanity(
    parts: ClassifierParts, method: Method, image: np.ndarray, index: int, stages: int = STAGES
) -> list[Stage]:
    """Return the similarity of the map after each stage; the weights are then as before.

    A layer becomes random by shuffling its weights among themselves. So each network of the
    cascade has weights of the right size: with others its activations, and so its gradients,
    could vanish or overflow, and the map would change for that reason alone.

    Args:
        parts: The classifier.
        method: What makes the map.
        image: (S, S, 3) in 0..255.
        index: Of the class.
        stages: How often to look; the first time with the head alone random, the last with all.
    """
    before = method(parts, image, index)
    layers = [layer for layer in leaf_layers(parts.model) if layer.weights][::-1]
    found = []
    with _weights_put_back(parts.model):
        done = 0
        for count in _counts(len(layers), stages):
            _randomise(layers[done:count])
            done = count
            after = method(parts, image, index)
            found.append(
                Stage(
                    layers[count - 1].name,
                    count,
                    rank_correlation(before.values, after.values),
                    structural_similarity(before.heat, after.heat),
                )
            )
    return found


def sanity_figure(stages: Sequence[Stage]) -> Figure:
    """Return the figure of a cascade: what is left of the map when every weight is random."""
    last = stages[-1]
    way = ", ".join(f"{one.rank_correlation:.2f} ({one.layers})" for one in stages)
    return Figure(
        "sanity",
        last.rank_correlation,
        LIMIT,
        abs(last.rank_correlation) <= LIMIT,
        f"rank correlation with the map once so many of the last layers are random: {way}; "
        f"at most {LIMIT} may be left, either way (SSIM {last.ssim:.2f})",
    )


def _counts(layers: int, stages: int) -> list[int]:
    """Return how many layers are random at each stage, from 1 to all in equal ratios."""
    return sorted({round(count) for count in np.geomspace(1, layers, stages)})


def _randomise(layers: Sequence[keras.layers.Layer]) -> None:
    """Shuffle the weights of each layer: kernels whole, the vectors of a layer alike.

    Scale, offset, mean and variance of a normalised channel stay together.
    """
    for layer in layers:
        shuffled = []
        for values in layer.get_weights():
            random = generator("sanity", layer.name, *(("vector",) if values.ndim == 1 else ()))
            shuffled.append(random.permutation(values.ravel()).reshape(values.shape))
        layer.set_weights(shuffled)


@contextmanager
def _weights_put_back(model: keras.Model) -> Iterator[None]:
    kept = model.get_weights()
    try:
        yield
    finally:
        model.set_weights(kept)
