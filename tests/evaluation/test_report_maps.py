import base64

import pytest

import dlmath
from dlmath.errors import DataError, RunError
from dlmath.evaluation import evaluate, report_maps
from dlmath.evaluation.report import write_report
from dlmath.evaluation.report_maps import EACH
from dlmath.explain import MapPicture
from dlmath.runs import read_json, write_json

PICTURE = b"\x89PNG of a map"
ADDRESS = f"data:image/png;base64,{base64.b64encode(PICTURE).decode()}"


def evaluate_with(explain, run):
    """Evaluate, with something else in the place of the heat maps."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(report_maps, "explain_examples", explain)
        return evaluate(run)


def explained(classifier, files, reporter):
    """Answer without asking the model: the first map passes, the last cannot be drawn."""
    good = MapPicture("PNEUMONIA", 0.9, PICTURE, ("deletion: <low>",), ())
    bad = good._replace(said=(), warnings=("The map fails by sanity: it is alike.",))
    return [good, *[bad] * (len(files) - 2), None]


def page(run):
    return run.report_path.read_text(encoding="utf-8")


def maps(run):
    return read_json(run.report_path.parent / "maps" / "maps.json")["maps"]


def test_rights_and_wrongs_are_shown_with_what_was_measured(tiny_run):
    evaluation = evaluate_with(explained, tiny_run)
    wrong = evaluation.confusion[0][1] + evaluation.confusion[1][0]
    kinds = [one["kind"] for one in maps(tiny_run)]
    count = len(kinds)

    assert kinds[:EACH] == ["right"] * EACH
    assert wrong == 2  # of one patient, whose more confident one could not be drawn
    assert kinds[EACH:] == []
    assert page(tiny_run).count(ADDRESS) == count
    assert page(tiny_run).count("Passed all checks.") == 1
    assert "deletion: &lt;low&gt;" in page(tiny_run)
    assert page(tiny_run).count("The map fails by sanity") == count - 1


def test_a_report_written_again_keeps_its_maps(tiny_run):
    evaluate_with(explained, tiny_run)
    shown = page(tiny_run).count(ADDRESS)
    write_report(tiny_run)
    assert page(tiny_run).count(ADDRESS) == shown
    evaluate(tiny_run)  # gives the same predictions
    assert page(tiny_run).count(ADDRESS) == shown


def test_maps_that_are_kept_are_not_drawn_again(tiny_run):
    asked = []

    def explain(*given):
        asked.append(given)
        return explained(*given)

    evaluate_with(explain, tiny_run)
    shown = page(tiny_run)
    evaluate_with(explain, tiny_run)
    assert len(asked) == 1
    assert page(tiny_run).count(ADDRESS) == shown.count(ADDRESS) > 0

    (tiny_run.report_path.parent / "maps" / "1.png").unlink()
    evaluate_with(explain, tiny_run)
    assert len(asked) == 2


def test_maps_of_other_predictions_are_not_shown(tiny_run):
    evaluate_with(explained, tiny_run)
    predictions = tiny_run.folder / "predictions.csv"
    predictions.write_text(predictions.read_text().rsplit("\n", 2)[0] + "\n")
    write_report(tiny_run)

    assert "Where the evidence lies" not in page(tiny_run)


def test_a_model_without_a_feature_map_is_one_line(tiny_run):
    def explain(classifier, files, reporter):
        raise DataError("The model 'flat' has no feature map.")

    evaluate_with(explain, tiny_run)

    assert "No heat maps: The model &#x27;flat&#x27; has no feature map." in page(tiny_run)
    assert "data:image/png" not in page(tiny_run)


def test_no_folder_of_the_machine_is_told(tiny_run):
    evaluate_with(explained, tiny_run)

    assert str(tiny_run.folder.parent) not in page(tiny_run)
    assert "test/" not in page(tiny_run)


def test_a_damaged_map_is_one_message(tiny_run):
    evaluate_with(explained, tiny_run)
    (tiny_run.report_path.parent / "maps" / "1.png").unlink()
    with pytest.raises(RunError, match="Evaluate again"):
        write_report(tiny_run)
    write_json(tiny_run.report_path.parent / "maps" / "maps.json", ["other"])
    with pytest.raises(RunError, match="Evaluate again"):
        write_report(tiny_run)
    evaluate_with(explained, tiny_run)  # and that mends it
    assert ADDRESS in page(tiny_run)


def test_a_folder_that_cannot_be_written_keeps_the_figures(tiny_run):
    tiny_run.report_path.parent.write_text("in the way", encoding="utf-8")
    with pytest.raises(RunError, match="The model and its figures are kept"):
        evaluate_with(explained, tiny_run)
    assert tiny_run.metrics_path.is_file()


def test_the_facade_draws_them(tiny_run):
    dlmath.evaluate(tiny_run)
    drawn = page(tiny_run)
    assert "Where the evidence lies" in drawn
    assert drawn.count("data:image/png;base64,") == len(maps(tiny_run)) > EACH
    assert all(f"{name}: " in drawn for name in ("deletion", "sanity"))
    assert "wrong: NORMAL" in drawn or "wrong: PNEUMONIA" in drawn

    tiny_run.report_path.unlink()
    dlmath.evaluate(tiny_run, explained=False)
    assert page(tiny_run).count("data:image/png;base64,") == len(maps(tiny_run))
