import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra.numpy import array_shapes, arrays

from dlmath.data.phantom_truth import Truth, mask_of, read_truth, run_lengths, write_truth
from dlmath.errors import DataError

MASKS = arrays(bool, array_shapes(min_dims=2, max_dims=2, max_side=9))


@given(mask=MASKS)
def test_run_lengths_hold_the_mask(mask):
    runs = run_lengths(mask)

    np.testing.assert_array_equal(mask_of(np.array(runs), mask.shape), mask)
    assert sum(runs) == mask.size
    assert all(run > 0 for run in runs[1:])


@given(mask=MASKS.filter(np.any))
def test_the_box_is_the_smallest_around_the_mask(mask):
    left, top, right, bottom = Truth("a.png", "parasite", mask).box

    inside = mask[top:bottom, left:right]
    assert inside.sum() == mask.sum()
    for border in (inside[0], inside[-1], inside[:, 0], inside[:, -1]):
        assert border.any()


def test_what_is_written_is_read_again(tmp_path):
    mask = np.zeros((4, 5), bool)
    mask[1:3, 2:] = True

    write_truth(tmp_path, [Truth("PNEUMONIA/a.jpeg", "virus", mask)])
    read = read_truth(tmp_path)["PNEUMONIA/a.jpeg"]

    assert (read.finding, read.box) == ("virus", (2, 1, 5, 3))
    np.testing.assert_array_equal(read.mask, mask)


def test_a_folder_without_truth_is_no_phantom(tmp_path):
    with pytest.raises(DataError, match="dlmath data phantom"):
        read_truth(tmp_path)


def test_a_row_with_runs_that_do_not_fill_the_mask_is_refused(tmp_path):
    write_truth(tmp_path, [Truth("a.png", "parasite", np.ones((2, 3), bool))])
    table = tmp_path / "truth.csv"
    table.write_text(table.read_text().replace("0 6", "0 5"))

    with pytest.raises(DataError, match=r"a\.png.*truth\.csv"):
        read_truth(tmp_path)
