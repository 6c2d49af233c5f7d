"""The options of `dlmath train`, in groups, and which of them do not go together."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from dlmath.cli.completion import recipe_names, run_names, task_names
from dlmath.cli.groups import Rule
from dlmath.cli.recipe_options import RecipeOptions
from dlmath.models.recipes import TASKS

Task = Annotated[
    str | None,
    typer.Argument(
        help=f"{', '.join(TASKS)}, the path of a recipe.toml, or your own images: a folder of "
        "class folders, a zip of one, or a CSV.",
        show_default=False,
        autocompletion=task_names,
    ),
]
Data = Annotated[
    list[str] | None,
    typer.Option(
        help="A folder, a zip, a CSV, tfds:NAME, or the word phantom. May be repeated.",
        metavar="PATH",
    ),
]
Named = Annotated[
    str | None,
    typer.Option(
        "--recipe",
        help="Another recipe of the task than its default: paper, that of the paper.",
        metavar="NAME",
        autocompletion=recipe_names,
    ),
]
Out = Annotated[
    Path | None,
    typer.Option(help="The run's own folder, runs/<task>-<UTC time> unless given.", metavar="DIR"),
]
Settings = Annotated[dict[str, Any], RecipeOptions()]


@dataclass(frozen=True, kw_only=True)
class Continuation:
    """Options of the run that a training continues, and of its own checkpoints."""

    resume: Annotated[
        str | None,
        typer.Option(
            help="Go on with this interrupted run, instead of TASK.",
            metavar="RUN",
            autocompletion=run_names,
        ),
    ] = None
    start_from: Annotated[
        str | None,
        typer.Option(
            "--from",
            help="Go on from this finished run with new --data: its recipe, weights and split.",
            metavar="RUN",
            autocompletion=run_names,
        ),
    ] = None
    force: Annotated[
        bool,
        typer.Option(
            "--force", help="With --resume: go on although data, versions or threads differ."
        ),
    ] = False
    checkpoint_every: Annotated[
        str | None,
        typer.Option(
            help="Save within epochs too: 200steps, 30s, 5min or 1h, 5min unless given; less often "
            "where that would take more than 2 % of the time.",
            metavar="INTERVAL",
        ),
    ] = None


@dataclass(frozen=True, kw_only=True)
class Hardware:
    """Options of the devices that a training computes on."""

    device: Annotated[
        Literal["auto", "cpu", "gpu", "tpu"],
        typer.Option(help="What is asked for and not there is an error."),
    ] = "auto"
    strategy: Annotated[
        Literal["auto", "one", "mirrored", "tpu"],
        typer.Option(help="How several devices share a batch."),
    ] = "auto"


@dataclass(frozen=True, kw_only=True)
class Manner:
    """Options of what is made (a run, one for each fold, or a plan), and of what is shown."""

    folds: Annotated[
        int | None,
        typer.Option(
            min=2,
            help="Cross-validate: a run for each fold of the patients, each tested on its own.",
        ),
    ] = None
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run",
            help="Check all that can be checked, and print the plan and the time it would take.",
        ),
    ] = False
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the plan of --dry-run as one JSON document.")
    ] = False
    tensorboard: Annotated[
        bool, typer.Option("--tensorboard", help="Also write TensorBoard events.")
    ] = False
    verbose: Annotated[
        bool, typer.Option("--verbose", help="Also show what else goes to the run's log.txt.")
    ] = False


RULES = (
    Rule("--json", "A training prints only its run's folder.", needs="--dry-run"),
    Rule(
        "--verbose",
        "It shows the log of one run.",
        without=("--dry-run", "--folds"),
    ),
    Rule(
        "--resume",
        "A resumed run keeps its own recipe and folder.",
        only=("--data", "--device", "--strategy", "--checkpoint-every", "--verbose", "--force"),
    ),
    Rule("--force", "A new run has nothing to differ from.", needs="--resume"),
    Rule(
        "--from",
        "A finished run goes on with its recipe and its one split.",
        without=("--folds", "--recipe"),
    ),
    Rule(
        "--folds",
        "A plan and events are of one run, not of one for each fold.",
        without=("--dry-run", "--tensorboard"),
    ),
)
