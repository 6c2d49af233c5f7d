import asyncio
from types import SimpleNamespace

import pytest

from dlmath.serving.limits import Limits
from dlmath.serving.page_asked import Asked
from dlmath.serving.page_room import Room, check_fetched
from dlmath.serving.refusal import Refusal


def test_images_of_all_visitors_together_have_a_bound():
    room = Room(Limits(bodies_bytes=10))
    six = [Asked("a.png", b"123"), Asked("b.png", b"456")]
    with room.hold(six):
        with pytest.raises(Refusal, match="too much") as refused, room.hold(six):
            pass
        with room.hold([Asked("c.png", b"1234")]):
            pass
    assert refused.value.status == 503
    with room.hold(six):  # there is room again
        pass


class Waiting(dict):
    """As Gradio's, which drops the oldest beyond its size."""

    max_size = 2000


def test_who_fetches_nothing_is_refused():
    waiting = Waiting(lazy=asyncio.Queue())
    blocks = SimpleNamespace(_queue=SimpleNamespace(pending_messages_per_session=waiting))
    check_fetched(blocks, "new")
    assert waiting.max_size == 64
    for _ in range(48):
        waiting["lazy"].put_nowait("an answer")
    check_fetched(blocks, "lazy")
    waiting["lazy"].put_nowait("one more")
    with pytest.raises(Refusal, match="not fetched"):
        check_fetched(blocks, "lazy")
