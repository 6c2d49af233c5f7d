"""The registry of what `dlmath check` checks.

A new layer gets a line here, and with it every oracle, the mutations of its backward pass and the
contract tests of the layers.
"""

from dlmath.gradcheck.cases import (
    IMAGES,
    Case,
    LayerCase,
    LossCase,
    MapCase,
    PenaltyCase,
    probabilities,
    scaled,
)
from dlmath.gradcheck.sequence_cases import SEQUENCE_CASES
from dlmath.layers.windows import Patches, Window

# The factors are exact in float32, in which Keras keeps some of them.
CASES: tuple[Case, ...] = (
    LayerCase("Dense", {"units": 3}),
    LayerCase("Dense", {"units": 3, "use_bias": False}, (2, 3, 4)),
    LayerCase("Conv2D", {"filters": 3, "kernel_size": 3, "padding": "same"}, IMAGES, windows=True),
    LayerCase("Conv2D", {"filters": 3, "kernel_size": (2, 3), "strides": (2, 1)}, IMAGES),
    LayerCase("Conv2D", {"filters": 3, "kernel_size": 2, "dilation_rate": 2}, IMAGES),
    LayerCase("Conv2D", {"filters": 4, "kernel_size": 2, "groups": 2}, IMAGES),
    LayerCase("DepthwiseConv2D", {"kernel_size": 3, "depth_multiplier": 2}, IMAGES, windows=True),
    LayerCase("DepthwiseConv2D", {"kernel_size": 2, "strides": 2, "padding": "same"}, IMAGES),
    LayerCase("MaxPooling2D", {"pool_size": 2}, IMAGES, windows=True),
    LayerCase("MaxPooling2D", {"pool_size": 3, "strides": 2, "padding": "same"}, IMAGES),
    LayerCase("AveragePooling2D", {"pool_size": 2}, IMAGES, windows=True),
    LayerCase("AveragePooling2D", {"pool_size": 3, "strides": 2, "padding": "same"}, IMAGES),
    LayerCase("GlobalAveragePooling2D", {}, IMAGES),
    LayerCase("Flatten", {}, IMAGES),
    LayerCase("ZeroPadding2D", {"padding": ((1, 2), (2, 3))}, IMAGES),
    LayerCase("BatchNormalization", {}, IMAGES, call={"training": True}),
    LayerCase("BatchNormalization", {}, IMAGES, call={"training": False}),
    LayerCase("BatchNormalization", {"axis": 1, "scale": False}, (4, 3, 2), {"training": True}),
    # Where one feature dwarfs the others its gradient is a difference of equal terms.
    LayerCase("LayerNormalization", {}, lenient=True),
    LayerCase("LayerNormalization", {"axis": [1, 2]}, (2, 3, 4)),
    LayerCase("Dropout", {"rate": 0.5, "seed": 1}, call={"training": True}),
    LayerCase("ReLU", {}),
    LayerCase("ReLU", {"max_value": 6.0}, draw=scaled(5.0)),
    LayerCase("ReLU", {"max_value": 1.25, "negative_slope": 0.25, "threshold": 0.375}),
    LayerCase("LeakyReLU", {"negative_slope": 0.25}),
    LayerCase("Softmax", {}),
    LayerCase("Softmax", {"axis": 1}, (2, 3, 4)),
    LayerCase("Activation", {"activation": "linear"}),
    LayerCase("Activation", {"activation": "tanh"}),
    LayerCase("Activation", {"activation": "sigmoid"}),
    LayerCase("Activation", {"activation": "silu"}),
    # Keras divides by the square root of 2 rounded to float32, which is off by 2e-8: an entry of
    # e^(-x^2 / 2) then by x^2 times as much, and those with |x| > 5 are below the least size.
    LayerCase("Activation", {"activation": "gelu"}, keras_tolerance=1e-6),
    LossCase("MeanSquaredError"),
    LossCase("CategoricalCrossentropy", {"from_logits": True}),
    LossCase("CategoricalCrossentropy", draw=probabilities),
    LossCase("BinaryCrossentropy", {"from_logits": True}),
    LossCase("BinaryCrossentropy", draw=probabilities),
    MapCase("im2col", lambda: Patches(Window((3, 2), (2, 1), "same"), IMAGES), IMAGES),
    PenaltyCase("L1"),
    PenaltyCase("L2"),
    *SEQUENCE_CASES,
)


def kinds() -> list[str]:
    """The names by which a layer of the registry can be asked for."""
    return list(dict.fromkeys(case.kind for case in CASES))
