"""Examine runs on real cells that are well, then the same runs sabotaged in every known way.

    python benchmarks/trials/doctor.py ../shared/data/malaria/malaria_cells.zip      (ten minutes)

Trains the malaria network for one epoch, and the head of an EfficientNet-Lite0 by steps, on 5,416
cells (capped per patient). Each is examined as it is; then each sabotage of
`tests/support/sabotage.py` is done to a copy, and all checks are made again. A sabotage is found if
its own check names a fault. Writes `benchmarks/results/doctor.json`.
"""

import os
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))  # where `tests` is
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import dlmath  # noqa: E402
from dlmath.doctor import Examination, examine  # noqa: E402
from dlmath.models import other_recipe  # noqa: E402
from dlmath.runs import Run, write_json  # noqa: E402
from tests.support import sabotage  # noqa: E402

RESULT = ROOT / "benchmarks" / "results" / "doctor.json"


def main(data: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        cnn = other_recipe("malaria", "paper")
        chain = dlmath.train(
            cnn, data, out=f"{folder}/chain", epochs=1, flip_horizontal=True, rotation=10.0
        )
        frozen = dlmath.train(
            cnn,
            data,
            out=f"{folder}/frozen",
            backbone="efficientnet_lite0",
            weights="imagenet",
            tune="head",
            head_solver="sgd",
            image_size=96,
            epochs=1,
        )
        dlmath.evaluate(chain)
        well = {"malaria CNN": examined(chain), "Lite0, only the head": examined(frozen)}
        broken = [after(one, chain) for one in sabotage.OF_CHAINS]
        broken += [after(one, frozen) for one in sabotage.OF_FROZEN]
    found = sum(one["found"] for one in broken)
    print(f"{found} of {len(broken)} sabotages found")
    write_json(RESULT, {"well": well, "sabotaged": broken, "found": found})


def after(one: sabotage.Sabotage, run: Run) -> dict[str, Any]:
    """Examine a copy of a run with one thing broken."""
    copy = Run(run.folder.with_name("sabotaged"))
    shutil.rmtree(copy.folder, ignore_errors=True)
    shutil.copytree(run.folder, copy.folder)
    with one.of(copy):
        examination = examine(copy)
    verdict = examination.verdict(one.check)
    print(f"{one.fault}: {verdict.word}: {verdict.found}")
    others = [line.check for line in examination.faults if line.check != one.check]
    return {
        "fault": one.fault,
        "check": one.check,
        "found": verdict.word in ("fault", "warning"),
        "verdict": verdict.word,
        "said": verdict.found.replace(str(run.folder.parent), "…"),
        "other_checks_with_a_fault": others,
    }


def examined(run: Run) -> dict[str, Any]:
    """Examine a run as it is."""
    started = time.perf_counter()
    examination = examine(run)
    return {**summary(examination, run), "seconds": round(time.perf_counter() - started, 1)}


def summary(examination: Examination, run: Run) -> dict[str, Any]:
    lines = [line for line in examination.lines if line.group != "machine"]
    place = str(run.folder.parent)
    return {
        "faults": [line.check for line in examination.faults],
        "checks": {
            line.check: f"{line.verdict.word}: {line.verdict.found}".replace(place, "…")
            for line in lines
        },
    }


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    main(Path(sys.argv[1]))
