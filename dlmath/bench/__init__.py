"""Benchmarks: each prints ratios to a named baseline that was measured in the same run.

from dlmath.bench import BENCHMARKS, run

for comparison in run("head"):
    print(comparison.as_json())
"""

import importlib
from typing import TYPE_CHECKING

from dlmath.errors import UserError, did_you_mean
from dlmath.reporting import SILENT, Reporter

if TYPE_CHECKING:
    from dlmath.bench.timing import Comparison

__all__ = ["BENCHMARKS", "check_known", "run"]

# What each measures, by the name of its module.
BENCHMARKS = {
    "extraction": "features of a frozen backbone: Keras, folded graph, LiteRT, 8 bits",
    "export": "the formats of dlmath export: speed, size, difference (needs the extra export)",
    "head": "the exact head against scikit-learn's solver",
    "scaling": "how the cost grows with images, classes and resolution",
    "memory": "the largest resident memory at 27,558 and 200,000 images",
    "roofline": "what share of the processor's peak an extraction reaches",
}


def run(name: str, rounds: int = 5, *, reporter: Reporter = SILENT) -> "list[Comparison]":
    """Run one benchmark.

    Args:
        name: A key of `BENCHMARKS`.
        rounds: How often each way is measured, at least 1; the medians are compared.
        reporter: Receives the progress.

    Raises:
        UserError: There is no such benchmark.
    """
    check_known(name)
    return importlib.import_module(f"dlmath.bench.{name}").run(rounds, reporter)


def check_known(name: str) -> None:
    """Refuse a name that is no benchmark's, before TensorFlow is waited for.

    Raises:
        UserError: There is no such benchmark.
    """
    if name not in BENCHMARKS:
        raise UserError(
            f"There is no benchmark {name!r}.{did_you_mean(name, BENCHMARKS)} "
            f"There are: {', '.join(BENCHMARKS)}."
        )
