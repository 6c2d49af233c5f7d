"""Train and evaluate both tasks on real images, and keep the figures.

    python benchmarks/studies/main_results.py ../shared/data            # all of them, half an hour
    python benchmarks/studies/main_results.py ../shared/data malaria-0  # one

Each entry is run by its command, as a user would, following `docs/protocol.md`. What
`dlmath evaluate --json` prints, or of a cross-validation its `folds.json`, goes to
`benchmarks/results/<name>.json` with the command, the recipe, the seconds, the versions and the
predictions; `benchmarks/readme_tables.py` puts the metrics into the README.
"""

import argparse
import csv
import json
import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from dlmath.evaluation.predictions import Predictions
from dlmath.inference.decision_rule import DecisionRule
from dlmath.inference.run_files import stored_decision
from dlmath.runs import Run

RESULTS = Path(__file__).parents[1] / "results"
PNEUMONIA = "train pneumonia --data DATA/chest_xray"
PAPER = f"{PNEUMONIA} --recipe paper --backbone efficientnet_lite0"
MALARIA = "train malaria --data DATA/malaria"
AUGMENTED = {
    "zoom": 0.1,
    "rotation": 8,
    "shift": 0.04,
    "stretch": 0.15,
    "shear": 4,
    "contrast": 0.3,
    "gamma": 0.4,
    "brightness": 0.15,
    "blur": 0.5,
    "erasing": 0.2,
    "border_swap": 0.6,
}
BORDER = " ".join(f"--set {name}={value}" for name, value in AUGMENTED.items())
ABLATIONS = {  # what the recipe for pneumonia is without one of its parts
    "pneumonia-no-mixup": "--set mixup=0",
    "pneumonia-no-swap": "--set border_swap=0",
    "pneumonia-plain": "--set choose_on=plain",
    "pneumonia-two-views": "--set augmented_views=2",
}
EXPERIMENTS = {
    **{f"pneumonia-{seed}": f"{PNEUMONIA} --seed {seed}" for seed in range(5)},
    **{name: f"{PNEUMONIA} --seed 0 {change}" for name, change in ABLATIONS.items()},
    "pneumonia-lite2": f"{PNEUMONIA} --backbone efficientnet_lite2 --seed 0",
    "pneumonia-head": f"{PAPER} --tune head",
    "pneumonia-paper": f"{PAPER} --tune all",
    "pneumonia-random": f"{PAPER} --tune all --weights none",
    "pneumonia-all": f"{PAPER} --tune all --epochs 1",
    "pneumonia-border": f"{PAPER} --tune tail --epochs 6 {BORDER}",
    "pneumonia-stressed": f"{PAPER} --tune tail --epochs 5 --set choose_on=stressed {BORDER}",
    **{f"malaria-folds-{seed}": f"{MALARIA} --folds 5 --seed {seed}" for seed in range(3)},
    **{f"malaria-{seed}": f"{MALARIA} --recipe paper --seed {seed}" for seed in range(3)},
    "malaria-head": f"{MALARIA} --recipe paper --backbone efficientnet_lite0 --weights imagenet "
    "--image-size 128 --tune head",
    "malaria-scratch": f"{MALARIA} --recipe paper --layers scratch --seed 0",
    **{
        f"malaria-{network}-{seed}": f"{MALARIA} --recipe paper --backbone malaria_{network} "
        f"--layers scratch --seed {seed}"
        for network in ("attention_cnn", "vit")
        for seed in range(3)
    },
}
QUICK = ("pneumonia-0", "pneumonia-head", "malaria-folds-0", "malaria-0")  # one seed of each


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("data", type=Path, help="the folder with chest_xray/ and malaria/")
    parser.add_argument("names", nargs="*", choices=[*EXPERIMENTS, []], help="which; all if none")
    parser.add_argument("--quick", action="store_true", help="one seed of each")
    parser.add_argument("--out", type=Path, default=RESULTS, help="the folder of the results")
    parser.add_argument("--runs", type=Path, help="keep them here; a finished one stays")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    for name in arguments.names or (QUICK if arguments.quick else EXPERIMENTS):
        with tempfile.TemporaryDirectory() as temporary:
            runs = arguments.runs or Path(temporary)
            result = run_experiment(EXPERIMENTS[name], arguments.data.resolve(), runs / name)
        path = arguments.out / f"{name}.json"
        path.write_text(as_text(result), encoding="utf-8")
        auc = result["evaluation"]["metrics"]["auc"]
        print(f"{name}: AUC {auc['value']:.4f}, {result['seconds']:.0f} s -> {path}")


def as_text(result: dict) -> str:
    """Return a result as JSON, its long columns of predictions on one line."""
    columns = json.dumps(result["predictions"], separators=(",", ":"))
    text = json.dumps({**result, "predictions": None}, indent=2)
    return text.replace('"predictions": null', f'"predictions": {columns}') + "\n"


def run_experiment(command: str, data: Path, folder: Path) -> dict:
    """Run a command of `EXPERIMENTS`, unless that was done, and return what its file keeps.

    Args:
        command: It, without `dlmath`.
        data: The folder in the place of `DATA`.
        folder: Of the run, or of the runs of a cross-validation.
    """
    words = shlex.split(command.replace("DATA", shlex.quote(str(data))))
    trained_at = folder.with_name(f"{folder.name}.commit")
    if not is_finished(folder):
        head = subprocess.check_output(["git", "rev-parse", "HEAD"], text=True)
        dlmath(*words, "--out", str(folder))
        trained_at.write_text(head, encoding="utf-8")
    if "--folds" in words:
        runs = [Run(fold) for fold in sorted(folder.glob("fold-*"))]
        of_all = json.loads((folder / "folds.json").read_text(encoding="utf-8"))
        evaluation = of_all["pooled"]
    else:
        runs = [Run(folder)]
        evaluation = json.loads(dlmath("evaluate", str(folder), "--json"))
    manifest = runs[0].manifest
    kept = ("versions", "threads", "device", "images_per_second", "best", "split")
    return {
        "command": f"dlmath {command}",
        "commit": trained_at.read_text(encoding="utf-8").strip(),
        "cores": len(os.sched_getaffinity(0)),
        "seconds": round(sum(run.manifest["seconds"] for run in runs), 1),
        **{name: manifest[name] for name in kept},
        "recipe": runs[0].recipe.as_dict(),
        "evaluation": evaluation,
        "predictions": predictions_of(runs, data),
    }


def is_finished(folder: Path) -> bool:
    """Return whether a run, or every run of a cross-validation, is there and finished."""
    run = Run(folder)
    trained = run.manifest_path.is_file() and run.manifest["state"] == "finished"
    return trained or (folder / "folds.json").is_file()


def predictions_of(runs: list[Run], data: Path) -> dict[str, list]:
    """Return what each test image got: patient, truth, probability, decision, expert's reading."""
    reviews = expert_reviews(data) if runs[0].recipe.name == "malaria" else {}
    columns: dict[str, list] = {"patient": [], "truth": [], "probability": [], "decided": []}
    columns |= {"expert": []} if reviews else {}
    for run in runs:
        found, recipe = Predictions.read(run), run.recipe
        decided = DecisionRule(**stored_decision(run)).decide(found.probabilities)
        columns["patient"] += found.patients
        columns["truth"] += found.positive.astype(int).tolist()
        columns["probability"] += found.score.round(5).tolist()
        positive = recipe.classes.index(recipe.positive_class)
        columns["decided"] += (decided == positive).astype(int).tolist()
        if reviews:
            agrees = np.array([reviews[Path(file).name].startswith("True") for file in found.files])
            columns["expert"] += (agrees == found.positive).astype(int).tolist()
    return columns


def expert_reviews(data: Path) -> dict[str, str]:
    """Return the expert's second reading of each malaria cell, by file name."""
    path = data / "malaria" / "malaria_expert_review.csv"
    with path.open(encoding="utf-8", newline="") as file:
        return {Path(row["file"]).name: row["review"] for row in csv.DictReader(file)}


def dlmath(*arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "dlmath", *arguments], stdout=subprocess.PIPE, text=True, check=True
    )
    return done.stdout


if __name__ == "__main__":
    main()
