"""Cross-validation by patient: a run for each fold, and the metrics of all folds together.

Each fold is a run like any other: trained and validated on the patients outside the fold, and
tested once on those inside. `dlmath.fold_runs` says where they lie. After an interruption, the same
command with the same `--out` keeps the finished folds and resumes the unfinished one.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from dlmath.data.folds import Folds, split_folds
from dlmath.data.locks import held
from dlmath.data.run_data import RunData
from dlmath.data.sources import Dataset
from dlmath.data.splits import Split, split_examples, split_hash
from dlmath.errors import RunError, Stopped
from dlmath.evaluation.evaluate_run import evaluate
from dlmath.evaluation.evaluation_result import Evaluation
from dlmath.evaluation.folds_report import write_folds_report
from dlmath.evaluation.pooling import pooled
from dlmath.fold_runs import FoldRuns
from dlmath.models.pretrained import check_weights
from dlmath.recipe import Recipe
from dlmath.reporting import SILENT, Reporter
from dlmath.runs import RUNS, Run, cannot_make, new_folder, read_json, write_json
from dlmath.terminal_text import quoted
from dlmath.training.checkpoint_schedule import EVERY, Interval
from dlmath.training.context import TrainingContext
from dlmath.training.devices import choose_device, pin_threads
from dlmath.training.new_run import train_prepared
from dlmath.training.preparation import Data, Prepared, prepare, resolve
from dlmath.training.resumed_run import resume_in
from dlmath.training.signals import stop_request
from dlmath.training.trainer import trainer_type

FOLDS_VERSION = 1


@dataclass(frozen=True)
class CrossValidation:
    """The runs of a cross-validation and their metrics.

    Attributes:
        folder: The folder with a run for each fold, and `folds.json`.
        runs: The run of each fold.
        metrics: The metrics of each fold, as in its `metrics.json`.
        pooled: The evaluation of the test images of all folds together.
    """

    folder: Path
    runs: tuple[Run, ...]
    metrics: tuple[dict[str, Any], ...]
    pooled: Evaluation

    def as_json(self) -> dict[str, Any]:
        """Return what `folds.json` holds."""
        return {
            "folds_version": FOLDS_VERSION,
            "folds": [
                {"run": run.name, **metrics}
                for run, metrics in zip(self.runs, self.metrics, strict=True)
            ],
            "pooled": self.pooled.as_json(),
        }


def cross_validate(
    recipe: Recipe | str | Path,
    data: Data = None,
    folds: int = 5,
    *,
    out: str | Path | None = None,
    device: str = "auto",
    strategy: str = "auto",
    checkpoint_every: str = EVERY,
    reporter: Reporter = SILENT,
    command: Sequence[str] = (),
    **settings: Any,
) -> CrossValidation:
    """Train and test a recipe on each of `folds` folds of the patients.

    A test part that came with the data stays unopened, with all of its patients' images.

    Args:
        recipe: As in `train`.
        data: As in `train`.
        folds: The number of folds, at least 2.
        out: The folder of the runs; by default `runs/<task>-folds-<UTC time>`. The folder of an
            interrupted cross-validation of the same recipe and data is continued.
        device: As in `train`.
        strategy: As in `train`.
        checkpoint_every: As in `train`.
        reporter: As in `train`.
        command: As in `train`.
        settings: As in `train`.

    Raises:
        UserError: As in `train`; or `out` holds something else.
    """
    request = resolve(recipe, data, settings)
    threads, chosen = pin_threads(), choose_device(device, strategy)
    check_weights(request.recipe)
    prepared = prepare(request, reporter)
    for warning in prepared.dataset.warnings:
        reporter.say(f"Warning: {warning}")
    cut = split_folds(prepared.dataset, folds, prepared.recipe.seed)
    splits = [
        fold_split(prepared.dataset, cut, number, prepared.recipe) for number in range(1, folds + 1)
    ]
    trainer = trainer_type(prepared.recipe)(prepared, chosen)
    for split in splits:  # before the first fold is trained
        trainer.require_data(split)
    folder = _folder(prepared.recipe, out)
    interval = Interval.parse(checkpoint_every)
    context = TrainingContext(chosen, threads, interval, reporter=reporter, command=command)
    with held(folder / ".lock", f"cross-validating in {folder}"):
        runs = []
        for number, split in enumerate(splits, start=1):
            reporter.say(f"Fold {number} of {folds}")
            run = FoldRuns(folder).run(number)
            try:
                runs.append(_run_of_fold(replace(prepared, split=split), run, context))
            except Stopped as stopped:
                raise _stopped_in_fold(stopped, number, folds, folder) from stopped
        metrics = [read_json(run.metrics_path) for run in runs]
        together = pooled(runs, prepared.recipe)
        result = CrossValidation(folder, tuple(runs), tuple(metrics), together)
        write_json(FoldRuns(folder).metrics_path, result.as_json())
        write_folds_report(FoldRuns(folder))
    return result


def _stopped_in_fold(stopped: Stopped, number: int, folds: int, folder: Path) -> Stopped:
    return Stopped(
        f"Stopped in fold {number} of {folds}; everything is saved. Go on by the same command "
        f"with --out {quoted(folder)}",
        stopped.signal_number,
    )


def fold_split(dataset: Dataset, cut: Folds, number: int, recipe: Recipe) -> Split:
    """Return the split that tests on fold `number`, counted from 1, and trains on the others.

    The validation part is cut from the patients of the other folds, as it is without folds.
    """
    examples = [
        replace(example, part="test" if place == number else None)
        for place, fold in enumerate(cut.folds, start=1)
        for example in fold
    ]
    return split_examples(
        replace(dataset, examples=tuple(examples)),
        seed=recipe.seed,
        validation_fraction=recipe.validation_fraction,
        test_fraction=recipe.test_fraction,
    )


def _run_of_fold(prepared: Prepared, run: Run, context: TrainingContext) -> Run:
    """Train and test a fold, and return its run; an unfinished run that is there is resumed."""
    if not run.manifest_path.is_file():
        with stop_request() as stop:
            run = train_prepared(prepared, run.folder, replace(context, stop=stop))
    else:
        _check_same_fold(run, prepared)
        if not run.is_finished:
            with stop_request() as stop:
                run = resume_in(run, list(prepared.sources), replace(context, stop=stop))
    if not run.metrics_path.is_file():  # its test images are looked at once
        evaluate(run, reporter=context.reporter)
    return run


def _check_same_fold(run: Run, prepared: Prepared) -> None:
    there = split_hash(RunData(run).found_in(prepared.dataset))
    if run.recipe != prepared.recipe or there != split_hash(prepared.split):
        raise RunError(
            f"{run.folder} is of another recipe, other data or another number of folds. Pass "
            "another --out, or the same command as before."
        )


def _folder(recipe: Recipe, out: str | Path | None) -> Path:
    """Make the folder of the folds, which may be there if it was named."""
    try:
        if out is None:
            return new_folder(f"{recipe.name}-folds")
        Path(out).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise cannot_make(Path(out or RUNS), str(error.strerror)) from error
    return Path(out)
