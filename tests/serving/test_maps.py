import io
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from dlmath.inference.outcome import Prediction
from dlmath.inference.saved_model_classifier import SavedModelClassifier
from dlmath.serving.limits import Limits
from dlmath.serving.maps import MapMaker
from dlmath.serving.refusal import Refusal

SIZE = 4


def saved_model(**signatures):
    loaded = SimpleNamespace(signatures=signatures)
    return SavedModelClassifier(
        ("DARK", "LIGHT"), SIZE, "LIGHT", None, loaded=loaded, signature=None
    )


def asked_for(maker, image):
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    prediction = Prediction("a.png", "LIGHT", {"DARK": 0.2, "LIGHT": 0.8})
    try:
        return maker.submit(buffer.getvalue(), prediction, Limits()).result()
    finally:
        maker.close()


def test_a_saved_model_draws_the_map_of_the_pixels_that_were_answered(tmp_path):
    def explain(images):
        (content,) = images.numpy()
        red = np.asarray(Image.open(io.BytesIO(content)), np.float32)[..., 0]  # (S, S)
        return {"heat_map": SimpleNamespace(numpy=lambda: red[np.newaxis])}

    pixels = np.random.default_rng(0).integers(0, 255, (SIZE, SIZE, 3), np.uint8)
    maker = MapMaker(tmp_path, saved_model(explain=explain))
    assert maker.is_loaded
    np.testing.assert_array_equal(
        asked_for(maker, Image.fromarray(pixels)).values, pixels[..., 0].astype(np.float32)
    )


def test_a_saved_model_without_the_signature_says_so_from_the_beginning(tmp_path):
    maker = MapMaker(tmp_path, saved_model())
    assert maker.why_none == "This network has no feature map to explain."
    with pytest.raises(Refusal, match="no feature map") as refused:
        asked_for(maker, Image.new("L", (SIZE, SIZE)))
    assert refused.value.status == 404
