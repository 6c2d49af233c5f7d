"""`dlmath export`."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from dlmath.cli.options import FinishedRun
from dlmath.cli.output import ERR, OUT
from dlmath.cli.startup import load_tensorflow
from dlmath.data.listing import counted
from dlmath.inference.runtimes import ExportFormat
from dlmath.number_text import SENTENCE, estimate_text
from dlmath.runs import Run, read_json
from dlmath.terminal_text import command

if TYPE_CHECKING:
    from dlmath.cli.tables import Table


def export(
    run: FinishedRun = None,
    format: Annotated[
        ExportFormat,
        typer.Option(
            help="saved_model takes encoded images or pixels and needs only TensorFlow; keras "
            "is one file for Keras; litert and onnx take resized pixels, and bring the reading "
            "of images along as a program. onnx needs the extra: pip install 'dlmath[export]'."
        ),
    ] = "saved_model",
    quantize: Annotated[
        Literal["none", "float16", "int8"],
        typer.Option(help="For litert: fewer bits, calibrated on training images for int8."),
    ] = "none",
    data: Annotated[
        list[str] | None,
        typer.Option(help="Where the run's data lie now, if they were moved.", metavar="PATH"),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="The folder to put it in, by default the run's exports/.",
            metavar="DIR",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Export a run in a format that is proven first.

    The export is loaded in a fresh process and compared with the model on images of the run, or on
    drawn ones where those are not there; one that does something else is not kept, and the exit
    code is 1. Its path is the only line on stdout.

    Example: dlmath export runs/malaria-20260101T120000Z --format saved_model
    """
    found = Run.find(run)
    load_tensorflow()
    import dlmath
    from dlmath.cli.progress import reporter

    with reporter() as report:
        path = dlmath.export(found, format, out, data=data, quantize=quantize, reporter=report)

    manifest = read_json(path.parent / "manifest.json")
    key = format if quantize == "none" else f"{format}_{quantize}"
    ERR.show(_table(manifest[key]))
    for line in _warnings(manifest[key]):
        ERR.warning(line)
    OUT.line(str(path))
    trust = ["--trust"] if format == "saved_model" else []
    ERR.next_step(f"{command('dlmath', 'predict', path, *trust)} IMAGE")


def _table(record: dict[str, Any]) -> "Table":
    """Return what was found when the export was compared with the run."""
    from dlmath.cli.tables import Table
    from dlmath.export.verification import MAP_TOLERANCE

    proof, positive = record["verified"], record["positive_class"]
    if proof["drawn"]:
        images = f"{counted(proof['images'], 'drawn image')}, for those of the run are not there"
    else:
        images = f"{_images(proof['images'], proof['by_class'], positive)} of the run"
    title = f"{record['path']} on {images}"
    table = Table("compared with the run", "found", title=title)
    for way, difference in proof["largest_difference"].items():
        allowed = f"{difference:.1e} ({proof['tolerance']:g} allowed)"
        table.add(f"largest difference of a probability, {way}", allowed)
    most = proof["changes_allowed"]
    table.add("decisions changed", f"{proof['changed_decisions']} ({most} allowed)")
    if proof["changed_abstentions"] is not None:
        table.add("abstentions changed", f"{proof['changed_abstentions']} ({most} allowed)")
    if proof["heat_map_difference"] is not None:
        found = f"{proof['heat_map_difference']:.1e} ({MAP_TOLERANCE:g} allowed)"
        table.add("largest difference of a Grad-CAM", found)
    table.add("images a second", f"{proof['images_per_second']:,.0f}")
    table.add("MB", f"{proof['megabytes']:.1f}")
    if "validation" in record:
        table.add("accuracy lost on validation", _loss(record["validation"], positive))
    return table


def _images(number: int, by_class: dict[str, int], positive_class: str | None) -> str:
    from dlmath.evaluation.composition import counts_text

    return f"{counted(number, 'image')} ({counts_text(by_class, positive_class)})"


def _warnings(record: dict[str, Any]) -> Iterator[str]:
    """Say that fewer bits changed answers, where they did."""
    from dlmath.export.formats import MORE_BITS

    proof = record["verified"]
    decisions, abstentions = proof["changed_decisions"], proof["changed_abstentions"] or 0
    more_bits = MORE_BITS.get(record["quantize"])
    if more_bits and (decisions or abstentions):
        yield (
            f"with {record['quantize']}, {decisions} of {proof['images']} decisions and "
            f"{abstentions} abstentions are not those of the run; --quantize {more_bits} stays "
            "closer to it, in twice the bytes."
        )


def _loss(measured: dict[str, Any], positive_class: str | None) -> str:
    images = _images(measured["images"], measured["by_class"], positive_class)
    loss = estimate_text(**measured["loss"], style=SENTENCE)
    return f"{loss} of {measured['accuracy']:.3f}, {images}"
