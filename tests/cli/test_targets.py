import pytest

from dlmath.cli.targets import check_task_spelling
from dlmath.errors import DataError


def test_a_task_that_is_nearly_one_is_refused():
    with pytest.raises(DataError, match="Did you mean 'malaria'"):
        check_task_spelling("malria")


@pytest.mark.parametrize("target", ["tfds:nlm_malaria", "tfds:malaria", "my_images"])
def test_other_places_pass(target):
    check_task_spelling(target)


def test_what_is_there_passes(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "malria").mkdir()
    check_task_spelling("malria")
