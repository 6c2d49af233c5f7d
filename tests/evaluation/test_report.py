import re

import pytest

from dlmath.errors import RunError
from dlmath.evaluation.headlines import headline
from dlmath.evaluation.metric_table import label_of
from dlmath.evaluation.predictions import Predictions
from dlmath.evaluation.report import write_report
from dlmath.evaluation.report_charts import _mistakes, mistakes_section
from dlmath.runs import read_json, write_json


def read(run):
    return write_report(run).read_text(encoding="utf-8")


def test_before_the_test_part_is_opened_the_report_says_how(tiny_run):
    tiny_run.metrics_path.unlink(missing_ok=True)
    page = read(tiny_run)
    assert "has not been opened" in page
    assert f"dlmath evaluate {tiny_run.name}" in page
    assert "On the validation part" in page


def test_after_it_every_metric_stands_there_with_its_interval(tiny_run):
    import dlmath

    evaluation = dlmath.evaluate(tiny_run)
    page = tiny_run.report_path.read_text(encoding="utf-8")
    for name, metric in evaluation.metrics.items():
        assert f">{label_of(name)}<" in page
        if metric.low is not None:
            assert f"{metric.low:.3f} to {metric.high:.3f}" in page
    assert "has not been opened" not in page
    assert headline(evaluation.as_json()) in page


def test_findings_and_warnings_are_told(tiny_run):
    finding = {"severity": "error", "kind": "identical", "message": "Two <b>are</b> one."}
    write_json(tiny_run.audit_path, {"findings": [finding]})
    tiny_run.update_manifest(warnings=["Beware."])
    page = read(tiny_run)
    assert "Two &lt;b&gt;are&lt;/b&gt; one." in page
    assert "Warning: Beware." in page
    assert 'href="audit.html"' in page


def test_drawn_images_are_called_drawn(tiny_run):
    tiny_run.update_manifest(data={**tiny_run.manifest["data"], "phantom": True})
    assert "drawn images" in read(tiny_run)


def test_no_path_of_the_machine_is_told(tiny_run, tmp_path):
    sources = [str(tmp_path / "secret" / "films")]
    tiny_run.update_manifest(data={**tiny_run.manifest["data"], "sources": sources})
    page = read(tiny_run)
    assert "films" in page
    assert "secret" not in page
    assert not re.search(r"https?://", page)
    assert read_json(tiny_run.manifest_path)["data"]["sources"] == sources


def test_curves_and_mistakes_are_shown_once_the_test_part_is_open(tiny_run):
    import dlmath

    evaluation = dlmath.evaluate(tiny_run)
    page = tiny_run.report_path.read_text(encoding="utf-8")
    assert page.count("<svg") == 6
    wrong = evaluation.confusion[1][0] + evaluation.confusion[0][1]
    assert page.count("data:image/jpeg;base64,") == min(wrong, 24)
    assert _mistakes(evaluation.confusion[1][0], "missed image") in page


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (0, "No false alarm."),
        (1, "1 false alarm:"),
        (2, "2 false alarms, the most confident first:"),
        (12, "12 false alarms, the most confident first:"),
        (30, "30 false alarms, the most confident first; the first 12 are shown:"),
    ],
)
def test_mistakes_are_announced_as_many_as_there_are(count, said):
    assert _mistakes(count, "false alarm") == said


def test_a_kind_of_mistake_that_did_not_happen_has_no_empty_frame(tiny_run):
    import dlmath

    dlmath.evaluate(tiny_run, explained=False)
    found = Predictions.read(tiny_run)
    html = "".join(mistakes_section(tiny_run, found, 0.0))  # all positive: nothing is missed
    assert "<p>No missed image.</p>" in html
    assert '<div class="group"></div>' not in html


def test_mistakes_keep_their_names_where_the_images_are_gone(tiny_run):
    import dlmath

    evaluation = dlmath.evaluate(tiny_run, explained=False)
    tiny_run.sources[0].rename(tiny_run.sources[0].with_name("moved away"))
    page = read(tiny_run)
    assert "data:image" not in page
    assert page.count("<figcaption>") == 6 + evaluation.confusion[1][0] + evaluation.confusion[0][1]


def test_damaged_predictions_are_one_message(tiny_run):
    import dlmath

    dlmath.evaluate(tiny_run)
    (tiny_run.folder / "predictions.csv").write_text("file,class\na.png,NORMAL\n", encoding="utf-8")
    with pytest.raises(RunError, match="Evaluate again"):
        write_report(tiny_run)


def test_a_report_that_cannot_be_written_is_one_message(tiny_run):
    tiny_run.report_path.parent.write_text("in the way", encoding="utf-8")
    with pytest.raises(RunError, match="The model and its metrics are kept"):
        write_report(tiny_run)
