"""Weights that cannot be had are named before images are drawn, read or audited."""

import pytest

import dlmath
from dlmath.errors import WeightsError
from dlmath.models import RECIPES, keras_networks, other_recipe
from dlmath.models.pretrained import check_weights
from dlmath.models.tasks import recipe_with
from dlmath.training import cross_validate, plan

PAPER = other_recipe("pneumonia", "paper")


@pytest.fixture
def offline(monkeypatch, tmp_path):
    """No connection, and nothing downloaded before."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))

    def fail(*_, **__):
        raise OSError("no route to host")

    monkeypatch.setattr(keras_networks.keras.applications, "EfficientNetB0", fail)
    return tmp_path


@pytest.mark.parametrize("act", [dlmath.train, plan, cross_validate])
def test_nothing_is_drawn_or_audited_before_the_weights_are_there(offline, monkeypatch, act):
    for step in ("prepare", "audit_prepared"):
        monkeypatch.setattr(
            f"dlmath.training.preflight.{step}", lambda *_: pytest.fail("begun"), raising=False
        )
    monkeypatch.setattr("dlmath.training.cross_validation.prepare", lambda *_: pytest.fail("begun"))
    with pytest.raises(WeightsError, match="Cannot get the ImageNet weights of efficientnet_b0"):
        act(PAPER, "phantom", out=offline / "run")
    assert not (offline / "run").exists()


def test_weights_that_were_downloaded_are_not_fetched_again(offline):
    (offline / "keras/models").mkdir(parents=True)
    (offline / "keras/models/efficientnetb0_notop.h5").touch()

    check_weights(PAPER)


def test_installed_weights_are_only_looked_for(monkeypatch):
    monkeypatch.setattr("dlmath.models.pretrained.build", lambda *_: pytest.fail("built"))
    check_weights(RECIPES["pneumonia"])
    check_weights(PAPER.replace(weights="none"))


def test_a_file_of_weights_is_read(tmp_path):
    path = tmp_path / "some.weights.h5"
    path.write_bytes(b"no weights")
    with pytest.raises(WeightsError, match="does not hold weights of this network"):
        check_weights(RECIPES["malaria"].replace(weights=str(path), image_size=32))


def test_a_network_without_imagenet_weights_is_named_before_tensorflow_is_loaded():
    with pytest.raises(WeightsError, match=r"no ImageNet weights for malaria_cnn.*--weights none"):
        recipe_with(other_recipe("malaria", "paper"), {"weights": "imagenet"})
