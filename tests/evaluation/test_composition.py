import numpy as np
import pytest

from dlmath.evaluation.composition import class_counts, composition_of, counts_text


@pytest.mark.parametrize(
    ("counts", "positive", "said"),
    [
        ({"NORMAL": 38, "PNEUMONIA": 7}, "PNEUMONIA", "7 positive + 38 negative"),
        ({"Parasitized": 1200, "Uninfected": 3}, "Parasitized", "1,200 positive + 3 negative"),
        ({"NORMAL": 0, "PNEUMONIA": 7}, "PNEUMONIA", "7 positive"),
        ({"NORMAL": 38, "PNEUMONIA": 0}, "PNEUMONIA", "38 negative"),
        ({"a": 3, "b": 0, "c": 12}, None, "3 a + 12 c"),
        ({"NORMAL": 0, "PNEUMONIA": 0}, "PNEUMONIA", "none"),
    ],
)
def test_the_images_of_each_class_are_said(counts, positive, said):
    assert counts_text(counts, positive) == said


def test_a_class_without_images_is_counted_as_none():
    assert class_counts(np.array([0, 0, 2]), ["a", "b", "c"]) == {"a": 2, "b": 0, "c": 1}


def test_the_rows_of_a_confusion_matrix_are_truth():
    document = {"classes": ["n", "p"], "confusion": [[30, 8], [2, 5]], "positive_class": "p"}

    assert composition_of(document) == "7 positive + 38 negative"


@pytest.mark.parametrize(
    ("counts", "said"),
    [
        (range(1, 16), "1 to 15 each of 15 classes"),
        ([2] * 200, "2 each of 200 classes"),
        ([1, 2, 3, 4, 5, 6, 0], "1 '0' + 2 '1' + 3 '2' + 4 '3' + 5 '4' + 6 '5'"),
    ],
)
def test_many_classes_are_counted_and_not_named(counts, said):
    assert counts_text({str(name): count for name, count in enumerate(counts)}, None) == said
