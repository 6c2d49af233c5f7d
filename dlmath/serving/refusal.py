"""The refusal of a request: an HTTP status and a reason, for the API and for the page."""

from dlmath.data.image_headers import BadImage, FaultKind

# The file arrived whole and is of a kind that is read, but this one cannot be used: 422. Of another
# kind: 415. A file that claims to be larger than is taken: 413.
_STATUS_OF: dict[FaultKind, int] = {"mislabelled": 415, "oversized": 413}
_UNUSABLE = 422


class Refusal(Exception):
    """A request is not answered.

    Args:
        status: Of HTTP: 400, 404, 408, 411, 413, 415, 422, or 503 where it is not the client's
            fault.
        reason: One sentence or two for the client; nothing about the server's files.
        retry_after: Seconds after which another try may do better; None where it will not.
        code: A short name of the reason, for the metrics.
    """

    def __init__(
        self, status: int, reason: str, retry_after: int | None = None, *, code: str = "input"
    ):
        super().__init__(reason)
        self.status = status
        self.reason = reason
        self.retry_after = retry_after
        self.code = code


def bad_image(error: BadImage) -> Refusal:
    """Return the refusal of an image file."""
    return Refusal(_STATUS_OF.get(error.kind, _UNUSABLE), str(error), code=error.kind)
