"""Checks of a run's files: the training wrote them, and the weights are finite."""

import hashlib
from collections import defaultdict
from pathlib import Path

import numpy as np

from dlmath.data.listing import counted, listed
from dlmath.data.patient_doubts import doubts
from dlmath.data.run_data import RunData
from dlmath.data.splits import PARTS
from dlmath.doctor.examined_run import ExaminedRun
from dlmath.doctor.verdict import Verdict, fault, not_applicable, ok, warning
from dlmath.terminal_text import quoted
from dlmath.training.manifest import versions as versions_here


def state(examined: ExaminedRun) -> Verdict:
    """Check that the training came to its end."""
    found = examined.manifest.get("state")
    if found == "finished":
        return ok("The training came to its end.")
    folder = examined.run.folder
    return warning(
        f"The training did not come to its end; its state is: {found}.",
        f"Go on with: dlmath train --resume {quoted(folder)}",
    )


def checksums(examined: ExaminedRun) -> Verdict:
    """Compare the model's files with the checksums in the manifest."""
    run, manifest = examined.run, examined.manifest
    light = manifest.get("light") or {}
    recorded = {
        run.model_path: (manifest.get("model") or {}).get("sha256"),
        run.light_network_path: light.get("features_sha256"),
        run.light_head_path: light.get("head_sha256"),
    }
    known = {path: digest for path, digest in recorded.items() if digest}
    if not known and not run.is_finished:
        return not_applicable("The training did not come to its end, when its model is written.")
    if not known:
        return not_applicable("The run is from before manifests held checksums.")
    wrong = [path.name for path, digest in known.items() if _sha256(path) != digest]
    if wrong:
        return fault(
            f"{listed(wrong)}: not as the training wrote it.",
            "Copy the run again from the machine that made it, or train it again.",
        )
    return ok(f"{counted(len(known), 'file')} as the training wrote them")


def weights(examined: ExaminedRun) -> Verdict:
    """Look for weights that are no numbers."""
    layers = [layer for layer in examined.model.layers if layer.weights]
    bad = [
        layer.name
        for layer in layers
        if not all(np.isfinite(np.asarray(weight)).all() for weight in layer.get_weights())
    ]
    if bad:
        return fault(
            f"NaN or infinite weights in {listed(bad)}.",
            "Train again with a tenth of the learning rate; no answer of this model is one.",
        )
    return ok(f"All {examined.model.count_params():,} weights are finite.")


def patients_apart(examined: ExaminedRun) -> Verdict:
    """Look for patients on both sides of the split."""
    parts: dict[str, set[str]] = defaultdict(set)
    patients: list[str | None] = []
    for row in RunData(examined.run).rows:
        patients.append(row["patient"] or None)
        if row["patient"] and row["split"] in PARTS:
            parts[row["patient"]].add(row["split"])
    if not parts:
        return not_applicable("The split names no patients.")
    shared = [patient for patient, found in parts.items() if len(found) > 1]
    if shared:
        return fault(
            f"{counted(len(shared), 'patient')} on two sides of the split: {listed(shared)}.",
            "What is measured on the test part is remembered, not learned. Train again.",
        )
    if doubted := doubts(patients):
        return warning(" ".join(doubted), "Where it is so, train again with --patients REGEX.")
    unknown = patients.count(None)
    rest = f" The patient of {counted(unknown, 'image')} is not known." if unknown else ""
    return ok(f"No one of {counted(len(parts), 'patient')} is on two sides of the split.{rest}")


def same_versions(examined: ExaminedRun) -> Verdict:
    """Compare the versions that the run was trained with to those that are here."""
    recorded, here = examined.manifest.get("versions") or {}, versions_here()
    if not recorded:
        return not_applicable("The manifest names no versions.")
    other = [
        f"{name} {recorded[name]} then, {here.get(name)} now"
        for name in recorded
        if recorded[name] != here.get(name)
    ]
    if other:
        return warning(
            f"Trained with other versions: {'; '.join(other)}.",
            "Answers may differ in the last digits; to reproduce the run, install its versions.",
        )
    return ok("Trained with the versions that are here.")


def _sha256(path: Path) -> str | None:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return None
