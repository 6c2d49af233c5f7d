import csv
import math
import shutil

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlmath.doctor.decisions import recorded_metrics
from dlmath.doctor.examined_run import ExaminedRun
from dlmath.errors import RunError
from dlmath.evaluation import compare_runs, evaluate
from dlmath.evaluation.pooling import pooled
from dlmath.evaluation.predictions import Predictions
from dlmath.evaluation.report import write_report
from dlmath.names import composed_names
from dlmath.runs import Run
from tests.support import tiny_network

CLASSES = ("NORMAL", "PNEUMONIA")
HEADER = "file,patient,class,probability_NORMAL,probability_PNEUMONIA,ood_score\n"
LINE = "a.png,p1,NORMAL,0.75,0.25,\n"

READERS = {
    "compare": lambda run: compare_runs(run, run),
    "folds": lambda run: pooled([run], run.recipe),
    "report": write_report,
    "doctor": lambda run: recorded_metrics(ExaminedRun(run)),
}
DAMAGE = {
    "": "it must have the columns file, patient, class, probability_NORMAL",
    HEADER: "it must have the columns",
    "file,class\na.png,NORMAL\n": "it must have the columns",
    HEADER + "a.png,p1,NORMAL\n": "line 2: 3 fields, and 6 columns",
    HEADER + LINE.replace("NORMAL", "COVID"): "the run has no class 'COVID'",
    HEADER + LINE.replace("0.75", "x"): "could not convert string to float: 'x'",
    HEADER + LINE.replace("0.75", "nan"): "a probability is not finite",
    HEADER + LINE + LINE: "it names an image twice",
    HEADER + "\udcff": "can't decode byte 0xff",
}


@pytest.fixture(scope="module")
def evaluated(_tiny_run_template, tmp_path_factory):
    """One evaluated run for all tests of this module that write its table themselves."""
    folder = tmp_path_factory.mktemp("evaluated")
    shutil.copytree(_tiny_run_template, folder, dirs_exist_ok=True)
    run = Run(folder / "runs" / "tiny")
    with tiny_network.known():
        evaluate(run, explained=False)
    return run


def predictions(**changes):
    values = {
        "classes": CLASSES,
        "files": ("a.png", "b, c.png"),
        "patients": ("p1", None),
        "truth": np.array([0, 1]),
        "probabilities": np.array([[0.75, 0.25], [0.1, 0.9]]),
        "ood_scores": np.array([2.5, math.nan]),
        "positive_class": "PNEUMONIA",
    }
    return Predictions(**{**values, **changes})


def test_the_table_is_written_as_it_always_was(tiny_run):
    predictions().write(tiny_run)

    assert tiny_run.predictions_path.read_bytes().decode() == (
        HEADER + "a.png,p1,NORMAL,0.75,0.25,2.5\n" + '"b, c.png",,PNEUMONIA,0.1,0.9,\n'
    )


probability = st.floats(0, 1)


@settings(deadline=None)
@given(
    answers=st.dictionaries(
        st.text(st.characters(codec="utf-8"), min_size=1),
        st.tuples(
            st.none() | st.text(st.characters(codec="utf-8"), min_size=1),
            st.integers(0, 1),
            st.tuples(probability, probability),
            st.floats(0, 1e6) | st.just(math.nan),
        ),
        min_size=1,
        max_size=5,
    )
)
def test_what_is_written_is_read_again_bit_by_bit(evaluated, answers):
    patients, truth, probabilities, ood_scores = zip(*answers.values(), strict=True)
    written = predictions(
        files=tuple(answers),
        patients=patients,
        truth=np.array(truth),
        probabilities=np.array(probabilities),
        ood_scores=np.array(ood_scores),
    )
    written.write(evaluated)
    read = Predictions.read(evaluated)

    names = tuple(composed_names(list(answers)))  # as those of the data are
    assert (read.files, read.patients, read.classes) == (names, patients, CLASSES)
    np.testing.assert_array_equal(read.truth, truth)
    np.testing.assert_array_equal(read.probabilities, probabilities)
    np.testing.assert_array_equal(read.ood_scores, ood_scores)
    assert read.by_file().files == tuple(sorted(names))


def test_an_older_file_names_the_score_otherwise(tiny_run):
    older = HEADER.replace("ood_score", "distance")
    tiny_run.predictions_path.write_text(f"{older}a.png,,PNEUMONIA,0.75,0.25,2.5\n")

    assert Predictions.read(tiny_run).ood_scores.tolist() == [2.5]


def test_a_run_from_before_the_score_was_kept_is_read(tiny_run):
    columns = HEADER.removesuffix(",ood_score\n")
    tiny_run.predictions_path.write_text(f"{columns}\na.png,,PNEUMONIA,0.75,0.25\n")
    read = Predictions.read(tiny_run)

    assert np.isnan(read.ood_scores).tolist() == [True]
    assert (read.patients, read.labels) == ((None,), ("PNEUMONIA",))
    assert (read.positive.tolist(), read.score.tolist()) == ([True], [0.25])


@pytest.mark.parametrize(
    ("patients", "clusters"),
    [(("b", "a", "b"), [1, 0, 1]), ((None,) * 3, [0, 1, 2]), (("b", None, "b"), [0, 1, 2])],
)
def test_bands_count_the_patients_that_the_intervals_of_the_metrics_count(patients, clusters):
    assert predictions(patients=patients).clusters.tolist() == clusters


def test_the_kept_table_says_what_was_evaluated(tiny_run):
    evaluation = evaluate(tiny_run, explained=False)
    kept = Predictions.read(tiny_run)
    with tiny_run.predictions_path.open(newline="") as lines:
        rows = list(csv.DictReader(lines))

    assert kept.labels == tuple(row["class"] for row in rows)
    assert kept.score.tolist() == [float(row["probability_PNEUMONIA"]) for row in rows]
    decided = (kept.score >= evaluation.threshold.value) == kept.positive
    assert decided.mean() == evaluation.metrics["accuracy"].value


@pytest.mark.parametrize("said", DAMAGE.items(), ids=range(len(DAMAGE)))
def test_every_reader_says_the_same_of_a_damaged_table(evaluated, said):
    text, why = said
    evaluated.predictions_path.write_bytes(text.encode(errors="surrogateescape"))
    messages = {message_of(read, evaluated) for read in READERS.values()}

    (message,) = messages
    assert message.startswith(f"{evaluated.predictions_path} is damaged: ")
    assert why in message
    assert message.endswith(f". Evaluate again: dlmath evaluate {evaluated.folder}")


def test_a_run_that_was_not_evaluated_names_the_command(tiny_run):
    assert message_of(Predictions.read, tiny_run) == (
        f"{tiny_run.folder} has not been evaluated on its test part: predictions.csv is missing. "
        f"Run: dlmath evaluate {tiny_run.folder}"
    )


def message_of(read, run: Run) -> str:
    with pytest.raises(RunError) as raised:
        read(run)
    return str(raised.value)
