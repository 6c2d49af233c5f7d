"""The five papers whose statements are put to the test, and where in them a statement stands."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Paper:
    """A paper as it lies in the folder of papers.

    Attributes:
        author: As it is cited here.
        title: In full.
        file: Name of its text file; lines are counted in that file, from 1.
    """

    author: str
    title: str
    file: str


PAPERS: dict[str, Paper] = {
    "tsemo": Paper(
        "Tsemo",
        "The algebra and the geometry aspect of deep learning",
        "tsemo-algebra-and-geometry-of-deep-learning.txt",
    ),
    "murari": Paper(
        "Murari",
        "Introduction to the mathematics of deep learning",
        "murari-introduction-to-the-mathematics-of-deep-learning.txt",
    ),
    "ferguson": Paper(
        "Ferguson",
        "A mathematician's guide to deep learning, part I: neural networks",
        "ferguson-mathematicians-guide-part-1.txt",
    ),
    "jiang": Paper(
        "Jiang",
        "A mathematical understanding of deep learning",
        "jiang-mathematical-understanding-of-deep-learning.txt",
    ),
    "foundations": Paper(
        "foundations",
        "The mathematical foundations of neural networks",
        "mathematical-foundations-of-neural-networks.txt",
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
