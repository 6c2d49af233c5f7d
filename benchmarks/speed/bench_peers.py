"""Features of a frozen EfficientNet-Lite0: dlmath against PyTorch.

    make bench-peers      # makes the environment with PyTorch, then runs this
    python benchmarks/speed/bench_peers.py PYTHON

PYTHON is an interpreter with the packages of `requirements/peers.txt`. The two take turns, a
process of PyTorch and a round of dlmath, since other work on the machine would otherwise fall on
one of them. Writes `benchmarks/results/peers.json`.
"""

import argparse
import json
import os
import statistics
import subprocess
import time
from pathlib import Path

import numpy as np

from dlmath import models
from dlmath.bench.extraction import in_threads
from dlmath.features import freeze
from dlmath.recipe import Recipe

HERE = Path(__file__).parent
RESULT = HERE.parent / "results" / "peers.json"
IMAGES, BATCH, TURNS, ROUNDS = 64, 16, 4, 3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("python", help="an interpreter with PyTorch")
    peer = parser.parse_args().python
    classifier = models.build(Recipe(name="bench", classes=("a", "b")))
    pixels = np.random.default_rng(0).integers(0, 256, (IMAGES, 224, 224, 3)).astype(np.uint8)
    extract = in_threads(freeze(classifier), pixels)
    extract()  # outside the clock
    ours: list[float] = []
    theirs: list[float] = []
    for _ in range(TURNS):
        answer = torch(peer)
        theirs += answer["seconds"]
        for _ in range(ROUNDS):
            began = time.perf_counter()
            extract()
            ours.append(time.perf_counter() - began)
    ratio = statistics.median(theirs) / statistics.median(ours)
    result = {
        "command": "make bench-peers",
        "cores": len(os.sched_getaffinity(0)),
        "images": IMAGES,
        "PyTorch": {"version": answer["version"], "seconds": theirs},
        "dlmath": {"seconds": ours},
        "ratio": ratio,
    }
    RESULT.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    for name, seconds in (("PyTorch", theirs), ("dlmath", ours)):
        print(f"{name:8} {IMAGES / statistics.median(seconds):6.1f} images/s")
    print(f"dlmath is {ratio:.2f} times as fast")


def torch(python: str) -> dict:
    done = subprocess.run(
        [python, HERE / "peers" / "torch_features.py", str(IMAGES), str(BATCH), str(ROUNDS)],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


if __name__ == "__main__":
    main()
