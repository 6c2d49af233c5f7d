"""Murari's lectures, line by line; what a slide repeats from the one before is named once."""

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

SHALLOW = unit(
    "maths/test_piecewise::test_one_hidden_layer_on_a_line", "maths.piecewise:from_breakpoints"
)
BOWL = unit(
    "maths/test_objectives::test_the_bowl_is_strongly_convex_and_smooth_as_it_says",
    "maths.experiments.gradient_descent:bowl",
    edit=("+ share * curved.gradient(x)", "- share * curved.gradient(x)"),
)
PIECEWISE = unit(
    "maths/test_piecewise::test_the_network_equals_the_function_on_the_whole_region",
    "maths.piecewise:as_network",
)
CONVEX_PARTS = unit(
    "maths/test_piecewise::test_the_parts_are_convex_and_the_maxima_of_their_pieces",
    "maths.piecewise:convex_difference",
    edit=("pieces.values + strength * lifted.values", "pieces.values - strength * lifted.values"),
)

LEAKY = unit(
    "layers/test_activations::test_relu_is_that_of_keras_from_one_infinity_to_the_other",
    "layers.activations:Relu.forward",
    edit=("self.negative_slope * left if", "2 * self.negative_slope * left if"),
)
RESIDUAL = unit(
    "maths/test_deep_training::test_a_step_is_against_the_gradient",
    "maths.experiments.deep_training:Deep.stepped",
)

ENTRIES = (
    tested(41, "A network is a composition of layers", units.COMPOSITION),
    tested(56, "Layers: affine maps and entrywise activations", units.COMPOSITION),
    Entry(84, "U-Nets modify this", by=("skips-carry-the-detail",)),
    tested(84, "ResNets modify this", RESIDUAL),
    Entry(
        84,
        "Transformers modify this",
        by=("attention-commutes-with-permutations", "normalising-first-keeps-gradients"),
    ),
    tested(90, "Shallow networks", SHALLOW),
    Entry(94, "Deep networks, multilayer perceptrons", tests=(units.DEPTH_AND_WIDTH,)),
    Entry(125, "Mean squared error for regression"),
    tested(136, "One-hot labels", units.ONE_HOT),
    tested(144, "Softmax gives probabilities", units.SOFTMAX, units.SOFTMAX_LAYER),
    Entry(156, "Cross-entropy loss"),
    Entry(167, "Activations are non-linear"),
    Entry(168, "Activations are no polynomials"),
    tested(
        169,
        "Activations are non-decreasing, most of them",
        unit(
            "maths/test_activations::test_the_usual_ones_do_not_decrease",
            "maths.activations:relu",
            "negated",  # a multiple does not decrease either
        ),
    ),
    Entry(170, "Activations are Lipschitz continuous"),
    Entry(
        176,
        "Sigmoidal activations are bounded, and saturate",
        tests=(
            unit(
                "maths/test_activations::test_sigmoidal_ones_are_bounded_and_saturate",
                "maths.activations:ACTIVATIONS[sigmoid].slope",
                "shifted",  # 0 has no other sign, and no multiple
            ),
        ),
    ),
    tested(
        183,
        "ReLU is flat on half of the line; LeakyReLU",
        units.RELU_OF_KERAS,
        units.RELU_AT_ZERO,
        LEAKY,
    ),
    Entry(189, "x and x^p by ReLUs"),
    Entry(190, "|x| by ReLUs"),
    Entry(191, "max by ReLUs"),
    Entry(192, "min by ReLUs"),
    Entry(194, "The hat by three ReLUs"),
    tested(
        209,
        "Iterative minimisation with a stopping criterion",
        unit(
            "maths/test_optimisers::"
            "test_it_stops_early_at_a_small_gradient_and_where_nothing_is_finite",
            "maths.optimisers:minimise",
            edit=(" or norm <= tolerance", ""),
        ),
    ),
    Entry(218, "The dimension is high: GPT-1 has 117 million parameters"),
    left_out(
        228,
        "High dimension asks for first-order methods",
        "second-order ones are used too: dlmath.linear_head solves heads by Newton's method",
    ),
    tested(235, "Lipschitz continuity and L-smoothness", BOWL),
    tested(237, "Convexity by monotone gradients", BOWL),
    tested(239, "Strong convexity, and the unique minimum it brings", BOWL),
    Entry(249, "Gradient descent: hypotheses of the rate"),
    Entry(251, "Its contraction"),
    Entry(253, "Its best step"),
    Entry(255, "Its best factor, by the condition number"),
    Entry(262, "The loss of a network is not convex"),
    Entry(269, "The example tanh(a)^2 / 2"),
    Entry(275, "Equivalent local minima"),
    Entry(280, "Over-parameterised networks converge (Allen-Zhu et al.)"),
    Entry(281, "Gradient descent finds global minima (Du et al.)"),
    Entry(293, "Backpropagation: the recursion"),
    tested(300, "The gradients of the parameters", units.DENSE_BACKWARD, units.TRAINING),
    Entry(302, "Backpropagation reuses products with Jacobians"),
    Entry(317, "The product bound"),
    Entry(319, "Jacobians below 1: at most rho^(L-j)"),
    Entry(320, "Vanishing gradients"),
    Entry(325, "Runge's function"),
    Entry(327, "Interpolation can overfit"),
    Entry(331, "Extrapolation is unreliable"),
    left_out(337, "Generalisation, by definition", "a definition"),
    Entry(339, "Extrapolation: performance outside of the support"),
    Entry(343, "Augmentation"),
    Entry(344, "Weight decay, dropout, early stopping"),
    Entry(345, "Jacobian penalties, spectral constraints, batch normalisation"),
    Entry(346, "Residual connections, normalisation layers"),
    Entry(350, "Symmetry, equivariance"),
    Entry(
        351,
        "Structural constraints: monotone and convex layers; Lipschitz control is at line 345",
        by=("monotone-layers", "shape-constraints-help", "layers-that-do-not-expand"),
    ),
    Entry(
        351,
        "Physics-informed losses, symplectic and Hamiltonian networks",
        by=(
            "physics-informed-loss-extrapolates",
            "symplectic-layers-keep-areas",
            "energy-stays-bounded",
        ),
    ),
    Entry(362, "Weierstrass's theorem"),
    Entry(378, "Universal approximation for shallow networks"),
    Entry(382, "Pinkus's survey"),
    Entry(386, "Leshno et al.: nonpolynomial activations"),
    Entry(
        396,
        "A continuous piecewise affine function is a ReLU network",
        tests=(PIECEWISE,),
    ),
    tested(400, "A convex one is the maximum of its pieces", CONVEX_PARTS),
    Entry(405, "max(u, v) is a ReLU network"),
    Entry(409, "So is the maximum of many"),
    Entry(429, "Every one is a difference of convex ones", tests=(CONVEX_PARTS,)),
    Entry(446, "Networks in parallel"),
    Entry(459, "Convolutions are finite differences", by=("kernel-is-a-finite-difference",)),
    Entry(
        459,
        "Learning those of a differential equation from data (PDE-Net)",
        by=("filters-learn-an-equation",),
    ),
    Entry(468, "Variational autoencoders, by a picture"),
    Entry(
        470,
        "Autoencoders and the truncated SVD",
        by=("autoencoder-is-svd", "truncated-svd-is-best"),
    ),
    Entry(470, "Reduced order modelling, data-driven coordinates", by=("reduced-model-by-svd",)),
    later(473, "Graph neural networks", GRAPHS),
    Entry(493, "Recurrent networks, transformers"),
    Entry(503, "Transformers as interacting particles", by=("tokens-gather-in-one-point",)),
    Entry(
        503,
        "Networks as dynamical systems",
        by=("residual-network-is-euler", "retrieval-is-attention"),
    ),
    left_out(524, "Historical background", HISTORY),
)
