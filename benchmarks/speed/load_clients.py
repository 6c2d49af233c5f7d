"""The clients of `load.py`: each does one kind of thing again and again, and notes what it got."""

import asyncio
import itertools
import statistics
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from api_forms import entries_in, in_json, with_files  # next to this file
from load_requests import Bad, bad_requests, huge_requests
from raw_http import Request, Response, cut_off, send

from dlmath.inference.outcome import Prediction

# A batch of another size adds the same numbers in another order.
TOLERANCE = 1e-6
GOOD = ("json", "files")
# Of 64 clients, how many do what.
ROLES = {"json": 20, "files": 20, "bad": 8, "huge": 4, "slow": 4, "stalled": 2, "cut off": 6}
STATUS_STALLED = 408
PAUSE = 0.2  # seconds between two requests of who only disturbs


@dataclass(frozen=True)
class Expected:
    """An image file, and what `dlmath predict` says of it."""

    name: str
    content: bytes
    said: Prediction

    @classmethod
    def of(cls, said: Prediction) -> "Expected":
        file = Path(said.file)
        return cls(file.name, file.read_bytes(), said)


@dataclass
class Tally:
    """What the clients got, all together.

    Attributes:
        statuses: How often each role got each status, or an error.
        wrong: What was answered otherwise than it should have been.
        seconds: Of good requests, from the connection to the last byte of the answer.
        good_images: Answered right.
        waited: 503s after which a client came back when it was told to.
        largest_difference: Of a probability from that of `predict`.
    """

    statuses: dict[str, Counter[str]] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    good_images: int = 0
    waited: int = 0
    largest_difference: float = 0.0

    def note(self, role: str, outcome: str) -> None:
        self.statuses.setdefault(role, Counter())[outcome] += 1

    def as_json(self, seconds: float) -> dict:
        return {
            "statuses": {
                role: dict(sorted(found.items())) for role, found in self.statuses.items()
            },
            "good_images": self.good_images,
            "images_per_second": self.good_images / seconds,
            "p50_seconds": statistics.median(self.seconds),
            "p99_seconds": statistics.quantiles(self.seconds, n=100)[98],
            "waited_after_503": self.waited,
            "largest_difference": self.largest_difference,
            "tolerance": TOLERANCE,
            "wrong": len(self.wrong),
            "wrong_examples": self.wrong[:5],
        }


class Clients:
    """Ask one server.

    Args:
        port: Of it.
        name: Of the model, in addresses.
        expected: Images with their right answers.
        most: Images in a good request at most.
    """

    def __init__(self, port: int, name: str, expected: Sequence[Expected], most: int = 4):
        self.port = port
        self.name = name
        self.expected = expected
        self.most = most
        self.tally = Tally()
        self.bad = bad_requests(name, expected[0].content)
        self.huge = huge_requests(name)

    async def run(self, roles: Mapping[str, int], seconds: float) -> Tally:
        """Let all clients do what their role is until the time is over; finish what is begun."""
        until = time.monotonic() + seconds
        numbers = itertools.count()
        await asyncio.gather(
            *(
                self._repeat(role, next(numbers), until)
                for role, clients in roles.items()
                for _ in range(clients)
            )
        )
        return self.tally

    async def _repeat(self, role: str, number: int, until: float) -> None:
        turns = itertools.count(number)  # so that no two clients are in step
        act = {
            "json": self._good,
            "files": self._good,
            "slow": self._slow,
            "bad": self._refused,
            "huge": self._refused,
            "stalled": self._stalled,
            "cut off": self._cut_off,
        }[role]
        while time.monotonic() < until:
            try:
                await act(role, next(turns))
            except ConnectionError as error:
                self.tally.note(role, type(error).__name__)
                self.tally.wrong.append(f"{role}: {error}")

    def _images(self, turn: int) -> list[Expected]:
        """Return one to `most` images."""
        first = 7 * turn
        return [
            self.expected[(first + i) % len(self.expected)] for i in range(1 + turn % self.most)
        ]

    def _request(self, role: str, images: Sequence[Expected]) -> Request:
        files = {one.name: one.content for one in images}
        return with_files(files) if role == "files" else in_json(self.name, files)

    async def _good(self, role: str, turn: int) -> None:
        images = self._images(turn)
        began = time.perf_counter()
        response = await send(self.port, self._request(role, images))
        seconds = time.perf_counter() - began
        if response.status == 200:
            self.tally.seconds.append(seconds)
        await self._judge(role, response, images)

    async def _slow(self, role: str, turn: int) -> None:
        """Dribble a good request, within what the server allows."""
        images = self._images(turn)[:1]
        request = self._request("files", images)
        response = await send(self.port, request, pause=0.5, piece=1 + len(request.body) // 10)
        await self._judge(role, response, images)

    async def _judge(self, role: str, response: Response, images: Sequence[Expected]) -> None:
        """Compare an answer with `predict`; after a 503 wait for as long as it says."""
        self.tally.note(role, str(response.status))
        if response.status == 503:
            await asyncio.sleep(int(response.headers["retry-after"]))
            self.tally.waited += 1
        elif response.status != 200:
            self.tally.wrong.append(f"{role}: {response.status} {response.body[:200]!r}")
        else:
            self._compare(role, response, images)

    def _compare(self, role: str, response: Response, images: Sequence[Expected]) -> None:
        answers = [entry["probabilities"] for entry in entries_in(response.json())]
        off = [
            abs(answer[name] - one.said.probabilities[name])
            for one, answer in zip(images, answers, strict=True)
            for name in one.said.probabilities
        ]
        self.tally.largest_difference = max(self.tally.largest_difference, *off)
        if max(off) <= TOLERANCE:
            self.tally.good_images += len(images)
        else:
            self.tally.wrong.append(f"{role}: off by {max(off):.2g}")

    async def _refused(self, role: str, turn: int) -> None:
        kinds: Sequence[Bad] = self.bad if role == "bad" else self.huge
        bad = kinds[turn % len(kinds)]
        response = await send(self.port, bad.request)
        self.tally.note(role, f"{bad.name}: {response.status}")
        if response.status == 503:
            await asyncio.sleep(int(response.headers["retry-after"]))
        elif response.status != bad.status:
            self.tally.wrong.append(f"{bad.name}: {response.status}, not {bad.status}")
        await asyncio.sleep(PAUSE)

    async def _stalled(self, role: str, turn: int) -> None:
        """Send half a body and wait: the server must give up, and say so."""
        request = self._request("json", self._images(turn)[:1])
        response = await send(self.port, request, pause=600, piece=len(request.body) // 2)
        self.tally.note(role, str(response.status))
        if response.status != STATUS_STALLED:
            self.tally.wrong.append(f"{role}: {response.status}, not {STATUS_STALLED}")

    async def _cut_off(self, role: str, turn: int) -> None:
        """Reset the connection in the head, in the body, or while the answer is computed."""
        share = (0.01, 0.3, 0.9, 1.0)[turn % 4]
        await cut_off(self.port, self._request(GOOD[turn % 2], self._images(turn)), share)
        self.tally.note(role, f"after {share:.0%}")
        await asyncio.sleep(PAUSE)

    async def stopped(self, stop: Callable[[], None], clients: int = 64) -> dict:
        """Have a request of each client under way, stop the server, and count the answers."""
        requests = [self._images(number) for number in range(clients)]
        asked = [
            asyncio.ensure_future(send(self.port, self._request("json", images)))
            for images in requests
        ]
        # The first answer: by then all have been sent, and most wait for their turn.
        await asyncio.wait(asked, return_when=asyncio.FIRST_COMPLETED)
        done = sum(one.done() for one in asked)
        stop()
        responses = await asyncio.gather(*asked, return_exceptions=True)
        for images, response in zip(requests, responses, strict=True):
            if isinstance(response, Response) and response.status == 200:
                self._compare("stop", response, images)
        statuses = Counter(
            str(one.status) if isinstance(one, Response) else type(one).__name__
            for one in responses
        )
        return {
            "in_flight": clients - done,
            "answered_before": done,
            "statuses": dict(statuses),
            "wrong": len(self.tally.wrong),
        }
