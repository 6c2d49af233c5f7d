"""What was found and left out is said in words before a training, by format and with names."""

import pytest
from PIL import Image

from dlmath.recipe import Recipe
from dlmath.training import plan
from tests.support.recorder import Recorder

RECIPE = Recipe(
    name="squares",
    positive_class="dark",
    patient_rules=(r"^(?P<patient>p\d+)_",),
    backbone="malaria_cnn",
    weights="none",
    tune="head",
    image_size=16,
)


@pytest.fixture
def mixture(draw_squares, tmp_path):
    """40 images of which 8 are of other formats, and files that are not read."""
    root = draw_squares(tmp_path / "squares", {"dark": 110, "bright": 150})
    for label in ("dark", "bright"):
        paths = sorted((root / label).iterdir())
        for path, ending in zip(paths, ("tif", "bmp", "webp", "gif"), strict=False):
            Image.open(path).save(path.with_suffix(f".{ending}"))
            path.unlink()
    frames = [Image.new("L", (8, 8), shade) for shade in (50, 200)]
    frames[0].save(root / "dark" / "p90_0.gif", save_all=True, append_images=frames[1:])
    (root / "dark" / "p91_0.avif").write_bytes(b"x")
    (root / "dark" / "notes.txt").write_text("x")
    (root / "bright" / "p92_0").symlink_to("gone.png")
    return root


def test_everything_found_and_left_out_is_said(mixture, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    heard = Recorder()

    plan(RECIPE.replace(on_bad_file="skip"), mixture, reporter=heard)

    found, left_out, audit, skipped, *_ = heard.said
    assert found == "Found 41 images: 32 PNG, 3 GIF, 2 BMP, 2 TIFF, 2 WebP."
    assert left_out == (
        "Left out: 1 file *.avif (an image format that is not read: convert them to PNG), 1 file "
        "*.txt (no images), 1 dead link."
    )
    assert audit.startswith("Audit: 41 images")
    assert skipped == (
        "Left out: 1 of 41 images, which cannot be read (1 an animation, or of several pages): "
        "dark/p90_0.gif."
    )
