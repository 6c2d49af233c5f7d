import csv
import hashlib
import io
import json
import re
import zipfile
from dataclasses import replace

import numpy as np
import pytest
import typer
from PIL import Image
from typer.testing import CliRunner

from dlmath.cli.drift import _farthest
from dlmath.cli.drift import drift as command
from dlmath.cli.output import OUT
from dlmath.drift.reference import find_reference
from dlmath.drift.sketch import Sketch
from dlmath.drift.statistics import Totals, model_of
from dlmath.errors import CheckFailedError, DataError, RunError, UserError
from dlmath.inference.light_classifier import LightClassifier
from dlmath.reporting import SILENT
from dlmath.runs import write_csv, write_json
from tests.support import tiny_runs

app = typer.Typer()
app.command()(command)


def invoke(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def draw_folder(tmp_path):
    """Draw two images of each of so many patients, whose brightness is that of the levels."""

    def draw(*levels, patients=12, folder="new"):
        rng = np.random.default_rng(5)
        (tmp_path / folder).mkdir()
        for patient in range(patients):
            level = levels[patient % len(levels)] + (rng.normal(0, 25) if len(levels) > 1 else 0)
            for number in range(2):
                name = tmp_path / folder / f"n{patient}_{number}.png"
                tiny_runs.draw(level, rng).save(name)
        return tmp_path / folder

    return draw


@pytest.fixture
def serve(light_run):
    """Leave the statistics of so many images, all of whose scores fall into one cell."""

    def leave(images, *, cell, model=None, layout=lambda layout: layout):
        layout = layout(Sketch.of(LightClassifier.load(light_run)).layout)
        totals = Totals.none(model or model_of(light_run), layout)
        layout.part(totals.sums, "scores")[cell] = images
        changed = Totals(totals.model, layout, images, 0, totals.sums)
        write_json(light_run.served_statistics_path, changed.as_json())

    return leave


def test_images_like_those_of_the_training_do_not_drift(light_run, draw_folder):
    result = invoke(light_run.folder, "--data", draw_folder(100, 140))

    assert result.exit_code == 0, result.output
    assert "24 images of 12 patients, against" in result.stdout
    assert "in all but 1.0% of cases" in result.stdout
    assert "No drift was found" in result.stdout
    assert "dlmath train" not in result.stdout


def test_other_images_do_and_the_command_that_retrains_is_named(light_run, draw_folder):
    folder = draw_folder(250)
    result = invoke(light_run.folder, "--data", folder, "--json")

    assert isinstance(result.exception, CheckFailedError)
    assert result.exception.exit_code == 4
    document = json.loads(result.stdout)
    assert document["drift"] is True
    assert document["false_alarm_rate"] == 0.01
    assert (document["new"]["images"], document["new"]["patients"]) == (24, 12)
    assert [one["name"] for one in document["differences"]] == ["scores", "pictures"]
    assert all(one["p_adjusted"] <= 0.01 for one in document["differences"])
    light = next(one for one in document["pictures"] if one["name"] == "mean")
    assert light["new"] == pytest.approx(250 / 255, abs=0.02)
    assert light["reference"] < 0.7
    data = light_run.folder.parent.parent / "data"
    wanted = f"dlmath train --data {data} --data {folder} --from {light_run.folder}"
    assert document["retrain"] == wanted


def test_people_read_the_same_verdict(light_run, draw_folder):
    result = invoke(light_run.folder, "--data", draw_folder(250))

    assert "differs" in result.stdout
    assert "--data" in result.stdout.splitlines()[-1]
    assert "Share of the positive class by the scores" in result.stdout
    assert "Of the pictures themselves differ most:" in result.stdout


def test_what_a_server_kept_is_compared(light_run, serve):
    serve(50, cell=25)  # log-odds above 6, which no validation image has

    result = invoke(light_run.folder, "--json")

    assert isinstance(result.exception, CheckFailedError)
    document = json.loads(result.stdout)
    assert document["new"]["images"] == 50
    assert document["new"]["patients"] is None
    assert "whose images" in document["warnings"][0]
    assert document["retrain"].endswith(f"--data NEW --from {light_run.folder}")


def test_without_images_the_message_says_how_to_get_some(light_run):
    result = invoke(light_run.folder)

    assert isinstance(result.exception, RunError)
    assert "dlmath serve" in str(result.exception)
    assert "--data PATH" in str(result.exception)


def test_a_reference_of_an_older_version_does_and_says_what_is_left_out(
    light_run, draw_folder, serve
):
    reference = find_reference(light_run, LightClassifier.load(light_run), SILENT)
    older = replace(reference, pictures=np.empty((len(reference.labels), 0))).to_bytes()
    with np.load(io.BytesIO(older)) as arrays:  # as it was written: without an empty array
        kept = {name: array for name, array in arrays.items() if name != "pictures"}
    np.savez(light_run.drift_reference_path, **kept)
    content = light_run.drift_reference_path.read_bytes()
    record = {"sha256": hashlib.sha256(content).hexdigest(), "images": len(reference.labels)}
    write_json(light_run.manifest_path, {**light_run.manifest, "drift": record})
    serve(50, cell=25)

    for arguments in (["--data", draw_folder(250)], []):
        document = json.loads(invoke(light_run.folder, *arguments, "--json").stdout)
        assert [one["name"] for one in document["differences"]] == ["scores"]
        assert document["drift"] is True
        assert document["pictures"] == []
        assert "trained before they were kept" in document["warnings"][-1]


def test_statistics_of_an_older_server_do_and_say_what_is_left_out(light_run, serve):
    serve(50, cell=25, layout=lambda layout: layout.without_pictures)

    document = json.loads(invoke(light_run.folder, "--json").stdout)

    assert [one["name"] for one in document["differences"]] == ["scores"]
    assert "Remove it; a server begins again, with them." in document["warnings"][-1]


def test_statistics_of_another_model_are_refused(light_run, serve):
    serve(50, cell=3, model="0" * 64)

    result = invoke(light_run.folder)

    assert isinstance(result.exception, RunError)
    assert "another model" in str(result.exception)


def test_few_images_are_refused(light_run, draw_folder):
    result = invoke(light_run.folder, "--data", draw_folder(100, 140, patients=9))

    assert isinstance(result.exception, DataError)
    assert "it takes 20 of them. Received: 18 images" in str(result.exception)


def test_no_image_that_can_be_read_is_refused(light_run, tmp_path):
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "a.png").write_bytes(b"no picture")

    result = invoke(light_run.folder, "--data", tmp_path / "new")

    assert isinstance(result.exception, DataError)
    assert "No image can be read of 1 file" in str(result.exception)


def test_images_of_one_patient_are_refused(light_run, draw_folder):
    folder = draw_folder(250, patients=12)
    for number, path in enumerate(sorted(folder.iterdir())):
        path.rename(folder / f"n0_{number}.png")

    result = invoke(light_run.folder, "--data", folder)

    assert isinstance(result.exception, DataError)  # "no drift" would mean nothing
    assert "1 patient cannot differ so much" in str(result.exception)
    assert "Received: 24 images" in str(result.exception)


@pytest.mark.parametrize("alpha", ["0", "0.0001", "1", "nan"])
def test_a_rate_out_of_its_range_is_refused(light_run, alpha):
    result = invoke(light_run.folder, "--alpha", alpha)

    assert isinstance(result.exception, UserError)
    assert "`alpha` must be 0.001 or more, and below 1" in str(result.exception)


def test_a_run_of_before_whose_images_are_gone_is_refused(light_run, draw_folder, tmp_path):
    folder = draw_folder(100, 140)
    (tmp_path / "data").rename(tmp_path / "elsewhere")

    result = invoke(light_run.folder, "--data", folder)

    assert isinstance(result.exception, RunError)
    assert "Put them back, or train again" in str(result.exception)


@pytest.mark.slow
def test_a_training_leaves_what_is_compared_with(squares_recipe, draw_squares, tmp_path):
    from dlmath.training import train

    data = draw_squares(tmp_path / "data", {"dark": 90, "light": 160}, patients=40)
    run = train(squares_recipe, data, out=tmp_path / "run")
    assert run.manifest["drift"]["images"] > 0
    data.rename(tmp_path / "elsewhere")  # the images are not needed

    same = draw_squares(tmp_path / "same", {"dark": 90, "light": 160}, patients=20)
    other = draw_squares(tmp_path / "other", {"dark": 250}, patients=20, noise=2)
    assert invoke(run.folder, "--data", same).exit_code == 0
    result = invoke(run.folder, "--data", other, "--json")
    assert isinstance(result.exception, CheckFailedError)
    document = json.loads(result.stdout)
    assert len(document["farthest"]) == 10
    scores = [one["ood_score"] for one in document["farthest"]]
    assert scores == sorted(scores, reverse=True)

    run.drift_reference_path.write_bytes(b"something else")
    assert "not the file that the training wrote" in str(
        invoke(run.folder, "--data", same).exception
    )


@pytest.fixture(scope="module")
def xrays(shared_data, tmp_path_factory):
    """A run on chest X-rays of children, a folder of other children, and one of adults."""
    from dlmath.models import other_recipe
    from dlmath.training import train

    root = tmp_path_factory.mktemp("xrays")
    unpack(shared_data / "chest_xray" / "chest_xray_train_224.zip", root, "data", slice(0, 200))
    unpack(shared_data / "chest_xray" / "chest_xray_train_224.zip", root, "same", slice(200, 230))
    unpack(shared_data / "external" / "chestxray8_adult_256.zip", root, "adults", slice(0, 30))
    small = {"backbone": "efficientnet_lite0", "tune": "head", "image_size": 96}
    recipe = other_recipe("pneumonia", "paper").replace(**small)
    run = train(recipe, root / "data", out=root / "run")
    return run, root / "same", root / "adults"


def unpack(archive, root, name, rows):
    """Write the images of some patients of each class, drawn by a hash of their names."""
    with zipfile.ZipFile(archive) as source:
        for label in ("NORMAL", "PNEUMONIA"):
            (root / name / label).mkdir(parents=True)
            own = [file for file in source.namelist() if f"/{label}/" in file]
            patients = sorted(set(map(patient_key, own)), key=hash_of)[rows]
            for file in own:
                if patient_key(file) in patients:
                    path = root / name / label / file.rsplit("/", 1)[1]
                    path.write_bytes(source.read(file))


def patient_key(file):
    """Return `person12`, `IM-0115`, `NORMAL2-IM-0003` or, of adults, `00000013`."""
    return re.split(r"[_.]|-0001", file.rsplit("/", 1)[1])[0]


def hash_of(text):
    return hashlib.sha256(text.encode()).hexdigest()


@pytest.mark.real_data
def test_adults_are_found_and_other_children_are_not(xrays):
    run, same, adults = xrays

    alike = invoke(run.folder, "--data", same, "--json")
    assert alike.exit_code == 0, alike.output
    assert json.loads(alike.stdout)["drift"] is False

    other = invoke(run.folder, "--data", adults, "--json")
    assert isinstance(other.exception, CheckFailedError)
    differences = json.loads(other.stdout)["differences"]
    differ = {one["name"] for one in differences if one["p_adjusted"] <= 0.01}
    assert {"means", "pictures"} <= differ


@pytest.mark.real_data
def test_less_contrast_is_told_from_other_children(xrays, tmp_path):
    run, same, _ = xrays
    for path in same.rglob("*.jpeg"):
        picture = Image.open(path).convert("RGB").point(lambda level: 127.5 + 0.9 * (level - 127.5))
        picture.save(tmp_path / path.name, quality=95)

    result = invoke(run.folder, "--data", tmp_path)

    assert isinstance(result.exception, CheckFailedError)
    assert "Of the pictures themselves differ most:" in result.stdout
    assert "share of black pixels" in result.stdout


def test_a_reference_of_images_without_patients_names_none(light_run, draw_folder):
    with light_run.split_path.open(newline="", encoding="utf-8") as lines:
        rows = [{**row, "patient": ""} for row in csv.DictReader(lines)]
    write_csv(light_run.split_path, rows[0], rows)
    light_run.update_manifest(patients={**light_run.manifest["patients"], "count": None})
    images = sum(row["split"] == "validation" for row in rows)
    folder = draw_folder(100, 140)
    headline = invoke(light_run.folder, "--data", folder).stdout.splitlines()[0]
    assert headline.endswith(f"against {images} validation images.")
    document = json.loads(invoke(light_run.folder, "--data", folder, "--json").stdout)
    assert document["reference"] == {"images": images, "patients": None}


def test_a_file_that_differs_is_named_whole_in_a_narrow_terminal(monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "60")
    file = f"scans/{'long_name_' * 4}1.png"
    one = {"file": file, "ood_score": 7.0, "out_of_distribution": True, "class": "PNEUMONIA"}
    OUT.show(_farthest((one,)))
    assert file in capsys.readouterr().out
