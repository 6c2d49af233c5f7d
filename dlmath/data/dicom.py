"""Recognise DICOM files, and read their patient by pydicom, an extra."""

import importlib.util
import re
from pathlib import Path

from ..errors import DataError

ENDINGS = (".dcm", ".dicom")

_MARK_AT, _MARK = 128, b"DICM"
# What stands in the place of a patient who was removed.
_REMOVED = re.compile(
    r"anon\w*|unknown|none|null|n/?a|removed|redacted|de-?identified\w*|patient", re.IGNORECASE
)
_FILLED = re.compile(r"[\W_0xX]*")  # what the tag is overwritten with


def has_pydicom() -> bool:
    """Return whether pydicom is installed."""
    return importlib.util.find_spec("pydicom") is not None


def is_dicom(head: bytes) -> bool:
    """Return whether a file begins as DICOM does; `head` holds its first 132 bytes or more."""
    return head[_MARK_AT : _MARK_AT + len(_MARK)] == _MARK


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


def patient_of_file(path: Path) -> str | None:
    """Return the PatientID of a DICOM file; None if it is blank, removed or unreadable."""
    require_pydicom()
    import pydicom

    try:
        header = pydicom.dcmread(path, stop_before_pixels=True, specific_tags=["PatientID"])
        patient = str(header.get("PatientID") or "").strip()
    # Each part of a damaged file fails by an exception of its own. Its pixels tell the user.
    except Exception:
        return None
    return None if _FILLED.fullmatch(patient) or is_removed(patient) else patient


def is_removed(patient: str) -> bool:
    """Return whether the name of a patient says that there is none any more: anonymous, removed."""
    return _REMOVED.fullmatch(patient) is not None
