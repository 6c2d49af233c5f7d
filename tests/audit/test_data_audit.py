import json
import shutil

import numpy as np
import pytest
from PIL import Image

from dlmath import seeds
from dlmath.audit import audit_data


@pytest.fixture(scope="module")
def textures(tmp_path_factory):
    """Images that are all different, of two classes, 12 patients and two parts."""
    root = tmp_path_factory.mktemp("textures")
    for number in range(48):
        label, part = ("ill", "well")[number % 2], ("train", "test")[number >= 32]
        folder = root / part / label
        folder.mkdir(parents=True, exist_ok=True)
        draw = seeds.generator("texture", number)
        coarse = Image.fromarray(draw.integers(0, 256, (12, 12, 3)).astype("uint8"))
        fine = draw.normal(0, 8, (64, 64, 3)) + np.asarray(coarse.resize((64, 64)))
        image = Image.fromarray(fine.clip(0, 255).astype("uint8"))
        image.save(folder / f"{part}{number // 4}_{number}.png")
    return root


@pytest.fixture
def data(textures, tmp_path):
    shutil.copytree(textures, tmp_path / "data")
    return tmp_path / "data"


def by_kind(audit):
    return {finding.kind: finding for finding in audit.findings}


def test_clean_data_have_no_error(data):
    audit = audit_data([data])
    assert audit.counts["error"] == 0
    assert len(audit.examples) == 48
    assert audit.patients == 12
    assert "identical-across-splits" not in by_kind(audit)


def test_the_worst_comes_first_and_every_fault_is_there_at_once(data):
    train, test = data / "train" / "ill", data / "test" / "ill"
    source = sorted(train.glob("*.png"))[0]
    shutil.copy(source, test / "test99_1.png")  # the same picture on both sides
    (train / "train98_1.png").write_bytes(source.read_bytes()[:300])  # cut off
    (train / "train97_1.jpg").write_text("not a picture", encoding="utf-8")
    (data / "train" / "empty").mkdir()
    audit = audit_data([data], patient_rules=(r"^(?P<patient>[a-z]+\d+)_",))
    severities = [finding.severity for finding in audit.findings]
    assert severities == sorted(severities, key=["error", "warning", "note"].index)
    found = by_kind(audit)
    leak = next(f for kind, f in found.items() if kind.startswith("identical"))
    assert leak.severity == "error"
    assert set(leak.files) == {f"train/ill/{source.name}", "test/ill/test99_1.png"}
    assert found["truncated"].files == ("train/ill/train98_1.png",)
    assert found["mislabelled"].files == ("train/ill/train97_1.jpg",)
    assert found["empty-class"].files == ("train/empty",)
    assert audit.counts["error"] >= 3
    assert audit.summary.startswith("51 images, ")


def test_the_document_is_json_and_names_every_file(data):
    document = json.loads(json.dumps(audit_data([data]).as_json()))
    assert document["images"] == 48
    assert document["classes"] == ["ill", "well"]
    assert document["counts"]["error"] == 0
    assert {finding["severity"] for finding in document["findings"]} <= {"warning", "note"}


def test_a_review_is_counted(data, tmp_path):
    file = sorted((data / "train" / "ill").glob("*.png"))[0].name
    review = tmp_path / "review.csv"
    review.write_text(f"file,review\ntrain/ill/{file},False_ill\n", encoding="utf-8")
    found = by_kind(audit_data([data], review=review))
    assert found["disputed-labels"].files == (f"train/ill/{file}",)


def test_progress_is_told(data, recorder):
    audit_data([data], reporter=recorder)
    assert {"hashing", "looking at images"} <= {task for task, _, _ in recorder.steps}
