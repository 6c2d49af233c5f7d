"""One algorithm or claim of a paper, and what becomes of it here."""

from dataclasses import dataclass

FAULTS = ("negated", "scaled", "shifted")


@dataclass(frozen=True)
class UnitTest:
    """A test function, and the code of the statement that it must fail without.

    `tests/maths/test_ledger_evidence.py` puts wrong code in the place of the right one and runs
    the test.

    Attributes:
        name: As pytest names it: `tests/maths/test_network.py::test_a_step_goes_against_...`.
        breaks: The code that computes the statement, as `module:function`, `module:Class.method`,
            `module:TABLE[key].field`; a constant may be named as well.
        faults: Of `FAULTS`, those that the test must notice: the results of the function with the
            other sign (of truth values: the other one), 1.1 times as large, 0.1 larger (of whole
            numbers: 1 larger). All of them, unless there are results that the statement permits.
        edit: In the place of these, a piece of the function's source and what to write there.
    """

    name: str
    breaks: str
    faults: tuple[str, ...] = FAULTS
    edit: tuple[str, str] | None = None


@dataclass(frozen=True)
class Entry:
    """A line of a paper that says something.

    Without `later` or `left_out` it is covered, by the experiments that name the line among their
    sources, by the tests given here, or by both.

    Attributes:
        line: In the text file, from 1; the first line that says it, where several do.
        what: The algorithm, definition or claim, in a few words.
        by: Experiments, where not all that name the line are meant: some lines say many things.
        tests: Test functions that cover it, each with the code that it must fail without.
        later: Why it is still to come.
        left_out: Why it will not come.
    """

    line: int
    what: str
    by: tuple[str, ...] = ()
    tests: tuple[UnitTest, ...] = ()
    later: str = ""
    left_out: str = ""

    @property
    def status(self) -> str:
        """`covered`, `later` or `left out`."""
        return "later" if self.later else "left out" if self.left_out else "covered"


def unit(test: str, breaks: str, *faults: str, edit: tuple[str, str] | None = None) -> UnitTest:
    """Return a test function with the code that it must fail without.

    Args:
        test: From the folder tests/, without the ending of the file: `layers/test_dense::test_x`.
        breaks: From the package dlmath: `layers.dense:Dense.forward`.
        faults: See `UnitTest`.
        edit: See `UnitTest`.
    """
    file, _, function = test.partition("::")
    name = f"tests/{file}.py::{function}"
    return UnitTest(name, f"dlmath.{breaks}", faults or FAULTS, edit)


def tested(line: int, what: str, *tests: UnitTest) -> Entry:
    """Return an entry that test functions cover."""
    return Entry(line, what, tests=tests)


def later(line: int, what: str, why: str) -> Entry:
    """Return an entry that is still to come."""
    return Entry(line, what, later=why)


def left_out(line: int, what: str, why: str) -> Entry:
    """Return an entry that will not come."""
    return Entry(line, what, left_out=why)


HISTORY = "history or outlook, nothing to compute"
OPINION = "a judgement without a measure"
GRAPHS = "graphs and categories"
