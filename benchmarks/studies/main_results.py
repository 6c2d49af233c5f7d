"""Train and evaluate both tasks on real images, and keep the figures.

    python benchmarks/studies/main_results.py ../shared/data            # all of them, half an hour
    python benchmarks/studies/main_results.py ../shared/data malaria-0  # one

Each entry is run by its command, as a user would. What `dlmath evaluate --json` prints goes to
`benchmarks/results/<name>.json` with the command, the speed and the versions;
`benchmarks/readme_tables.py` puts the figures into the README, but for the seconds: they say what
else the machine did.
"""

import argparse
import json
import os
import shlex
import subprocess
import sys
import tempfile
import time
from pathlib import Path

RESULTS = Path(__file__).parents[1] / "results"
LITE0 = "train pneumonia --data DATA/chest_xray --backbone efficientnet_lite0"
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
EXPERIMENTS = {
    "pneumonia-head": f"{LITE0} --tune head",
    "pneumonia-all": f"{LITE0} --tune all --epochs 1",
    "pneumonia-border": f"{LITE0} --tune tail --epochs 6 {BORDER}",
    "pneumonia-stressed": f"{LITE0} --tune tail --epochs 5 --set choose_on=stressed {BORDER}",
    "malaria-head": f"{MALARIA} --backbone efficientnet_lite0 --weights imagenet --image-size 128 "
    "--tune head",
    **{f"malaria-{seed}": f"{MALARIA} --seed {seed}" for seed in range(3)},
    "malaria-scratch": f"{MALARIA} --layers scratch --seed 0",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("data", type=Path, help="the folder with chest_xray/ and malaria/")
    parser.add_argument("names", nargs="*", choices=[*EXPERIMENTS, []], help="which; all if none")
    arguments = parser.parse_args()
    RESULTS.mkdir(exist_ok=True)
    for name in arguments.names or EXPERIMENTS:
        result = run_experiment(EXPERIMENTS[name], arguments.data.resolve())
        path = RESULTS / f"{name}.json"
        path.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
        auc = result["evaluation"]["metrics"]["auc"]
        print(f"{name}: AUC {auc['value']:.4f}, {result['seconds']:.0f} s -> {path}")


def run_experiment(command: str, data: Path) -> dict:
    with tempfile.TemporaryDirectory() as folder:
        words = shlex.split(command.replace("DATA", shlex.quote(str(data))))
        start = time.perf_counter()
        run = dlmath(*words, "--out", f"{folder}/run").strip()
        seconds = time.perf_counter() - start
        evaluation = json.loads(dlmath("evaluate", run, "--json"))
        manifest = json.loads(Path(run, "manifest.json").read_text(encoding="utf-8"))
    kept = ("versions", "threads", "device", "images_per_second", "best", "split")
    return {
        "command": f"dlmath {command}",
        "cores": len(os.sched_getaffinity(0)),
        "seconds": round(seconds, 1),
        **{name: manifest[name] for name in kept},
        "evaluation": evaluation,
    }


def dlmath(*arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "dlmath", *arguments], stdout=subprocess.PIPE, text=True, check=True
    )
    return done.stdout


if __name__ == "__main__":
    main()
