"""Wrong backward passes, made from the source of the right ones.

A checker is worth what it catches. From the syntax tree of a backward pass this module makes every
variant in which one term is dropped, negated or transposed, one sum and mean exchanged, one
comparison loosened or turned round, or one matrix product has its arguments swapped.
"""

import ast
import copy
import inspect
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from dlmath.mutation import (
    Edit,
    compiled,
    edits_of_comparison,
    edits_of_product,
    edits_of_sum,
    negated,
    told,
    variants,
)


@dataclass(frozen=True)
class Fault:
    """One wrong function in the place of a right one.

    Args:
        where: "Class.method", or "module.function".
        what: The change, in words.
        owner: The class or module that holds the function.
        attribute: The function's name there.
        wrong: What is put in its place.
        transpose: The transposition in it, if there is one.
    """

    where: str
    what: str
    owner: Any
    attribute: str
    wrong: Callable
    transpose: "Transpose | None" = None

    @contextmanager
    def installed(self) -> Iterator[None]:
        """Put the wrong function in place for the block."""
        right = self.owner.__dict__[self.attribute]
        setattr(self.owner, self.attribute, self.wrong)
        try:
            yield
        finally:
            setattr(self.owner, self.attribute, right)


def mutants(owner: Any, attribute: str) -> list[Fault]:
    """Yield every mutant of a method or function, in the order of its source."""
    function = owner.__dict__[attribute]
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    where = f"{owner.__name__.rpartition('.')[2]}.{attribute}"
    results = [node.value for node in ast.walk(tree) if isinstance(node, ast.Return)]
    found = variants(tree, lambda node: _edits(node, returned=node in results))
    return [
        _fault(where, owner, attribute, variant.what, variant.tree, variant.text)
        for variant in found
    ]


def _fault(where: str, owner: Any, attribute: str, what: str, tree: ast.Module, text: str) -> Fault:
    """Return the fault that puts the function of a tree in the place of the right one."""
    transpose = Transpose() if Transpose.NAME in text else None
    wrong = compiled(tree, owner.__dict__[attribute], {Transpose.NAME: transpose})
    return Fault(where, what, owner, attribute, wrong, transpose)


class Transpose:
    """x with its entries in the order of its transpose, in its own shape.

    What has at most one axis longer than 1 (a number, a vector, a column) is its own transpose in
    this sense; `moved` says whether this one ever met anything else.
    """

    NAME = "transposed"

    def __init__(self) -> None:
        self.moved = False

    def __call__(self, x: Any) -> tf.Tensor:
        x = tf.convert_to_tensor(x)
        self.moved = self.moved or sum(length > 1 for length in x.shape) > 1
        return tf.reshape(tf.transpose(x), tf.shape(x))


def _edits(node: ast.AST, *, returned: bool) -> Iterator[Edit]:
    """Yield the replacements of one node of the tree."""
    if isinstance(node, ast.Dict):
        for key, value in zip(node.keys, node.values, strict=True):
            name = f"dL/d{ast.literal_eval(key)}" if key is not None else "gradients"
            for what, other in _edits_of_result(name, value):
                changed = [other if old is value else old for old in node.values]
                yield what, ast.Dict(node.keys, changed)
    elif returned and isinstance(node, ast.expr):
        yield from _edits_of_result("result", node)
    if isinstance(node, ast.BinOp):
        yield from _edits_of_operation(node)
    if isinstance(node, ast.Compare):
        yield from edits_of_comparison(node)
    if isinstance(node, ast.Call):
        yield from _edits_of_call(node)


def _edits_of_operation(node: ast.BinOp) -> Iterator[Edit]:
    yield from edits_of_sum(node)
    yield from edits_of_product(node)
    if isinstance(node.op, (ast.Add, ast.Sub, ast.Mult, ast.Div)):
        for side, term in (("left", node.left), ("right", node.right)):
            if not isinstance(term, ast.Constant):
                changed = copy.deepcopy(node)
                setattr(changed, side, _wrapped(term))
                yield told("transposed", term, node), changed


def _edits_of_call(node: ast.Call) -> Iterator[Edit]:
    name = ast.unparse(node.func)
    exchanged = {"tf.reduce_mean": "tf.reduce_sum", "tf.reduce_sum": "tf.reduce_mean"}
    if name in exchanged:
        other = ast.parse(exchanged[name], mode="eval").body
        yield f"`{name}` became `{exchanged[name]}`", ast.Call(other, node.args, node.keywords)
    if name != "tf.matmul":
        return
    first, second = node.args
    yield "arguments of `tf.matmul` swapped", ast.Call(node.func, [second, first], node.keywords)
    for keyword in node.keywords:
        rest = [other for other in node.keywords if other is not keyword]
        yield f"`{keyword.arg}` left out of `tf.matmul`", ast.Call(node.func, node.args, rest)


def _edits_of_result(name: str, value: ast.expr) -> Iterator[Edit]:
    """Edits of something that a backward pass returns."""
    zeros_like = ast.parse("tf.zeros_like", mode="eval").body
    yield f"`{name}` zero", ast.Call(zeros_like, [value], [])
    yield f"`{name}` negated", negated(value)
    yield f"`{name}` transposed", _wrapped(value)


def _wrapped(term: ast.expr) -> ast.expr:
    return ast.Call(ast.Name(Transpose.NAME, ast.Load()), [term], [])
