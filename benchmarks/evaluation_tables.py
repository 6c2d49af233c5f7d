"""The blocks of docs/evaluation.md; see `readme_tables.py`."""

from collections.abc import Iterator
from typing import Any

from data_tables import interval, load

REASONS = {
    "none": "nothing is refused",
    "unusual": "unlike the training images",
    "unsure": "unsure",
    "either": "one or the other: `abstains`",
}

_CHECKS = ("sanity", "contrast")


def coverage() -> str:
    """Return how often the intervals held the true value, by metric: of 300 images, and near 1."""
    result = load("coverage")
    settings = result["coverage"]
    large = [name for name in settings if "300" in name or "three" in name]
    near_1 = [name for name in settings if name not in large]
    return "\n".join(_coverage(result, names) for names in (large, near_1))


def _coverage(result: dict[str, Any], names: list[str]) -> str:
    settings = [result["coverage"][name] for name in names]
    lines = [
        f"| of {result['simulations']} samples | {' | '.join(names)} |",
        "| --- |" + " ---: |" * len(settings),
    ]
    for metric in settings[0]:
        held = (own[metric] for own in settings)
        cells = " | ".join("none" if share is None else f"{share:.1%}" for share in held)
        lines.append(f"| {metric.replace('_', ' ')} | {cells} |")
    return "\n".join(lines) + "\n"


def intervals() -> str:
    """Return the sentence on the time that all intervals take."""
    lines = []
    for patients, one in load("intervals").items():
        lines.append(
            f"- {int(patients):,} patients: {one['seconds']:.1f} s for {one['replicates']:,} "
            f"replicates of every metric on {one['images']:,} predictions (2 cores), "
            f"{one['ratio']:.0f} times as fast as a loop over scikit-learn."
        )
    return "\n".join(lines) + "\n"


def abstention() -> str:
    """Return what abstaining for each reason does, to whom."""
    result = load("abstention")
    groups = result["groups"]
    lines = [
        "| refused because | children answered | adults answered |",
        "| --- | --- | --- |",
    ]
    for reason, said in REASONS.items():
        cells = (_answered(groups[name]["abstaining"][reason]) for name in groups)
        lines.append(f"| {said} | {' | '.join(cells)} |")
    adults = groups["adults"]["abstaining"]["none"]
    return "\n".join(
        [
            *lines,
            "",
            f"Answered: how many of {result['images']['test children']} children and "
            f"{result['images']['adults']} adults, and the accuracy on them. AUROC of telling",
            f"adults: by the distance {interval(result['distance_auroc']['adults'])}, by the "
            f"confidence {interval(result['confidence_auroc'])}; of telling",
            f"test children from validation children, by the distance "
            f"{interval(result['distance_auroc']['test children'])}. The head knows",
            f"nothing of adults (AUC {interval(adults['auc'])}), is sure of most of them, and only "
            "the distance says so.",
            f"`{result['command']}`.",
            "",
        ]
    )


def calibration() -> str:
    """Return what scaling on validation changes on test images."""
    result = load("calibration")
    lines = ["| test images | scaling | log-loss | less than without | ECE | less than without |"]
    lines.append("| --- | --- | --- | --- | --- | --- |")
    for name, own in result.items():
        if name == "command":
            continue
        for method in own["scalings"]:
            figures = [f"{own['images']['test']:,}, {name}", method]
            for metric in ("log_loss", "ece"):
                less = own["less_than_unscaled"].get(f"{method} {metric}")
                figures += [
                    interval(own["test"][f"{method} {metric}"]),
                    interval(less) if less else "",
                ]
            lines.append(f"| {' | '.join(figures)} |")
    lines += ["", f"`{result['command']}`"]
    return "\n".join(lines) + "\n"


def explanations() -> str:
    """Return for each run and method how its maps fare against random ones and random weights."""
    result = load("explanations")
    lines = [
        "| run | method | images | energy in the drawn truth, less random | less a centred bell "
        "| deletion, less random | insertion, less random |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    compared = (
        "energy_minus_random",
        "energy_minus_bell",
        "deletion_minus_random",
        "insertion_minus_random",
    )
    for name, method, own in _maps(result):
        cells = [_mean(own.get(figure)) for figure in compared]
        counts = (own[figure]["images"] for figure in ("energy", "deletion") if figure in own)
        images = " and ".join(map(str, dict.fromkeys(counts)))
        lines.append(f"| {name} | {method} | {images} | {' | '.join(cells)} |")
    lines += [
        "",
        "Means over images with 95 % intervals; deletion is better below 0, the others above.",
        "Where two numbers of images stand, the first is of the energy. Of drawn images the truth",
        f"is known, of real ones it is not. `{result['command']}`.",
        "",
        *_sanity_table(result),
        "",
        *_completeness(result),
    ]
    return "\n".join(lines) + "\n"


def _maps(result: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for name, run in result["runs"].items():
        for method, own in run["methods"].items():
            yield name, method, own


def _sanity_table(result: dict[str, Any]) -> list[str]:
    """Return how alike maps are to those of random weights, of another class, of no class."""
    prefix, suffix = "sanity_rank_correlation_", "_random"
    lines = [
        "| run | method | as layers from the top become random (how many) | the other class "
        "| features alone | passed: sanity, contrast |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for name, method, own in _maps(result):
        stages = ", ".join(
            f"{figure['mean']:.2f} ({key.removeprefix(prefix).removesuffix(suffix)})"
            for key, figure in own.items()
            if key.startswith(prefix)
        )
        passed = ", ".join(f"{own[f'{check}_passed']['mean']:.0%}" for check in _CHECKS)
        alike = f"{own['contrast']['mean']:.2f} | {own['like_features']['mean']:.2f}"
        lines.append(f"| {name} | {method} | {stages} | {alike} | {passed} |")
    return lines


def _completeness(result: dict[str, Any]) -> list[str]:
    """Return the sentence on how far sums of integrated gradients are from what they should be."""
    found = [own for _, _, own in _maps(result) if "completeness_passed" in own]
    images = sum(own["completeness_passed"]["images"] for own in found)
    passed = sum(
        round(own["completeness_passed"]["mean"] * own["completeness_passed"]["images"])
        for own in found
    )
    steps = [own["completeness_steps"]["mean"] for own in found]
    return [
        "Integrated gradients sum to the difference of the scores within 2 % (or 0.02)",
        f"for {passed} of {images} images, in {min(steps):.0f} to {max(steps):.0f} steps on "
        "average, by run.",
    ]


def _mean(figure: dict[str, float] | None) -> str:
    return f"{figure['mean']:.3f} [{figure['low']:.3f}, {figure['high']:.3f}]" if figure else ""


def _answered(own: dict[str, Any]) -> str:
    return f"{own['answered']} ({own['coverage']['value']:.1%}); {interval(own['accuracy'])}"
