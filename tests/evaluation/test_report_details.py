import re

import dlmath
from dlmath.evaluation.composition import counts_text
from dlmath.evaluation.report_details import detail_sections
from dlmath.number_text import estimate_text
from dlmath.runs import read_json


def test_thresholds_slices_patients_and_openings_are_told(tiny_run):
    dlmath.evaluate(tiny_run)
    metrics = read_json(tiny_run.metrics_path)
    html = "\n".join(detail_sections(metrics))
    assert metrics["test_openings"]["said"] in html
    for name, own in metrics["slices"].items():
        assert f">{name}<" in html
        for group, figures in own["groups"].items():
            assert group in html
            assert counts_text(figures["by_class"], "PNEUMONIA") in html
            assert estimate_text(**figures["metrics"][figures["rate"]]) in html
    for metric in metrics["operating_points"].values():
        assert estimate_text(**metric) in html
    assert "It was not used" in html
    assert "12 patients (6 positive + 6 negative), each decided" in html
    page = tiny_run.report_path.read_text(encoding="utf-8")
    assert html in page


def test_a_part_of_one_class_shows_its_rate_and_what_its_auc_is_against():
    metrics = {
        name: {"value": None, "low": None, "high": None}
        for name in ("accuracy", "sensitivity", "specificity", "auc")
    }
    metrics["sensitivity"] = {"value": 0.857, "low": 0.421, "high": 0.996}
    metrics["auc"] = {"value": 0.9, "low": 0.8, "high": 0.95}
    bacteria = {
        "by_class": {"NORMAL": 0, "PNEUMONIA": 7},
        "against": {"NORMAL": 38, "PNEUMONIA": 0},
        "rate": "sensitivity",
        "metrics": metrics,
    }
    gaps = {"bacteria": {"sensitivity": {"value": -0.1, "low": -0.3, "high": 0.2}}}
    slices = {"kind": {"groups": {"bacteria": bacteria}, "gaps": gaps}}

    html = "".join(detail_sections({"slices": slices, "positive_class": "PNEUMONIA"}))

    cells = re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", html)
    assert cells[-7:] == [
        "bacteria",
        "7 positive",
        "0.857 (0.421 to 0.996)",
        "",
        "",
        "0.900 (0.800 to 0.950), against 38 negative",
        "sensitivity: -0.100 (-0.300 to 0.200)",
    ]
    assert "no other metric counts those" in html


def test_another_prevalence_is_told(tiny_run):
    metrics = dlmath.evaluate(tiny_run, prevalence=0.1).as_json()
    html = "\n".join(detail_sections(metrics))
    assert "At a prevalence of 10.0%" in html
    assert estimate_text(**metrics["at_prevalence"]["metrics"]["ppv"]) in html


def test_a_second_opening_is_a_warning(tiny_run):
    dlmath.evaluate(tiny_run)
    dlmath.evaluate(tiny_run)
    html = "\n".join(detail_sections(read_json(tiny_run.metrics_path)))
    assert html.startswith('<p class="warning">')


def test_older_figures_have_no_such_sections():
    assert list(detail_sections({"metrics": {}})) == []
