"""Audit the real data sets by the command line, and hold the findings against what is known.

    python benchmarks/studies/audits.py ../shared/data

Writes `benchmarks/results/audits.json`. Each set is audited twice, with an empty cache and again;
the first time holds unpacking and hashing.
"""

import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

RESULT = Path(__file__).parents[1] / "results" / "audits.json"
REVIEW = "malaria/malaria_expert_review.csv"
SETS = {
    "chest X-rays, 224 px": ("chest_xray",),
    "chest X-rays, originals": ("chest_xray_original/chest_xray_original.zip",),
    "malaria cells": ("malaria", "--review", f"DATA/{REVIEW}"),
    "adult chest X-rays": ("external", "--patients", r"^(\d{8})"),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("data", type=Path, help="the folder with chest_xray/, malaria/, external/")
    data = parser.parse_args().data.resolve()
    audits = {name: audited(arguments, data) for name, arguments in SETS.items()}
    result = {
        "command": "python benchmarks/studies/audits.py DATA",
        "cores": len(os.sched_getaffinity(0)),
        "audits": {name: kept(audit) for name, audit in audits.items()},
        "known": {
            "chest X-rays, 224 px": duplicates_compared(audits["chest X-rays, 224 px"], data),
            "malaria cells": reviews_compared(audits["malaria cells"], data),
        },
    }
    RESULT.write_text(json.dumps(result, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"-> {RESULT}")


def audited(arguments: tuple[str, ...], data: Path) -> dict[str, Any]:
    """Run the audit with an empty cache and again; return its document with both times."""
    words = [word.replace("DATA", str(data)) for word in arguments]
    command = [sys.executable, "-m", "dlmath", "data", "audit", str(data / words[0]), *words[1:]]
    seconds = []
    with tempfile.TemporaryDirectory() as home:
        for _ in range(2):
            began = time.perf_counter()
            done = subprocess.run(
                [*command, "--json"],
                env={**os.environ, "DLMATH_HOME": home},
                stdout=subprocess.PIPE,
                text=True,
            )
            seconds.append(round(time.perf_counter() - began, 1))
    if done.returncode not in (0, 2):
        sys.exit(f"{' '.join(command)} exited with {done.returncode}")
    document = json.loads(done.stdout)
    shown = " ".join(("dlmath data audit", f"DATA/{arguments[0]}", *arguments[1:]))
    print(f"{shown}: {seconds} s, {document['counts']}")
    return {**document, "command": shown, "exit_code": done.returncode, "seconds": seconds}


def kept(audit: dict[str, Any]) -> dict[str, Any]:
    """Return what of an audit is kept: no file names of the data sets, only how many."""
    findings = [
        {
            **{name: finding[name] for name in ("severity", "kind", "message", "figures")},
            "groups": len(finding["groups"]),
        }
        for finding in audit["findings"]
    ]
    names = ("command", "exit_code", "seconds", "images", "patients", "counts")
    return {**{name: audit[name] for name in names}, "findings": findings}


def duplicates_compared(audit: dict[str, Any], data: Path) -> dict[str, int]:
    """Compare the groups of identical images with the published list."""
    groups: dict[str, set[str]] = {}
    with (data / "chest_xray" / "chest_xray_duplicates.csv").open(newline="") as lines:
        for row in csv.DictReader(lines):
            groups.setdefault(row["group"], set()).add(Path(row["file"]).name)
    known = {frozenset(group) for group in groups.values()}
    found = {
        frozenset(Path(file).name for file in group)
        for finding in audit["findings"]
        if finding["kind"].startswith("identical")
        for group in finding["groups"]
    }
    return {
        "known_groups": len(known),
        "found_groups": len(found),
        "found_of_known": len(known & found),
    }


def reviews_compared(audit: dict[str, Any], data: Path) -> dict[str, int]:
    """Compare the disputed labels with a count of the review's own file."""
    with (data / REVIEW).open(newline="") as lines:
        known = {row["file"] for row in csv.DictReader(lines) if row["review"].startswith("False")}
    found = {
        Path(file).name
        for finding in audit["findings"]
        if finding["kind"] == "disputed-labels"
        for group in finding["groups"]
        for file in group
    }
    names = {Path(file).name for file in known}
    return {
        "known_disputed": len(names),
        "found_disputed": len(found),
        "found_of_known": len(names & found),
    }


if __name__ == "__main__":
    main()
