import pytest

from dlmath.data import conversion
from dlmath.recipe import Recipe
from dlmath.reporting import Reporter
from dlmath.runs import Run, read_json
from dlmath.training import run_audit, train
from dlmath.training.preparation import Request, prepare
from dlmath.training.run_audit import audit_prepared, warnings_of, write_audit
from tests.support.recorder import Recorder

RECIPE = Recipe(
    name="squares",
    positive_class="dark",
    patient_rules=(r"^(?P<patient>p\d+)_",),
    image_size=32,
)


@pytest.fixture
def images(draw_squares, tmp_path):
    return draw_squares(tmp_path / "squares", {"dark": 110, "bright": 150})


def audit_of(images, heard=None, recipe=RECIPE):
    reporter = heard or Reporter()
    return audit_prepared(prepare(Request(recipe, images), reporter), reporter)


def test_the_outcome_is_one_line_and_lies_in_the_run(images, tmp_path):
    heard = Recorder()
    audit = audit_of(images, heard)
    assert heard.said == ["Found 40 images: 40 PNG.", f"Audit: {audit.summary}"]
    run = Run(tmp_path / "run")
    write_audit(run, audit)
    assert read_json(run.audit_path)["images"] == 40
    assert run.report_path.with_name("audit.html").is_file()


def test_a_leak_between_the_parts_of_the_split_is_an_error(images):
    folder = images / "dark"
    copied = (folder / "p0_0.png").read_bytes()
    for patient in range(2, 20, 2):  # so many that they fall on both sides
        (folder / f"p{patient}_0.png").write_bytes(copied + b" ")  # not equal byte by byte
        copied += b" "
    audit = audit_of(images)
    kinds = [finding.kind for finding in audit.findings if finding.severity == "error"]
    assert kinds == ["identical-across-splits"]
    (warning,) = warnings_of(audit)
    assert warning.startswith(
        "The audit found 1 error in images that can be read. The training goes on"
    )
    assert "identical-across-splits: 1 group of identical images (10 files) across" in warning


def test_files_that_a_training_leaves_out_are_not_warned_of_twice(images):
    (images / "dark" / "p0_0.png").write_bytes(b"no image")
    audit = audit_of(images)
    assert audit.counts["error"] == 1
    assert warnings_of(audit) == []


def test_without_an_error_there_is_nothing_to_say(images):
    assert warnings_of(audit_of(images)) == []


def test_a_training_that_goes_on_says_why_and_its_run_records_it(images, tmp_path):
    copied = (images / "dark" / "p0_0.png").read_bytes()
    (images / "bright" / "p0_9.png").write_bytes(copied + b" ")  # one picture in both classes
    heard = Recorder()
    settings = {"backbone": "malaria_cnn", "epochs": 1, "tune": "all", "weights": "none"}
    run = train(RECIPE.replace(**settings), images, out=tmp_path / "run", reporter=heard)
    said = [line for line in heard.said if line.startswith("Warning: The audit found 1 error ")]
    assert len(said) == 1
    assert said[0].removeprefix("Warning: ") in run.manifest["warnings"]
    assert "identical-across-classes" in said[0]


def test_a_second_training_takes_the_findings_from_the_cache(images, monkeypatch):
    first = audit_of(images)
    monkeypatch.setattr(run_audit, "scan_images", lambda *_, **__: pytest.fail("looked again"))
    assert audit_of(images).as_json() == first.as_json()


def test_other_bytes_another_label_or_damage_are_examined_again(images, monkeypatch):
    first = audit_of(images)
    looked = []
    gather = run_audit.scan_images
    monkeypatch.setattr(
        run_audit, "scan_images", lambda *a, **k: looked.append(1) or gather(*a, **k)
    )
    place = run_audit._cache_path(first.examples, RECIPE.replace(classes=first.classes))
    place.write_text("[{}", encoding="utf-8")
    assert audit_of(images).as_json() == first.as_json()
    (images / "dark" / "p0_0.png").write_bytes((images / "dark" / "p2_0.png").read_bytes())
    assert audit_of(images).as_json() != first.as_json()
    assert len(looked) == 2


def test_another_region_is_another_audit(images):
    region = {"region_width": 0.5, "region_height": 0.6}

    found = [
        {finding.kind: finding for finding in audit_of(images, recipe=recipe).findings}
        for recipe in (RECIPE, RECIPE.replace(**region))
    ]

    regions = [one["border-shortcut"].figures["region"] for one in found]
    assert regions == [[0.7, 0.7], [0.5, 0.6]]


def test_findings_without_a_reader_are_not_kept(images, monkeypatch):
    heic = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(100)
    (images / "dark" / "p90_0.heic").write_bytes(heic)
    monkeypatch.setattr(conversion, "has_heif", lambda: False)
    first = audit_of(images)
    assert {"missing-reader"} <= {finding.kind for finding in first.findings}

    monkeypatch.setattr(conversion, "has_heif", lambda: True)
    monkeypatch.setitem(conversion._OPENERS, "HEIC", lambda _: pytest.fail("opened"))
    with pytest.raises(pytest.fail.Exception, match="opened"):
        audit_of(images)
