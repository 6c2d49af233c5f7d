"""Bounds on everything that a client of the server can make large, long or many."""

from dataclasses import dataclass, fields

from dlmath.data.images import ReadLimits
from dlmath.errors import UserError

MEBIBYTE = 2**20


@dataclass(frozen=True)
class Limits:
    """Bounds of a server. The defaults fit a machine with 4 GB of memory.

    Attributes:
        body_bytes: Of one request's body. In JSON an image takes a third more, as base64.
        bodies_bytes: Of the bodies of all requests together, those being read included.
        image_bytes: Of one image file.
        pixels: Of one image. A decoded radiograph of 20 megapixels takes 60 MB.
        images: In one request.
        queue: Images that wait or are computed, of all clients together.
        maps: Heat maps that wait or are computed; each takes as long as dozens of answers.
        batch: Images that are computed together at most.
        batch_wait: Seconds that an image waits at most for others to share a batch with.
        request_seconds: That a whole request may wait for its answer.
        load_seconds: That the first heat map may take longer, since Keras is loaded for it.
        head_seconds: Within which the head of a request must have arrived.
        body_seconds: Within which the body of a request must have arrived.
        stop_seconds: That requests at work may still take when the server stops.
        connections: Open at one time.
    """

    body_bytes: int = 64 * MEBIBYTE
    bodies_bytes: int = 512 * MEBIBYTE
    image_bytes: int = 32 * MEBIBYTE
    pixels: int = 40_000_000
    images: int = 64
    queue: int = 256
    maps: int = 8
    batch: int = 8
    batch_wait: float = 0.005
    request_seconds: float = 60
    load_seconds: float = 240
    head_seconds: float = 10
    body_seconds: float = 60
    stop_seconds: float = 30
    connections: int = 256

    @property
    def of_image(self) -> ReadLimits:
        """Bounds on one image file."""
        return ReadLimits(self.image_bytes, self.pixels)

    def __post_init__(self) -> None:
        """Refuse bounds under which nothing could be answered.

        Raises:
            UserError: One of them is not positive; `batch_wait` may be zero.
        """
        for bound in fields(self):
            value = getattr(self, bound.name)
            if not (value > 0 or (bound.name == "batch_wait" and value == 0)):
                raise UserError(f"`{bound.name}` must be above 0. Received: {bound.name}={value!r}")
