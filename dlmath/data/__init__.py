"""Images on disk, their split by patient, and the batches made of them.

Names are loaded on first use: reading folders needs no TensorFlow, decoding and batches do.
"""

from typing import TYPE_CHECKING

from dlmath._lazy import lazy_names

__all__ = [
    "Dataset",
    "Folds",
    "ImageRecord",
    "Pixels",
    "Split",
    "check_image",
    "data_hash",
    "decode_and_resize",
    "evaluation_batches",
    "find_data",
    "load_pixels",
    "read_sources",
    "read_split",
    "split_examples",
    "split_folds",
    "split_hash",
    "training_batches",
    "write_contact_sheet",
    "write_phantoms",
    "write_split",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "Folds": "dlmath.data.folds",
        "split_folds": "dlmath.data.folds",
        "check_image": "dlmath.data.image_headers",
        "decode_and_resize": "dlmath.data.image_graph",
        "find_data": "dlmath.data.locate",
        "write_phantoms": "dlmath.data.phantom",
        "evaluation_batches": "dlmath.data.pipeline",
        "training_batches": "dlmath.data.pipeline",
        "Pixels": "dlmath.data.pixels",
        "load_pixels": "dlmath.data.pixels",
        "write_contact_sheet": "dlmath.data.contact_sheet",
        "Dataset": "dlmath.data.sources",
        "ImageRecord": "dlmath.data.sources",
        "data_hash": "dlmath.data.sources",
        "read_sources": "dlmath.data.sources",
        "Split": "dlmath.data.splits",
        "read_split": "dlmath.data.splits",
        "split_examples": "dlmath.data.splits",
        "split_hash": "dlmath.data.splits",
        "write_split": "dlmath.data.splits",
    },
)

if TYPE_CHECKING:
    from dlmath.data.contact_sheet import write_contact_sheet
    from dlmath.data.folds import Folds, split_folds
    from dlmath.data.image_graph import decode_and_resize
    from dlmath.data.image_headers import check_image
    from dlmath.data.locate import find_data
    from dlmath.data.phantom import write_phantoms
    from dlmath.data.pipeline import evaluation_batches, training_batches
    from dlmath.data.pixels import Pixels, load_pixels
    from dlmath.data.sources import Dataset, ImageRecord, data_hash, read_sources
    from dlmath.data.splits import Split, read_split, split_examples, split_hash, write_split
