"""Blocks of figures of what models and methods are worth; see `benchmarks/tables.py`."""

from collections.abc import Iterator
from typing import Any

from benchmarks.tables import block, interval, load, table
from dlmath.evaluation.metric_table import label_of

REASONS = {
    "none": "nothing is refused",
    "unusual": "unlike the training images",
    "unsure": "unsure",
    "either": "one or the other: `abstains`",
}
COMPARED_MAPS = {
    "energy_minus_random": "energy in the drawn truth, less random",
    "energy_minus_bell": "less a centred bell",
    "deletion_minus_random": "deletion, less random",
    "insertion_minus_random": "insertion, less random",
}
FEATURES_OF = {"pneumonia": "chest X-rays", "malaria": "blood cells"}
SHIFTS = {
    "adults": "adult against paediatric chest X-rays",
    "official_test_part": "official test part against training part, paediatric",
    "two_halves": "two random halves of the training part, by patient",
}
NULL_WAYS = {
    "permutation": "patients permuted (files)",
    "samples": "reference drawn again (a server)",
}
ALARM_RATES = {"0.01": "1 %", "0.05": "5 %"}


@block
def parts() -> str:
    """Return a row for each task: how many images and patients each part has."""
    rows = []
    for task, result in load("boundaries")["tasks"].items():
        sizes = (
            f"{one['images']} of {one['patients']} patients" for one in result["parts"].values()
        )
        rows.append([task, f"`{result['backbone']}`", *sizes])
    return table(["task", "network", "tune:", "fit:", "score:"], rows)


def _rows_of_boundaries(key: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the rows of both tasks, before and after training, with a name."""
    for task, found in load("boundaries")["tasks"].items():
        for when in ("before", "after"):
            for row in found[when][key]:
                yield f"{FEATURES_OF[task]}, {when}", row


@block
def degrees() -> str:
    """Return the least degrees by task, components and alpha, before and after."""
    alphas = [f"{alpha:g}:" for alpha in load("boundaries")["alphas"]]
    heads = ["features of", "components:", *alphas, "1, labels permuted:", "other patients"]
    rows = []
    for name, row in _rows_of_boundaries("degrees"):
        least = [one["degree"] for one in row["least"]] + [row["least_of_permuted_labels"]]
        cells = (f"> {row['highest']}" if degree is None else degree for degree in least)
        # The boundary of the largest fraction that was reached: the most that it was fitted to.
        reached = [one for one in row["least"] if one["accuracy"]]
        ends = [one for n, one in enumerate(reached) if n in (0, len(reached) - 1)]
        other = "; ".join(f"alpha {one['alpha']:g}: {interval(one['accuracy'])}" for one in ends)
        rows.append([name, row["components"], *cells, other])
    return table(heads, rows)


@block
def curves() -> str:
    """Return the accuracy on other patients by sample size and degree."""
    heads = ["features of", "images:", *(f"degree {n}" for n in (1, 2, 3)), "1 less 2", "1 less 3"]
    rows = (
        [
            name,
            row["size"],
            *map(interval, row["accuracy"].values()),
            *(interval(one, "+.3f") for one in row["advantage_of_degree_1"].values()),
        ]
        for name, row in _rows_of_boundaries("curve")
    )
    return table(heads, rows)


@block
def gains() -> str:
    """Return what the accuracy gains from each smaller sample to a larger one, by degree."""
    heads = ["features of", "images:", *(f"degree {n}" for n in (1, 2, 3))]
    heads += ["2 more than 1", "3 more than 1"]
    rows = []
    for name, row in _rows_of_boundaries("gains"):
        figures = [*row["gain"].values(), *row["more_than_degree_1"].values()]
        sizes = f"{row['size']} to {row['to']}"
        rows.append([name, sizes, *(interval(one, "+.3f") for one in figures)])
    return table(heads, rows)


@block
def audits() -> str:
    """Return a row for each real data set that was audited, and what was found of what is known."""
    result = load("audits")
    rows = []
    for name, audit in result["audits"].items():
        told = [_kind(finding) for finding in audit["findings"] if finding["severity"] != "note"]
        first, again = audit["seconds"]
        seconds = [f"{first:.0f} s", f"{again:.0f} s"]
        rows.append([name, f"{audit['images']:,}", *seconds, ", ".join(told) or "none"])
    duplicates = result["known"]["chest X-rays, 224 px"]
    labels = result["known"]["malaria cells"]
    others = duplicates["found_groups"] - duplicates["found_of_known"]
    masked = next(
        finding["figures"]["masked"]
        for finding in result["audits"]["malaria cells"]["findings"]
        if finding["kind"] == "border-shortcut"
    )
    findings = result["audits"]["chest X-rays, originals"]["findings"]
    alone = next(one for one in findings if one["kind"] == "shortcut")["figures"]["alone"]
    size = next(one for one in alone if one["name"] == "file size")
    known = [
        ["known groups of identical chest X-rays", duplicates["known_groups"]],
        ["found of them", duplicates["found_of_known"]],
        ["found besides", others],
        ["known malaria labels that an expert disputes", labels["known_disputed"]],
        ["found of them", labels["found_of_known"]],
        ["AUC of the size of the file only, on the originals", interval(size)],
        ["AUC of malaria cells with the middle masked: no warning", interval(masked)],
    ]
    heads = ["real data", "images", "first audit", "again", "errors and warnings"]
    return f"{table(heads, rows)}\n{table(['what is known', 'figure:'], known)}"


def _kind(finding: dict[str, Any]) -> str:
    figures = finding["figures"]
    if finding["kind"] == "shortcut" and "together" in figures:
        best = figures["alone"][0]
        together = interval(figures["together"])
        return f"shortcut: {best['name']} {interval(best)}, together {together}"
    if finding["kind"] == "border-shortcut":
        return f"border-shortcut: middle masked {interval(figures['masked'])}"
    if finding["kind"] == "shift":
        return f"shift {interval(figures)}"
    return f"{finding['kind']} ({finding['groups']:,})" if finding["groups"] else finding["kind"]


@block
def leakage() -> str:
    """Return a row for each model, with what a random split adds to its figures."""
    result = load("leakage")
    paper = result["random_split_of_the_paper"]
    folds = result["folds"]
    models = {
        "head": "frozen EfficientNet-Lite0, exact head",
        "cnn": f"the paper's CNN, {paper['epochs']} epochs",
    }
    splits = {"random": "at random", "patient": "by patient", "gap": "the gap"}
    rows = []
    for model, said in models.items():
        for split, how in splits.items():
            figures = result["models"][model][split]
            row = [f"{said}, {how}", interval(figures["accuracy"]), interval(figures["auc"])]
            rows.append(row)
    sizes = f"{folds} folds, {result['images']:,} cells of {result['patients']} patients"
    verdict = "passes" if paper["passes_95_percent"] else "does not pass"
    return (
        f"{table([sizes, 'accuracy', 'AUC'], rows)}\nSplit at random, the CNN {verdict} the "
        f"paper's 0.95 ({paper['folds_that_pass']} of {folds} folds do).\n"
    )


@block
def labels() -> str:
    """Return how many of the labels ranked first an expert disputes, and of all labels."""
    result = load("label-errors")
    first, base = result["precision_at"]["50"], result["base_rate"]
    rows = [
        [f"the {first['of']} ranked first", first["hits"], interval(first)],
        [f"all {base['of']:,} of training and validation", "", f"{base['value']:.3f}"],
    ]
    return table(["malaria labels", "disputed:", "share"], rows)


@block
def shift() -> str:
    """Return what the shift test says of three pairs of sets."""
    result = load("shift")
    pairs = ((said, result[name]) for name, said in SHIFTS.items())
    rows = ([said, interval(own), interval(own["pictures_alone"])] for said, own in pairs)
    return table(["told apart", "AUC", "by only the pictures"], rows)


@block
def coverage() -> str:
    """Return how often the intervals held the true value, by metric: of 300 images, and near 1."""
    result = load("coverage")
    settings = result["coverage"]
    large = [name for name in settings if "300" in name or "three" in name]
    near_1 = [name for name in settings if name not in large]
    return "\n".join(_coverage(result, names) for names in (large, near_1))


def _coverage(result: dict[str, Any], names: list[str]) -> str:
    settings = [result["coverage"][name] for name in names]
    rows = []
    for metric in settings[0]:
        held = (own[metric] for own in settings)
        shares = ("none" if share is None else f"{share:.1%}" for share in held)
        name, blank, rest = metric.partition(" ")
        rows.append([label_of(name) + blank + rest, *shares])
    return table([f"of {result['simulations']} samples", *(f"{name}:" for name in names)], rows)


@block
def calibration() -> str:
    """Return what scaling on validation changes on test images."""
    rows = []
    runs = {name: own for name, own in load("calibration").items() if name != "command"}
    for name, own in runs.items():
        for method in own["scalings"]:
            row = [f"{own['images']['test']:,}, {name}", method]
            for metric in ("log_loss", "ece"):
                key = f"{method} {metric}"
                row += [interval(own["test"][key]), interval(own["less_than_unscaled"].get(key))]
            rows.append(row)
    heads = ["test images", "scaling", "log loss", "less than without", "ECE", "less than without"]
    return table(heads, rows)


@block
def abstention() -> str:
    """Return what abstaining for each reason does, to whom."""
    result = load("abstention")
    groups = result["groups"]
    rows = [
        [said, *(_answered(own["abstaining"][reason]) for own in groups.values())]
        for reason, said in REASONS.items()
    ]
    images, distance = result["images"], result["distance_auroc"]
    told = [
        [
            "adults from test children",
            interval(distance["adults"]),
            interval(result["confidence_auroc"]),
        ],
        ["test children from validation children", interval(distance["test children"]), ""],
    ]
    heads = [f"{images['test children']} children answered", f"{images['adults']} adults answered"]
    auc = interval(groups["adults"]["abstaining"]["none"]["auc"])
    return "\n".join(
        [
            table(["refused because", *heads], rows),
            table(["AUROC of telling", "by the distance", "by the confidence"], told),
            f"AUC of the head on adults: {auc}.\n",
        ]
    )


def _answered(own: dict[str, Any]) -> str:
    return f"{own['answered']} ({own['coverage']['value']:.1%}); {interval(own['accuracy'])}"


@block
def explanations() -> str:
    """Return for each run and method how its maps fare against random ones and random weights."""
    found = list(_maps())
    compared, sanity = [], []
    for name, method, own in found:
        counts = (own[figure]["images"] for figure in ("energy", "deletion") if figure in own)
        images = " and ".join(map(str, dict.fromkeys(counts)))
        compared.append([name, method, images, *(interval(own.get(key)) for key in COMPARED_MAPS)])
        alike = (f"{own[key]['mean']:.2f}" for key in ("contrast", "like_features"))
        passed = (f"{own[f'{check}_passed']['mean']:.0%}" for check in ("sanity", "contrast"))
        sanity.append([name, method, _stages(own), *alike, ", ".join(passed)])
    heads = ["as layers from the top become random (how many)", "the other class", "only features"]
    heads += ["passed: sanity, contrast"]
    tables = [
        table(["run", "method", "images", *COMPARED_MAPS.values()], compared),
        table(["run", "method", *heads], sanity),
    ]
    return "\n".join([*tables, _completeness([own for _, _, own in found])])


def _maps() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for name, run in load("explanations")["runs"].items():
        for method, own in run["methods"].items():
            yield name, method, own


def _stages(own: dict[str, Any]) -> str:
    """Return how alike maps are to those of random weights, by the number of random layers."""
    prefix, suffix = "sanity_rank_correlation_", "_random"
    return ", ".join(
        f"{figure['mean']:.2f} ({key.removeprefix(prefix).removesuffix(suffix)})"
        for key, figure in own.items()
        if key.startswith(prefix)
    )


def _completeness(methods: list[dict[str, Any]]) -> str:
    """Return how often sums of integrated gradients are what they should be, in how many steps."""
    found = [own for own in methods if "completeness_passed" in own]
    passed = [own["completeness_passed"] for own in found]
    images = sum(one["images"] for one in passed)
    good = sum(round(one["mean"] * one["images"]) for one in passed)
    steps = [own["completeness_steps"]["mean"] for own in found]
    return (
        f"The sums of integrated gradients are right for {good} of {images} images, in "
        f"{min(steps):.0f} to {max(steps):.0f} steps on average, by run.\n"
    )


@block
def drift() -> str:
    """Return the false alarms, and of how many images what is seen how often."""
    result = load("drift")
    heads = ["nothing changed: halves of the patients"]
    for rate in ALARM_RATES.values():
        heads += [f"false alarms at {rate}", "95 % interval"]
    alarms = []
    for way, title in NULL_WAYS.items():
        found = result["false_alarms"][way]
        alarms.append([title])
        for one in (found[rate] for rate in ALARM_RATES):
            alarms[-1] += [
                f"{one['alarms']} of {found['of']}",
                f"{one['low']:.3f} to {one['high']:.3f}",
            ]
    detection = result["detection"]
    sizes = next(iter(detection.values()))
    called = ([name, *map(_called, found.values())] for name, found in detection.items())
    reference = result["reference"]
    return "\n".join(
        [
            table(heads, alarms),
            table(["called a drift", *(f"{size} images" for size in sizes)], called),
            f"Reference: {reference['images']} validation images of {reference['patients']} "
            "patients.\n",
        ]
    )


def _called(one: dict[str, Any]) -> str:
    by_prevalence = f" ({one['prevalence_alone']})" if one["prevalence_alone"] else ""
    return f"{one['called']}{by_prevalence} of {one['of']}; {one['called_without_pictures']}"


@block
def prevalence() -> str:
    """Return how often the interval of the prevalence holds the true one."""
    cells: dict[tuple[float, int], list[str]] = {}
    for one in load("prevalence_coverage")["cells"]:  # of files first, then by a server
        share = f"{one['held'] / one['of']:.1%} of {one['of']}"
        held = f"{share} ({one['low']:.3f} to {one['high']:.3f})"
        cells.setdefault((one["share"], one["patients"]), []).append(held)
    rows = ([*setting, *held] for setting, held in cells.items())
    return table(["true share", "patients", "of files", "by a server"], rows)
