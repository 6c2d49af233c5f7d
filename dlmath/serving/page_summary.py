"""What the page says of several images together: how many of each class, and a table to save.

The table is that of `dlmath predict --csv`. It lies in the page itself: the server keeps nothing.
"""

import base64
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from html import escape

from dlmath.data.listing import counted
from dlmath.inference.outcome import Prediction, csv_fields, csv_row
from dlmath.runs import csv_text

TABLE = "answers.csv"  # how the browser calls the file that it saves


def summary(classes: Sequence[str], answers: Mapping[int, Prediction]) -> str:
    """Return the counts and a link to the table, as HTML; nothing for a single image.

    Args:
        classes: Of the model.
        answers: By the number of the image, those with an error too.
    """
    if len(answers) < 2:
        return ""
    predictions = [answers[number] for number in sorted(answers)]
    parts = "".join(f"<li>{escape(line)}</li>" for line in _lines(classes, predictions))
    return (
        f'<div class="dl-summary"><ul>{parts}</ul><p><a href="{_address(classes, predictions)}" '
        f'download="{TABLE}">Save the answers as a table (CSV)</a></p></div>'
    )


def _lines(classes: Sequence[str], predictions: Sequence[Prediction]) -> Iterator[str]:
    found = Counter(one.decision for one in predictions if one.error is None)
    for name in sorted(classes, key=lambda name: -found[name]):
        if found[name]:
            yield f"{name}: {counted(found[name], 'image')}"
    if doubted := sum(bool(one.abstains) for one in predictions):
        yield f"A person should look at {doubted:,} of these images."
    if refused := sum(one.error is not None for one in predictions):
        yield f"Not answered: {counted(refused, 'file')}"


def _address(classes: Sequence[str], predictions: Sequence[Prediction]) -> str:
    """Return the table as an address that holds it. A mark at its begin tells Excel of UTF-8."""
    table = csv_text(csv_fields(classes), map(csv_row, predictions))
    content = table.encode("utf-8-sig", errors="replace")
    return f"data:text/csv;charset=utf-8;base64,{base64.b64encode(content).decode()}"
