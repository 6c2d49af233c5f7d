import io
import sys
import warnings
from pathlib import Path

import numpy as np
import pydicom
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from PIL import Image
from pydicom.pixels.processing import apply_windowing
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEGLSLossless,
    RLELossless,
)

from dlmath.data import images
from dlmath.data.dicom import is_dicom, is_dicom_file, patient_of_file
from dlmath.data.dicom_pixels import to_png, window
from dlmath.data.image_headers import BadImage, check_image
from dlmath.errors import DataError

RAMP = np.arange(4096, dtype=np.uint16).reshape(64, 64)


def decoded(path):
    data = to_png(path.read_bytes(), "x")
    check_image(data, "x")
    image = Image.open(io.BytesIO(data))
    assert image.mode == "L"
    return np.asarray(image)


def test_eight_bits_without_a_window_stay_as_they_are(write_dicom, tmp_path):
    pixels = (RAMP % 250).astype(np.uint8)
    assert (decoded(write_dicom(tmp_path / "a.dcm", pixels)) == pixels).all()


def test_more_bits_without_a_window_are_stretched(write_dicom, tmp_path):
    shades = decoded(write_dicom(tmp_path / "a.dcm", RAMP + 500, BitsStored=14, HighBit=13))
    assert shades.ravel()[0] == 0
    assert shades.ravel()[-1] == 255
    assert (np.diff(shades.ravel().astype(int)) >= 0).all()


def test_a_blank_picture_is_black(write_dicom, tmp_path):
    assert decoded(write_dicom(tmp_path / "a.dcm", np.full((8, 8), 700, np.uint16))).max() == 0


def test_the_window_is_in_the_unit_of_the_modality(write_dicom, tmp_path):
    """Hounsfield units of a lung window: -1350 is black, 150 white."""
    values = np.array([[-2000, -1350, -600, 150, 3000]], np.int16)
    path = write_dicom(
        tmp_path / "ct.dcm",
        (values + 1024) // 2,
        RescaleSlope=2,
        RescaleIntercept=-1024,
        WindowCenter=-600,
        WindowWidth=1500,
    )
    assert decoded(path).tolist() == [[0, 0, 128, 255, 255]]


@pytest.mark.parametrize(
    "place", ["SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"]
)
def test_an_enhanced_file_of_one_frame_has_its_window_in_a_functional_group(
    write_dicom, tmp_path, place
):
    unit, window_, group = (pydicom.Dataset() for _ in range(3))
    unit.RescaleSlope, unit.RescaleIntercept = 2, -1024
    window_.WindowCenter, window_.WindowWidth = -600, 1500
    group.PixelValueTransformationSequence, group.FrameVOILUTSequence = [unit], [window_]
    values = (np.array([[-2000, -1350, -600, 150, 3000]], np.int16) + 1024) // 2
    path = write_dicom(tmp_path / "ct.dcm", values, NumberOfFrames=1, **{place: [group]})
    assert decoded(path).tolist() == [[0, 0, 128, 255, 255]]


def test_of_several_windows_the_first_is_taken(write_dicom, tmp_path):
    several = {"WindowCenter": [1000, 2000], "WindowWidth": [500, 50]}
    one = {"WindowCenter": 1000, "WindowWidth": 500}
    first = decoded(write_dicom(tmp_path / "a.dcm", RAMP, **several))
    assert (first == decoded(write_dicom(tmp_path / "b.dcm", RAMP, **one))).all()


def test_monochrome1_shows_the_same_film(write_dicom, tmp_path):
    """The same film, stored with its least value white: the values and the window are mirrored."""
    # LINEAR windows lie half a value to the left, so that their mirror is a value further on.
    straight = {"WindowCenter": 1000, "WindowWidth": 1201}
    mirrored = {"WindowCenter": 4096 - 1000, "WindowWidth": 1201}
    path = write_dicom(tmp_path / "a.dcm", RAMP, **straight)
    inverse = write_dicom(
        tmp_path / "b.dcm", 4095 - RAMP, PhotometricInterpretation="MONOCHROME1", **mirrored
    )
    assert np.abs(decoded(path).astype(int) - decoded(inverse)).max() <= 1  # ties in rounding
    assert decoded(path).ravel()[0] == 0


def test_monochrome1_is_turned_round_after_the_window(write_dicom, tmp_path):
    inverse = {"PhotometricInterpretation": "MONOCHROME1", "WindowCenter": 100, "WindowWidth": 101}
    shades = decoded(write_dicom(tmp_path / "a.dcm", RAMP, **inverse)).ravel()
    assert shades[0] == 255  # below the window: white
    assert shades[-1] == 0


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_eight_bits_of_both_kinds(write_dicom, tmp_path, photometric):
    pixels = (RAMP % 256).astype(np.uint8)
    path = write_dicom(tmp_path / "a.dcm", pixels, PhotometricInterpretation=photometric)
    assert (decoded(path) == (pixels if photometric == "MONOCHROME2" else 255 - pixels)).all()


def test_a_table_wins_over_a_window(write_dicom, tmp_path):
    table = pydicom.Dataset()
    table.LUTDescriptor = [4096, 0, 10]
    table.LUTData = (np.arange(4096) // 4).astype(np.uint16).tobytes()
    path = write_dicom(
        tmp_path / "a.dcm", RAMP, VOILUTSequence=[table], WindowCenter=10, WindowWidth=10
    )
    assert (decoded(path) == np.rint(RAMP // 4 / 1023 * 255)).all()


@pytest.mark.parametrize(
    ("keyword", "value"),
    [
        ("RescaleSlope", "1,5"),
        ("RescaleSlope", "nan"),
        ("RescaleIntercept", "none"),
        ("WindowCenter", "40 HU"),
        ("WindowWidth", "inf"),
    ],
)
def test_an_attribute_that_is_no_number_is_named(write_dicom, tmp_path, keyword, value):
    path = write_dicom(tmp_path / "a.dcm", RAMP, **{keyword: "7" * len(value)})
    data = path.read_bytes().replace(b"7" * len(value), value.encode())
    with pytest.raises(BadImage, match=rf"its {keyword} must be a .*number. Received: .*{value}"):
        to_png(data, "a.dcm")


def test_pydicom_does_not_warn_of_what_does_not_matter(write_dicom, tmp_path):
    """Warnings are errors in tests; on a terminal each film would bring its own."""
    path = write_dicom(tmp_path / "a.dcm", (RAMP % 250).astype(np.uint8), StudyDate="20200101")
    data = path.read_bytes().replace(b"20200101", b"1.1.2020")
    path.write_bytes(data.replace(b"P1", b"P\x01"))
    assert (decoded(path) == RAMP % 250).all()
    assert patient_of_file(path) is not None


def test_eight_bits_are_eight_bits_however_they_are_stored(write_dicom, tmp_path):
    """In words of 16 bits too, and with a slope and an intercept that change nothing."""
    pixels = (RAMP % 200 + 20).astype(np.uint8)
    identity = {"RescaleSlope": 1, "RescaleIntercept": 0}
    assert (decoded(write_dicom(tmp_path / "a.dcm", pixels, **identity)) == pixels).all()
    words = write_dicom(tmp_path / "b.dcm", pixels.astype(np.uint16), BitsStored=8, HighBit=7)
    assert (decoded(words) == pixels).all()


def test_padding_is_black_and_sets_no_range(write_dicom, tmp_path):
    film = RAMP.astype(np.int16)
    film[:8] = -32768
    path = write_dicom(tmp_path / "a.dcm", film, PixelPaddingValue=-32768)
    expected = np.rint(255 * (film - 512.0) / (4095 - 512)).clip(0)
    assert (decoded(path) == expected).all()


def test_a_padding_value_may_be_written_with_the_other_sign(write_dicom, tmp_path):
    film = RAMP.astype(np.int16)
    film[:8] = -2000
    path = write_dicom(tmp_path / "a.dcm", film, PixelPaddingValue=-2000)
    right = decoded(path)
    dataset = pydicom.dcmread(path)
    del dataset.PixelPaddingValue
    dataset.add_new("PixelPaddingValue", "US", 63536)
    dataset.save_as(path)
    assert (decoded(path) == right).all()


def test_padding_of_monochrome1_is_black_too(write_dicom, tmp_path):
    film = RAMP + 100
    film[:8] = 0
    inverse = {"PhotometricInterpretation": "MONOCHROME1", "PixelPaddingValue": 0}
    shades = decoded(write_dicom(tmp_path / "a.dcm", film, **inverse))
    assert shades[:8].max() == 0
    assert shades[8, 0] == 255


def test_nothing_but_padding_is_black(write_dicom, tmp_path):
    film = np.full((8, 8), 9, np.uint16)
    assert decoded(write_dicom(tmp_path / "a.dcm", film, PixelPaddingValue=9)).max() == 0


def test_values_in_the_upper_bits_are_read_by_the_high_bit(write_dicom, tmp_path):
    window = {"WindowCenter": 2048, "WindowWidth": 4096, "BitsStored": 12}
    low = decoded(write_dicom(tmp_path / "a.dcm", RAMP, HighBit=11, **window))
    assert (decoded(write_dicom(tmp_path / "b.dcm", RAMP << 4, HighBit=15, **window)) == low).all()
    assert (decoded(write_dicom(tmp_path / "c.dcm", RAMP << 2, HighBit=13, **window)) == low).all()
    # Here the high bit is wrong: the lowest bits are used.
    assert (decoded(write_dicom(tmp_path / "d.dcm", RAMP, HighBit=15, **window)) == low).all()


def test_floating_point_pixels_without_a_number_are_padding(write_dicom, tmp_path):
    path = write_dicom(tmp_path / "a.dcm", RAMP.astype(np.uint8))
    dataset = pydicom.dcmread(path)
    for keyword in ("PixelData", "BitsStored", "HighBit", "PixelRepresentation"):
        delattr(dataset, keyword)
    film = RAMP.astype(np.float32) / 4095
    film[0] = np.nan
    dataset.BitsAllocated, dataset.FloatPixelData = 32, film.tobytes()
    dataset.save_as(path)
    shades = decoded(path)
    assert shades[0].max() == 0
    assert shades[-1, -1] == 255


@pytest.mark.parametrize("is_implicit", [True, False])
def test_a_file_without_a_preamble_is_the_same_picture(write_dicom, tmp_path, is_implicit):
    path = write_dicom(tmp_path / "a.dcm", (RAMP % 250).astype(np.uint8))
    dataset = pydicom.dcmread(path)
    if is_implicit:
        dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    dataset.save_as(path)
    bare = path.read_bytes()
    path.with_suffix("").write_bytes(bare[bare.index(b"\x08\0\x16\0") :])
    assert (decoded(path.with_suffix("")) == RAMP % 250).all()
    assert is_dicom_file(path.with_suffix(""))
    assert patient_of_file(path.with_suffix("")) == "P1"


@given(st.binary(max_size=200))
@example(b"\x89PNG\r\n\x1a\n" + bytes(150))
@example(b"\xff\xd8\xff" + bytes(150))
@example(bytes(200))
@example(b"\x08\0" * 100)
def test_what_begins_otherwise_is_no_dicom_file(data):
    assert not is_dicom(data)


@given(
    center=st.floats(-500, 4500),
    width=st.floats(1, 5000),
    function=st.sampled_from(["LINEAR", "LINEAR_EXACT", "SIGMOID"]),
)
def test_windows_are_those_of_pydicom(center, width, function):
    """pydicom's windows are between the least and the greatest value of the stored bits."""
    dataset = pydicom.Dataset()
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.BitsStored, dataset.PixelRepresentation = 12, 0
    # A decimal string has 16 characters.
    center, width = float(f"{center:.6f}"), float(f"{width:.6f}")
    dataset.WindowCenter, dataset.WindowWidth = f"{center:.6f}", f"{width:.6f}"
    dataset.VOILUTFunction = function
    with np.errstate(divide="ignore", over="ignore"):
        expected = apply_windowing(RAMP, dataset) / 4095
    np.testing.assert_allclose(window(RAMP, center, width, function), expected, atol=1e-9)


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ({"NumberOfFrames": 2}, "must hold one picture.*2 frames"),
        ({"PhotometricInterpretation": "RGB", "SamplesPerPixel": 3}, "only grey.*Received: RGB"),
        ({"PhotometricInterpretation": "PALETTE COLOR"}, "only grey.*PALETTE COLOR"),
        ({"Rows": 30_000, "Columns": 30_000}, "Received: 30000 x 30000"),
        ({"Rows": 0}, "1 to 100 million pixels"),
        ({"Rows": 9}, "cannot be decoded"),
        ({"WindowCenter": 5, "WindowWidth": 0}, "must have a width. Received: 0"),
        (
            {"WindowCenter": 5, "WindowWidth": 9, "VOILUTFunction": "CUBIC"},
            "its VOILUTFunction is none of the standard. Received: CUBIC",
        ),
        ({"RescaleSlope": 0, "RescaleIntercept": 1}, "its RescaleSlope must not be 0"),
    ],
)
def test_what_is_no_single_grey_picture_is_refused(write_dicom, tmp_path, attributes, message):
    path = write_dicom(tmp_path / "a.dcm", np.zeros((2, 8, 8), np.uint8)[:1], **attributes)
    with pytest.raises(BadImage, match=rf"^the file: .*{message}"):
        to_png(path.read_bytes(), "the file")


def test_a_report_holds_no_picture(write_dicom, tmp_path):
    path = write_dicom(tmp_path / "a.dcm", np.zeros((8, 8), np.uint8))
    dataset = pydicom.dcmread(path)
    del dataset.PixelData
    dataset.save_as(path)
    with pytest.raises(BadImage, match="holds no picture"):
        to_png(path.read_bytes(), "a.dcm")


def test_a_compression_without_a_decoder_names_what_to_install(write_dicom, tmp_path):
    path = write_dicom(tmp_path / "a.dcm", np.zeros((8, 8), np.uint8))
    data = path.read_bytes()
    plain = pydicom.dcmread(path).file_meta.TransferSyntaxUID.encode()
    # As long as the plain one, so that every length in the file stays right.
    other = JPEGLSLossless.encode().ljust(len(plain), b"\0")
    dataset = pydicom.dcmread(io.BytesIO(data))
    dataset.file_meta.TransferSyntaxUID = other.rstrip(b"\0").decode()
    dataset.PixelData = pydicom.encaps.encapsulate([b"no codestream"])
    dataset["PixelData"].VR = "OB"
    dataset.save_as(path)
    with pytest.raises(BadImage, match=r"no decoder is installed .*JPEG-LS.*pylibjpeg"):
        to_png(path.read_bytes(), "a.dcm")


def test_a_compression_that_can_be_read_changes_nothing(write_dicom, tmp_path):
    pixels = (RAMP % 200).astype(np.uint8)
    path = write_dicom(tmp_path / "a.dcm", pixels)
    dataset = pydicom.dcmread(path)
    dataset.compress(RLELossless)
    dataset.save_as(tmp_path / "rle.dcm")
    assert (decoded(tmp_path / "rle.dcm") == pixels).all()


def test_a_deflated_file_is_not_inflated(write_dicom, tmp_path):
    """It could hold any amount of zeros."""
    path = write_dicom(tmp_path / "a.dcm", np.zeros((8, 8), np.uint8))
    dataset = pydicom.dcmread(path)
    dataset.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    dataset.save_as(path)
    with pytest.raises(BadImage, match="deflated"):
        to_png(path.read_bytes(), "a.dcm")


def test_without_the_extra_the_message_names_it(write_dicom, tmp_path, monkeypatch):
    path = write_dicom(tmp_path / "a.dcm", np.zeros((8, 8), np.uint8))
    monkeypatch.setitem(sys.modules, "pydicom", None)
    with pytest.raises(DataError, match=r"^scan: .*pip install 'dlmath\[dicom\]'"):
        images.read(path, "scan", 8)


def test_the_one_reader_reads_it_by_its_first_bytes(write_dicom, tmp_path):
    pixels = (RAMP % 250).astype(np.uint8)
    path = write_dicom(tmp_path / "IM000001", pixels)
    assert (images.read(path, "scan", 64) == pixels[:, :, np.newaxis]).all()


@pytest.mark.parametrize("cut", range(0, 900, 37))
def test_a_file_broken_off_anywhere_is_one_message(write_dicom, tmp_path, cut):
    path = write_dicom(tmp_path / "a.dcm", (RAMP[:16, :16] % 250).astype(np.uint8))
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) - 1 - cut])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydicom says more than its errors do
        with pytest.raises(DataError, match=r"^scan: "):
            images.read(path, "scan", 8)


def test_every_file_that_comes_with_pydicom_is_a_picture_or_one_message():
    folder = Path(pydicom.__file__).parent / "data" / "test_files"
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    assert len(files) > 100
    said, shown = [], {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for path in files:
            try:
                image = images.read(path, path.name, 32)
            except DataError as error:
                said.append(str(error).startswith(f"{path.name}: "))
            else:
                shown[path.name] = image.shape
    assert {"CT_small.dcm", "MR_small.dcm", "MR_small_RLE.dcm", "JPEG2000.dcm"} <= set(shown)
    assert set(shown.values()) == {(32, 32, 3)}
    assert all(said)
