"""Breaks: wrong algorithms that a reader would expect the experiments to notice.

Mutants change one operation; a break is a whole mistake with a name, such as an Adam that steps
uphill. Each replaces what a function returns, or the value of a variable in it.
"""

import ast
import copy
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial

from dlmath.maths.experiment_base import Experiment
from dlmath.maths.mutants.forked import HOLDS, judge
from dlmath.maths.mutants.targets import Target, targets_of
from dlmath.maths.mutants.verdicts import LONGEST
from dlmath.maths.registry import all_experiments, find
from dlmath.mutation import compiled, exchanged

POOLED = "windows[:, ::stride, ::stride]"


@dataclass(frozen=True)
class Break:
    """A wrong algorithm.

    Attributes:
        what: In words.
        experiment: One that must notice it.
        function: As in `about`, seen from that experiment.
        becomes: Python text of what is returned (of a tuple its first entry) or assigned instead;
            `{}` in it is what was there.
        variable: The variable whose value is replaced, or "" for what the function returns.
    """

    what: str
    experiment: str
    function: str
    becomes: str
    variable: str = ""

    @property
    def own(self) -> bool:
        """Return whether it lies in the experiment's own code, which no other runs."""
        return self.function.startswith("compute.")

    @contextmanager
    def installed(self) -> Iterator[None]:
        """Put the wrong code in place for the block, wherever the function was imported to.

        Raises:
            LookupError: There is no such function, or no such variable in it.
        """
        (target,) = targets_of(replace(find(self.experiment), about=(self.function,)))
        with exchanged(target.function, compiled(self._tree(target), target.function, {})):
            yield

    def _tree(self, target: Target) -> ast.Module:
        tree = copy.deepcopy(target.tree)
        replaced = 0
        for part in target.parts(tree):
            for node in ast.walk(part):
                if self._is_meant(node, target.inside):
                    _put(node, self.becomes)
                    replaced += 1
        if not replaced:
            raise LookupError(f"{self.what}: nothing in {self.function} to replace")
        return ast.fix_missing_locations(tree)

    def _is_meant(self, node: ast.AST, inside: str) -> bool:
        if isinstance(node, ast.Return):
            return not self.variable
        if isinstance(node, ast.Assign):
            wanted = self.variable or inside
            return any(isinstance(t, ast.Name) and t.id == wanted for t in node.targets)
        return False


def _put(node: ast.AST, becomes: str) -> None:
    """Replace the value of a `return` or an assignment by a text with the value in its `{}`."""
    assert isinstance(node, (ast.Return, ast.Assign))
    assert node.value is not None
    several = isinstance(node, ast.Return) and isinstance(node.value, ast.Tuple)
    old = node.value.elts[0] if isinstance(node.value, ast.Tuple) and several else node.value
    new = ast.parse(becomes.format(f"({ast.unparse(old)})"), mode="eval").body
    if isinstance(node.value, ast.Tuple) and several:
        node.value.elts[0] = new
    else:
        node.value = new


BREAKS = (
    Break("RMSProp never moves", "rmsprop-is-scale-free", "RmsProp.step", "point"),
    Break("Adam steps uphill", "adam-bias-correction", "Adam.step", "2 * point - {}"),
    Break(
        "Adam without its first moment",
        "adam-bias-correction",
        "Adam.step",
        "gradient / (np.sqrt(squares / second) + self.epsilon)",
        "change",
    ),
    Break(
        "max pooling takes the minimum",
        "convolution-commutes-with-shifts",
        "max_pool",
        f"{POOLED}.min(axis=(3, 4))",
    ),
    Break(
        "average pooling sums",
        "convolution-commutes-with-shifts",
        "average_pool",
        f"{POOLED}.sum(axis=(3, 4))",
    ),
    Break(
        "standard scaling adds the mean",
        "scaling-and-the-perceptron",
        "standard_scale",
        "(features + features.mean(axis=0)) / np.where(deviation > 0, deviation, 1.0)",
    ),
    Break(
        "the sigmoid's slope is the sigmoid",
        "backpropagation",
        "activations.sigmoid_slope",
        "expit(x)",
    ),
    Break("ReLU is leaky", "relu-weak-derivative", "relu", "np.where(x > 0, x, 0.1 * x)"),
    Break("ReLU is the absolute value", "relu-weak-derivative", "relu", "np.abs(x)"),
    Break(
        "gradients shrink to a tenth at every layer",
        "vanishing-gradients",
        "backward",
        "0.1 * {}",
        "at",
    ),
    Break(
        "K-FAC takes the identity for the outputs' factor",
        "kfac-invariance",
        "kfac_step",
        "np.eye(len(g))",
        "damped",
    ),
    Break(
        "a wrong Hessian with the right signs",
        "saddles-outnumber-minima",
        "compute.eigenvalues",
        "7 * {}",
    ),
    Break("slopes 30 times too large", "spectral-norms-bound-the-slope", "slopes", "30 * {}"),
    Break(
        "batch normalisation's gradient is zero",
        "batch-normalisation-is-scale-free",
        "compute.gradient",
        "0 * {}",
    ),
    Break(
        "members of the ensemble are 5 too high",
        "ensembles-reduce-variance",
        "compute.guesses",
        "{} + 5",
    ),
    Break(
        "half of the tangent kernel is missing", "tangent-kernel-drift", "_kernel", "last @ last.T"
    ),
    Break(
        "dropout without its rescaling", "remedies-against-overfitting", "dropped_out", "{} * kept"
    ),
    Break("heights of the staircase times 0.98", "sigmoid-staircase", "compute.rises", "0.98 * {}"),
)


def noticed_by(one: Break) -> list[str]:
    """Return the experiments that fail, raise or do not end where a break is installed."""
    chosen = [find(one.experiment)] if one.own else list(all_experiments().values())
    return [
        each.name for each in chosen if judge(partial(_holds_on, one, each), LONGEST).how != HOLDS
    ]


def _holds_on(one: Break, experiment: Experiment) -> bool:
    with one.installed():
        return experiment.run().holds
