"""The features of images under a frozen network: computed once, fast, and kept."""

from dlmath.features.extract import Features, StoredFeatures, load_features, store_features
from dlmath.features.network import FrozenNetwork, feature_model, freeze, freeze_network
from dlmath.features.view import View

__all__ = [
    "Features",
    "FrozenNetwork",
    "StoredFeatures",
    "View",
    "feature_model",
    "freeze",
    "freeze_network",
    "load_features",
    "store_features",
]
