"""Photograph the report of a run (docs/report-*.png) and the page of `dlmath serve` (page-*.png).

    .venv/bin/python docs/make_pictures.py RUN

RUN is a finished and evaluated run on drawn images, since real ones have licences of their own. It
is served, shown images that are drawn for it, and photographed in Debian's Chromium.
"""

import io
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, sync_playwright

from dlmath.runs import Run
from dlmath.serving.page_examples import draw_examples

DOCS = Path(__file__).parent
DESK, PHONE = {"width": 1180, "height": 800}, {"width": 390, "height": 844}
PICTURES = {"desk": (DESK, "light"), "phone": (PHONE, "light"), "dark": (DESK, "dark")}
REPORTS = {"desk": {"width": 1000, "height": 1800}, "phone": {"width": 400, "height": 1800}}
MINUTES = 2 * 60_000


def main() -> None:
    """Take each picture with a page of its own."""
    run = Run(Path(sys.argv[1]))
    if not run.manifest["data"]["phantom"]:
        sys.exit(f"{run.folder} was trained on real images: pictures show drawn ones only.")
    images = [
        {"name": f"drawn-{number}.png", "mimeType": "image/png", "buffer": one.asked.content}
        for number, one in enumerate(draw_examples(run.recipe.name)[1:], start=1)
    ]
    with served(run) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        for name in PICTURES:
            save(photograph(browser, address, name, images), DOCS / f"page-{name}.png")
        for name, size in REPORTS.items():
            page = browser.new_page(viewport=size)
            page.goto(run.report_path.resolve().as_uri())
            save(page.screenshot(), DOCS / f"report-{name}.png")  # the beginning of it
        browser.close()


@contextmanager
def served(run: Run) -> Iterator[str]:
    """Give the address of the run's page, and stop its server at the end."""
    command = [sys.executable, "-m", "dlmath", "serve", str(run.folder), "--port", "0"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        yield server.stdout.readline().strip()
    finally:
        server.terminate()
        server.wait()


def photograph(browser: Browser, address: str, name: str, images: list[dict]) -> bytes:
    """Return a picture of the whole page with the answers to the images."""
    size, scheme = PICTURES[name]
    shown = images if size is DESK else images[1:2]  # a phone's page is long enough
    page = browser.new_page(viewport=size, color_scheme=scheme)
    page.goto(address)
    page.set_input_files("#dl-files", shown)
    page.wait_for_selector("#dl-status:has-text('The maps are drawn.')", timeout=MINUTES)
    return page.screenshot(full_page=True)


def save(picture: bytes, path: Path) -> None:
    """Write a picture with a palette: a third of the bytes, and hardly a colour is changed.

    The palette covers what is rare too, such as the colours of a map, and is then moved to where
    the pixels are.
    """
    colours = Image.open(io.BytesIO(picture)).convert("RGB")
    palette = colours.quantize(256, Image.Quantize.MAXCOVERAGE, kmeans=3)
    palette.save(path, optimize=True)


if __name__ == "__main__":
    main()
