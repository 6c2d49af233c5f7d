"""Mutation scores of the modules that split and that save: which changed line no test notices.

In a clone, since the files are changed in place, with cosmic-ray installed next to the tests:

    for name in splits checkpoints; do
        cosmic-ray init benchmarks/trials/mutations/$name.toml $name.sqlite
        cr-filter-operators $name.sqlite benchmarks/trials/mutations/$name.toml
        cosmic-ray exec benchmarks/trials/mutations/$name.toml $name.sqlite    # about an hour each
    done
    python benchmarks/trials/mutations.py splits.sqlite checkpoints.sqlite

Writes benchmarks/results/mutations.json; `readme_tables.py` makes docs/mutations.md of it.
"""

import json
import sqlite3
import sys
from collections import Counter
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parents[1] / "results" / "mutations.json"


def score(session: Path) -> dict[str, Any]:
    """Return how many mutants a session tried, and those that survived."""
    with sqlite3.connect(f"file:{session}?mode=ro", uri=True) as connection:
        rows = connection.execute(
            "SELECT module_path, start_pos_row, worker_outcome, test_outcome, diff FROM"
            " work_results JOIN mutation_specs USING (job_id) ORDER BY 1, 2, diff"
        ).fetchall()
        (planned,) = connection.execute("SELECT COUNT(*) FROM work_items").fetchone()
    tried = [row for row in rows if row[2] != "SKIPPED"]
    survived = [row for row in tried if row[3] == "SURVIVED"]
    return {
        "left_out": len(rows) - len(tried),
        "not_run": planned - len(rows),
        "tried": len(tried),
        "killed": len(tried) - len(survived),
        "by_module": dict(sorted(Counter(row[0] for row in tried).items())),
        "survived": [
            {"module": module, "line": line, **_change(diff)}
            for module, line, _, _, diff in survived
        ],
    }


def _change(diff: str) -> dict[str, str]:
    """Return the line before and after."""
    lines = [line for line in diff.splitlines() if not line.startswith(("---", "+++"))]
    return {
        name: " ".join(line[1:].strip() for line in lines if line.startswith(sign))
        for name, sign in (("before", "-"), ("after", "+"))
    }


if __name__ == "__main__":
    found = {Path(name).stem: score(Path(name)) for name in sys.argv[1:]}
    RESULTS.write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
