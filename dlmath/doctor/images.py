"""Checks that every program sees the same pixels and gives the same answers."""

import numpy as np
import tensorflow as tf

from dlmath.data.image_graph import decode_and_resize
from dlmath.data.images import read_checked
from dlmath.data.listing import counted, listed
from dlmath.data.specification import SPECIFICATION
from dlmath.doctor.examined_run import ExaminedRun
from dlmath.doctor.verdict import Verdict, fault, not_applicable, ok
from dlmath.errors import DlmathError
from dlmath.inference.light_classifier import LightClassifier
from dlmath.inference.runtimes import has_light_form

IMAGES = 16
MOST_LEVELS = 1  # of 255, as DESIGN of the two readers promises
MOST_DIFFERENCE = 1e-4  # of a probability, as prediction promises


def preprocessing(examined: ExaminedRun) -> Verdict:
    """Read images by Pillow, as training did, and by the graph that exports carry."""
    recorded = examined.manifest.get("preprocessing")
    if recorded is not None and recorded != SPECIFICATION:
        return fault(
            f"The run was trained on images read as {recorded!r}; now it is {SPECIFICATION!r}.",
            "Train again, or predict with the version of dlmath that trained it.",
        )
    part, size = examined.validation, examined.recipe.image_size
    rows = np.unique(np.linspace(0, len(part.examples) - 1, IMAGES).round().astype(int))
    levels = {}
    for row in rows:
        example = part.examples[row]
        encoded = tf.constant(read_checked(example.path, example.file))
        by_graph = decode_and_resize(encoded, size).numpy().astype(int)
        levels[example.file] = int(np.abs(by_graph - part.pixels[row].astype(int)).max())
    worst = max(levels.values())
    if worst > MOST_LEVELS:
        off = [file for file, level in levels.items() if level > MOST_LEVELS]
        return fault(
            f"Pillow and the exported graph differ by up to {worst} of 255 levels: {listed(off)}.",
            "An export answers otherwise than the run. Install the versions of Pillow and "
            "TensorFlow that dlmath asks for.",
        )
    return ok(f"Pillow and the exported graph agree to {worst} of 255 levels on {len(rows)} images")


def light_form(examined: ExaminedRun) -> Verdict:
    """Compare the light form, by which `predict` answers, with the Keras model."""
    if not has_light_form(examined.run):
        return not_applicable("The run has no light form; Keras predicts.")
    try:
        light = LightClassifier.load(examined.run)
    except DlmathError as error:
        return fault(f"The light form cannot be loaded: {error}", "Predict with --runtime keras.")
    found = light.predict(examined.validation.pixels).probabilities
    difference = np.abs(found - examined.probabilities)
    images = counted(len(difference), "image")
    if not difference.max() <= MOST_DIFFERENCE:
        return fault(
            f"The light form differs from the Keras model by up to {difference.max():.2g} on "
            f"{images}.",
            "Predict with --runtime keras, or train again.",
        )
    return ok(f"The light form is within {difference.max():.1e} of the Keras model on {images}")
