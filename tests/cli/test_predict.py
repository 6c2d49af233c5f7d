import csv
import json
import os
import re
import shutil
import subprocess
import sys

import pytest
import typer
from typer.testing import CliRunner

from dlmath.cli.predict import predict
from dlmath.errors import RunError, UserError

app = typer.Typer()
app.command()(predict)


@pytest.fixture
def image(tmp_path, tiny_run):
    """An image of the test part."""
    return tmp_path / "data" / "test" / "PNEUMONIA" / "pte0_0.jpeg"


def invoke(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def refusal(*arguments) -> str:
    result = invoke(*arguments)
    assert isinstance(result.exception, UserError)
    return str(result.exception)


def test_json_is_one_list(tiny_run, image):
    result = invoke(tiny_run.folder, image, "--json")

    assert result.exit_code == 0, result.output
    (entry,) = json.loads(result.stdout)
    assert set(entry) == {
        "file",
        "class",
        "probabilities",
        "positive",
        "ood_score",
        "out_of_distribution",
        "abstains",
        "doubts",
        "distance",
        "unusual",
    }
    assert entry["file"] == str(image)
    assert entry["positive"] == (entry["class"] == "PNEUMONIA")


@pytest.mark.parametrize("first", [True, False])
def test_the_run_may_be_an_option(tiny_run, image, first):
    option = ["--run", tiny_run.folder]
    result = invoke(*([*option, image] if first else [image, *option]))
    assert result.exit_code == 0, result.output
    assert result.stdout == invoke(tiny_run.folder, image).stdout
    assert "Name one run at a time" in refusal(tiny_run.folder, image, "--run", "other")


def test_a_run_that_an_option_names_must_be_there(image):
    result = invoke(image, "--run", "nothing")
    assert isinstance(result.exception, RunError)
    assert "No run at nothing" in str(result.exception)


def test_names_show_their_control_characters_in_one_line(tiny_run, image, tmp_path):
    film = tmp_path / "film\x1b[31m\n.jpeg"
    film.write_bytes(image.read_bytes())
    [line] = invoke(tiny_run.folder, film).stdout.splitlines()
    assert r"film\x1b[31m\n.jpeg  " in line


def test_people_get_a_line_for_each_file(tiny_run, image):
    result = invoke(tiny_run.folder, image, image.parent)

    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert len(lines) == 1 + 12
    assert lines[0].startswith(f"{image}  ")
    assert "(NORMAL 0." in lines[0]


def test_a_bad_file_is_reported_and_the_exit_code_is_2(tiny_run, image, tmp_path):
    text = tmp_path / "text.jpg"
    text.write_text("no image")

    result = invoke(tiny_run.folder, text, image, "--json")

    assert result.exit_code == 2
    bad, good = json.loads(result.stdout)
    assert bad.keys() == {"file", "error"}
    assert good["class"]
    assert "1 of 2 files without an answer. Repair or convert what is named above" in result.stderr
    assert "text.jpg" in result.stderr


def test_csv_holds_a_row_for_each_file(tiny_run, image, tmp_path):
    result = invoke(tiny_run.folder, image, tmp_path / "none.png", "--csv", tmp_path / "out.csv")

    assert result.exit_code == 2
    assert result.stdout == ""
    assert f"{tmp_path / 'out.csv'}: 2 rows, one for each file\n" in result.stderr
    with (tmp_path / "out.csv").open(newline="") as lines:
        good, bad = csv.DictReader(lines)
    assert float(good["probability_PNEUMONIA"]) + float(good["probability_NORMAL"]) == (
        pytest.approx(1, abs=1e-6)
    )
    assert good["positive"] in ("true", "false")
    assert bad["error"]
    assert bad["class"] == ""


@pytest.mark.skipif(sys.platform != "linux", reason="needs names that are bytes")
def test_a_name_that_is_no_text_is_written_readably(light_run, image, tmp_path):
    odd = tmp_path / os.fsdecode(b"r\xf6ntgen.jpeg")
    shutil.copy(image, odd)
    table = tmp_path / "out.csv"
    assert invoke(light_run.folder, odd, "--csv", table).exit_code == 0
    with table.open(newline="", encoding="utf-8") as lines:
        (row,) = csv.DictReader(lines)
    assert row["file"] == str(tmp_path / r"r\xf6ntgen.jpeg")
    (entry,) = json.loads(invoke(light_run.folder, odd, "--json").stdout_bytes.decode("utf-8"))
    assert entry["file"] == row["file"]


@pytest.mark.skipif(sys.platform == "win32", reason="needs links")
def test_a_table_is_written_through_a_link(light_run, image, tmp_path):
    (tmp_path / "real.csv").touch(0o600)
    (tmp_path / "link.csv").symlink_to("real.csv")
    assert invoke(light_run.folder, image, "--csv", tmp_path / "link.csv").exit_code == 0
    assert (tmp_path / "link.csv").is_symlink()
    assert (tmp_path / "real.csv").read_text(encoding="utf-8").startswith("file,class,")
    assert (tmp_path / "real.csv").stat().st_mode & 0o777 == 0o600


def test_the_run_may_stand_anywhere_by_path_or_name_or_not_at_all(
    tiny_run, image, tmp_path, monkeypatch
):
    expected = invoke(tiny_run.folder, image, "--json").stdout
    monkeypatch.chdir(tmp_path)

    for arguments in ((image, tiny_run.folder), ("tiny", image), (image,)):
        assert invoke(*arguments, "--json").stdout == expected


def test_a_file_named_as_a_run_is_a_file(tiny_run, image, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copy(image, "tiny")

    (entry,) = json.loads(invoke("tiny", "--json").stdout)

    assert entry["file"] == "tiny"


def test_two_runs_are_refused(tiny_run, image, tmp_path):
    shutil.copytree(tiny_run.folder, tmp_path / "other")

    assert "one run at a time" in refusal(tiny_run.folder, tmp_path / "other", image)


def test_a_run_alone_is_refused(tiny_run):
    assert "Name an image file" in refusal(tiny_run.folder)


def test_json_and_csv_together_are_refused(tiny_run, image, tmp_path):
    assert "either" in refusal(tiny_run.folder, image, "--json", "--csv", tmp_path / "a.csv")


def test_a_csv_that_cannot_be_written_is_refused(tiny_run, image, tmp_path):
    (tmp_path / "file").write_text("")

    assert "--csv" in refusal(tiny_run.folder, image, "--csv", tmp_path / "file" / "out.csv")


def test_the_light_runtime_loads_no_tensorflow_and_writes_the_same(light_run, image):
    program = (
        "import sys\n"
        "from dlmath.cli.main import main\n"
        "try:\n"
        "    main()\n"
        "finally:\n"
        "    heavy = {'tensorflow', 'keras', 'scipy', 'sklearn'} & set(sys.modules)\n"
        "    print('loaded', sorted(heavy), file=sys.stderr)"
    )
    arguments = ["predict", str(light_run.folder), str(image), "--json"]
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=True
    )

    assert done.stderr == "loaded []\n"  # and LiteRT does not announce itself
    (light,) = json.loads(done.stdout)
    (keras,) = json.loads(invoke(light_run.folder, image, "--json", "--runtime", "keras").stdout)
    assert light.pop("probabilities") == pytest.approx(keras.pop("probabilities"), abs=1e-4)
    assert light == keras


def test_auto_says_when_it_falls_back_to_keras(tiny_run, image):
    assert "no light form" in invoke(tiny_run.folder, image).stderr
    assert "no light form" not in invoke(tiny_run.folder, image, "--runtime", "keras").stderr


def test_light_on_a_run_without_it_says_what_to_do(tiny_run, image):
    assert "--runtime keras" in refusal(tiny_run.folder, image, "--runtime", "light")


def test_people_hear_of_the_prevalence_and_of_doubt(light_run, image):
    light_run.update_manifest(abstention={"rule": "coverage", "confidence": 30})

    line = invoke(light_run.folder, image, "--prevalence", "0.1").stdout

    assert re.search(r"positive: 0\.\d{3} at a prevalence of 0\.1", line)
    assert line.endswith("unsure: a person should look\n")


def test_a_prevalence_has_a_column(light_run, image, tmp_path):
    invoke(light_run.folder, image, "--prevalence", "0.1", "--csv", tmp_path / "out.csv")

    with (tmp_path / "out.csv").open(newline="") as lines:
        (row,) = csv.DictReader(lines)
    assert 0 < float(row["probability_at_prevalence"]) < float(row["probability_PNEUMONIA"])
