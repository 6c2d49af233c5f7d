"""Whatever a machine sets for Keras, dlmath computes with what it needs, or refuses by name."""

import json
import os
import subprocess
import sys

import pytest

SETTINGS = "import keras; c = keras.config; print(c.backend(), c.image_data_format(), c.floatx())"
MODEL = """
from dlmath.layers import Conv2D
import numpy as np
print(Conv2D(3, 2)(np.zeros((1, 8, 8, 1), 'float32')).shape)
"""


def run(tmp_path, code, **environment):
    settings = {"backend": "jax", "image_data_format": "channels_first", "floatx": "float64"}
    (tmp_path / "keras.json").write_text(json.dumps({**settings, "epsilon": 1e-3}))
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "KERAS_HOME": str(tmp_path), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("environment", "first"),
    [
        ({}, "import tensorflow"),  # which looks for Keras before it imports it
        ({"KERAS_BACKEND": "torch"}, "from dlmath.models import build"),
    ],
)
def test_settings_of_the_machine_are_not_those_of_dlmath(tmp_path, environment, first):
    done = run(tmp_path, f"import dlmath; {first}; {SETTINGS}; {MODEL}", **environment)
    assert done.stdout.splitlines() == ["tensorflow channels_last float32", "(1, 7, 7, 3)"]


def test_a_keras_that_was_imported_otherwise_is_refused_by_name(tmp_path):
    code = f"import keras; {MODEL}"
    done = run(tmp_path, code, KERAS_BACKEND="tensorflow")
    assert "UserError: dlmath needs Keras with image_data_format 'channels_last'" in done.stderr
    assert "keras.config.set_image_data_format('channels_last')" in done.stderr


def test_another_backend_is_refused_by_name(monkeypatch):
    import keras

    from dlmath._keras_settings import check_keras
    from dlmath.errors import UserError

    check_keras()
    monkeypatch.setattr(keras.config, "backend", lambda: "jax")
    with pytest.raises(UserError, match=r"another backend before\. Received: jax"):
        check_keras()
