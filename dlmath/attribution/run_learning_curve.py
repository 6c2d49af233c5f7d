"""Learning curve of a run: how many more training patients a target AUC would take."""

from pathlib import Path

import numpy as np

from dlmath.attribution.solved_run import load_solved_run
from dlmath.data.patients import unit_of
from dlmath.linear_head.auc_curve import LearningCurve, learning_curve
from dlmath.reporting import SILENT, Reporter
from dlmath.runs import Run
from dlmath.training.head_features import patients_of
from dlmath.training.training_data import class_indices


def how_many(run: Run | str | Path | None = None, *, reporter: Reporter = SILENT) -> LearningCurve:
    """Measure how a run's AUC grows with its training patients, and extrapolate.

    Heads are solved for on growing draws of the training patients and scored on the validation
    part. The test part is not opened. Where no patient is known, images are counted; where some
    are, each image without a patient counts as one.

    Args:
        run: A run whose head was solved, its folder or name; None for the newest finished one.
        reporter: Receives the progress.

    Raises:
        RunError: The run's head was trained by steps, or its data are gone.
        DataError: There are too few patients.
    """
    run = run if isinstance(run, Run) else Run.find(run)
    solved = load_solved_run(run, "A learning curve", reporter)
    held_out, data = solved.features.validation, solved.data
    labels = class_indices(held_out.examples, run.recipe)
    return learning_curve(
        data.features,
        data.targets,
        data.weights,
        data.groups,
        held_out.array,
        np.eye(len(run.recipe.classes))[labels],
        patients_of(held_out.examples),
        l2=solved.fit.l2,
        seed=run.recipe.seed,
        unit=unit_of(example.patient for example in solved.features.train.examples),
        progress=reporter.task("learning curve"),
    )
