import shutil

import numpy as np
import pytest
from PIL import Image

from dlmath.drift.folder import find_new_images, look_at
from dlmath.drift.sketch import Sketch
from dlmath.inference.classifier import Classifier
from dlmath.recipe.table_columns import column_names
from dlmath.reporting import SILENT


class Grey(Classifier):
    """Says how light an image is."""

    batch_size = 64

    def compute(self, batch):
        light = batch.mean(axis=(1, 2, 3)) / 255
        return {"probabilities": np.column_stack([1 - light, light]), "ood_scores": light * 100}


GREY = Grey(("dark", "light"), 4, "light", None)


@pytest.fixture
def sketch():
    return Sketch.of(GREY)


@pytest.fixture
def images(tmp_path):
    """Two images each of seven patients, the later ones lighter, in folders of folders."""
    for patient in range(7):
        for number in range(2):
            path = tmp_path / "new" / f"ward {patient % 2}" / f"p{patient}_{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            picture = Image.new("RGB", (5, 6), (30 * patient + number,) * 3)
            picture.putpixel((2, 3), (255, 0, 0))  # one of a single shade is doubted
            picture.save(path)
    return tmp_path / "new"


def look(source, sketch, rules=(r"^(?P<patient>p\d+)_",)):
    return look_at(find_new_images([str(source)]), GREY, sketch, SILENT, likely_rules=rules)


def test_patients_are_read_by_the_rules_of_the_run(images, sketch):
    seen = look(images, sketch)

    assert len(seen.files) == len(seen.rows) == 14
    assert len(np.unique(seen.patients)) == 7
    assert seen.warnings == ()


def test_patients_are_guessed_where_the_rules_do_not_fit(images, sketch):
    seen = look(images, sketch, [r"^(?P<patient>IM-\d+)-"])

    assert len(np.unique(seen.patients)) == 7
    assert "guessed" in seen.warnings[0]


def test_names_that_tell_nothing_leave_patients_unknown(images, sketch):
    for number, path in enumerate(sorted(images.rglob("*.png"))):
        path.rename(path.with_name(f"{number}.png"))

    seen = look(images, sketch)

    assert seen.patients is None
    assert "not known" in seen.warnings[0]


def test_a_bad_file_is_named_and_passed_over(images, sketch):
    (images / "p8_0.png").write_bytes(b"no picture")

    seen = look(images, sketch)

    assert len(seen.files) == 14
    assert "1 file cannot be read" in seen.warnings[0]
    assert "p8_0.png" in seen.warnings[0]


def test_a_zip_holds_the_same_images(images, sketch, tmp_path):
    for ward in sorted(images.iterdir()):
        ward.rename(images / ward.name.replace(" ", ""))
    archive = shutil.make_archive(str(tmp_path / "new"), "zip", images)

    seen = look(archive, sketch)

    np.testing.assert_array_equal(seen.probabilities, look(images, sketch).probabilities)


def test_the_farthest_come_first(images, sketch):
    farthest = look(images, sketch).farthest(sketch)

    ood_scores = [one["ood_score"] for one in farthest]
    assert len(farthest) == 10
    assert ood_scores == sorted(ood_scores, reverse=True)
    assert farthest[0]["file"].endswith("p6_1.png")


def test_pictures_that_lost_data_or_show_nothing_are_named(images, sketch):
    Image.new("RGB", (5, 6)).save(images / "p1_black.png")
    (warning,) = look(images, sketch).warnings
    assert warning.startswith("1 image may have lost data, or show nothing; dlmath predict says")
    assert warning.endswith("p1_black.png")


def test_a_table_and_a_zip_without_classes_hold_the_same_images(images, sketch, tmp_path):
    paths = sorted(images.rglob("*.png"))
    rows = [
        f"{path.relative_to(tmp_path).as_posix()};p{row // 2}" for row, path in enumerate(paths)
    ]
    (tmp_path / "new.csv").write_text("\n".join(["Image;patient", *rows]))
    columns = column_names(["file=Image"])
    seen = look_at(find_new_images([str(tmp_path / "new.csv")], columns), GREY, sketch, SILENT)
    np.testing.assert_array_equal(np.sort(seen.rows, 0), np.sort(look(images, sketch).rows, 0))
    assert len(np.unique(seen.patients)) == 7

    flat = tmp_path / "flat"
    flat.mkdir()
    for path in paths:
        path.rename(flat / path.name)
    archive = shutil.make_archive(str(tmp_path / "flat"), "zip", flat)
    assert look(archive, sketch).files == tuple(
        f"flat.zip!/{name}" for name in sorted(path.name for path in paths)
    )
