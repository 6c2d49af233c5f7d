"""Blocks of docs/sequences.md about the model of arithmetic; see `benchmarks/tables.py`."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy.stats import t

from benchmarks.studies.arithmetic_proofs import CONTROL, EXPERT, FIRST
from benchmarks.tables import block, load, table
from dlmath.stats import clopper_pearson


@block
def arithmetic_accepted() -> str:
    """Return a row for each way to write proofs: shares accepted, with intervals."""
    runs = load("arithmetic-proofs")["runs"]
    families = list(runs[0]["test_propositions"])
    rows = [[way, *(_share(runs, way, family) for family in families)] for way in runs[0]["ways"]]
    return table(["written by", *families], rows)


def _share(runs: list[dict[str, Any]], way: str, family: str) -> str:
    number = sum(run["test_propositions"][family] for run in runs)
    accepted = sum(run["ways"][way]["accepted"][family] for run in runs)
    found = clopper_pearson(accepted / number, number)
    return f"{found.value:.2f} [{found.low:.2f}, {found.high:.2f}]"


@block
def arithmetic_iteration() -> str:
    """Return what training on accepted tries adds to training as long on the first proofs."""
    runs = load("arithmetic-proofs")["runs"]
    rows = []
    for family in runs[0]["test_propositions"]:
        kept = "/".join(str(run["kept"].get(family, "-")) for run in runs)
        gains = [(EXPERT, CONTROL), (CONTROL, FIRST)]
        rows.append([family, kept, *(_gain(runs, family, *pair) for pair in gains)])
    heads = ["propositions", "proofs kept, by seed", "expert iteration less control"]
    return table([*heads, "control less the model"], rows)


def _gain(runs: list[dict[str, Any]], family: str, one: str, other: str) -> str:
    gains = [
        (run["ways"][one]["accepted"][family] - run["ways"][other]["accepted"][family])
        / run["test_propositions"][family]
        for run in runs
    ]
    mean, count = np.mean(gains), len(gains)
    reach = t.ppf(0.975, count - 1) * np.std(gains, ddof=1) / count**0.5
    return f"{mean:+.2f} [{mean - reach:+.2f}, {mean + reach:+.2f}]"


@block
def arithmetic_texts() -> str:
    """Return proofs that the first seed's model wrote, right and wrong ones."""
    way = load("arithmetic-proofs")["runs"][0]["ways"][FIRST]
    return "```\n" + "".join(_texts(way)) + "```\n"


def _texts(way: dict[str, Any]) -> Iterator[str]:
    for family in way["accepted"]:
        for verdict, word in (("right", "accepted"), ("wrong", "refused")):
            if family in way[verdict]:
                yield f"{family}, {word}:\n    {way[verdict][family]}\n"
