"""Blocks of what recurrences and attention learn; see `benchmarks/tables.py`."""

from typing import Any

from benchmarks.tables import block, interval, load, table

RESULT = "sequence-learning"


@block
def sequence_networks() -> str:
    """Return the rate of each network, its width and its number of weights on each task."""
    result = load(RESULT)
    last = {key.rsplit(", ", 1)[0]: one["networks"] for key, one in result["figures"].items()}
    rows = []
    for network, rate in result["rates"].items():
        sizes = (f"{one[network]['weights']:,} ({one[network]['width']})" for one in last.values())
        rows.append([network, f"{rate:g}", *sizes])
    return table(["network", "rate:", *(f"{task}, weights (width):" for task in last)], rows)


@block
def sequence_left() -> str:
    """Return what is left to learn at the end, and after how many steps a tenth was left."""
    result = load(RESULT)
    steps = result["plan"]["training"]["steps"]
    networks = list(result["rates"])
    left, reached = [], []
    for name, one in result["figures"].items():
        of = [one["networks"][network] for network in networks]
        left.append([name, *(interval(each["left"]) for each in of)])
        reached.append([name, *(_steps(each["steps"]) for each in of)])
    heads = [f"{network}:" for network in networks]
    return "\n".join(
        [
            table([f"left to learn after {steps} steps", *heads], left),
            table(["steps until a tenth is left", *heads], reached),
        ]
    )


def _steps(found: list[int | None]) -> str:
    """Return the range of the steps, and of how many seeds it is."""
    there = [one for one in found if one is not None]
    if not there:
        return f"none of {len(found)}"
    ends = " to ".join(str(one) for one in sorted({min(there), max(there)}))
    return ends if len(there) == len(found) else f"{ends}, {len(there)} of {len(found)}"


@block
def sequence_differences() -> str:
    """Return how much more one network has left than another, mean over the course."""
    figures: dict[str, Any] = load(RESULT)["figures"]
    pairs = list(next(iter(figures.values()))["differences"])
    rows = [
        [name, *(interval(one["differences"][pair], "+.3f") for pair in pairs)]
        for name, one in figures.items()
    ]
    return table(["left, mean over the steps", *(f"{pair}:" for pair in pairs)], rows)
