import json
import re

import pytest
from PIL import Image
from typer.testing import CliRunner

from dlmath.cli import data
from dlmath.data import phantom
from dlmath.errors import DataError
from dlmath.models import RECIPES


@pytest.fixture
def cells(tmp_path, monkeypatch):
    """A small malaria set where `dlmath data` looks for one."""
    monkeypatch.setenv("DLMATH_DATA", str(tmp_path))
    monkeypatch.setenv("DLMATH_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    for number in range(12):
        for name in ("parasitized", "Uninfected"):
            path = tmp_path / "cell_images" / name / f"C{number}_1.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (9, 9), (number, 50, len(name))).save(path)
    (tmp_path / "cell_images" / "Thumbs.db").touch()
    return tmp_path / "cell_images"


def invoke(*arguments):
    return CliRunner().invoke(data.app, [str(argument) for argument in arguments])


def output(*arguments):
    result = invoke(*arguments)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_list_names_every_task_and_where_its_data_are(cells):
    listed = output("list")
    assert all(task in listed for task in RECIPES)
    assert "--data phantom" in listed  # there is none for pneumonia
    assert "cell_images" in "".join(listed.split())  # a narrow terminal folds the path


def test_info_of_a_task_counts_images_parts_and_patients(cells):
    told = output("info", "malaria")
    rows = [line.split() for line in told.splitlines()]
    assert ["all", "12", "12", "24", "12"] in rows
    assert ["train", "8", "8", "16", "8"] in rows
    assert ["test", "2", "2", "4", "2"] in rows
    assert "Found 24 images: 24 PNG." in told
    assert "Left out: 1 Thumbs.db." in told


def test_info_of_a_csv_with_other_columns_from_a_spreadsheet(cells):
    table = cells.parent / "table.csv"
    rows = [f"{path.relative_to(cells.parent)};{path.parent.name}" for path in cells.rglob("*.png")]
    table.write_text("\r\n".join(["Bild Nr;Befund", *rows]), encoding="utf-16")
    refused = invoke("info", table)
    assert "--columns 'file=Bild Nr,class=Befund'" in str(refused.exception)
    told = output("info", table, "--columns", "file=Bild Nr,class=Befund")
    assert ["all", "12", "12", "24", "12"] in [line.split() for line in told.splitlines()]


def test_info_json_is_one_document(cells):
    told = json.loads(output("info", "malaria", "--json"))
    assert told["classes"] == ["Parasitized", "Uninfected"]
    assert told["on_disk"] == {
        "all": {"images": {"Parasitized": 12, "Uninfected": 12}, "patients": 12}
    }
    assert {name: share["patients"] for name, share in told["split"].items()} == {
        "train": 8,
        "validation": 2,
        "test": 2,
        "left_out": 0,
    }
    assert told["passed_over"] == {"Thumbs.db": 1}
    assert told["phantom"] is False


def test_info_shows_folds_when_asked_for(cells):
    rows = [line.split() for line in output("info", "malaria", "--folds", 3).splitlines()]
    assert ["fold", "3", "4", "4", "8", "4"] in rows
    told = json.loads(output("info", "malaria", "--folds", 4, "--json"))
    assert [share["patients"] for share in told["folds"].values()] == [3, 3, 3, 3]
    assert json.loads(output("info", "malaria", "--json"))["folds"] is None
    for number in (1, 13):
        assert isinstance(invoke("info", "malaria", "--folds", number).exception, DataError)


def test_the_patients_of_a_path_are_found_out(cells):
    told = json.loads(output("info", cells, "--json"))
    assert told["on_disk"]["all"]["patients"] == 12
    (cells / "Uninfected" / "scan.png").write_bytes(b"x")  # a name that no guess reads
    told = json.loads(output("info", cells, "--json"))
    assert told["on_disk"]["all"]["patients"] is None


def test_data_that_cannot_be_split_are_still_counted(cells):
    for path in (cells / "Uninfected").iterdir():
        if path.name != "C1_1.png":
            path.unlink()
    told = json.loads(output("info", cells, "--json"))
    assert told["split"] is None
    assert "needs at least 3" in told["warnings"][-1]


@pytest.mark.parametrize("command", ["info", "show"])
@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("malria", r"no path 'malria'\. Did you mean 'malaria'\?"),
        ("nowhere/at/all", "There are no data at nowhere/at/all"),
        ("pneumonia", "There are no data of 'pneumonia'"),
    ],
)
def test_what_is_not_there_is_one_message(cells, command, target, message):
    error = invoke(command, target).exception
    assert isinstance(error, DataError)
    assert error.exit_code == 2
    with pytest.raises(DataError, match=message):
        raise error


def test_show_writes_a_sheet_and_prints_its_path(cells, tmp_path):
    out = tmp_path / "sheet.png"
    assert output("show", cells, "--out", out, "--per-class", 3) == f"{out}\n"
    with Image.open(out) as sheet:
        assert sheet.width > 9


def test_phantom_hands_its_options_on_and_prints_the_folder(tmp_path, monkeypatch):
    asked = {}

    def write_phantoms(task, out, *, progress, **options):
        asked.update(options, task=task)
        progress(1, 1)
        return out

    monkeypatch.setattr(phantom, "write_phantoms", write_phantoms)
    folder = tmp_path / "drawn"
    options = ["--patients", 12, "--difficulty", 0.25, "--image-size", 64, "--seed", 3]
    assert output("phantom", "malaria", "--out", folder, *options) == f"{folder}\n"
    assert asked == {
        "task": "malaria",
        "patients": 12,
        "difficulty": 0.25,
        "image_size": 64,
        "seed": 3,
    }


@pytest.mark.slow
@pytest.mark.parametrize("task", RECIPES)
def test_drawn_data_are_read_with_their_recipe_and_split(tmp_path, task):
    output("phantom", task, "--out", tmp_path / "drawn", "--patients", 20, "--image-size", 64)
    told = json.loads(output("info", tmp_path / "drawn", "--json"))
    assert told["phantom"] is True
    assert sum(share["patients"] for share in told["split"].values()) == 20
    assert told["split"]["left_out"]["patients"] == 0
    assert told["passed_over"] == {}, "a phantom's own files are not left out of it"


def test_bad_arguments_exit_2(tmp_path):
    unknown = invoke("phantom", "measles", "--out", tmp_path).exception
    assert isinstance(unknown, DataError)
    assert "data phantom malaria --out DIR, or: dlmath data phantom pneumonia" in str(unknown)
    assert invoke("phantom", "malaria").exit_code == 2
    assert invoke("show", tmp_path, "--per-class", 0).exit_code == 2


def test_images_without_patients_are_not_said_to_be_split_by_patient(tmp_path, write_images):
    write_images(tmp_path, [f"{name}/{i}.png" for name in "ab" for i in range(12)])
    told = " ".join(output("info", tmp_path, "--folds", "3").split())  # a narrow title is folded
    assert "Split by image" in told
    assert "Folds by image" in told
    assert "by patient" not in told


@pytest.mark.parametrize("command", [["info"], ["audit", "--patients", "none"]])
def test_class_names_control_no_terminal(command, cells):
    name = "\x1b[31mpos\x1b]0;owned\x07"
    rows = [
        f"{path.relative_to(cells.parent)},{name if path.parent.name == 'Uninfected' else 'neg'}"
        for path in sorted(cells.rglob("*.png"))
    ]
    (cells.parent / "own.csv").write_text("\n".join(["file,class", *rows]) + "\n")
    shown = invoke(command[0], "own.csv", *command[1:])
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", shown.output)
    if command == ["info"]:
        assert r"\x1b[31mpos\x1b]0;owned\x07" in shown.stdout


def test_info_says_what_comes_next(cells):
    assert "Next: dlmath data audit malaria" in invoke("info", "malaria").stderr


def test_the_next_command_reads_the_same_data_in_the_same_way(cells):
    rows = [f"{path.relative_to(cells.parent)};{path.parent.name}" for path in cells.rglob("*.png")]
    (cells.parent / "liste.csv").write_text("\n".join(["Datei;Befund", *rows]) + "\n")
    given = ["liste.csv", "--patients", "none", "--columns", "file=Datei,class=Befund"]

    assert f"Next: dlmath data audit {' '.join(given)}" in invoke("info", *given).stderr
    assert f"Next: dlmath train {' '.join(given)}" in invoke("audit", *given).stderr
