"""Carry a split over to more data: no patient changes sides.

Weights that go on from a run have seen its training part, and its test part must stay unseen.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from dlmath.data.patient_groups import by_file, group_by_patient, joined_patients
from dlmath.data.sources import Dataset, ImageRecord
from dlmath.data.splits import LEFT_OUT, Split, split_examples, split_warnings
from dlmath.errors import DataError

# Whose images were in several parts, or are joined by a copied file, go by the first of these.
_ORDER = ("test", "validation", "train", LEFT_OUT)


def carry_over(
    dataset: Dataset,
    rows: Iterable[Mapping[str, str]],
    *,
    seed: int,
    validation_fraction: float,
    test_fraction: float,
) -> Split:
    """Split a dataset, its patients that an earlier split knows as there, the others again.

    Images are known again by their content, and all images of a patient by one of them. Left out
    is what would be judged by weights that have seen it: an image of the earlier training part
    whose patient is in the test or validation part now, by a copy or by folders on disk.

    Args:
        dataset: The data now.
        rows: Of the earlier split's file.
        seed: As in `split_examples`, for the new patients.
        validation_fraction: As in `split_examples`, for the new patients.
        test_fraction: As in `split_examples`, for the new patients.

    Raises:
        DataError: As `split_examples`, where there are too few new patients to split and the
            earlier parts do not make up for it.
    """
    before = _Before(rows)
    parts: dict[str, list[ImageRecord]] = {name: [] for name in _ORDER}
    new: list[ImageRecord] = []
    by_patient = group_by_patient(dataset.examples, joined_patients(dataset.examples))
    for own in by_patient.values():
        known = set().union(*(before.parts_of(example) for example in own))
        if not known:
            new += own
            continue
        part = next(name for name in _ORDER if name in known)
        for example in own:
            fits = before.parts_of(example) <= {part} and example.part in (None, part, "train")
            parts[part if fits else LEFT_OUT].append(example)
    cut = _cut(dataset, new, parts, seed, validation_fraction, test_fraction)
    split = Split(
        train=by_file([*parts["train"], *cut.train]),
        validation=by_file([*parts["validation"], *cut.validation]),
        test=by_file([*parts["test"], *cut.test]),
        left_out=by_file([*parts[LEFT_OUT], *cut.left_out]),
    )
    return replace(split, warnings=tuple(split_warnings(split, dataset.classes)))


class _Before:
    """Return the parts that an image, or its patient, was in."""

    def __init__(self, rows: Iterable[Mapping[str, str]]):
        self.of_content: dict[str, str] = {}
        self.of_patient: dict[str, set[str]] = defaultdict(set)
        for row in rows:
            self.of_content[row["sha256"]] = row["split"]
            if row["patient"] and row["split"] != LEFT_OUT:
                self.of_patient[row["patient"]].add(row["split"])

    def parts_of(self, example: ImageRecord) -> set[str]:
        if example.sha256 in self.of_content:
            return {self.of_content[example.sha256]}
        return self.of_patient.get(example.patient or "", set())


def _cut(
    dataset: Dataset,
    new: Sequence[ImageRecord],
    parts: Mapping[str, Sequence[ImageRecord]],
    seed: int,
    validation_fraction: float,
    test_fraction: float,
) -> Split:
    """Split the new patients; too few to split are trained on where the other parts are there."""
    if not new:
        return Split((), (), ())
    try:
        return split_examples(
            replace(dataset, examples=tuple(new)),
            seed=seed,
            validation_fraction=validation_fraction,
            test_fraction=test_fraction,
        )
    except DataError:
        on_disk = {example.part for example in new} - {None, "train"}
        if on_disk or not (parts["validation"] and parts["test"]):
            raise
        return Split(tuple(new), (), ())
