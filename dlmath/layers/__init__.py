"""Layers from scratch, under Keras's names: forward and backward passes written by hand.

`hand_derived.py` holds the chain rule that every backward pass rests on, `base.py` the class that
makes a Keras layer of a forward and a backward; `dlmath.gradcheck` proves them. The layers are
values of the same kind as `keras.layers`: a builder takes either.
"""

from dlmath.layers import losses, regularizers
from dlmath.layers.activation_layers import Activation, LeakyReLU, ReLU, Softmax
from dlmath.layers.base import Layer
from dlmath.layers.batch_normalization import BatchNormalization
from dlmath.layers.convolution import Conv2D, DepthwiseConv2D
from dlmath.layers.dense import Dense
from dlmath.layers.dropout import Dropout
from dlmath.layers.embedding import Embedding, PositionEmbedding, SinePositionEncoding
from dlmath.layers.gru import GRU
from dlmath.layers.hand_derived import Function, HandDerived, Pair
from dlmath.layers.layer_normalization import LayerNormalization
from dlmath.layers.linear_map import LinearMap
from dlmath.layers.lstm import LSTM
from dlmath.layers.mix_up import MixUp
from dlmath.layers.multi_head_attention import MultiHeadAttention
from dlmath.layers.pooling import AveragePooling2D, GlobalAveragePooling2D, MaxPooling2D
from dlmath.layers.reshaping import Flatten, ZeroPadding2D
from dlmath.layers.simple_rnn import SimpleRNN
from dlmath.layers.transformer import TransformerDecoder, TransformerEncoder

__all__ = [
    "GRU",
    "LSTM",
    "Activation",
    "AveragePooling2D",
    "BatchNormalization",
    "Conv2D",
    "Dense",
    "DepthwiseConv2D",
    "Dropout",
    "Embedding",
    "Flatten",
    "Function",
    "GlobalAveragePooling2D",
    "HandDerived",
    "Layer",
    "LayerNormalization",
    "LeakyReLU",
    "LinearMap",
    "MaxPooling2D",
    "MixUp",
    "MultiHeadAttention",
    "Pair",
    "PositionEmbedding",
    "ReLU",
    "SimpleRNN",
    "SinePositionEncoding",
    "Softmax",
    "TransformerDecoder",
    "TransformerEncoder",
    "ZeroPadding2D",
    "losses",
    "regularizers",
]
