"""Select the images to evaluate, with warnings that belong to their metrics."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from dlmath.audit.files import lost_data_warnings
from dlmath.data.found_files import say_found
from dlmath.data.listing import counted
from dlmath.data.locate import find_data
from dlmath.data.patient_reading import rules_for
from dlmath.data.run_data import RunData, columns_for
from dlmath.data.sources import Dataset, ImageRecord, Source, read_sources
from dlmath.data.splits import PARTS
from dlmath.errors import DataError
from dlmath.reporting import SILENT, Reporter
from dlmath.runs import Run

SPLITS = ("test", "validation", "all")

PHANTOM_WARNING = (
    "These images are phantoms (drawn, not photographed): the metrics say nothing about real ones."
)


@dataclass(frozen=True)
class EvaluatedImages:
    """The images to evaluate.

    Attributes:
        split: Part of the data: test, validation or all.
        examples: At least one.
        warnings: Warnings for readers of the metrics.
        opened: SHA-256 hashes of the images of the run's test part, if any of them is among these.
    """

    split: str
    examples: tuple[ImageRecord, ...]
    warnings: tuple[str, ...]
    opened: tuple[str, ...]


def own_images(run: Run, split: str, reporter: Reporter = SILENT) -> EvaluatedImages:
    """Return a part of the data that the run was made with, as `split.csv` records it.

    Raises:
        DataError: The data are gone or changed, or the part is empty.
    """
    _check_split(split)
    data = RunData(run, reporter=reporter)
    wanted = PARTS if split == "all" else (split,)
    examples = [example for name in wanted for example in data.split.part(name)]
    return _evaluated(data, split, examples, data.dataset)


def given_images(
    run: Run,
    data: Sequence[Source],
    split: str,
    reporter: Reporter = SILENT,
    patient_rules: Sequence[str] | None = None,
    columns: Sequence[str] | None = None,
) -> EvaluatedImages:
    """Return a part of data that the user names; without parts on disk it is all of them.

    Patients are read by `patient_rules` or, where that is None, by the run's rules if these fit
    every name, else by a guess: names of another hospital need not follow the run's. So it is with
    the `columns` of a CSV, see `columns_for`.

    Raises:
        DataError: The data cannot be read, `patient_rules` do not read some name, or the data have
            parts but not the one asked for.
    """
    _check_split(split)
    rules, likely = rules_for(run, patient_rules)
    dataset = read_sources(
        find_data(run.recipe.name, data, reporter=reporter),
        classes=run.recipe.classes,
        patient_rules=rules,
        likely_rules=likely,
        columns=columns_for(run, columns),
        fewest_classes=1,
        reporter=reporter,
    )
    say_found((example.path for example in dataset.examples), dataset.passed_over, reporter)
    parts = {example.part for example in dataset.examples} - {None}
    if split == "validation" and split not in parts:
        raise DataError(
            "Given data have no validation part of their own. Leave --data out to evaluate on "
            "the run's, or take --split test or --split all. Received: --split validation"
        )
    if not parts:
        split = "all"
    examples = [e for e in dataset.examples if split == "all" or e.part == split]
    found = _evaluated(RunData(run), split, examples, dataset)
    # The run's own images were looked at when it was trained.
    lost = lost_data_warnings(found.examples, reporter=reporter)
    return replace(found, warnings=(*found.warnings, *lost))


def _check_split(split: str) -> None:
    if split not in SPLITS:
        raise DataError(f"`split` must be one of {', '.join(SPLITS)}. Received: split={split!r}")


def _evaluated(
    own: RunData, split: str, examples: Sequence[ImageRecord], dataset: Dataset
) -> EvaluatedImages:
    if not examples:
        raise DataError(
            f"The {split} part of {', '.join(dataset.sources)} is empty. "
            "Evaluate on all of it: --split all"
        )
    warnings = [PHANTOM_WARNING] if dataset.phantom else []
    warnings += dataset.patients.warnings
    part_of = own.part_of_content
    warnings += _used_in_training(part_of, examples)
    tested = tuple(sha256 for sha256, part in part_of.items() if part == "test")
    opened = tested if {example.sha256 for example in examples} & set(tested) else ()
    return EvaluatedImages(split, tuple(examples), tuple(warnings), opened)


def _used_in_training(part_of: Mapping[str, str], examples: Iterable[ImageRecord]) -> list[str]:
    """Warn of images that the run has seen: by their bytes, whatever they are called now."""
    seen = [part_of.get(example.sha256) for example in examples]
    warnings = []
    if trained := seen.count("train"):
        warnings.append(
            f"{counted(trained, 'image')} of these {len(seen):,} were trained on: the metrics "
            "flatter the model."
        )
    if chosen := seen.count("validation"):
        warnings.append(
            f"The epoch and the threshold were chosen on {chosen:,} of these {len(seen):,} images: "
            "the metrics flatter the model."
        )
    return warnings
