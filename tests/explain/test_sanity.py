import numpy as np
import pytest

from dlmath.explain.classifier_parts import ClassifierParts
from dlmath.explain.heat_map import HeatMap
from dlmath.explain.methods import METHODS
from dlmath.explain.sanity import sanity, sanity_figure
from dlmath.models import build
from dlmath.recipe import Recipe


@pytest.fixture(scope="module")
def parts():
    recipe = Recipe(
        name="small", classes=("a", "b"), backbone="malaria_cnn", weights="none", image_size=32
    )
    return ClassifierParts(build(recipe))


@pytest.fixture
def image():
    return np.random.default_rng(1).integers(0, 256, (32, 32, 3), np.uint8)


def edges(parts, image, index):
    """A method that ignores the network: it shows the image's edges, whatever was learned."""
    grey = image.mean(axis=-1, dtype=np.float32)
    return HeatMap(np.abs(np.gradient(grey)[0]), len(grey))


def test_an_edge_detector_fails(parts, image):
    figure = sanity_figure(sanity(parts, edges, image, 0))

    assert figure.value == pytest.approx(1)
    assert not figure.passed


def test_a_map_that_follows_the_weights_passes(parts, image):
    stages = sanity(parts, METHODS["grad_cam"], image, 0)

    assert sanity_figure(stages).passed
    assert all(stage.rank_correlation < 0.999 for stage in stages)


def test_layers_become_random_from_the_head_down_to_the_first(parts, image):
    stages = sanity(parts, edges, image, 0)

    assert (stages[0].layer, stages[-1].layer) == ("logits", "conv1")
    assert stages[0].layers == 1
    assert stages[-1].layers == 7  # three convolutions, four dense layers


def test_the_weights_are_then_as_before_even_after_a_fault(parts, image):
    before = parts.model.get_weights()
    calls = []

    def fails_later(parts, image, index):
        calls.append(index)
        if len(calls) == 3:
            raise RuntimeError("broken")
        return edges(parts, image, index)

    with pytest.raises(RuntimeError, match="broken"):
        sanity(parts, fails_later, image, 0)

    for was, now in zip(before, parts.model.get_weights(), strict=True):
        np.testing.assert_array_equal(was, now)


def test_at_each_stage_the_weights_below_are_still_the_learned_ones(parts, image):
    learned = {w.path: w.numpy() for w in parts.model.weights}
    changed = []

    def look(parts, image, index):
        changed.append(
            {
                w.path.split("/")[-2]
                for w in parts.model.weights
                if not np.array_equal(w.numpy(), learned[w.path])
            }
        )
        return edges(parts, image, index)

    sanity(parts, look, image, 0)

    assert changed[0] == set()
    assert changed[1] == {"logits"}
    assert (
        changed[1]
        < changed[2]
        < changed[-1]
        == {*("conv1", "conv2", "conv3", "dense1", "dense2", "dense3", "logits")}
    )
