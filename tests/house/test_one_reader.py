"""What comes from elsewhere is read in one place each, where it is checked."""

import ast
from pathlib import Path

import pytest

# Each way to read something that may be hostile, and the files that may go it.
ALLOWED = {
    "Image.open": set(),  # opens every format that Pillow knows, and guards against few
    "PngImageFile": {"dlmath/data/conversion.py", "dlmath/data/images.py"},
    **{
        f"{name}ImageFile": {"dlmath/data/conversion.py"} for name in ("Tiff", "Bmp", "Gif", "WebP")
    },
    "HeifImageFile": {"dlmath/data/conversion.py"},
    # The audit also looks at the tables of a file that is checked already.
    "JpegImageFile": {
        "dlmath/data/conversion.py",
        "dlmath/data/images.py",
        "dlmath/data/lost_data.py",
        "dlmath/audit/scan.py",
    },
    "decode_png": {"dlmath/data/image_graph.py"},
    "decode_jpeg": {"dlmath/data/image_graph.py"},
    "decode_image": set(),
    "load_model": set(),
    "load_weights": {"models/weights_file.py"},
    "saved_model.load": {
        "dlmath/inference/saved_model_classifier.py",
        "dlmath/export/run_saved_model.py",
    },
    "Unpickler": {"models/torch_checkpoint.py"},
    "pickle.load": set(),
    "pickle.loads": set(),
    "marshal.loads": set(),
    "torch.load": set(),
    "get_file": set(),  # of Keras: it unpacks archives without a look (CVE-2025-12060)
    "extractall": set(),
    "extract": set(),
    "unpack_archive": set(),
    "tarfile.open": set(),
    "ZipFile": {
        "dlmath/data/archives.py",
        "dlmath/inference/keras_file.py",
        "models/keras_archive.py",
    },
    "eval": set(),
    "exec": {"dlmath/mutation.py"},  # of our own source, changed on purpose
    "os.system": set(),
    "enable_unsafe_deserialization": set(),
}
SOURCES = ("dlmath", "cli", "models")


def calls(tree):
    """Give the dotted name of everything that is called or derived from."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func)
        elif isinstance(node, ast.ClassDef):
            yield from map(ast.unparse, node.bases)


def forbidden(source, file):
    """Return the ways that a file goes and may not."""
    return sorted(
        {
            way
            for name in calls(ast.parse(source))
            for way, files in ALLOWED.items()
            if (name == way or name.endswith(f".{way}")) and file not in files
        }
    )


def test_every_way_in_is_the_checked_one(repository: Path) -> None:
    files = [
        path
        for folder in SOURCES
        for path in (repository / folder).rglob("*.py")
        if path.resolve() == path
    ]
    assert len(files) > 200
    found = {
        file: ways
        for path in files
        if (ways := forbidden(path.read_text(), file := path.relative_to(repository).as_posix()))
    }
    assert not found


def test_what_is_allowed_is_still_done(repository: Path) -> None:
    for way, files in ALLOWED.items():
        for file in files:
            names = list(calls(ast.parse((repository / file).read_text())))
            assert any(name == way or name.endswith(f".{way}") for name in names), (way, file)


@pytest.mark.parametrize(
    "source",
    [
        "from PIL import Image\nImage.open(path)",
        "import PIL\nPIL.Image.open(path)",
        "keras.models.load_model(path)",
        "keras.utils.get_file(name, url, extract=True)",
        "zipfile.ZipFile(path).extractall(folder)",
        "class Mine(pickle.Unpickler): ...",
    ],
)
def test_a_planted_way_is_found(source: str) -> None:
    assert forbidden(source, "dlmath/x.py")
