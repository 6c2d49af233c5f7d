import unicodedata
import zipfile

import pytest

from dlmath.audit.reading import folder_findings, read_for_audit

NAMES = [f"{label}/p{p}_{i}.png" for label in ("ill", "well") for p in range(6) for i in range(2)]


@pytest.fixture
def own(write_images, tmp_path):
    return write_images(tmp_path / "own", NAMES)


def kinds(findings):
    return [finding.kind for finding in findings]


def test_images_are_listed_with_their_patients_guessed_aloud(own):
    audited = read_for_audit([own], (), None)
    assert len(audited.examples) == 24
    assert audited.classes == ("ill", "well")
    assert {example.patient for example in audited.examples} == {f"p{p}" for p in range(6)}
    assert kinds(audited.findings) == ["patients-guessed"]
    assert "--patients none" in audited.findings[0].advice


def test_rules_that_are_given_are_not_guessed(own):
    audited = read_for_audit([own], (), ())
    assert {example.patient for example in audited.examples} == {None}
    assert kinds(audited.findings) == ["patients-unknown"]


def test_names_that_a_rule_cannot_read_are_an_error_that_names_them(own):
    (own / "ill" / "p0_0.png").rename(own / "ill" / "scan.png")
    audited = read_for_audit([own], (), (r"^(?P<patient>p\d+)_",))
    assert kinds(audited.findings) == ["patients-unread"]
    assert audited.findings[0].files == ("ill/scan.png",)


def test_a_class_that_the_recipe_does_not_name_is_an_error(own):
    audited = read_for_audit([own], ("Ill", "healthy"), ())
    _, finding = audited.findings
    assert finding.kind == "class-unknown"
    assert len(finding.files) == 12
    assert audited.examples[0].label == "Ill"  # spelt as in the recipe


def test_what_is_not_there_is_a_finding_too(tmp_path):
    audited = read_for_audit([tmp_path / "absent"], (), None)
    assert kinds(audited.findings) == ["unusable"]
    assert audited.examples == ()


def test_one_class_is_unusable(write_images, tmp_path):
    audited = read_for_audit([write_images(tmp_path / "one", ["ill/1.png", "ill/2.png"])], (), ())
    assert kinds(audited.findings) == ["one-class", "patients-unknown"]


def test_one_class_of_a_table_is_unusable_too(write_images, tmp_path):
    write_images(tmp_path, ["1.png", "2.png"])
    (tmp_path / "own.csv").write_text("file,class\n1.png,a\n2.png,a\n", encoding="utf-8")
    findings = read_for_audit([tmp_path / "own.csv"], (), ()).findings
    assert kinds(findings) == ["patients-unknown", "unusable"]


def test_a_file_that_cannot_be_hashed_stays_in(own, monkeypatch):
    monkeypatch.setattr("dlmath.data.sources._sha256", lambda path: None)
    audited = read_for_audit([own], (), ())
    assert len({example.sha256 for example in audited.examples}) == 24


def test_zips_and_folders_of_zips_are_searched_for_traps(own, tmp_path):
    (own / "ill" / "deeper").mkdir()
    (own / "ill" / "deeper" / "1.png").write_bytes((own / "ill" / "p1_0.png").read_bytes())
    zips = tmp_path / "zips"
    zips.mkdir()
    with zipfile.ZipFile(zips / "own.zip", "w") as archive:
        for path in sorted(own.rglob("*.png")):
            archive.write(path, path.relative_to(own))
    wanted = kinds(folder_findings([own]))
    assert wanted
    assert kinds(folder_findings([zips / "own.zip"])) == wanted
    assert kinds(folder_findings([zips])) == wanted


def test_classes_of_a_table_that_look_alike_are_doubted(own, write_images):
    write_images(own, [f"{number}.png" for number in range(4)])
    table = own / "t.csv"
    labels = ("1", "1.0", "0", "-1")
    rows = "".join(f"{number}.png,{label}\n" for number, label in enumerate(labels))
    table.write_text("file,class\n" + rows)
    (finding,) = [
        one for one in read_for_audit([table], (), ()).findings if one.kind[:5] == "class"
    ]
    assert (finding.kind, finding.severity) == ("class-spelling", "error")
    assert finding.files == ("0.png", "1.png")
    assert "They are '1', '1.0'." in finding.message


def test_two_unicode_forms_of_a_folder_are_one_class(write_images, tmp_path):
    forms = [unicodedata.normalize(form, "gesünd") for form in ("NFC", "NFD")]
    root = write_images(tmp_path / "data", [f"{name}/{name}.png" for name in (*forms, "krank")])
    audited = read_for_audit([root], (), ())
    assert audited.classes == ("gesünd", "krank")
    (finding,) = [one for one in audited.findings if one.kind == "class-spelling"]
    assert (finding.severity, len(finding.files)) == ("note", 2)
    assert "differ in case or Unicode form: they are one to dlmath" in finding.message
    assert finding.message.endswith(r"They are 'gesu\u0308nd', 'ges\xfcnd'.")


def test_patients_that_look_alike_are_doubted(own, write_images):
    write_images(own, [f"{number}.png" for number in range(4)])
    table = own / "t.csv"
    rows = "".join(
        f"{number}.png,{number % 2},{p}\n" for number, p in enumerate(["3", "3.0", 4, 5])
    )
    table.write_text("file,class,patient\n" + rows)
    (finding,) = [one for one in read_for_audit([table], (), None).findings if "doubt" in one.kind]
    assert "1 patient may be written in several ways: '3' and '3.0'." in finding.message
