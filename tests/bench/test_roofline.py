import keras

from dlmath.bench.roofline import bytes_moved, floating_point_operations
from dlmath.features.folding import fold_batch_normalization
from dlmath.models.keras_networks import efficientnet_b0


def test_the_operations_of_b0_are_those_that_were_published():
    # Tan and Le, arXiv:1905.11946, table 2: 0.39 billion multiply-adds, the classifier of
    # 1280 x 1000 included. Folding leaves the normalisations out and adds nothing.
    network = fold_batch_normalization(efficientnet_b0(224, imagenet=False))
    multiply_adds = floating_point_operations(network) / 2 + 1280 * 1000
    assert round(multiply_adds / 1e9, 2) == 0.39


def test_operations_and_bytes_of_layers_counted_by_hand():
    images = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(4, 3, strides=2, padding="same")(images)  # 4 x 4 x 4
    x = keras.layers.DepthwiseConv2D(3, padding="same")(x)
    x = keras.layers.Flatten()(x)
    model = keras.Model(images, keras.layers.Dense(5)(x))
    by_hand = 2 * (27 * 64 + 9 * 64 + 64 * 5)
    assert floating_point_operations(model) == by_hand
    assert bytes_moved(model) == 8 * (192 + 64 + 64 + 64 + 5)
