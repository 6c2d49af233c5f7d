"""The programs of an export read and answer as dlmath does, from the very files of dlmath."""

import ast
import importlib
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pydicom.data
import pytest
from PIL import Image

from dlmath.data import images
from dlmath.data.class_folders import is_image
from dlmath.errors import DataError
from dlmath.export.sidecar_files import COPIED, PROGRAMS, STANDALONE, write_programs

# What the copied files may import, besides one another and Python's own library.
RUNTIMES = {"numpy", "PIL", "pi_heif", "pydicom", "ai_edge_litert", "onnxruntime"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("export")
    write_programs(folder)
    return folder


@pytest.fixture(scope="module")
def preprocess(folder):
    sys.path.insert(0, str(folder))
    yield importlib.import_module("preprocess").preprocess
    sys.path.remove(str(folder))
    for name in [name for name in sys.modules if name.split(".")[0] in ("preprocess", STANDALONE)]:
        del sys.modules[name]


def test_the_copies_are_the_files_of_dlmath(repository, folder):
    copies = {path.relative_to(folder).as_posix() for path in folder.rglob("*.py")}

    assert copies == {*PROGRAMS, *(f"{STANDALONE}/{name}" for name in COPIED)}
    for name in COPIED:
        original = repository / "dlmath" / name
        assert (folder / STANDALONE / name).read_bytes() == original.read_bytes()


def imports_of(path):
    """Return what a file imports: copied files by their names in `COPIED`, others by package."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = path.parents[node.level - 1]
            parts = (node.module or "").split(".") if node.module else []
            target = base.joinpath(*parts)
            if target.is_dir():  # from ..data import images
                yield from (target / f"{alias.name}.py" for alias in node.names)
            else:
                yield target.with_suffix(".py")
        elif isinstance(node, ast.ImportFrom):
            yield str(node.module).split(".")[0]
        elif isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)


@pytest.mark.parametrize("name", COPIED)
def test_a_copied_file_imports_copied_files_and_runtimes_alone(folder, name):
    for found in imports_of(folder / STANDALONE / name):
        if isinstance(found, Path):
            assert found.is_file(), f"{name} imports {found.name}, which is not copied"
        else:
            assert found in RUNTIMES or found in sys.stdlib_module_names


def test_the_programs_load_nothing_of_dlmath(folder):
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "import classify, preprocess\n"
        "print(sorted({'dlmath', 'tensorflow', 'keras'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-B", "-c", code, str(folder)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "[]\n"


def test_dicom_is_read_as_ours(preprocess):
    path = pydicom.data.get_testdata_file("CT_small.dcm")

    np.testing.assert_array_equal(preprocess(path, 32), images.read(Path(path), path, 32))


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
        np.testing.assert_array_equal(preprocess(path, size), images.read(path, str(path), size))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_images_are_turned_upright_as_ours(preprocess, tmp_path, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / "turned.jpeg"
    noise((30, 50, 3), "RGB").save(path, exif=exif)

    np.testing.assert_array_equal(preprocess(path, 24), images.read(path, str(path), 24))


@pytest.mark.parametrize("content", [b"", b"text", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0"])
def test_a_bad_file_gets_our_message(preprocess, tmp_path, content):
    path = tmp_path / "bad.png"
    path.write_bytes(content)

    with pytest.raises(DataError) as ours:
        images.read(path, str(path), 8)
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
        names = [name for name in source.namelist() if is_image(Path(name))]
        assert names
        for name in names[:: max(1, len(names) // 20)]:
            path = tmp_path / Path(name).name
            path.write_bytes(source.read(name))
            np.testing.assert_array_equal(preprocess(path, 224), images.read(path, name, 224))
