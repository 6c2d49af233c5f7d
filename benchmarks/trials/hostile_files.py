"""Bring hostile model files in by every way that dlmath has, and note what comes of it.

    python benchmarks/trials/hostile_files.py      (a minute)

The files are made by `tests/support/hostile_files.py`, one for each published hole in Keras's
loading since 2024 and some more. Each comes in as a `.keras` file to `dlmath.load`, as the model of
a run to `evaluate`, `predict`, `explain` and `export`, as the model of a run whose manifest vouches
for it, and as `--weights`. It is refused, or its weights are read as numbers and nothing else of
it. Writes `benchmarks/results/hostile_files.json`.
"""

import contextlib
import hashlib
import io
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))  # where `tests` is
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from dlmath import models  # noqa: E402
from dlmath.cli.main import main as command_line  # noqa: E402
from dlmath.errors import DlmathError  # noqa: E402
from dlmath.models.weights_file import load_weights_file  # noqa: E402
from dlmath.runs import Run, write_json, write_text  # noqa: E402
from tests.support import hostile_files, tiny_network, tiny_runs  # noqa: E402
from tests.support.hostile_files import KINDS, Hostile, Target  # noqa: E402

RESULT = ROOT / "benchmarks" / "results" / "hostile_files.json"
Outcome = dict[str, Any]


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, tiny_network.known():
        template = tiny_runs.write_tiny_run(Path(folder) / "template")
        files = []
        for kind in KINDS.values():
            entrances = {
                name: outcome(kind, enter, template, Path(folder)) for name, enter in WAYS.items()
            }
            files.append({"hole": kind.hole, "tries": kind.does, "entrances": entrances})
            well = all(is_refused(one) or is_read(one) for one in entrances.values())
            print(kind.hole, "harmless" if well else "NOT")
    outcomes = [one for file in files for one in file["entrances"].values()]
    summary = {
        "files": len(files),
        "entrances": list(WAYS),
        "tried": len(outcomes),
        "refused": sum(map(is_refused, outcomes)),
        "read": sum(map(is_read, outcomes)),
        "side_effects": sum(len(one["side_effects"]) for one in outcomes),
    }
    print(summary)
    write_json(RESULT, {"summary": summary, "files": files})


def is_refused(found: Outcome) -> bool:
    """Whether a file was refused with exit code 2, one message, and no trace."""
    return found["exit_code"] == 2 and not found["side_effects"] and "\n" not in found["message"]


def is_read(found: Outcome) -> bool:
    """Whether the weights were read and nothing else came of it."""
    return found["exit_code"] == 0 and not found["side_effects"] and not found["message"]


def outcome(
    kind: Hostile, enter: Callable[[Path, Path], tuple[int, str]], template: Path, folder: Path
) -> Outcome:
    """Bring one file in by one way."""
    place = Path(tempfile.mkdtemp(dir=folder))
    target = Target(make_folder(place / "target"))
    shutil.copytree(template, place, dirs_exist_ok=True)
    file = place / "hostile.keras"
    file.write_bytes(kind.make(target))
    with target.watched():
        code, message = enter(file, place)
    hidden = message.replace(str(place), "…")
    shutil.rmtree(place)
    return {"exit_code": code, "message": hidden, "side_effects": target.traces}


def make_folder(path: Path) -> Path:
    path.mkdir()
    return path


def called(function: Callable[[], object]) -> tuple[int, str]:
    """Return the exit code and the message that a call would end the command line with."""
    try:
        function()
    except DlmathError as error:
        return error.exit_code, str(error)
    return 0, ""


def by_command(*arguments: str) -> Callable[[Path, Path], tuple[int, str]]:
    """Return the way by a command, on a run whose model is the file."""

    def enter(file: Path, place: Path) -> tuple[int, str]:
        run = Run(place / "runs" / "tiny")
        shutil.copyfile(file, run.model_path)
        image = next((place / "data" / "test").rglob("*.png"))
        known = {"RUN": str(run.folder), "IMAGE": str(image), "OUT": str(place / "out")}
        argv = ["dlmath", *(known.get(argument, argument) for argument in arguments)]
        said = io.StringIO()
        with mock.patch.object(sys, "argv", argv), contextlib.redirect_stderr(said):
            try:
                command_line()
            except SystemExit as end:
                code = int(end.code or 0)
        errors = [line for line in said.getvalue().splitlines() if line.startswith("Error: ")]
        return code, "\n".join(line.removeprefix("Error: ") for line in errors)

    return enter


def vouched_for(file: Path, place: Path) -> tuple[int, str]:
    """Let the run's manifest hold the checksum of the file, as in a run that is forged whole."""
    run = Run(place / "runs" / "tiny")
    shutil.copyfile(file, run.model_path)
    content = file.read_bytes()
    run.update_manifest(
        model={"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
    )
    size = hostile_files.SIZE
    recipe = run.recipe.replace(backbone="malaria_cnn", weights="none", image_size=size)
    write_text(run.recipe_path, recipe.to_toml())
    return called(lambda: models.load(run))


WAYS: dict[str, Callable[[Path, Path], tuple[int, str]]] = {
    "dlmath.load(FILE)": lambda file, place: called(lambda: models.load(file)),
    "--weights FILE": lambda file, place: called(
        lambda: load_weights_file(hostile_files.network(), file)
    ),
    "evaluate RUN": by_command("evaluate", "RUN"),
    "predict RUN": by_command("predict", "RUN", "IMAGE", "--runtime", "keras"),
    "explain RUN": by_command("explain", "RUN", "IMAGE", "--out", "OUT"),
    "export RUN": by_command("export", "RUN", "--out", "OUT"),
    "a run that vouches for it": vouched_for,
}


if __name__ == "__main__":
    main()
