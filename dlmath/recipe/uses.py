"""The uses of the fields of a recipe that not every run uses."""

import dataclasses

from dlmath.recipe.metadata import Use

HEAD_ONLY = Use(
    lambda recipe: recipe.tune == "head",
    "`{name}` says how the head is fitted where only it is. {received} Pass --tune head too.",
    shown=("tune",),
)
SOLVED_HEAD = Use(
    lambda recipe: recipe.solves_head,
    "`{name}` belongs to a head that is solved exactly. {received} Pass --tune head with it, and "
    "not head_solver=sgd.",
)
VIEWS = Use(
    lambda recipe: recipe.solves_head or recipe.tune == "tail",
    "`{name}` belongs to a head that is solved exactly, or to a tail. {received} Pass --tune tail, "
    "or --tune head and not head_solver=sgd.",
    shown=("tune", "head_solver"),
)
TAIL = Use(
    lambda recipe: recipe.tune == "tail",
    "`{name}` belongs to a tail, below which activations are kept. {received} Pass --tune tail "
    "too.",
    shown=("tune",),
)
STEPS = Use(
    lambda recipe: not recipe.solves_head,
    "A head that is solved exactly makes no use of `{name}`. {received} Leave it out, or train the "
    "head by steps: --set head_solver=sgd",
)
MIXING = dataclasses.replace(
    STEPS,
    otherwise="A head that is solved exactly mixes features, not images. {received} Pass --set "
    "feature_mixup=0.2, or train the head by steps: --set head_solver=sgd",
)
AUGMENTING = Use(
    lambda recipe: not recipe.solves_head or recipe.augmented_views > 0,
    "A head that is solved exactly sees augmented images only as further views. {received} Add "
    "--set augmented_views=4, or train it: --set head_solver=sgd",
)


def threshold_rule(*rules: str) -> Use:
    """Return the use that some rules for the threshold make of a field."""
    return Use(
        lambda recipe: recipe.threshold_rule in rules,
        "`{name}` belongs to another threshold rule. {received} Add --set "
        f"threshold_rule={rules[0]}",
        shown=("threshold_rule",),
    )


def abstain_rule(rule: str) -> Use:
    """Return the use that one rule of abstaining makes of a field."""
    return Use(
        lambda recipe: recipe.abstain_rule == rule,
        "`{name}` belongs to another rule of abstaining. {received} Add --set "
        f"abstain_rule={rule}",
        shown=("abstain_rule",),
    )
