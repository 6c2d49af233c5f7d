"""The blocks of docs/boundaries.md; see `readme_tables.py`."""

import statistics

from data_tables import load

NAMES = {"pneumonia": "chest X-rays", "malaria": "blood cells"}


def parts() -> str:
    """Return a row for each task: how many images and patients each part has."""
    lines = ["| task | network | tune | fit | score |", "| --- | --- | ---: | ---: | ---: |"]
    for task, result in load("boundaries")["tasks"].items():
        counts = " | ".join(
            f"{own['images']} of {own['patients']} patients" for own in result["parts"].values()
        )
        lines.append(f"| {task} | `{result['backbone']}` | {counts} |")
    return "\n".join(lines) + "\n"


def degrees() -> str:
    """Return the least degrees by task, components and alpha, before and after."""
    result = load("boundaries")
    alphas = " | ".join(f"{alpha:g}" for alpha in result["alphas"])
    lines = [
        f"| features of | components | {alphas} | 1, labels permuted | other patients |",
        "| --- | ---: |" + " ---: |" * (len(result["alphas"]) + 1) + " --- |",
    ]
    for task, found in result["tasks"].items():
        for when in ("before", "after"):
            lines += [_row(f"{NAMES[task]}, {when}", row) for row in found[when]["degrees"]]
    return "\n".join(lines) + "\n"


def _row(name: str, row: dict) -> str:
    above = f"> {row['highest']}"
    least = [_degree(one["degree"], above) for one in row["least"]]
    least.append(_degree(row["least_of_permuted_labels"], above))
    # The boundary of the largest fraction that was reached: the most that it was fitted to.
    reached = [one for one in row["least"] if one["accuracy"]]
    other = f"alpha {reached[0]['alpha']:g}: {_interval(reached[0])}" if reached else ""
    if len(reached) > 1:
        other += f"; alpha {reached[-1]['alpha']:g}: {_interval(reached[-1])}"
    return f"| {name} | {row['components']} | {' | '.join(least)} | {other} |"


def curves() -> str:
    """Return the accuracy on other patients by sample size and degree."""
    result = load("boundaries")
    lines = [
        "| features of | images | degree 1 | degree 2 | degree 3 | 1 less 2 | 1 less 3 |",
        "| --- | ---: | --- | --- | --- | --- | --- |",
    ]
    for task, found in result["tasks"].items():
        for when in ("before", "after"):
            for row in found[when]["curve"]:
                cells = [_figures(one) for one in row["accuracy"].values()]
                cells += [_figures(one, "+.3f") for one in row["advantage_of_degree_1"].values()]
                lines.append(f"| {NAMES[task]}, {when} | {row['size']} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def gains() -> str:
    """Return what the accuracy gains from each smaller sample to a larger one, by degree."""
    result = load("boundaries")
    lines = [
        "| features of | images | degree 1 | degree 2 | degree 3 | 2 more than 1 | 3 more than 1 |",
        "| --- | ---: | --- | --- | --- | --- | --- |",
    ]
    for task, found in result["tasks"].items():
        for when in ("before", "after"):
            for row in found[when]["gains"]:
                cells = [_figures(one, "+.3f") for one in row["gain"].values()]
                cells += [_figures(one, "+.3f") for one in row["more_than_degree_1"].values()]
                sizes = f"{row['size']} to {row['to']}"
                lines.append(f"| {NAMES[task]}, {when} | {sizes} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def insight() -> str:
    """Return what several ways to one validation AUC took on the same CPU."""
    lines = [
        "| on two CPU cores, from JPEG files | time to a validation AUC of 0.98 |",
        "| --- | ---: |",
    ]
    for name, rounds in load("stock-keras")["ways"].items():
        times = [one["seconds_to_target"] for one in rounds]
        time = "not reached" if None in times else f"{statistics.median(times):.0f} s"
        lines.append(f"| {name} | {time} |")
    return "\n".join(lines) + "\n"


def _degree(degree: int | None, above: str) -> str:
    return above if degree is None else str(degree)


def _interval(one: dict) -> str:
    return _figures(one["accuracy"])


def _figures(estimate: dict, form: str = ".3f") -> str:
    value, low, high = (format(estimate[name], form) for name in ("value", "low", "high"))
    return f"{value} [{low}, {high}]"
