"""The block of docs/drift.md; see `readme_tables.py`."""

from data_tables import load

WAYS = {"permutation": "patients permuted (files)", "samples": "reference drawn again (a server)"}


def drift() -> str:
    """Return the false alarms, and of how many images what is seen how often."""
    result = load("drift")
    lines = ["| nothing changed: halves of the patients | false alarms | 95 % interval |"]
    lines += ["| --- | --- | --- |"]
    for way, title in WAYS.items():
        one = result["false_alarms"][way]
        interval = f"{one['low']:.3f} to {one['high']:.3f}"
        lines.append(f"| {title} | {one['alarms']} of {one['of']} | {interval} |")
    sizes = list(next(iter(result["detection"].values())))
    lines += ["", f"| called a drift | {' | '.join(f'{size} images' for size in sizes)} |"]
    lines += ["| --- |" + " --- |" * len(sizes)]
    for name, found in result["detection"].items():
        lines.append(f"| {name} | {' | '.join(map(_called, found.values()))} |")
    reference = result["reference"]
    lines += [
        "",
        "In brackets: how many of these a change of prevalence alone would explain. Against "
        f"{reference['images']} validation images of {reference['patients']} patients; "
        f"`{result['command']}`.",
    ]
    return "\n".join(lines) + "\n"


def _called(one: dict) -> str:
    by_prevalence = f" ({one['prevalence_alone']})" if one["prevalence_alone"] else ""
    return f"{one['called']} of {one['of']}{by_prevalence}"
