"""Every command and function that counts patients counts the same ones, with the same doubts."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from dlmath.audit import audit_data
from dlmath.cli.main import app
from dlmath.cli.own_images import patient_rules
from dlmath.data.sources import read_sources
from dlmath.data.splits import write_split
from dlmath.data.summary import summarise
from dlmath.doctor.files import patients_apart
from dlmath.drift import drift
from dlmath.evaluation import evaluate
from dlmath.evaluation.checklists import answers
from dlmath.recipe import Recipe
from dlmath.reporting import SILENT
from dlmath.runs import Run
from dlmath.training.manifest import first_manifest
from dlmath.training.preparation import prepare, resolve

CLASSES = ("NORMAL", "PNEUMONIA")
DOUBTS = ("may be several patients", "read as dates")


@dataclass(frozen=True)
class Case:
    """Own images, and what is to be said of their patients.

    Attributes:
        names: Of the files, dealt out to the classes.
        count: Of the patients; None where they are not known.
        doubts: Pieces of what is to be doubted aloud.
        guessed: Whether it is to be said that the patients are guessed.
        patient: For a CSV: the patient of a name, or blank.
        option: What --patients gives.
    """

    names: list[str]
    count: int | None
    doubts: tuple[str, ...] = ()
    guessed: bool = False
    patient: Callable[[str], str] | None = None
    option: str | None = None


def names(pattern: str, patients: range, images: int = 2) -> list[str]:
    return [pattern.format(p=p, i=i) for p in patients for i in range(images)]


# In capitals, which the rules of the run that evaluates do not read.
OWN = names("P{p}_{i}.png", range(20))
COARSE = [*names("P0_{i}.png", range(1), 30), *names("P{p}_{i}.png", range(1, 101), 1)]
CASES = {
    "chest X-rays": Case(
        [
            *names("IM-{p:04d}-0001.jpeg", range(115, 127), 1),
            *names("NORMAL2-IM-{p:04d}-0001.jpeg", range(381, 411), 1),
            *names("person{p}_bacteria_{i}.jpeg", range(20)),
        ],
        12 + 30 + 20,
        guessed=True,
    ),
    "malaria cells": Case(
        names("C{p}P64ThinF_IMG_20150918_151006_cell_{i}.png", range(20)), 20, guessed=True
    ),
    "own patients": Case(OWN, 20, guessed=True),
    "one with far more": Case(COARSE, 101, ("P0 may be several patients",), guessed=True),
    "dates": Case(
        names("202401{p:02d}_{i}.png", range(1, 21)),
        20,
        ("20 of the 20 patients read as dates",),
        guessed=True,
    ),
    "plain numbers": Case([f"{number}.png" for number in range(40)], None),
    "a column": Case(OWN, 10, patient=lambda name: f"q{int(name[1:-6]) // 2}"),
    "a column of dates": Case(
        OWN, 20, ("read as dates",), patient=lambda name: f"2024-02-{int(name[1:-6]) + 1:02d}"
    ),
    "a column of one name": Case(OWN, 1, ("x may be several",), patient=lambda name: "x"),
    "a column with a gap": Case(
        [*OWN, "scan.png"], None, patient=lambda name: name.partition("_")[0] if "_" in name else ""
    ),
    "none": Case(OWN, None, option="none"),
    "an expression": Case(OWN, 10, option=r"^P\d?(\d)_"),
    "an expression of dates": Case(
        names("x_202401{p:02d}_{i}.png", range(1, 21)),
        20,
        ("read as dates",),
        option=r"^x_(\d+)_",
    ),
}


@pytest.fixture(params=CASES)
def case(request):
    return CASES[request.param]


@pytest.fixture
def source(case, write_images, tmp_path) -> Path:
    """The folder of the case, or its CSV."""
    files = [f"{CLASSES[place // 2 % 2]}/{name}" for place, name in enumerate(case.names)]
    folder = write_images(tmp_path / "own", files)
    if case.patient is None:
        return folder
    rows = [f"{file},{file.split('/')[0]},{case.patient(file.split('/')[1])}" for file in files]
    (folder / "own.csv").write_text("file,class,patient\n" + "\n".join(rows), encoding="utf-8")
    return folder / "own.csv"


@pytest.fixture
def rules(case):
    return patient_rules([case.option] if case.option else None)


def check(case: Case, count: int | None, warnings: list[str] | tuple[str, ...]) -> None:
    """Check a number of patients and everything that is said of them."""
    assert count == case.count
    doubted = [warning for warning in warnings if any(doubt in warning for doubt in DOUBTS)]
    assert len(doubted) == len(case.doubts), warnings
    for piece, said in zip(case.doubts, doubted, strict=True):
        assert piece in said
    assert any("guessed from the file names" in warning for warning in warnings) == case.guessed


def invoke(*arguments):
    return CliRunner().invoke(app, [str(one) for one in arguments], catch_exceptions=False)


def option(case: Case) -> list[str]:
    return ["--patients", case.option] if case.option else []


def test_reading(case, source, rules):
    dataset = read_sources([source], patient_rules=rules)
    check(case, dataset.patients.count, dataset.warnings)
    patients = {example.patient for example in dataset.examples}
    assert (None in patients) == (case.count is None)
    assert case.count in (None, len(patients))


def prepared(source, rules):
    """What a training, its plan and its folds go by."""
    settings = {} if rules is None else {"patient_rules": rules}
    return prepare(resolve(source, None, {"positive_class": CLASSES[1], **settings}), SILENT)


def test_training(case, source, rules):
    if case.count == 1:
        pytest.skip("needs two patients: one cannot be split")
    ready = prepared(source, rules)
    check(case, ready.dataset.patients.count, ready.warnings)
    summary = summarise(ready.dataset, ready.split)
    check(case, summary.patients["count"], summary.warnings)
    assert any("is not known" in warning for warning in ready.warnings) == (case.count is None)
    # The recipe that the run keeps reads the same patients again, without a guess.
    again = read_sources([source], patient_rules=ready.recipe.patient_rules)
    assert again.patients.patients == ready.dataset.patients.patients
    assert again.patients.doubts == ready.dataset.patients.doubts


def test_data_info(case, source):
    told = json.loads(invoke("data", "info", source, "--json", *option(case)).stdout)
    check(case, told["patients"]["count"], told["warnings"])
    assert told["on_disk"]["all"]["patients"] == case.count
    shown = invoke("data", "info", source, *option(case)).stdout
    assert ("Split by patient" in shown) == (case.count not in (None, 1))


def test_data_audit(case, source, rules):
    audited = audit_data([source], patient_rules=rules)
    check(case, audited.patients, [finding.message for finding in audited.findings])
    said = " ".join(finding.message for finding in audited.findings)
    assert case.count is not None or "unseen patients" not in said
    told = json.loads(invoke("data", "audit", source, "--json", *option(case)).stdout)
    check(case, told["patients"], [finding["message"] for finding in told["findings"]])


def test_a_new_recipe(case, source, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    made = invoke("new", "mine", "--data", source, "--positive", CLASSES[1], *option(case))
    for piece in case.doubts:
        assert piece in made.stderr
    recipe = Recipe.read(tmp_path / made.stdout.strip())
    assert read_sources([source], patient_rules=recipe.patient_rules).patients.count == case.count


def test_an_evaluation_on_other_images(case, source, rules, light_run):
    found = evaluate(light_run, source, patient_rules=rules)
    check(case, found.patients, found.warnings)


def test_drift(case, source, rules, light_run):
    if case.count == 1:
        pytest.skip("needs two patients: one cannot differ by more than chance")
    found = drift(light_run, source, patient_rules=rules)
    check(case, found.comparison.patients, found.warnings)


def test_a_run_keeps_how_its_patients_were_found(case, source, rules, tmp_path):
    if case.count == 1:
        pytest.skip("needs two patients: one cannot be split")
    run, ready = Run(tmp_path / "run"), prepared(source, rules)
    first = first_manifest(run, ready, device={}, threads={}, command="dlmath train own")
    check(case, first["patients"]["count"], first["warnings"])
    assert len(first["patients"]["doubts"]) == len(case.doubts)
    disjoint = answers(ready.recipe, first, None, None)["disjoint"]
    assert disjoint.startswith("Patients" if case.count else "Images")
    assert ("guessed" in disjoint) == case.guessed
    write_split(ready.split, run.split_path)
    told = patients_apart(SimpleNamespace(run=run))
    assert (told.word == "warning") == bool(case.doubts)
    assert all(piece in told.found for piece in case.doubts)
    if case.count and not case.doubts:
        assert f"No one of {case.count} patients" in told.found
