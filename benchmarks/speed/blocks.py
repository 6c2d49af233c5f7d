"""Blocks of figures that are seconds, bytes or images a second; see `benchmarks/tables.py`."""

from statistics import median
from typing import Any

from benchmarks.tables import block, interval, load, table

FORMS = {
    "saved_model": "SavedModel",
    "keras": "Keras file",
    "litert": "LiteRT",
    "litert_float16": "LiteRT, 16 bits",
    "litert_int8": "LiteRT, 8 bits",
    "onnx": "ONNX",
}
WAYS = {
    "reloaded": "`model.keras` of the run, reloaded",
    "light": "its light form",
    "keras": "export `keras`",
    "saved_model": "export `saved_model`, from pixels",
    "saved_model_files": "export `saved_model`, from files",
    "litert": "export `litert`",
    "litert_float16": "export `litert`, 16 bits",
    "litert_int8": "export `litert`, 8 bits",
    "onnx": "export `onnx`",
    "predict": "`dlmath predict`",
    "predict_keras": "`dlmath predict --runtime keras`",
    "rest_json": "`dlmath serve`, JSON",
    "rest_files": "`dlmath serve`, files",
    "page": "the page, in Chromium",
}
CLIENTS = {
    "json": "good images as JSON",
    "files": "good images as files",
    "bad": "damaged, of another type, no JSON, ...",
    "huge": "decompression bombs, bodies over the limit",
    "slow": "a good image, dribbled over 5 s",
    "stalled": "half a body, and no more",
    "cut off": "reset the connection midway",
}


@block
def head() -> str:
    """Return a row for each way from JPEG files to a head."""
    rows = []
    for name, rounds in load("stock-keras")["ways"].items():
        whole = median(
            one["epochs"][-1]["seconds"] if "epochs" in one else one["seconds"] for one in rounds
        )
        epochs = f", {len(rounds[0]['epochs'])} epochs" if "epochs" in rounds[0] else ""
        auc = max(one["val_auc"] for one in rounds)
        peak = max(one["peak_bytes"] for one in rounds) / 2**30
        time = _to_target(rounds)
        rows.append([f"{name}{epochs}", f"{whole:.0f} s", f"{auc:.4f}", time, f"{peak:.1f} GiB"])
    heads = ["from JPEG files to a head", "time", "validation AUC", "time to 0.98", "peak memory"]
    return table(heads, rows)


def _to_target(rounds: list[dict[str, Any]]) -> str:
    times = [one["seconds_to_target"] for one in rounds]
    return "not reached" if None in times else f"{median(times):.0f} s"


@block
def tail() -> str:
    """Return the images a second of three ways to fine-tune a network."""
    result = load("cached-tail")
    rows = [
        [name, f"{way['per_second']:.1f}", f"{way['ratio']:.2f}"]
        for name, way in result["training"]["ways"].items()
    ]
    rate = result["computing_images_per_second"]
    rows.append(["computing the cache, once for each view", f"{rate:.1f}", ""])
    return table(["fine-tuning EfficientNet-Lite0", "images/s:", "times stock Keras:"], rows)


@block
def tail_kept() -> str:
    """Return the sentences on what the ways to keep activations take and change."""
    said = ""
    for name, error in load("cached-tail")["kept"].items():
        share = error["largest_difference"] / error["standard_deviation_of_logits"]
        said += (
            f"Kept as {name}, activations take {error['row_bytes'] / 1000:.1f} kB an image and "
            f"view and change a logit\nby {error['largest_difference']:.0e} at most, {share:.0e} "
            "of the logits' standard deviation.\n"
        )
    return said


@block
def insight() -> str:
    """Return what several ways to one validation AUC took on the same CPU."""
    ways = load("stock-keras")["ways"]
    heads = ["on two CPU cores, from JPEG files", "time to a validation AUC of 0.98:"]
    return table(heads, ([name, _to_target(rounds)] for name, rounds in ways.items()))


@block
def own() -> str:
    """Return the sentence on the time that 500 images of one's own take."""
    result = load("own-images")
    test = result["test"]
    return (
        f"{result['images']} images (real malaria cells, {result['cores']} cores, an empty cache)\n"
        f"took {result['seconds']:.0f} s; --dry-run had promised "
        f"{result['promised_seconds']:.0f} s after TensorFlow's import. Their test AUC was\n"
        f"{interval(test['auc'])}, on {test['n']} images.\n"
    )


@block
def exports() -> str:
    """Return a row for each format: what it changes on 64 real images, and its size."""
    result = load("export-formats")
    heads = ["export"]
    for name in result:
        heads += [f"{name}: difference of a probability", "decisions changed", "MB"]
    rows = []
    for key, form in FORMS.items():
        rows.append([form])
        for own in result.values():
            row = own["rows"][key]
            rows[-1] += [
                f"{row['largest_difference']:.1g}",
                f"{row['changed_decisions']} of {own['images']}",
                f"{row['megabytes']:.1f}",
            ]
    changes = (f"- {name}: {_of_fewer_bits(own['rows'])}.\n" for name, own in result.items())
    return f"{table(heads, rows)}\nOn all test images:\n\n{''.join(changes)}"


def _of_fewer_bits(rows: dict[str, Any]) -> str:
    said = []
    for bits, key in ((16, "litert_float16"), (8, "litert_int8")):
        test = rows[key]["test"]
        text = f"{bits} bits change {test['changed_decisions']} of {test['images']} decisions"
        if test["changed_decisions"]:
            text += (
                f" (accuracy {test['accuracy']:.3f}, then {test['accuracy_of_export']:.3f}; "
                f"loss {test['loss']['low']:+.3f} to {test['loss']['high']:+.3f})"
            )
        said.append(text)
    return ", ".join(said)


@block
def features() -> str:
    """Return a row for each way to extract features."""
    rows = []
    for comparison in load("bench")["extraction"]:
        backbone = comparison["title"].split(", ")[1]
        for name, way in comparison["ways"].items():
            note = (way["note"] or "").removeprefix("largest difference ")
            figures = [f"{way['per_second']:.0f}", f"{way['ratio']:.2f}", note]
            rows.append([f"{backbone}: {name}", *figures])
    peers = load("peers")
    rate = peers["images"] / median(peers["PyTorch"]["seconds"])
    version = peers["PyTorch"]["version"].partition("+")[0]
    ahead = f"dlmath is {peers['ratio']:.2f} times as fast"
    rows.append([f"in another run, PyTorch {version}, Lite0", f"{rate:.0f}", ahead, ""])
    return table(["features", "images/s", "times stock Keras", "largest difference"], rows)


@block
def solvers() -> str:
    """Return a row for each way to fit the head."""
    ways = [
        (way["name"], f"{way['seconds']:.1f} s", way) for way in load("head-solvers")["solvers"]
    ]
    ways += [(name, "", way) for name, way in load("eight-bits").items() if name[:6] == "8 bits"]
    heads = ["the head of frozen EfficientNet-Lite0", "time", "validation loss", "validation AUC"]
    return table(
        heads,
        (
            [name, time, f"{way['val_loss']:.4f}", f"{way['val_auc']:.4f}"]
            for name, time, way in ways
        ),
    )


@block
def head_grid() -> str:
    """Return a row for each data set on which a penalty is chosen by cross-validation."""
    heads = ["images x features, classes", "dlmath", "scikit-learn", "times scikit-learn"]
    rows = []
    for case in load("head-grid")["cases"]:
        ours, theirs = (f"{median(way['seconds']):.2f} s" for way in case["ways"].values())
        name = f"{case['images']} x {case['features']:,}, {case['classes']}"
        rows.append([name, ours, theirs, f"{case['ratio']:.2f}"])
    return table(heads, rows)


@block
def training_step() -> str:
    """Return a row for each way to compute a training step, and one for each piece of it."""
    result = load("training-step")
    rows = []
    for network, ways in result["networks"].items():
        stock, frozen, *_ = ways.values()
        for name, way in ways.items():
            rate = "" if "nothing else" in name else _images_a_second(result["batch"], way)
            ratios = [_times_as_fast(way, other) for other in (stock, frozen)]
            rows.append([f"{network}: {name}", rate, *ratios])
    heads = ["a step of 32 images", "images a core-second", "times stock Keras", "times frozen"]
    pieces = [
        [f"{piece}: {name}", f"{1e3 * median(way['processor']):.0f} ms"]
        for piece, ways in result["pieces"].items()
        for name, way in ways.items()
    ]
    return f"{table(heads, rows)}\n{table(['a piece of a step', 'processor time'], pieces)}"


def _images_a_second(batch: int, way: dict[str, Any]) -> str:
    return f"{batch / median(way['processor']):.1f}"


def _times_as_fast(way: dict[str, Any], other: dict[str, Any]) -> str:
    """Return how many times as fast as another a way is, in the median of paired rounds."""
    rounds = zip(other["processor"], way["processor"], strict=True)
    return f"{median(slow / fast for slow, fast in rounds):.2f}"


@block
def intervals() -> str:
    """Return a row for each number of patients: the time that all intervals take."""
    rows = (
        [
            f"{int(patients):,}",
            f"{one['images']:,}",
            f"{one['replicates']:,}",
            f"{one['seconds']:.1f}",
            f"{one['ratio']:.0f}",
        ]
        for patients, one in load("intervals").items()
    )
    heads = ["patients:", "predictions:", "replicates:", "seconds:", "times as fast as the loop:"]
    return table(heads, rows)


@block
def checkpoints() -> str:
    """Return a row for each network: what a checkpoint costs, and what Keras's own files do."""
    result = load("checkpoints")
    rows = []
    for name, case in result["cases"].items():
        ratio = case["ratio_to"]
        times = [f"{ratio['save_weights']:.2f}", f"{ratio['keras']:.2f}"]
        share = f"{case['share_of_an_epoch_of_one_each']:.2%}"
        rows.append([name, f"{case['bytes']['ours'] / 1e6:.1f} MB", *times, share])
    heads = [
        f"network (medians of {result['repeats']})",
        "a checkpoint",
        "time, as a multiple of `save_weights`",
        "of `model.save`",
        "share of an epoch",
    ]
    return table(heads, rows)


@block
def parity() -> str:
    """Return a table for each task: what each way answers otherwise than the model in memory."""
    heads = ["way", "largest difference of a probability", "decisions changed"]
    heads += ["abstentions changed", "images/s", "times Keras", "MB"]
    forms = {"images_per_second": ".0f", "times_reloaded": ".2f", "megabytes": ".1f"}
    blocks = []
    for task, result in load("parity").items():
        rows = []
        for key, way in WAYS.items():
            row = result["rows"][key]
            changed = [row["changed_decisions"], row["changed_abstentions"]]
            found = {name: row.get(name) for name in forms}
            figures = [format(v, forms[k]) if v is not None else "" for k, v in found.items()]
            rows.append([way, f"{row['largest_difference']:.1g}", *changed, *figures])
        blocks.append(
            f"**{task}**: {result['images']} images of the test part, of which the model in memory "
            f"abstains on {result['abstained']}.\n\n{table(heads, rows)}"
        )
    return "\n".join(blocks)


@block
def load_test() -> str:
    """Return what clients did and got in two minutes of mixed requests, and the figures of it."""
    result = load("load")
    mixed = result["mixed"]
    rows = []
    for role, clients in mixed["clients"].items():
        got = ", ".join(f"{what} ({count:,})" for what, count in mixed["statuses"][role].items())
        rows.append([clients, CLIENTS[role], got])
    heads = ["clients", "what they do", "what they got"]
    return f"{table(heads, rows)}\n{table(['measured', 'figure'], _of_load(result))}"


def _of_load(result: dict[str, Any]) -> list[list[object]]:
    mixed, batching, stop = result["mixed"], result["batching"], result["stop"]
    memory, files = mixed["memory"], mixed["open_files"]
    answered = stop["statuses"].get("200", 0) - stop["answered_before"]
    return [
        ["duration of the test", f"{mixed['seconds']:.0f} s"],
        ["cores; load average before", f"{result['cores']}; {result['load_average_before']:.0f}"],
        ["images compared with `dlmath predict`", f"{mixed['good_images']:,}"],
        ["wrong answers", mixed["wrong"]],
        [
            "largest difference of a probability (allowed)",
            f"{mixed['largest_difference']:.1g} ({mixed['tolerance']:g})",
        ],
        ["crashes", "one" if mixed["crashed"] else "none"],
        ["answers 500", mixed["faults"]],
        ["images of a good request", f"1 to {mixed['images_at_most']}"],
        ["half of the good requests within", f"{mixed['p50_seconds']:.2f} s"],
        ["99 % of the good requests within", f"{mixed['p99_seconds']:.2f} s"],
        ["images/s, next to all other clients", f"{mixed['images_per_second']:.0f}"],
        ["memory of the server after a minute", f"{memory['after_warm_up_mb']:.0f} MB"],
        ["memory at the end", f"{memory['end_mb']:.0f} MB"],
        ["memory at most", f"{memory['largest_mb']:.0f} MB"],
        ["slope in the second minute", f"{memory['slope_mb_per_minute']:+.1f} MB a minute"],
        ["open files before, after", f"{files['before']}, {files['after']}"],
        [
            f"images/s, as a multiple of `--max-batch 1` ({batching['clients']} clients)",
            f"{batching['ratio']:.2f}",
        ],
        ["requests under way at SIGTERM", stop["in_flight"]],
        ["answered of them", answered],
        ["exit code", stop["exit_code"]],
    ]
