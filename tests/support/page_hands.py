"""What a visitor of the page does, for the tests in a browser; see `conftest.py`."""

import io
import os
import subprocess
from contextlib import contextmanager

import numpy as np
from PIL import Image
from playwright.sync_api import expect

from tests.support import tiny_network

WAIT = 120_000  # milliseconds; the first map loads Keras
expect.set_options(timeout=WAIT)


@contextmanager
def serving(*arguments, **environment):
    """Give the address of a server in a process of its own."""
    command = [*tiny_network.SERVE, *arguments, "--port", "0"]
    server = subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env={**os.environ, **environment}
    )
    try:
        assert server.stdout is not None
        yield server.stdout.readline().strip()
    finally:
        server.terminate()
        assert server.wait() == 0
        server.stdout.close()


def png(level, name="image.png"):
    """A grey image as the browser's file: the tiny model is the surer, the brighter it is."""
    noise = np.random.default_rng(level).normal(level, 8, (24, 20, 3)).clip(0, 255)
    buffer = io.BytesIO()
    Image.fromarray(noise.astype(np.uint8)).save(buffer, "PNG")
    return {"name": name, "mimeType": "image/png", "buffer": buffer.getvalue()}


def choose(page, *files):
    page.set_input_files("#dl-files", list(files))


def card(page, name):
    return page.locator("article", has=page.get_by_role("heading", name=name, exact=True))


def wait_for_maps(page):
    page.wait_for_selector("#dl-status:has-text('The maps are drawn.')")
