import sys

import numpy as np
import pytest

from dlmath.audit import audit_data
from dlmath.data.dicom import is_dicom_file, patient_of_file
from dlmath.data.image_search import find_images
from dlmath.data.lost_data import read_with_doubts
from dlmath.data.pixels import load_pixels
from dlmath.data.sources import read_sources
from dlmath.data.splits import split_examples
from dlmath.errors import DataError

PIXELS = np.zeros((8, 8), np.uint8)


@pytest.mark.parametrize("patient", ["P1", "007", " 12 ", "HOSPITAL^A", "anna"])
def test_the_tag_says_whose_it_is(write_dicom, tmp_path, patient):
    path = write_dicom(tmp_path / "a.dcm", PIXELS, PatientID=patient)
    assert patient_of_file(path) == patient.strip()


@pytest.mark.parametrize(
    "patient", ["", "  ", "0", "000", "xxx", "ANONYMOUS", "anonymized", "Unknown", "N/A", "None"]
)
def test_a_tag_from_which_the_patient_was_removed_says_nothing(write_dicom, tmp_path, patient):
    assert patient_of_file(write_dicom(tmp_path / "a.dcm", PIXELS, PatientID=patient)) is None


def test_what_is_no_dicom_file_has_no_patient(tmp_path):
    (tmp_path / "a.dcm").write_bytes(b"no DICOM at all")
    assert not is_dicom_file(tmp_path / "a.dcm")
    assert patient_of_file(tmp_path / "a.dcm") is None
    assert not is_dicom_file(tmp_path)
    assert not is_dicom_file(tmp_path / "none")


@pytest.fixture
def films(write_dicom, write_images, tmp_path):
    """A class tree of DICOM with and without endings, of six patients a class."""
    for number in range(6):
        for label, shade in (("normal", 60), ("ill", 190)):
            pixels = np.full((9, 9), shade + number, np.uint8)
            names = (f"{number}.dcm", f"1.2.840.{number}")
            for name in names:
                path = tmp_path / "films" / label / name
                write_dicom(path, pixels, PatientID=f"{label}{number}")
    (tmp_path / "films" / "normal" / "DICOMDIR").write_bytes(bytes(128) + b"DICM")
    (tmp_path / "films" / "ill" / "notes.txt").write_text("not an image")
    return tmp_path / "films"


def test_class_folders_of_dicom_are_read_with_their_patients(films):
    dataset = read_sources([films], patient_rules=[r"^(?P<patient>C\d+)"])
    assert len(dataset.examples) == 24
    assert {example.patient for example in dataset.examples} == {
        f"{label}{number}" for label in ("normal", "ill") for number in range(6)
    }
    assert dataset.passed_over == {"DICOMDIR": 1, "*.txt": 1}
    split = split_examples(dataset, seed=0, validation_fraction=0.2, test_fraction=0.2)
    parts = [{e.patient for e in split.part(name)} for name in ("train", "validation", "test")]
    assert sum(map(len, parts)) == len(set.union(*parts)) == 12
    pixels = load_pixels(split.train, 9)
    assert {int(image[0, 0, 0]) // 100 for image in pixels.array} == {0, 1}


def test_a_blank_tag_is_an_unknown_patient_and_no_rule_is_asked(write_dicom, films):
    write_dicom(films / "ill" / "C1.dcm", PIXELS, PatientID="")
    dataset = read_sources([films], patient_rules=[r"^(?P<patient>C\d+)"])
    (unknown,) = [example.file for example in dataset.examples if example.patient is None]
    assert unknown == "ill/C1.dcm"
    split = split_examples(dataset, seed=0, validation_fraction=0.2, test_fraction=0.2)
    assert any("The patient of 1 image is not known" in warning for warning in split.warnings)


def test_a_csv_may_say_otherwise(films):
    rows = ["file,class,patient", "ill/0.dcm,ill,mine", "normal/1.2.840.0,normal,"]
    (films / "some.csv").write_text("\n".join(rows))
    patients = [example.patient for example in read_sources([films / "some.csv"]).examples]
    assert patients == ["mine", "normal0"]


def test_folders_of_dicom_can_be_predicted(films):
    assert len(find_images([str(films)])) == 24


def test_without_the_extra_the_message_names_it(films, monkeypatch):
    monkeypatch.setitem(sys.modules, "pydicom", None)
    with pytest.raises(DataError, match=r"pip install 'dlmath\[dicom\]'"):
        read_sources([films])


def test_a_film_that_lost_its_grey_levels_is_doubted_by_audit_and_prediction(write_dicom, tmp_path):
    """A window of 8 bits on values of 12: nearly white, and no error."""
    for number in range(4):
        for label, shade in (("normal", 60), ("ill", 190)):
            film = (np.arange(4096, dtype=np.uint16).reshape(64, 64) // 16 * 16 + shade) % 4096
            path = tmp_path / "films" / label / f"{number}.dcm"
            wrong = {"WindowCenter": 128, "WindowWidth": 256} if number == 0 else {}
            write_dicom(path, film.astype(np.uint16), PatientID=f"{label}{number}", **wrong)
    for _ in range(2):  # the second time out of the cache
        findings = audit_data([tmp_path / "films"]).findings
        (lost,) = [finding for finding in findings if finding.kind == "levels-lost"]
        assert (lost.severity, lost.files) == ("warning", ("ill/0.dcm", "normal/0.dcm"))
    picture = read_with_doubts(tmp_path / "films" / "ill" / "0.dcm", "film", 32)
    assert any("grey levels only" in doubt for doubt in picture.doubts)
    sound = read_with_doubts(tmp_path / "films" / "ill" / "1.dcm", "film", 32)
    assert sound.doubts == ()
