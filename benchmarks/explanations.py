"""How far maps of evidence can be believed: sanity, deletion and insertion, energy in the truth.

    nice python benchmarks/explanations.py ../shared/data
    nice python benchmarks/explanations.py ../shared/data --runs DIR   # keep the runs, or use them

Three runs are trained by their commands: a Lite0 head on drawn X-rays, the malaria CNN on drawn
cells, and the malaria CNN on real ones. Of each, test images of the disease are explained, one of a
patient: all figures are of that class. Energy is of drawn images alone, for there the truth is
known. Every figure stands beside that of random maps as coarse as the map, with a 95 % interval of
the mean over images (bootstrap, 2,000 replicates).

Writes `benchmarks/results/explanations.json`.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from dlmath.cli.progress import reporter
from dlmath.data.pixels import read_image
from dlmath.data.sheet import choose
from dlmath.data.sources import Example
from dlmath.evaluation.classifier import Classifier
from dlmath.evaluation.subject import own_images
from dlmath.explain.classifier_parts import ClassifierParts
from dlmath.explain.deletion import deletion_figures
from dlmath.explain.energy import energy_inside, random_energies, truth_of
from dlmath.explain.methods import METHODS, QUICK
from dlmath.explain.sanity import sanity
from dlmath.reporting import Reporter
from dlmath.runs import Run
from dlmath.seeds import generator

RESULT = Path(__file__).parent / "results" / "explanations.json"
TRAINED = {
    "pneumonia-phantom": "pneumonia --data phantom --backbone efficientnet_lite0 --tune head",
    "malaria-phantom": "malaria --data phantom",
    "malaria-real": "malaria --data DATA/malaria",
}
# A gradient through Lite0 at 224 pixels takes 40 times as long as one through the malaria CNN.
METHODS_OF = {
    "pneumonia-phantom": ("grad_cam", "grad_cam_plus_plus"),
    "malaria-phantom": tuple(METHODS),
    "malaria-real": tuple(METHODS),
}
REPLICATES = 2_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("data", type=Path, help="the folder with malaria/")
    parser.add_argument("--runs", type=Path, help="where the runs are, or are to be kept")
    parser.add_argument("--images", type=int, default=20, help="of each run")
    arguments = parser.parse_args()
    result: dict = {"command": "python benchmarks/explanations.py DATA", "runs": {}}
    with tempfile.TemporaryDirectory() as temporary, reporter() as report:
        for name, command in TRAINED.items():
            folder = (arguments.runs or Path(temporary)) / name
            if not (folder / "manifest.json").is_file():
                train(command.replace("DATA", str(arguments.data.resolve())), folder)
            measured = measure(Run(folder), METHODS_OF[name], arguments.images, report)
            result["runs"][name] = {"trained": f"dlmath train {command}", **measured}
    text = json.dumps(result, indent=2) + "\n"
    RESULT.write_text(text, encoding="utf-8")
    print(text)


def train(command: str, folder: Path) -> None:
    words = [sys.executable, "-m", "dlmath", "train", *command.split(), "--out", str(folder)]
    subprocess.run(words, stdout=subprocess.DEVNULL, check=True)


def measure(run: Run, methods: Sequence[str], count: int, report: Reporter) -> dict:
    classifier = Classifier.load(run)
    parts = ClassifierParts(classifier.model)
    index = classifier.positive_index
    assert index is not None
    examples = of_class(run, classifier.classes[index], count)
    found: dict = {"class": classifier.classes[index], "images": len(examples), "methods": {}}
    for method in methods:
        rows = []
        for done, example in enumerate(examples, start=1):
            rows.append(measure_one(parts, method, index, example.path))
            report.progress(f"{run.name}, {method}", done, len(examples))
        found["methods"][method] = summary(rows)
    return found


def of_class(run: Run, label: str, count: int) -> list[Example]:
    test = own_images(run, "test").examples
    return choose([example for example in test if example.label == label], count, "explanations")


def measure_one(parts: ClassifierParts, method: str, index: int, path: Path) -> dict:
    """Return every figure of one image by name."""
    image = read_image(path, path.name, parts.image_size)
    heat_map = METHODS[method](parts, image, index)
    row = {"empty": float(heat_map.is_empty)}
    for figure in deletion_figures(parts, image, index, heat_map):
        row[figure.name] = figure.value
        row[f"{figure.name}_random"] = figure.bar
        row[f"{figure.name}_passed"] = float(figure.passed)
    for place, stage in enumerate(sanity(parts, QUICK[method], image, index)):
        row[f"sanity_{place}_layers"] = stage.layers
        row[f"sanity_{place}_rank_correlation"] = stage.rank_correlation
        row[f"sanity_{place}_ssim"] = stage.ssim
    if "residual" in heat_map.figures:
        residual, tolerance = heat_map.figures["residual"], heat_map.figures["tolerance"]
        row["completeness_passed"] = float(abs(residual) <= tolerance)
        row["steps"] = heat_map.figures["steps"]
    truth = truth_of(path, parts.image_size)
    if truth is not None:
        random = random_energies(heat_map.grain, truth)
        row["energy"] = energy_inside(heat_map, truth)
        row["energy_random"] = float(random.mean())
        row["energy_area"] = float(truth.mean())
        row["energy_passed"] = float(row["energy"] > np.quantile(random, 0.95))
    return row


def summary(rows: Sequence[dict]) -> dict:
    """Return the mean of each figure over images, and of its difference from random maps."""
    columns = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    for name in ("deletion", "insertion", "energy"):
        if name in columns:
            columns[f"{name}_minus_random"] = columns[name] - columns[f"{name}_random"]
    return {name: mean(columns[name]) for name in sorted(columns)}


def mean(values: np.ndarray) -> dict:
    random = generator("explanations benchmark")
    drawn = values[random.integers(len(values), size=(REPLICATES, len(values)))].mean(axis=1)
    low, high = np.quantile(drawn, [0.025, 0.975])
    return {"mean": round(float(values.mean()), 4), "low": round(low, 4), "high": round(high, 4)}


if __name__ == "__main__":
    main()
