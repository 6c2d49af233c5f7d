"""Metrics of the server, in the text form that Prometheus reads.

Counts only: no image, no file name, no address of a client.
"""

from collections.abc import Callable, Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, generate_latest

from dlmath._version import __version__
from dlmath.inference.outcome import Prediction
from dlmath.serving.refusal import Refusal

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_SIZES = (1, 2, 4, 8, 16, 32, 64)


class Telemetry:
    """Counters of one server, in a registry of their own.

    Args:
        model: The name in the addresses.
        classes: All are shown from the beginning, at zero.
    """

    def __init__(self, model: str, classes: Sequence[str]):
        self.registry = registry = CollectorRegistry()
        Info("dlmath_build", "What runs here.", registry=registry).info(
            {"version": __version__, "model": model}
        )
        self._requests = Counter(
            "dlmath_requests", "Requests answered.", ("route", "status"), registry=registry
        )
        self._seconds = Histogram(
            "dlmath_request_seconds",
            "From the head of a request to the end of its answer.",
            ("route",),
            buckets=_SECONDS,
            registry=registry,
        )
        self._batches = Histogram(
            "dlmath_batch_images", "Images in a batch.", buckets=_SIZES, registry=registry
        )
        self._waiting = Gauge(
            "dlmath_images_waiting", "Images that wait or are computed.", registry=registry
        )
        self._refusals = Counter(
            "dlmath_refusals", "Requests refused.", ("reason",), registry=registry
        )
        self._decisions = Counter(
            "dlmath_decisions", "Images decided, by class.", ("decision",), registry=registry
        )
        self._abstentions = Counter(
            "dlmath_abstentions", "Images that a person should look at.", registry=registry
        )
        for name in classes:
            self._decisions.labels(name)

    def watch_waiting(self, waiting: Callable[[], float]) -> None:
        """Take the length of the queue from here whenever it is asked for."""
        self._waiting.set_function(waiting)

    def request(self, route: str, status: int, seconds: float) -> None:
        """Count an answered request."""
        self._requests.labels(route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def refused(self, refusal: Refusal) -> None:
        """Count a refusal."""
        self._refusals.labels(refusal.code).inc()

    def batch(self, images: int) -> None:
        """Count a batch."""
        self._batches.observe(images)

    def decided(self, prediction: Prediction) -> None:
        """Count an answer."""
        self._decisions.labels(prediction.decision).inc()
        if prediction.abstains:
            self._abstentions.inc()

    def text(self) -> bytes:
        """Return all counts as Prometheus reads them."""
        return generate_latest(self.registry)
