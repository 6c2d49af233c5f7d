"""Which choice of each visitor of the page is the last one, and that nothing older follows it.

A visitor may choose again before the answers are there, and the network may bring the second
choice first. So the browser numbers its choices, and whatever belongs to an older one is dropped:
here when it arrives, here before each update, and in the browser before it is shown.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass
class _Visitor:
    choice: int = 0  # the highest number that came
    updating: asyncio.Lock = field(default_factory=asyncio.Lock)


class Turns:
    """The visitors of one page, from one event loop."""

    def __init__(self) -> None:
        self._visitors: dict[str, _Visitor] = {}

    def begin(self, visitor: str, choice: int) -> bool:
        """Note a choice; False where the visitor has chosen something else since."""
        known = self._visitors.setdefault(visitor, _Visitor())
        if choice <= known.choice:
            return False
        known.choice = choice
        return True

    @asynccontextmanager
    async def update(self, visitor: str, choice: int) -> AsyncIterator[bool]:
        """Keep other updates of the visitor waiting; gives whether the choice is still the last.

        Held over a `yield` to Gradio, which asks for the next update when it has sent this one: so
        an update is sent before those of a later choice, or not at all.
        """
        known = self._visitors.get(visitor, _Visitor())  # one who left has no choice
        async with known.updating:
            yield known.choice == choice

    def forget(self, visitor: str) -> None:
        """Forget a visitor who left."""
        self._visitors.pop(visitor, None)
