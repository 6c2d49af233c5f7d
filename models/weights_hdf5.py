"""Look through an HDF5 file of weights before anything reads it.

HDF5 can keep the values of an array in any other file, or claim an array of any size without
holding a value. Weights need neither: they are plain numbers that lie in the file.
"""

import io
import os
from pathlib import Path

import h5py

MAX_OBJECTS = 100_000
MAX_DEPTH = 64
MAX_RATIO = 100  # what an array takes in memory, to what the file stores of it
_FILTERS = frozenset({h5py.h5z.FILTER_DEFLATE, h5py.h5z.FILTER_SHUFFLE, h5py.h5z.FILTER_FLETCHER32})
_NUMBERS = "iufb"  # NumPy's kinds: whole numbers, fractions, truth values
_TEXT = "S"  # of fixed length, which older files have next to their arrays
_SMALL = 4_096  # bytes of an array that may be stored as its fill value


class Unfit(Exception):
    """Says what is in a file that no trained network holds, to be put after its name."""


def check_hdf5(file: io.BytesIO | Path) -> dict[str, tuple[int, ...] | None]:
    """Refuse a file that holds anything but arrays of numbers, all of them stored in it.

    Returns:
        The shape of each array by its name; None for one that holds nothing.

    Raises:
        Unfit: What it holds instead.
        OSError: It is no HDF5 file, or damaged.
    """
    with h5py.File(file, "r") as opened:
        seen: set[int] = set()
        shapes: dict[str, tuple[int, ...] | None] = {}
        pending = [(opened["/"], 0)]
        while pending:
            group, depth = pending.pop()
            for name in group:
                item = _linked(group, name)
                address = h5py.h5o.get_info(item.id).addr
                if address in seen:
                    raise Unfit(f"its object {item.name} has two places")
                seen.add(address)
                if depth > MAX_DEPTH or len(seen) > MAX_OBJECTS:
                    raise Unfit("its objects have no end")
                if isinstance(item, h5py.Group):
                    pending.append((item, depth + 1))
                else:
                    _check_array(item)
                    shapes[item.name] = item.shape
        return shapes


def _linked(group: h5py.Group, name: str) -> h5py.Group | h5py.Dataset:
    """Return the member of a group, which must lie in this file and at this place."""
    link = group.get(name, getlink=True)
    where = f"{group.name.rstrip('/')}/{name}"
    if not isinstance(link, h5py.HardLink):
        target = getattr(link, "filename", None) or getattr(link, "path", "")
        raise Unfit(f"its object {where} is a link to {target!r}")
    item = group[name]
    if not isinstance(item, h5py.Group | h5py.Dataset):
        raise Unfit(f"its object {where} is no array")
    return item


def _check_array(array: h5py.Dataset) -> None:
    creation = array.id.get_create_plist()
    if creation.get_external_count():
        other = os.fsdecode(creation.get_external(0)[0])
        raise Unfit(f"its array {array.name} lies in another file ({other})")
    if creation.get_layout() == h5py.h5d.VIRTUAL:
        raise Unfit(f"its array {array.name} is put together from other files")
    if array.dtype.kind not in _NUMBERS + _TEXT:
        raise Unfit(f"its array {array.name} holds no numbers but {array.dtype}")
    filters = {creation.get_filter(index)[0] for index in range(creation.get_nfilters())}
    if filters - _FILTERS:
        raise Unfit(f"its array {array.name} is packed in an unusual way")
    if array.shape is None:  # an array of nothing
        return
    stored, needed = array.id.get_storage_size(), array.size * array.dtype.itemsize
    if needed > _SMALL and needed > stored * (MAX_RATIO if filters else 1):
        raise Unfit(
            f"its array {array.name} of shape {array.shape} would take {needed:,} bytes, "
            f"and the file stores {stored:,}"
        )
