"""Write docs/faults.md: every fault in a backward pass, and which oracle catches it.

Run: python benchmarks/trials/fault_table.py docs/faults.md      (some minutes)
"""

import logging
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from dlmath.gradcheck import suite
from dlmath.gradcheck.faults import FAULTS
from dlmath.gradcheck.suite import Verdict

HEAD = """# Faults in backward passes, and what catches them

Written by `python benchmarks/trials/fault_table.py docs/faults.md`; do not edit.

The checker of `dlmath.gradcheck` is itself checked: each backward pass of `dlmath.layers` is
replaced by wrong ones, and `dlmath check` must say so. Most are made from the source: every term
dropped, negated and transposed, every sum and mean exchanged, every comparison loosened and turned
round, the arguments of every matrix product swapped. The others are mistakes that people make,
written by hand. "Caught by" lists the oracles that fail at the first case where any does; *error*
means that the wrong pass could not even run, *extremes* that only an extreme input shows it.

"Ones" is the usual check: compare with the tape, under an upstream gradient of ones. It is given
the same cases and the same tolerance, and still passes what it marks "no".

"""


def main() -> None:
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    target = Path(sys.argv[1])
    text = document(suite.run(suite.all_faults()))
    target.write_text(text, encoding="utf-8")
    print(text.partition("## By hand")[0].partition("## Summary")[2].strip())


def document(verdicts: Sequence[Verdict]) -> str:
    """The page, in Markdown."""
    by_hand = [v for v in verdicts if v.fault in FAULTS]
    made = [v for v in verdicts if v.fault not in FAULTS]
    return (
        HEAD
        + "## Summary\n\n"
        + "\n".join(summary(verdicts))
        + "\n\n## By hand\n\n"
        + table(by_hand)
        + "\n## From the source\n\n"
        + table([v for v in made if not v.equivalent])
        + "\n## Equivalent\n\n"
        + "Not faults: each transposes a number, a vector, or what has one axis longer than 1 "
        + "(the suite watches), and so changes nothing.\n\n"
        + "\n".join(f"- {v.fault.where}: {v.fault.what}" for v in made if v.equivalent)
        + "\n"
    )


def summary(verdicts: Sequence[Verdict]) -> Iterable[str]:
    real = [v for v in verdicts if not v.equivalent]
    caught = [v for v in real if v.caught_by]
    yield "| | faults | caught | by ones |"
    yield "| --- | ---: | ---: | ---: |"
    yield _row("**all**", real)
    for name, rows in (
        ("written by hand", [v for v in real if v.fault in FAULTS]),
        ("made from the source", [v for v in real if v.fault not in FAULTS]),
    ):
        yield _row(f"**{name}**", rows)
    for where in dict.fromkeys(v.fault.where for v in real):
        rows = [v for v in real if v.fault.where == where]
        yield _row(where, rows)
    yield ""
    counts = Counter(oracle for v in caught for oracle in v.caught_by)
    single = Counter(v.caught_by[0] for v in caught if len(v.caught_by) == 1)
    yield "| oracle | faults caught | caught only by it |"
    yield "| --- | ---: | ---: |"
    for oracle, count in counts.most_common():
        yield f"| {oracle} | {count} | {single[oracle]} |"
    yield ""
    equivalent = len(verdicts) - len(real)
    yield f"{equivalent} further mutants are equivalent to the right pass; they are listed below."


def _row(name: str, rows: Sequence[Verdict]) -> str:
    found, usual = sum(bool(v.caught_by) for v in rows), sum(v.by_ones for v in rows)
    return f"| {name} | {len(rows)} | {found} | {usual} ({usual / len(rows):.0%}) |"


def table(verdicts: Iterable[Verdict]) -> str:
    rows = ["| where | fault | caught by | ones |", "| --- | --- | --- | --- |"]
    for verdict in verdicts:
        what = verdict.fault.what.replace("|", "\\|")
        caught = ", ".join(verdict.caught_by) or "**nothing**"
        ones = "yes" if verdict.by_ones else "no"
        rows.append(f"| {verdict.fault.where} | {what} | {caught} | {ones} |")
    return "\n".join(rows) + "\n"


if __name__ == "__main__":
    main()
