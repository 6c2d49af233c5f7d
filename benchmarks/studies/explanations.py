"""How far maps of evidence can be believed: sanity, deletion and insertion, energy in the truth.

    nice python benchmarks/studies/explanations.py ../shared/data
    nice python benchmarks/studies/explanations.py ../shared/data --runs DIR  # keep or use runs

Four runs are trained by their commands: a Lite0 head on drawn and on real X-rays, the malaria CNN
on drawn and on real cells. Of each, test images of the disease are explained, one of a patient: all
figures are of that class. Energy is only of drawn images, for there the truth is known. Every
metric stands next to that of random maps as coarse as the map, and the energy also to that of a
centred bell, which knows that findings lie in the middle. 95 % intervals are of the mean over
images (bootstrap, 2,000 replicates).

Writes `benchmarks/results/explanations.json`.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from dlmath.cli.progress import reporter
from dlmath.data.contact_sheet import choose
from dlmath.data.images import read
from dlmath.data.run_data import RunData
from dlmath.data.sources import ImageRecord
from dlmath.explain.cascading_randomization import sanity, sanity_metric
from dlmath.explain.classifier_parts import ClassifierParts
from dlmath.explain.contrast import contrast_metric
from dlmath.explain.deletion import deletion_metric, insertion_metric
from dlmath.explain.energy import PASSING, energy_inside, random_energies, truth_of
from dlmath.explain.heat_map import HeatMap, enlarge
from dlmath.explain.methods import METHODS, QUICK
from dlmath.explain.similarity import rank_correlation
from dlmath.inference.keras_classifier import KerasClassifier
from dlmath.reporting import Reporter
from dlmath.runs import Run
from dlmath.seeds import generator

RESULT = Path(__file__).parents[1] / "results" / "explanations.json"


class Experiment(NamedTuple):
    """A run to train, and what to measure of it.

    A call of Lite0 at 224 pixels takes 40 times as long as one of the malaria CNN: so fewer of its
    images are asked about again, fewest by integrated gradients, whose every map takes a hundred
    calls. Occlusion, which takes more yet, is left out. Most are asked about by Grad-CAM of real
    X-rays, the maps that a report shows.
    """

    train: str
    methods: dict[str, int]  # by name, of how many images energy and completeness are measured
    asked_again: dict[str, int]  # of which deletion, insertion, contrast and sanity are as well


HEAD = "--recipe paper --backbone efficientnet_lite0 --tune head"
SMALL = dict.fromkeys(METHODS, 20)
LITE = {"grad_cam": 24, "grad_cam_plus_plus": 24, "integrated_gradients": 4}
EXPERIMENTS = {
    "malaria-phantom": Experiment("malaria --recipe paper --data phantom", SMALL, SMALL),
    "malaria-real": Experiment("malaria --recipe paper --data DATA/malaria", SMALL, SMALL),
    "pneumonia-phantom": Experiment(
        f"pneumonia --data phantom {HEAD}",
        LITE,
        {"grad_cam": 16, "grad_cam_plus_plus": 12, "integrated_gradients": 4},
    ),
    "pneumonia-real": Experiment(
        f"pneumonia --data DATA/chest_xray {HEAD}",
        {**LITE, "grad_cam": 40},
        {"grad_cam": 40, "grad_cam_plus_plus": 16, "integrated_gradients": 4},
    ),
}
REPLICATES = 2_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("data", type=Path, help="the folder with malaria/ and chest_xray/")
    parser.add_argument("--runs", type=Path, help="where the runs are, or are to be kept")
    parser.add_argument("--only", nargs="+", choices=EXPERIMENTS, default=[*EXPERIMENTS])
    arguments = parser.parse_args()
    result = json.loads(RESULT.read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as temporary, reporter() as report:
        for name in arguments.only:
            experiment = EXPERIMENTS[name]
            folder = (arguments.runs or Path(temporary)) / name
            if not (folder / "manifest.json").is_file():
                train(experiment.train.replace("DATA", str(arguments.data.resolve())), folder)
            measured = measure(Run(folder), experiment, report)
            result["runs"][name] = {"trained": f"dlmath train {experiment.train}", **measured}
            RESULT.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


def train(command: str, folder: Path) -> None:
    words = [sys.executable, "-m", "dlmath", "train", *command.split(), "--out", str(folder)]
    subprocess.run(words, stdout=subprocess.DEVNULL, check=True)


def measure(run: Run, experiment: Experiment, report: Reporter) -> dict:
    classifier = KerasClassifier.load(run)
    parts = ClassifierParts(classifier.model)
    index = classifier.positive_index
    assert index is not None
    found: dict = {"class": classifier.classes[index], "methods": {}}
    for method, images in experiment.methods.items():
        examples = of_class(run, classifier.classes[index], images)
        rows = []
        for done, example in enumerate(examples, start=1):
            again = done <= experiment.asked_again[method]
            rows.append(measure_one(parts, method, index, example.path, asking_again=again))
            report.progress(f"{run.name}, {method}", done, len(examples))
        found["methods"][method] = summary(rows)
    return found


def of_class(run: Run, label: str, count: int) -> list[ImageRecord]:
    test = RunData(run).part("test")
    return choose([example for example in test if example.label == label], count, "explanations")


def measure_one(
    parts: ClassifierParts, method: str, index: int, path: Path, *, asking_again: bool
) -> dict:
    """Return every figure of one image by name."""
    image = read(path, path.name, parts.image_size)
    heat_map = METHODS[method](parts, image, index)
    row = {"empty": float(heat_map.is_empty), **energy(heat_map, path)}
    if "residual" in heat_map.figures:
        residual, tolerance = heat_map.figures["residual"], heat_map.figures["tolerance"]
        row["completeness_passed"] = float(abs(residual) <= tolerance)
        row["completeness_error"] = abs(residual / heat_map.figures["difference"])
        row["completeness_steps"] = heat_map.figures["steps"]
    if not asking_again:
        return row
    given = (parts, image, index, heat_map)
    for metric in (deletion_metric(*given), insertion_metric(*given)):
        row[metric.name] = metric.value
        row[f"{metric.name}_random"] = metric.bar
        row[f"{metric.name}_minus_random"] = metric.value - metric.bar
        row[f"{metric.name}_passed"] = float(metric.passed)
    contrast = contrast_metric(parts, QUICK[method], image, index, heat_map)
    row["contrast"], row["contrast_passed"] = contrast.value, float(contrast.passed)
    row["like_features"] = rank_correlation(heat_map.values, mean_features(parts, image, index))
    stages = sanity(parts, QUICK[method], image, index)
    for stage in stages:
        row[f"sanity_rank_correlation_{stage.layers}_random"] = stage.rank_correlation
        row[f"sanity_ssim_{stage.layers}_random"] = stage.ssim
    row["sanity_passed"] = float(sanity_metric(stages).passed)
    return row


def mean_features(parts: ClassifierParts, image: np.ndarray, index: int) -> np.ndarray:
    """Return the mean of the rectified features (S, S): what no class and no gradient went into."""
    features = np.maximum(parts.at_features(image, index).features, 0)
    return enlarge(features.mean(axis=-1), parts.image_size)


def energy(heat_map: HeatMap, path: Path) -> dict:
    size = len(heat_map.values)
    truth = truth_of(path, size)
    if truth is None:
        return {}
    random = random_energies(heat_map.grain, truth)
    own = energy_inside(heat_map, truth)
    return {
        "energy": own,
        "energy_random": float(random.mean()),
        "energy_minus_random": own - float(random.mean()),
        "energy_minus_bell": own - energy_inside(bell(size), truth),
        "energy_area": float(truth.mean()),
        "energy_passed": float(own > np.quantile(random, PASSING)),
    }


def bell(size: int) -> HeatMap:
    """Return a map that knows one thing: a Gaussian in the centre, a sixth of the side wide."""
    away = (np.arange(size) - (size - 1) / 2) / (size / 6)
    height = np.exp(-(away**2) / 2)
    return HeatMap(np.outer(height, height).astype(np.float32), size)


def summary(rows: Sequence[dict]) -> dict:
    """Return the mean of each figure over the images that have it; the first has them all."""
    return {name: mean([row[name] for row in rows if name in row]) for name in rows[0]}


def mean(found: Sequence[float]) -> dict:
    values = np.array(found)
    random = generator("explanations benchmark")
    drawn = values[random.integers(len(values), size=(REPLICATES, len(values)))].mean(axis=1)
    low, high = np.quantile(drawn, [0.025, 0.975])
    figures = {"mean": values.mean(), "low": low, "high": high}
    return {"images": len(values), **{name: round(float(v), 4) for name, v in figures.items()}}


if __name__ == "__main__":
    main()
