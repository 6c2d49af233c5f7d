"""Jiang's notes, line by line; the proofs left to do there are in dlmath.layers."""

from dlmath.maths.ledger import units
from dlmath.maths.ledger.entry import Entry, left_out, tested, unit

ENTRIES = (
    left_out(20, "Continuity", "a definition"),
    tested(
        30,
        "Derivability (as corrected): what is left is of second order",
        unit(
            "gradcheck/test_oracles::"
            "test_the_slope_is_two_for_a_right_gradient_and_one_for_a_wrong_one",
            "gradcheck.oracles:taylor_slope",
            edit=("linear = steps * float(", "linear = 0.9 * steps * float("),
        ),
    ),
    left_out(40, "Piecewise derivability", "a definition, among the errata"),
    left_out(52, "Matrices, vectors as rows, transposition", "notation"),
    tested(74, "The product of matrices", units.DENSE, units.COMPOSITION),
    left_out(82, "The product of a number and a matrix", "notation"),
    tested(90, "The chain rule (left to do there)", units.BACKPROPAGATION, units.DENSE_BACKWARD),
    tested(
        96,
        "Activation functions",
        unit(
            "maths/test_activations::test_the_slope_is_the_derivative",
            "maths.activations:ACTIVATIONS[tanh].slope",
        ),
    ),
    tested(102, "ReLU", units.RELU_OF_KERAS),
    tested(
        114,
        "Its derivative at 0 is taken as 0",
        units.RELU_AT_ZERO,
        unit(
            "maths/test_activations::test_relus_slope_at_zero_is_zero",
            "maths.activations:ACTIVATIONS[relu].slope",
            "shifted",  # 0 has no other sign, and no multiple
        ),
    ),
    Entry(116, "The Jacobian of ReLU", tests=(units.HEAVISIDE, units.RELU_BACKWARD)),
    tested(124, "Softmax is an activation function", units.SOFTMAX_LAYER),
    Entry(138, "The Jacobian of softmax", tests=(units.SOFTMAX_JACOBIAN,)),
    left_out(144, "Loss functions", "a definition that its own example misses, among the errata"),
    tested(
        152,
        "Categorical cross-entropy, and its gradient",
        units.CROSS_ENTROPY,
        units.CROSS_ENTROPY_BACKWARD,
    ),
    Entry(166, "The gradient of cross-entropy after softmax"),
    Entry(168, "It is S - y"),
    tested(174, "Dense layers", units.DENSE),
    Entry(188, "Their Jacobians", tests=(units.DENSE_BACKWARD,)),
    tested(
        200,
        "Upstream gradient, ReLU and dense layer",
        units.DENSE_BACKWARD,
        units.RELU_BACKWARD,
    ),
    tested(
        216,
        "The derivative in a unit's weights",
        unit(
            "layers/test_dense::test_one_column_of_the_weights_sees_the_indicator_of_its_own_unit",
            "layers.activations:Relu.backward",
        ),
    ),
    tested(
        222,
        "The derivative in the bias",
        unit(
            "layers/test_dense::test_upstream_relu_dense_has_the_gradients_of_the_docstring",
            "layers.dense:Dense.backward",
            edit=("tf.reduce_sum(_rows(g), axis=0)", "tf.reduce_mean(_rows(g), axis=0)"),
        ),
    ),
    left_out(230, "The data set of a network with k layers", "the notes end there"),
)
