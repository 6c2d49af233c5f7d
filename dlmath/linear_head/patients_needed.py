"""Number of training patients that a target takes, in numbers and in a sentence."""

import math
from dataclasses import dataclass

# An extrapolation to more than this many times what was measured is no number to plan by.
FARTHEST = 100


@dataclass(frozen=True)
class Needed:
    """Number of training patients, or images, that a target takes.

    Attributes:
        target: An AUC.
        unit: patient, or image where the patients are not known.
        at_hand: How many there are.
        count: How many it takes, from the fewest that were measured to 100 times those at hand;
            None where it takes more, or the curve flattens below the target.
        low: Lower end of the 95 % interval of that; None as `count`.
        high: Its upper end; None as `count`.
        reachable: Whether the curve reaches the target at all.
        may_never: Whether the interval includes that the target is never reached.
        asymptote: What the AUC tends to, by the curve.
        message: The same in a sentence.
    """

    target: float
    unit: str
    at_hand: int
    count: int | None
    low: int | None
    high: int | None
    reachable: bool
    may_never: bool
    asymptote: float
    message: str


def needed(
    target: float,
    size: float,
    low: float,
    high: float,
    *,
    asymptote: float,
    unit: str,
    fewest: int,
    at_hand: int,
    reached: float,
) -> Needed:
    """Return how many it takes, such that value, interval and measurement agree.

    Args:
        target: An AUC.
        size: Where the fitted curve reaches it; infinite where it does not.
        low: Lower end of the 95 % interval of that.
        high: Its upper end.
        asymptote: What the fitted curve tends to.
        unit: patient or image.
        fewest: The smallest training set that was measured: no curve is known below it.
        at_hand: The largest one, all there are.
        reached: The AUC that was measured there.
    """
    size = min(size, at_hand) if reached >= target else max(size, at_hand)
    size = max(size, fewest)
    low, high = max(min(low, size), fewest), max(high, size)
    count, least, most = (_whole(one, FARTHEST * at_hand) for one in (size, low, high))
    sentence = _Sentence(unit, fewest, at_hand, target, reached, asymptote)
    return Needed(
        target=target,
        unit=unit,
        at_hand=at_hand,
        count=count,
        low=least,
        high=most,
        reachable=math.isfinite(size),
        may_never=math.isinf(high),
        asymptote=asymptote,
        message=sentence.of(size, low, high),
    )


def _whole(size: float, farthest: int) -> int | None:
    # Rounding must not make 100 patients 101.
    return math.ceil(size * (1 - 1e-9)) if size <= farthest else None


@dataclass(frozen=True)
class _Sentence:
    """Says in words what `needed` found."""

    unit: str
    fewest: int
    at_hand: int
    target: float
    reached: float
    asymptote: float

    def of(self, size: float, low: float, high: float) -> str:
        if math.isinf(size):
            flat = _rounded_below(self.asymptote, self.target)
            return (
                f"By this curve no number of training {self.unit}s reaches an AUC of "
                f"{self.target:g}: it flattens at {flat}{self._unless(low)}"
            )
        return f"An AUC of {self.target:g} {self._point(size)} (95 %: {self._interval(low, high)})"

    def _point(self, size: float) -> str:
        units, all_there_are = f"{self.unit}s", f"{self.at_hand:,}"
        count = _whole(size, FARTHEST * self.at_hand)
        if count is None:
            return f"takes more than {FARTHEST * self.at_hand:,} training {units}, {self._too_far}"
        if self.reached < self.target:
            if count == self.at_hand:
                return (
                    f"takes hardly more than the {all_there_are} training {units} at hand, which "
                    f"gave {_rounded_below(self.reached, self.target)}"
                )
            more = f"{count - self.at_hand:,} more than the {all_there_are} at hand"
            return f"takes about {count:,} training {units}, {more}"
        if count == self.fewest:
            return (
                f"is reached already with {count:,}, the fewest that were tried, of the "
                f"{all_there_are} training {units} at hand"
            )
        enough = f"about {count:,} of the {all_there_are} training {units} at hand"
        return f"is reached already with {enough}"

    @property
    def _too_far(self) -> str:
        return f"{FARTHEST} times those at hand: too far off for a number"

    def _interval(self, low: float, high: float) -> str:
        least, most = (_whole(one, FARTHEST * self.at_hand) for one in (low, high))
        if least is None:
            return "more than that too, or never" if math.isinf(high) else "more than that too"
        start = f"{least:,} or fewer" if least == self.fewest else f"{least:,}"
        if self.reached < self.target and least <= self.at_hand:
            start = "perhaps no more than those at hand"
        if most is not None:
            if most == least:
                return start
            return f"{start}, at most {most:,}" if "perhaps" in start else f"{start} to {most:,}"
        end = "never" if math.isinf(high) else f"more than {FARTHEST * self.at_hand:,}"
        return f"{start}, perhaps {end}"

    def _unless(self, low: float) -> str:
        if math.isinf(low):
            return ", and the 95 % interval has no number either"
        least = _whole(low, FARTHEST * self.at_hand)
        if least is None:
            return f". Within the 95 % interval lies a number above {FARTHEST * self.at_hand:,}"
        if least <= self.at_hand:
            return ". The 95 % interval is wide: perhaps those at hand suffice, perhaps none do"
        return f". The 95 % interval begins at {least:,} {self.unit}s and has no end"


def _rounded_below(value: float, limit: float) -> str:
    """Return a value below a limit with at least 4 digits, and so many that it reads as below."""
    for digits in range(4, 16):
        text = f"{value:.{digits}f}"
        if float(text) < limit:
            return text
    return repr(value)
