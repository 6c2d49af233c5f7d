"""K-FAC: the Kronecker-factored natural gradient, its factors, and what it does not see."""

import numpy as np

from dlmath import seeds
from dlmath.maths.experiment_base import Outcome, Sabotage, at_most, experiment
from dlmath.maths.extremes import largest_of
from dlmath.maths.network import (
    Layer,
    Network,
    activations,
    backward,
    cross_entropy,
    forward,
    initialised,
    softmax,
    stepped,
    towards,
)
from dlmath.maths.papers import Source
from dlmath.maths.plots import sequences

DAMPING = 1e-2  # of the outputs' factor only: of the inputs' it would spoil the invariance


def kfac_step(network: Network, rows: np.ndarray, labels: np.ndarray, rate: float) -> Network:
    """Return a softmax classifier after a step of K-FAC.

    A layer's Fisher information E[a a^T x g g^T], a being its input with a 1 and g the gradient
    at its output under the model's own labels, is taken for E[a a^T] x E[g g^T]; so the step is
    E[a a^T]^-1 (gradient) E[g g^T]^-1, with two small inverses in the place of a large one. The
    second factor is singular, as softmax ignores a common number, and damped.
    """
    count, classes = labels.shape
    said = softmax(forward(network, rows))
    gradients, _ = backward(network, rows, towards(labels))
    inputs = activations(network, rows)
    outputs = [np.zeros((len(layer.bias),) * 2) for layer in network]
    for label in np.eye(classes):
        _, signals = backward(network, rows, towards(label[np.newaxis]))
        chance = said @ label
        for place, layer in enumerate(network):
            slope = layer.activation.slope(inputs[place] @ layer.weights + layer.bias)
            g = signals[place + 1] * slope
            outputs[place] += (chance[:, np.newaxis] * g).T @ g / count
    steps = []
    for a, g, (dw, db) in zip(inputs, outputs, gradients, strict=False):
        ones = np.hstack([a, np.ones((count, 1))])
        damped = g + DAMPING * np.eye(len(g))
        step = np.linalg.solve(ones.T @ ones / count, np.vstack([dw, db])) @ np.linalg.inv(damped)
        steps.append((step[:-1], step[-1]))
    return stepped(network, steps, rate)


@experiment(
    title="K-FAC does not see affine maps of a layer's inputs",
    statement=(
        "The Kronecker-factored approximation of the Fisher information keeps what matters of "
        "the natural gradient: when the inputs are mapped by any invertible affine map, and the "
        "first weights by its inverse, its steps visit the same functions. So bad scaling of "
        "the inputs costs it nothing, where gradient descent crawls. A layer's step is that of the "
        "whole Kronecker product E[a a^T] x (E[g g^T] + damping), two small inverses for a large."
    ),
    sources=(Source("foundations", 148, "Efficient approximation of the Fisher"),),
    about=("kfac_step",),
    reference="Martens and Grosse, Optimizing neural networks with K-FAC, 2015, theorem 1",
    sabotage=Sabotage("steepest descent in the metric of the weights", {"factored": False}),
)
def kfac_invariance(
    *, factored: bool = True, rate: float = 0.3, steps: int = 25, seed: int = 0
) -> Outcome:
    """`factored` chooses between K-FAC and gradient descent, for 6 tanh units and 2 classes."""
    rng = seeds.generator("kfac", seed)
    rows = rng.normal(size=(200, 3))
    labels = np.eye(2)[(rows[:, 0] + rows[:, 1] * rows[:, 2] > 0).astype(int)]
    scale, shift = np.diag([30.0, 1.0, 0.1]) @ np.linalg.qr(rng.normal(size=(3, 3)))[0], 2.0
    mapped = rows @ scale + shift
    first, *rest = initialised((3, 6, 2), "tanh", "kfac", seed)
    weights = np.linalg.solve(scale, first.weights)
    other = (Layer(weights, first.bias - shift * weights.sum(axis=0), first.activation), *rest)

    def losses(network: Network, x: np.ndarray, natural: bool) -> tuple[np.ndarray, np.ndarray]:
        found = []
        for _ in range(steps):
            found.append(cross_entropy(softmax(forward(network, x)), labels))
            if natural:
                network = kfac_step(network, x, labels, rate)
            else:
                slopes, _ = backward(network, x, towards(labels))
                network = stepped(network, slopes, rate)
        return np.array(found), forward(network, x)

    before = (first, *rest)
    exact = kronecker_steps(before, rows, labels)
    after = kfac_step(before, rows, labels, rate)
    taken = [
        np.vstack([p.weights - q.weights, p.bias - q.bias])
        for p, q in zip(before, after, strict=True)
    ]
    apart = largest_of(
        np.abs(t - rate * e).max() / np.abs(e).max() for t, e in zip(taken, exact, strict=True)
    )
    ours, outputs = losses((first, *rest), rows, factored)
    theirs, outputs_mapped = losses(other, mapped, factored)
    plain, _ = losses(other, mapped, False)
    return Outcome(
        (
            at_most("distance of the outputs", np.abs(outputs - outputs_mapped).max(), 1e-5),
            at_most(
                "a layer's step away from that of the whole Kronecker product, relative",
                apart,
                1e-9,
            ),
            at_most("last loss over that of gradient descent", theirs[-1] / plain[-1], 0.8),
        ),
        sequences(
            "Loss on badly scaled inputs",
            "step",
            "loss",
            {
                "K-FAC" if factored else "descent": theirs,
                "well scaled": ours,
                "gradient descent": plain,
            },
        ),
    )


def kronecker_steps(network: Network, rows: np.ndarray, labels: np.ndarray) -> list[np.ndarray]:
    """Return the steps (d + 1, e) of both layers of a tanh network, at rate 1, with large matrices.

    Softmax p and cross-entropy make E[g g^T] at the logits diag(p) - p p^T, under the model's own
    labels; a row's Jacobian J of the logits at the hidden layer's output takes it to J (...) J^T.
    """
    count, classes = labels.shape
    first, last = network
    hidden = np.tanh(rows @ first.weights + first.bias)
    logits = hidden @ last.weights + last.bias
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    fisher = p[:, :, np.newaxis] * (np.eye(classes) - p[:, np.newaxis])  # (N, K, K)
    jacobians = (1 - hidden**2)[:, :, np.newaxis] * last.weights  # (N, units, K)
    steps = []
    for inside, through in ((rows, jacobians), (hidden, np.tile(np.eye(classes), (count, 1, 1)))):
        ones = np.hstack([inside, np.ones((count, 1))])
        inputs = ones.T @ ones / count
        outputs = (through @ fisher @ through.transpose(0, 2, 1)).mean(axis=0)
        gradient = np.einsum("na,nek,nk->ae", ones, through, p - labels) / count
        whole = np.kron(inputs, outputs + DAMPING * np.eye(len(outputs)))
        steps.append(np.linalg.solve(whole, gradient.ravel()).reshape(gradient.shape))
    return steps
