import csv
import json

import pytest

from dlmath import runs
from dlmath.atomic_files import atomic_path
from dlmath.errors import RunError, UserError
from dlmath.runs import Run


@pytest.fixture
def workplace(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def finished(name, when="2026-01-01T00:00:00+00:00"):
    run = Run.create("task", runs.RUNS / name)
    run.model_path.write_bytes(b"model")
    runs.write_json(run.manifest_path, {"state": "finished", "finished": when})
    return run


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path):
    path = tmp_path / "file.txt"
    runs.write_text(path, "old")

    def write_then_fail():
        with atomic_path(path) as temporary:
            temporary.write_text("half of the new")
            raise OSError("the disk is full")

    with pytest.raises(OSError, match="full"):
        write_then_fail()
    assert path.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["file.txt"]


def test_a_written_file_has_the_permissions_of_any_other(tmp_path):
    runs.write_text(tmp_path / "ours", "x")
    (tmp_path / "theirs").write_text("x")
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "theirs").stat().st_mode


def test_json_refuses_what_is_not_json(tmp_path):
    with pytest.raises(ValueError, match="JSON"):
        runs.write_json(tmp_path / "x.json", {"auc": float("nan")})
    assert not (tmp_path / "x.json").exists()


@pytest.mark.parametrize("value", ["\r", "a\r.png", "a\n.png", "a\r\n.png", '"', "a,b", " ", ""])
def test_a_table_is_read_again_as_it_was_written(tmp_path, value):
    rows = [{"file": "first", "n": "1"}, {"file": value, "n": "2"}]
    runs.write_csv(tmp_path / "table.csv", ["file", "n"], rows)
    with (tmp_path / "table.csv").open(newline="", encoding="utf-8") as lines:
        assert list(csv.DictReader(lines)) == rows


def test_a_table_has_unix_line_ends(tmp_path):
    runs.write_csv(tmp_path / "table.csv", ["file", "n"], [{"file": "a,b", "n": 0.1}])
    assert (tmp_path / "table.csv").read_bytes() == b'file,n\n"a,b",0.1\n'


def test_two_runs_of_one_second_get_two_folders(workplace):
    folders = {Run.create("pneumonia").folder for _ in range(3)}
    assert len(folders) == 3
    assert all(folder.parent == runs.RUNS for folder in folders)


def test_an_occupied_folder_is_refused_and_left_alone(tmp_path):
    (tmp_path / "precious.txt").write_text("mine")
    with pytest.raises(RunError, match=r"absent or empty, and .* holds precious\.txt"):
        Run.create("task", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["precious.txt"]


@pytest.mark.parametrize("given", ["one", "runs/one"])
def test_a_run_is_found_by_name_and_by_path(workplace, given):
    finished("one")
    assert Run.find(given).folder.resolve() == (workplace / "runs/one").resolve()


def test_the_newest_finished_run_is_taken_and_named(workplace, capsys):
    finished("b", "2026-01-01T00:00:00+00:00")
    finished("a", "2026-01-02T00:00:00+00:00")
    running = Run.create("task", runs.RUNS / "running")
    runs.write_json(running.manifest_path, {"state": "running"})
    damaged = Run.create("task", runs.RUNS / "damaged")
    damaged.model_path.write_bytes(b"model")
    damaged.manifest_path.write_text("{")

    assert Run.find().name == "a"
    printed = capsys.readouterr()
    assert "runs/a" in printed.err
    assert printed.out == ""


def test_no_run_names_the_command_that_makes_one(workplace):
    with pytest.raises(RunError, match="dlmath train pneumonia"):
        Run.find()
    finished("pneumonia-1")
    with pytest.raises(RunError, match="Did you mean 'pneumonia-1'"):
        Run.find("pneumonia-2")


def test_a_missing_file_of_a_run_is_named(workplace):
    run = finished("one")
    with pytest.raises(RunError, match=r"recipe\.toml is missing"):
        _ = run.recipe


def test_updating_the_manifest_keeps_the_rest(workplace):
    run = finished("one")
    run.update_manifest(threshold=0.5)
    assert json.loads(run.manifest_path.read_text())["threshold"] == 0.5
    assert run.is_finished


def test_sources_are_seen_from_here(workplace):
    run = finished("one")
    run.update_manifest(data={"sources": ["../../images", "tfds:malaria"]})
    assert run.sources == [(workplace / "images").resolve(), "tfds:malaria"]


def test_the_cache_lies_where_it_was_put(monkeypatch, tmp_path):
    monkeypatch.setenv("DLMATH_HOME", str(tmp_path))
    assert runs.cache_home() == tmp_path
    monkeypatch.delenv("DLMATH_HOME")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(runs.sys, "platform", "linux")
    assert runs.cache_home() == tmp_path / "dlmath"


def test_a_user_without_a_home_is_told_where_to_put_the_cache(monkeypatch):
    for name in ("DLMATH_HOME", "XDG_CACHE_HOME", "HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(runs.sys, "platform", "linux")
    monkeypatch.setattr(
        "dlmath.given_paths.os.path.expanduser", lambda path: path
    )  # as without an entry
    with pytest.raises(UserError, match="Set DLMATH_HOME to a folder"):
        runs.cache_home()


def test_an_entry_of_a_cache_that_is_only_read_is_used(monkeypatch, tmp_path):
    def refuse(self):
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr("pathlib.Path.touch", refuse)
    runs.mark_used(tmp_path)


@pytest.mark.parametrize("letter", ["n", "ü"])
def test_a_name_that_fills_its_place_can_be_written(letter, tmp_path):
    path = tmp_path / f"{letter * (250 // len(letter.encode()))}.csv"
    runs.write_text(path, "whole")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [(path.name, "whole")]


def test_runs_begun_in_one_second_have_folders_of_their_own(workplace):
    folders = {runs.new_folder("cells") for _ in range(3)}
    assert len(folders) == 3
    assert all(folder.is_dir() for folder in folders)


def test_a_task_of_a_long_name_has_a_run(workplace):
    folder = Run.create("ü" * 120).folder
    assert folder.is_dir()
    assert folder.name.startswith("ü" * 90 + "-2")  # 180 bytes, then the time
