import dataclasses

import pytest

from dlmath.audit.files import check_files
from dlmath.audit.image_stats import ImageStats
from dlmath.data.image_headers import FaultKind
from dlmath.data.sources import ImageRecord

SOUND = ImageStats(file="a.png", size=9, format="PNG", width=5, height=4, mode="L", bits=8)


def findings_on(*stats):
    examples = [ImageRecord(one.file, None, "a", None, None, "") for one in stats]
    return check_files(examples, stats)


def bad(file, fault):
    return ImageStats(file=file, size=0, fault=fault, reason=f"{file}: it is {fault}")


@pytest.mark.parametrize("fault", FaultKind.__args__)
def test_every_kind_of_fault_is_an_error_with_its_files_and_reasons(fault):
    (finding,) = findings_on(bad("a.png", fault), SOUND, bad("b.png", fault))

    assert (finding.kind, finding.severity) == (fault, "error")
    assert finding.groups == (("a.png",), ("b.png",))
    assert finding.message.startswith("Each of 2 files is ")
    assert "on_bad_file=skip" in finding.advice
    assert finding.figures["reasons"]["b.png"] == f"b.png: it is {fault}"


def test_each_kind_is_one_finding():
    findings = findings_on(bad("a.png", "empty"), bad("b.png", "cmyk"), bad("c.png", "empty"))

    assert [(one.kind, one.files) for one in findings] == [
        ("empty", ("a.png", "c.png")),
        ("cmyk", ("b.png",)),
    ]


@pytest.mark.parametrize(
    ("changes", "kind", "severity"),
    [
        ({"is_cut_short": True}, "lost-data", "error"),
        ({"is_cut_short": True, "flat_share": 0.4}, "lost-data", "error"),
        ({"flat_share": 0.4}, "flat-lower-part", "warning"),
        ({"is_blank": True}, "blank", "warning"),
        ({"is_blank": True, "is_cut_short": True}, "lost-data", "error"),
        ({"levels_lost": True}, "levels-lost", "warning"),
    ],
)
def test_what_lost_data_or_levels_is_no_note(changes, kind, severity):
    (finding,) = findings_on(SOUND, dataclasses.replace(SOUND, file="b.png", **changes))

    assert (finding.kind, finding.severity, finding.files) == (kind, severity, ("b.png",))


def test_a_dicom_file_has_no_wrong_ending():
    assert findings_on(dataclasses.replace(SOUND, file="a.dcm")) == []


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"file": "a.jpg"}, "wrong-ending"),
        ({"format": "JPEG"}, "wrong-ending"),
        ({"mode": "LA"}, "alpha"),
        ({"mode": "RGBA"}, "alpha"),
        ({"mode": "P"}, "palette"),
        ({"orientation": 6}, "rotated"),
        ({"bits": 16, "mode": "I;16"}, "more-than-8-bits"),
        ({"mode": "CMYK"}, "cmyk-converted"),
    ],
)
def test_oddities_are_notes(changes, kind):
    (finding,) = findings_on(dataclasses.replace(SOUND, **changes))

    assert (finding.kind, finding.severity, len(finding.files)) == (kind, "note", 1)
    assert finding.message.startswith("1 file is ")


@pytest.mark.parametrize(
    ("file", "format_"), [("a.JPG", "JPEG"), ("a.Jpeg", "JPEG"), ("a.PNG", "PNG"), ("a.dcm", "PNG")]
)
def test_endings_count_in_any_case(file, format_):
    assert findings_on(dataclasses.replace(SOUND, file=file, format=format_)) == []


def test_grey_next_to_colour_names_the_fewer():
    colour = [dataclasses.replace(SOUND, file=f"{n}.png", mode="RGB") for n in range(3)]

    (finding,) = findings_on(*colour, SOUND)

    assert (finding.kind, finding.files) == ("mixed-colour", ("a.png",))
    assert finding.figures == {"grey": 1, "coloured": 3}


def test_nothing_to_say():
    assert findings_on() == findings_on(SOUND) == findings_on(ImageStats(file="a", size=3)) == []


def test_facts_must_be_about_the_examples():
    with pytest.raises(ValueError, match="1 examples, stats of 0"):
        check_files([ImageRecord("a.png", None, "a", None, None, "")], [])
