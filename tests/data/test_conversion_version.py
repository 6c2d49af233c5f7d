"""What is cached of an image is found again only while files are read by the same rules."""

import pytest

from dlmath.data import conversion_version
from dlmath.data.conversion_version import reading_version, rule_sources, without_comments
from dlmath.data.specification import SPECIFICATION


@pytest.fixture
def version_of(tmp_path, monkeypatch):
    """Return the version where a module of the rules has another source."""
    for name, source in rule_sources().items():
        (tmp_path / f"{name}.py").write_text(source)
    monkeypatch.setattr(conversion_version, "_HERE", tmp_path)

    def version(name, change):
        path = tmp_path / f"{name}.py"
        path.write_text(change(path.read_text()))
        return reading_version.__wrapped__()

    return version


def test_every_module_that_makes_a_png_of_a_file_is_a_rule():
    assert {"conversion", "dicom_pixels", "dicom_levels", "dicom_lookup"} <= rule_sources().keys()
    assert "images" not in rule_sources()  # the reader of JPEG and PNG follows the specification
    assert reading_version().startswith(f"{SPECIFICATION} ")


@pytest.mark.parametrize("name", ["conversion", "dicom_pixels", "dicom_levels", "dicom_lookup"])
def test_another_rule_is_another_version(version_of, name):
    assert version_of(name, str) == reading_version()
    assert version_of(name, lambda source: source + "\nLEVELS = 7\n") != reading_version()


def test_a_comment_is_no_rule(version_of):
    assert version_of("conversion", lambda source: f"# Why.\n{source}\n\n") == reading_version()
    assert without_comments('"""Why."""\nx = 1  # one') == without_comments('"""How."""\nx = (1)')
    assert without_comments("x = 1") != without_comments("x = 2")
