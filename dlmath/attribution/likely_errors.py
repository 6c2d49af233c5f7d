"""Likely label errors of a run, ranked."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.special import softmax

from dlmath.attribution.solved_run import SolvedRun, load_solved_run
from dlmath.audit.findings import Finding, single
from dlmath.audit.label_errors import confident_learning
from dlmath.data.listing import counted
from dlmath.data.patients import unit_of
from dlmath.errors import RunError
from dlmath.linear_head import fit_head
from dlmath.linear_head.folds import patient_folds
from dlmath.models.own_images import train_command
from dlmath.reporting import SILENT, Reporter
from dlmath.runs import Run
from dlmath.training.head_features import patients_of
from dlmath.training.training_data import class_indices

FOLDS = 5


@dataclass(frozen=True)
class LikelyError:
    """An image whose label a model of other patients contradicts.

    Attributes:
        file: Its name in the dataset.
        path: Where it lies.
        patient: Whose image it is, or None.
        label: The class on disk.
        suggested: The class that the models of other patients give it.
        probability: Probability of the suggested class.
        margin: Probability of the label less the greatest of another class: the lower, the
            likelier an error.
    """

    file: str
    path: Path
    patient: str | None
    label: str
    suggested: str
    probability: float
    margin: float


@dataclass(frozen=True)
class LikelyErrors:
    """The images that were examined, and those whose labels are likely wrong.

    Attributes:
        images: Number of training and validation images of the run, all of which were examined.
        files: Their names.
        estimated: How many of their labels are estimated to be wrong.
        ranked: The suspects, the likeliest error first.
        unit: Unit of the folds: `patient`, or `image` where patients are not known.
    """

    images: int
    files: tuple[str, ...]
    estimated: float
    ranked: tuple[LikelyError, ...]
    unit: str = "patient"


def likely_label_errors(
    run: Run | str | Path | None = None, *, reporter: Reporter = SILENT
) -> LikelyErrors:
    """Rank the training and validation images of a run by how likely their labels are wrong.

    The run's head is solved again on folds of patients, so that each image is judged by a model
    that has not seen its label, and `confident_learning` ranks those that are contradicted. The
    test part is not opened.

    Args:
        run: A run whose head was solved, its folder or name; None for the newest finished one.
        reporter: Receives the progress.

    Raises:
        RunError: The run's network was trained by steps, or its data are gone.
        DataError: A class has images of fewer than two patients.
    """
    run = run if isinstance(run, Run) else Run.find(run)
    _check_features_are_fixed(run)
    solved = load_solved_run(run, "Ranking likely label errors", reporter)
    parts = (solved.features.train, solved.features.validation)
    examples = [example for part in parts for example in part.examples]
    labels = class_indices(examples, run.recipe)
    probabilities = _out_of_fold(
        solved,
        np.concatenate([part.array for part in parts]),
        np.eye(len(run.recipe.classes))[labels],
        patients_of(examples),
        reporter,
    )
    found = confident_learning(probabilities, labels)
    ranked = (
        LikelyError(
            file=examples[row].file,
            path=examples[row].path,
            patient=examples[row].patient,
            label=examples[row].label,
            suggested=run.recipe.classes[found.suggested[row]],
            probability=float(probabilities[row, found.suggested[row]]),
            margin=float(found.margins[row]),
        )
        for row in found.suspects.tolist()
    )
    files = tuple(example.file for example in examples)
    unit = unit_of(example.patient for example in examples)
    return LikelyErrors(len(examples), files, found.estimated_errors, tuple(ranked), unit)


def label_error_findings(
    run: Run | str | Path | None = None, *, reporter: Reporter = SILENT
) -> list[Finding]:
    """Return what `likely_label_errors` finds as a finding of the audit: `likely-label-errors`.

    It warns if there are any; its files are in the order of the ranking, and
    `figures["ranked"]` has the label, the suggested class, its probability and the margin of each.

    Raises:
        RunError: As `likely_label_errors`.
        DataError: As `likely_label_errors`.
    """
    found = likely_label_errors(run, reporter=reporter)
    number = len(found.ranked)
    return [
        Finding(
            kind="likely-label-errors",
            severity="warning" if number else "note",
            message=(
                f"{counted(number, 'label')} of {found.images:,} training and validation images "
                "are contradicted, confidently, by models of other {found.unit}s; about "
                f"{found.estimated:,.0f} are estimated to be wrong."
            ),
            advice="Look at them, the first ones first: they are the likeliest." if number else "",
            groups=single([one.file for one in found.ranked]),
            figures={
                "images": found.images,
                "estimated": found.estimated,
                "ranked": [
                    {
                        "file": one.file,
                        "label": one.label,
                        "suggested": one.suggested,
                        "probability": one.probability,
                        "margin": one.margin,
                    }
                    for one in found.ranked
                ],
            },
        )
    ]


def _check_features_are_fixed(run: Run) -> None:
    recipe = run.recipe
    if not recipe.solves_head:
        raise RunError(
            "Ranking likely label errors needs features that were not learned from those labels: "
            "a network that was trained on an image has had the chance to learn a wrong label by "
            f"heart. Received: tune={recipe.tune!r}, head_solver={recipe.head_solver!r} in "
            f"{run.folder}. Train a head on a pretrained network: "
            f"{train_command(run, '--tune', 'head')}"
        )


def _out_of_fold(
    solved: SolvedRun,
    features: np.ndarray,
    targets: np.ndarray,
    groups: np.ndarray,
    reporter: Reporter,
) -> np.ndarray:
    """Return probabilities (N, K) by heads of other patients, with the run's own penalty."""
    fold = patient_folds(groups, targets, FOLDS, solved.features.recipe.seed)
    folds = fold.max() + 1
    probabilities = np.empty_like(targets)
    for number in range(folds):
        own, others = fold == number, fold != number
        head = fit_head(
            features[others],
            targets[others],
            np.ones(others.sum()),
            groups[others],
            l2=solved.fit.l2,
        )
        probabilities[own] = softmax(head.logits(features[own]), axis=1)
        reporter.progress("folds of patients", number + 1, folds)
    return probabilities
