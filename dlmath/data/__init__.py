"""Images on disk, their split by patient, and the batches made of them.

Names are loaded on first use: reading folders needs no TensorFlow, decoding and batches do.
"""

import importlib
from typing import TYPE_CHECKING, Any

# Where each public name lives.
_HOMES = {
    "Catalogue": "dlmath.data.sources",
    "Example": "dlmath.data.sources",
    "data_hash": "dlmath.data.sources",
    "read_sources": "dlmath.data.sources",
    "find_data": "dlmath.data.locate",
    "Split": "dlmath.data.splits",
    "read_split": "dlmath.data.splits",
    "split_examples": "dlmath.data.splits",
    "split_hash": "dlmath.data.splits",
    "write_split": "dlmath.data.splits",
}

__all__ = [
    "Catalogue",
    "Example",
    "Split",
    "data_hash",
    "find_data",
    "read_sources",
    "read_split",
    "split_examples",
    "split_hash",
    "write_split",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'dlmath.data' has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])


if TYPE_CHECKING:
    from dlmath.data.locate import find_data
    from dlmath.data.sources import Catalogue, Example, data_hash, read_sources
    from dlmath.data.splits import Split, read_split, split_examples, split_hash, write_split
