"""Do the labels that are ranked as likely errors agree with an expert's second reading?

    python benchmarks/studies/label_errors.py ../shared/data

Trains the exact head on frozen EfficientNet-Lite0 features of the malaria cells, ranks the labels
of its training and validation images by confident learning, as `dlmath data audit --run RUN` does,
and counts how many of the first are disputed in `malaria_expert_review.csv`, which the ranking has
not seen. A random order would find the base rate.

Writes `benchmarks/results/label-errors.json`.
"""

import argparse
import json
import tempfile
from pathlib import Path

import numpy as np
from scipy.stats import binomtest

import dlmath
from dlmath.attribution import LikelyErrors, likely_label_errors
from dlmath.audit.reviews import check_review
from dlmath.cli.progress import reporter
from dlmath.data.sources import read_sources
from dlmath.models import other_recipe

RESULT = Path(__file__).parents[1] / "results" / "label-errors.json"
RECIPE = other_recipe("malaria", "paper").replace(
    backbone="efficientnet_lite0", weights="imagenet", image_size=128, tune="head"
)
FIRST = (10, 25, 50, 100, 200)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("data", type=Path, help="the folder with malaria/")
    data = parser.parse_args().data / "malaria"
    dataset = read_sources([data], classes=RECIPE.classes, patient_rules=RECIPE.patient_rules)
    review = check_review(dataset.examples, dataset.classes, data / "malaria_expert_review.csv")[0]
    with tempfile.TemporaryDirectory() as folder, reporter() as report:
        run = dlmath.train(RECIPE, data, out=Path(folder) / "run", reporter=report)
        found = likely_label_errors(run, reporter=report)
    result = {
        "command": "python benchmarks/studies/label_errors.py DATA",
        "reviewed": review.figures["reviewed"],
        "disputed": review.figures["disputed"],
        **held_against(set(review.files), found),
    }
    text = json.dumps(result, indent=2) + "\n"
    RESULT.write_text(text, encoding="utf-8")
    print(text)


def held_against(disputed: set[str], found: LikelyErrors) -> dict:
    base = sum(file in disputed for file in found.files)
    hits = np.array([one.file in disputed for one in found.ranked])
    return {
        "images": "training and validation images of the run",
        "base_rate": share(base, found.images),
        "suspects": len(hits),
        "estimated_errors": found.estimated,
        "disputed_among_suspects": share(int(hits.sum()), len(hits)),
        "precision_at": {
            str(first): share(int(hits[:first].sum()), first)
            for first in FIRST
            if first <= len(hits)
        },
    }


def share(hits: int, of: int) -> dict:
    interval = binomtest(hits, of).proportion_ci(0.95, method="wilson")
    return {"hits": hits, "of": of, "value": hits / of, "low": interval.low, "high": interval.high}


if __name__ == "__main__":
    main()
