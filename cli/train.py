"""`dlmath train`."""

import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from dlmath.cli.startup import load_tensorflow
from dlmath.errors import UserError
from dlmath.recipe import Recipe

_RECIPE_PANEL = "What decides the result (fields of the recipe)"
_PLACE_PANEL = "Where it runs and what it leaves"


def train(
    task: Annotated[
        str | None,
        typer.Argument(
            help="malaria, pneumonia, the path of a recipe.toml, or a folder of class folders.",
            show_default=False,
        ),
    ] = None,
    data: Annotated[
        list[str] | None,
        typer.Option(
            help="A folder, a zip, a CSV, tfds:NAME, or the word phantom. May be repeated.",
            metavar="PATH",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="The run's own folder, runs/<task>-<UTC time> unless given.", metavar="DIR"
        ),
    ] = None,
    resume: Annotated[
        str | None,
        typer.Option(help="Go on with this interrupted run, instead of TASK.", metavar="RUN"),
    ] = None,
    backbone: Annotated[
        str | None,
        typer.Option(help="The network under the head.", rich_help_panel=_RECIPE_PANEL),
    ] = None,
    weights: Annotated[
        str | None,
        typer.Option(
            help="imagenet, none, or the path of a weights file.",
            metavar="imagenet|none|PATH",
            rich_help_panel=_RECIPE_PANEL,
        ),
    ] = None,
    tune: Annotated[
        Literal["head", "tail", "all"] | None,
        typer.Option(help="Which part is trained.", rich_help_panel=_RECIPE_PANEL),
    ] = None,
    epochs: Annotated[int | None, typer.Option(min=1, rich_help_panel=_RECIPE_PANEL)] = None,
    batch_size: Annotated[int | None, typer.Option(min=1, rich_help_panel=_RECIPE_PANEL)] = None,
    learning_rate: Annotated[float | None, typer.Option(rich_help_panel=_RECIPE_PANEL)] = None,
    mixup: Annotated[
        float | None,
        typer.Option(help="Mixup's alpha; 0 turns it off.", min=0, rich_help_panel=_RECIPE_PANEL),
    ] = None,
    image_size: Annotated[
        int | None, typer.Option(help="Pixels a side.", rich_help_panel=_RECIPE_PANEL)
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, rich_help_panel=_RECIPE_PANEL)] = None,
    precision: Annotated[
        Literal["float32", "bfloat16", "float16"] | None,
        typer.Option(rich_help_panel=_RECIPE_PANEL),
    ] = None,
    setting: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            help="Any other field of the recipe, such as dropout=0.3. May be repeated.",
            metavar="FIELD=VALUE",
            rich_help_panel=_RECIPE_PANEL,
        ),
    ] = None,
    device: Annotated[
        Literal["auto", "cpu", "gpu", "tpu"], typer.Option(rich_help_panel=_PLACE_PANEL)
    ] = "auto",
    strategy: Annotated[
        Literal["auto", "one", "mirrored", "tpu"],
        typer.Option(help="How several devices share a batch.", rich_help_panel=_PLACE_PANEL),
    ] = "auto",
    tensorboard: Annotated[
        bool,
        typer.Option(
            "--tensorboard", help="Also write TensorBoard events.", rich_help_panel=_PLACE_PANEL
        ),
    ] = False,
) -> None:
    """Train a classifier.

    Saves it with its recipe, its split and its history, and prints the run's folder on
    stdout. Without --data it looks where `dlmath data list` says.

    Example: dlmath train pneumonia --data phantom --backbone efficientnet_lite0 --tune head
    """
    named = {
        "backbone": backbone,
        "weights": weights,
        "tune": tune,
        "epochs": epochs,
        "batch_size": batch_size,
        "learning_rate": learning_rate,
        "mixup": mixup,
        "image_size": image_size,
        "seed": seed,
        "precision": precision,
    }
    changes = {name: value for name, value in named.items() if value is not None}
    changes |= dict(Recipe.parse_setting(text) for text in setting or [])
    where: dict[str, str] = {"device": device, "strategy": strategy}
    run = _resume(task, resume, data, out, changes, where) if resume else None
    if run is None:
        run = _train(task, data, out, tensorboard, changes, where)
    typer.echo(str(run.folder))


def _train(
    task: str | None,
    data: list[str] | None,
    out: Path | None,
    tensorboard: bool,
    changes: dict[str, Any],
    where: dict[str, str],
) -> Any:
    if task is None:
        raise UserError(
            "Nothing to train: TASK is missing. Try: dlmath train pneumonia --data phantom "
            "--backbone efficientnet_lite0, or see what there is: dlmath data list"
        )
    load_tensorflow()
    import dlmath
    from dlmath.cli.progress import reporter

    with reporter() as report:
        return dlmath.train(
            task,
            data,
            out=out,
            tensorboard=tensorboard,
            reporter=report,
            command=["dlmath", *sys.argv[1:]],
            **where,
            **changes,
        )


def _resume(
    task: str | None,
    run: str,
    data: list[str] | None,
    out: Path | None,
    changes: dict[str, Any],
    where: dict[str, str],
) -> Any:
    refused = [f"--{name.replace('_', '-')}" for name in changes]
    refused += ["--out"] if out is not None else []
    refused += [task] if task is not None else []
    if refused:
        raise UserError(
            "A resumed run keeps its own recipe and folder, so --resume takes only --data, "
            f"--device and --strategy beside it. Received: {', '.join(refused)}"
        )
    load_tensorflow()
    from dlmath.cli.progress import reporter
    from dlmath.training import resume

    with reporter() as report:
        return resume(run, data, reporter=report, **where)
