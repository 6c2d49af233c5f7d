"""Lookup tables of DICOM files: the modality LUT and the VOI LUT (PS3.3, C.11.1.1 and C.11.2.1.1).

pydicom applies tables whose descriptor is right and whose entries have 8, 10 to 16 bits, but holds
the index in the type of the entries: a table of 8-bit entries for 12-bit values comes out as noise.
Here the index is an integer of 64 bits, and a descriptor is compared with the entries.

Source: NEMA PS3.3 (DICOM, Information Object Definitions), also C.8.11.3.1.5.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

if TYPE_CHECKING:
    from pydicom import Dataset

_WORD = 2**16


@dataclass(frozen=True, eq=False)
class LookupTable:
    """A table from values to entries.

    Attributes:
        first: The value of the first entry. Lower ones have its entry, and higher ones than the
            last have that of the last.
        entries: int64 (n,), unsigned numbers.
        bits: Width of an entry, so that white is `2**bits - 1`.
    """

    first: int
    entries: np.ndarray
    bits: int

    @classmethod
    def read(cls, item: "Dataset", lowest: float, *, is_little_endian: bool) -> Self:
        """Return the table of an item of a LUT sequence.

        Args:
            item: With LUTDescriptor and LUTData.
            lowest: The least value that can be looked up. The first entry may only be for a
                negative value where this one is negative.
            is_little_endian: The order of bytes in the file.

        Raises:
            ValueError: The descriptor has not three numbers, or the table has too few entries.
        """
        count, first, declared = _descriptor(item, is_little_endian)
        if lowest < 0 and first >= _WORD // 2:
            first -= _WORD  # written as unsigned
        entries = _entries(item.LUTData, count, declared, is_little_endian)
        return cls(first, entries, _width(declared, int(entries.max())))

    @property
    def white(self) -> int:
        """The largest entry that the width has room for."""
        return int(2**self.bits - 1)

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """Return the entries, int64, for values of any shape; fractions are rounded first."""
        places = np.rint(values).astype(np.int64) - self.first
        return self.entries[np.clip(places, 0, len(self.entries) - 1)]


def _descriptor(item: "Dataset", is_little_endian: bool) -> tuple[int, int, int]:
    """Return the number of entries, the first value, and the bits of an entry."""
    numbers = item.LUTDescriptor
    if isinstance(numbers, bytes):  # a file that does not say of what type they are
        numbers = np.frombuffer(numbers, _words(is_little_endian)).tolist()
    if not hasattr(numbers, "__len__") or len(numbers) != 3:
        raise ValueError(f"LUTDescriptor must hold three numbers. Received: {numbers}")
    count, first, bits = map(int, numbers)
    if not 1 <= bits <= 16:
        raise ValueError(f"an entry of LUTData may have 1 to 16 bits. Received: {bits}")
    return (
        count % _WORD or _WORD,
        first,
        bits,
    )  # 65,536 entries do not fit in a word: 0 stands there


def _entries(data: Any, count: int, bits: int, is_little_endian: bool) -> np.ndarray:
    """Return `count` entries, stored as words or, where they have 8 bits, as single bytes."""
    if isinstance(data, bytes):
        words = np.frombuffer(data[: len(data) // 2 * 2], _words(is_little_endian))
    else:
        words = np.atleast_1d(np.asarray(data, np.int64)) % _WORD
    entries = words.astype("<u2")
    if len(entries) < count and bits <= 8:
        entries = entries.view(np.uint8)
    if len(entries) < count:
        raise ValueError(f"LUTData must hold {count} entries. Received: {len(entries)}")
    return entries[:count].astype(np.int64)


def _words(is_little_endian: bool) -> str:
    return "<u2" if is_little_endian else ">u2"


def _width(declared: int, largest: int) -> int:
    """Return the bits of an entry: those declared, unless the entries contradict them.

    Writers declare the 16 bits that an entry takes in the file, though it has 12: all shades would
    then lie in the darkest sixteenth. A table that reaches exactly the top of a narrower width, or
    less than a quarter of the declared range, has the narrower one.
    """
    real = largest.bit_length()
    is_narrower = real <= declared - 2 or largest == 2**real - 1
    return real if real > declared or (0 < real < declared and is_narrower) else declared
