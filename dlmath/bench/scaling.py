"""Growth of the cost with images, classes and resolution: slopes on logarithmic axes.

With a slope of s twice as much takes 2^s times as long: 2 times for 1, 4 for 2. All sizes have more
images than features: the head is solved in another way where they are fewer.
"""

from collections.abc import Callable, Sequence

import numpy as np

from dlmath import models, seeds
from dlmath.bench.head import features_like_a_networks
from dlmath.bench.timing import Comparison, seconds_in_turns
from dlmath.features.network import freeze
from dlmath.linear_head import fit_head
from dlmath.recipe import Recipe
from dlmath.reporting import SILENT, Reporter


def run(rounds: int, reporter: Reporter = SILENT) -> list[Comparison]:
    """Measure three slopes."""
    features, labels = features_like_a_networks(8000)

    def solve(rows: int, classes: int) -> None:
        targets = np.eye(classes)[labels[:rows] + 2 * (np.arange(rows) % (classes // 2))]
        fit_head(features[:rows], targets, np.ones(rows), np.arange(rows), l2=0.03)

    return [
        slope("Solving for the head", "images", (2000, 4000, 8000), rounds, reporter,
              lambda rows: lambda: solve(rows, 2)),
        slope("Solving for the head, 4,000 images", "classes", (2, 4, 8), rounds, reporter,
              lambda classes: lambda: solve(4000, classes)),
        slope("Features of 16 images", "pixels a side", (96, 128, 192, 256), rounds, reporter,
              _extraction),
    ]  # fmt: skip


def _extraction(size: int) -> Callable[[], object]:
    recipe = Recipe(
        name="bench", classes=("a", "b"), backbone="efficientnet_lite0", image_size=size
    )
    runner = freeze(models.build(recipe)).make_runner()
    pixels = seeds.generator("bench").integers(0, 256, (16, size, size, 3)).astype(np.float32)
    return lambda: runner(pixels)


def slope(
    title: str,
    what: str,
    sizes: Sequence[int],
    rounds: int,
    reporter: Reporter,
    make: Callable[[int], Callable[[], object]],
) -> Comparison:
    """Time `make(size)()` at each size, in turns, and fit log time = a + slope log size."""
    ways = {size: make(size) for size in sizes}
    seconds = seconds_in_turns(title, ways, rounds, reporter)
    medians = [float(np.median(seconds[size])) for size in sizes]
    exponent = float(np.polyfit(np.log(sizes), np.log(medians), 1)[0])
    names = {size: f"{size:,} {what}" for size in sizes}
    return Comparison(
        title=f"{title}: twice the {what} take {2**exponent:.2f} times as long",
        baseline=names[sizes[0]],
        amount=1,
        unit="times",
        seconds={names[size]: seconds[size] for size in sizes},
        notes={},
    )
