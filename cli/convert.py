"""`dlmath data convert`."""

from pathlib import Path
from typing import Annotated

import typer

from dlmath.cli.options import Json
from dlmath.cli.output import ERR, OUT
from dlmath.errors import UserError


def convert(
    source: Annotated[Path, typer.Argument(help="A folder of images.", metavar="FOLDER")],
    out: Annotated[Path, typer.Option(help="A folder, absent or empty.", metavar="DIR")],
    window: Annotated[
        str | None,
        typer.Option(
            help="The grey levels that become black and white, where a picture has more than 8 "
            "bits; by default its least and its greatest.",
            metavar="LOW,HIGH",
            show_default=False,
        ),
    ] = None,
    first_frame: Annotated[
        bool,
        typer.Option(
            "--first-frame", help="Take the first frame of animations, and the first of pages."
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    """Copy images as 8-bit PNGs and JPEGs.

    Every program reads these. TIFF, BMP, WebP, GIF, HEIC, 16-bit PNG and CMYK files become PNGs;
    all other images are copied as they are. Files without a copy are named, and the exit code is 2.

    Example: dlmath data convert ./scans --window 0,4095 --out scans_8bit
    """
    from dlmath.cli.progress import reporter
    from dlmath.data.conversion import Wishes
    from dlmath.data.found_files import found_line, left_out_line
    from dlmath.data.plain_copy import copy_plain

    wishes = Wishes(first_frame, None if window is None else _levels(window))
    with reporter() as report:
        done = copy_plain(source, out, wishes, reporter=report)
    for error in done.errors:
        ERR.error(error)
    if as_json:
        OUT.document(
            {
                "out": str(out),
                "converted": dict(done.converted),
                "copied": done.copied,
                "errors": done.errors,
                "left_out": dict(done.left_out),
            }
        )
    else:
        if done.converted:
            ERR.line(f"Converted to PNG. {found_line(done.converted)}")
        if done.copied:
            ERR.line(f"Copied as they are: {done.copied:,}")
        if left_out := left_out_line(done.left_out):
            ERR.line(left_out)
        OUT.line(str(out))
    if done.errors:
        raise typer.Exit(2)


def _levels(window: str) -> tuple[float, float]:
    try:
        low, high = (float(number) for number in window.split(","))
    except ValueError as error:
        raise UserError(
            f"A window is two numbers with a comma between: --window 0,4095. Received: {window!r}"
        ) from error
    return low, high
