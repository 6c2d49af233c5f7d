"""The service itself: full, closing, too slow, and the names of models."""

import asyncio
import io
import threading
from concurrent.futures import Future
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dlmath.errors import UserError
from dlmath.inference.classifier import Classifier
from dlmath.inference.decision_rule import Threshold
from dlmath.inference.export_files import ONNX
from dlmath.serving.limits import Limits
from dlmath.serving.refusal import Refusal
from dlmath.serving.service import Service, name_of

pytestmark = pytest.mark.anyio
SIZE = 4


@pytest.fixture
def anyio_backend() -> str:
    """Uvicorn's event loop is asyncio's."""
    return "asyncio"


class Held(Classifier):
    """Answers by the brightness of an image, when it is let."""

    batch_size = 8

    def __init__(self) -> None:
        super().__init__(("DARK", "LIGHT"), SIZE, "LIGHT", Threshold(0.5, "validation"))
        object.__setattr__(self, "let", threading.Event())

    def compute(self, batch: np.ndarray) -> dict[str, np.ndarray]:
        """Return the brightness as a probability, as soon as that is let."""
        self.let.wait()  # type: ignore[attr-defined]
        light = batch.mean(axis=(1, 2, 3)) / 255
        return {"probabilities": np.stack([1 - light, light], axis=1)}


def picture(shade: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("L", (SIZE, SIZE), shade).save(buffer, "PNG")
    return buffer.getvalue()


def held_service(**limits: float) -> tuple[Service, threading.Event]:
    classifier = Held()
    bounds = Limits(**limits)  # type: ignore[arg-type]
    service = Service("shades", classifier, Path("an-export"), bounds)
    return service, classifier.let  # type: ignore[attr-defined]


async def taken(service: Service, number: int) -> None:
    while service.waiting < number:
        await asyncio.sleep(0)


async def test_a_full_server_refuses_and_answers_what_it_took() -> None:
    service, let = held_service(queue=2)
    asked = [asyncio.create_task(service.predict(picture(shade), "a")) for shade in (0, 255)]
    await taken(service, 2)

    with pytest.raises(Refusal) as refused:
        await service.predict(picture(0), "one too many")
    let.set()
    answers = await asyncio.gather(*asked)
    again = await service.predict(picture(0), "now")
    service.close()

    assert (refused.value.status, refused.value.retry_after) == (503, 1)
    assert [answer.decision for answer in answers] == ["DARK", "LIGHT"]
    assert again.decision == "DARK"
    assert service.waiting == 0


async def test_an_answer_that_takes_too_long_is_refused_and_leaves_its_place() -> None:
    service, let = held_service(request_seconds=0.05, queue=1)

    with pytest.raises(Refusal) as refused:
        await service.predict(picture(0), "a")
    waiting = service.waiting
    let.set()
    service.close()

    assert refused.value.status == 503
    assert waiting == 0


async def test_the_first_map_may_wait_for_keras(monkeypatch) -> None:
    service, let = held_service()
    let.set()
    prediction = await service.predict(picture(0), "a")
    service.limits = Limits(request_seconds=0.05)
    drawn: Future[str] = Future()
    monkeypatch.setattr(service._map_maker, "submit", lambda *arguments: drawn)

    asked = asyncio.create_task(service.heat_map(picture(0), prediction))
    await asyncio.sleep(0.2)  # longer than an answer may take
    drawn.set_result("a map")

    assert await asked == "a map"
    service.close()


async def test_what_waits_at_the_end_is_answered_and_what_comes_later_refused() -> None:
    service, let = held_service()
    asked = asyncio.create_task(service.predict(picture(255), "a"))
    await taken(service, 1)
    service.stop_accepting()

    with pytest.raises(Refusal, match="stopping"):
        await service.predict(picture(0), "late")
    let.set()

    assert (await asked).positive is True
    service.close()


async def test_an_export_without_gradients_gives_no_maps(tmp_path: Path) -> None:
    (tmp_path / ONNX).touch()
    service = Service("shades", classifier := Held(), tmp_path, Limits())
    classifier.let.set()  # type: ignore[attr-defined]

    with pytest.raises(Refusal, match="heat maps") as refused:
        await service.explain(picture(0), "a")
    service.close()

    assert refused.value.status == 404
    assert str(refused.value) == service.why_no_maps


async def test_no_more_maps_are_asked_for_than_there_are_places(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    service, let = held_service(maps=1)
    let.set()
    begun, leave = threading.Event(), threading.Event()

    def explain(*_: object) -> str:
        begun.set()
        leave.wait()
        return "map"

    monkeypatch.setattr("dlmath.serving.maps.MapMaker._map", explain)
    monkeypatch.setattr("dlmath.serving.service.draw_sheet", lambda *_: b"sheet")
    first = asyncio.create_task(service.explain(picture(0), "a"))
    await asyncio.to_thread(begun.wait)

    with pytest.raises(Refusal, match="busy"):
        await service.explain(picture(0), "b")
    leave.set()

    assert await first == b"sheet"
    service.close()


def test_a_model_has_the_name_of_its_task(tiny_run: object) -> None:
    assert name_of(tiny_run) == "tiny"  # type: ignore[arg-type]


@pytest.mark.parametrize("bound", ["queue", "body_seconds", "batch"])
def test_a_bound_of_nothing_is_refused(bound: str) -> None:
    with pytest.raises(UserError, match=bound):
        Limits(**{bound: 0})
