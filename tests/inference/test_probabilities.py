import gc
import weakref

import numpy as np
import pytest

from dlmath.inference import probabilities
from dlmath.inference.probabilities import predict_probabilities
from tests.support import tiny_runs


@pytest.fixture
def model():
    return tiny_runs.brightness_model(size=4)


@pytest.fixture
def pixels():
    return np.random.default_rng(0).integers(0, 256, (10, 4, 4, 3), dtype=np.uint8)


def test_they_are_those_of_the_model_whatever_the_batch(model, pixels):
    brightness = pixels.mean(axis=(1, 2, 3))
    expected = 1 / (1 + np.exp(-(brightness - 120) / 20))

    for batch_size in (1, 4, 10, 64):
        ours = predict_probabilities(model, pixels, batch_size)

        assert ours.dtype == np.float64
        np.testing.assert_allclose(ours[:, 1], expected, atol=1e-6)  # float32 inside
        np.testing.assert_allclose(ours.sum(axis=1), 1, atol=1e-6)


def test_floating_pixels_are_taken_as_they_are(model, pixels):
    np.testing.assert_array_equal(
        predict_probabilities(model, pixels.astype(np.float32)),
        predict_probabilities(model, pixels),
    )


def test_smaller_batches_and_later_calls_trace_nothing_anew(model, pixels, monkeypatch):
    traces = 0
    call = type(model).call

    def counted(self, *args, **kwargs):
        nonlocal traces
        traces += 1
        return call(self, *args, **kwargs)

    monkeypatch.setattr(type(model), "call", counted)
    for batch_size in (4, 3, 64):
        predict_probabilities(model, pixels, batch_size)

    assert traces == 1


def test_it_follows_the_weights(model, pixels):
    before = predict_probabilities(model, pixels)
    head = model.get_layer("probabilities")
    head.set_weights([-weight for weight in head.get_weights()])

    np.testing.assert_allclose(predict_probabilities(model, pixels), before[:, ::-1], atol=1e-6)


def test_it_keeps_no_model_alive(pixels):
    model = tiny_runs.brightness_model(size=4)
    predict_probabilities(model, pixels)
    gone = weakref.ref(model)
    known = len(probabilities._traced)

    del model
    gc.collect()

    assert gone() is None
    assert len(probabilities._traced) < known


def test_progress_counts_images(model, pixels):
    heard = []

    predict_probabilities(model, pixels, 4, lambda done, total: heard.append((done, total)))

    assert heard == [(4, 10), (8, 10), (10, 10)]


def test_no_images_give_no_rows(model, pixels):
    assert predict_probabilities(model, pixels[:0]).shape == (0, 2)
