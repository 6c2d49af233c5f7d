"""Mutants: functions that differ from ours in one place, made from the source.

What claims to notice errors is tried on them. `dlmath.gradcheck` mutates backward passes to check
its checker, `dlmath.maths.mutants` the algorithms that experiments are about.
"""

import ast
import copy
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import FunctionType
from typing import Any

Edit = tuple[str, ast.AST]  # what was done, and what stands there instead
Edits = Callable[[ast.AST], Iterator[Edit]]  # gives the edits of one node of a tree

LOOSENED = {ast.Gt: ast.GtE, ast.Lt: ast.LtE, ast.GtE: ast.Gt, ast.LtE: ast.Lt}
TURNED = {ast.Gt: ast.LtE, ast.Lt: ast.GtE, ast.Eq: ast.NotEq}


@dataclass(frozen=True)
class Variant:
    """The tree of a function with one place changed.

    Attributes:
        what: The change, in words.
        line: Of the place, counted from 1 at the first line of the tree's text.
        tree: The changed tree.
        text: It as text.
    """

    what: str
    line: int
    tree: ast.Module
    text: str


def variants(tree: ast.Module, edits: Edits) -> list[Variant]:
    """Return every variant of a tree in the order of `ast.walk`, each text once."""
    made: dict[str, Variant] = {}
    for index, node in enumerate(ast.walk(tree)):
        for what, replacement in edits(node):
            mutated = _replaced(tree, index, replacement)
            # Two edits may give the same text, as dropping either factor of x * x does.
            text = ast.unparse(mutated)
            made.setdefault(text, Variant(what, getattr(node, "lineno", 0), mutated, text))
    return list(made.values())


def compiled(tree: ast.Module, function: Callable, names: Mapping[str, Any]) -> FunctionType:
    """Return the function of a tree, in the namespace of the one it came from.

    Args:
        tree: Of one definition of a function.
        function: The right one.
        names: What the namespace holds in addition.
    """
    namespace = {**function.__globals__, **names}
    exec(compile(tree, f"<mutant of {function.__qualname__}>", "exec"), namespace)
    return namespace[function.__name__]


@contextmanager
def exchanged(function: FunctionType, other: FunctionType) -> Iterator[None]:
    """Let a function run the code of another for the block, wherever it was imported to."""
    right = function.__code__
    function.__code__ = other.__code__
    try:
        yield
    finally:
        function.__code__ = right


def edits_of_sum(node: ast.BinOp) -> Iterator[Edit]:
    """Yield a sum or difference with either term dropped or negated."""
    if not isinstance(node.op, (ast.Add, ast.Sub)):
        return
    left, right = node.left, node.right
    opposite = ast.Sub() if isinstance(node.op, ast.Add) else ast.Add()
    remaining = right if isinstance(node.op, ast.Add) else negated(right)
    yield told("dropped", left, node), remaining
    yield told("dropped", right, node), left
    yield told("negated", left, node), ast.BinOp(negated(left), node.op, right)
    yield told("negated", right, node), ast.BinOp(left, opposite, right)


def edits_of_product(node: ast.BinOp) -> Iterator[Edit]:
    """Yield a product or quotient with either factor dropped."""
    if not isinstance(node.op, (ast.Mult, ast.Div)):
        return
    left, right = node.left, node.right
    inverse = ast.BinOp(ast.Constant(1), ast.Div(), right)
    yield told("dropped", left, node), right if isinstance(node.op, ast.Mult) else inverse
    yield told("dropped", right, node), left


def edits_of_comparison(
    node: ast.Compare, turned: Mapping[type[ast.cmpop], type[ast.cmpop]] = TURNED
) -> Iterator[Edit]:
    """Yield a single comparison loosened (or made strict), and turned round."""
    if len(node.ops) != 1:
        return
    for word, table in (("loosened", LOOSENED), ("turned round", turned)):
        other = table.get(type(node.ops[0]))
        if other is not None:
            yield told(word, node, node), ast.Compare(node.left, [other()], node.comparators)


def told(word: str, term: ast.AST, whole: ast.AST) -> str:
    """Return a change in words, such as "`b` dropped in `a + b`"."""
    if term is whole:
        return f"`{ast.unparse(term)}` {word}"
    return f"`{ast.unparse(term)}` {word} in `{ast.unparse(whole)}`"


def negated(term: ast.expr) -> ast.expr:
    """Return the tree of `-term`."""
    return ast.UnaryOp(ast.USub(), term)


def _replaced(tree: ast.Module, index: int, replacement: ast.AST) -> ast.Module:
    """Return a copy of the tree with the node of that place in `ast.walk` replaced."""
    mutated = copy.deepcopy(tree)
    target = list(ast.walk(mutated))[index]

    class Replace(ast.NodeTransformer):
        def visit(self, node: ast.AST) -> Any:
            return copy.deepcopy(replacement) if node is target else self.generic_visit(node)

    return ast.fix_missing_locations(Replace().visit(mutated))
