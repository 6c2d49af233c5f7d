"""`dlmath explain`."""

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from dlmath.cli.completion import run_names
from dlmath.cli.options import Json
from dlmath.cli.output import ERR, OUT
from dlmath.cli.predict import RunOption, find_named_images, split_run
from dlmath.cli.startup import load_tensorflow
from dlmath.cli.why_patients import print_patients
from dlmath.data.listing import counted
from dlmath.errors import UserError
from dlmath.runs import Run

Method = Literal["grad_cam", "grad_cam_plus_plus", "integrated_gradients", "occlusion"]


def explain(
    arguments: Annotated[
        list[str],
        typer.Argument(
            help="Image files or folders of them. One that is a run is RUN; by default "
            "the newest finished run.",
            metavar="[RUN] IMAGE...",
            autocompletion=run_names,
            show_default=False,
        ),
    ],
    named: RunOption = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Folder for a picture (.png) and the raw map (.npy) of each image.",
            metavar="DIR",
            show_default=False,
        ),
    ] = None,
    method: Annotated[
        Method, typer.Option(help="How to find the places; the last two are slow.")
    ] = "grad_cam",
    class_name: Annotated[
        str | None,
        typer.Option(
            "--class",
            help="The class whose evidence is shown; by default the one that is decided.",
            metavar="NAME",
            show_default=False,
        ),
    ] = None,
    check: Annotated[
        bool,
        typer.Option(
            "--check",
            help="Measure each map: deletion and insertion against random maps, and whether "
            "randomised weights change it. Takes seconds an image.",
        ),
    ] = False,
    by_patients: Annotated[
        bool,
        typer.Option(
            "--why-patients",
            help="Name instead the training patients on which each prediction leans, and what it "
            "would be without them. Needs a head that was solved exactly (train --tune head).",
        ),
    ] = False,
    top: Annotated[
        int, typer.Option(min=1, help="How many patients to name, with --why-patients.")
    ] = 5,
    as_json: Json = False,
) -> None:
    """Show where the evidence lies, or on whom an answer leans.

    Examples: dlmath explain runs/pneumonia-20260101T120000Z film.jpeg --out maps --check;
    dlmath explain film.jpeg --why-patients
    """
    if by_patients == (out is not None):
        raise UserError(
            "Say where the maps go with --out DIR, or ask for --why-patients. "
            f"Received: {'both' if by_patients else 'neither'}"
        )
    if by_patients and (check or class_name is not None or method != "grad_cam"):
        raise UserError("--method, --class and --check are about maps. Leave out --why-patients.")
    run, arguments = split_run(arguments, named)
    images = find_named_images(arguments)
    load_tensorflow()
    if out is None:
        print_patients(run, images, top, as_json=as_json)
        return
    answers = _explain(run, images, out, method, class_name, check)
    if as_json:
        OUT.document(answers)
    else:
        for answer in answers:
            _show(answer)
    errors = [answer["error"] for answer in answers if "error" in answer]
    for error in errors:
        ERR.error(error)
    if errors:
        ERR.line(f"{len(errors)} of {counted(len(answers), 'file')} without an explanation.")
        raise typer.Exit(2)


def _explain(
    run: Run, images: list[Path], out: Path, method: str, class_name: str | None, check: bool
) -> list[dict[str, Any]]:
    """Write the maps one by one, and return what `--json` prints."""
    from dlmath.cli.progress import reporter
    from dlmath.explain import explain_files
    from dlmath.explain.explainer import MapFiles

    with reporter() as report:
        explanations = explain_files(
            run, images, method, class_name=class_name, check=check, reporter=report
        )
        files = MapFiles(out)
        return [files.write(one) for one in explanations]


def _show(answer: dict[str, Any]) -> None:
    """Print one answer for people to read."""
    if "error" in answer:
        OUT.line(f"{answer['file']}  not read")
        return
    OUT.line(f"{answer['file']}  {answer['class']} {answer['probability']:.3f}")
    OUT.line(f"    {answer['overlay']}")
    for name, metric in answer["figures"].items():
        if metric["passed"]:
            OUT.line(f"    {name}: {metric['said']}")
    for warning in answer["warnings"]:
        OUT.warning(warning, indent=4)
    if not {"deletion", "sanity"} & set(answer["figures"]):
        OUT.line("    Not tested against random maps and random weights: pass --check.")
