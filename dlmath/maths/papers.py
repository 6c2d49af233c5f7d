"""The five papers whose statements are put to the test, and where in them a statement stands."""

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any


@dataclass(frozen=True)
class Paper:
    """A paper as it lies in the folder of papers.

    Attributes:
        author: As it is cited here.
        title: In full.
        file: Name of its text file; lines are counted in that file, from 1.
        authors: In full; "" where the text names none.
        published: Year and place, as far as they are known.
    """

    author: str
    title: str
    file: str
    authors: str
    published: str

    @property
    def citation(self) -> str:
        """What a library needs to find it: authors, title, year and place."""
        named = f"{self.authors}: " if self.authors else ""
        return f"{named}{self.title}. {self.published}."


PAPERS: dict[str, Paper] = {
    "tsemo": Paper(
        "Tsemo",
        "The algebra and the geometry aspect of deep learning",
        "tsemo-algebra-and-geometry-of-deep-learning.txt",
        "Tsemo Aristide",
        "2025, arXiv:2510.18862, https://arxiv.org/abs/2510.18862; the text file has lost its "
        "formulas",
    ),
    "murari": Paper(
        "Murari",
        "Introduction to the mathematics of deep learning",
        "murari-introduction-to-the-mathematics-of-deep-learning.txt",
        "Davide Murari",
        "Slides, University of Cambridge, Department of Applied Mathematics and Theoretical "
        "Physics; 2025 or later, by what they cite; no address is known",
    ),
    "ferguson": Paper(
        "Ferguson",
        "A mathematician's guide to deep learning, part I: neural networks",
        "ferguson-mathematicians-guide-part-1.txt",
        "Peter Ferguson",
        "An article on Medium; 2020 or later, by what it cites; the author's page: "
        "www.peterferguson.co.uk",
    ),
    "jiang": Paper(
        "Jiang",
        "A mathematical understanding of deep learning",
        "jiang-mathematical-understanding-of-deep-learning.txt",
        "J. Jiang",
        "An article by an engineer of ENSEEIHT, INP Toulouse; no year and no address are known",
    ),
    "foundations": Paper(
        "foundations",
        "The mathematical foundations of neural networks: from linear algebra to deep learning",
        "mathematical-foundations-of-neural-networks.txt",
        "",
        "A post that names no author; no year and no address are known",
    ),
}


@dataclass(frozen=True)
class Source:
    """The source of a statement: paper and place.

    Attributes:
        paper: Key of `PAPERS`.
        line: Number of the line in the text file, from 1.
        words: Some words of that line, so that a shift of the lines is noticed.
    """

    paper: str
    line: int
    words: str

    @property
    def place(self) -> str:
        """The source for people, such as `Tsemo, line 179`."""
        return f"{PAPERS[self.paper].author}, line {self.line}"

    @property
    def quote(self) -> str:
        """The sentence of the paper that holds the words, or only them where none is kept."""
        sentences = _quotes().get(f"{self.paper}:{self.line}", [])
        return next((one for one in sentences if self.words in one), self.words)

    def as_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {**vars(self), "quote": self.quote}


@cache
def _quotes() -> dict[str, list[str]]:
    """Return sentences by `paper:line`, each as it stands there, long ones shortened."""
    text = files("dlmath.maths").joinpath("quotes.json").read_text(encoding="utf-8")
    quotes: dict[str, list[str]] = json.loads(text)
    return quotes
