"""Checks of a run's network: how it scales pixels, what was frozen in it, and how it ends."""

import keras
import numpy as np

from dlmath import models
from dlmath.data.listing import counted, listed
from dlmath.doctor.examined_run import ExaminedRun
from dlmath.doctor.verdict import Verdict, fault, not_applicable, ok
from dlmath.errors import DlmathError
from dlmath.inference.probabilities import predict_probabilities
from dlmath.training.manifest import weights_sha256

_SCALING = (keras.layers.Rescaling, keras.layers.Normalization)
# Black to white becomes -1..1 or 0..1 in every network known, or about 4.5 standard deviations.
LEAST_RANGE, MOST_RANGE = 0.5, 10.0


def scaling_of_pixels(examined: ExaminedRun) -> Verdict:
    """Follow black and white through the layers that scale; pixels scaled twice are all grey."""
    layers = scaling_layers(examined.model)
    if not layers:
        return not_applicable("The network has no layer that scales pixels.")
    names = " and ".join(layer.name for layer in layers)
    pixels = np.stack([np.zeros((1, 1, 3)), np.full((1, 1, 3), 255.0)]).astype("float32")
    for layer in layers:
        pixels = np.asarray(layer(pixels))
    reach = float(np.ptp(pixels, axis=0).mean())
    said = f"{names}: black to white becomes {pixels.min():.3g} to {pixels.max():.3g}"
    if reach < LEAST_RANGE:
        return fault(
            f"{said}: the pixels are scaled twice.",
            "Take one of the two away; the networks of dlmath scale pixels of 0..255 themselves.",
        )
    if not reach <= MOST_RANGE:  # NaN too
        return fault(f"{said}: the pixels are not scaled.", "Put a Rescaling in front.")
    return ok(said)


def scaling_layers(model: keras.Model) -> list[keras.layers.Layer]:
    """Return the layers by which a network begins that scale pixels, those of its backbone too."""
    found: list[keras.layers.Layer] = []
    for layer in model.layers:
        if isinstance(layer, keras.layers.InputLayer | keras.layers.ZeroPadding2D):
            continue
        if isinstance(layer, keras.Model):
            return found + scaling_layers(layer)
        if not isinstance(layer, _SCALING):
            return found
        found.append(layer)
    return found


def frozen_layers(examined: ExaminedRun) -> Verdict:
    """Compare what was frozen with the weights that it began with, batch normalisation above all.

    A training that updates the statistics of a frozen backbone leaves it with those of a few small
    batches, which no longer fit its weights.
    """
    recipe = examined.recipe
    if recipe.weights == "none":
        return not_applicable("The network began with random weights, and nothing was frozen.")
    recorded = examined.manifest.get("weights_file")
    if recorded not in (None, weights_sha256(recipe)):
        return not_applicable(f"The weights it began with, {recipe.weights}, are not there now.")
    try:
        before = models.build(recipe)
    except DlmathError as error:
        return not_applicable(f"The weights it began with cannot be had here: {error}")
    frozen = [layer for layer in _all_layers(before) if layer.weights and not layer.trainable]
    after = {layer.name: layer for layer in _all_layers(examined.model)}
    changed = [layer.name for layer in frozen if not _same(layer, after.get(layer.name))]
    if not frozen:
        return not_applicable("Nothing was frozen.")
    if changed:
        kinds = {type(layer).__name__ for layer in frozen if layer.name in changed}
        return fault(
            f"{len(changed)} of {counted(len(frozen), 'frozen layer')} changed in training "
            f"({listed(sorted(kinds))}): {listed(changed)}.",
            "A frozen layer must stay as it was pretrained. Train again with dlmath, whose own "
            "models obey; in Keras set `trainable = False` on the layers, not `training=False`.",
        )
    return ok(f"{counted(len(frozen), 'frozen layer')} as pretrained, to the last bit")


def _all_layers(model: keras.Model) -> list[keras.layers.Layer]:
    found: list[keras.layers.Layer] = []
    for layer in model.layers:
        found += _all_layers(layer) if isinstance(layer, keras.Model) else [layer]
    return found


def _same(one: keras.layers.Layer, other: keras.layers.Layer | None) -> bool:
    if other is None or len(one.weights) != len(other.weights):
        return False
    return all(
        np.array_equal(a, b) for a, b in zip(one.get_weights(), other.get_weights(), strict=True)
    )


def output(examined: ExaminedRun) -> Verdict:
    """Look at how the network ends: one softmax over as many classes as the recipe names.

    The loss is taken on what goes into the softmax. A second softmax below it keeps every
    probability between 1/(1 + e) and e/(1 + e), and the loss from falling.
    """
    classes = len(examined.recipe.classes)
    if examined.model.output_shape[-1] != classes:
        return fault(
            f"{examined.model.output_shape[-1]} outputs for {counted(classes, 'class')}.",
            "The recipe is of another model. Train again.",
        )
    if _is_softmax_before_the_last(examined.model):
        return fault(
            "Two softmax layers, one after the other: the loss was taken on probabilities.",
            "Make the layer `logits` linear, and train again.",
        )
    sums = predict_probabilities(examined.model, examined.validation.pixels).sum(axis=1)
    if not np.allclose(sums, 1, atol=1e-3):
        return fault(
            f"Probabilities of an image sum to {sums.min():.3g} to {sums.max():.3g}, not to 1.",
            "The network must end in a softmax. Train again.",
        )
    return ok(f"{classes} probabilities that sum to 1, by one softmax")


def _is_softmax_before_the_last(model: keras.Model) -> bool:
    ends = [layer for layer in model.layers if _ends_in_softmax(layer)]
    return len(ends) > 1


def _ends_in_softmax(layer: keras.layers.Layer) -> bool:
    activation = getattr(layer, "activation", None)
    return type(layer).__name__ == "Softmax" or activation is keras.activations.softmax
