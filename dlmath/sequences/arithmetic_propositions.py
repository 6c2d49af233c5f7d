"""A grammar of propositions of arithmetic: templates, and numerals to put in their places."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from dlmath.sequences.arithmetic_terms import Proposition, Term, parsed, value

RANGES = {  # largest numeral in the place of a letter; what is added or multiplied by stays small
    "a": 12,
    "b": 3,
    "c": 3,
    "d": 3,
    "m": 3,
    "n": 2,
    "p": 2,
    "q": 1,
}
FAMILIES: Mapping[str, tuple[str, ...]] = {
    "seen": ("+ a b", "* m n", "S + a b", "+ S a b", "S * m n", "+ + a b c", "+ * m n b"),
    "deeper": ("+ + + a b c d", "S + + a b c", "+ S + a b c", "+ + * m n b c", "S + * m n b"),
    "nested on the right": ("+ a S p", "+ a + p q", "+ a * q b"),
    "an operation on both sides": ("+ a b = + p c", "+ a b = * m n", "* m n = + p c"),
}
OFF = (1, 2, 3)  # how far a false right side is from the value


@dataclass(frozen=True)
class Split:
    """Propositions to learn from and to be tested on; no left side is in both.

    Attributes:
        training: Of the seen templates.
        test: By family, none of them in `training` or `pools`.
        pools: By family, those that are to be proven by trying.
    """

    training: tuple[Proposition, ...]
    test: Mapping[str, tuple[Proposition, ...]]
    pools: Mapping[str, tuple[Proposition, ...]]


def instances(template: str) -> list[Proposition]:
    """Return a template with all numerals in the places of its letters, in order.

    The right side of a template without `=` is 0, in want of one.

    Args:
        template: A term, or two with ` = ` between them, with letters of `RANGES` for numerals.
    """
    letters = sorted({token for token in template.split() if token in RANGES})
    sides = [*template.split(" = "), "0"][:2]
    return [
        parsed(" ".join(["=", *(str(numerals.get(t, t)) for side in sides for t in side.split())]))
        for chosen in itertools.product(*(range(RANGES[letter] + 1) for letter in letters))
        for numerals in [dict(zip(letters, chosen, strict=True))]
    ]


def drawn_split(rng: np.random.Generator, tests: int = 80, pool: int = 100) -> Split:
    """Return a random split: a fifth of the seen left sides is for the test.

    Half of the propositions are true, as far as the left sides allow it.

    Args:
        rng: Of the split and of the false right sides.
        tests: The most propositions of each family in the test.
        pool: The most propositions of each unseen family that are to be proven by trying.
    """
    shuffled = {
        family: _shuffled([one for t in templates for one in instances(t)], rng)
        for family, templates in FAMILIES.items()
    }
    seen = shuffled.pop("seen")
    held = len(seen) // 5
    training = [one for p in seen[held:] for one in _both(p.left, rng)]
    test = {"seen": [one for p in seen[:held] for one in _both(p.left, rng)][:tests]}
    pools = {}
    for family, propositions in shuffled.items():
        several = _halves_true(propositions, rng)
        test[family] = several[:tests]
        pools[family] = several[tests : tests + pool]
    frozen = [{name: tuple(ps) for name, ps in part.items()} for part in (test, pools)]
    return Split(tuple(training), *frozen)


def _shuffled(propositions: Sequence[Proposition], rng: np.random.Generator) -> list[Proposition]:
    different = list(dict.fromkeys(propositions))
    return [different[place] for place in rng.permutation(len(different))]


def _both(left: Term, rng: np.random.Generator) -> list[Proposition]:
    """Return a true and a false proposition with the same left side."""
    return [Proposition(left, value(left)), Proposition(left, _other(value(left), rng))]


def _halves_true(propositions: list[Proposition], rng: np.random.Generator) -> list[Proposition]:
    """Return propositions in turn true and false; a right side that is 0 is replaced."""
    if not all(isinstance(p.right, int) for p in propositions):
        true = [p for p in propositions if value(p.left) == value(p.right)]
        false = [p for p in propositions if value(p.left) != value(p.right)]
        return [one for pair in zip(true, false, strict=False) for one in pair]
    return [_both(p.left, rng)[number % 2] for number, p in enumerate(propositions)]


def _other(numeral: int, rng: np.random.Generator) -> int:
    candidates = [
        numeral + sign * off for off in OFF for sign in (-1, 1) if numeral + sign * off >= 0
    ]
    return int(rng.choice(candidates))
