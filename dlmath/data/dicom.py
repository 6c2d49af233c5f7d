"""Recognise DICOM files, and read their patient by pydicom, an extra."""

import importlib.util
import re
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from ..errors import DataError

if TYPE_CHECKING:
    from pydicom import Dataset

ENDINGS = (".dcm", ".dicom")

_MARK_AT, _MARK = 128, b"DICM"
# Elements of group 8 with which data sets begin: group length, length to end, character set, kind
# of image, date, class and number of the object.
_FIRST_OF_8 = (0x00, 0x01, 0x05, 0x08, 0x12, 0x13, 0x14, 0x16, 0x18)
_TYPES = (b"UL", b"CS", b"DA", b"TM", b"UI", b"OB")
_LONGEST = 256  # bytes of the first element
# What stands in the place of a patient who was removed.
_REMOVED = re.compile(
    r"anon\w*|unknown|none|null|n/?a|removed|redacted|de-?identified\w*|patient", re.IGNORECASE
)
_FILLED = re.compile(r"[\W_0xX]*")  # what the tag is overwritten with


def has_pydicom() -> bool:
    """Return whether pydicom is installed."""
    return importlib.util.find_spec("pydicom") is not None


def is_dicom(head: bytes) -> bool:
    """Return whether a file begins as DICOM does, with its preamble or without.

    Args:
        head: The first 132 bytes, or more.
    """
    return head[_MARK_AT : _MARK_AT + len(_MARK)] == _MARK or _begins_with_elements(head)


def _begins_with_elements(head: bytes) -> bool:
    """Return whether data elements begin at the first byte: the file lacks preamble and mark.

    The first element is one with which a data set can begin: of group 2, or early in group 8; and
    its length, or its type and its length, are such as these elements have.
    """
    group, element = head[:2], int.from_bytes(head[2:4], "little")
    if len(head) < _MARK_AT or not (
        (group == b"\x08\0" and element in _FIRST_OF_8) or (group == b"\x02\0" and element <= 2)
    ):
        return False
    if head[4:6] in _TYPES:
        return int.from_bytes(head[6:8], "little") <= _LONGEST
    return int.from_bytes(head[4:8], "little") <= _LONGEST


def is_dicom_file(path: Path) -> bool:
    """Return whether the first bytes of a file are those of DICOM, whatever its name."""
    try:
        if not path.is_file():
            return False
        with path.open("rb") as file:
            return is_dicom(file.read(_MARK_AT + len(_MARK)))
    except OSError:
        return False


def require_pydicom() -> None:
    """Check that pydicom is installed.

    Raises:
        DataError: How to install it.
    """
    if not has_pydicom():
        raise DataError(
            "Reading DICOM files needs pydicom. Install it with: pip install 'dlmath[dicom]'. Or "
            "convert the files to 8-bit PNG."
        )


def read_dataset(source: "Path | BinaryIO", **options: Any) -> "Dataset":
    """Read a file that `is_dicom` by pydicom, also where its preamble and file meta are missing.

    Args:
        source: The path, or the file.
        options: Of `pydicom.dcmread`.
    """
    # pydicom warns of each odd value in any attribute. What matters here is refused by name.
    warnings.filterwarnings("ignore", category=UserWarning, module=r"pydicom\b")
    import pydicom
    from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

    dataset = pydicom.dcmread(source, force=True, **options)
    if "TransferSyntaxUID" not in dataset.file_meta:
        is_implicit = dataset.original_encoding[0]
        syntax = ImplicitVRLittleEndian if is_implicit else ExplicitVRLittleEndian
        dataset.file_meta.TransferSyntaxUID = syntax
    return dataset


def patient_of_file(path: Path) -> str | None:
    """Return the PatientID of a DICOM file; None if it is blank, removed or unreadable."""
    require_pydicom()
    if not is_dicom_file(path):
        return None
    try:
        header = read_dataset(path, stop_before_pixels=True, specific_tags=["PatientID"])
        patient = str(header.get("PatientID") or "").strip()
    # Each part of a damaged file fails by an exception of its own. Its pixels tell the user.
    except Exception:
        return None
    return None if _FILLED.fullmatch(patient) or is_removed(patient) else patient


def is_removed(patient: str) -> bool:
    """Return whether the name of a patient says that there is none any more: anonymous, removed."""
    return _REMOVED.fullmatch(patient) is not None
