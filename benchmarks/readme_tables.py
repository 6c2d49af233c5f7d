"""Put the figures of `benchmarks/results/` into README.md and docs, between marks.

python benchmarks/readme_tables.py          # write
python benchmarks/readme_tables.py --check  # exit 1 if a page says something else
"""

import json
import re
import statistics
import sys
from pathlib import Path

import boundary_tables  # beside this file
import data_tables
import drift_tables
import evaluation_tables
import export_tables
import resuming_tables
import serving_tables
import trust_tables

HERE = Path(__file__).parent
README = HERE.parent / "README.md"
SPEED = HERE.parent / "docs" / "speed.md"
AUDIT = HERE.parent / "docs" / "audit.md"
TRUST = HERE.parent / "docs" / "trust.md"
RESUMING = HERE.parent / "docs" / "resuming.md"
MUTATIONS = HERE.parent / "docs" / "mutations.md"
BOUNDARIES = HERE.parent / "docs" / "boundaries.md"
EVALUATION = HERE.parent / "docs" / "evaluation.md"
DRIFT = HERE.parent / "docs" / "drift.md"
SERVING = HERE.parent / "docs" / "serving.md"
SINGLE_RUNS = {
    "pneumonia-head": "308 of the 624 official test images",
    "pneumonia-all": "308 of the 624 official test images",
    "malaria-head": "820 cells of unseen patients; a frozen network for photographs",
    "malaria-scratch": "820 cells of unseen patients; layers with hand-derived gradients",
}


def main() -> None:
    for page, blocks in blocks_of_pages().items():
        text = page.read_text(encoding="utf-8")
        wanted = filled(text, blocks, page.name)
        if "--check" not in sys.argv[1:]:
            page.write_text(wanted, encoding="utf-8")
        elif text != wanted:
            sys.exit(f"{page.name} disagrees with benchmarks/results/; run this without --check.")


def blocks_of_pages() -> dict[Path, dict[str, str]]:
    """Return what stands between the marks of each page."""
    return {
        README: {
            "results": results_table(),
            "head": head_table(),
            "own": data_tables.own_images(),
            "exports": export_tables.exports(),
        },
        SPEED: {"features": features_table(), "solvers": solvers_table()},
        AUDIT: {
            "audits": data_tables.audits(),
            "leakage": data_tables.leakage(),
            "planted": data_tables.planted(),
            "labels": data_tables.labels(),
            "shift": data_tables.shift(),
        },
        EVALUATION: {
            "coverage": evaluation_tables.coverage(),
            "intervals": evaluation_tables.intervals(),
            "calibration": evaluation_tables.calibration(),
            "abstention": evaluation_tables.abstention(),
            "explanations": evaluation_tables.explanations(),
        },
        BOUNDARIES: {
            "parts": boundary_tables.parts(),
            "degrees": boundary_tables.degrees(),
            "curves": boundary_tables.curves(),
            "gains": boundary_tables.gains(),
            "insight": boundary_tables.insight(),
        },
        TRUST: {"hostile": trust_tables.hostile(), "doctor": trust_tables.doctor()},
        RESUMING: {
            "checkpoints": resuming_tables.checkpoints(),
            "crashes": resuming_tables.crashes(),
        },
        SERVING: {
            "limits": serving_tables.limits(),
            "parity": serving_tables.parity(),
            "load": serving_tables.load_figures(),
            "refusals": serving_tables.refusals(),
        },
        DRIFT: {"drift": drift_tables.drift(), "prevalence": drift_tables.prevalence()},
        MUTATIONS: {"mutations": resuming_tables.mutations()},
    }


def filled(text: str, blocks: dict[str, str], page: str) -> str:
    """Return the page with each marked block replaced by what its results say."""
    for name, block in blocks.items():
        pattern = rf"(<!-- {name}: [^\n]*-->\n).*?(<!-- end of {name} -->)"
        text, count = re.subn(
            pattern, lambda m, block=block: f"{m[1]}{block}{m[2]}", text, flags=re.DOTALL
        )
        if count != 1:
            sys.exit(f"{page} must hold one block marked {name!r}, and holds {count}.")
    return text


def results_table() -> str:
    """Return a row for each experiment that has been run."""
    lines = [
        "| command | tested on | AUC | accuracy | sensitivity | specificity |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for name, images in SINGLE_RUNS.items():
        if (HERE / "results" / f"{name}.json").exists():
            lines.append(row(load(name), images))
    lines.append(malaria_row([load(f"malaria-{seed}") for seed in range(3)]))
    return "\n".join(lines) + "\n"


def row(result: dict, images: str) -> str:
    metrics = result["evaluation"]["metrics"]
    figures = [
        interval(metrics[name]) for name in ("auc", "accuracy", "sensitivity", "specificity")
    ]
    return " | ".join([f"| `{result['command']}`", images, *figures]) + " |"


def malaria_row(results: list[dict]) -> str:
    """Three seeds split the patients anew, so their spread is shown in place of an interval."""
    names = ("auc", "accuracy", "sensitivity", "specificity")
    figures = []
    for name in names:
        values = [result["evaluation"]["metrics"][name]["value"] for result in results]
        figures.append(f"{statistics.mean(values):.3f} ({min(values):.3f}-{max(values):.3f})")
    cells = "/".join(str(result["evaluation"]["n"]) for result in results)
    command = results[0]["command"].replace("--seed 0", "--seed 0\\|1\\|2")
    tested = f"{cells} cells of unseen patients, out of 5,416 (capped per patient); mean (range)"
    return " | ".join([f"| `{command}`", tested, *figures]) + " |"


def head_table() -> str:
    """Return a row for each way from JPEG files to a head."""
    lines = [
        "| from JPEG files to a head | time | validation AUC | time to 0.98 | peak memory |",
        "| --- | --- | --- | --- | --- |",
    ]
    for name, rounds in load("stock-keras")["ways"].items():
        times = [one["seconds_to_target"] for one in rounds]
        time = f"{statistics.median(times):.0f} s" if None not in times else "not reached"
        whole = statistics.median(
            one["epochs"][-1]["seconds"] if "epochs" in one else one["seconds"] for one in rounds
        )
        epochs = f", {len(rounds[0]['epochs'])} epochs" if "epochs" in rounds[0] else ""
        auc = max(one["val_auc"] for one in rounds)
        peak = max(one["peak_bytes"] for one in rounds) / 2**30
        lines.append(f"| {name}{epochs} | {whole:.0f} s | {auc:.4f} | {time} | {peak:.1f} GiB |")
    return "\n".join(lines) + "\n"


def features_table() -> str:
    """Return a row for each way to extract features."""
    lines = [
        "| features | images/s | times stock Keras | largest difference |",
        "| --- | --- | --- | --- |",
    ]
    for comparison in load("bench")["extraction"]:
        for name, way in comparison["ways"].items():
            backbone = comparison["title"].split(", ")[1]
            note = (way["note"] or "").removeprefix("largest difference ")
            lines.append(
                f"| {backbone}: {name} | {way['per_second']:.0f} | {way['ratio']:.2f} | {note} |"
            )
    peers = load("peers")
    rate = peers["images"] / statistics.median(peers["PyTorch"]["seconds"])
    lines.append(
        f"| in another run, PyTorch {peers['PyTorch']['version'].partition('+')[0]}, Lite0 "
        f"| {rate:.0f} | dlmath is {peers['ratio']:.2f} times as fast | |"
    )
    return "\n".join(lines) + "\n"


def solvers_table() -> str:
    """Return a row for each way to fit the head."""
    lines = [
        "| the head of frozen EfficientNet-Lite0 | time | validation loss | validation AUC |",
        "| --- | --- | --- | --- |",
    ]
    for row in load("head-solvers")["solvers"]:
        lines.append(
            f"| {row['name']} | {row['seconds']:.1f} s | {row['val_loss']:.4f} "
            f"| {row['val_auc']:.4f} |"
        )
    for name, figures in load("eight-bits").items():
        if name.startswith("8 bits"):
            lines.append(f"| {name} | | {figures['val_loss']:.4f} | {figures['val_auc']:.4f} |")
    return "\n".join(lines) + "\n"


def interval(metric: dict) -> str:
    return f"{metric['value']:.3f} [{metric['low']:.3f}, {metric['high']:.3f}]"


def load(name: str) -> dict:
    return json.loads((HERE / "results" / f"{name}.json").read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
