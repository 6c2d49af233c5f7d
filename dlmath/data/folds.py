"""Folds for cross-validation that share no patient, cut by the rule of the split."""

from dataclasses import dataclass

from dlmath.data.patient_groups import by_file, classes_of, group_by_patient, joined_patients, take
from dlmath.data.sources import Dataset, ImageRecord
from dlmath.data.stratify import cut_patients
from dlmath.errors import DataError


@dataclass(frozen=True, slots=True)
class Folds:
    """Examples by fold, each fold sorted by file.

    Attributes:
        folds: K of them: each serves once to test what was trained on the others.
        test: The test part that came with the data, in no fold.
        left_out: Images of the test part's patients that are not in it, in no fold either.
    """

    folds: tuple[tuple[ImageRecord, ...], ...]
    test: tuple[ImageRecord, ...]
    left_out: tuple[ImageRecord, ...]


def split_folds(dataset: Dataset, folds: int, seed: int) -> Folds:
    """Cut a dataset into folds by patient, stratified by the classes that a patient has.

    Of every stratum each fold has its share to within one patient. The cut depends only on
    the seed and the patients, see `dlmath.data.stratify`. A test part on disk stays out with all of
    its patients' images; a validation part on disk joins the folds, as each of them validates in
    turn. Patients who share a byte-identical file count as one.

    Args:
        dataset: What to cut.
        folds: How many, at least 2.
        seed: Another seed gives other folds.

    Raises:
        DataError: There are fewer than two folds, or a class has fewer patients than folds.
    """
    if folds < 2:
        raise DataError(
            "Cross-validation takes at least two folds, one to test what was trained on the "
            f"other. Received: folds={folds}"
        )
    patient_of = joined_patients(dataset.examples)
    test = [example for example in dataset.examples if example.part == "test"]
    patients = group_by_patient(
        (example for example in dataset.examples if example.part != "test"), patient_of
    )
    left_out = take(patients, {patient_of[example.file] for example in test})
    names = [f"fold {number}" for number in range(1, folds + 1)]
    shares = dict.fromkeys(names[:-1], 1 / folds)
    cut = cut_patients(classes_of(patients), shares, rest=names[-1], seed=seed)
    return Folds(
        tuple(by_file(example for p in cut[name] for example in patients[p]) for name in names),
        by_file(test),
        by_file(left_out),
    )
