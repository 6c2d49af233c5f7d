"""Lets dlmath build the network of a tiny run, which is in no table of dlmath. Loads no Keras.

python -m tests.support.tiny_network serve runs/tiny      # as `dlmath serve runs/tiny`
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from unittest import mock

from dlmath.models.backbones import BACKBONES, Backbone

NAME = "brightness"
SERVE = (sys.executable, "-m", "tests.support.tiny_network", "serve")  # `dlmath serve`
BRIGHTNESS = Backbone(
    network="tests.support.tiny_runs:brightness_network",
    native_size=16,
    smallest_size=1,
    tail="mean",
    imagenet="none",
    is_whole=True,
)


@contextmanager
def known() -> Iterator[None]:
    """Let recipes name the network, for the block."""
    with mock.patch.dict(BACKBONES, {NAME: BRIGHTNESS}):
        yield


if __name__ == "__main__":
    from dlmath.cli.main import main

    with known():
        main()
