"""Cut what a program needs out of our own source, as one file that runs without dlmath.

A receiver who runs a `.tflite` or `.onnx` file needs our reading of images and our decisions, to
the bit. A second implementation would drift away from the first; so the files beside an export are
made of the very functions that dlmath runs: those that are named, and all that these use.
"""

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

_OWN = "dlmath"


@dataclass(frozen=True)
class _Module:
    """The top level of a module.

    Attributes:
        lines: Of the source.
        definitions: What it defines, by name.
        own: Names that it imports from dlmath: (module, name there).
        foreign: Names that it imports from elsewhere, each with the statement that does.
    """

    lines: list[str]
    definitions: dict[str, ast.stmt] = field(default_factory=dict)
    own: dict[str, tuple[str, str]] = field(default_factory=dict)
    foreign: dict[str, str] = field(default_factory=dict)


def bundle(
    docstring: str,
    wanted: Sequence[tuple[str, str]],
    *,
    beside: Mapping[str, Sequence[str]] | None = None,
    ending: str = "",
) -> str:
    """Return the source of a module with these definitions and all that they use.

    Args:
        docstring: Of the new module.
        wanted: Pairs of a module of dlmath and a name in it.
        beside: Names that it imports from modules that will lie beside it.
        ending: What stands at its end.

    Raises:
        ValueError: Two definitions of one name would meet in it, or one is imported under another.
    """
    cutting = _Cutting({name: file for file, names in (beside or {}).items() for name in names})
    for module, name in wanted:
        cutting.take(module, name)
    header = f'"""{docstring}"""\n\n' + "\n".join(sorted(cutting.imports, key=_import_order))
    return "\n\n\n".join([header, *cutting.parts(), *([ending] if ending else [])]) + "\n"


class _Cutting:
    """What was taken so far.

    Args:
        beside: A name to the module beside the new one that has it.
    """

    def __init__(self, beside: Mapping[str, str]):
        self.beside = beside
        self.imports: set[str] = set()
        self._modules: dict[str, _Module] = {}
        self._origins: dict[str, str] = {}  # a name to its module
        self._order: list[str] = []  # what is used stands before

    def take(self, module: str, name: str) -> None:
        """Take a definition, after all that it uses."""
        if name in self.beside:
            self.imports.add(f"from {self.beside[name]} import {name}")
            return
        if module not in self._modules:
            self._modules[module] = _read(module)
        read = self._modules[module]
        if name not in read.definitions:
            origin, original = read.own[name]
            if original != name:
                raise ValueError(f"{module} imports {original} as {name}; a bundle has one name.")
            self.take(origin, name)
        elif self._origins.get(name, module) != module:
            raise ValueError(f"Both {self._origins[name]} and {module} define {name}.")
        elif name not in self._origins:
            self._origins[name] = module
            self._take_used(module, read, name)
            self._order.append(name)

    def parts(self) -> Iterator[str]:
        """Return the text of each definition."""
        for name in self._order:
            yield _source(self._modules[self._origins[name]], name)

    def _take_used(self, module: str, read: _Module, name: str) -> None:
        for used in _names(read.definitions[name]):
            if used in read.foreign:
                self.imports.add(read.foreign[used])
            elif used != name and (used in read.definitions or used in read.own):
                self.take(module, used)


def _read(module: str) -> _Module:
    spec = find_spec(module)
    assert spec is not None
    assert spec.origin is not None
    source = Path(spec.origin).read_text(encoding="utf-8")
    read = _Module(source.splitlines())
    for statement in ast.parse(source).body:
        if isinstance(statement, ast.ImportFrom | ast.Import):
            _add_import(read, statement)
        for name in _defined(statement):
            read.definitions[name] = statement
    return read


def _add_import(read: _Module, statement: ast.Import | ast.ImportFrom) -> None:
    origin = statement.module if isinstance(statement, ast.ImportFrom) else None
    for alias in statement.names:
        name = alias.asname or alias.name
        if origin and origin.split(".")[0] == _OWN:
            read.own[name] = (origin, alias.name)
        else:
            renamed = f" as {alias.asname}" if alias.asname else ""
            source = f"from {origin} import " if origin else "import "
            read.foreign[name] = f"{source}{alias.name}{renamed}"


def _defined(statement: ast.stmt) -> Iterator[str]:
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        yield statement.name
    elif isinstance(statement, ast.Assign):
        for target in statement.targets:
            yield from (node.id for node in ast.walk(target) if isinstance(node, ast.Name))
    elif isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
        yield statement.target.id


def _names(statement: ast.stmt) -> list[str]:
    """Return the names in a statement, in its order."""
    return [node.id for node in ast.walk(statement) if isinstance(node, ast.Name)]


def _source(read: _Module, name: str) -> str:
    """Return the text of a definition with its decorators, and the comment right above it."""
    statement = read.definitions[name]
    decorators = getattr(statement, "decorator_list", [])
    first = min(node.lineno for node in (statement, *decorators)) - 1
    while first and read.lines[first - 1].startswith("#"):
        first -= 1
    return "\n".join(read.lines[first : statement.end_lineno])


def _import_order(line: str) -> tuple[bool, str]:
    return line.startswith("from"), line
