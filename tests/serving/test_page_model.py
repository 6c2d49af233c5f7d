import pytest

import dlmath
from dlmath.evaluation.composition import composition_of
from dlmath.export.description import describe
from dlmath.inference.export_files import METADATA, ONNX
from dlmath.inference.light_classifier import LightClassifier
from dlmath.runs import read_json, write_json
from dlmath.serving.limits import Limits
from dlmath.serving.page_model import DRAWN, RESEARCH_ONLY, model_section, stamp
from dlmath.serving.service import Service


def opened(run):
    service = Service.open(run)
    service.close()
    return service


def test_figures_stand_with_their_intervals(light_run):
    dlmath.evaluate(light_run)
    metrics = read_json(light_run.metrics_path)
    html = model_section(opened(light_run))
    for name in ("auc", "sensitivity", "specificity", "accuracy", "ppv", "npv"):
        metric = metrics["metrics"][name]
        assert f"{metric['value']:.3f}" in html
        assert f"{metric['low']:.3f} to {metric['high']:.3f}" in html
    images = f"{metrics['n']} images ({composition_of(metrics)})"
    assert f"tested on {images} of {metrics['patients']} patients" in html


def test_a_model_that_was_not_tested_says_so(light_run):
    html = model_section(opened(light_run))
    assert "It has not been tested" in html
    assert "<table" not in html


def test_research_only_stands_above_every_model_and_drawn_above_phantoms(light_run):
    service = opened(light_run)
    assert RESEARCH_ONLY in stamp(service)
    assert DRAWN not in stamp(service)
    manifest = light_run.manifest
    manifest["data"]["phantom"] = True
    write_json(light_run.manifest_path, manifest)
    assert DRAWN in stamp(service)


def test_no_path_of_this_machine_is_told(light_run, tmp_path):
    assert str(tmp_path) not in model_section(opened(light_run))


def test_when_it_abstains_is_said(light_run):
    assert "no rule for abstaining" in model_section(opened(light_run))
    light_run.update_manifest(abstention={"confidence": 1.0})
    assert "a person should look where it is unsure." in model_section(opened(light_run))


def test_an_export_of_a_model_of_phantoms_says_so_and_when_it_decides(light_run, tmp_path):
    manifest = light_run.manifest
    manifest["data"]["phantom"] = True
    write_json(light_run.manifest_path, manifest)
    classifier = LightClassifier.load(light_run)
    write_json(tmp_path / METADATA, describe(light_run, classifier, "onnx"))
    (tmp_path / ONNX).touch()
    service = Service(light_run.recipe.name, classifier, tmp_path, Limits())
    service.close()
    assert DRAWN in stamp(service)
    html = model_section(service)
    assert "An export (onnx) of the run tiny." in html
    assert "It decides PNEUMONIA from a probability of 0.500" in html


@pytest.mark.parametrize(
    ("manifest", "said", "unsaid"),
    [
        ({"calibration": None}, "The threshold was chosen on 6 other images.", "calibration"),
        ({"calibration": {"method": "none", "why": "too few"}}, "The threshold was", "calibration"),
        (
            {"calibration": {"method": "temperature"}},
            "The calibration was fitted on 6 other images. The threshold was chosen on them.",
            "composites",
        ),
        (
            {"threshold": {"value": 0.5, "chosen_on": "validation", "images": "stressed"}},
            "The threshold was chosen on composites of validation images.",
            "the validation part",
        ),
        ({"threshold": None, "calibration": None}, "trained on", "chosen on 6"),
    ],
)
def test_only_what_was_chosen_is_said_to_be(light_run, manifest, said, unsaid):
    service = opened(light_run)
    light_run.update_manifest(**{"calibration": None, **manifest})
    trained = model_section(service)
    validation = light_run.manifest["split"]["validation"]
    assert said.replace("6 other", f"{validation} other") in trained
    assert unsaid.replace("6", str(validation)) not in trained


def test_the_page_of_an_export_says_where_its_threshold_was_chosen(light_run, tmp_path):
    classifier = LightClassifier.load(light_run)
    light_run.update_manifest(
        threshold={"value": 0.5, "chosen_on": "validation", "images": "stressed"}
    )
    write_json(tmp_path / METADATA, describe(light_run, classifier, "onnx"))
    (tmp_path / ONNX).touch()
    service = Service(light_run.recipe.name, classifier, tmp_path, Limits())
    service.close()
    assert "0.500, chosen on composites of validation images." in model_section(service)
