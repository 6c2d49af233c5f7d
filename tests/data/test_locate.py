import pytest

from dlmath.data import phantom
from dlmath.data.locate import data_at_hand, find_data
from dlmath.errors import DataError


@pytest.fixture(autouse=True)
def places(tmp_path, monkeypatch):
    """The three places in the order in which they are looked at, none of them there yet."""
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setenv("DLMATH_DATA", str(tmp_path / "named"))
    monkeypatch.setenv("DLMATH_HOME", str(tmp_path / "home"))
    return [tmp_path / "named", tmp_path / "work" / "data", tmp_path / "home" / "data"]


def test_what_is_given_is_taken_as_it_is(tmp_path):
    given = [tmp_path / "a", "b.zip", "tfds:malaria"]
    assert find_data("malaria", given) == given


def test_places_are_looked_at_in_order(places):
    for place in reversed(places):
        (place / "cell_images").mkdir(parents=True)
        (found,) = find_data("malaria")
        assert found.resolve() == place / "cell_images"
        assert data_at_hand("pneumonia") is None


@pytest.mark.parametrize(
    ("task", "name"),
    [
        ("pneumonia", "pneumonia"),
        ("pneumonia", "chest_xray"),
        ("pneumonia", "ChestXRay2017.zip"),
        ("malaria", "malaria"),
        ("malaria", "cell_images.zip"),
        ("mine", "mine"),
    ],
)
def test_known_names_are_found_as_folders_and_zips(places, task, name):
    places[0].mkdir()
    (places[0] / name).touch()
    assert find_data(task) == [places[0] / name]


def test_nothing_found_names_the_places_and_what_to_do(places):
    with pytest.raises(DataError) as raised:
        find_data("pneumonia")
    for expected in (str(places[0]), str(places[2]), "--data PATH", "--data phantom", "chest_xray"):
        assert expected in str(raised.value)


def test_phantoms_are_drawn_once_into_the_cache(places, monkeypatch, recorder):
    drawn = []

    def draw(task, out, *, progress):
        drawn.append(task)
        progress(1, 1)
        (out / "PHANTOM.json").write_text("{}")
        return out

    monkeypatch.setattr(phantom, "write_phantoms", draw)
    for _ in range(2):
        (folder,) = find_data("malaria", ["phantom"], reporter=recorder)
        assert (folder / "PHANTOM.json").is_file()
        assert folder.parent == places[2].parent / "phantom"
    assert drawn == ["malaria"]
    assert recorder.steps == [("drawing", 1, 1)]
    find_data("pneumonia", ["phantom"])
    assert drawn == ["malaria", "pneumonia"]


def test_a_task_without_phantoms(places):
    with pytest.raises(DataError, match="There is no phantom of this task"):
        find_data("mine", ["phantom"])
    assert not list(places[2].parent.rglob("mine*"))
