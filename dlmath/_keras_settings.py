"""Keras as dlmath computes with it: TensorFlow below, channels last, float32.

`KERAS_BACKEND` and `~/.keras/keras.json` may say otherwise, for other programs of this machine.
Both are read when Keras is imported, so what is needed is set before and right after that.
"""

import os
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

_BACKEND = "tensorflow"
_WANTED = {"image_data_format": "channels_last", "floatx": "float32", "epsilon": 1e-7}


def prepare_keras() -> None:
    """Have Keras imported with the settings that dlmath needs, unless it is imported already."""
    if "keras" not in sys.modules and not any(isinstance(one, _Hook) for one in sys.meta_path):
        os.environ["KERAS_BACKEND"] = _BACKEND
        sys.meta_path.insert(0, _Hook())


def check_keras() -> None:
    """Refuse a Keras that was imported before dlmath with other settings.

    Raises:
        UserError: Which, and how to set them.
    """
    import keras

    from dlmath.errors import UserError

    backend = keras.config.backend()
    if backend != _BACKEND:
        raise UserError(
            f"dlmath needs Keras with {_BACKEND}, and it was imported with another backend before. "
            f"Received: {backend}. Import dlmath first, or set KERAS_BACKEND={_BACKEND}."
        )
    for name, wanted in _WANTED.items():
        if (found := getattr(keras.config, name)()) != wanted:
            raise UserError(
                f"dlmath needs Keras with {name} {wanted!r}, and it was imported with another "
                f"before. Received: {found!r}. Import dlmath first, or call "
                f"keras.config.set_{name}({wanted!r})."
            )


class _Hook:
    """Finder that lets Keras be imported as ever, and then sets what keras.json may have changed.

    A finder only by its method, as in `dlmath._checkout`.
    """

    _is_asking = False

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != "keras" or self._is_asking:
            return None
        import importlib.util  # not for every start

        self._is_asking = True
        try:
            spec = importlib.util.find_spec(fullname)
        finally:
            self._is_asking = False
        if spec is not None and spec.loader is not None:
            spec.loader.exec_module = _settling(spec.loader.exec_module)  # type: ignore[method-assign]
        return spec


def _settling(execute: Any) -> Any:
    def exec_module(module: ModuleType) -> None:
        execute(module)
        for name, wanted in _WANTED.items():
            getattr(module.config, f"set_{name}")(wanted)

    return exec_module
