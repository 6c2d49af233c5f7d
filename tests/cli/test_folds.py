import pytest
from typer.testing import CliRunner

from dlmath.cli.main import app
from dlmath.errors import UserError

OPTIONS = "--positive dark --backbone malaria_cnn --weights none --image-size 16 --tune head"


def invoke(*arguments):
    return CliRunner().invoke(app, ["train", *arguments], catch_exceptions=False)


def test_stdout_holds_the_folder_alone_and_people_get_a_table(draw_squares, tmp_path):
    own = draw_squares(tmp_path / "own", {"dark": 110, "bright": 150})
    out = tmp_path / "folds"
    done = invoke(str(own), *OPTIONS.split(), "--set", "l2=0.1", "--folds", "2", "--out", str(out))
    assert done.stdout == f"{out}\n"
    assert "40 images (20 positive + 20 negative) of 20 patients, each tested once" in done.stderr
    assert "all folds (95 % interval)" in done.stderr
    assert (out / "folds.json").is_file()


@pytest.mark.parametrize("other", ["--dry-run", "--tensorboard"])
def test_what_folds_cannot_do_is_refused(other):
    with pytest.raises(UserError, match=f"--folds does not take {other}"):
        invoke("malaria", "--folds", "2", other)
