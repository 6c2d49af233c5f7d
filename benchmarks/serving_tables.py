"""The blocks of docs/serving.md; see `readme_tables.py`."""

import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from data_tables import load  # beside this file

from dlmath.serving.limits import MEBIBYTE, Limits

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


def parity() -> str:
    """Return a table for each task: what each way answers otherwise than the model in memory."""
    blocks = []
    for task, result in load("parity").items():
        lines = [
            f"**{task}**: {result['images']} images of the test part, of which the model in memory "
            f"abstains on {result['abstained']}.",
            "",
            "| way | largest difference of a probability | decisions changed | abstentions changed "
            "| images/s | times Keras | MB |",
            "| --- | --- | --- | --- | --- | --- | --- |",
        ]
        for key, way in WAYS.items():
            row = result["rows"][key]
            changed = [str(row[name]) for name in ("changed_decisions", "changed_abstentions")]
            figures = [
                _figure(row.get("images_per_second"), ".0f"),
                _figure(row.get("times_reloaded"), ".2f"),
                _figure(row.get("megabytes"), ".1f"),
            ]
            cells = [way, f"{row['largest_difference']:.1g}", *changed, *figures]
            lines.append(f"| {' | '.join(cells)} |")
        blocks.append("\n".join(lines) + "\n")
    return "\n".join(blocks)


def load_figures() -> str:
    """Return what came of a minute of mixed requests."""
    result = load("load")
    mixed, batching, stop = result["mixed"], result["batching"], result["stop"]
    memory, files = mixed["memory"], mixed["open_files"]
    clients = sum(mixed["clients"].values())
    lines = [
        f"{clients} clients for {mixed['seconds']:.0f} s, on the loopback of a machine with "
        f"{result['cores']} cores, which they share with the server and with other work (load "
        f"average {result['load_average_before']:.0f} before):",
        "",
        "| clients | what they do | what they got |",
        "| --- | --- | --- |",
    ]
    for role, clients in mixed["clients"].items():
        got = ", ".join(f"{what} ({n:,})" for what, n in mixed["statuses"][role].items())
        lines.append(f"| {clients} | {DOES[role]} | {got} |")
    lines += [
        "",
        f"- wrong answers: {mixed['wrong']}; {mixed['good_images']:,} images compared with `dlmath "
        f"predict`, largest difference of a probability {mixed['largest_difference']:.1g} "
        f"({mixed['tolerance']:g} allowed)",
        f"- crashes: {'one' if mixed['crashed'] else 'none'}; answers 500: {mixed['faults']}",
        f"- good requests, of 1 to {mixed['images_at_most']} images: half within "
        f"{mixed['p50_seconds']:.2f} s, 99 % within "
        f"{mixed['p99_seconds']:.2f} s; {mixed['images_per_second']:.0f} images/s beside all else",
        f"- memory of the server: {memory['after_warm_up_mb']:.0f} MB after a minute, "
        f"{memory['end_mb']:.0f} MB at the end, {memory['largest_mb']:.0f} MB at most; slope in "
        f"the second minute {memory['slope_mb_per_minute']:+.1f} MB a minute; open files "
        f"{files['before']} before, {files['after']} after",
        f"- dynamic batching: {batching['ratio']:.2f} times as many images a second as with "
        f"`--max-batch 1` ({batching['clients']} clients, two servers in turns)",
        f"- stopped by SIGTERM with {stop['in_flight']} requests under way: "
        f"{stop['statuses'].get('200', 0) - stop['answered_before']} of them answered, exit code "
        f"{stop['exit_code']}",
    ]
    return "\n".join(lines) + "\n"


DOES = {
    "json": "good images as JSON",
    "files": "good images as files",
    "bad": "damaged, of another type, no JSON, ...",
    "huge": "decompression bombs, bodies over the limit",
    "slow": "a good image, dribbled over 5 s",
    "stalled": "half a body, and no more",
    "cut off": "reset the connection midway",
}


def limits() -> str:
    """Return a row for each bound of a server."""
    bounds = Limits()
    lines = [
        "| what | at most | beyond it |",
        "| --- | --- | --- |",
        f"| body of a request | {bounds.body_bytes // MEBIBYTE} MiB | 413 |",
        f"| an image file | {bounds.image_bytes // MEBIBYTE} MiB | 413 |",
        f"| an image, as its header says | {bounds.pixels / 1e6:.0f} megapixels | 413 |",
        f"| images in a request | {bounds.images} | 413 |",
        f"| until the head, then the body has arrived | {bounds.head_seconds:.0f} s, "
        f"{bounds.body_seconds:.0f} s | 408 |",
        f"| images that wait or are computed | {bounds.queue} | 503 |",
        f"| heat maps that wait or are drawn | {bounds.maps} | 503 |",
        f"| bodies of all requests together | {bounds.bodies_bytes // MEBIBYTE} MiB | 503 |",
        f"| connections | {bounds.connections} | 503 |",
        f"| until the answer | {bounds.request_seconds:.0f} s | 503 |",
    ]
    return "\n".join(lines) + "\n"


def refusals() -> str:
    """Return a row for each bad request of the tests: what it is answered."""
    lines = ["| request | status | the reason has in it |", "| --- | --- | --- |"]
    for one in _bad_requests():
        reason = one.reason.replace("|", "\\|")
        lines.append(f"| {one.what} | {one.status} | {reason} |")
    return "\n".join(lines) + "\n"


def _bad_requests() -> Sequence[Any]:
    """Load the table that `tests/serving/test_api.py` sends row by row."""
    path = Path(__file__).parents[1] / "tests" / "serving" / "bad_requests.py"
    specification = importlib.util.spec_from_file_location("bad_requests", path)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module.BAD_REQUESTS


def _figure(value: float | None, form: str) -> str:
    return "" if value is None else format(value, form)
