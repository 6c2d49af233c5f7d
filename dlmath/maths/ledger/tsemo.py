"""Tsemo's paper, line by line."""

from dlmath.maths.ledger import units
from dlmath.maths.ledger.entry import (
    GRAPHS,
    HISTORY,
    Entry,
    later,
    left_out,
    tested,
    unit,
)

MIN_MAX, STANDARD = (
    unit("maths/test_perceptron::test_the_scalers_are_scikit_learns", f"maths.perceptron:{name}")
    for name in ("min_max_scale", "standard_scale")
)
LOGISTIC_LOSS = unit(
    "maths/test_objectives::test_the_logistic_loss_is_scikit_learns",
    "maths.objectives:logistic_loss",
    edit=("np.logaddexp(0, z) - labels * z", "np.logaddexp(0, z) + labels * z"),
)
LOGISTIC_GRADIENT = unit(
    "maths/test_objectives::test_derivatives_are_those_of_the_value",
    "maths.objectives:logistic_loss",
    edit=("(expit(features @ w) - labels)", "(expit(features @ w) + labels)"),
)
MAX_POOL, AVERAGE_POOL = (
    unit(
        "maths/test_convolution::test_pooling_is_scipys_filter_at_the_places_of_the_windows",
        f"maths.convolution:{name}",
    )
    for name in ("max_pool", "average_pool")
)
MAX_POOL_BACKWARD = unit(
    "layers/test_pooling::test_between_ties_the_first_pixel_takes_all_as_in_tensorflow",
    "layers.pooling:MaxPooling2D.backward",
)
BATCH_NORMALISATION = unit(
    "layers/test_batch_normalization::test_moving_statistics_follow_as_in_keras",
    "layers.batch_normalization:BatchNormalization.forward",
)

BYTE_PAIRS = unit(
    "sequences/test_byte_pairs::test_merges_and_numbers_are_those_of_the_library",
    "sequences.byte_pairs:_most_frequent",
    edit=("(-pairs[pair], pair)", "(pairs[pair], pair)"),
)
WORD_PIECES = unit(
    "sequences/test_word_pieces::test_the_longest_piece_is_taken_from_the_left",
    "sequences.word_pieces:WordPieces._encode_word",
    edit=("range(len(word), start, -1)", "range(start + 1, len(word) + 1)"),
)
EMBEDDING = unit(
    "layers/test_embedding::test_the_adjoint_of_a_gather_adds_up",
    "layers.embedding:Embedding.backward",
)
INTEGRATED_GRADIENTS = unit(
    "explain/test_methods::test_the_sum_of_integrated_gradients_is_the_difference_of_scores",
    "explain.path_attribution:integrated_gradients",
)
DELETION = unit(
    "explain/test_deletion::test_curves_run_between_the_image_and_nothing",
    "explain.deletion:deletion_curve",
)
CLOSED_FORM = unit(
    "linear_head/test_leave_out::test_ridge_without_patients_is_that_of_refits",
    "linear_head.leave_out:ridge_without_patients",
)
AS_SCIKIT_LEARN = unit(
    "maths/test_kernel_machines::test_it_is_scikit_learns", "maths.kernel_machines:train_machine"
)
FLATTEN, LAYER_NORMALISATION = (
    unit("layers/test_contract::test_same_output_weights_and_shapes_as_keras", f"layers.{name}")
    for name in ("reshaping:Flatten.forward", "layer_normalization:LayerNormalization.forward")
)
OPTIMIZER, EPOCHS = (
    unit("models/test_recipes::test_malaria_follows_the_paper", f"models.malaria:PAPER.{name}")
    for name in ("optimizer", "epochs")
)
RECURRENT_CELLS = {
    name: unit(
        "maths/test_recurrences::test_states_and_gradients_are_those_of_the_layer",
        f"maths.recurrences:{cell}.step",
    )
    for name, cell in (("simple", "SimpleCell"), ("LSTM", "LstmCell"), ("GRU", "GruCell"))
}
MEASURED = unit(
    "sequences/test_sequence_learning::test_curves_of_the_study_begin_again_as_they_were",
    "sequences.learning_curves:learning_curve",
    edit=("Adam(training.rate", "Adam(0.3 * training.rate"),
)
HEAD_ONLY = unit(
    "models/test_classifier::test_tuning_the_head_trains_the_head_alone",
    "models.classifier:_freeze",
    edit=('"head": len(trunk)', '"head": 0'),
)
YONEDA = unit(
    "maths/graphs/test_digraph::test_yoneda_morphisms_from_the_dot_are_nodes_and_from_the_arrow_"
    "arcs_naturally",
    "maths.graphs.hom_sets:homomorphisms",
    edit=("in product(*choices)", "in [*product(*choices)][:1]"),
)
MEMORY_CLASS = unit(
    "maths/graphs/test_memory_classes::test_a_recurrent_layer_has_a_loop",
    "maths.graphs.memory_classes:_append_layer",
    edit=("arcs.append((end, begin))", "pass"),
)
GLUING = unit(
    "maths/graphs/test_open_graphs::test_two_arrows_compose_to_a_path_and_there_and_back_is_no_"
    "cycle",
    "maths.graphs.open_graphs:OpenGraph.then",
    edit=("other.graph, other.inputs", "other.graph, other.outputs"),
)

ENTRIES = (
    left_out(11, "Kinds of learning: supervised, unsupervised, reinforcement", "a classification"),
    Entry(
        23,
        "Support vector machines with kernels classify what no plane separates",
        tests=(AS_SCIKIT_LEARN,),
    ),
    Entry(24, "Viola and Jones: predefined features combined by learning"),
    Entry(
        27,
        "Models lose accuracy as data drift",
        tests=(
            unit(
                "drift/test_two_sample::test_a_shift_of_the_features_is_seen",
                "drift.two_sample:compare_samples",
                "negated",
                "shifted",  # a shift that is a tenth larger is seen as well
            ),
        ),
    ),
    tested(
        28,
        "Decisions that people can understand: which pixels they rest on",
        INTEGRATED_GRADIENTS,
        DELETION,
    ),
    Entry(
        29,
        "Networks and Fourier series both approximate continuous functions",
        by=("bernstein-and-fourier",),
    ),
    Entry(
        29,
        "Style transfer: the features of one image in the style of another",
        by=("gram-matrix-forgets-places", "style-transfer-descends"),
    ),
    Entry(30, "A finite labelled set can always be separated"),
    Entry(31, "The optimal boundary: lowest degree that reaches an accuracy"),
    left_out(
        31,
        "Nash's theorem: a compact manifold is near to an algebraic variety",
        "a theorem that is quoted; it says nothing of the degree, which is what is computed here",
    ),
    Entry(35, "The hypersurface of least degree that classifies a proportion of the data"),
    Entry(36, "More data give more accurate results", by=("data-by-coefficients",)),
    Entry(
        36,
        "A boundary of low degree may need less data",
        by=("data-by-coefficients", "low-degree-needs-less-data"),
    ),
    left_out(
        37,
        "CPU-GPU conjecture",
        "no experiment can refute it: how much insight is sufficient is not said, so where a "
        "processor is slow it was too little; docs/speed.md has the times of a processor",
    ),
    tested(
        38,
        "Hyperparameters by trial and error; the penalty of a solved head needs none: what each "
        "value predicts of patients left out is a closed form",
        CLOSED_FORM,
    ),
    Entry(39, "Fine-tuning adapts the final layers; the nature of its decision boundaries"),
    left_out(40, "Protein folding was solved, no conjecture of mathematics was", HISTORY),
    Entry(
        41,
        "A language model of mathematics, by next-token prediction, and its alignment",
        by=("aligned-by-a-reward", "rejection-and-best-of-n"),
        tests=(
            unit(
                "sequences/test_arithmetic_checker::test_what_is_a_proof",
                "sequences.arithmetic_checker:accepts",
                "negated",
            ),
        ),
    ),
    tested(63, "Scalar product, norm, differential", units.ADJOINT),
    Entry(75, "A step against the gradient decreases the function"),
    Entry(86, "Gradient descent: the algorithm, and its convergence for small rates"),
    Entry(89, "Momentum: a moving average of gradients dampens oscillations"),
    Entry(104, "Momentum keeps going along long shallow valleys"),
    Entry(108, "Momentum speeds up convergence"),
    Entry(111, "Momentum escapes shallow local minima"),
    Entry(114, "Momentum reduces oscillation where the sign of the gradient alternates"),
    Entry(118, "RMSProp: the mean of squared gradients", tests=(units.RMSPROP, units.RMSPROP_RATE)),
    Entry(119, "The decay rate: what the running mean keeps of the past"),
    Entry(123, "RMSProp's effective rate shrinks for large gradients and not for small ones"),
    Entry(125, "Adam combines momentum and RMSProp", tests=(units.ADAM, units.ADAM_MEAN)),
    Entry(128, "Adam's bias correction", tests=(units.ADAM_BIAS,)),
    tested(133, "Rules of differentiation for matrices", units.ADJOINT, units.DENSE_BACKWARD),
    Entry(140, "The Frobenius inner product, and the gradient in it"),
    left_out(148, "The perceptron is dated 1943", "a date, among the errata"),
    tested(
        151,
        "Affinely and linearly separable data",
        unit(
            "maths/test_perceptron::test_a_separating_plane_is_found_if_and_only_if_there_is_one",
            "maths.separation:separating_plane",
            "negated",  # 1.1 times a plane separates as well
        ),
    ),
    tested(155, "The perceptron algorithm", units.PERCEPTRON),
    Entry(179, "Theorem 2.1: the perceptron stops on linearly separable data"),
    Entry(197, "Its proof: at most (R / margin)^2 updates"),
    Entry(199, "Corollary 2.2: affinely separable data"),
    Entry(201, "The embedding x -> (x, 1)"),
    Entry(206, "Remark: normalising may reduce the updates"),
    Entry(207, "Min-max scaling", tests=(MIN_MAX,)),
    Entry(211, "Standard scaling", tests=(STANDARD,)),
    tested(
        214,
        "The perceptron does not converge on data that are not separable",
        unit(
            "maths/test_perceptron::test_it_gives_up_on_data_that_no_plane_separates",
            "maths.perceptron:learn_perceptron",
            edit=("Perceptron(weights, updates, False)", "Perceptron(weights, updates, True)"),
        ),
    ),
    tested(217, "Sigmoid and logistic loss", LOGISTIC_LOSS),
    Entry(227, "The minimum of the logistic loss, if it exists"),
    Entry(228, "Gradient descent finds a plane that classifies a high percentage"),
    tested(238, "The gradient of the logistic loss", LOGISTIC_GRADIENT),
    Entry(249, "The training loop of logistic regression"),
    Entry(263, "Losses over the epochs"),
    Entry(264, "The ball and the ring are not linearly separable"),
    Entry(271, "An embedding makes them so"),
    left_out(
        272,
        "On images of high dimension no such embedding is known beforehand",
        "what is known beforehand is not said; a kernel, line 23, needs no embedding written down",
    ),
    Entry(272, "Networks with hidden layers classify what no plane separates"),
    tested(274, "Definition 4.1: layers, forward map", units.COMPOSITION),
    tested(281, "ReLU", units.RELU_OF_KERAS),
    tested(284, "Softmax", units.SOFTMAX_LAYER),
    tested(
        297,
        "The class of the largest probability",
        unit(
            "inference/test_decision_rule::test_of_more_classes_the_most_probable_is_decided",
            "inference.decision_rule:DecisionRule.decide",
            "shifted",  # class numbers
        ),
    ),
    Entry(305, "Cross-entropy"),
    Entry(308, "Backpropagation"),
    Entry(312, "Lemma 4.1: the differential of softmax"),
    Entry(331, "The gradient of cross-entropy in the logits is S - y"),
    Entry(337, "The gradient in the weights of the last layer"),
    Entry(342, "The gradient in the bias: sum of the rows"),
    tested(348, "The gradient in the layer's input", units.DENSE_BACKWARD),
    Entry(349, "ReLU as a distribution"),
    Entry(350, "Proposition 5.2: its derivative is the Heaviside function"),
    tested(360, "The gradient through ReLU: the Hadamard product", units.RELU_BACKWARD),
    Entry(370, "The gradients of all layers, by recursion"),
    Entry(378, "Random initialisation of the weights"),
    Entry(380, "Remark: zero weights keep the units equal"),
    tested(384, "The training loop: forward, loss, backward, update", units.TRAINING, units.STEP),
    left_out(397, "Every function is approximated", "continuous ones are, among the errata"),
    Entry(398, "Theorem 5.1 (Cybenko)"),
    left_out(
        418,
        "Its proof: Hahn-Banach, Riesz's representation, bounded convergence",
        "theorems of analysis that are quoted",
    ),
    Entry(425, "Its proof: the measure of every half-space is 0"),
    left_out(427, "Half-spaces are a pi-system", "they are none, among the errata"),
    Entry(428, "Its proof: so the measure is 0, which half-spaces and the total mass determine"),
    Entry(430, "Corollary 5.2: ReLU networks are dense"),
    Entry(437, "Corollary 5.3: every finite labelled set is fitted"),
    Entry(447, "A network that fits the training data may fail on new data"),
    Entry(448, "The student example: a line classifies most"),
    Entry(450, "A curve of high degree classifies all, and predicts worse"),
    Entry(453, "Training and validation sets show overfitting"),
    Entry(
        455,
        "Regularisation: a penalty on large weights",
        tests=(units.L1, units.L2),
    ),
    Entry(460, "Dropout reduces overfitting", tests=(units.DROPOUT, units.DROPOUT_BACKWARD)),
    Entry(464, "A boundary of too high a degree overfits"),
    Entry(
        465,
        "Definition 5.4: good decision boundary of order alpha",
        tests=(
            unit(
                "maths/test_boundaries::test_the_least_degree_is_that_of_the_truth",
                "maths.boundaries:by_degree",
                edit=("range(1, highest + 1)", "range(highest, 0, -1)"),
            ),
        ),
    ),
    Entry(468, "Batches"),
    left_out(
        469,
        "Graphics processors accelerate computations",
        "a comparison of machines; docs/speed.md measures processors",
    ),
    left_out(473, "The history of convolutional networks", HISTORY),
    Entry(475, "Kernels slide over the image"),
    tested(
        477,
        "Definition 6.1: convolution with a stride",
        unit(
            "layers/test_convolution::test_output_and_gradients_are_those_of_keras",
            "layers.convolution:WindowedProduct.forward",
        ),
        unit(
            "maths/test_convolution::test_it_is_scipys_correlation_summed_over_the_channels",
            "maths.convolution:convolve",
        ),
    ),
    Entry(
        483,
        "The size of the output",
        tests=(
            unit(
                "maths/test_convolution::test_the_size_is_what_the_formula_says",
                "maths.convolution:output_size",
            ),
        ),
    ),
    Entry(484, "The stride is the shift between windows"),
    Entry(486, "A convolution has fewer parameters than a dense layer"),
    tested(
        487,
        "Batches save memory",
        unit(
            "maths/test_network::test_batches_need_less_memory_and_add_up_to_the_whole_gradient",
            "maths.network:backward",
            "shifted",  # a multiple of the gradient adds up as it does
        ),
    ),
    Entry(490, "Zero padding"),
    Entry(
        493,
        "Max pooling",
        tests=(MAX_POOL, MAX_POOL_BACKWARD),
    ),
    tested(495, "Average pooling", AVERAGE_POOL),
    Entry(498, "Batch normalisation", tests=(BATCH_NORMALISATION,)),
    Entry(501, "Dropout in convolutional networks", tests=(units.DROPOUT,)),
    tested(
        503,
        "Training a convolutional network by backpropagation",
        units.TRAINING_CONVOLUTION,
    ),
    tested(514, "Flatten, and then dense layers", FLATTEN),
    Entry(515, "Convolutional layers are linear operators"),
    left_out(516, "Libraries for automatic differentiation", HISTORY),
    tested(
        521,
        "The network for malaria: three blocks of convolution, then dense layers",
        unit(
            "models/test_cell_cnn::test_three_convolution_blocks_and_four_dense_layers",
            "models.cell_cnn:convolution_blocks",
            edit=("enumerate(FILTERS, start=1)", "enumerate(FILTERS[:2], start=1)"),
        ),
    ),
    left_out(523, "Its parts for training and validation", "the text has lost the percentages"),
    tested(
        524,
        "Three blocks of convolution, ReLU and max pooling, then four dense layers",
        unit(
            "models/test_cell_cnn::test_three_convolution_blocks_and_four_dense_layers",
            "models.cell_cnn:malaria_cnn",
            edit=("enumerate(UNITS, start=1)", "enumerate(UNITS[:2], start=1)"),
        ),
    ),
    left_out(525, "Numbers of filters and units, lines 525-528", "the text has lost them"),
    tested(529, "Adam and cross-entropy", OPTIMIZER, units.ADAM, units.CROSS_ENTROPY),
    tested(530, "It was trained for five epochs", EPOCHS),
    left_out(
        530,
        "Its accuracy was above a number, and that is due to the simple structure of blood cells",
        "the number is lost, and a cause is none; docs/results.md has what the recipe reaches, "
        "docs/boundaries.md the degrees of both tasks",
    ),
    left_out(
        531,
        "The model was deployed with Gradio",
        "a service of the author's; docs/serving.md is about the one of this project",
    ),
    tested(
        532,
        "Transfer learning for pneumonia: EfficientNet and Mixup",
        unit(
            "models/test_recipes::test_pneumonia_follows_the_paper",
            "models.pneumonia:PAPER.backbone",
        ),
    ),
    tested(533, "Fine-tuning replaces the final layers of a pretrained model", HEAD_ONLY),
    left_out(
        534,
        "Pneumonia kills about 2 million children under 5 a year",
        "a number of public health, of the years before 2010; for 2019 the World Health "
        "Organization names 740,180",
    ),
    Entry(535, "Kermany et al.: an accuracy of 92.8 %, which is 579 of 624"),
    Entry(536, "An accuracy of 93.5 %", by=("accuracies-as-counts",)),
    Entry(
        536,
        "Mixup",
        by=("mixup-to-second-order",),
        tests=(unit("layers/test_mix_up::test_blend_of_known_numbers", "layers.mix_up:blend"),),
    ),
    Entry(540, "Simple recurrent network", tests=(RECURRENT_CELLS["simple"],)),
    Entry(557, "The gradient of the loss in the hidden states"),
    Entry(561, "The Jacobian between two hidden states is a product over the steps"),
    Entry(565, "The full gradient in a hidden state is a sum of such products"),
    Entry(
        566,
        "Products of Jacobians vanish where their norms are below 1",
        by=("vanishing-gradients",),
    ),
    Entry(
        566,
        "They vanish or explode along a sequence, by the norm of the weights",
        by=(
            "spectral-radius-sets-the-rate",
            "orthogonal-recurrences-keep-gradients",
            "recurrent-gradients-are-bounded",
        ),
    ),
    Entry(566, "LSTM or GRU can solve this", by=("forget-gates-carry-the-gradient",)),
    Entry(
        567,
        "LSTM, and that it mitigates vanishing gradients",
        tests=(RECURRENT_CELLS["LSTM"],),
    ),
    tested(578, "Whether LSTM networks learn faster: an open question, measured", MEASURED),
    Entry(579, "GRU, and that it has fewer parameters", tests=(RECURRENT_CELLS["GRU"],)),
    tested(587, "That GRU networks perform similarly, measured", MEASURED),
    Entry(588, "Attention: weighted means of values", tests=(units.ATTENTION,)),
    Entry(597, "A word with two meanings, told apart by its context"),
    Entry(601, "The attention score of two words"),
    Entry(602, "The attention weights are the softmax of the scores"),
    Entry(604, "The output of a word depends on the whole sentence"),
    Entry(605, "The transformer with one head", tests=(units.TRANSFORMER_BLOCK,)),
    Entry(626, "Residual connections"),
    Entry(627, "Layer normalisation", tests=(LAYER_NORMALISATION,)),
    Entry(628, "They improve the flow of gradients"),
    tested(
        631, "Text is split into tokens: byte-pair encoding and WordPiece", BYTE_PAIRS, WORD_PIECES
    ),
    tested(631, "Tokens are mapped to vectors that are trained with the network", EMBEDDING),
    Entry(
        631,
        "The loss of language modelling is the cross-entropy of the next token",
        by=("loss-is-at-least-the-entropy-rate", "context-as-long-as-the-order"),
    ),
    Entry(
        631,
        "Alignment: what a reward and rejected answers do to the law of the answers",
        by=("aligned-by-a-reward", "rejection-and-best-of-n"),
    ),
    left_out(
        631,
        "Alignment with human preferences: supervised fine-tuning, RLHF",
        "answers and preferences of people are not there; built are the training on the next "
        "token and, where a program can judge an answer in the place of people, learning from "
        "the answers that it accepts (`docs/sequences.md`)",
    ),
    tested(632, "Whether attention learns faster than recurrence: measured", MEASURED),
    tested(636, "Definition 8.1: directed graphs as presheaves", YONEDA),
    Entry(642, "Definition 8.2: cycles, acyclic graphs"),
    later(645, "Definition 8.3: graph neural network, and its updates", GRAPHS),
    Entry(
        667,
        "Deep networks are acyclic graph networks, recurrent ones are not",
        tests=(MEMORY_CLASS,),
    ),
    Entry(670, "Weak equivalences are bijections between cycles"),
    Entry(671, "The homotopy class of a graph is a measure of memory"),
    tested(672, "The tensor category of oriented graphs", GLUING),
)
