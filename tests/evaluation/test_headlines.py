"""The headline of an evaluation, against counts made by hand."""

import pytest

from dlmath.evaluation.headlines import headline, worse_lines, worse_parts


def rate(value, low=0.0, high=1.0):
    return {"value": value, "low": low, "high": high}


def group(ill, well, **metrics):
    return {"by_class": {"well": well, "ill": ill}, "metrics": metrics}


def binary(**changes):
    brightness = {
        "groups": {
            "11.2 to 80.4": group(19, 11, sensitivity=rate(13 / 19), specificity=rate(1.0)),
            "80.5 to 99": group(17, 13, sensitivity=rate(16 / 17), specificity=rate(1.0)),
            "99.1 to 160": group(17, 14, sensitivity=rate(1.0), specificity=rate(1.0)),
        },
        "gaps": {
            "11.2 to 80.4": {
                "sensitivity": rate(-0.29, -0.5, -0.08),
                "accuracy": rate(-0.2, -0.3, -0.1),
            },
            "80.5 to 99": {"sensitivity": rate(0.1, -0.05, 0.2)},
        },
    }
    document = {
        "classes": ["well", "ill"],
        "positive_class": "ill",
        "n": 91,
        "confusion": [[38, 0], [7, 46]],
        "metrics": {"auc": rate(0.995, 0.974, 0.999)},
        "slices": {"brightness": brightness},
    }
    return document | changes


def test_the_headline_says_auc_mistakes_and_the_worst_part():
    assert headline(binary()) == (
        "AUC 0.995 (0.974 to 0.999). Misses 7 of 53 ill; 0 false alarms among 38 well. Worst part: "
        "the darkest third (brightness 11.2 to 80.4), 6 of 19 ill missed."
    )


def test_no_part_is_named_whose_interval_holds_0():
    slices = binary()["slices"]
    slices["brightness"]["gaps"]["11.2 to 80.4"]["sensitivity"] = rate(-0.29, -0.5, 0.01)
    assert headline(binary(slices=slices)).endswith("0 false alarms among 38 well.")
    assert worse_lines(binary(slices=slices)) == []


def test_of_two_groups_the_other_one_may_be_the_worse():
    kind = {
        "groups": {
            "bacteria": group(30, 0, sensitivity=rate(1.0)),
            "virus": group(20, 0, sensitivity=rate(0.75)),
        },
        "gaps": {"bacteria": {"sensitivity": rate(0.25, 0.1, 0.4)}},
    }
    document = binary(slices={"kind": kind})
    [worse] = worse_parts(document)
    assert (worse.group, worse.metric, worse.margin) == ("virus", "sensitivity", 0.1)
    assert headline(document).endswith("Worst part: kind virus, 5 of 20 ill missed.")
    assert worse_lines(document)[0] == "! kind virus: 5 of 20 ill missed."
    assert "one looks so by chance" in worse_lines(document)[1]


def test_false_alarms_of_a_part_are_counted_of_its_negative_images():
    slices = binary()["slices"]
    gaps = {"99.1 to 160": {"specificity": rate(-0.5, -0.7, -0.2)}}
    groups = slices["brightness"]["groups"]
    groups["99.1 to 160"]["metrics"]["specificity"] = rate(0.5)
    document = binary(slices={"brightness": {"groups": groups, "gaps": gaps}})
    assert headline(document).endswith(
        "Worst part: the brightest third (brightness 99.1 to 160), 7 of 14 well taken for positive."
    )


@pytest.mark.parametrize(
    ("confusion", "said"),
    [
        ([[10, 1], [0, 0]], "1 false alarm among 11 well."),
        ([[0, 0], [2, 8]], "Misses 2 of 10 ill."),
    ],
)
def test_images_of_one_class_have_no_auc(confusion, said):
    metrics = {"auc": {"value": None, "low": None, "high": None}}
    assert headline(binary(confusion=confusion, metrics=metrics, slices={})) == said


def test_of_more_classes_the_worst_is_named():
    document = binary(
        classes=["a", "b", "c"],
        positive_class=None,
        n=60,
        confusion=[[20, 0, 0], [9, 10, 1], [0, 2, 18]],
        slices={},
    )
    assert headline(document) == (
        "AUC 0.995 (0.974 to 0.999), the mean over the classes. 12 of 60 images decided wrongly. "
        "Worst class: b, 10 of 20 found."
    )


def test_of_more_classes_a_part_is_measured_by_its_accuracy():
    groups = {
        "1": {"by_class": {"a": 4, "b": 3, "c": 3}, "metrics": {"accuracy": rate(0.4)}},
        "2": {"by_class": {"a": 9, "b": 9, "c": 9}, "metrics": {"accuracy": rate(0.9)}},
    }
    gaps = {"1": {"accuracy": rate(-0.5, -0.8, -0.2), "specificity": rate(-0.5, -0.6, -0.4)}}
    document = binary(positive_class=None, slices={"site": {"groups": groups, "gaps": gaps}})
    assert worse_lines(document)[0] == "! site 1: 6 of 10 images decided wrongly."


def test_a_class_that_could_be_a_number_is_in_quotes():
    slices = binary()["slices"]
    for group in slices["brightness"]["groups"].values():
        group["by_class"] = dict(zip("01", group["by_class"].values(), strict=True))
    assert headline(binary(classes=["0", "1"], positive_class="1", slices=slices)) == (
        "AUC 0.995 (0.974 to 0.999). Misses 7 of 53 '1'; 0 false alarms among 38 '0'. Worst part: "
        "the darkest third (brightness 11.2 to 80.4), 6 of 19 '1' missed."
    )
