"""What is meant to be passed on tells nothing of the folders of the one who trained it."""

import shlex
from pathlib import Path

import pytest

import dlmath
from dlmath.export.formats import export
from dlmath.logs import NAME
from dlmath.training.manifest import portable_command


@pytest.mark.slow
def test_no_file_of_a_run_names_the_place_where_it_was_trained(
    draw_squares, squares_recipe, tmp_path
):
    place = tmp_path / "Kwiatkowska-secret-clinic"
    data = draw_squares(place / "data", {"dark": 60, "light": 190})
    arguments = ["dlmath", "train", str(data), "--out", str(place / "run"), f"--data={data}"]
    run = dlmath.train(squares_recipe, data, out=place / "run", command=arguments)
    dlmath.evaluate(run)
    export(run, "keras")

    files = [path for path in run.folder.rglob("*") if path.is_file()]
    telling = [
        path.relative_to(run.folder).as_posix()
        for path in files
        if place.name.encode() in path.read_bytes() or str(tmp_path).encode() in path.read_bytes()
    ]
    assert (run.folder / NAME) in files
    assert len(files) > 12
    assert telling == []


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("dlmath train malaria --data cells.zip", "dlmath train malaria --data cells.zip"),
        ("dlmath train /x/y/data --out /x/y/run", "dlmath train ../data --out ."),
        ("dlmath train a --out=/x/y/run", "dlmath train a --out=."),
        ("dlmath train a --set weights=/x/w.h5", "dlmath train a --set weights=../../w.h5"),
        ("dlmath train '/x/y/my data'", "dlmath train '../my data'"),
        ("", ""),
    ],
)
def test_absolute_paths_of_a_command_become_relative_to_the_run(given, kept):
    found = portable_command(given, Path("/x/y/run"))
    assert shlex.split(found) == shlex.split(kept)
