"""Seconds from an empty process to the answer for one image: the light runtime against Keras.

Run: python benchmarks/speed/bench_cold_predict.py [RUN IMAGE] [--json]

Without a run it makes one of EfficientNet-Lite0, whose head is not trained, and draws an image:
what the answer is makes no difference to the time. The two take turns.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from dlmath.runs import RUN_VERSION, Run, write_json, write_text

REPEATS = 5
RUNTIMES = ("light", "keras")
TOLERANCE = 1e-4  # of a probability


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("run", nargs="?", type=Path)
    parser.add_argument("image", nargs="?", type=Path)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    if arguments.run and not arguments.image:
        parser.error("name an image after the run")
    with tempfile.TemporaryDirectory() as folder:
        run, image = arguments.run, arguments.image
        if not run:
            run, image = make_run(Path(folder) / "run"), draw(Path(folder) / "image.jpeg")
        result = compare(run, image)
    print(json.dumps(result, indent=2) if arguments.json else line(result))


def make_run(folder: Path) -> Path:
    from dlmath.models import build, other_recipe
    from dlmath.training.model_files import write_light, write_model

    recipe = other_recipe("pneumonia", "paper").replace(backbone="efficientnet_lite0")
    model, run = build(recipe), Run(folder)
    folder.mkdir()
    write_text(run.recipe_path, recipe.to_toml())
    write_model(run, model)
    shape = (4, recipe.image_size, recipe.image_size, 3)
    pixels = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    manifest = {
        "run_version": RUN_VERSION,
        "state": "finished",
        "threshold": {"value": 0.5, "chosen_on": "validation"},
        "light": write_light(run, model, pixels),
    }
    write_json(run.manifest_path, manifest)
    return folder


def draw(path: Path) -> Path:
    """Write a smooth grey image with some noise, of the size and weight of a radiograph."""
    rng = np.random.default_rng(0)
    coarse = Image.fromarray(rng.integers(0, 256, (12, 12), dtype=np.uint8))
    smooth = np.asarray(coarse.resize((1_300, 1_300), Image.Resampling.BICUBIC), np.float32)
    noisy = smooth + rng.normal(0, 4, smooth.shape)
    Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).save(path, quality=85)
    return path


def compare(run: Path, image: Path) -> dict[str, Any]:
    seconds: dict[str, list[float]] = {runtime: [] for runtime in RUNTIMES}
    answers: dict[str, dict[str, float]] = {}
    for repeat in range(REPEATS + 1):
        for runtime in RUNTIMES:
            start = time.perf_counter()
            answers[runtime] = predict(run, image, runtime)
            if repeat:  # the first round fills the system's file cache
                seconds[runtime].append(time.perf_counter() - start)
    light, keras = (np.array(list(answers[runtime].values())) for runtime in RUNTIMES)
    difference = float(np.abs(light - keras).max())
    assert difference <= TOLERANCE, "the two answer differently"
    pairs = zip(seconds["light"], seconds["keras"], strict=True)
    return {
        "median_seconds": {name: statistics.median(taken) for name, taken in seconds.items()},
        "fastest_seconds": {name: min(taken) for name, taken in seconds.items()},
        "keras_to_light": statistics.median(keras / light for light, keras in pairs),
        "largest_difference": difference,
    }


def predict(run: Path, image: Path, runtime: str) -> dict[str, float]:
    command = [sys.executable, "-m", "dlmath", "predict", run, image, "--json"]
    done = subprocess.run([*command, "--runtime", runtime], capture_output=True, check=True)
    (entry,) = json.loads(done.stdout)
    return entry["probabilities"]


def line(result: dict[str, Any]) -> str:
    medians, fastest = result["median_seconds"], result["fastest_seconds"]
    return (
        f"one image, cold: light {medians['light']:.2f} s (fastest {fastest['light']:.2f}), keras "
        f"{medians['keras']:.2f} s ({fastest['keras']:.2f}), ratio {result['keras_to_light']:.1f}; "
        f"probabilities within {result['largest_difference']:.1e}"
    )


if __name__ == "__main__":
    main()
