"""The contract of the keys of features: whatever changes a feature changes its key."""

import json

import numpy as np
import pytest

from dlmath.data import augment
from dlmath.features import View, feature_model
from dlmath.features.network import network_key
from dlmath.models import build
from dlmath.recipe import Between, OneOf, Recipe, settings_of

RECIPE = Recipe(
    name="small",
    classes=("bright", "dark"),
    backbone="malaria_cnn",
    weights="none",
    tune="head",
    image_size=32,
    rotation=90.0,
)
# Another value for each field where its limits do not give one.
OTHER = {
    "name": "other",
    "classes": ("bright", "dark", "grey"),
    "positive_class": "dark",
    "patient_rules": (r"(?P<patient>\d+)",),
    "columns": ("file=Image",),
    "backbone": "efficientnet_lite0",
    "image_size": 48,
    "erasing": 1.0,  # probabilities: at less they may leave the image here as it is
    "border_swap": 1.0,
}


def other_value(name):
    value, limits = getattr(RECIPE, name), settings_of(Recipe)[name].limits
    if name in OTHER:
        return OTHER[name]
    if isinstance(limits, OneOf):
        return next(choice for choice in limits.choices if choice != value)
    if isinstance(limits, Between):
        part = 0.25 if value != limits.low + 0.25 else 0.125
        return value + 1 if isinstance(value, int) else limits.low + part * min(limits.high, 1)
    return not value


def changed(name):
    region = {"region_width": 0.5, "region_height": 0.5}
    more = {
        "weight_decay": {"optimizer": "adamw"},
        "border_swap": region,
        "choose_on": region,
        "region_width": region,
        "region_height": region,
    }.get(name, {})
    return RECIPE.replace(**{**more, name: other_value(name)})


FIELDS = [name for name in settings_of(Recipe) if name not in ("recipe_version", "weights")]


@pytest.fixture(scope="module")
def pixels():
    return np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3)).astype(np.uint8)


def features(recipe, pixels):
    """The key of the network below the head, and what it makes of the pixels, if they fit."""
    model = feature_model(build(recipe))
    if model.input_shape[1] != pixels.shape[1]:
        return network_key(model, "keras"), None
    return network_key(model, "keras"), np.asarray(model(pixels.astype("float32"), training=False))


@pytest.fixture(scope="module")
def plain(pixels):
    return features(RECIPE, pixels)


@pytest.mark.parametrize("name", FIELDS)
def test_a_field_that_changes_the_network_changes_its_key(name, plain, pixels):
    key, rows = features(changed(name), pixels)

    if key == plain[0]:
        np.testing.assert_array_equal(rows, plain[1])
    assert (key != plain[0]) == (name in ("backbone", "image_size", "layers", "precision", "seed"))


def test_other_weights_have_another_key(pixels):
    recipe = RECIPE.replace(backbone="efficientnet_lite0")

    assert features(recipe, pixels)[0] != features(recipe.replace(weights="imagenet"), pixels)[0]


class Watched:
    """Stands for a recipe, and notes which of its fields are read."""

    def __init__(self, recipe):
        self._recipe, self.read = recipe, set()

    def __getattr__(self, name):
        self.read.add(name)
        return getattr(self._recipe, name)


def read_but_not_in_the_key(pixels):
    names = [name for name in FIELDS if settings_of(Recipe)[name].changes_views]
    everything = RECIPE.replace(**{name: other_value(name) for name in names})
    watched = Watched(everything)
    View(watched, 1).apply(pixels[0], bytes(range(8)), pixels[1])
    return watched.read - json.loads(View(everything, 1).text).keys()


def test_all_that_a_view_reads_of_the_recipe_is_in_its_key(pixels):
    assert read_but_not_in_the_key(pixels) == set()


def test_a_field_that_was_forgotten_is_found(pixels, monkeypatch):
    draw = augment.draw

    def forgetful(recipe, count, seed):
        assert recipe.mixup == 0
        return draw(recipe, count, seed)

    monkeypatch.setattr(augment, "draw", forgetful)

    assert read_but_not_in_the_key(pixels) == {"mixup"}


@pytest.mark.parametrize("name", FIELDS)
def test_a_field_that_changes_a_view_changes_its_key(name, pixels):
    keys = [bytes(range(first, first + 8)) for first in range(3)]  # one flips top to bottom
    same = all(
        np.array_equal(
            View(RECIPE, 1).apply(pixels[0], key, pixels[1]),
            View(changed(name), 1).apply(pixels[0], key, pixels[1]),
        )
        for key in keys
    )

    # The seed acts through the keys of the rows, which are made of the text.
    is_in_key = View(RECIPE, 1).text != View(changed(name), 1).text
    assert is_in_key == (not same or name == "seed")


def test_keys_stay_as_they_were_so_that_what_is_cached_stays_valid():
    """Golden: the text that was hashed when the fields of a view were still listed by hand."""
    recipe = Recipe(name="x", rotation=90.0, flip_horizontal=True, seed=3, zoom=0.1)

    assert View(recipe, 1).text == (
        '{"brightness": 0.0, "flip_horizontal": true, "flip_vertical": false, "rotation": 90.0, '
        '"seed": 3, "shift": 0.0, "view": 1, "zoom": 0.1}'
    )
