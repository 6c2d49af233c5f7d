"""Ask the page of `dlmath serve` about image files, in a real browser; see `parity.py`.

A person reads three decimals there. The bar next to them is drawn to a hundredth of a per cent, and
that is read here: a probability that is right is off by up to 0.00005.
"""

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from answers import Said  # next to this file
from playwright.sync_api import Page, sync_playwright

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
AT_ONCE = 8
MILLISECONDS = 120_000
# Cards that are answered, by the names of their files.
READ = """() => Object.fromEntries([...document.querySelectorAll('article.dl-card')]
  .filter((card) => card.querySelector('.dl-decision'))
  .map((card) => [card.querySelector('h3').textContent, {
    decision: card.querySelector('.dl-decision strong').textContent,
    of: card.querySelector('.dl-probability span').textContent,
    percent: parseFloat(card.querySelector('.dl-fill').style.width),
    abstains: card.querySelector('.dl-doubt') !== null,
  }]))"""


def by_page(url: str, files: Sequence[Path], classes: tuple[str, ...]) -> Said:
    """Return what the page shows of each file; of two classes."""
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=BROWSER, args=ARGUMENTS)
        page = browser.new_page()
        page.set_default_timeout(MILLISECONDS)
        page.goto(url)
        shown = [
            one
            for first in range(0, len(files), AT_ONCE)
            for one in _answers(page, files[first : first + AT_ONCE])
        ]
        browser.close()
    return Said(
        classes,
        np.array([_probabilities(one["of"], one["percent"] / 100, classes) for one in shown]),
        np.array([one["decision"] for one in shown]),
        np.array([one["abstains"] for one in shown]),
    )


def _answers(page: Page, files: Sequence[Path]) -> Iterator[dict]:
    page.set_input_files("#dl-files", files)
    names = [file.name for file in files]
    page.wait_for_function(
        f"(names) => {{ const shown = ({READ})(); return names.every((name) => name in shown); }}",
        arg=names,
    )
    shown = page.evaluate(READ)
    return (shown[name] for name in names)


def _probabilities(of: str, probability: float, classes: tuple[str, ...]) -> list[float]:
    return [probability if name == of else 1 - probability for name in classes]
