"""The changes that are made to the NumPy code of an algorithm.

Terms, factors and powers dropped, negated or exchanged; comparisons and conditions turned round;
functions exchanged (min for max, sum for mean, sin for cos) or left out (the root, the absolute
value); arguments swapped; axes and numbers changed; results negated or zero; updates left out.
"""

import ast
from collections.abc import Iterable, Iterator

from dlmath.mutation import (
    TURNED,
    Edit,
    edits_of_comparison,
    edits_of_product,
    edits_of_sum,
    negated,
    told,
)

_PAIRS = (
    ("min", "max"),
    ("minimum", "maximum"),
    ("argmin", "argmax"),
    ("nanmin", "nanmax"),
    ("mean", "sum"),
    ("sin", "cos"),
    ("sinh", "cosh"),
    ("any", "all"),
    ("floor", "ceil"),
    ("zeros", "ones"),
    ("zeros_like", "ones_like"),
)
EXCHANGED = {name: other for a, b in _PAIRS for name, other in ((a, b), (b, a))}
BUILT_IN = {"min", "max", "any", "all"}  # those that have a partner where no module is named
# Functions that return something of the form of their first argument, or of its entries.
LEFT_OUT = {
    "abs",
    "sqrt",
    "exp",
    "log",
    "log2",
    "log1p",
    "logaddexp",
    "sign",
    "square",
    "tanh",
    "sin",
    "cos",
    "maximum",
    "minimum",
    "clip",
    "cumsum",
    "cumprod",
    "sort",
    "sorted",
    "reversed",
    "expit",
    "floor",
    "ceil",
    "round",
    "flip",
    "conj",
}
SYMMETRIC = {
    "minimum",
    "maximum",
    "min",
    "max",
    "hypot",
    "logaddexp",
    "isinstance",
    "zip",
    "inner",
    "vdot",
    "dot",
}
# Their arguments say what is shown or drawn, not what is computed.
NOT_COMPUTED = {
    "curves",
    "sequences",
    "dots",
    "generator",
    "choose",
    "Source",
    "UserError",
    "ValueError",
}
TINY = 1e-3  # below it a number is a tolerance or a guard, and twice it is as good a one

_TURNED = {
    **TURNED,
    ast.GtE: ast.Lt,
    ast.LtE: ast.Gt,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}


class NumpyEdits:
    """The edits of the nodes of one function's tree.

    Args:
        parts: What is changed: definitions of functions, of which only the body is, or statements.
    """

    def __init__(self, parts: Iterable[ast.stmt]):
        self.parents: dict[ast.AST, ast.AST] = {}
        self.open: set[ast.AST] = set()
        self.results: set[int] = set()
        for part in parts:
            self._enter(part)
            self.results |= {id(value) for value in _results(part)}

    def __call__(self, node: ast.AST) -> Iterator[Edit]:
        """Yield the edits of a node; none where it is not of the function's computation."""
        if node not in self.open:
            return
        if id(node) in self.results:
            yield from _of_result(node)
        if isinstance(node, ast.Constant):
            yield from self._of_constant(node)
        elif isinstance(node, (ast.stmt, ast.comprehension)):
            yield from _of_statement(node)
        else:
            yield from _of_expression(node)

    def _enter(self, node: ast.AST) -> None:
        """Open a node and all below it, but for what computes nothing."""
        if _computes_nothing(node):
            return
        self.open.add(node)
        below: list[ast.AST] = list(ast.iter_child_nodes(node))
        if isinstance(node, (ast.FunctionDef, ast.Lambda)):
            below = node.body if isinstance(node.body, list) else [node.body]
        if isinstance(node, ast.AnnAssign):
            below = [node.value] if node.value else []
        for child in below:
            self.parents[child] = node
            self._enter(child)

    def _of_constant(self, node: ast.Constant) -> Iterator[Edit]:
        value = node.value
        if type(value) not in (int, float):
            return
        others = [value + 1]
        if abs(value) >= TINY:
            others.append(2 * value)
        if value == 1:
            others.append(0)
        for other in dict.fromkeys(others):
            if other != value:
                where = ast.unparse(self._around(node))
                yield f"`{value}` became `{other}` in `{where}`", ast.Constant(other)

    def _around(self, node: ast.AST) -> ast.AST:
        """Return the expression that a number stands in, and is understood by."""
        above = self.parents[node]
        while isinstance(above, (ast.UnaryOp, ast.Slice, ast.Tuple, ast.keyword, ast.List)):
            above = self.parents[above]
        return above if isinstance(above, ast.expr) else node


def _computes_nothing(node: ast.AST) -> bool:
    if isinstance(node, (ast.Raise, ast.JoinedStr, ast.Pass)):
        return True
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return True  # a docstring
    if isinstance(node, ast.Call):
        return _last_name(node.func) in NOT_COMPUTED
    return isinstance(node, ast.keyword) and node.arg in ("keepdims", "dtype", "strict", "method")


def _results(part: ast.stmt) -> Iterator[ast.expr]:
    """Yield what functions return or a statement assigns, the entries of a tuple one by one."""
    values: list[ast.expr] = [part.value] if isinstance(part, ast.Assign) else []
    for node in ast.walk(part):
        if isinstance(node, (ast.Return, ast.Yield)) and node.value is not None:
            values.append(node.value)
        elif isinstance(node, ast.Lambda):
            values.append(node.body)
    for value in values:
        yield from value.elts if isinstance(value, ast.Tuple) else [value]


def _of_result(node: ast.AST) -> Iterator[Edit]:
    if not isinstance(node, (ast.BinOp, ast.Call, ast.Name, ast.Subscript, ast.UnaryOp)):
        return
    if isinstance(node, ast.Call) and _last_name(node.func)[:1].isupper():
        return  # an object, whose parts are changed where they are computed
    yield f"result `{ast.unparse(node)}` negated", negated(node)
    yield f"result `{ast.unparse(node)}` zero", ast.BinOp(ast.Constant(0), ast.Mult(), node)


def _of_expression(node: ast.AST) -> Iterator[Edit]:
    if isinstance(node, ast.BinOp):
        yield from _of_operation(node)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.Not, ast.Invert)):
        yield f"sign of `{ast.unparse(node)}` dropped", node.operand
    elif isinstance(node, ast.Compare):
        yield from edits_of_comparison(node, _TURNED)
    elif isinstance(node, ast.BoolOp):
        other: ast.boolop = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        yield f"and, or exchanged in `{ast.unparse(node)}`", ast.BoolOp(other, node.values)
    elif isinstance(node, ast.IfExp):
        yield (
            f"branches swapped in `{ast.unparse(node)}`",
            ast.IfExp(node.test, node.orelse, node.body),
        )
    elif isinstance(node, ast.Attribute) and node.attr == "T":
        yield f"transposition of `{ast.unparse(node.value)}` left out", node.value
    elif isinstance(node, ast.Call):
        yield from _of_call(node)


def _of_operation(node: ast.BinOp) -> Iterator[Edit]:
    yield from edits_of_sum(node)
    yield from edits_of_product(node)
    left, right = node.left, node.right
    if isinstance(node.op, (ast.Mult, ast.Div)):
        inverse: ast.operator = ast.Div() if isinstance(node.op, ast.Mult) else ast.Mult()
        yield f"*, / exchanged in `{ast.unparse(node)}`", ast.BinOp(left, inverse, right)
    elif isinstance(node.op, ast.Pow):
        yield told("dropped", right, node), left
    elif isinstance(node.op, ast.MatMult):
        yield f"factors swapped in `{ast.unparse(node)}`", ast.BinOp(right, node.op, left)
        yield f"`{ast.unparse(node)}` negated", negated(node)


def _of_call(node: ast.Call) -> Iterator[Edit]:
    name, last = ast.unparse(node.func), _last_name(node.func)
    if last in EXCHANGED and (isinstance(node.func, ast.Attribute) or last in BUILT_IN):
        other = _renamed(node.func, EXCHANGED[last])
        yield (
            f"`{name}` became `{ast.unparse(other)}` in `{ast.unparse(node)}`",
            ast.Call(other, node.args, node.keywords),
        )
    if last in LEFT_OUT and node.args:
        yield f"`{name}` left out of `{ast.unparse(node)}`", node.args[0]
    if len(node.args) in (2, 3) and last not in SYMMETRIC:
        first = node.args[: len(node.args) - 2]  # np.where(condition, a, b)
        a, b = node.args[-2:]
        plain = not any(isinstance(arg, ast.Starred) for arg in node.args)
        if plain and ast.dump(a) != ast.dump(b):
            yield (
                f"arguments swapped in `{ast.unparse(node)}`",
                ast.Call(node.func, [*first, b, a], node.keywords),
            )
    yield from _of_axis(node)


def _of_axis(node: ast.Call) -> Iterator[Edit]:
    for keyword in node.keywords:
        if keyword.arg == "axis":
            rest = [other for other in node.keywords if other is not keyword]
            yield (
                f"`{ast.unparse(keyword)}` left out of `{ast.unparse(node)}`",
                ast.Call(node.func, node.args, rest),
            )


def _of_statement(node: ast.AST) -> Iterator[Edit]:
    if isinstance(node, ast.AugAssign):
        opposite = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult}
        other = opposite.get(type(node.op))
        if other is not None:
            yield (
                f"operator exchanged in `{ast.unparse(node)}`",
                ast.AugAssign(node.target, other(), node.value),
            )
        yield f"`{ast.unparse(node)}` left out", ast.Pass()
    elif _updates(node):
        yield f"`{ast.unparse(node)}` left out", ast.Pass()
    elif isinstance(node, ast.Break):
        yield "`break` left out", ast.Pass()
    elif isinstance(node, ast.If) and not isinstance(node.test, ast.Compare):
        yield (
            f"`if {ast.unparse(node.test)}` turned round",
            ast.If(ast.UnaryOp(ast.Not(), node.test), node.body, node.orelse),
        )


def _updates(node: ast.AST) -> bool:
    """Return whether a statement changes something that was there before it."""
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Call)
    if not isinstance(node, ast.Assign):
        return False
    target = node.targets[0]
    if isinstance(target, (ast.Subscript, ast.Attribute)):
        return True
    names = {name.id for name in ast.walk(node.value) if isinstance(name, ast.Name)}
    return isinstance(target, ast.Name) and target.id in names


def _renamed(function: ast.expr, name: str) -> ast.expr:
    if isinstance(function, ast.Attribute):
        return ast.Attribute(function.value, name, ast.Load())
    return ast.Name(name, ast.Load())


def _last_name(function: ast.expr) -> str:
    return ast.unparse(function).rpartition(".")[2]
