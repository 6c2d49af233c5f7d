"""Ask the package index for known vulnerabilities of everything that the locks pin.

    python .ci/known_vulnerabilities.py requirements/base.txt ...

Exits with 1 if there is one. An index that has no such records, as mirrors have none, is said to
have none: what was not looked up is no all-clear.
"""

import json
import subprocess
import sys
from typing import Any

SECONDS = 300  # for one lock; an index that is that slow has not answered


def audit(lock: str) -> dict[str, Any] | None:
    """Return pip-audit's findings on a lock, or None where no index answered."""
    options = ["--no-deps", "--disable-pip", "--progress-spinner", "off", "--format", "json"]
    command = [sys.executable, "-m", "pip_audit", "--requirement", lock, *options]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=SECONDS)
        found: dict[str, Any] = json.loads(done.stdout)
    except (subprocess.TimeoutExpired, ValueError):
        return None
    return found


def verdict(found: dict[str, Any] | None) -> tuple[str, bool]:
    """Return a sentence on the findings, and whether they are in order."""
    if found is None:
        return "left out, no index answered", True
    looked_up = [item for item in found["dependencies"] if "skip_reason" not in item]
    skipped = len(found["dependencies"]) - len(looked_up)
    if not looked_up:
        return f"left out, the index knows nothing of {skipped} packages", True
    known = [
        f"{item['name']} {item['version']}: {', '.join(hole['id'] for hole in item['vulns'])}"
        for item in looked_up
        if item["vulns"]
    ]
    counts = f"{len(looked_up)} packages looked up, {skipped} unknown to the index"
    return (f"{counts}; vulnerable: {'; '.join(known)}", False) if known else (counts, True)


if __name__ == "__main__":
    in_order = True
    for lock in sys.argv[1:]:
        sentence, is_fine = verdict(audit(lock))
        print(f"{lock}: {sentence}")  # noqa: T201
        in_order &= is_fine
    sys.exit(not in_order)
