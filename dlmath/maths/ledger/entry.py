"""One algorithm or claim of a paper, and what becomes of it here."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Entry:
    """A line of a paper that says something.

    Without `later` or `left_out` it is covered, by the experiments that name the line among their
    sources, by the tests given here, or by both.

    Attributes:
        line: In the text file, from 1; the first line that says it, where several do.
        what: The algorithm, definition or claim, in a few words.
        by: Experiments, where not all that name the line are meant: some lines say many things.
        tests: Test files that cover it, from the root of the repository.
        later: Why it is still to come.
        left_out: Why it will not come.
    """

    line: int
    what: str
    by: tuple[str, ...] = ()
    tests: tuple[str, ...] = ()
    later: str = ""
    left_out: str = ""

    @property
    def status(self) -> str:
        """`covered`, `later` or `left out`."""
        return "later" if self.later else "left out" if self.left_out else "covered"


def tested(line: int, what: str, *tests: str) -> Entry:
    """Return an entry that tests cover, named from the folder tests/ without their ending."""
    return Entry(line, what, tests=tuple(f"tests/{test}.py" for test in tests))


def later(line: int, what: str, why: str) -> Entry:
    """Return an entry that is still to come."""
    return Entry(line, what, later=why)


def left_out(line: int, what: str, why: str) -> Entry:
    """Return an entry that will not come."""
    return Entry(line, what, left_out=why)


HISTORY = "history or outlook, nothing to compute"
OPINION = "a judgement without a measure"
RECURRENT = "recurrent networks"
ATTENTION = "attention and transformers"
GRAPHS = "graphs and categories"
