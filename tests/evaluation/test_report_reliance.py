import copy
import re

import dlmath
from dlmath.evaluation.report_reliance import reliance_sections, risk_coverage_chart
from dlmath.runs import read_json


def metrics_of(run):
    run.update_manifest(abstention={"rule": "coverage", "confidence": 0.5})
    dlmath.evaluate(run)
    return read_json(run.metrics_path)


def test_the_figures_and_the_curve_are_in_the_section(tiny_run):
    metrics = metrics_of(tiny_run)

    section = "".join(reliance_sections(metrics))

    for name in ("coverage", "risk", "area"):
        assert f"{metrics['selective'][name]['value']:.3f}" in section
    assert "unlike the training images</" not in section  # nothing was fitted here
    assert section.count('class="point"') == 1
    (curve,) = re.findall(r'<polyline class="curve" points="([^"]*)"', section)
    assert len(curve.split()) == len(metrics["selective"]["curve"])


def test_without_a_rule_there_is_the_curve_and_no_point(tiny_run):
    selective = copy.deepcopy(metrics_of(tiny_run)["selective"])
    selective["coverage"] = selective["risk"] = None

    svg, said = risk_coverage_chart(selective)

    assert 'class="point"' not in svg
    assert "the point" not in said


def test_metrics_from_before_have_no_section():
    assert not list(reliance_sections({"n": 3}))
