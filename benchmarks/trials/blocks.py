"""Blocks of what was tried to break things, and what came of it; see `benchmarks/tables.py`."""

import re
import tomllib
from collections import Counter
from pathlib import Path
from textwrap import shorten
from typing import Any

from benchmarks.tables import block, load, table
from dlmath.serving.limits import MEBIBYTE, Limits
from tests.support.bad_requests import BAD_REQUESTS

SURVIVORS = Path(__file__).parent / "mutations" / "survivors.toml"
LONGEST = 160  # characters in a cell


@block
def planted() -> str:
    """Return a row for each kind of fault that was planted, then what became of clean sets."""
    result = load("planted-faults")
    together = result["together"]
    found = [
        [fault, f"{found:,}", f"{of:,}"]
        for fault, (found, of) in together["found_and_planted"].items()
    ]
    sets = [[name, f"{one['images']:,}"] for name, one in result["sets"].items()]
    mutated = load("mutated-files")
    return "\n".join(
        [
            table(["planted", "found:", "of:"], found),
            table(["clean set", "images:"], sets),
            f"False alarms on the clean sets: {together['false_alarms']}. "
            f"{mutated['files']:,} mutated image files: {len(mutated['crashes'])} crashes, "
            f"{len(mutated['hangs'])} hangs, {len(mutated['disagreements'])} disagreements.\n",
        ]
    )


@block
def hostile() -> str:
    """Return a row for each hostile model file: what it tries, and what becomes of it."""
    result = load("hostile_files")
    rows = []
    for one in result["files"]:
        ways = one["entrances"].values()
        refused = sum(way["exit_code"] == 2 for way in ways)
        read = sum(way["exit_code"] == 0 for way in ways)
        traces = sum(len(way["side_effects"]) for way in ways)
        because = _reason(one["entrances"]["dlmath.load(FILE)"]["message"])
        counts = f"{refused} of {len(ways)}", read or "never"
        rows.append([one["hole"], one["tries"], *counts, traces or "none", because])
    summary = result["summary"]
    heads = ["hole", "it tries", "refused", "read as numbers", "side effects", "because"]
    return (
        f"{table(heads, rows)}\nWays in: {', '.join(f'`{way}`' for way in summary['entrances'])}. "
        f"Attempts: {summary['tried']}; refused with exit code 2 and one message: "
        f"{summary['refused']}; read as numbers: {summary['read']}; side effects: "
        f"{summary['side_effects'] or 'none'}.\n"
    )


def _reason(message: str) -> str:
    """Return what is particular about a message; there is none where the weights were read."""
    if not message:
        return "its description is not read"
    found = re.search(r"is not loaded: (.*?)\. No network", message)
    found = found or re.search(r"the file is damaged \((.*)\)", message)
    return found[1] if found else message


@block
def downloads() -> str:
    """Return a row for each fault of a download: what the command did, and what it did after."""
    rows = []
    for one in load("download-faults")["faults"]:
        during, after = one["with"], one["afterwards"]
        told = f"{during['exit_code']}: {during['message']}"
        then = f"{after['exit_code']}; {_listed(after['requests'])}; {after['left']}"
        rows.append([one["fault"], told, _listed(during["requests"]), during["left"], then])
    heads = ["fault", "exit code and message", "requests", "left on the disk", "afterwards"]
    return table(heads, rows)


def _listed(requests: list[str]) -> str:
    return ", ".join(requests) or "none"


@block
def faults_summary() -> str:
    """Return how many faults in backward passes are caught, by where they lie and by oracle."""
    real = _faults(equivalent=False)
    rows = [_counts("**all**", real)]
    for name, by_hand in (("written by hand", True), ("made from the source", False)):
        rows.append(_counts(f"**{name}**", [one for one in real if one["by_hand"] == by_hand]))
    for where in dict.fromkeys(one["where"] for one in real):
        rows.append(_counts(where, [one for one in real if one["where"] == where]))
    plain = Counter(one["plain"] for one in real if one["plain"])
    words = {"does not run": "do not run", "zero": "are zero", "negated": "are negated"}
    told = ", ".join(f"{plain[kind]} {said}" for kind, said in words.items())
    return "\n".join(
        [
            table(["", "faults:", "need no oracle:", "others:", "caught:", "by ones:"], rows),
            f"Of those that need no oracle, {told}.\n",
            _by_evidence([one for one in real if not one["plain"]]),
            f"{len(_faults(equivalent=True))} further mutants are equivalent to the right pass; "
            "they are listed below.\n",
        ]
    )


@block
def own_layers() -> str:
    """Return a row for each layer of a user's own that is wrong, and what refuses it."""
    rows = [
        [one["kind"], one["what"], "yes" if one["with_reference"] else "no",
         ", ".join(one["refused_by"]) or "**nothing**"]
        for one in load("own-layers")["planted"]
    ]  # fmt: skip
    return table(["class", "what is wrong", "reference", "refused by"], rows)


@block
def gelu_in_float32() -> str:
    """Return a row for each x: GELU there, exactly and in float32 by three ways."""
    names = ("exact", "keras", "ours", "by_sum")
    rows = [
        [f"{one['x']:g}", *(f"{one[name]:.4g}" for name in names)]
        for one in load("own-layers")["gelu"]
    ]
    heads = ["x:", "exact:", "Keras:", "dlmath.layers:", "by 1 + erf:"]
    return table(heads, rows)


@block
def faults_by_hand() -> str:
    """Return a row for each fault that was written by hand."""
    return _caught([one for one in _faults(equivalent=False) if one["by_hand"]])


@block
def faults_from_source() -> str:
    """Return a row for each fault that was made from the source."""
    return _caught([one for one in _faults(equivalent=False) if not one["by_hand"]])


@block
def faults_equivalent() -> str:
    """Return a line for each mutant that changes nothing."""
    return "".join(f"- {one['where']}: {one['what']}\n" for one in _faults(equivalent=True))


def _faults(*, equivalent: bool) -> list[dict[str, Any]]:
    found = load("backward-faults")["faults"]
    return [one for one in found if one["equivalent"] == equivalent]


def _counts(name: str, faults: list[dict[str, Any]]) -> list[object]:
    others = [one for one in faults if not one["plain"]]
    caught, usual = (sum(bool(one[way]) for one in others) for way in ("caught_by", "by_ones"))
    share = f"{usual} ({usual / len(others):.0%})" if others else "-"
    return [name, len(faults), len(faults) - len(others), len(others), caught, share]


def _by_evidence(faults: list[dict[str, Any]]) -> str:
    """Return a row for each kind of evidence, and one for each of its oracles."""
    kinds = load("backward-faults")["evidence"]
    caught = [
        {kind for kind, readings in kinds.items() if set(readings) & set(one["caught_by"])}
        for one in faults
    ]
    rows = []
    for kind, readings in kinds.items():
        only = sum(found == {kind} for found in caught)
        rows.append([f"**{kind}**", sum(kind in found for found in caught), only])
        for oracle in readings:
            by_it = [one["caught_by"] for one in faults if oracle in one["caught_by"]]
            if by_it:
                rows.append([oracle, len(by_it), sum(len(found) == 1 for found in by_it)])
    return table(["evidence", "faults caught:", "caught by it only:"], rows)


def _caught(faults: list[dict[str, Any]]) -> str:
    rows = []
    for one in faults:
        caught = ", ".join(one["caught_by"]) or "**nothing**"
        rows.append([one["where"], one["what"], caught, "yes" if one["by_ones"] else "no"])
    return table(["where", "fault", "caught by", "ones"], rows)


@block
def doctor() -> str:
    """Return a row for each sabotaged run: which check named it, and in what words."""
    result = load("doctor")
    rows = (
        [
            one["fault"],
            one["check"],
            one["verdict"],
            shorten(one["said"], LONGEST, placeholder=" …"),
        ]
        for one in result["sabotaged"]
    )
    well = (
        [f"{name}, as it was", ", ".join(one["faults"]) or "none", len(one["checks"])]
        for name, one in result["well"].items()
    )
    return "\n".join(
        [
            table(["sabotage", "check", "verdict", "what it says"], rows),
            f"Named: {result['found']} of {len(result['sabotaged'])}.\n",
            table(["run", "faults", "checks:"], well),
        ]
    )


@block
def crashes() -> str:
    """Return a row for each task: kills at random moments, and what became of the trainings."""
    rows = []
    for task, row in load("crashes")["tasks"].items():
        settings = ", ".join(f"{name} {value}" for name, value in row["settings"].items())
        counts = ("trainings_killed", "kills", "trainings_finished", "trainings_bitwise_equal")
        images = f"{task}, {row['images']} images ({settings})"
        rows.append([images, *(row[count] for count in counts)])
    heads = ["real images", "trainings killed", "kills", "finished", "bitwise equal"]
    return table(heads, rows)


@block
def mutations() -> str:
    """Return the scores, then every mutant that survived, with the reason."""
    result = load("mutations")
    scores = []
    for name, one in result.items():
        killed = f"{one['killed']} ({one['killed'] / one['tried']:.1%})"
        scores.append([name, one["tried"], killed, len(one["survived"])])
    blocks = [table(["modules", "changes tried", "noticed by a test", "not noticed"], scores)]
    for name, one in result.items():
        if one["not_run"]:
            blocks.append(f"Of the changes of {name}, {one['not_run']} were not tried.\n")
        if one["survived"]:
            rows = map(_survivor, one["survived"])
            heads = ["line", "before", "after", "why no test can tell"]
            blocks.append(f"Of {name}:\n\n{table(heads, rows)}")
    return "\n".join(blocks)


def _survivor(mutant: dict[str, Any]) -> list[str]:
    place = f"`{mutant['module'].split('/')[-1]}`, {mutant['line']}"
    return [place, f"`{mutant['before']}`", f"`{mutant['after']}`", why(mutant)]


def why(mutant: dict[str, Any]) -> str:
    """Return the reason that is known for a surviving mutant.

    Raises:
        KeyError: None is: a test is missing.
    """
    for known in tomllib.loads(SURVIVORS.read_text(encoding="utf-8"))["survivor"]:
        before, after = known.get("before"), known["after"]
        gained = after not in mutant["before"] if before is None else before in mutant["before"]
        if gained and after in mutant["after"]:
            return known["reason"]
    raise KeyError(f"no reason for {mutant}")


@block
def limits() -> str:
    """Return a row for each bound of a server."""
    bounds = Limits()
    rows = [
        ["body of a request", f"{bounds.body_bytes // MEBIBYTE} MiB", 413],
        ["an image file", f"{bounds.image_bytes // MEBIBYTE} MiB", 413],
        ["an image, as its header says", f"{bounds.pixels / 1e6:.0f} megapixels", 413],
        ["images in a request", bounds.images, 413],
        [
            "until the head, then the body has arrived",
            f"{bounds.head_seconds:.0f} s, {bounds.body_seconds:.0f} s",
            408,
        ],
        ["images that wait or are computed", bounds.queue, 503],
        ["heat maps that wait or are drawn", bounds.maps, 503],
        ["bodies of all requests together", f"{bounds.bodies_bytes // MEBIBYTE} MiB", 503],
        ["connections", bounds.connections, 503],
        ["until the answer", f"{bounds.request_seconds:.0f} s", 503],
    ]
    return table(["what", "at most", "beyond it"], rows)


@block
def refusals() -> str:
    """Return a row for each bad request of the tests: what it is answered."""
    rows = ([one.what, one.status, one.reason] for one in BAD_REQUESTS)
    return table(["request", "status", "the reason has in it"], rows)
