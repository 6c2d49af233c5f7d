import csv

import pytest
from PIL import Image

import dlmath
from dlmath import seeds
from dlmath.attribution import label_error_findings, likely_label_errors
from dlmath.errors import RunError


@pytest.fixture(scope="module")
def run(draw_squares, squares_recipe, tmp_path_factory):
    """A run on dark and bright squares of which three bright ones lie among the dark."""
    root = draw_squares(
        tmp_path_factory.mktemp("images"), {"dark": 60, "bright": 190}, patients=60, images=2
    )
    for number in range(3):
        square = seeds.generator("wrong", number).normal(190, 40, (12, 12, 3)).clip(0, 255)
        Image.fromarray(square.astype("uint8")).save(root / "dark" / f"p{100 + number}_wrong.png")
    return dlmath.train(squares_recipe, root, out=tmp_path_factory.mktemp("runs") / "run")


def test_wrong_labels_come_first_and_the_test_part_is_not_looked_at(run):
    found = likely_label_errors(run)
    with run.split_path.open(newline="") as lines:
        part = {row["file"]: row["split"] for row in csv.DictReader(lines)}
    looked_at = [file for file in part if part[file] in ("train", "validation")]
    assert sorted(found.files) == sorted(looked_at)
    assert found.images == len(looked_at)
    wrong = {file for file in looked_at if "wrong" in file}
    assert wrong
    assert {one.file for one in found.ranked[: len(wrong)]} == wrong
    first = found.ranked[0]
    assert (first.label, first.suggested) == ("dark", "bright")
    assert first.probability > 0.5
    assert first.margin < 0
    assert first.path.is_file()


def test_the_finding_names_the_files_in_that_order(run):
    (finding,) = label_error_findings(run)
    found = likely_label_errors(run)
    assert finding.severity == "warning"
    assert finding.files == tuple(one.file for one in found.ranked)
    assert finding.figures["estimated"] == found.estimated
    assert finding.figures["ranked"][0]["suggested"] == "bright"


def test_a_network_that_learned_the_labels_is_refused(tiny_run):
    tiny_run.recipe_path.write_text(tiny_run.recipe.replace(tune="all").to_toml())
    with pytest.raises(RunError, match="learn a wrong label by heart.*--tune head"):
        likely_label_errors(tiny_run.folder)
