"""Give broken image files to the audit and to the reader of training: none may crash, none hang.

    python benchmarks/trials/mutated_files.py [COUNT]      (20,000 files: some minutes)

The files are made by `tests/support/mutating.py`. They are read in processes of their own, some
hundred files at a time, so that a crash or a hang names its file. Both readers must be of one mind:
a file has a fault in the audit if and only if training refuses it, in the same words. Writes
`benchmarks/results/mutated-files.json`.
"""

import collections
import faulthandler
import hashlib
import json
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))  # where `tests` is

RESULT = ROOT / "benchmarks" / "results" / "mutated-files.json"
COUNT = 20_000
BATCH = 1_000
TIME_LIMIT = 300  # seconds for a batch, which takes a few


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else COUNT
    started = time.perf_counter()
    result = run(count)
    seconds = round(time.perf_counter() - started, 1)
    print(json.dumps(result, indent=2), f"in {seconds} s")
    from dlmath.runs import write_json

    write_json(RESULT, result)


def run(count: int) -> dict[str, Any]:
    """Read `count` broken files in processes of their own, and add up what came of it."""
    faults: collections.Counter[str] = collections.Counter()
    told: collections.Counter[str] = collections.Counter()
    crashes, hangs, disagreements = [], [], []
    for first in range(0, count, BATCH):
        batch = [str(first), str(min(first + BATCH, count))]
        try:
            done = subprocess.run(
                [sys.executable, __file__, "--batch", *batch],
                capture_output=True,
                text=True,
                timeout=TIME_LIMIT,
                check=False,
            )
        except subprocess.TimeoutExpired:
            hangs.append(batch)
            continue
        if done.returncode:
            crashes.append({"batch": batch, "status": done.returncode, "said": done.stderr[-2000:]})
            continue
        report = json.loads(done.stdout)
        faults.update(report["faults"])
        disagreements += report["disagreements"]
        told.update(report["warnings"])
    return {
        "files": count,
        "faults": dict(faults.most_common()),
        "crashes": crashes,
        "hangs": hangs,
        "disagreements": disagreements,
        "warnings": dict(told.most_common()),
    }


def batch(first: int, last: int) -> dict[str, Any]:
    """Read the broken files `first` to `last` by both readers, in this process."""
    from dlmath.audit.files import check_files
    from dlmath.audit.scan import scan_images
    from dlmath.data.sources import ImageRecord
    from tests.support.mutating import mutated

    with tempfile.TemporaryDirectory() as folder:
        examples = []
        for number in range(first, last):
            path = Path(folder) / f"{number}.{('jpg', 'png')[number % 2]}"
            path.write_bytes(data := mutated(number))
            sha256 = hashlib.sha256(data).hexdigest()
            examples.append(ImageRecord(path.name, path, "x", None, None, sha256))
        stats = scan_images(examples)
        check_files(examples, stats)
        refusals = [refusal(example) for example in examples]
    pairs = list(zip(stats, refusals, strict=True))
    return {
        "faults": collections.Counter(image.fault or "sound" for image in stats),
        "disagreements": [
            {"file": image.file, "audit": image.reason, "training": refused}
            for image, refused in pairs
            if image.reason != refused
        ],
    }


def refusal(example: Any) -> str | None:
    """Return what training says against a file, or None."""
    from dlmath.data import images
    from dlmath.errors import DataError

    try:
        images.read(example.path, example.file, 224)
    except DataError as error:
        return str(error)
    return None


if __name__ == "__main__":
    if sys.argv[1:2] == ["--batch"]:
        faulthandler.enable()
        told: list[str] = []
        warnings.simplefilter("always")
        warnings.showwarning = lambda message, *_: told.append(str(message))
        print(json.dumps({**batch(int(sys.argv[2]), int(sys.argv[3])), "warnings": told}))
    else:
        main()
