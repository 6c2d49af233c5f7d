import numpy as np
import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.pixels.processing import apply_voi

from dlmath.data.dicom_lookup import LookupTable

VALUES = np.arange(-300, 5000, 7)


def item_of(descriptor, data, kind="US"):
    item = pydicom.Dataset()
    item.add_new("LUTDescriptor", "SS" if min(descriptor) < 0 else "US", descriptor)
    item.add_new("LUTData", kind, data)
    return item


def read(item, lowest=0.0, is_little_endian=True):
    return LookupTable.read(item, lowest, is_little_endian=is_little_endian)


@given(
    first=st.integers(-400, 4000),
    count=st.integers(2, 3000),
    bits=st.sampled_from([10, 11, 12, 13, 14, 15, 16]),
    seed=st.integers(0, 99),
)
def test_tables_are_those_of_pydicom_where_its_index_fits(first, count, bits, seed):
    entries = np.random.default_rng(seed).integers(0, 2**bits, count)
    entries[0] = 2**bits - 1
    item = item_of([count, first, bits], entries.tolist())
    dataset = pydicom.Dataset()
    dataset.VOILUTSequence = [item]
    table = read(item, lowest=-400.0)
    assert table.bits == bits
    assert (table(VALUES) == apply_voi(VALUES, dataset)).all()


def test_eight_bit_entries_for_more_than_256_values_are_no_noise():
    """pydicom holds the index in eight bits: it comes round after 255."""
    table = read(item_of([4096, 0, 8], [value >> 4 for value in range(4096)]))
    assert (table(np.arange(4096)) == np.arange(4096) >> 4).all()


@pytest.mark.parametrize(
    ("declared", "largest", "bits"),
    [
        (16, 4095, 12),  # the words of the file were taken for the width
        (16, 32767, 15),
        (16, 4000, 12),  # less than a quarter of the declared range
        (16, 20000, 16),
        (12, 4095, 12),
        (12, 4000, 12),
        (12, 2500, 12),
        (8, 4095, 12),  # more than was declared
        (9, 511, 9),
        (16, 0, 16),
    ],
)
def test_the_width_is_that_of_the_entries_where_they_contradict_the_descriptor(
    declared, largest, bits
):
    table = read(item_of([3, 0, declared], [0, 0, largest]))
    assert (table.bits, table.white) == (bits, 2**bits - 1)


def test_entries_of_eight_bits_may_be_packed_in_words():
    packed = bytes([1, 2, 3, 4, 250, 0])
    assert read(item_of([5, 0, 8], packed, "OW")).entries.tolist() == [1, 2, 3, 4, 250]
    words = [1 + 256 * 2, 3 + 256 * 4, 250]
    assert read(item_of([5, 0, 8], words)).entries.tolist() == [1, 2, 3, 4, 250]


def test_the_order_of_bytes_is_that_of_the_file():
    swapped = np.array([1, 700, 1023], ">u2").tobytes()
    table = read(item_of([3, 0, 10], swapped, "OW"), is_little_endian=False)
    assert table.entries.tolist() == [1, 700, 1023]


def test_the_least_and_the_last_entry_stand_for_all_beyond():
    table = read(item_of([3, 100, 8], [5, 6, 255]))
    assert table(np.array([-7, 99, 100, 101, 102, 103, 9999])).tolist() == [
        5, 5, 5, 6, 255, 255, 255,
    ]  # fmt: skip


def test_no_entries_in_the_descriptor_are_65536():
    table = read(item_of([0, 0, 16], np.arange(65536).tolist()))
    assert table(np.array([65535, 40000])).tolist() == [65535, 40000]


@pytest.mark.parametrize(("lowest", "first"), [(-1024.0, -1024), (0.0, 64512)])
def test_a_first_value_written_as_unsigned_is_negative_where_values_can_be(lowest, first):
    assert read(item_of([2, 64512, 8], [0, 255]), lowest).first == first


@pytest.mark.parametrize(
    ("descriptor", "data", "message"),
    [
        ([4, 0, 12], [1, 2, 3], "must hold 4 entries. Received: 3"),
        ([4, 0, 8], [1], "must hold 4 entries. Received: 2"),
        ([4, 0], [1, 2, 3, 4], "must hold three numbers"),
        ([4, 0, 17], [1, 2, 3, 4], "1 to 16 bits. Received: 17"),
        ([4, 0, 0], [1, 2, 3, 4], "1 to 16 bits. Received: 0"),
    ],
)
def test_a_table_that_is_not_whole_is_refused(descriptor, data, message):
    with pytest.raises(ValueError, match=message):
        read(item_of(descriptor, data))
