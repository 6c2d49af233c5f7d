"""The blocks of docs/drift.md; see `readme_tables.py`."""

from data_tables import load

WAYS = {"permutation": "patients permuted (files)", "samples": "reference drawn again (a server)"}
RATES = {"0.01": "1 %", "0.05": "5 %"}


def drift() -> str:
    """Return the false alarms, and of how many images what is seen how often."""
    result = load("drift")
    titles = [f"false alarms at {rate} | 95 % interval" for rate in RATES.values()]
    lines = [f"| nothing changed: halves of the patients | {' | '.join(titles)} |"]
    lines += ["| --- |" + " --- |" * 2 * len(RATES)]
    for way, title in WAYS.items():
        found = result["false_alarms"][way]
        cells = [_alarms(found[rate], found["of"]) for rate in RATES]
        lines.append(f"| {title} | {' | '.join(cells)} |")
    sizes = list(next(iter(result["detection"].values())))
    lines += ["", f"| called a drift | {' | '.join(f'{size} images' for size in sizes)} |"]
    lines += ["| --- |" + " --- |" * len(sizes)]
    for name, found in result["detection"].items():
        lines.append(f"| {name} | {' | '.join(map(_called, found.values()))} |")
    reference = result["reference"]
    lines += [
        "",
        "After a semicolon: how many are called without the figures of pictures. In brackets: how "
        "many of those called a change of prevalence alone would explain. Against "
        f"{reference['images']} validation images of {reference['patients']} patients; "
        f"`{result['command']}`.",
    ]
    return "\n".join(lines) + "\n"


def prevalence() -> str:
    """Return how often the interval of the prevalence holds the true one."""
    result = load("prevalence_coverage")
    lines = ["| true share | patients | of files | by a server |", "| --- | --- | --- | --- |"]
    cells = {(one["share"], one["patients"], one["known"]): one for one in result["cells"]}
    for share, patients in dict.fromkeys((share, patients) for share, patients, _ in cells):
        found = [_held(cells[share, patients, known]) for known in (True, False)]
        lines.append(f"| {share} | {patients} | {' | '.join(found)} |")
    lines += ["", f"Intervals that hold the true share, simulated; `{result['command']}`."]
    return "\n".join(lines) + "\n"


def _alarms(one: dict, of: int) -> str:
    return f"{one['alarms']} of {of} | {one['low']:.3f} to {one['high']:.3f}"


def _called(one: dict) -> str:
    by_prevalence = f" ({one['prevalence_alone']})" if one["prevalence_alone"] else ""
    return f"{one['called']}{by_prevalence} of {one['of']}; {one['called_without_pictures']}"


def _held(one: dict) -> str:
    share, low, high = one["held"] / one["of"], one["low"], one["high"]
    return f"{share:.1%} of {one['of']} ({low:.3f} to {high:.3f})"
