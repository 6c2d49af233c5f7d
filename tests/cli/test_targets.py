import pytest

from dlmath.cli.targets import refuse_misspelt_task
from dlmath.errors import DataError


def test_a_task_that_is_nearly_one_is_refused():
    with pytest.raises(DataError, match="Did you mean 'malaria'"):
        refuse_misspelt_task("malria")


@pytest.mark.parametrize("target", ["tfds:nlm_malaria", "tfds:malaria", "my_images"])
def test_other_places_pass(target):
    refuse_misspelt_task(target)


def test_what_is_there_passes(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "malria").mkdir()
    refuse_misspelt_task("malria")
