import asyncio

import pytest

from dlmath.serving.page_turns import Turns

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend():
    """Uvicorn's event loop is asyncio's."""
    return "asyncio"


async def is_last(turns, visitor, choice):
    async with turns.update(visitor, choice) as found:
        return found


async def test_an_older_choice_is_none_and_has_no_update():
    turns = Turns()
    assert turns.begin("one", 2)
    assert not turns.begin("one", 1)
    assert not turns.begin("one", 2)
    assert await is_last(turns, "one", 2)
    assert turns.begin("one", 3)
    assert not await is_last(turns, "one", 2)


async def test_a_choice_without_a_number_is_none():
    assert not Turns().begin("one", 0)


async def test_visitors_do_not_meet():
    turns = Turns()
    assert turns.begin("one", 5)
    assert turns.begin("another", 1)
    async with turns.update("one", 5):
        assert await is_last(turns, "another", 1)


async def test_who_left_has_no_update_and_may_come_again():
    turns = Turns()
    turns.begin("one", 1)
    turns.forget("one")
    turns.forget("one")
    assert not await is_last(turns, "one", 1)
    assert turns.begin("one", 2)


async def test_an_update_is_sent_before_those_of_a_later_choice():
    turns, sent = Turns(), []
    turns.begin("one", 1)
    sending = asyncio.Event()

    async def later():
        turns.begin("one", 2)
        sending.set()
        async with turns.update("one", 2):
            sent.append(2)

    async with turns.update("one", 1) as last:
        task = asyncio.create_task(later())
        await sending.wait()
        await asyncio.sleep(0)
        sent.append(1)
    await task
    assert (last, sent) == (True, [1, 2])
