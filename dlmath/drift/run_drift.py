"""Drift of a run: test new images against the images that it was trained on."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dlmath.data.listing import counted
from dlmath.data.locate import find_data
from dlmath.data.patient_reading import patients_known, rules_for
from dlmath.data.run_data import columns_for
from dlmath.data.sources import Source
from dlmath.drift.discrepancy import compared
from dlmath.drift.folder import find_new_images, look_at
from dlmath.drift.reference import Reference, find_reference
from dlmath.drift.samples import Sample
from dlmath.drift.sketch import Sketch
from dlmath.drift.statistics import LEAST, ServedStatistics, Totals, model_of
from dlmath.drift.two_sample import ALPHA, LEAST_ALPHA, TwoSampleResult, compare_samples
from dlmath.errors import DataError, RunError, UserError
from dlmath.inference.classifier import Classifier
from dlmath.inference.runtimes import load_classifier
from dlmath.reporting import SILENT, Reporter
from dlmath.runs import Run
from dlmath.terminal_text import command, quoted

_OLD_RUN = (
    "Grey levels, sharpness and colour are left out: the run was trained before they were kept. "
    "Those of a run that is trained again are compared."
)
_OLD_SERVER = (
    "Grey levels, sharpness and colour are left out: a server began {} before they were kept. "
    "Remove it; a server begins again, with them."
)


@dataclass(frozen=True)
class Drift:
    """Result of a drift test.

    Attributes:
        run: The run that was tested.
        sources: Sources of the new images; empty for those that a server answered.
        comparison: Result of the two-sample test.
        served: Sums that the server kept; None for files.
        farthest: The files that differ most from the training images, with their distances.
        warnings: Warnings for readers of the result.
    """

    run: Run
    sources: tuple[str, ...]
    comparison: TwoSampleResult
    served: Totals | None
    farthest: tuple[dict[str, Any], ...]
    warnings: tuple[str, ...]

    @property
    def reference_patients(self) -> int | None:
        """Number of patients of the run's validation images; None where that is not known."""
        known = patients_known(self.run.recipe, self.run.manifest)
        return self.comparison.reference_patients if known else None

    @property
    def retrain(self) -> str:
        """The command that trains again, with the new images once they have their classes."""
        sources = [*self.run.sources, *(self.sources or ("NEW",))]
        options = [option for source in sources for option in ("--data", str(source))]
        return command("dlmath", "train", *options, "--from", self.run.folder)

    @property
    def verdict(self) -> str:
        """The verdict in one sentence."""
        found = self.comparison
        if not found.drifted:
            return "No drift was found: fair samples differ as much."
        if found.explained_by_prevalence:
            return "The images differ, as they would if only the prevalence had changed."
        if found.only_in_pictures:
            return (
                "The pictures differ, as another device or setting would make them; what the model "
                "makes of them does not."
            )
        return "The images are not those that the model was trained on."

    def as_json(self) -> dict[str, Any]:
        """Return the document that `drift --json` prints."""
        found, served = self.comparison, self.served
        return {
            "run": self.run.name,
            "task": self.run.recipe.name,
            "drift": found.drifted,
            "verdict": self.verdict,
            "false_alarm_rate": found.alpha,
            "new": {
                "sources": list(self.sources),
                "images": found.images,
                "patients": found.patients,
                "first": served and served.first and served.first.isoformat(timespec="seconds"),
                "last": served and served.last and served.last.isoformat(timespec="seconds"),
            },
            "reference": {"images": found.reference_images, "patients": self.reference_patients},
            "differences": [one.as_json() for one in found.differences],
            "pictures": [one.as_json() for one in found.pictures],
            "prevalence": found.prevalence and found.prevalence.as_json(),
            "prevalence_alone": found.explained_by_prevalence,
            "farthest": list(self.farthest),
            "retrain": self.retrain,
            "warnings": list(self.warnings),
        }


def drift(
    run: Run | str | None = None,
    data: Source | Sequence[Source] | None = None,
    *,
    patient_rules: Sequence[str] | None = None,
    columns: Sequence[str] | None = None,
    alpha: float = ALPHA,
    classifier: Classifier | None = None,
    reporter: Reporter = SILENT,
) -> Drift:
    """Test whether images differ from those that a run was trained on.

    Args:
        run: A run, its folder or its name under `runs/`; None for the newest finished one.
        data: New images: files, folders, patterns, zips, CSV files; they need no classes. None for
            what the run's server kept.
        patient_rules: How to read the patients of `data` from file names, as in a recipe; empty:
            not known; None: by the run's rules, or a guess where these do not fit.
        columns: How a CSV in `data` names its columns, as in a recipe; None: as that of the run
            does, or file, class, patient and split.
        alpha: The rate of false alarms, of all that is compared together; from 0.001 to below 1.
        classifier: Classifier of the run, if it is already loaded.
        reporter: Receives the progress.

    Raises:
        UserError: `alpha` is out of its range, or `patient_rules` are given without `data`.
        RunError: There is no such run, its server kept nothing, or there is nothing to compare to.
        DataError: There are too few images, or none.

    Example:
        >>> from dlmath.drift import drift
        >>> found = drift("runs/example", "cells")  # the images that it was trained on
        >>> found.verdict
        'No drift was found: fair samples differ as much.'
    """
    if not LEAST_ALPHA <= alpha < 1:
        raise UserError(
            f"`alpha` must be {LEAST_ALPHA:g} or more, and below 1. Received: alpha={alpha!r}"
        )
    if data is None and patient_rules is not None:
        raise UserError(
            "A server does not know whose images it gets. Leave --patients out, or name images "
            f"with --data. Received: patient_rules={list(patient_rules)}"
        )
    if data is None and columns is not None:
        raise UserError(
            "A server gets no table. Leave --columns out, or name a CSV with --data. Received: "
            f"columns={list(columns)}"
        )
    found = run if isinstance(run, Run) else Run.find(run)
    served = None if data is not None else _served(found)
    classifier = classifier or load_classifier(found)
    sketch = Sketch.of(classifier)
    reference = find_reference(found, classifier, reporter)
    if served is not None:
        return _of_server(found, served, reference, sketch, alpha)
    given = [str(one) for one in ([data] if isinstance(data, str | Path) else data or ())]
    sources = [str(one) for one in find_data(found.recipe.name, given, reporter=reporter)]
    notes: tuple[str, ...] = ()
    if not reference.pictures.size:
        sketch, notes = sketch.without_pictures, (_OLD_RUN,)
    rules, likely = rules_for(found, patient_rules)
    images = find_new_images(sources, columns_for(found, columns), reporter)
    seen = look_at(images, classifier, sketch, reporter, rules, likely)
    _check_enough_images(len(seen.files))
    known = seen.patients is not None
    patients = seen.patients if seen.patients is not None else np.zeros(len(seen.files), int)
    sample = Sample.of(seen.rows, patients)
    if known:
        _check_enough_patients(reference, sample, len(compared(classifier, sketch.layout)), alpha)
    comparison = compare_samples(reference, sketch, sample, patients_known=known, alpha=alpha)
    farthest = tuple(seen.farthest(sketch))
    return Drift(found, tuple(given), comparison, None, farthest, (*seen.warnings, *notes))


def _of_server(
    run: Run, served: Totals, reference: Reference, sketch: Sketch, alpha: float
) -> Drift:
    warnings = _server_warnings(served)
    if not reference.pictures.size:
        warnings += (_OLD_RUN,)
    elif not served.layout.pictures:
        warnings += (_OLD_SERVER.format(run.served_statistics_path),)
    if not (reference.pictures.size and served.layout.pictures):
        served, sketch = served.without_pictures, sketch.without_pictures
    if served.layout != sketch.layout:
        raise _not_its_own(run)
    _check_enough_images(served.images)
    sample = Sample(served.sums[np.newaxis], np.array([served.images]))
    comparison = compare_samples(reference, sketch, sample, patients_known=False, alpha=alpha)
    return Drift(run, (), comparison, served, (), warnings)


def _served(run: Run) -> Totals:
    path = run.served_statistics_path
    if not path.is_file():
        raise RunError(
            f"No server has kept statistics in {run.folder}: it writes them from {LEAST} images on."
            f" Serve with: dlmath serve {quoted(run.folder)}, or compare images: dlmath drift "
            f"{quoted(run.folder)} --data PATH"
        )
    served = ServedStatistics.load(path)
    if served.model != model_of(run):
        raise _not_its_own(run)
    return served


def _not_its_own(run: Run) -> RunError:
    return RunError(
        f"{run.served_statistics_path} is of another model than {run.model_path}. Remove it; a "
        "server begins again."
    )


def _check_enough_images(images: int) -> None:
    if images < LEAST:
        raise DataError(
            f"Drift is a matter of many images: it takes {LEAST} of them. Received: "
            f"{counted(images, 'image')}. To look at single ones: dlmath predict"
        )


def _check_enough_patients(reference: Reference, new: Sample, tests: int, alpha: float) -> None:
    """Check that enough patients are there to give an alarm: "no drift" would mean nothing."""
    own, patients = len(np.unique(reference.patients)), len(new.images)
    least = tests / math.comb(own + patients, patients)  # of p-values, after their correction
    if least > alpha:
        raise DataError(
            f"Patients are compared, and {counted(patients, 'patient')} cannot differ so much that "
            f"it could not be chance at a rate of {alpha:g}, next to {own:,} of the reference. "
            f"Received: {counted(new.total, 'image')}. Add images of more patients, or give a rate "
            "above it: --alpha"
        )


def _server_warnings(served: Totals) -> tuple[str, ...]:
    note = (
        "A server does not know whose images it gets: as many of each patient are supposed as in "
        "the reference. If there are more, false alarms are more frequent."
    )
    if not served.left_out:
        return (note,)
    return note, f"The model gave no number for {counted(served.left_out, 'image')}."
