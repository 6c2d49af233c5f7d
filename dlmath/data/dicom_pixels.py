"""The picture in a DICOM file: grey, 8 bits, through the window that the file names.

What becomes of the stored values (PS3.3, sections C.7.5.1.1.2, C.7.6.3, C.11.1 and C.11.2):

1. The modality LUT, or slope and intercept, gives the values their unit; a blank slope is 1, a
   blank intercept 0.
2. The VOI LUT, or else the first window that has two numbers, gives shades from 0 to 1. Without
   either, unsigned values of 8 bits are taken as they are, and others from the least to the
   greatest of the picture.
3. MONOCHROME1 means that the least value is white, so its shades are turned round, after 2.
4. Padding, which the file marks by PixelPaddingValue, is black and counts for nothing in 2.
5. Shades are rounded to 0 ... 255 and become a grey PNG, which all that follows can read. It says
   how many grey levels the film had and how many are left; see `GreyLevels`.

Source: NEMA PS3.3 (DICOM, Information Object Definitions). pydicom reads the files: an extra.
"""

import io
from collections.abc import Sequence
from math import isfinite
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from PIL import Image

from .dicom import has_pydicom, read_dataset
from .dicom_levels import GreyLevels, count_levels
from .dicom_lookup import LookupTable
from .image_headers import PIXEL_LIMIT, BadImage

if TYPE_CHECKING:
    from pydicom import Dataset

_DEFLATED = b"1.2.840.10008.1.2.1.99"  # a transfer syntax that could unpack to any size
_FUNCTIONS = ("LINEAR", "LINEAR_EXACT", "SIGMOID")


class Values(NamedTuple):
    """Values in a unit, and the least and the greatest that the file has room for."""

    array: np.ndarray
    low: float
    high: float


def to_png(data: bytes, name: str, pixel_limit: int = PIXEL_LIMIT) -> bytes:
    """Turn a DICOM file into an 8-bit grey PNG.

    Args:
        data: The whole file, which `is_dicom`.
        name: What errors call the file.
        pixel_limit: The largest number of rows times columns.

    Raises:
        BadImage: It is no single grey picture, its compression cannot be read, or it is damaged.
    """
    if not has_pydicom():
        raise BadImage(
            f"{name}: a DICOM file, for which pydicom is missing: pip install 'dlmath[dicom]'",
            "missing-reader",
        )
    try:
        picture, levels = _picture(_read(data, name, pixel_limit), name)
    except BadImage:
        raise
    except Exception as error:  # pydicom and its decoders fail in many ways
        raise BadImage(
            f"{name}: a DICOM file that cannot be decoded ({_in_one_line(error)})", "damaged"
        ) from error
    content = io.BytesIO()
    # Little compression: it is decoded again at once.
    Image.fromarray(picture).save(content, "PNG", compress_level=1, pnginfo=levels.as_png_text())
    return content.getvalue()


def _read(data: bytes, name: str, pixel_limit: int) -> "Dataset":
    if _DEFLATED in data[:2048]:
        raise _unread(name, "its data set is deflated; inflate it, for example by dcmconv")
    dataset = read_dataset(io.BytesIO(data))
    _check_picture(dataset, name, pixel_limit)
    _check_decoder(dataset, name)
    _lift_frame_attributes(dataset)
    return dataset


def _lift_frame_attributes(dataset: "Dataset") -> None:
    """Copy slope, intercept and window of an enhanced file from its functional groups.

    Of a single frame they are those of the picture (PS3.3, C.7.6.16.2.9 and C.7.6.16.2.10).
    """
    for groups in ("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"):
        for macro in ("PixelValueTransformationSequence", "FrameVOILUTSequence"):
            for item in (dataset.get(groups) or [{}])[0].get(macro) or ():
                for element in item:
                    if element.keyword not in dataset:
                        dataset.add(element)


def _check_picture(dataset: "Dataset", name: str, pixel_limit: int) -> None:
    """Refuse what is not one grey picture of a sane size, before a pixel is decoded."""
    if not any(key in dataset for key in ("PixelData", "FloatPixelData", "DoubleFloatPixelData")):
        raise _unread(name, "it holds no picture")
    rows, columns = int(dataset.Rows), int(dataset.Columns)
    if not 0 < rows * columns <= pixel_limit:
        raise BadImage(
            f"{name}: an image may have 1 to {pixel_limit / 1_000_000:g} million pixels. "
            f"Received: {columns} x {rows}",
            "oversized",
        )
    if (frames := int(dataset.get("NumberOfFrames") or 1)) != 1:
        raise BadImage(
            f"{name}: a DICOM file must hold one picture; write out the frame that shows the "
            f"finding. Received: {frames} frames",
            "animated",
        )
    kind = dataset.get("PhotometricInterpretation", "nothing")
    if kind not in ("MONOCHROME1", "MONOCHROME2") or int(dataset.get("SamplesPerPixel", 1)) != 1:
        raise _unread(name, f"only grey pictures are read; convert it to PNG. Received: {kind}")


def _check_decoder(dataset: "Dataset", name: str) -> None:
    from pydicom.pixels.decoders.base import get_decoder

    syntax = dataset.file_meta.TransferSyntaxUID
    try:
        is_available = get_decoder(syntax).is_available
    except NotImplementedError:
        is_available = False
    if not is_available:
        raise _unread(
            name,
            f"no decoder is installed for its compression, {syntax.name}: pip install "
            "pylibjpeg pylibjpeg-libjpeg pylibjpeg-openjpeg, or decompress it, as by dcmdjpeg",
        )


def _picture(dataset: "Dataset", name: str) -> tuple[np.ndarray, GreyLevels]:
    """Return the picture, uint8 (rows, columns), and its grey levels before and after."""
    stored = _stored(dataset)
    inside = ~_padding(stored, dataset, name)
    shades = _shades(_in_unit(stored, dataset, name), inside, dataset, name)
    if dataset.PhotometricInterpretation == "MONOCHROME1":
        shades = 1 - shades
    picture = np.rint(255 * np.where(inside, shades, 0)).astype(np.uint8)
    return picture, GreyLevels(count_levels(stored[inside]), count_levels(picture[inside]))


def _stored(dataset: "Dataset") -> np.ndarray:
    """Return the stored values; pydicom takes the lowest bits, whatever HighBit says."""
    values: np.ndarray = dataset.pixel_array
    bits, allocated = int(dataset.get("BitsStored") or 0), 8 * values.itemsize
    unused = int(dataset.get("HighBit") or 0) + 1 - bits  # below the value
    if values.dtype.kind == "f" or not 0 < unused <= allocated - bits:
        return values
    dataset.pixel_array_options(correct_unused_bits=False)
    words: np.ndarray = dataset.pixel_array
    if (words & (2**unused - 1)).any():  # these bits are used: it is HighBit that is wrong
        return values
    return (words << (allocated - bits - unused)) >> (allocated - bits)


def _padding(stored: np.ndarray, dataset: "Dataset", name: str) -> np.ndarray:
    """Return which stored values only fill the rectangle, bool (rows, columns)."""
    if stored.dtype.kind == "f":
        value = _number(dataset, "FloatPixelPaddingValue", name)
        value = _number(dataset, "DoubleFloatPixelPaddingValue", name) if value is None else value
        return ~np.isfinite(stored) if value is None else ~np.isfinite(stored) | (stored == value)
    value = _number(dataset, "PixelPaddingValue", name)
    if value is None:
        return np.zeros(stored.shape, bool)
    limit = _number(dataset, "PixelPaddingRangeLimit", name)
    ends = [_of_sign(one, stored.dtype) for one in (value, value if limit is None else limit)]
    return (stored >= min(ends)) & (stored <= max(ends))


def _of_sign(value: float, dtype: np.dtype) -> float:
    """Return a 16-bit value that was written with the other sign than the pixels have."""
    if dtype.kind == "i" and 2**15 <= value < 2**16:
        return value - 2**16
    return value + 2**16 if dtype.kind == "u" and value < 0 else value


def _in_unit(stored: np.ndarray, dataset: "Dataset", name: str) -> Values:
    """Return the values after the modality LUT, or slope and intercept."""
    low, high = _stored_range(stored.dtype, dataset)
    if table := _table(dataset, "ModalityLUTSequence", low, name):
        return Values(table(stored), 0, table.white)
    slope = _number(dataset, "RescaleSlope", name)
    intercept = _number(dataset, "RescaleIntercept", name) or 0.0
    if slope == 0:
        raise _unread(name, "its RescaleSlope must not be 0, which makes all values equal")
    if slope in (None, 1) and intercept == 0:
        return Values(stored, low, high)
    ends = sorted((slope or 1) * end + intercept for end in (low, high))
    return Values(stored.astype(np.float64) * (slope or 1) + intercept, ends[0], ends[1])


def _stored_range(dtype: np.dtype, dataset: "Dataset") -> tuple[float, float]:
    if dtype.kind == "f":
        return -np.inf, np.inf
    bits = int(dataset.BitsStored)
    return (
        (-(2.0 ** (bits - 1)), 2.0 ** (bits - 1) - 1) if dtype.kind == "i" else (0, 2.0**bits - 1)
    )


def _shades(values: Values, inside: np.ndarray, dataset: "Dataset", name: str) -> np.ndarray:
    """Return the picture from 0, the least value, to 1: float64 (rows, columns)."""
    if table := _table(dataset, "VOILUTSequence", values.low, name):
        return table(values.array) / table.white
    if pair := _first_window(dataset, name):
        return window(values.array, *pair, _function_of(dataset, pair[1], name))
    if (values.low, values.high) == (0, 255):
        return values.array / 255
    return _stretched(values.array, inside)


def _table(dataset: "Dataset", keyword: str, lowest: float, name: str) -> LookupTable | None:
    """Return the first table of a sequence; None where there is none."""
    items = dataset.get(keyword)
    if not items or any(items[0].get(key) is None for key in ("LUTDescriptor", "LUTData")):
        return None
    try:
        is_little_endian = dataset.original_encoding[1] is not False
        return LookupTable.read(items[0], lowest, is_little_endian=is_little_endian)
    except ValueError as error:
        raise _unread(name, f"its {keyword} cannot be used: {error}") from error


def _first_window(dataset: "Dataset", name: str) -> tuple[float, float] | None:
    """Return center and width of the first window that has both; None where there is none."""
    centers = _numbers(dataset, "WindowCenter", name)
    for center, width in zip(centers, _numbers(dataset, "WindowWidth", name), strict=False):
        if center is not None and width is not None:
            return center, width
    return None


def _function_of(dataset: "Dataset", width: float, name: str) -> str:
    """Return the function of a window, which decides how wide it must be."""
    function = str(dataset.get("VOILUTFunction") or "LINEAR").strip().upper()
    if function not in _FUNCTIONS:
        raise _unread(name, f"its VOILUTFunction is none of the standard. Received: {function}")
    if not (width >= 1 or (width > 0 and function != "LINEAR")):
        raise _unread(name, f"its window must have a width. Received: {width:g}")
    return function


def window(values: np.ndarray, center: float, width: float, function: str = "LINEAR") -> np.ndarray:
    """Return shades from 0 to 1 through a window (PS3.3, section C.11.2.1.2).

    Args:
        values: After the modality LUT, of any shape.
        center: In the unit of the values.
        width: In the unit of the values; at least 1 for LINEAR, above 0 for the others.
        function: LINEAR, LINEAR_EXACT or SIGMOID.
    """
    offset = values.astype(np.float64) - center
    if function == "SIGMOID":
        # 1 / (1 + exp(-4 x / w)), written so that nothing overflows far from the centre.
        return (1 + np.tanh(2 * offset / width)) / 2
    if function == "LINEAR_EXACT":
        return np.clip(offset / width + 0.5, 0, 1)
    if width == 1:  # a step: the slope, 1 / (width - 1), is infinite
        return (offset > -0.5).astype(np.float64)
    return np.clip((offset + 0.5) / (width - 1) + 0.5, 0, 1)


def _stretched(values: np.ndarray, inside: np.ndarray) -> np.ndarray:
    if not inside.any():
        return np.zeros(values.shape)
    low, high = float(values[inside].min()), float(values[inside].max())
    if high == low:
        return np.zeros(values.shape)
    return np.clip((values - low) / (high - low), 0, 1)


def _number(dataset: "Dataset", keyword: str, name: str) -> float | None:
    """Return the first number of an attribute; None where it is not there, or blank."""
    return next(iter(_numbers(dataset, keyword, name)), None)


def _numbers(dataset: "Dataset", keyword: str, name: str) -> list[float | None]:
    """Return the numbers of an attribute, which may be one or several; None where one is blank."""
    try:
        given = dataset.get(keyword)
        several = given if isinstance(given, Sequence) and not isinstance(given, str) else [given]
        numbers = [None if one in (None, "") else float(one) for one in several]
    except (TypeError, ValueError) as error:
        given = _as_written(dataset, keyword)
        raise _unread(name, f"its {keyword} must be a number. Received: {given}") from error
    if not all(one is None or isfinite(one) for one in numbers):
        raise _unread(name, f"its {keyword} must be a finite number. Received: {numbers}")
    return numbers


def _as_written(dataset: "Dataset", keyword: str) -> str:
    written = dataset.get_item(keyword).value
    return written.decode(errors="replace").strip() if isinstance(written, bytes) else str(written)


def _unread(name: str, why: str) -> BadImage:
    return BadImage(f"{name}: a DICOM file, but {why}", "unreadable")


def _in_one_line(error: Exception) -> str:
    return " ".join((str(error) or type(error).__name__).split())[:300]
