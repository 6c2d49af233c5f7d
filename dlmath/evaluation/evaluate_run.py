"""Evaluate a run: its images through its model, then every metric with its interval."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from dlmath.data.listing import counted, listed
from dlmath.data.pixels import load_pixels
from dlmath.data.run_data import columns_for
from dlmath.data.sources import ImageRecord, Source
from dlmath.errors import DataError
from dlmath.evaluation import details
from dlmath.evaluation.details import Evaluated
from dlmath.evaluation.evaluated_images import EvaluatedImages, given_images, own_images
from dlmath.evaluation.evaluation_result import Evaluation, measure
from dlmath.evaluation.intervals import Sample
from dlmath.evaluation.predictions import Predictions
from dlmath.evaluation.prevalence import prevalence_metrics
from dlmath.evaluation.region_reliance import check_region, measure_region_reliance
from dlmath.evaluation.report import write_report
from dlmath.evaluation.report_maps import keep_maps
from dlmath.evaluation.selective_metrics import of_sample
from dlmath.evaluation.test_access_log import record_access, require_log
from dlmath.inference.keras_classifier import KerasClassifier
from dlmath.inference.prevalence import check_prevalence, trained_prevalence
from dlmath.recipe.table_columns import ColumnNames
from dlmath.reporting import SILENT, Reporter
from dlmath.runs import Run, write_json
from dlmath.stats.bootstrap import cluster_indices

_BAD_FILE_ADVICE = (
    "Get them again from where they came, or remove them from images that are not the run's own. "
    "Only a run that was trained with --set on_bad_file=skip leaves them out"
)


def evaluate(
    run: Run | str | Path | None = None,
    data: Source | Sequence[Source] | None = None,
    split: str = "test",
    *,
    patient_rules: Sequence[str] | None = None,
    columns: Sequence[str] | None = None,
    prevalence: float | None = None,
    slice_by: Sequence[str] = (),
    region: bool = False,
    explained: bool = True,
    reporter: Reporter = SILENT,
) -> Evaluation:
    """Return the metrics of a run on its own images or on others.

    On the run's own test part the metrics are kept in its `metrics.json`, and each image's
    probabilities in its `predictions.csv`, so that a report needs neither model nor images.

    Args:
        run: A run, its folder, or its name under `runs/`; None for the newest finished one.
        data: One source or several; None for the data that the run was made with.
        split: test, validation, or all. Given data without parts on disk are evaluated whole.
        patient_rules: How to read the patients of given data from their file names, as in a
            recipe; empty: not known; None: by the run's rules, or a guess where these do not fit.
        columns: How a given CSV names its columns, as in a recipe; None: as that of the run does,
            or file, class, patient and split.
        prevalence: Also say what the metrics would be at it, those that change.
        slice_by: Columns to divide the images by, `FILE.csv:COLUMN` each, where the file has a
            column `file` too, or one of the name that the run's own CSV has for it.
        region: Also measure what the model scores with the recipe's region masked, with the border
            masked, and with borders swapped: see `dlmath.evaluation.region_reliance`. It takes
            three more predictions of each image, 1,024 at most.
        explained: Whether to draw the heat maps of the report, which take seconds, on the run's own
            test part. Those of before stay.
        reporter: Receives the progress.

    Raises:
        RunError: There is no such run, or its model gives no numbers.
        DataError: The images cannot be read, there are none, `patient_rules` or `columns` were
            given for the run's own, or `region` for a recipe that names none.

    Example:
        >>> import dlmath
        >>> auc = dlmath.evaluate("runs/example").metrics["auc"]
        >>> auc.low <= auc.value <= auc.high
        True
    """
    run = run if isinstance(run, Run) else Run.find(run)
    if prevalence is not None:  # before the test part counts as opened
        check_prevalence(prevalence)
        trained_prevalence(run)
    if region:
        check_region(run)
    if data is None:
        _check_own(patient_rules, columns)
    classifier = KerasClassifier.load(run)
    if data is None:
        images = own_images(run, split, reporter)
    else:
        given = [data] if isinstance(data, str | Path) else list(data)
        images = given_images(run, given, split, reporter, patient_rules, columns)
    if images.opened:
        require_log(run)
    evaluated = _predict(run, classifier, images, reporter)
    reporter.say("Measuring …")
    evaluation = _measure(run, images, evaluated, prevalence, slice_by, columns_for(run, columns))
    if region:
        evaluation = _with_region_reliance(evaluation, run, classifier, evaluated, reporter)
    if images.opened:
        access_log = record_access(run, list(images.opened))
        warned = (*evaluation.warnings, *access_log.warnings)
        evaluation = replace(evaluation, test_openings=access_log, warnings=warned)
    if data is None and split == "test":
        _keep(run, evaluation, evaluated)
        if explained:
            keep_maps(run, classifier, evaluated, reporter)
        write_report(run)
    return evaluation


def _check_own(patient_rules: Sequence[str] | None, columns: Sequence[str] | None) -> None:
    if patient_rules is not None:
        raise DataError(
            "The patients of a run's own images are those of its split. Leave --patients out, or "
            f"name other images with --data. Received: patient_rules={list(patient_rules)}"
        )
    if columns is not None:
        raise DataError(
            "The columns of a run's own CSV are those of its recipe. Leave --columns out, or name "
            f"another CSV with --data. Received: columns={list(columns)}"
        )


def _predict(
    run: Run, classifier: KerasClassifier, images: EvaluatedImages, reporter: Reporter
) -> Evaluated:
    pixels = load_pixels(
        images.examples,
        classifier.image_size,
        on_bad_file=run.recipe.on_bad_file,
        bad_file_advice=_BAD_FILE_ADVICE,
        progress=reporter.task("reading images"),
    )
    outputs = classifier.predict(pixels.array, reporter.task("predicting"))
    outputs.check_finite(partial(_nan_in, run, pixels.examples))
    truth = np.array([classifier.classes.index(example.label) for example in pixels.examples])
    clusters = cluster_indices([example.patient for example in pixels.examples])
    sample = Sample(classifier, truth, outputs.probabilities, clusters)
    return Evaluated(sample, pixels, run.recipe.seed, outputs.ood_scores)


def _measure(
    run: Run,
    images: EvaluatedImages,
    evaluated: Evaluated,
    prevalence: float | None,
    slice_by: Sequence[str],
    columns: ColumnNames,
) -> Evaluation:
    sample, pixels = evaluated.sample, evaluated.pixels
    evaluation = measure(
        sample.rule,
        sample.truth,
        sample.probabilities,
        [example.patient for example in pixels.examples],
        task=run.recipe.name,
        split=images.split,
        seed=evaluated.seed,
        warnings=[*_state_warnings(run), *images.warnings, *_bad_file_warnings(len(pixels.bad))],
    )
    at_prevalence = None
    if prevalence is not None:
        at_prevalence = prevalence_metrics(
            sample, prevalence, trained_prevalence(run), evaluated.seed
        )
    slices, notes = details.slices(evaluated, slice_by, columns)
    return replace(
        evaluation,
        threshold_choice=details.threshold_choice(evaluated, run.manifest.get("threshold") or {}),
        operating_points=details.points(evaluated),
        calibration=details.calibration(evaluated),
        warnings=(*evaluation.warnings, *notes),
        slices=slices,
        patient_level=details.patient_metrics(evaluated),
        at_prevalence=at_prevalence,
        selective=of_sample(sample, evaluated.ood_scores, evaluated.seed),
    )


def _with_region_reliance(
    evaluation: Evaluation,
    run: Run,
    classifier: KerasClassifier,
    evaluated: Evaluated,
    reporter: Reporter,
) -> Evaluation:
    def predict(images: np.ndarray) -> np.ndarray:
        outputs = classifier.predict(images, reporter.task("predicting stressed images"))
        outputs.check_finite(
            lambda rows: f"The model of {run.folder} gives NaN for masked or swapped images"
        )
        return outputs.probabilities

    found = measure_region_reliance(evaluated, run.recipe, predict)
    if found is None:
        said = "Region reliance was not measured: it takes images of two classes."
        return replace(evaluation, warnings=(*evaluation.warnings, said))
    return replace(evaluation, region_reliance=found)


def _nan_in(run: Run, examples: Sequence[ImageRecord], rows: np.ndarray) -> str:
    return (
        f"The model of {run.folder} gives NaN for {len(rows):,} of {len(examples):,} images: "
        f"{listed([examples[int(row)].file for row in rows])}"
    )


def _state_warnings(run: Run) -> list[str]:
    state = run.manifest.get("state")
    if state == "finished":
        return []
    return [f"The training of this run did not come to its end; its state is: {state}."]


def _bad_file_warnings(number: int) -> list[str]:
    left_out = "is" if number == 1 else "are"
    said = f"{counted(number, 'file')} could not be read and {left_out} left out."
    return [said] if number else []


def _keep(run: Run, evaluation: Evaluation, evaluated: Evaluated) -> None:
    sample, examples = evaluated.sample, evaluated.pixels.examples
    ood_scores = evaluated.ood_scores
    Predictions(
        classes=evaluation.classes,
        files=tuple(example.file for example in examples),
        patients=tuple(example.patient for example in examples),
        truth=sample.truth,
        probabilities=sample.probabilities,
        ood_scores=np.full(evaluation.n, np.nan) if ood_scores is None else ood_scores,
        positive_class=evaluation.positive_class,
    ).write(run)
    write_json(run.metrics_path, evaluation.as_json())
