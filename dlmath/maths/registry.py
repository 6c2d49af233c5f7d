"""Registry of all experiments by name, found in the modules listed here; importing registers none.

A new experiment is a function under `@experiment` in one of these modules.
"""

import importlib
from functools import cache

from dlmath.errors import UserError, did_you_mean
from dlmath.maths.experiment_base import Experiment
from dlmath.maths.papers import PAPERS

MODULES = (
    "gradient_descent",
    "momentum",
    "adaptive",
    "curvature",
    "kronecker",
    "perceptrons",
    "neurons",
    "logistic",
    "rectifiers",
    "approximation",
    "overfitting",
    "remedies",
    "penalties",
    "shrinkage",
    "shift",
    "decision_boundaries",
    "landscape",
    "constraints",
    "online_learning",
    "normalisation",
    "convolutions",
    "generalisation",
    "uniform_bounds",
    "mixup",
    "widths",
    "spectra",
    "trained",
    "topology",
    "factors",
    "information",
    "adjoints",
    "networks",
    "depth",
    "deep_training",
    "skips",
    "convex_losses",
    "learning_theory",
    "reproducing_kernels",
    "fisher_information",
    "critical_points",
    "interpolation",
    "transport",
    "symmetries",
    "choosing",
    "kernel_classifiers",
    "viola_jones",
    "style_transfer",
    "ridges",
    "smooth_units",
    "half_spaces",
    "kinks",
    "pooling",
    "sample_sizes",
    "dropped_inputs",
    "extrapolation",
    "published_numbers",
    "running_means",
    "attention_weights",
    "attention_scores",
    "attention_positions",
    "attention_blocks",
    "attention_slopes",
    "attention_flow",
    "homonyms",
    "layer_norms",
    "recurrent_gradients",
    "gates",
    "markov_sources",
    "alignment",
    "graph_homotopy",
    "graph_memory",
    "dynamics",
    "energies",
    "conserved",
    "differential_equations",
    "generative",
    "operators",
)


@cache
def all_experiments() -> dict[str, Experiment]:
    """Return every experiment by its name, in the order of its first paper and line."""
    found = [
        value
        for module in MODULES
        for value in vars(importlib.import_module(f"dlmath.maths.experiments.{module}")).values()
        if isinstance(value, Experiment)
    ]
    papers = list(PAPERS)

    def place(one: Experiment) -> tuple[int, int, str]:
        return papers.index(one.sources[0].paper), one.sources[0].line, one.name

    return {one.name: one for one in sorted(found, key=place)}


def find(name: str) -> Experiment:
    """Return the experiment of that name.

    Raises:
        UserError: There is none.
    """
    if name not in all_experiments():
        raise UserError(
            f"There is no experiment {name!r}.{did_you_mean(name, all_experiments())} "
            "`dlmath learn list` shows them."
        )
    return all_experiments()[name]
