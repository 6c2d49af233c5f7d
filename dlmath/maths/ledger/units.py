"""Test functions that several lines rest on, each with the code that it must fail without."""

from dlmath.maths.ledger.entry import unit

# The numpy network of dlmath.maths.
COMPOSITION = unit(
    "maths/test_network::test_forward_is_the_composition_of_its_layers", "maths.network:forward"
)
DEPTH_AND_WIDTH = unit(
    "maths/test_network::test_depth_and_widths_are_as_asked",
    "maths.network:initialised",
    edit=("pairwise(widths)", "pairwise(widths[::-1])"),
)
BACKPROPAGATION = unit(
    "maths/test_network::test_the_gradient_of_the_input_is_the_last_signal",
    "maths.network:backward",
)
ONE_HOT = unit(
    "maths/test_network::test_cross_entropy_of_one_hot_labels_is_minus_the_log_of_the_true_class",
    "maths.network:cross_entropy",
)
SOFTMAX = unit(
    "maths/test_network::test_softmax_rows_sum_to_one_and_do_not_overflow", "maths.network:softmax"
)
STEP = unit(
    "maths/test_network::test_a_step_goes_against_the_gradient",
    "maths.network:stepped",
    edit=("layer.weights - rate * dw", "layer.weights + rate * dw"),
)
# Optimisers: 25 steps next to Keras's. Adam also without its first moment.
_OF_KERAS = "maths/test_optimisers::test_the_steps_are_those_of_keras"
MOMENTUM = unit(f"{_OF_KERAS}[momentum]", "maths.optimisers:Momentum.step")
RMSPROP = unit(f"{_OF_KERAS}[rmsprop]", "maths.optimisers:RmsProp.step")
RMSPROP_RATE = unit(
    f"{_OF_KERAS}[rmsprop]", "maths.optimisers:RmsProp.step", edit=("np.sqrt(squares)", "squares")
)
ADAM = unit(f"{_OF_KERAS}[adam]", "maths.optimisers:Adam.step")
ADAM_MEAN = unit(
    f"{_OF_KERAS}[adam]",
    "maths.optimisers:Adam.step",
    edit=("(mean / first)", "(gradient / first)"),
)
ADAM_BIAS = unit(
    f"{_OF_KERAS}[adam]",
    "maths.optimisers:Adam.step",
    edit=("self.bias_correction", "not self.bias_correction"),
)
# The perceptron, whose weights are those of scikit-learn.
PERCEPTRON = unit(
    "maths/test_perceptron::test_the_weights_are_those_of_scikit_learn",
    "maths.perceptron:learn_perceptron",
)
# The layers of dlmath.layers.
DENSE = unit(
    "layers/test_contract::test_same_output_weights_and_shapes_as_keras",
    "layers.dense:Dense.forward",
)
DENSE_BACKWARD = unit(
    "layers/test_dense::test_upstream_relu_dense_has_the_gradients_of_the_docstring",
    "layers.dense:Dense.backward",
)
RELU_OF_KERAS = unit(
    "layers/test_activations::test_relu_is_that_of_keras_from_one_infinity_to_the_other",
    "layers.activations:Relu.forward",
)
RELU_BACKWARD = unit(
    "layers/test_dense::test_upstream_relu_dense_has_the_gradients_of_the_docstring",
    "layers.activations:Relu.backward",
)
RELU_AT_ZERO = unit(
    "layers/test_activations::test_at_its_kinks_relu_has_the_derivative_of_tensorflow",
    "layers.activations:Relu.backward",
    edit=("x > self.threshold", "x >= self.threshold"),
)
HEAVISIDE = unit(
    "layers/test_activations::"
    "test_relu_has_the_heaviside_function_as_its_derivative_in_the_sense_of_distributions",
    "layers.activations:Relu.backward",
)
SOFTMAX_LAYER = unit(
    "layers/test_activations::test_a_class_at_minus_infinity_has_probability_and_gradient_zero",
    "layers.activations:Softmax.forward",
)
SOFTMAX_JACOBIAN = unit(
    "layers/test_activations::test_softmax_has_the_jacobian_of_the_lemma",
    "layers.activations:Softmax.backward",
)
ADJOINT = unit(
    "layers/test_adjoints::test_the_exposed_linear_part_is_that_of_the_layer_and_has_its_adjoint",
    "layers.dense:RightMultiplication.adjoint",
)
CROSS_ENTROPY = unit(
    "layers/test_losses::test_value_and_gradient_are_those_of_keras",
    "layers.loss_functions:CategoricalCrossEntropy.forward",
)
CROSS_ENTROPY_BACKWARD = unit(
    "layers/test_losses::test_value_and_gradient_are_those_of_keras",
    "layers.loss_functions:CategoricalCrossEntropy.backward",
)
_PENALTIES = (
    "layers/test_regularizers::test_penalty_is_that_of_keras_and_its_config_goes_there_and_back"
)
L1 = unit(_PENALTIES, "layers.regularizers:L1.forward")
L2 = unit(_PENALTIES, "layers.regularizers:L2.forward")
DROPOUT = unit(
    "layers/test_dropout::test_the_draws_are_those_of_keras_step_by_step",
    "layers.dropout:Dropout.forward",
)
DROPOUT_BACKWARD = unit(
    "layers/test_dropout::test_a_dropped_entry_sends_no_gradient_and_a_kept_one_is_scaled",
    "layers.dropout:Dropout.backward",
)
TRAINING = unit(
    "layers/test_whole_network::test_trained_beside_keras_on_the_same_batches_it_makes_the_same_steps",
    "layers.dense:Dense.backward",
)
TRAINING_CONVOLUTION = unit(
    "layers/test_whole_network::test_trained_beside_keras_on_the_same_batches_it_makes_the_same_steps",
    "layers.convolution:WindowedProduct.backward",
)
# Stable in floating point: the largest entry is taken out first.
STABLE = unit(
    "maths/test_network::test_softmax_rows_sum_to_one_and_do_not_overflow",
    "maths.network:softmax",
    edit=("logits - logits.max(axis=1, keepdims=True)", "logits"),
)
STABLE_LAYER = unit(
    "layers/test_activations::test_values_and_derivatives_are_finite_however_large_the_input",
    "layers.activations:Softmax.forward",
    edit=("x - tf.stop_gradient(largest)", "x"),
)
# Attention and a transformer's block on NumPy arrays, as dlmath.layers has them.
ATTENTION = unit(
    "maths/test_attention::test_values_and_gradients_are_those_of_the_layer",
    "maths.attention:attend",
)
TRANSFORMER_BLOCK = unit(
    "maths/test_attention::test_a_block_is_that_of_the_layers", "maths.attention:Block.__call__"
)
