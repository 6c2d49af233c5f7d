"""The blocks of docs/resuming.md and docs/mutations.md; see `readme_tables.py`."""

from data_tables import load

# Why nobody can notice: the changed line does the same wherever the code can get to.
_IMMUTABLE = "A value that nothing assigns to is as good without the lock on it."
_SAME_LENGTH = "Both are of one length by what stands above; `strict` is a belt beside braces."
_NOBODY_PASSES = "The change is to how arguments may be passed, not to what is done with them."
WHY = {
    "frozen=False": _IMMUTABLE,
    "slots=False": _IMMUTABLE,
    "strict=False": _SAME_LENGTH,
    "*, seed -> /, seed": _NOBODY_PASSES,
    "*, -> /,": _NOBODY_PASSES,
    "!= key -> < key": "A key points to a smaller one or to itself, so the two are the same.",
    "!= key -> is not key": "The dictionary hands back the object that it was given.",
    "| validation.keys() -> ^": "The two share no patient by then.",
    "- {example.label -> ^": "No image has a label beside the classes.",
    "> 1 for other -> != 1 for other": "The patient counts himself, so no count is 0.",
    "-len(_with -> ~len(_with": "`~n` is `-n - 1`: the order is the same.",
}


def checkpoints() -> str:
    """Return a row for each network: what a checkpoint costs beside Keras's `save_weights`."""
    result = load("checkpoints")
    lines = [
        "| network | a checkpoint | time, as a multiple of `save_weights` | of `model.save` "
        "| share of an epoch |",
        "| --- | --- | --- | --- | --- |",
    ]
    for name, case in result["cases"].items():
        ratio = case["ratio_to"]
        lines.append(
            f"| {name} | {case['bytes']['ours'] / 1e6:.1f} MB | {ratio['save_weights']:.2f} "
            f"| {ratio['keras']:.2f} | {case['share_of_an_epoch_of_one_each']:.2%} |"
        )
    lines += ["", f"Medians of {result['repeats']}, in one run of `{result['command']}`; all three"]
    lines.append("hold the optimizer, and ours is flushed to the disk.")
    return "\n".join(lines) + "\n"


def crashes() -> str:
    """Return a row for each task: kills at random moments, and what became of the trainings."""
    result = load("crashes")
    lines = [
        "| real images | trainings killed | kills | finished | bitwise equal |",
        "| --- | --- | --- | --- | --- |",
    ]
    for task, row in result["tasks"].items():
        settings = ", ".join(f"{name} {value}" for name, value in row["settings"].items())
        lines.append(
            f"| {task}, {row['images']} images ({settings}) | {row['trainings_killed']} "
            f"| {row['kills']} | {row['trainings_finished']} | {row['trainings_bitwise_equal']} |"
        )
    lines += [
        "",
        f"`{result['command']}`, {result['data']}. A killed training is gone on with, and",
    ]
    lines.append("killed again, up to five times, then left to finish.")
    return "\n".join(lines) + "\n"


def mutations() -> str:
    """Return the scores, then every mutant that survived, with the reason."""
    result = load("mutations")
    lines = [
        "| modules | changes tried | noticed by a test | not noticed |",
        "| --- | --- | --- | --- |",
    ]
    for name, one in result.items():
        lines.append(
            f"| {name} | {one['tried']} | {one['killed']} ({one['killed'] / one['tried']:.1%}) "
            f"| {len(one['survived'])} |"
        )
    for name, one in result.items():
        if one["not_run"]:
            lines += ["", f"Of the changes of {name}, {one['not_run']} were not tried."]
        if one["survived"]:
            lines += ["", f"Of {name}:", "", "| line | before | after | why no test can tell |"]
            lines.append("| --- | --- | --- | --- |")
            lines += [_row(survivor) for survivor in one["survived"]]
    return "\n".join(lines) + "\n"


def _row(survivor: dict[str, str]) -> str:
    before, after = (survivor[name].replace("|", "\\|") for name in ("before", "after"))
    place = f"`{survivor['module'].split('/')[-1]}`, {survivor['line']}"
    return f"| {place} | `{before}` | `{after}` | {why(survivor)} |"


def why(survivor: dict[str, str]) -> str:
    """Return the reason that is known for a surviving mutant.

    Raises:
        KeyError: None is: a test is missing.
    """
    for mark, reason in WHY.items():
        old, arrow, new = mark.partition(" -> ")
        if arrow and old in survivor["before"] and new in survivor["after"]:
            return reason
        if not arrow and mark in survivor["after"] and mark not in survivor["before"]:
            return reason
    raise KeyError(f"no reason for {survivor}")
