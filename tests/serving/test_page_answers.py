import asyncio
import io

import pytest
from PIL import Image

import dlmath
from dlmath.errors import RunError
from dlmath.serving.page_answers import answer_images
from dlmath.serving.page_asked import Asked
from dlmath.serving.refusal import Refusal
from dlmath.serving.service import Service


@pytest.fixture
def service(light_run):
    service = Service.open(light_run)
    yield service
    service.close()


def collected(service, asked):
    async def collect():
        return [shown async for shown in answer_images(service, asked)]

    return asyncio.run(collect())


def a_png(level, size=(20, 24)):
    buffer = io.BytesIO()
    Image.new("RGB", size, (level, level, level)).save(buffer, "PNG")
    return buffer.getvalue()


def test_answers_come_before_maps_and_say_what_predict_says(service, light_run, tmp_path):
    asked = [Asked("dark.png", a_png(90)), Asked("bright.png", a_png(170))]
    for one in asked:
        (tmp_path / one.name).write_bytes(one.content)
    expected = dlmath.predict(light_run, [tmp_path / one.name for one in asked])
    shown = collected(service, asked)

    assert shown[0].status == "Looking at 2 images …"
    assert all("Waiting" in card for card in shown[0].cards.values())
    first_map = next(n for n, one in enumerate(shown) if "Heat map" in "".join(one.cards.values()))
    for number, prediction in enumerate(expected):
        answers = [one.cards[number] for one in shown[1:first_map] if number in one.cards]
        assert f"Decided: <strong>{prediction.decision}</strong>" in answers[0]
        assert f"<b>{prediction.probabilities['PNEUMONIA']:.3f}</b>" in answers[0]
        assert "is being drawn" in answers[0]
    assert shown[-1].status == "2 images answered. The maps are drawn."
    assert "Save the answers as a table (CSV)" in shown[-1].summary
    assert {one.summary for one in shown if one.status and "answered" in one.status} == {
        shown[-1].summary
    }


def test_a_bad_file_has_its_reason_and_the_others_their_answers(service):
    asked = [
        Asked("a.png", a_png(90)),
        Asked("text.png", b"no image at all"),
        Asked("empty.png", b""),
        Asked("b.png", a_png(170)),
    ]
    final = {}
    statuses = []
    for shown in collected(service, asked):
        final.update(shown.cards)
        statuses += [shown.status] if shown.status else []
    assert ["Decided" in final[number] for number in range(4)] == [True, False, False, True]
    assert "Not answered:</strong> no image of a format that is read" in final[1]
    assert "Not answered:" in final[2]
    assert statuses[-1] == "2 images answered, 2 files not. The maps are drawn."


def test_without_an_answer_there_is_no_map_to_wait_for(service):
    shown = collected(service, [Asked("text.png", b"no image")])
    assert shown[-1].status == "0 images answered, 1 file not."


def test_a_model_without_maps_answers_and_says_so(service, monkeypatch):
    async def refuse(content, prediction):
        raise Refusal(404, "This network has no feature map to explain.", code="no_maps")

    monkeypatch.setattr(service, "heat_map", refuse)
    shown = collected(service, [Asked("a.png", a_png(90))])
    last = [one.cards[0] for one in shown if 0 in one.cards][-1]
    assert "Decided" in last
    assert "No map: This network has no feature map to explain." in last


def test_a_damaged_model_is_named_on_the_card(service, monkeypatch):
    async def fail(content, file):
        raise RunError("The model gives NaN for image. Train again.")

    monkeypatch.setattr(service, "predict", fail)
    last = collected(service, [Asked("a.png", a_png(90))])[-2]
    assert "The model gives NaN for image. Train again." in last.cards[0]


def test_a_visitor_who_leaves_leaves_nothing_running(service):
    async def leave_early():
        answers = answer_images(service, [Asked(f"{n}.png", a_png(90)) for n in range(5)])
        await anext(answers)
        await anext(answers)
        await answers.aclose()
        await asyncio.sleep(0)
        return asyncio.all_tasks() - {asyncio.current_task()}

    assert not [task for task in asyncio.run(leave_early()) if not task.cancelling()]
