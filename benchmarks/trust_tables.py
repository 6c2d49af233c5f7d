"""The blocks of docs/trust.md; see `readme_tables.py`."""

import re
from textwrap import shorten

from data_tables import load

LONGEST = 160  # characters in a cell


def hostile() -> str:
    """Return a row for each hostile model file: what it tries, and what becomes of it."""
    result = load("hostile_files")
    lines = [
        "| hole | it tries | refused | side effects | because |",
        "| --- | --- | --- | --- | --- |",
    ]
    for one in result["files"]:
        ways = one["entrances"].values()
        refused = sum(way["exit_code"] == 2 for way in ways)
        traces = sum(len(way["side_effects"]) for way in ways)
        because = _reason(one["entrances"]["dlmath.load(FILE)"]["message"])
        lines.append(
            f"| {one['hole']} | {one['tries']} | {refused} of {len(ways)} | {traces or 'none'} "
            f"| {because} |"
        )
    summary = result["summary"]
    lines += [
        "",
        f"Seven ways in: {', '.join(f'`{way}`' for way in summary['entrances'])}. Of "
        f"{summary['tried']} attempts {summary['refused']} were refused with exit code 2 and one "
        f"message; side effects: {summary['side_effects'] or 'none'}.",
    ]
    return "\n".join(lines) + "\n"


def doctor() -> str:
    """Return a row for each sabotaged run: which check named it, and in what words."""
    result = load("doctor")
    lines = ["| sabotage | check | verdict | what it says |", "| --- | --- | --- | --- |"]
    for one in result["sabotaged"]:
        said = shorten(one["said"], LONGEST, placeholder=" …").replace("|", "\\|")
        lines.append(f"| {one['fault']} | {one['check']} | {one['verdict']} | {said} |")
    lines += [
        "",
        f"{result['found']} of {len(result['sabotaged'])} were named. The runs as they were:",
    ]
    lines.append("")
    for name, one in result["well"].items():
        faults = ", ".join(one["faults"]) or "none"
        lines.append(f"- {name}: faults {faults}; {len(one['checks'])} checks.")
    return "\n".join(lines) + "\n"


def _reason(message: str) -> str:
    """Return what is particular about a message."""
    found = re.search(r"is not loaded: (.*?)\. No network", message)
    found = found or re.search(r"the file is damaged \((.*)\)", message)
    reason = found[1] if found else message
    return reason.replace("|", "\\|")
