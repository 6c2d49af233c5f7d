"""Time `dlmath train FOLDER` on 500 images of one's own, against what --dry-run promised.

    python benchmarks/speed/own_images.py ../shared/data

The 500 are malaria cells, drawn at random and unpacked into class folders as a user would have
them; the cache is empty. Writes `benchmarks/results/own-images.json`.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

from dlmath import seeds

RESULT = Path(__file__).parents[1] / "results" / "own-images.json"
IMAGES = 500
TENSORFLOW = "load TensorFlow"  # the part of a plan that the promise leaves out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("data", type=Path, help="the folder with malaria/")
    archive = parser.parse_args().data / "malaria" / "malaria_cells.zip"
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch, "my_images")
        unpack_some(archive, folder)
        os.environ["DLMATH_HOME"] = str(Path(scratch, "home"))
        train = ("train", str(folder), "--positive", "Parasitized")
        plan = json.loads(dlmath(*train, "--dry-run", "--json")[0])
        # What the plan left in its cache is done again: the training has an empty one.
        parts = [part for part in plan["stages"] + plan["kept"] if part["name"] != TENSORFLOW]
        promised = sum(part["seconds"] for part in parts)
        os.environ["DLMATH_HOME"] = str(Path(scratch, "another home"))
        run, seconds = dlmath(*train, "--out", str(Path(scratch, "run")))
        evaluation = json.loads(dlmath("evaluate", run.strip(), "--json")[0])
    result = {
        "command": "dlmath train ./my_images --positive Parasitized",
        "cores": len(os.sched_getaffinity(0)),
        "images": IMAGES,
        "seconds": round(seconds, 1),
        "promised_seconds": round(promised, 1),
        "test": {"n": evaluation["n"], "auc": evaluation["metrics"]["auc"]},
    }
    RESULT.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=2))


def unpack_some(archive: Path, folder: Path) -> None:
    with zipfile.ZipFile(archive) as opened:
        names = [name for name in opened.namelist() if name.endswith(".png")]
        for number in seeds.generator("own images").permutation(len(names))[:IMAGES]:
            target = folder / names[number].partition("/")[2]
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(opened.read(names[number]))


def dlmath(*arguments: str) -> tuple[str, float]:
    """Run a command and return what it printed and how long it took."""
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "dlmath", *arguments], stdout=subprocess.PIPE, text=True, check=True
    )
    return done.stdout, time.perf_counter() - began


if __name__ == "__main__":
    main()
