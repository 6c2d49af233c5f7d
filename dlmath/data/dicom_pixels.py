"""The picture in a DICOM file: grey, 8 bits, through the window that the file names.

What becomes of the stored values (PS3.3, sections C.7.6.3, C.11.1 and C.11.2):

1. The modality LUT, or slope and intercept, gives the values their unit.
2. The VOI LUT, or else the first window, gives shades from 0 to 1. Without either, 8-bit values
   are taken as they are, and others from the least to the greatest of the picture.
3. MONOCHROME1 means that the least value is white, so its shades are turned round, after 2.
4. Shades are rounded to 0 ... 255 and become a grey PNG, which all that follows can read.

Source: NEMA PS3.3 (DICOM, Information Object Definitions). pydicom reads the files: an extra.
"""

import io
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from .dicom import has_pydicom
from .image_headers import PIXEL_LIMIT, BadImage

if TYPE_CHECKING:
    from pydicom import Dataset

_DEFLATED = b"1.2.840.10008.1.2.1.99"  # a transfer syntax that could unpack to any size


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
        shades = _shades(_read(data, name, pixel_limit), name)
    except BadImage:
        raise
    except Exception as error:  # pydicom and its decoders fail in many ways
        raise BadImage(
            f"{name}: a DICOM file that cannot be decoded ({_in_one_line(error)})", "damaged"
        ) from error
    picture = io.BytesIO()
    # Little compression: it is decoded again at once.
    Image.fromarray(np.rint(255 * shades).astype(np.uint8)).save(picture, "PNG", compress_level=1)
    return picture.getvalue()


def _read(data: bytes, name: str, pixel_limit: int) -> "Dataset":
    import pydicom

    if _DEFLATED in data[:2048]:
        raise _unread(name, "its data set is deflated; inflate it, for example by dcmconv")
    dataset = pydicom.dcmread(io.BytesIO(data))
    _check_picture(dataset, name, pixel_limit)
    _check_decoder(dataset, name)
    return dataset


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


def _shades(dataset: "Dataset", name: str) -> np.ndarray:
    """Return the picture from 0, black, to 1, white: float64 (rows, columns)."""
    from pydicom.pixels.processing import apply_modality_lut, apply_voi

    values = apply_modality_lut(dataset.pixel_array, dataset)
    if dataset.get("VOILUTSequence"):
        table = dataset.VOILUTSequence[0].LUTDescriptor
        shades = apply_voi(np.rint(values).astype(np.int64), dataset) / (2.0 ** table[2] - 1)
    elif dataset.get("WindowCenter") is not None and dataset.get("WindowWidth") is not None:
        center, width = _first(dataset.WindowCenter), _first(dataset.WindowWidth)
        function = str(dataset.get("VOILUTFunction") or "LINEAR")
        if not (width >= 1 or (width > 0 and function != "LINEAR")):
            raise _unread(name, f"its window must have a width. Received: {width:g}")
        shades = window(values, center, width, function)
    else:
        shades = _without_window(values, dataset)
    return 1 - shades if dataset.PhotometricInterpretation == "MONOCHROME1" else shades


def window(values: np.ndarray, center: float, width: float, function: str = "LINEAR") -> np.ndarray:
    """Return shades from 0 to 1 through a window (PS3.3, section C.11.2.1.2).

    Args:
        values: After the modality LUT, of any shape.
        center: In the unit of the values.
        width: Likewise; at least 1 for LINEAR, above 0 for the others.
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


def _without_window(values: np.ndarray, dataset: "Dataset") -> np.ndarray:
    if values.dtype == np.uint8 and dataset.BitsStored == 8:
        return values / 255
    low, high = float(values.min()), float(values.max())
    return (values - low) / (high - low) if high > low else np.zeros(values.shape)


def _first(value: Any) -> float:
    """Return the first of a window's alternatives, which may be one number or several."""
    return float(value[0] if hasattr(value, "__len__") else value)


def _unread(name: str, why: str) -> BadImage:
    return BadImage(f"{name}: a DICOM file, but {why}", "unreadable")


def _in_one_line(error: Exception) -> str:
    return " ".join((str(error) or type(error).__name__).split())[:300]
