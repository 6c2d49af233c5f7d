"""Imports run one way through the rooms of the house, read off the syntax trees."""

import ast
import re
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

# A room may import from its own group and from those below. dlmath itself is the facade.
GROUPS = (
    ("dlmath.cli", "dlmath.__main__"),
    ("dlmath",),
    ("dlmath.bench",),
    ("dlmath.serving", "dlmath.export"),
    ("dlmath.doctor", "dlmath.attribution"),
    ("dlmath.training",),
    ("dlmath.drift", "dlmath.evaluation"),
    ("dlmath.explain",),
    ("dlmath.audit", "dlmath.inference", "dlmath.features"),
    ("dlmath.models", "dlmath.data", "dlmath.sequences"),
    (
        "dlmath.layers",
        "dlmath.gradcheck",
        "dlmath.derivation",
        "dlmath.maths",
        "dlmath.linear_head",
        "dlmath.stats",
    ),
    (
        "dlmath.atomic_files",
        "dlmath.output_files",
        "dlmath.recipe",
        "dlmath.runs",
        "dlmath.fold_runs",
        "dlmath.errors",
        "dlmath.home",
        "dlmath.chatter",
        "dlmath.tensorflow_start",
        "dlmath.seeds",
        "dlmath.blas_threads",
        "dlmath.reporting",
        "dlmath.logs",
        "dlmath.mutation",
        "dlmath.names",
        "dlmath.number_text",
        "dlmath.terminal_text",
        "dlmath.pages",
        "dlmath.charts",
        "dlmath._checkout",
        "dlmath._keras_settings",
        "dlmath._lazy",
        "dlmath._version",
    ),
)
GROUP_OF = {room: number for number, group in enumerate(GROUPS) for room in group}
SOURCES = ("dlmath", "cli", "models")


def module_name(file: Path, repository: Path) -> str:
    """`models/malaria.py` is dlmath.models.malaria; a package is named without `__init__`."""
    parts = file.relative_to(repository).with_suffix("").parts
    parts = parts if parts[0] == "dlmath" else ("dlmath", *parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def room_of(module: str) -> str:
    """The room that a module stands in; a name imported from the facade stands in the facade."""
    room = ".".join(module.split(".")[:2])
    return room if room in GROUP_OF else "dlmath"


def imported_modules(tree: ast.AST, package: str) -> Iterator[str]:
    """Every import of our own anywhere in a file, those inside functions and strings too."""
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) + 1 - node.level]
            base = ".".join([*above, node.module or ""] if node.level else [node.module or ""])
            names = [f"{base.strip('.')}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module"):
            names = [arg.value for arg in node.args if isinstance(arg, ast.Constant)]
        yield from (name for name in names if name.split(".")[0] in SOURCES)


def wrong_imports(source: str, module: str, *, package: bool = False) -> list[str]:
    """One line for each import of `source` that goes against the direction."""
    room = room_of(module)
    findings = []
    for name in imported_modules(
        ast.parse(source), module if package else module.rpartition(".")[0]
    ):
        if not name.startswith("dlmath"):
            findings.append(f"{module} imports {name}: write dlmath.{name}")
        elif GROUP_OF[room_of(name)] < GROUP_OF[room]:
            findings.append(f"{module} imports {name}: {room_of(name)} stands left of {room}")
    return findings


def source_files(repository: Path) -> list[Path]:
    # Each folder on its own, and without the links in dlmath/, so that a file is read once.
    return sorted(
        file
        for folder in SOURCES
        for file in (repository / folder).rglob("*.py")
        if file.resolve() == file
    )


def test_imports_run_one_way(repository: Path) -> None:
    files = source_files(repository)
    findings = [
        finding
        for file in files
        for finding in wrong_imports(
            file.read_text(), module_name(file, repository), package=file.stem == "__init__"
        )
    ]

    assert {file.relative_to(repository).parts[0] for file in files} == set(SOURCES)
    assert not findings, "\n".join(findings)


def rooms_imported(repository: Path) -> dict[str, set[str]]:
    """Every room with those that it imports from."""
    graph: dict[str, set[str]] = {}
    for file in source_files(repository):
        module = module_name(file, repository)
        package = module if file.stem == "__init__" else module.rpartition(".")[0]
        targets = map(room_of, imported_modules(ast.parse(file.read_text()), package))
        graph.setdefault(room_of(module), set()).update(set(targets) - {room_of(module)})
    return graph


def test_the_architecture_shows_the_rooms_and_their_imports(repository: Path) -> None:
    page = (repository / "docs" / "architecture.md").read_text(encoding="utf-8")
    shown = re.findall(r"^  (\w+) --> (.+)$", page, re.MULTILINE)
    ground = {room for group in GROUPS[-1:] for room in group} | {"dlmath"}
    left_out = {*ground, *GROUPS[0]}
    found = {
        room.removeprefix("dlmath."): {one.removeprefix("dlmath.") for one in rooms - ground}
        for room, rooms in rooms_imported(repository).items()
        if room not in left_out and rooms - ground
    }

    assert {room: set(rooms.split(" & ")) for room, rooms in shown} == found
    for group in GROUPS[2:-1]:
        for room in group:
            assert f"`{room.removeprefix('dlmath.')}" in page


def test_rooms_of_one_group_do_not_import_in_circles(repository: Path) -> None:
    try:
        TopologicalSorter(rooms_imported(repository)).prepare()
    except CycleError as error:
        pytest.fail(" imports ".join(reversed(error.args[1])))


def test_every_module_stands_in_a_room(repository: Path) -> None:
    modules = {module_name(file, repository) for file in source_files(repository)}
    rooms = {".".join(module.split(".")[:2]) for module in modules}

    assert rooms <= set(GROUP_OF), "name the new room in GROUPS, at its place in the direction"


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("dlmath.data.splits", "import dlmath.training"),
        ("dlmath.data.splits", "from dlmath.training import loop"),
        ("dlmath.data.splits", "from dlmath import training"),
        ("dlmath.data.splits", "from ..training import loop"),
        ("dlmath.data.splits", "from .. import training"),
        ("dlmath.data.splits", "def late():\n    from dlmath.export.verification import verify"),
        ("dlmath.data.splits", "importlib.import_module('dlmath.cli.main')"),
        ("dlmath.training.loop", "from dlmath import train"),
        ("dlmath.recipe", "import dlmath.layers.mix_up as mix_up"),
        ("dlmath.training.loop", "from models.malaria import TASK"),
        ("dlmath.training.loop", "import cli"),
    ],
)
def test_a_planted_wrong_import_is_found(module: str, source: str) -> None:
    assert len(wrong_imports(source, module)) == 1


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("dlmath.cli.train", "from dlmath import train"),
        ("dlmath.data.splits", "from dlmath.errors import DataError"),
        ("dlmath.data.splits", "from dlmath import errors"),
        ("dlmath.data.splits", "from . import patients"),
        ("dlmath.data.splits", "from .patients import patient_of"),
        ("dlmath.training.loop", "import clint, models_of_others.cli"),
    ],
)
def test_an_import_to_the_right_passes(module: str, source: str) -> None:
    assert wrong_imports(source, module) == []
