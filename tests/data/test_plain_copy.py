import numpy as np
import pytest
from PIL import Image

from dlmath.data import images
from dlmath.data.conversion import Wishes
from dlmath.data.plain_copy import copy_plain
from dlmath.errors import DataError

GREY = np.random.default_rng(0).integers(200, 3000, (12, 10)).astype(np.uint16)


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "scans"
    (root / "ill").mkdir(parents=True)
    picture = Image.fromarray((GREY // 16).astype(np.uint8))
    picture.save(root / "ill" / "a.png")
    picture.save(root / "ill" / "b.jpg")
    Image.fromarray(GREY).save(root / "ill" / "c.tif")
    frames = {"save_all": True, "append_images": [picture.rotate(180)]}
    picture.save(root / "d.gif", **frames)
    picture.save(root / "e.png", **frames)
    (root / "notes.txt").write_text("no image")
    return root


def files(root):
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())


def test_deep_pictures_become_pngs_and_plain_ones_stay(folder, tmp_path):
    done = copy_plain(folder, tmp_path / "out")

    assert files(tmp_path / "out") == ["ill/a.png", "ill/b.jpg", "ill/c.tif.png"]
    for name in ("a.png", "b.jpg"):
        assert (tmp_path / "out/ill" / name).read_bytes() == (folder / "ill" / name).read_bytes()
    np.testing.assert_array_equal(
        images.read(tmp_path / "out/ill/c.tif.png", "one", 10),
        images.read(folder / "ill/c.tif", "one", 10),
    )
    assert (done.copied, dict(done.converted)) == (2, {"TIFF": 1})
    assert [error.split(": ")[0] for error in done.errors] == [
        str(folder / "d.gif"),
        str(folder / "e.png"),
    ]
    assert done.left_out == {"*.txt": 1}


def test_what_is_asked_for_is_done(folder, tmp_path):
    wishes = Wishes(first_frame=True, window=(1000, 2000))
    done = copy_plain(folder, tmp_path / "out", wishes)

    assert done.errors == []
    assert set(files(tmp_path / "out")) > {"d.gif.png", "e.png"}
    found = np.asarray(images.read_upright(tmp_path / "out/ill/c.tif.png", "one"))
    np.testing.assert_array_equal(found, np.rint(255 * ((GREY - 1000.0) / 1000).clip(0, 1)))
    first = np.asarray(images.read_upright(tmp_path / "out/e.png", "one"))
    np.testing.assert_array_equal(first, GREY // 16)


def test_what_cannot_be_done_is_refused_and_leaves_nothing(folder, tmp_path):
    with pytest.raises(DataError, match="begins below its end. Received: 5 to 5"):
        copy_plain(folder, tmp_path / "out", Wishes(window=(5, 5)))
    with pytest.raises(DataError, match="Name a folder of images"):
        copy_plain(folder / "d.gif", tmp_path / "out")
    (tmp_path / "full").mkdir()
    (tmp_path / "full/notes.txt").touch()
    with pytest.raises(DataError, match="must be absent or empty, and .* holds notes.txt"):
        copy_plain(folder, tmp_path / "full")
    only = tmp_path / "only"
    only.mkdir()
    (folder / "d.gif").rename(only / "d.gif")
    with pytest.raises(DataError, match="No image in .* can be converted: .*d.gif: "):
        copy_plain(only, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_no_copy_takes_the_name_of_another_file(folder, tmp_path):
    other = Image.fromarray((GREY // 32).astype(np.uint8))
    other.save(folder / "ill" / "c.tif.png")

    copy_plain(folder, tmp_path / "out")

    assert {"ill/c.tif.png", "ill/c.tif.png.png"} <= set(files(tmp_path / "out"))
    kept = np.asarray(images.read_upright(tmp_path / "out/ill/c.tif.png", "one"))
    np.testing.assert_array_equal(kept, np.asarray(other))
