"""How far apart two sources of X-rays are, by the audit's shift test.

    python benchmarks/studies/shift.py ../shared/data

1. Adult X-rays (NIH) against the paediatric ones (Kermany et al.).
2. The official test part of the paediatric ones against their training part.
3. Two halves of the paediatric training part, by patient: how near 0.5 a fair comparison comes.

An experiment on the method: the adults' X-rays come from another hospital, device and file format,
so `pictures_alone`, which sees none of the file's measurements, is the figure to look at.

Writes `benchmarks/results/shift.json`.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from dlmath.audit.findings import Finding
from dlmath.audit.image_stats import ImageStats
from dlmath.audit.scan import scan_images
from dlmath.audit.shift import check_shift, shift_between
from dlmath.cli.progress import reporter
from dlmath.data.folds import split_folds
from dlmath.data.sources import Dataset, ImageRecord, read_sources
from dlmath.models import RECIPES

RESULT = Path(__file__).parents[1] / "results" / "shift.json"
ADULT_PATIENT = r"^(?P<patient>\d{8})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("data", type=Path, help="the folder with chest_xray/ and external/")
    data = parser.parse_args().data
    rules = RECIPES["pneumonia"].patient_rules
    children = read_sources([data / "chest_xray"], patient_rules=rules)
    adults = read_sources([data / "external"], patient_rules=[ADULT_PATIENT])
    with reporter() as report:

        def look(dataset: Dataset) -> list[ImageStats]:
            return scan_images(dataset.examples, reporter=report)

        of_children, of_adults = look(children), look(adults)
    names = ("the paediatric X-rays", "the adult X-rays")
    (test_part,) = check_shift(children.examples, of_children)
    result = {
        "command": "python benchmarks/studies/shift.py DATA",
        "adults": described(
            shift_between(children.examples, of_children, adults.examples, of_adults, names)
        ),
        "official_test_part": described(test_part),
        "two_halves": described(between_halves(children, of_children)),
    }
    text = json.dumps(result, indent=2) + "\n"
    RESULT.write_text(text, encoding="utf-8")
    print(text)


def between_halves(dataset: Dataset, stats: Sequence[ImageStats]) -> Finding:
    stats_of = {image.file: image for image in stats}
    first, second = split_folds(dataset, 2, seed=0).folds

    def own(half: tuple[ImageRecord, ...]) -> list[ImageStats]:
        return [stats_of[example.file] for example in half]

    return shift_between(first, own(first), second, own(second), ("one half", "the other half"))


def described(finding: Finding) -> dict:
    return {"message": finding.message, **finding.figures}


if __name__ == "__main__":
    main()
