"""One measured metric about a map, and whether the map passes by it."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class MapMetric:
    """A metric of one map, and whether the map passes by it.

    Attributes:
        name: Such as `deletion`.
        value: Of the map.
        bar: What the value is compared with: that of random maps, or a fixed limit.
        passed: Whether the map is on the right side of the bar.
        said: Both in one line for people.
    """

    name: str
    value: float
    bar: float
    passed: bool
    said: str

    def as_json(self) -> dict[str, Any]:
        """Return the metric without its name, for `--json`."""
        return {"value": self.value, "bar": self.bar, "passed": self.passed, "said": self.said}
