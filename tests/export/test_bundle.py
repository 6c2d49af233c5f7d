import ast
import sys
import types
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dlmath.data.class_folders import is_image
from dlmath.data.pillow_images import read_image
from dlmath.errors import DataError
from dlmath.export.bundle import bundle
from dlmath.export.receiver import programs


def executed(source, name="cut"):
    module = types.ModuleType(name)
    exec(compile(source, f"{name}.py", "exec"), vars(module))
    return module


@pytest.fixture(scope="module")
def preprocess():
    return executed(programs()["preprocess.py"]).preprocess


def test_the_programs_import_nothing_of_ours():
    for source in programs().values():
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.ImportFrom) and node.col_offset == 0:
                assert not (node.module or "").startswith(("dlmath", "tensorflow", "keras"))


def noise(shape, mode):
    values = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    return Image.fromarray(values).convert(mode)


@pytest.mark.parametrize("size", [16, 37, 64])
@pytest.mark.parametrize("mode", ["L", "RGB", "P", "RGBA"])
@pytest.mark.parametrize("shape", [(64, 64, 3), (301, 173, 3), (40, 500, 3)])
def test_the_reading_is_ours_bit_for_bit(preprocess, tmp_path, shape, mode, size):
    image = noise(shape, mode)
    image.save(tmp_path / "image.png")
    image.convert("L" if mode == "L" else "RGB").save(tmp_path / "image.jpeg", quality=85)
    for path in (tmp_path / "image.png", tmp_path / "image.jpeg"):
        np.testing.assert_array_equal(preprocess(path, size), read_image(path, str(path), size))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_images_are_turned_upright_as_ours(preprocess, tmp_path, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / "turned.jpeg"
    noise((30, 50, 3), "RGB").save(path, exif=exif)

    np.testing.assert_array_equal(preprocess(path, 24), read_image(path, str(path), 24))


@pytest.mark.parametrize("content", [b"", b"text", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0"])
def test_a_bad_file_gets_our_message(preprocess, tmp_path, content):
    path = tmp_path / "bad.png"
    path.write_bytes(content)

    with pytest.raises(DataError) as ours:
        read_image(path, str(path), 8)
    with pytest.raises(Exception, match="bad.png") as theirs:
        preprocess(path, 8)
    assert str(theirs.value) == str(ours.value)


@pytest.mark.real_data
@pytest.mark.parametrize(
    "archive",
    [
        "chest_xray_original/chest_xray_original.zip",
        "external/chestxray8_adult_256.zip",
        "malaria/malaria_cells.zip",
    ],
)
def test_real_images_are_read_bit_for_bit(preprocess, shared_data, tmp_path, archive):
    with zipfile.ZipFile(shared_data / archive) as source:
        images = [name for name in source.namelist() if is_image(Path(name))]
        assert images
        for name in images[:: max(1, len(images) // 20)]:
            path = tmp_path / Path(name).name
            path.write_bytes(source.read(name))
            np.testing.assert_array_equal(preprocess(path, 224), read_image(path, name, 224))


def test_what_is_used_stands_before_it():
    cut = executed(bundle("Numbers.", [("dlmath.data.specification", "reduction")]))

    assert cut.reduction(1000, 2000, 200) == 4
    assert cut.__doc__ == "Numbers."


def test_two_definitions_of_one_name_do_not_meet(tmp_path, monkeypatch):
    for name, value in (("one", 1), ("two", 2)):
        (tmp_path / f"bundled_{name}.py").write_text(f"VALUE = {value}\n")
    monkeypatch.syspath_prepend(tmp_path)

    with pytest.raises(ValueError, match="Both bundled_one and bundled_two define VALUE"):
        bundle("Both.", [("bundled_one", "VALUE"), ("bundled_two", "VALUE")])
    assert "bundled_one" not in sys.modules
