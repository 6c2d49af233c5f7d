"""What the page says of one image, as HTML: decision, probabilities, threshold, doubt and map.

Nothing is shown only by colour, and everything that a client chose is escaped.
"""

import base64
from collections.abc import Iterator
from html import escape

import numpy as np

from dlmath.inference.decision_rule import DecisionRule
from dlmath.inference.outcome import Prediction

_MOST_CLASSES = 5  # that are shown where a model knows many
# Paths in a square of 24; the words next to them say the same.
_ICONS = {
    "positive": "M12 3 22 21H2z M12 10v5 M12 17.5v.5",
    "negative": "M12 2.5a9.5 9.5 0 1 0 .01 0z M7.5 12l3 3 6-6",
    "other": "M12 2.5a9.5 9.5 0 1 0 .01 0z M12 11v6 M12 7.5v.5",
    "doubt": "M12 2.5a9.5 9.5 0 1 0 .01 0z M9 9.5a3 3 0 1 1 4 3c-.8.4-1 .9-1 1.5 M12 17v.5",
}


def waiting_card(name: str) -> str:
    """Return the card of an image that has no answer yet."""
    return _plain_card(name, '<p class="dl-faint dl-pending">Waiting for the answer …</p>')


def refused_card(name: str, reason: str) -> str:
    """Return the card of an image that gets no answer."""
    said = f"{_icon('doubt')}<span><strong>Not answered:</strong> {escape(reason)}</span>"
    return _plain_card(name, f'<p class="dl-refused">{said}</p>')


def answered_card(
    classifier: DecisionRule, prediction: Prediction, thumbnail: bytes | None, map_part: str
) -> str:
    """Return the card of an answer.

    Args:
        classifier: Which gave it.
        prediction: Of one image, without an error.
        thumbnail: JPEG; None where it cannot be drawn.
        map_part: One of the parts below.
    """
    said = "".join((*_decision(classifier, prediction), *_bars(classifier, prediction)))
    picture = ""
    if thumbnail:
        image = f'<img class="dl-picture" alt="The image itself" src="{_address(thumbnail)}">'
        picture = _figure(image, "The image")
    return (
        f'<article class="dl-card"><h3>{escape(prediction.file)}</h3>'
        f'<div class="dl-said">{said}</div><div class="dl-pictures">{picture}{map_part}</div>'
        "</article>"
    )


def coming_map(is_first: bool) -> str:
    """Return what stands in the place of a map that is being drawn."""
    more = " The first takes longer, since Keras is loaded for it." if is_first else ""
    place = '<div class="dl-picture dl-coming dl-pending"></div>'
    return _figure(place, f"The map (Grad-CAM) is being drawn.{more}")


def ready_map(picture: bytes, class_name: str, warnings: tuple[str, ...]) -> str:
    """Return a map, JPEG, over its image."""
    described = escape(f"Heat map over the image: the places that speak for {class_name}")
    image = f'<img class="dl-picture" alt="{described}" src="{_address(picture)}">'
    scale = (
        '<span class="dl-scale"><span>none</span><i aria-hidden="true"></i><span>most</span></span>'
    )
    said = f"What speaks for {class_name} (Grad-CAM), which need not be where a disease is."
    return _figure(image + scale, said, warnings)


def missing_map(reason: str) -> str:
    """Return why there is no map."""
    return _figure("", f"No map: {reason}")


def _plain_card(name: str, said: str) -> str:
    return (
        f'<article class="dl-card dl-plain"><h3>{escape(name)}</h3><div class="dl-said">{said}'
        "</div></article>"
    )


def _decision(classifier: DecisionRule, prediction: Prediction) -> Iterator[str]:
    """Yield the decision and its grounds; a doubt stands first, and takes its colour from it."""
    kind = {True: "positive", False: "negative", None: "other"}[prediction.positive]
    if prediction.abstains:
        kind = "other"
        reasons = "".join(f"<li>{escape(one)}</li>" for one in _doubts(classifier, prediction))
        yield (
            f'<div class="dl-doubt">{_icon("doubt")}<div><strong>Do not rely on this answer: a '
            f"person should look at the image.</strong><ul>{reasons}</ul></div></div>"
        )
    yield (
        f'<p class="dl-decision dl-{kind}">{_icon(kind)}<span>Decided: '
        f"<strong>{escape(str(prediction.decision))}</strong></span></p>"
    )
    yield f"<p>{escape(_grounds(classifier, prediction))}</p>"


def _grounds(classifier: DecisionRule, prediction: Prediction) -> str:
    """Say which comparison led to the decision."""
    probabilities = prediction.probabilities or {}
    if classifier.positive_class is None or classifier.threshold is None:
        return "It is the most probable of the classes."
    own, limit = _three(probabilities[classifier.positive_class]), classifier.threshold.value
    place = "at or above" if prediction.positive else "below"
    return (
        f"The probability of {classifier.positive_class}, {own}, is {place} the threshold of "
        f"{_three(limit)}."
    )


def _doubts(classifier: DecisionRule, prediction: Prediction) -> Iterator[str]:
    row = np.array([[(prediction.probabilities or {})[name] for name in classifier.classes]])
    least = classifier.abstention.confidence
    if least is not None and classifier.confidence(row)[0] < least:
        near = "the threshold" if classifier.threshold else "that of another class"
        yield f"The model is unsure: the probability is too near {near}."
    for doubt in prediction.doubts:
        yield f"{doubt[0].upper()}{doubt[1:]}."
    if prediction.out_of_distribution:
        yield "The image is unlike those that the model was trained on."


def _bars(classifier: DecisionRule, prediction: Prediction) -> Iterator[str]:
    """Yield a bar for the positive class with the threshold on it, or one for each class."""
    probabilities = prediction.probabilities or {}
    if classifier.positive_class is not None and classifier.threshold is not None:
        name, limit = classifier.positive_class, classifier.threshold.value
        yield _bar(name, probabilities[name], limit)
        others = [f"{one} {_three(p)}" for one, p in probabilities.items() if one != name]
        yield f'<p class="dl-faint">{escape("; ".join(others))}</p>'
        return
    ranked = sorted(probabilities.items(), key=lambda one: -one[1])
    for name, probability in ranked[:_MOST_CLASSES]:
        yield _bar(name, probability, None)
    if len(ranked) > _MOST_CLASSES:
        yield f'<p class="dl-faint">and {len(ranked) - _MOST_CLASSES} less probable classes</p>'


def _bar(name: str, probability: float, threshold: float | None) -> str:
    """Return a bar from 0 to 1; the threshold is a line across it, with its number below."""
    described = f"Probability of {name}: {_three(probability)}"
    mark = marked = ""
    if threshold is not None:
        marked = " dl-marked"
        described += f"; the threshold is {_three(threshold)}"
        # Near an end the number would leave the card: it is drawn to the other side of the line.
        side = "dl-left" if threshold > 0.5 else "dl-right"
        mark = (
            f'<span class="dl-mark {side}" style="left:{100 * threshold:.2f}%">'
            f"<span>threshold {_three(threshold)}</span></span>"
        )
    return (
        f'<div class="dl-probability{marked}"><p><span>{escape(name)}</span> '
        f'<b>{_three(probability)}</b></p><div class="dl-bar" role="img" '
        f'aria-label="{escape(described)}"><span class="dl-fill" '
        f'style="width:{100 * probability:.2f}%"></span>{mark}</div></div>'
    )


def _three(probability: float) -> str:
    """Return three decimals, but neither 0 nor 1: no model is as sure as that."""
    if probability < 0.0005:
        return "under 0.001"
    return "over 0.999" if probability >= 0.9995 else f"{probability:.3f}"


def _figure(image: str, caption: str, warnings: tuple[str, ...] = ()) -> str:
    said = "".join(f"<strong>Warning: {escape(one)}</strong> " for one in warnings)
    return f"<figure>{image}<figcaption>{said}{escape(caption)}</figcaption></figure>"


def _icon(kind: str) -> str:
    return (
        f'<svg class="dl-icon" viewBox="0 0 24 24" aria-hidden="true"><path d="{_ICONS[kind]}"/>'
        "</svg>"
    )


def _address(jpeg: bytes) -> str:
    return f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}"
