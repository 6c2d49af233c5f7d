"""What an experiment is about: functions by name, and their mutants.

A name is looked up in the experiment's own module, then in `dlmath.maths` with the module in
front: `_fejer`, `RmsProp.step`, `activations.sigmoid_slope`. A class stands for all its methods.
What the experiment's own code computes is named `compute.` and a function defined in it, or a
variable of it: of a variable, all statements that give it a value are changed.
"""

import ast
import importlib
import inspect
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import FunctionType
from typing import Any

from dlmath.maths.experiment_base import Experiment
from dlmath.maths.mutants.edits import NumpyEdits
from dlmath.mutation import Variant, compiled, exchanged, variants

PACKAGE = Path(__file__).parents[2]


@dataclass(frozen=True)
class Mutant:
    """A function with one place changed.

    Attributes:
        function: Its name, with the module: `optimisers.RmsProp.step`.
        file: Where it stands, from the package's folder; only its name if it is outside.
        line: Of the change in that file.
        change: In words.
    """

    function: str
    file: str
    line: int
    change: str


@dataclass(frozen=True)
class Target:
    """A function to be mutated.

    Attributes:
        name: With the module it stands in.
        function: The one that is compiled.
        inside: A function or a variable inside of it to which changes are confined, or "".
    """

    name: str
    function: FunctionType
    inside: str = ""

    @cached_property
    def tree(self) -> ast.Module:
        """The function's definition, without decorators."""
        lines, _ = inspect.getsourcelines(self.function)
        tree = ast.parse(textwrap.dedent("".join(lines)))
        definition = tree.body[0]
        assert isinstance(definition, ast.FunctionDef), f"{self.name} is not defined by `def`"
        definition.decorator_list = []
        return tree

    def parts(self, tree: ast.Module) -> list[ast.stmt]:
        """Return the statements of a copy of the tree that may be changed."""
        return _inside(tree.body[0], self.inside) if self.inside else tree.body

    @cached_property
    def variants(self) -> list[Variant]:
        """Every variant of the function's tree.

        Raises:
            LookupError: There is none: it computes nothing, or has nothing of the name `inside`.
        """
        tree = self.tree
        made = variants(tree, NumpyEdits(self.parts(tree)))
        if not made:
            raise LookupError(f"{self.name} computes nothing that could be changed")
        return made

    @property
    def mutants(self) -> list[Mutant]:
        """What is changed in each variant, and where."""
        _, first = inspect.getsourcelines(self.function)
        path = Path(self.function.__code__.co_filename)
        file = path.relative_to(PACKAGE).as_posix() if path.is_relative_to(PACKAGE) else path.name
        return [
            Mutant(self.name, file, first + variant.line - 1, variant.what)
            for variant in self.variants
        ]

    @contextmanager
    def installed(self, number: int) -> Iterator[None]:
        """Let the function compute what a variant does, wherever it was imported to."""
        wrong = compiled(self.variants[number].tree, self.function, {})
        with exchanged(self.function, wrong):
            yield


def targets_of(experiment: Experiment) -> list[Target]:
    """Return the functions that an experiment is about, each once.

    Raises:
        LookupError: A name of `about` is there nowhere.
    """
    found = [target for name in experiment.about for target in _named(experiment, name)]
    return list({target.name: target for target in found}.values())


def _named(experiment: Experiment, name: str) -> Iterator[Target]:
    first, _, rest = name.partition(".")
    if first == "compute":
        compute = experiment.compute
        assert isinstance(compute, FunctionType)
        yield Target(f"{_short(compute)}.{rest}", compute, rest)
        return
    value = _looked_up(experiment, name)
    for one in vars(value).values() if inspect.isclass(value) else [value]:
        function = _function_in(one)
        # Methods that `dataclass` writes have no source, or that of the standard library.
        if function and inspect.getsourcefile(function) == inspect.getsourcefile(value):
            yield Target(_short(function), function)


def _looked_up(experiment: Experiment, name: str) -> Any:
    """Return what a name means to an experiment."""
    first, _, rest = name.partition(".")
    with suppress(AttributeError):
        return _attribute(inspect.getmodule(experiment.compute), name)
    try:
        return _attribute(importlib.import_module(f"dlmath.maths.{first}"), rest)
    except (ImportError, AttributeError) as error:
        raise LookupError(f"{experiment.name} is about {name!r}, which is nowhere") from error


def _attribute(value: Any, path: str) -> Any:
    for name in path.split("."):
        value = inspect.getattr_static(value, name)
    return value


def _function_in(value: Any) -> FunctionType | None:
    """Return the function in a method, a class method or a property."""
    value = getattr(value, "__func__", getattr(value, "fget", value))
    return value if isinstance(value, FunctionType) else None


def _short(function: FunctionType) -> str:
    module = function.__module__.removeprefix("dlmath.").removeprefix("maths.")
    return f"{module.removeprefix('experiments.')}.{function.__qualname__}"


def _inside(definition: ast.stmt, name: str) -> list[ast.stmt]:
    """Return the function of a name in a definition, or the statements that set a variable."""
    return [
        node
        for node in ast.walk(definition)
        if isinstance(node, ast.stmt) and node is not definition and _sets(node, name)
    ]


def _sets(statement: ast.stmt, name: str) -> bool:
    if isinstance(statement, ast.FunctionDef):
        return statement.name == name
    if isinstance(statement, ast.Assign):
        changed: list[ast.expr] = statement.targets
    elif isinstance(statement, (ast.AugAssign, ast.AnnAssign)):
        changed = [statement.target]
    elif isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
        changed = [statement.value.func]  # found.append(...)
    else:
        return False
    return any(_root(part) == name for one in changed for part in _entries(one))


def _entries(target: ast.expr) -> list[ast.expr]:
    return target.elts if isinstance(target, ast.Tuple) else [target]


def _root(target: ast.expr) -> str:
    """Return the name of the variable in `a`, `a[0]` or `a.append`."""
    while isinstance(target, (ast.Subscript, ast.Attribute, ast.Starred)):
        target = target.value
    return target.id if isinstance(target, ast.Name) else ""
