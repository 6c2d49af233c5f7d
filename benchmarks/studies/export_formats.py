"""The same 64 real images through every form of a trained model: one table.

    dlmath train pneumonia --recipe paper --data ../shared/data/chest_xray \
        --backbone efficientnet_lite0 --tune head --out runs/pneumonia
    dlmath train malaria --recipe paper --data ../shared/data/malaria --out runs/malaria
    python benchmarks/studies/export_formats.py runs/pneumonia runs/malaria

Each run is exported in every format, which proves each in a fresh process. Then all of them answer
for the same pixels in this process, in turns: images a second are those of the medians, and the
ratio to Keras is what can be compared with another machine. `predict` reads the files as well. What
fewer bits change is also counted on the whole test part, since 64 images may show none of it.
What the model in memory said after training is compared by the training itself, with the light
form, and stands in the manifest.

Writes `benchmarks/results/export-formats.json`.
"""

import argparse
import json
import tempfile
from pathlib import Path

import numpy as np

import dlmath
from dlmath.bench.export import BASELINE, compare_formats
from dlmath.cli.progress import reporter
from dlmath.data.run_data import RunData
from dlmath.export.quantization import compare_accuracy
from dlmath.export.verification_set import VerificationSet, gather_verification_set
from dlmath.inference.classifier import Classifier
from dlmath.inference.keras_classifier import KerasClassifier
from dlmath.inference.light_classifier import LightClassifier
from dlmath.inference.predict_files import predict
from dlmath.inference.runtimes import load_classifier
from dlmath.runs import Run, read_json

RESULT = Path(__file__).parents[1] / "results" / "export-formats.json"
FORMATS = (
    ("saved_model", "none"),
    ("keras", "none"),
    ("onnx", "none"),
    ("litert", "none"),
    ("litert", "float16"),
    ("litert", "int8"),
)
FEWER_BITS = ("litert_float16", "litert_int8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", nargs="+", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    document = json.loads(RESULT.read_text()) if RESULT.is_file() else {}
    with reporter() as report:
        for path in given.runs:  # a run takes minutes: what is done is kept
            document[path.name] = table(Run.find(path), given.rounds, report)
            RESULT.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    print(f"Wrote {RESULT.name}")


def table(run: Run, rounds: int, report: reporter) -> dict:
    classifier = KerasClassifier.load(run)
    parts = RunData(run, reporter=report).split
    expected = gather_verification_set(run, classifier, parts, by_graph=False)
    with tempfile.TemporaryDirectory() as folder:
        paths = {}
        for kind, bits in FORMATS:
            name = kind if bits == "none" else f"{kind}_{bits}"
            paths[name] = dlmath.export(run, kind, folder, quantize=bits, reporter=report)
        exports = {name: load_classifier(path, trust=True) for name, path in paths.items()}
        others: dict[str, Classifier] = {"light": LightClassifier.load(run), **exports}
        speeds = compare_formats(classifier, others, expected.pixels, rounds, {})
        rows = {BASELINE: {}, **{name: parity(expected, one) for name, one in others.items()}}
        for name, row in rows.items():
            row["images_per_second"] = len(expected.pixels) / speeds.median(name)
            row["times_keras"] = speeds.ratio(name)
        for name in FEWER_BITS:
            rows[name]["test"] = compare_accuracy(parts.part("test"), classifier, exports[name])
        proven = read_json(Path(folder) / "manifest.json")
        for name, record in proven.items():
            rows[name]["megabytes"] = record["verified"]["megabytes"]
            rows[name]["fresh_process"] = record["verified"]
            if "validation" in record:
                rows[name]["validation"] = record["validation"]
    rows["predict"] = of_predict(run, expected)
    manifest = run.manifest
    return {
        "images": len(expected.files),
        "threshold": manifest["threshold"],
        "abstention": manifest.get("abstention"),
        "light_against_the_model_after_training": manifest["light"],
        "rows": rows,
    }


def parity(expected: VerificationSet, classifier: Classifier) -> dict:
    answers = classifier.predict(expected.pixels)
    decided = classifier.decide(answers.probabilities)
    row = {
        "largest_difference": float(np.abs(answers.probabilities - expected.probabilities).max()),
        "changed_decisions": int((decided != expected.decisions).sum()),
    }
    if expected.abstains is not None:
        abstains = classifier.abstains(answers.probabilities, answers.ood_scores)
        row["changed_abstentions"] = int((abstains != expected.abstains).sum())
    return row


def of_predict(run: Run, expected: VerificationSet) -> dict:
    said = predict(run, expected.files)
    probabilities = np.array([list(one.probabilities.values()) for one in said])
    names = np.array(expected.classifier.classes)[expected.decisions]
    return {
        "largest_difference": float(np.abs(probabilities - expected.probabilities).max()),
        "changed_decisions": sum(
            one.decision != name for one, name in zip(said, names, strict=True)
        ),
    }


if __name__ == "__main__":
    main()
