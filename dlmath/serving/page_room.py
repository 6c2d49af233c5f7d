"""How much the page holds at once: Gradio keeps what was asked and what nobody fetches unbounded.

A browser asks by one request and fetches the answers by another, so that the bounds on requests end
before the work does. Who asks and never fetches would fill the memory.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from dlmath.serving.limits import Limits
from dlmath.serving.page_asked import Asked
from dlmath.serving.refusal import Refusal

if TYPE_CHECKING:
    import gradio as gr

_VISITORS = 64  # whose answers wait to be fetched; those of the oldest are dropped
_MESSAGES = 48  # that wait for one of them: a choice of 12 images makes up to 40


class Room:
    """The room of one page.

    Args:
        limits: `bodies_bytes` bounds the images of all visitors together.
    """

    def __init__(self, limits: Limits):
        self._most = limits.bodies_bytes
        self._held = 0

    @contextmanager
    def hold(self, asked: Sequence[Asked]) -> Iterator[None]:
        """Hold images for the block.

        Raises:
            Refusal: There is no room for them.
        """
        size = sum(len(one.content) for one in asked)
        if self._held + size > self._most:
            raise Refusal(503, "The server holds too much at once. Try again.", 1, code="memory")
        self._held += size
        try:
            yield
        finally:
            self._held -= size


def check_fetched(blocks: "gr.Blocks", visitor: str) -> None:
    """Refuse a visitor who does not fetch answers.

    Raises:
        Refusal: Too many wait.
    """
    waiting: Any = blocks._queue.pending_messages_per_session
    waiting.max_size = _VISITORS
    messages = waiting.get(visitor)
    if messages is not None and messages.qsize() > _MESSAGES:
        raise Refusal(503, "Earlier answers were not fetched.", 1, code="unfetched")
