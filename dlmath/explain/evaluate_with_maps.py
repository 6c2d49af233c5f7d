"""`dlmath.evaluate`: an evaluation whose report shows where the evidence lies."""

from collections.abc import Sequence
from pathlib import Path

from dlmath import evaluation
from dlmath.data.sources import Source
from dlmath.evaluation import Evaluation
from dlmath.explain.examples import explain_examples
from dlmath.reporting import SILENT, Reporter
from dlmath.runs import Run


def evaluate(
    run: Run | str | Path | None = None,
    data: Source | Sequence[Source] | None = None,
    split: str = "test",
    *,
    patient_rules: Sequence[str] | None = None,
    prevalence: float | None = None,
    slice_by: Sequence[str] = (),
    explained: bool = True,
    reporter: Reporter = SILENT,
) -> Evaluation:
    """Return the figures of a run on its own images or on others.

    On the run's own test part the figures are kept in its `metrics.json`, each image's
    probabilities in its `predictions.csv`, and the report is written again, with heat maps of the
    most confident rights and wrongs.

    Args:
        run: A run, its folder, or its name under `runs/`; None for the newest finished one.
        data: One source or several; None for the data that the run was made with.
        split: test, validation, or all. Given data without parts on disk are evaluated whole.
        patient_rules: How to read the patients of given data from their file names, as in a
            recipe; empty: not known; None: by the run's rules, or a guess where these do not fit.
        prevalence: Also say what accuracy and predictive values would be at it.
        slice_by: Columns to divide the images by, `FILE.csv:COLUMN` each, where the file has a
            column `file` too.
        explained: Whether to draw the heat maps; they take seconds.
        reporter: Hears of the progress.

    Raises:
        RunError: There is no such run, or its model gives no numbers.
        DataError: The images cannot be read, there are none, or `patient_rules` were given for the
            run's own.
    """
    return evaluation.evaluate(
        run,
        data,
        split,
        patient_rules=patient_rules,
        prevalence=prevalence,
        slice_by=slice_by,
        explain=explain_examples if explained else None,
        reporter=reporter,
    )
