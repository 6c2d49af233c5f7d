"""The features of images under a frozen network: computed once, fast, and kept."""

from dlmath.features.extract import Features, View, load_features
from dlmath.features.network import FrozenNetwork, feature_model, freeze

__all__ = ["Features", "FrozenNetwork", "View", "feature_model", "freeze", "load_features"]
