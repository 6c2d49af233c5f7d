"""The engine: variants of a tree, and functions made of them."""

import ast

import pytest

from dlmath.mutation import compiled, edits_of_comparison, edits_of_product, edits_of_sum, variants


def edits(node):
    if isinstance(node, ast.BinOp):
        yield from edits_of_sum(node)
        yield from edits_of_product(node)
    if isinstance(node, ast.Compare):
        yield from edits_of_comparison(node)


@pytest.mark.parametrize(
    ("code", "texts"),
    [
        ("a + b", {"b", "a", "-a + b", "a - b"}),
        ("a - b", {"-b", "a", "-a - b", "a + b"}),
        ("a * b", {"b", "a"}),
        ("a / b", {"1 / b", "a"}),
        ("a < b", {"a <= b", "a >= b"}),
        ("a == b", {"a != b"}),
        ("x * x", {"x"}),  # the same text twice is one variant
        ("a % b", set()),
    ],
)
def test_every_variant_of_an_expression(code, texts):
    assert {variant.text for variant in variants(ast.parse(code), edits)} == texts


def test_a_variant_says_where_and_what_was_done():
    (first, *_) = variants(ast.parse("a = 1\nb = a + c"), edits)
    assert (first.what, first.line) == ("`a` dropped in `a + c`", 2)


def double(x):
    return x + x


def test_a_variant_is_compiled_in_the_namespace_of_the_right_function():
    tree = ast.parse("def double(x):\n    return x + OTHER")
    assert compiled(tree, double, {"OTHER": 40})(2) == 42
    assert double(2) == 4
