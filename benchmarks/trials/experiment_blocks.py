"""Blocks of docs/experiments.md: what experiments notice, and what they say on other seeds."""

from typing import Any

from benchmarks.tables import block, load, table
from dlmath.maths.mutants import NOTICED, Explanations, Mutant
from dlmath.maths.mutants.breaks import BREAKS

NAMED = 6  # experiments that are listed of those that notice a break


@block
def experiment_mutants() -> str:
    """Return a row for each experiment: mutants tried, noticed, explained and not."""
    found = _audits()
    rows = [_counts(f"**all {len(found)}**", list(found.values()))]
    rows += [_counts(f"`{name}`", [one]) for name, one in found.items()]
    heads = ["experiment", "tried:", "fails:", "raises:", "does not end:", "explained:"]
    return table([*heads, "not noticed:", "noticed of the rest:"], rows)


def _audits() -> dict[str, Any]:
    """Return the audits, each survivor with its reason as it is known now."""
    found, explanations = load("experiment-mutants")["mutants"], Explanations.read()
    for name, audit in found.items():
        for one in audit["survivors"]:
            one["why"] = explanations.why(name, Mutant(**one))
    return found


def _counts(name: str, found: list[dict[str, Any]]) -> list[object]:
    tried = sum(one["tried"] for one in found)
    ways = [sum(one[how] for one in found) for how in NOTICED]
    explained = sum(bool(survivor["why"]) for one in found for survivor in one["survivors"])
    left = tried - sum(ways) - explained
    share = f"{sum(ways) / max(tried - explained, 1):.1%}"
    return [name, f"{tried:,}", *(f"{way:,}" for way in ways), explained, left, share]


@block
def experiment_survivors() -> str:
    """Return a row for each mutant that an experiment does not notice, and the reason."""
    rows = [
        [
            f"`{name}`",
            f"`{one['file'].rpartition('/')[2]}`, {one['line']}",
            one["change"],
            one["why"] or "**none is known**",
        ]
        for name, audit in _audits().items()
        for one in audit["survivors"]
    ]
    return table(["experiment", "line", "change", "why it is not noticed"], rows)


@block
def experiment_breaks() -> str:
    """Return a row for each break: which experiments notice it."""
    found = load("experiment-mutants")["breaks"]
    rows = []
    for one in BREAKS:
        names = found[one.what]
        # The one that is about it first; the others say how far the mistake is seen.
        names = sorted(names, key=lambda name: name != one.experiment)
        more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
        listed = ", ".join(f"`{name}`" for name in names[:NAMED])
        rows.append([one.what, listed + more or "**nothing**"])
    return table(["break", "noticed by"], rows)


@block
def experiment_seeds() -> str:
    """Return the wrong verdicts on other seeds, and how many runs there were."""
    found = load("experiment-mutants")["seeds"]
    rows = [
        [f"`{name}`", _listed(one["fails"]), _listed(one["sabotage_holds"])]
        for name, one in found.items()
        if one["fails"] or one["sabotage_holds"]
    ]
    wrong = [sum(len(one[part]) for one in found.values()) for part in ("fails", "sabotage_holds")]
    said = (
        f"{len(found)} experiments draw at random. On 34 seeds each, {wrong[0]} of "
        f"{34 * len(found):,} runs fail that should hold, and {wrong[1]} sabotages hold that "
        "should fail.\n"
    )
    if not rows:
        return said
    return f"{said}\n{table(['experiment', 'fails on seeds', 'sabotage holds on seeds'], rows)}"


def _listed(seeds: list[int]) -> str:
    return ", ".join(map(str, seeds)) or "none"
