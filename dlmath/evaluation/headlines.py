"""An evaluation in a few sentences: what a reader takes away before the tables.

    AUC 0.995 (0.974 to 0.999). Misses 7 of 53 ill; 0 false alarms among 38 well. Worst part: the
    darkest third (brightness 11.2 to 80.4), 6 of 19 ill missed.

A part is named only where the interval of its gap to the other images excludes 0, of a rate of one
class: an accuracy also depends on how many images of each class it is of. Of more than two classes
it is the accuracy.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from dlmath.evaluation.metric_table import label_of
from dlmath.names import next_to_numbers
from dlmath.number_text import estimate_text

# What the lowest and the highest third of a property are called.
_ENDS = {"brightness": ("darkest", "brightest"), "image size": ("smallest", "largest")}
_WORSE = (
    "These parts are worse than the other images: the 95 % interval of the difference excludes 0. "
    "Of 20 differences that are none, one looks so by chance."
)


_COUNTED = {
    "sensitivity": ("", "missed"),
    "specificity": ("", "taken for positive"),
    "accuracy": ("images", "decided wrongly"),
}


class Gap(NamedTuple):
    """A part on which a rate is lower than on the other images.

    Attributes:
        name: Of the property that divides the images.
        group: Of the part.
        metric: The rate that is lower: sensitivity, specificity or accuracy.
        margin: How far the interval of the gap stays from 0.
    """

    name: str
    group: str
    metric: str
    margin: float


def headline(document: Mapping[str, Any]) -> str:
    """Return the sentences.

    Args:
        document: Of `evaluate --json`, such as `metrics.json`.
    """
    return " ".join([*_ranking(document), *_mistakes(document), *_worst_part(document)])


def worse_parts(document: Mapping[str, Any]) -> list[Gap]:
    """Return the parts on which a rate is lower, its gap's interval without 0, the worst first."""
    is_binary = document["positive_class"] is not None
    rates = ("sensitivity", "specificity") if is_binary else ("accuracy",)
    found: dict[tuple[str, str], Gap] = {}
    for name, property_ in document["slices"].items():
        for gap in _gaps_of(name, property_, rates):
            known = found.get((gap.name, gap.group))
            if known is None or gap.margin > known.margin:
                found[gap.name, gap.group] = gap
    return sorted(found.values(), key=lambda gap: -gap.margin)


def worse_lines(document: Mapping[str, Any]) -> list[str]:
    """Return a line for each part that is worse, and what being worse means."""
    worse = worse_parts(document)
    lines = [f"! {gap.name} {gap.group}: {_wrong_text(gap, document)}." for gap in worse]
    return [*lines, _WORSE] if worse else []


def _gaps_of(name: str, property_: Mapping[str, Any], rates: Sequence[str]) -> Iterator[Gap]:
    groups = list(property_["groups"])
    for group, gaps in property_["gaps"].items():
        for metric in rates:
            gap = gaps.get(metric)
            if gap is None or gap["low"] is None or gap["high"] is None:
                continue
            if gap["high"] < 0:
                yield Gap(name, group, metric, -gap["high"])
            elif gap["low"] > 0 and len(groups) == 2:  # only the first of two is compared
                [other] = (one for one in groups if one != group)
                yield Gap(name, other, metric, gap["low"])


def _ranking(document: Mapping[str, Any]) -> Iterator[str]:
    auc = document["metrics"]["auc"]
    if auc["value"] is not None:
        several = "" if document["positive_class"] is not None else ", the mean over the classes"
        yield f"{label_of('auc')} {estimate_text(**auc)}{several}."


def _mistakes(document: Mapping[str, Any]) -> Iterator[str]:
    classes, confusion = document["classes"], document["confusion"]
    if document["positive_class"] is None:
        right = sum(row[place] for place, row in enumerate(confusion))
        yield f"{document['n'] - right:,} of {document['n']:,} images decided wrongly."
        yield from _worst_class(classes, confusion)
        return
    positive = classes.index(document["positive_class"])
    names = [next_to_numbers(name) for name in classes]
    ill, well = sum(confusion[positive]), sum(confusion[1 - positive])
    missed, alarms = confusion[positive][1 - positive], confusion[1 - positive][positive]
    parts = [f"misses {missed:,} of {ill:,} {names[positive]}"] if ill else []
    if well:
        one = "" if alarms == 1 else "s"
        parts.append(f"{alarms:,} false alarm{one} among {well:,} {names[1 - positive]}")
    said = "; ".join(parts)
    yield f"{said[:1].upper()}{said[1:]}."


def _worst_class(classes: list[str], confusion: list[list[int]]) -> Iterator[str]:
    """Name the class of which the smallest share is found."""
    found = [
        (row[place] / sum(row), -sum(row), name, row[place])
        for place, (name, row) in enumerate(zip(classes, confusion, strict=True))
        if sum(row)
    ]
    if len(found) > 1:
        _, less_images, name, right = min(found)
        yield f"Worst class: {next_to_numbers(name)}, {right:,} of {-less_images:,} found."


def _worst_part(document: Mapping[str, Any]) -> Iterator[str]:
    for worst in worse_parts(document)[:1]:
        yield f"Worst part: {_part_text(worst, document)}, {_wrong_text(worst, document)}."


def _part_text(gap: Gap, document: Mapping[str, Any]) -> str:
    groups = list(document["slices"][gap.name]["groups"])
    ends = _ENDS.get(gap.name)
    if ends and len(groups) == 3 and gap.group in (groups[0], groups[-1]):
        return f"the {ends[gap.group == groups[-1]]} third ({gap.name} {gap.group})"
    return f"{gap.name} {gap.group}"


def _wrong_text(gap: Gap, document: Mapping[str, Any]) -> str:
    """Return how many of which images of a part are decided wrongly."""
    group = document["slices"][gap.name]["groups"][gap.group]
    kind, said = _COUNTED[gap.metric]
    images = group["by_class"]
    positive = document["positive_class"]
    if gap.metric == "sensitivity":
        images, kind = {positive: images[positive]}, next_to_numbers(positive)
    elif gap.metric == "specificity":
        images = {name: number for name, number in images.items() if name != positive}
        kind = next_to_numbers(next(iter(images)))
    number = sum(images.values())
    wrong = round((1 - group["metrics"][gap.metric]["value"]) * number)
    return f"{wrong:,} of {number:,} {kind} {said}"
