"""How often drift is called falsely, and from how many images on a real one is seen.

    dlmath train pneumonia --recipe paper --data DATA/chest_xray \
        --backbone efficientnet_lite0 --tune head
    python benchmarks/studies/drift.py RUN DATA

The training distribution is known by the 726 images of only the run's validation part: the head
was not fitted to them, though its threshold and the limit of the out-of-distribution score were
chosen on them.

1. False alarms: 20 times the patients are dealt out to two halves; one is the reference, the other
   is new. By permutation, as for files, and by samples of the reference, as for a server.
2. Detection: adult X-rays (another hospital, another age), the official test part (known to be
   shifted), and held-out patients whose pictures were changed in contrast, gamma, sharpness or
   compression. n images of whole patients are drawn at a time, and of several draws it is counted
   how many are called: by all that is compared, and by all but the pictures themselves.

An experiment on the method. Writes `benchmarks/results/drift.json`.
"""

import argparse
import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image
from PIL.ImageFilter import GaussianBlur

from dlmath.audit.group_differences import holm
from dlmath.cli.progress import reporter
from dlmath.data.pixels import load_pixels
from dlmath.data.run_data import RunData
from dlmath.data.sources import read_sources
from dlmath.drift.pictures import describe
from dlmath.drift.reference import Reference
from dlmath.drift.samples import Sample
from dlmath.drift.sketch import Sketch
from dlmath.drift.two_sample import TwoSampleResult, compare_samples
from dlmath.inference.light_classifier import LightClassifier
from dlmath.reporting import Reporter
from dlmath.runs import Run
from dlmath.seeds import generator
from dlmath.stats.bootstrap import cluster_indices
from dlmath.stats.proportions import clopper_pearson

RESULT = Path(__file__).parents[1] / "results" / "drift.json"
HALVES, DRAWS = 20, 10
SIZES = (20, 50, 100)
ADULT_PATIENT = r"^(?P<patient>\d{8})"
RATES = (0.01, 0.05)


def by_pillow(pixels: np.ndarray, change: Callable[[Image.Image], Image.Image]) -> np.ndarray:
    return np.stack([np.asarray(change(Image.fromarray(one.astype(np.uint8)))) for one in pixels])


def halved(image: Image.Image) -> Image.Image:
    small = image.resize((image.width // 2, image.height // 2), Image.Resampling.BILINEAR)
    return small.resize(image.size, Image.Resampling.BILINEAR)


def compressed(image: Image.Image) -> Image.Image:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=50)
    return Image.open(buffer).convert("RGB")


CHANGES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "contrast 0.9": lambda x: 127.5 + 0.9 * (x - 127.5),
    "contrast 0.8": lambda x: 127.5 + 0.8 * (x - 127.5),
    "contrast 0.6": lambda x: 127.5 + 0.6 * (x - 127.5),
    "gamma 0.8": lambda x: 255 * (x / 255) ** 0.8,
    "half the resolution": lambda x: by_pillow(x, halved),
    "blur of 0.5 pixels": lambda x: by_pillow(x, lambda one: one.filter(GaussianBlur(0.5))),
    "JPEG quality 50": lambda x: by_pillow(x, compressed),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("data", type=Path, help="the folder with chest_xray/ and external/")
    arguments = parser.parse_args()
    run = Run(arguments.run)
    classifier = LightClassifier.load(run)
    sketch = Sketch.of(classifier)
    with reporter() as report:
        children = RunData(run, reporter=report)
        validation = children.part("validation")
        adults = read_sources([arguments.data / "external"], patient_rules=[ADULT_PATIENT]).examples

        def look(examples, change=None) -> Reference:
            return said_of(examples, classifier, sketch, report, change)

        known = look(validation)
        others = {
            "adult X-rays": look(adults),
            "official test part": look(children.part("test")),
        }
        changed = {name: look(validation, change) for name, change in CHANGES.items()}
    result = {
        "command": "python benchmarks/studies/drift.py RUN DATA",
        "reference": {"images": len(known.labels), "patients": int(known.patients.max()) + 1},
        "false_alarms": {
            "permutation": false_alarms(known, sketch, patients_known=True),
            "samples": false_alarms(known, sketch, patients_known=False),
        },
        "detection": {
            **{name: detection(sketch, known, other) for name, other in others.items()},
            **{
                name: detection(sketch, known, other, is_paired=True)
                for name, other in {"nothing changed": known, **changed}.items()
            },
        },
    }
    RESULT.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(RESULT.read_text(encoding="utf-8"))


def said_of(
    examples,
    classifier: LightClassifier,
    sketch: Sketch,
    report: Reporter,
    change: Callable[[np.ndarray], np.ndarray] | None,
) -> Reference:
    pixels = load_pixels(examples, classifier.image_size)
    array = np.asarray(pixels.array)
    if change is not None:
        array = np.clip(np.round(change(array.astype(np.float32))), 0, 255).astype(np.uint8)
    answers = classifier.predict(array, lambda done, of: report.progress("predicting", done, of))
    return Reference(
        sketch.project(answers),
        answers.probabilities,
        answers.ood_scores,
        np.array([classifier.classes.index(one.label) for one in pixels.examples]),
        cluster_indices([one.patient for one in pixels.examples]),
        describe(array),
    )


def false_alarms(known: Reference, sketch: Sketch, *, patients_known: bool) -> dict:
    """Deal the patients out to two halves, again and again, and count how often they differ."""
    smallest = []
    for seed in range(HALVES):
        order = generator("halves", seed).permutation(known.patients.max() + 1)
        is_new = np.isin(known.patients, order[: len(order) // 2])
        found = verdict(sketch, part(known, ~is_new), part(known, is_new), seed, patients_known)
        smallest.append(min(one.adjusted for one in found.differences))
    found = {"of": HALVES, "smallest_p": sorted(smallest)}
    for rate in RATES:
        alarms = sum(p <= rate for p in smallest)
        interval = clopper_pearson(alarms / HALVES, HALVES)
        found[str(rate)] = {"alarms": alarms, "low": interval.low, "high": interval.high}
    return found


def detection(
    sketch: Sketch, known: Reference, other: Reference, *, is_paired: bool = False
) -> dict:
    """Count how many of several draws of n images are called, by n.

    Args:
        sketch: Of the classifier.
        known: The reference.
        other: What is drawn from.
        is_paired: Whether it shows the very patients of the reference, changed: then those that are
            drawn are left out of the reference.
    """
    found = {}
    for size in SIZES:
        called, by_prevalence, without, values = 0, 0, 0, []
        for seed in range(DRAWS):
            chosen = some_patients(other.patients, size, seed)
            rest = part(known, ~chosen) if is_paired else known
            one = verdict(sketch, rest, part(other, chosen), seed, patients_known=True)
            called += one.drifted
            by_prevalence += one.explained_by_prevalence
            rest_of_it = [each.p for each in one.differences if each.name != "pictures"]
            without += min(holm(rest_of_it)) <= one.alpha
            values.append(one.differences[0].value)
        found[str(size)] = {
            "called": called,
            "of": DRAWS,
            "prevalence_alone": by_prevalence,
            "called_without_pictures": without,
            "mean_difference": float(np.mean(values)),
        }
    return found


def some_patients(patients: np.ndarray, size: int, seed: int) -> np.ndarray:
    """Choose patients until there are `size` images, (N,) bool."""
    order = generator("patients", size, seed).permutation(patients.max() + 1)
    counts = np.bincount(patients)[order].cumsum()
    return np.isin(patients, order[: int(np.searchsorted(counts, size)) + 1])


def verdict(
    sketch: Sketch, reference: Reference, new: Reference, seed: int, patients_known: bool
) -> TwoSampleResult:
    rows = new.rows(sketch)
    patients = new.patients if patients_known else np.zeros(len(rows), int)
    sample = Sample.of(rows, patients)
    return compare_samples(
        reference, sketch, sample, patients_known=patients_known, draws=999, seed=seed
    )


def part(whole: Reference, rows: np.ndarray) -> Reference:
    fields = {
        name: getattr(whole, name)[rows]
        for name in ("projected", "probabilities", "distances", "labels", "patients", "pictures")
    }
    return replace(whole, **fields)


if __name__ == "__main__":
    main()
