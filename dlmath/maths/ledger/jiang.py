"""Jiang's notes, line by line; the proofs left to do there are in dlmath.layers."""

from dlmath.maths.ledger.entry import Entry, left_out, tested

ENTRIES = (
    left_out(20, "Continuity", "a definition"),
    tested(30, "Derivability (as corrected)", "maths/test_errata"),
    left_out(40, "Piecewise derivability", "a definition, among the errata"),
    left_out(52, "Matrices, vectors as rows, transposition", "notation"),
    tested(74, "The product of matrices", "maths/test_errata"),
    left_out(82, "The product of a number and a matrix", "notation"),
    tested(90, "The chain rule (left to do there)", "layers/test_hand_derived"),
    tested(96, "Activation functions", "maths/test_activations"),
    tested(102, "ReLU", "layers/test_activations"),
    Entry(114, "Its derivative at 0 is taken as 0"),
    Entry(116, "The Jacobian of ReLU", tests=("tests/layers/test_activations.py",)),
    tested(124, "Softmax is an activation function", "layers/test_activations"),
    Entry(138, "The Jacobian of softmax", tests=("tests/layers/test_activations.py",)),
    tested(144, "Loss functions", "maths/test_errata"),
    tested(152, "Categorical cross-entropy, and its gradient", "layers/test_losses"),
    Entry(166, "The gradient of cross-entropy after softmax"),
    Entry(168, "It is S - y"),
    tested(174, "Dense layers", "layers/test_dense"),
    Entry(188, "Their Jacobians", tests=("tests/layers/test_dense.py",)),
    tested(
        200,
        "Upstream gradient, ReLU and dense layer",
        "maths/test_errata",
        "layers/test_whole_network",
    ),
    tested(216, "The derivative in a unit's weights", "maths/test_errata"),
    tested(222, "The derivative in the bias", "layers/test_dense"),
    left_out(230, "The data set of a network with k layers", "the notes end there"),
)
