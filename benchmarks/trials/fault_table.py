"""Note every fault in a backward pass, and which oracle catches it.

    python benchmarks/trials/fault_table.py      (some minutes)

Writes `benchmarks/results/backward-faults.json`; docs/faults.md says how the faults are made.
"""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dlmath.gradcheck import suite
from dlmath.gradcheck.faults import FAULTS
from dlmath.gradcheck.report import EVIDENCE
from dlmath.gradcheck.suite import Verdict
from dlmath.runs import write_json

RESULT = Path(__file__).resolve().parents[1] / "results" / "backward-faults.json"


def main() -> None:
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    found = record(suite.run(suite.all_faults()))
    write_json(RESULT, found)
    real = [one for one in found["faults"] if not one["equivalent"]]
    print(f"{len(real)} faults, {sum(bool(one['caught_by']) for one in real)} caught")


def record(verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """Return the content of the result file."""
    return {
        "evidence": {kind: list(readings) for kind, readings in EVIDENCE.items()},
        "faults": [
            {
                "where": verdict.fault.where,
                "what": verdict.fault.what,
                "by_hand": verdict.fault in FAULTS,
                "caught_by": list(verdict.caught_by),
                "by_ones": verdict.by_ones,
                "plain": verdict.plain,
                "equivalent": verdict.equivalent,
            }
            for verdict in verdicts
        ],
    }


if __name__ == "__main__":
    main()
