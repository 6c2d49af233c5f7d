"""The crash table: trainings on real images, killed at random points and gone on with.

    python benchmarks/trials/crashes.py ../shared/data

Each training is killed again and again, at a moment drawn from the time that its epochs take, then
left to finish; its weights, optimizer, moving statistics, seed generators, metrics, history,
threshold and model file are compared with those of a training that nothing interrupted. A kill is
an alarm that nobody handles, which ends a process as `kill -9` does. A checkpoint is written after
every step, so that many kills fall into one. The data are a few patients of each data set, so that
it takes minutes; the networks and recipes are the tasks' own. Writes
`benchmarks/results/crashes.json`.
"""

import argparse
import csv
import json
import os
import random
import sys
import tempfile
import time
import zipfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))  # where `tests` is

from dlmath.models import other_recipe  # noqa: E402
from dlmath.recipe import Recipe  # noqa: E402
from dlmath.runs import Run  # noqa: E402
from tests.support import crashing  # noqa: E402
from tests.support.fork_server import ForkServer  # noqa: E402

RESULT = ROOT / "benchmarks" / "results" / "crashes.json"
IMAGES_OF_A_CLASS = 40
KILLS_OF_A_TRAINING = 5
SETTINGS: dict[str, dict[str, Any]] = {
    "malaria": {"epochs": 3, "batch_size": 8, "mixup": 0.2, "ema": 0.9},
    "pneumonia": {
        "backbone": "efficientnet_lite0",
        "tune": "tail",
        "epochs": 2,
        "batch_size": 8,
        "mixup": 0.2,
    },
}
# Of the time of a whole training: about what lies between its first step and its last.
OF_EPOCHS = {"malaria": 0.1, "pneumonia": 0.4}
SOURCES = {
    "malaria": ("malaria/malaria_cells.zip", "malaria/malaria_manifest.csv", None),
    "pneumonia": (
        "chest_xray/chest_xray_train_224.zip",
        "chest_xray/chest_xray_manifest.csv",
        "train",
    ),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("data", type=Path, help="the folder with chest_xray/ and malaria/")
    parser.add_argument("--kills", type=int, default=20, help="of each task")
    arguments = parser.parse_args()
    tables = {}
    with (
        tempfile.TemporaryDirectory() as folder,
        ForkServer("tests.support.crashing") as forks,
    ):
        for task, settings in SETTINGS.items():
            images = Path(folder) / task / "images"
            count = unpack_some(arguments.data, task, images)
            recipe = other_recipe(task, "paper").replace(**settings)
            figures = kill(forks, images, recipe, arguments.kills)
            tables[task] = {"settings": settings, "images": count, **figures}
            write(tables, arguments.kills)


def write(tables: dict[str, Any], kills: int) -> None:
    document = {
        "command": f"python benchmarks/trials/crashes.py DATA --kills {kills}",
        "cores": len(os.sched_getaffinity(0)),
        "data": f"at most {IMAGES_OF_A_CLASS} images of each class, so that it takes minutes",
        "tasks": tables,
    }
    RESULT.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


def unpack_some(data: Path, task: str, folder: Path) -> int:
    """Unpack images of as many patients as there can be, up to so many of a class."""
    archive_name, manifest_name, split = SOURCES[task]
    with (data / manifest_name).open(newline="", encoding="utf-8") as lines:
        rows = [row for row in csv.DictReader(lines) if split is None or row["split"] == split]
    taken: dict[str, dict[str, str]] = {}
    for row in rows:
        of_class = taken.setdefault(row["class"], {})
        if len(of_class) < IMAGES_OF_A_CLASS:
            of_class.setdefault(row["patient"], row["file"])
    files = [file for of_class in taken.values() for file in of_class.values()]
    with zipfile.ZipFile(data / archive_name) as archive:
        members = {Path(name).name: name for name in archive.namelist()}
        for label, of_class in taken.items():
            (folder / label).mkdir(parents=True)
            for file in of_class.values():
                name = Path(file).name
                (folder / label / name).write_bytes(archive.read(members[name]))
    return len(files)


def kill(forks: ForkServer, images: Path, recipe: Recipe, wanted: int) -> dict[str, Any]:
    """Kill trainings until there are as many kills as wanted."""
    runs, asked = images.parent, recipe.as_dict()
    start = time.perf_counter()
    if forks.call("train", str(runs / "whole"), str(images), asked) != 0:
        raise SystemExit("the training that nothing interrupts failed")
    seconds = time.perf_counter() - start
    expected = crashing.result(Run(runs / "whole"))
    chance = random.Random(0)
    kills = trainings = equal = in_a_write = survived = 0
    while kills < wanted:
        folder = runs / f"killed-{trainings}"
        for _ in range(KILLS_OF_A_TRAINING):
            moment = chance.uniform(0, OF_EPOCHS[recipe.name] * seconds)
            code = forks.call("train_until_killed", str(folder), str(images), asked, moment)
            if code == 0:
                break  # it got to its end before
            kills += 1
            in_a_write += bool(list((folder / "checkpoints").glob(".*")))
        finished = forks.call("train", str(folder), str(images), asked) == 0
        survived += finished
        equal += finished and crashing.result(Run(folder)) == expected
        trainings += 1
        print(f"{recipe.name}: {kills} kills, {equal}/{trainings} equal", file=sys.stderr)
    return {
        "kills": kills,
        "kills_inside_a_write": in_a_write,
        "trainings_killed": trainings,
        "trainings_finished": survived,
        "trainings_bitwise_equal": equal,
        "arrays_and_files_compared": len(expected),
        "bytes_compared": sum(len(value) for value in expected.values()),
    }


if __name__ == "__main__":
    main()
