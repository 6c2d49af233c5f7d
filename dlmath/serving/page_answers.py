"""Answers several images for the page: each card as soon as it is known, then map after map."""

import asyncio
import io
from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from PIL import Image

from dlmath.data.listing import counted
from dlmath.errors import DlmathError
from dlmath.inference.outcome import Prediction
from dlmath.serving.page_answer import (
    answered_card,
    coming_map,
    missing_map,
    ready_map,
    refused_card,
    waiting_card,
)
from dlmath.serving.page_asked import Asked
from dlmath.serving.page_summary import summary
from dlmath.serving.reading import read_upright
from dlmath.serving.refusal import Refusal
from dlmath.serving.service import Service

if TYPE_CHECKING:
    from dlmath.explain.heat_map import HeatMap

_SIDE = 384  # of the longer side of a picture in pixels: sharp on a phone
_QUALITY = 85


class Shown(NamedTuple):
    """A change of the page.

    Attributes:
        status: Where the work stands; None leaves what was said.
        cards: HTML by the number of the image; the others stay as they are.
        summary: HTML that stands with the status: what is said of all images together.
    """

    status: str | None
    cards: dict[int, str]
    summary: str = ""


class _Answered(NamedTuple):
    number: int
    prediction: Prediction
    thumbnail: bytes | None


async def answer_images(service: Service, asked: Sequence[Asked]) -> AsyncIterator[Shown]:
    """Answer images at the same time, so that they share batches, then draw their maps in turn.

    A file that cannot be read has a card that says why, and the others are answered.
    """
    yield Shown(
        f"Looking at {counted(len(asked), 'image')} …",
        {number: waiting_card(one.name) for number, one in enumerate(asked)},
    )
    answered: list[_Answered] = []
    answers: dict[int, Prediction] = {}
    tasks = [asyncio.ensure_future(_answer(service, n, one)) for n, one in enumerate(asked)]
    try:
        for done in asyncio.as_completed(tasks):
            number, found = await done
            if isinstance(found, _Answered):
                answered.append(found)
            answers[number] = _prediction(found, asked[number].name)
            yield Shown(None, {number: _card(service, found, asked[number].name)})
    finally:
        for task in tasks:  # of a visitor who left, or asked for something else
            task.cancel()
    said = _count(len(answered), len(asked) - len(answered))
    together = summary(service.classifier.classes, answers)
    if service.why_no_maps is not None:
        yield Shown(said, {}, together)
        return
    yield Shown(f"{said} The maps are being drawn." if answered else said, {}, together)
    for one in sorted(answered):
        yield Shown(None, {one.number: await _with_map(service, one, asked[one.number])})
    if answered:
        yield Shown(f"{said} The maps are drawn.", {}, together)


async def _answer(service: Service, number: int, asked: Asked) -> tuple[int, _Answered | Refusal]:
    try:
        prediction = await service.predict(asked.content, asked.name)
    except Refusal as refusal:
        return number, refusal
    except DlmathError as error:  # a damaged model: for every image, and it is said on each card
        return number, Refusal(500, str(error), code="model")
    thumbnail = await asyncio.to_thread(_thumbnail, service, asked)
    return number, _Answered(number, prediction, thumbnail)


def _prediction(found: _Answered | Refusal, name: str) -> Prediction:
    return (
        found.prediction if isinstance(found, _Answered) else Prediction(name, error=found.reason)
    )


def _card(service: Service, found: _Answered | Refusal, name: str) -> str:
    if isinstance(found, Refusal):
        return refused_card(name, found.reason.removeprefix(f"{name}: "))
    reason = service.why_no_maps
    is_first = found.number == 0 and service.first_map_waits
    map_part = coming_map(is_first=is_first) if reason is None else missing_map(reason)
    return answered_card(service.classifier, found.prediction, found.thumbnail, map_part)


async def _with_map(service: Service, one: _Answered, asked: Asked) -> str:
    try:
        heat_map = await service.heat_map(asked.content, one.prediction)
        part = await asyncio.to_thread(_map, service, one.prediction, asked, heat_map)
    except Refusal as refusal:
        part = missing_map(refusal.reason)
    return answered_card(service.classifier, one.prediction, one.thumbnail, part)


def _map(service: Service, prediction: Prediction, asked: Asked, heat_map: "HeatMap") -> str:
    from dlmath.explain.checks import failures  # with Keras, which the map has loaded
    from dlmath.explain.overlay import blend

    class_name = str(prediction.decision)
    upright = read_upright(asked.content, asked.name, service.limits)
    picture = blend(_fitted(upright), heat_map.heat)
    return ready_map(_as_jpeg(picture), class_name, failures(heat_map, (), class_name))


def _count(answered: int, refused: int) -> str:
    said = f"{counted(answered, 'image')} answered"
    return f"{said}, {counted(refused, 'file')} not." if refused else f"{said}."


def _thumbnail(service: Service, asked: Asked) -> bytes | None:
    try:
        upright = read_upright(asked.content, asked.name, service.limits)
    except Refusal:  # readable a moment ago, but an answer does not hang on its picture
        return None
    return _as_jpeg(_fitted(upright))


def _fitted(image: Image.Image) -> Image.Image:
    """Return a picture in the size of the page's; small ones are enlarged."""
    scale = _SIDE / max(image.size)
    width, height = (max(1, round(side * scale)) for side in image.size)
    return image.convert("RGB").resize((width, height), Image.Resampling.BICUBIC)


def _as_jpeg(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=_QUALITY)
    return buffer.getvalue()
