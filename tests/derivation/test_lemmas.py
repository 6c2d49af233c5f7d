import pytest

from dlmath.derivation.lemmas import composites, lemma_holds
from dlmath.derivation.nodes import Node
from dlmath.derivation.row_functions import Composite, Normalized, Softmax


def all_composites(base: type = Composite) -> set[type]:
    below = base.__subclasses__()
    return set(below).union(*(all_composites(one) for one in below))


def test_every_composite_function_has_its_lemma():
    assert {type(node) for node in composites()} == all_composites()


@pytest.mark.parametrize("node", composites(), ids=lambda node: type(node).__name__)
def test_the_rule_is_what_the_definition_gives(node):
    assert lemma_holds(node)


@pytest.mark.parametrize("kind", [Softmax, Normalized])
def test_a_rule_with_a_term_too_many_is_not(kind, monkeypatch):
    right = kind.cotangents

    def wrong(self: Node, u: Node):
        (moved,) = right(self, u)
        return (moved + self,)

    monkeypatch.setattr(kind, "cotangents", wrong)
    node = next(one for one in composites() if isinstance(one, kind))
    assert not lemma_holds(node)
