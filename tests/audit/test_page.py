import pytest

from dlmath.audit import Audit, Finding, write_page
from dlmath.audit.page import FILES_LISTED, GROUPS_SHOWN, audit_page
from dlmath.data.sources import read_sources
from dlmath.errors import UserError


@pytest.fixture
def audit(write_images, tmp_path):
    names = [f"{label}/{number}.png" for label in ("ill", "well") for number in range(4)]
    dataset = read_sources([write_images(tmp_path / "own", names)])
    findings = (
        Finding(
            kind="identical-across-splits",
            severity="error",
            message="Two are <one>.",
            advice="Remove one.",
            groups=(("ill/0.png", "well/0.png"), ("ill/1.png", "absent.png")),
        ),
        Finding(kind="class-balance", severity="note", message="4 and 4."),
    )
    return Audit(dataset.sources, dataset.examples, dataset.classes, findings)


def test_the_files_of_a_finding_are_shown_side_by_side(audit):
    page = audit_page(audit)
    assert page.count("data:image/jpeg;base64,") == 3
    assert page.count('class="group"') == 2
    assert "absent.png" in page  # without a picture, since there is none
    assert "Two are &lt;one&gt;." in page
    assert "Remove one." in page
    assert "http" not in page


def test_long_findings_are_cut_and_say_so(audit):
    files = tuple((f"ill/{number}.png",) for number in range(FILES_LISTED + 7))
    long = Finding(kind="many", severity="warning", message="Many.", groups=files)
    page = audit_page(audit.with_findings([long]))
    assert page.count('class="group"') == 2 + GROUPS_SHOWN
    assert "and 7 more" in page


def test_figures_that_come_as_rows_are_a_table(audit):
    rows = [{"name": "file size", "auc": 0.98765, "low": None}, {"name": "width", "auc": 0.5}]
    rows[1]["low"] = 0.25
    found = Finding(
        kind="shortcut", severity="note", message="", figures={"together": rows, "n": 3}
    )
    page = audit_page(audit.with_findings([found]))
    assert '<td class="number">0.988</td>' in page
    assert "figures: together" in page
    assert "figures: n" not in page


def test_a_place_that_cannot_be_written_is_one_message(audit, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="Pass another place with --html"):
        write_page(audit, tmp_path / "file" / "audit.html")


def test_drawn_images_are_called_drawn(audit):
    drawn = Audit(audit.sources, audit.examples, audit.classes, (), phantom=True)
    assert "Drawn, not real" in audit_page(drawn)
    assert "Drawn, not real" not in audit_page(audit)
