"""`dlmath runs`: what has been trained here."""

from typing import Annotated

import typer

from dlmath.runs import RUNS, Run, finished_runs

app = typer.Typer(no_args_is_help=True, help="List and show the runs under runs/.")


@app.command("list")
def list_runs() -> None:
    """List the finished runs under runs/, the oldest first."""
    from rich.console import Console
    from rich.table import Table

    runs = sorted(finished_runs(), key=lambda run: run.manifest["finished"])
    if not runs:
        typer.echo(f"No finished run under {RUNS}/. Make one with: dlmath train", err=True)
        return
    table = Table("run", "task", "backbone", "finished (UTC)", "validation AUC", "test AUC")
    for run in runs:
        manifest = run.manifest
        table.add_row(
            run.name,
            manifest["task"],
            run.recipe.backbone,
            manifest["finished"][:19].replace("T", " "),
            f"{manifest['best']['val_auc']:.4f}",
            _test_auc(run),
        )
    Console().print(table)


@app.command()
def show(
    run: Annotated[str | None, typer.Argument(help="A run's folder or name.")] = None,
) -> None:
    """Show what made a run: its recipe and its manifest."""
    found = Run.find(run)
    typer.echo(found.recipe_path.read_text(encoding="utf-8"))
    typer.echo(found.manifest_path.read_text(encoding="utf-8").rstrip())


def _test_auc(run: Run) -> str:
    if not run.metrics_path.is_file():
        return "not evaluated"
    from dlmath.runs import read_json

    auc = read_json(run.metrics_path)["metrics"]["auc"]
    if auc["value"] is None:
        return "undefined"
    if auc["low"] is None:
        return f"{auc['value']:.4f}"
    return f"{auc['value']:.4f} [{auc['low']:.4f}, {auc['high']:.4f}]"
