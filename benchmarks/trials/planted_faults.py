"""Plant every kind of fault into copies of clean data sets, and count what the audit finds.

    python benchmarks/trials/planted_faults.py ../shared/data      (some minutes)

The clean sets: phantoms of both tasks, the training part of the chest X-rays, the blood cells, and
the chest X-rays of adults. First each is audited as it is: what is called a near-duplicate there is
a false alarm. Then faults are planted into copies of it, by `tests/support/planting.py`; what is
called a near-duplicate and was not planted is one too. Writes
`benchmarks/results/planted-faults.json`.
"""

import argparse
import os
import shutil
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dlmath.audit.files import check_files
from dlmath.audit.findings import Finding
from dlmath.audit.folders import check_folders
from dlmath.audit.leakage import check_leakage
from dlmath.audit.near_duplicates import check_near_duplicates
from dlmath.audit.reading import read_for_audit
from dlmath.audit.scan import scan_images
from dlmath.data.phantom import write_phantoms
from dlmath.data.sources import ImageRecord, read_sources
from dlmath.models import RECIPES
from dlmath.runs import write_json

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))  # where `tests` is
from tests.support import planting  # noqa: E402

RESULT = ROOT / "benchmarks" / "results" / "planted-faults.json"
SEED = 20_260
FEW = 100  # images of a tree that a folder trap is laid in
PLANTERS = (
    planting.plant_file_faults,
    planting.plant_identical_copies,
    planting.plant_edited_copies,
    planting.plant_patients,
)
ADULTS = (r"^(?P<patient>\d{8})_",)  # as DATA.md says of their names
PATIENT_RULES = (*RECIPES["pneumonia"].patient_rules, *RECIPES["malaria"].patient_rules, *ADULTS)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("data", type=Path, help="the folder with chest_xray/ and malaria/")
    parser.add_argument("--each", type=int, default=25, help="how many of every kind")
    arguments = parser.parse_args()
    results = {}
    with tempfile.TemporaryDirectory() as folder:
        os.environ["DLMATH_HOME"] = f"{folder}/home"  # or an earlier audit would be remembered
        for name, examples in clean_sets(arguments.data, Path(folder)).items():
            results[name] = audit_set(examples, Path(folder) / "copy", arguments.each)
            print(name, results[name], flush=True)
    write_json(RESULT, {"each": arguments.each, "sets": results, "together": added_up(results)})


def clean_sets(data: Path, folder: Path) -> dict[str, Sequence[ImageRecord]]:
    """Return the examples of the five sets by name."""
    sources = {
        "phantom films": write_phantoms("pneumonia", folder / "films"),
        "phantom cells": write_phantoms("malaria", folder / "cells"),
        "chest X-rays, training part": data / "chest_xray",
        "blood cells": data / "malaria",
        "chest X-rays of adults": data / "external",
    }
    sets = {
        name: read_sources([source], patient_rules=PATIENT_RULES).examples
        for name, source in sources.items()
    }
    xrays = "chest X-rays, training part"
    return {**sets, xrays: [example for example in sets[xrays] if example.part == "train"]}


def audit_set(examples: Sequence[ImageRecord], folder: Path, each: int) -> dict[str, Any]:
    """Audit a clean set, and copies of it with faults."""
    started = time.perf_counter()
    stats = scan_images(examples)
    gathered = time.perf_counter()
    check_leakage(examples, stats)
    near = check_near_duplicates(examples, stats)
    compared = time.perf_counter()
    flagged = {names(group) for group in near_duplicates(near)}
    planted, alarms = plant_and_audit(examples, folder, each)
    alarms |= flagged
    return {
        "images": len(examples),
        "seconds_to_gather": round(gathered - started, 1),
        "seconds_to_find_leaks": round(compared - gathered, 1),
        "false_alarms": sorted(sorted(group) for group in alarms),
        "found_and_planted": planted,
    }


def plant_and_audit(
    examples: Sequence[ImageRecord], folder: Path, each: int
) -> tuple[dict[str, list[int]], set[frozenset[str]]]:
    """Return how many of each fault were found and planted, and groups that nobody planted."""
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    alarms = set()
    for number, planter in enumerate(PLANTERS):
        copy = planting.copy_as_split(examples, folder)
        planted = planter(copy, np.random.default_rng([SEED, number]), each)
        findings = audit_tree(copy)
        for fault in planted:
            counts[fault.fault][0] += fault.is_found(findings)
            counts[fault.fault][1] += 1
        accounted = {names(fault.files) for fault in planted}
        alarms |= {names(group) for group in near_duplicates(findings)} - accounted
        shutil.rmtree(folder)
    few = examples[:: max(1, len(examples) // FEW)]
    for fault, (kind, spring) in planting.FOLDER_TRAPS.items():
        copy = planting.copy_as_split(few, folder)
        before = {finding.kind for finding in check_folders(copy)}
        spring(copy)
        after = {finding.kind for finding in check_folders(copy)}
        counts[fault] = [int(kind in after - before), 1]
        shutil.rmtree(folder)
    return dict(counts), alarms


def audit_tree(root: Path) -> list[Finding]:
    """Return what the checks of files and leaks find."""
    examples = read_for_audit([root], (), PATIENT_RULES).examples
    stats = scan_images(examples)
    return [
        *check_files(examples, stats),
        *check_leakage(examples, stats),
        *check_near_duplicates(examples, stats),
    ]


def near_duplicates(findings: Sequence[Finding]) -> list[tuple[str, ...]]:
    return [
        group
        for finding in findings
        if finding.kind.startswith("near-duplicates")
        for group in finding.groups
    ]


def names(files: Sequence[str]) -> frozenset[str]:
    return frozenset(Path(file).name for file in files)


def added_up(results: dict[str, Any]) -> dict[str, Any]:
    """Return what was found and planted of each fault in all sets, and all false alarms."""
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for result in results.values():
        for fault, (found, planted) in result["found_and_planted"].items():
            counts[fault][0] += found
            counts[fault][1] += planted
    alarms = sum(len(result["false_alarms"]) for result in results.values())
    return {"found_and_planted": dict(counts), "false_alarms": alarms}


if __name__ == "__main__":
    main()
