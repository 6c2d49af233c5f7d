"""The changes that are made to NumPy code."""

import ast
import textwrap

import pytest

from dlmath.maths.mutants.edits import NumpyEdits
from dlmath.mutation import variants


def changes(body):
    """Return the changes in words, and the lines of the body that each leaves."""
    tree = ast.parse(f"def f(x, y):\n{textwrap.indent(body, '    ')}")
    return {
        one.what: "\n".join(ast.unparse(line) for line in one.tree.body[0].body)
        for one in variants(tree, NumpyEdits(tree.body))
    }


@pytest.mark.parametrize(
    ("body", "after"),
    [
        ("return x * y", "return x / y"),
        ("return x ** 2", "return x"),
        ("return x @ y", "return y @ x"),
        ("return -x", "return x"),
        ("return x", "return -x"),
        ("return x", "return 0 * x"),
        ("return (x, y)", "return (x, -y)"),
        ("return x <= y", "return x > y"),
        ("return x <= y", "return x < y"),
        ("return x.T", "return x"),
        ("return x if y > 0 else y", "return y if y > 0 else x"),
        ("return x and y", "return x or y"),
        ("return np.sqrt(x)", "return x"),
        ("return abs(x)", "return x"),
        ("return np.maximum(x, 0)", "return x"),
        ("return np.maximum(x, 0)", "return np.minimum(x, 0)"),
        ("return x.mean(axis=0)", "return x.sum(axis=0)"),
        ("return x.mean(axis=0)", "return x.mean(axis=1)"),
        ("return x.mean(axis=0)", "return x.mean()"),
        ("return np.cos(x)", "return np.sin(x)"),
        ("return max(x)", "return min(x)"),
        ("return np.outer(x, y)", "return np.outer(y, x)"),
        ("return np.where(c, x, y)", "return np.where(c, y, x)"),
        ("return x + 1", "return x + 2"),
        ("return x + 1", "return x + 0"),
        ("return x + 3", "return x + 6"),
        ("return x[::-1]", "return x[::1]"),
        ("x += y\nreturn 5", "x -= y\nreturn 5"),
        ("x += y\nreturn 5", "pass\nreturn 5"),
        ("x = x - y\nreturn 5", "pass\nreturn 5"),
        ("x[0] = y\nreturn 5", "pass\nreturn 5"),
        ("y.append(x)\nreturn 5", "pass\nreturn 5"),
        ("return lambda z: z + x", "return lambda z: -(z + x)"),
    ],
)
def test_every_kind_of_change_is_made(body, after):
    assert after in changes(body).values()


@pytest.mark.parametrize(
    "body",
    [
        '"""Say 5 + 5."""',
        "raise ValueError(f'{x + 1}')",
        "return seeds.generator('name', 1)",
        "return curves('Title', {'a': (x + 1, y * 2)})",
        "n: int = x",
        "return 'a'",
    ],
)
def test_what_computes_nothing_is_left_as_it_is(body):
    assert all("result" in what for what in changes(body))


def test_twice_a_tolerance_is_no_change_but_one_that_is_large_is():
    assert {"return x < 1.000000001", "return x < 1"} & set(changes("return x < 1e-9").values())
    assert "return x < 2e-09" not in changes("return x < 1e-9").values()


def test_only_the_given_statements_are_changed():
    tree = ast.parse("def f(x):\n    a = x + 1\n    b = x + 2\n    return a * b")
    lines = {one.line for one in variants(tree, NumpyEdits([tree.body[0].body[1]]))}
    assert lines == {3}


def test_a_number_is_named_with_the_expression_it_stands_in():
    assert "`1` became `2` in `x[:, 1]`" in changes("return x[:, 1]")
    assert "`0` became `1` in `x.sum(axis=0)`" in changes("return x.sum(axis=0)")
