"""The same 64 real images through every way in which a trained model answers: one table.

    python benchmarks/speed/parity.py train ../shared/data RUNS  # both tasks, every export
    python benchmarks/speed/parity.py ask RUNS

What the model in memory says right after its training, of images of the test part, is kept by the
first command and is what everything else is compared with by the second: the files that the
training wrote, every export, the command line, the HTTP API of `dlmath serve`, and its page in a
real browser. All of them get image files. Probabilities, decisions and abstentions are compared.

Images a second are medians of rounds in which the ways take turns, from files to answers. The
command line, of which most is its start, and the page, which waits for a person, are not timed.

Writes `benchmarks/results/parity.json`.
"""

import argparse
import contextlib
import importlib
import json
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import keras
from answers import Said, Way, by_classifier, by_command, by_graph, by_server  # next to this file
from page_visitor import by_page
from server_process import Server

import dlmath
from dlmath.bench.timing import take_turns
from dlmath.cli.progress import reporter
from dlmath.export.verification import megabytes
from dlmath.export.verification_set import gather_verification_set
from dlmath.inference.keras_classifier import KerasClassifier
from dlmath.inference.light_classifier import LightClassifier, stored_ood_score
from dlmath.inference.run_files import ood_record, stored_decision
from dlmath.inference.runtimes import load_classifier
from dlmath.models import other_recipe
from dlmath.reporting import Reporter
from dlmath.runs import Run

RESULT = Path(__file__).parents[1] / "results" / "parity.json"
MEMORY = "memory.json"  # in the folder of a run
TASKS: dict[str, dict[str, str]] = {
    "pneumonia": {"data": "chest_xray", "backbone": "efficientnet_lite0", "tune": "head"},
    "malaria": {"data": "malaria"},
}
EXPORTS = {
    "keras": ("keras", "none"),
    "saved_model": ("saved_model", "none"),
    "litert": ("litert", "none"),
    "litert_float16": ("litert", "float16"),
    "litert_int8": ("litert", "int8"),
    "onnx": ("onnx", "none"),
}
ROUNDS = 3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    training = commands.add_parser("train")
    training.add_argument("data", type=Path, help="the folder with chest_xray/ and malaria/")
    for command in (training, commands.add_parser("ask")):
        command.add_argument("runs", type=Path, help="the folder of the runs")
        command.add_argument("tasks", nargs="*", default=list(TASKS))
    given = parser.parse_args()
    with reporter() as report:
        for task in given.tasks:
            if given.command == "train":
                train(task, given.data, given.runs / task, report)
            else:
                keep(task, table(Run.find(given.runs / task), report))


def keep(task: str, result: dict) -> None:
    document = json.loads(RESULT.read_text(encoding="utf-8")) if RESULT.is_file() else {}
    document[task] = result
    RESULT.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    print(f"{task} -> {RESULT.name}")


def train(task: str, data: Path, folder: Path, report: Reporter) -> None:
    """Train as a user would, keep what the model in memory says, and export in every format."""
    recipe, settings = other_recipe(task, "paper"), {**TASKS[task]}
    settings["data"] = data / TASKS[task]["data"]
    with model_kept() as kept:
        run = dlmath.train(recipe, out=folder, reporter=report, **settings)
    (model,) = kept
    ood_score = None
    if ood_record(run):
        ood_score = stored_ood_score(run, model.get_layer("logits").input.shape[-1])
    memory = KerasClassifier(**stored_decision(run), ood_score=ood_score, model=model)
    files = gather_verification_set(run, memory, by_graph=False).files
    said = by_classifier(memory)(files)
    document = {"files": [str(file) for file in files], **said.as_json()}
    (folder / MEMORY).write_text(json.dumps(document), encoding="utf-8")
    for kind, bits in EXPORTS.values():
        dlmath.export(run, kind, quantize=bits, reporter=report)


@contextlib.contextmanager
def model_kept() -> Iterator[list[keras.Model]]:
    """Keep the model of a training within: the library itself lets go of it when it is done."""
    kept: list[keras.Model] = []
    home = importlib.import_module("dlmath.training.new_run")
    run_training = home.run_training

    def run_and_keep(run, trainer, context):
        kept.append(trainer.model)
        return run_training(run, trainer, context)

    with mock.patch.object(home, "run_training", run_and_keep):
        yield kept


def table(run: Run, report: Reporter) -> dict:
    document = json.loads((run.folder / MEMORY).read_text(encoding="utf-8"))
    files, memory = [Path(file) for file in document["files"]], Said.from_json(document)
    with Server(run.folder) as server:
        timed = {**in_this_process(run), **by_http(run, server)}
        said = {}
        for name, way in {**timed, **by_command_line(run)}.items():
            report.say(f"Asking {name}")
            said[name] = way(files)
        speeds = take_turns(
            "files to answers",
            {name: lambda way=way: way(files) for name, way in timed.items()},
            baseline="reloaded",
            amount=len(files),
            unit="images",
            rounds=ROUNDS,
        )
        report.say("Asking the page")
        said["page"] = by_page(server.url, files, memory.classes)
    rows = {name: one.compared_with(memory) for name, one in said.items()}
    for name in timed:
        rows[name]["images_per_second"] = len(files) / speeds.median(name)
        rows[name]["times_reloaded"] = speeds.ratio(name)
    for name, path in files_of(run).items():
        rows[name]["megabytes"] = megabytes(path)
    return {
        "images": len(files),
        "abstained": int(memory.abstains.sum()),
        "threshold": run.manifest["threshold"]["value"],
        "rows": rows,
    }


def files_of(run: Run) -> dict[str, Path]:
    """Return what holds the model in each form."""
    exports = {name: run.exports / ("model.keras" if name == "keras" else name) for name in EXPORTS}
    return {"reloaded": run.model_path, "light": run.light_network_path.parent, **exports}


def in_this_process(run: Run) -> dict[str, Way]:
    exports = {name: path for name, path in files_of(run).items() if name in EXPORTS}
    classifiers = {
        "reloaded": KerasClassifier.load(run),
        "light": LightClassifier.load(run),
        **{name: load_classifier(path, trust=True) for name, path in exports.items()},
    }
    ways = {name: by_classifier(classifier) for name, classifier in classifiers.items()}
    return {**ways, "saved_model_files": by_graph(exports["saved_model"])}


def by_http(run: Run, server: Server) -> dict[str, Way]:
    return {"rest_json": by_server(server, run.recipe.name), "rest_files": by_server(server)}


def by_command_line(run: Run) -> dict[str, Way]:
    return {
        "predict": by_command(run.folder, "light"),
        "predict_keras": by_command(run.folder, "keras"),
    }


if __name__ == "__main__":
    main()
