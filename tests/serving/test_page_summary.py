import base64
import csv
import io
import re

from dlmath.inference.outcome import Prediction, csv_fields
from dlmath.serving.page_summary import summary

CLASSES = ("NORMAL", "PNEUMONIA")


def answer(file, positive, **more):
    probabilities = (
        {"NORMAL": 0.1, "PNEUMONIA": 0.9} if positive else {"NORMAL": 0.8, "PNEUMONIA": 0.2}
    )
    return Prediction(file, CLASSES[positive], probabilities, bool(positive), **more)


def rows_in(html):
    (address,) = re.findall(r'href="data:text/csv;charset=utf-8;base64,([^"]+)" download', html)
    return list(csv.DictReader(io.StringIO(base64.b64decode(address).decode("utf-8-sig"))))


def lines_in(html):
    return re.findall("<li>([^<]*)</li>", html)


def test_twelve_images_are_counted_by_class_with_those_to_look_at():
    answers = {n: answer(f"{n}.png", positive=n < 8, abstains=n % 4 == 0) for n in range(11)}
    answers[11] = Prediction("text.png", error="text.png: neither a PNG nor a JPEG")
    assert lines_in(summary(CLASSES, answers)) == [
        "PNEUMONIA: 8 images",
        "NORMAL: 3 images",
        "A person should look at 3 of these images.",
        "Not answered: 1 file",
    ]


def test_the_table_is_that_of_predict_in_the_order_of_the_choice():
    answers = {1: answer("b.png", positive=False), 0: answer("Röntgen, 1.png", positive=True)}
    rows = rows_in(summary(CLASSES, answers))
    assert [row["file"] for row in rows] == ["Röntgen, 1.png", "b.png"]
    assert list(rows[0]) == csv_fields(CLASSES)
    assert (rows[0]["class"], rows[0]["probability_PNEUMONIA"]) == ("PNEUMONIA", "0.9")


def test_a_single_image_has_its_card_and_no_summary():
    assert summary(CLASSES, {0: answer("a.png", positive=True)}) == ""


def test_names_of_classes_and_files_are_no_html():
    found = summary(("<b>",), {n: Prediction("<i>", "<b>", {"<b>": 1.0}) for n in range(2)})
    assert lines_in(found) == ["&lt;b&gt;: 2 images"]
    assert "<i>" not in found
