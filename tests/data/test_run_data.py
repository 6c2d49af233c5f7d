import shutil

import pytest

from dlmath.data.run_data import RunData
from dlmath.errors import DataError, RunError

IMAGE = "test/NORMAL/nte0_0.jpeg"


def test_a_part_has_the_images_that_the_split_names(tiny_run):
    own = RunData(tiny_run)
    found = {
        (one.file, one.sha256, one.label, one.patient or "", part)
        for part in ("train", "validation", "test")
        for one in own.part(part)
    }
    assert found == {tuple(row.values()) for row in own.rows}
    assert all(one.path.is_file() for one in own.part("train"))
    assert len(own.part("test")) == 24


def test_images_that_were_moved_are_found_where_they_are_said_to_be(tiny_run, tmp_path):
    before = RunData(tiny_run).part("test")
    moved = tiny_run.sources[0].rename(tmp_path / "moved")
    with pytest.raises(DataError, match=r"There are no data at .*, where .* had them.*--data PATH"):
        RunData(tiny_run).part("test")

    found = RunData(tiny_run, [moved]).part("test")

    assert [one.file for one in found] == [one.file for one in before]
    assert all(one.path.is_relative_to(moved) for one in found)


def test_an_image_that_is_gone_or_changed_is_named_unless_it_is_accepted(tiny_run):
    image = tiny_run.sources[0] / IMAGE
    image.write_bytes(image.read_bytes() + b"0")
    with pytest.raises(DataError, match=rf"1 image of .*split\.csv changed since the run: {IMAGE}"):
        RunData(tiny_run).part("train")
    image.unlink()
    with pytest.raises(DataError, match=rf"1 image of .*split\.csv are not in the data: {IMAGE}"):
        RunData(tiny_run).part("train")

    accepted = []
    assert len(RunData(tiny_run, accepted=accepted).part("test")) == 23
    assert accepted == [f"1 image gone: {IMAGE}"]


def test_an_empty_part_is_one_message(tiny_run):
    kept = [row for row in tiny_run.split_path.read_text().splitlines() if ",validation" not in row]
    tiny_run.split_path.write_text("\n".join(kept) + "\n")
    with pytest.raises(DataError, match=r"The validation part of .*split\.csv holds no image"):
        RunData(tiny_run).part("validation")


def test_what_is_recorded_needs_no_images(tiny_run):
    shutil.rmtree(tiny_run.sources[0])
    own = RunData(tiny_run)
    assert sorted(own.part_of_content.values()) == sorted(row["split"] for row in own.rows)


def test_a_copy_in_the_training_part_counts_as_trained_on(tiny_run):
    rows = tiny_run.split_path.read_text().splitlines()
    trained, tested = (next(r for r in rows if r.endswith(part)) for part in (",train", ",test"))
    sha256 = trained.split(",")[1]
    rows.append(tested.replace(tested.split(",")[1], sha256).replace("nte0_0", "copy"))
    tiny_run.split_path.write_text("\n".join(rows) + "\n")
    assert RunData(tiny_run).part_of_content[sha256] == "train"


def test_a_split_that_is_gone_is_one_message_for_every_reader(tiny_run):
    tiny_run.split_path.unlink()
    own = RunData(tiny_run)
    for read in (lambda: own.rows, lambda: own.part_of_content, lambda: own.split):
        with pytest.raises(RunError, match=r"Cannot read the split .*split\.csv: No such file"):
            read()


def test_where_the_images_lie_is_known_without_opening_one(tiny_run):
    (tiny_run.sources[0] / IMAGE).write_bytes(b"no image")
    paths = RunData(tiny_run).paths()
    assert paths[IMAGE] == tiny_run.sources[0] / IMAGE
    assert len(paths) == 56
