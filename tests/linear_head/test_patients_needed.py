"""What is said of the number of patients that a target takes."""

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlmath.linear_head.patients_needed import FARTHEST, Needed, needed

NEVER = math.inf


def of_420(
    size: float,
    low: float,
    high: float,
    *,
    target: float = 0.98,
    reached: float = 0.97,
    asymptote: float = 0.9777,
    unit: str = "patient",
) -> Needed:
    """What 420 patients at hand say, of whom at least 15 were trained on."""
    return needed(
        target,
        size,
        low,
        high,
        asymptote=asymptote,
        unit=unit,
        fewest=15,
        at_hand=420,
        reached=reached,
    )


@pytest.mark.parametrize(
    ("size", "low", "high", "said"),
    [
        (200, 100, 300, "about 200 of the 420 (95 %: 100 to 300)"),
        (200, 100, 900, "about 200 of the 420 (95 %: 100 to 900)"),
        (200, 0.3, 300, "about 200 of the 420 (95 %: 15 or fewer to 300)"),
        (200, 100, NEVER, "about 200 of the 420 (95 %: 100, perhaps never)"),
        (
            200,
            100,
            1e7,
            "about 200 of the 420 (95 %: 100, perhaps more than 42,000)",
        ),
        # The curve is a fit: what was measured goes before it.
        (700, 500, NEVER, "about 420 of the 420 (95 %: 420, perhaps never)"),
        (NEVER, NEVER, NEVER, "about 420 of the 420 (95 %: 420, perhaps never)"),
        # Below the fewest that were measured no curve is known.
        (
            0.2,
            0,
            40,
            "15, the fewest that were tried, of the 420 "
            "(95 %: 15 or fewer to 40)",
        ),
        (
            0.2,
            0,
            3,
            "15, the fewest that were tried, of the 420 (95 %: 15 or fewer)",
        ),
    ],
)  # fmt: skip
def test_what_is_at_hand_is_said_to_suffice(
    size: float, low: float, high: float, said: str
) -> None:
    found = of_420(size, low, high, target=0.96, reached=0.965)

    said = said.replace("of the 420", "of the 420 training patients at hand")
    assert found.message == f"An AUC of 0.96 is reached already with {said}"


@pytest.mark.parametrize(
    ("size", "low", "high", "said"),
    [
        (
            700,
            500,
            900,
            "about 700 training patients, 280 more than the 420 at hand (95 %: 500 to 900)",
        ),
        (
            700,
            48,
            900,
            "about 700 training patients, 280 more than the 420 at hand "
            "(95 %: perhaps no more than those at hand, at most 900)",
        ),
        (
            700,
            48,
            NEVER,
            "about 700 training patients, 280 more than the 420 at hand "
            "(95 %: perhaps no more than those at hand, perhaps never)",
        ),
        (
            1e6,
            500,
            NEVER,
            "more than 42,000 training patients, 100 times those at hand: too far off for a number "
            "(95 %: 500, perhaps never)",
        ),
        (
            1e6,
            1e5,
            1e7,
            "more than 42,000 training patients, 100 times those at hand: too far off for a number "
            "(95 %: more than that too)",
        ),
        # The curve crosses the target just before the end, where the measurement does not.
        (
            400,
            300,
            500,
            "hardly more than the 420 training patients at hand, which gave 0.9700 "
            "(95 %: perhaps no more than those at hand, at most 500)",
        ),
    ],
)
def test_what_more_it_takes_is_counted(size: float, low: float, high: float, said: str) -> None:
    assert of_420(size, low, high).message == f"An AUC of 0.98 takes {said}"


@pytest.mark.parametrize(
    ("low", "said"),
    [
        (NEVER, ", and the 95 % interval has no number either"),
        (48, ". The 95 % interval is wide: perhaps those at hand suffice, perhaps none do"),
        (900, ". The 95 % interval begins at 900 patients and has no end"),
        (1e6, ". Within the 95 % interval lies a number above 42,000"),
    ],
)
def test_what_is_never_reached_is_said_with_what_the_interval_leaves(low: float, said: str) -> None:
    found = of_420(NEVER, low, NEVER)

    assert found.message == (
        "By this curve no number of training patients reaches an AUC of 0.98: it flattens at "
        f"0.9777{said}"
    )
    assert (found.count, found.high, found.reachable, found.may_never) == (None, None, False, True)


def test_a_number_just_below_the_target_reads_as_below() -> None:
    assert "flattens at 0.979998" in of_420(NEVER, NEVER, NEVER, asymptote=0.979998).message
    assert "which gave 0.97999" in of_420(400, 300, 500, reached=0.97999).message


sizes = st.floats(0, 1e12) | st.just(NEVER)


@given(st.tuples(sizes, sizes), sizes, st.floats(0.6, 0.99), st.sampled_from(["patient", "image"]))
def test_every_answer_is_possible_and_agrees_with_itself(
    ends: tuple[float, float], size: float, reached: float, unit: str
) -> None:
    low, high = sorted(ends)
    found = of_420(size, low, high, reached=reached, unit=unit)
    count, least, most = (
        math.inf if n is None else n for n in (found.count, found.low, found.high)
    )

    assert 15 <= least <= count <= most
    assert all(n is None or n <= FARTHEST * 420 for n in (found.count, found.low, found.high))
    assert (count <= 420) == (reached >= 0.98) or count == 420
    assert ("reached already" in found.message) == (reached >= 0.98)
    assert f"{unit}s" in found.message
    assert ("patient" in found.message) == (unit == "patient")
    assert not re.search(r"\b0 (patient|image)|-\d", found.message)
    assert not found.may_never or most == math.inf
    if "never" in found.message:
        assert found.may_never
