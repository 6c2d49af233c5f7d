"""What is proven of the layers, and that nothing wrong is."""

from contextlib import ExitStack

import pytest
import tensorflow as tf

from dlmath.derivation.derivations_page import page
from dlmath.derivation.forward_passes import ForwardPass
from dlmath.derivation.functions_without_layer import WITHOUT_LAYER, proof_without_layer
from dlmath.derivation.nodes import Variable
from dlmath.derivation.proof import prove
from dlmath.derivation.registry import BUILDERS, DERIVED, proof_of, proofs_of, recorded_pass
from dlmath.derivation.sizes import dimension
from dlmath.derivation.tensorflow_names import symbolic_tensorflow
from dlmath.errors import UserError
from dlmath.gradcheck import faults, mutation, suite
from dlmath.gradcheck.mutation import Fault, mutants
from dlmath.gradcheck.registry import kinds
from dlmath.layers import Dense, Pair
from dlmath.layers.activations import Gelu, Relu, Softmax
from dlmath.layers.loss_functions import CategoricalCrossEntropy

# Faults that exact numbers and first derivatives do not have.
BEYOND = {
    "float32 inside a float64 computation",
    "cut off from the tape: right, but a constant to the second derivative",
}


# Checked by numbers only: their passes are loops over steps, lookups or products over heads.
BY_NUMBERS = {
    "SimpleRNN",
    "LSTM",
    "GRU",
    "Embedding",
    "PositionEmbedding",
    "SinePositionEncoding",
    "DotProductAttention",
    "BlockwiseAttention",
    "MultiHeadAttention",
}


def test_every_registered_layer_has_a_builder_or_is_checked_by_numbers():
    assert set(kinds()) == set(BUILDERS) | BY_NUMBERS
    assert not set(BUILDERS) & BY_NUMBERS


def test_a_layer_that_is_not_derived_says_so():
    with pytest.raises(UserError, match=r"lstm is checked by numbers.*Run dlmath check lstm"):
        proofs_of("lstm")


@pytest.mark.parametrize("case", DERIVED, ids=lambda case: case.name)
def test_forward_and_backward_of_the_case_are_proven(case):
    proof = proof_of(case)
    assert proof.is_proven, proof.verdict()
    assert proof.is_equal, proof.error
    recorded = recorded_pass(case)[1]
    assert {"y", *recorded.tensors} <= set(proof.proven)


@pytest.mark.parametrize("name", WITHOUT_LAYER)
def test_a_function_without_a_layer_agrees_with_the_tape(name):
    proof = proof_without_layer(name)
    assert proof.proven == {"y": True}
    assert proof.is_equal
    assert not proof.is_proven
    assert proof.verdict() == "no layer to compare with"


def test_softmax_cross_entropy_has_the_gradient_g_times_s_minus_y():
    proofs = proofs_of("CategoricalCrossentropy")
    lines = dict(proofs[0].derivation.lines("text"))
    assert lines["dL/dp = 1_K g * (1_K sum_K y * S - y)"] == "in closed form"
    assert proofs[0].proven["y_pred in closed form"]


def forward_of(name: str) -> ForwardPass:
    return recorded_pass(next(case for case in DERIVED if case.name == name))[0]


def mutant(owner: type, words: str) -> Fault:
    with symbolic_tensorflow(mutation):
        return next(f for f in mutants(owner, "backward") if words in f.what)


@pytest.mark.parametrize(
    ("name", "owner", "words"),
    [
        ("Dense(units=3)", Dense, "`dL/dbias` negated"),
        ("ReLU()", Relu, "loosened"),
        ("Activation(activation=gelu)", Gelu, "`density` dropped"),
        ("Softmax()", Softmax, "`cancellation.centred(g, y, self.axis)` dropped"),
        # Equal to the right one but for a factor inside a sum: a sum once bound a free index here.
        ("CategoricalCrossentropy()", CategoricalCrossEntropy, "`total` dropped in `cancellation"),
    ],
)
def test_a_wrong_backward_pass_is_refuted(name, owner, words):
    with mutant(owner, words).installed():
        proof = prove(forward_of(name), name, name)
    assert proof.is_refuted
    assert proof.proven["y"]
    assert "not equal" in proof.verdict()


@pytest.mark.slow
def test_no_fault_of_the_checkers_suite_is_proven():
    passes = {case.name: recorded_pass(case)[0] for case in DERIVED}
    users = _users(passes)
    with symbolic_tensorflow(mutation, faults):
        derived = [one for one, names in users.items() if names]
        made = [f for owner, name in derived for f in mutants(owner, name)]
    survivors = [f for f in [*faults.FAULTS, *made] if not _is_refused(f, users, passes)]
    # A number is its own transpose, and what guards against cancellation adds up to 0 if exact.
    exact = [f for f in survivors if not f.transpose and not f.where.startswith("cancellation.")]
    assert {f.what for f in exact} == BEYOND
    assert len(survivors) < 30


def _users(passes: dict[str, ForwardPass]) -> dict[tuple[type, str], list[str]]:
    """Return the cases that run through each part of a backward pass, the fastest first."""
    found = {one: [] for one in suite.backward_passes()}
    seconds = {}
    for name, forward in passes.items():
        met = {one: [] for one in found}
        with ExitStack() as stack:
            for (owner, attribute), its in met.items():
                noticing = suite._noticing(owner.__dict__[attribute], its)
                stack.enter_context(Fault("", "", owner, attribute, noticing).installed())
            seconds[name] = prove(forward, name, name).seconds
        for one, its in met.items():
            found[one] += [name] if its else []
    return {one: sorted(names, key=seconds.__getitem__) for one, names in found.items()}


def _is_refused(fault: Fault, users, passes) -> bool:
    with fault.installed(), symbolic_tensorflow(mutation, faults):
        return any(
            not prove(passes[name], name, name).is_proven
            for name in users[fault.owner, fault.attribute]
        )


def _pass(forward, backward) -> ForwardPass:
    x = Variable("x", (dimension("N"), dimension("D")))
    return ForwardPass(x * x, {"x": x}, Pair(forward, backward))


def test_a_forward_pass_that_is_another_function_is_refuted():
    found = prove(_pass(lambda x: (x * x * x, x), lambda x, g: {"x": 2 * g * x}), "cube", "cube")
    assert found.proven == {"y": False, "x": True}
    assert found.is_refuted


@pytest.mark.parametrize(
    ("backward", "reason"),
    [
        (lambda x, g: {"x": tf.roll(g * x, 1, axis=0)}, "tf.roll has no symbolic form"),
        (lambda x, g: {"x": 2 * g * x if x > 0 else g}, "branch"),
        (lambda x, g: {"x": x[:3] * g}, "part of an axis"),
        (lambda x, g: {}, "KeyError"),
    ],
)
def test_code_that_cannot_be_followed_is_not_proven_and_says_why(backward, reason):
    found = prove(_pass(lambda x: (x * x, x), backward), "square", "square")
    assert not found.is_proven
    assert found.verdict().startswith("not proven: ")
    assert reason in found.verdict()


def test_tensorflow_is_back_after_a_proof_even_if_it_fails():
    import dlmath.layers.dense as module

    with symbolic_tensorflow():
        assert module.tf is not tf
    with pytest.raises(ZeroDivisionError), symbolic_tensorflow():
        raise ZeroDivisionError
    assert module.tf is tf


def test_an_unknown_name_is_an_error_of_the_users():
    with pytest.raises(UserError, match="Did you mean 'Dense'"):
        proofs_of("Desne")


@pytest.mark.slow
def test_the_page_is_up_to_date(repository):
    committed = (repository / "docs" / "derivations.md").read_text(encoding="utf-8")
    assert committed == page(proofs_of("all")), (
        "run: dlmath check --derive all --out docs/derivations.md"
    )
