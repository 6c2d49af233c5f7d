"""Numbers that the papers print, computed again from what they are made of."""

import numpy as np

from dlmath.maths.experiment_base import Outcome, Sabotage, at_least, at_most, experiment
from dlmath.maths.extremes import smallest_of
from dlmath.maths.papers import Source
from dlmath.maths.plots import curves


def counts_of(per_mille: int, images: int) -> list[int]:
    """Return the counts k of which k / images rounds to that many tenths of a percent.

    In whole numbers: |1000 k - per_mille images| <= images / 2; halves may be rounded either way.
    """
    return [k for k in range(images + 1) if _rounds_to(k, per_mille, images)]


@experiment(
    title="Which counts an accuracy can stand for",
    statement=(
        "An accuracy of n images, printed to a tenth of a percent, is a fraction k / n that "
        "rounds to it. Of the 624 test images of the pneumonia data 92.8 % is 579, and no other "
        "count; 93.5 % is no count of those 624, nor of the 16 validation images. With 1000 "
        "images or more every such percentage is possible, with fewer at most n + 1 of the 1001 "
        "are, but for halves."
    ),
    sources=(
        Source("tsemo", 535, "achieving an accuracy of 92.8%"),
        Source("tsemo", 536, "accuracy of 93.5%"),
    ),
    about=("counts_of", "_rounds_to", "_possible"),
    reference="Brown and Heathers, The GRIM test, 2017; the sizes are those of the public data set",
    sabotage=Sabotage("there are 1000 test images", {"images": 1000}),
)
def accuracies_as_counts(*, images: int = 624) -> Outcome:
    """`images` is the size of the test set."""
    sizes = np.array([10, 16, 50, 100, 300, 500, 624, 800, 999, 1000, 1200])
    possible = np.array([sum(_possible(p, int(n)) for p in range(1001)) for n in sizes])
    first = counts_of(928, images)
    halves = np.array([_halves(int(n)) for n in sizes])
    named = [sum(len(counts_of(p, n)) for p in range(1001)) - n - 1 - _halves(n) for n in (16, 35)]
    return Outcome(
        (
            at_most("counts that are 92.8 %", len(first), 1),
            at_most(
                "distance of 579 from them",
                smallest_of((abs(k - 579) for k in first), default=images),
                0,
            ),
            at_most("counts that are 93.5 %", len(counts_of(935, images)), 0),
            at_most("counts of 16 that are 93.5 %", len(counts_of(935, 16)), 0),
            at_most(
                "counts of 16 or 35 without a percentage, or halves without two",
                np.abs(named).max(),
                0,
            ),
            at_least(
                "percentages that 1000 and 1200 images can have",
                possible[sizes >= 1000].min(),
                1001,
            ),
            at_most(
                "percentages beyond n + 1 and the halves",
                (possible - sizes - 1 - halves)[sizes < 1000].max(),
                0,
            ),
        ),
        curves(
            "Percentages that are possible, of 1001",
            "images",
            "percentages",
            {"possible": (sizes, possible)},
        ),
    )


def _rounds_to(count: int, per_mille: int, images: int) -> bool:
    return 2 * abs(1000 * count - per_mille * images) <= images


def _possible(per_mille: int, images: int) -> bool:
    """Return whether some count rounds to it: only the two next to the exact one can."""
    low = per_mille * images // 1000
    return any(_rounds_to(k, per_mille, images) for k in (low, low + 1))


def _halves(images: int) -> int:
    """Return how many counts lie half-way between two percentages."""
    return sum(2000 * k % images == 0 and (2000 * k // images) % 2 for k in range(images + 1))


def transformer_parameters(layers: int, width: int, tokens: int, places: int, *, tied: bool) -> int:
    """Return the number of weights and biases of a decoder such as GPT-1.

    A block has query, key, value and output maps, two maps between `width` and 4 width, and two
    normalisations; `tied` takes the embedding of the tokens for the last layer too.
    """
    maps = 4 * (width * width + width)
    feed_forward = width * 4 * width + 4 * width + 4 * width * width + width
    embeddings = (tokens + places) * width
    return layers * (maps + feed_forward + 4 * width) + embeddings + (0 if tied else tokens * width)


@experiment(
    title="GPT-1 has 117 million parameters, and its Hessian 10^16 entries",
    statement=(
        "Twelve blocks of width 768, 40,478 tokens and 512 places have 116,534,784 parameters, "
        "with the embedding used again as the last layer. A gradient has as many numbers, a "
        "Hessian their square: 54 petabytes in single precision, 116.5 million times the memory "
        "of the gradient. With a last layer of its own there would be 147,621,888."
    ),
    sources=(Source("murari", 218, "GPT-1 has 117 million parameters"),),
    about=("transformer_parameters",),
    reference="Radford et al., Improving language understanding by generative pre-training, 2018, "
    "section 4.1",
    sabotage=Sabotage("the last layer has weights of its own", {"tied": False}),
)
def gpt_1_parameters(*, tied: bool = True, width: int = 768) -> Outcome:
    """`tied` uses the embedding of the tokens as the last layer."""
    total = transformer_parameters(12, width, 40_478, 512, tied=tied)
    untied = transformer_parameters(12, width, 40_478, 512, tied=False)
    widths = np.array([32, 64, 128, 256, 512, 768])
    sizes = np.array(
        [transformer_parameters(12, int(w), 40_478, 512, tied=tied) for w in widths], float
    )
    return Outcome(
        (
            at_most("parameters, away from those that were published", abs(total - 116_534_784), 0),
            at_most("the same with a last layer of its own", abs(untied - 147_621_888), 0),
            at_least("millions of parameters", total / 1e6, 116.5),
            at_most("the same", total / 1e6, 117.5),
            at_least("petabytes of the Hessian in single precision", 4 * total**2 / 1e15, 54),
            at_most("the same", 4 * total**2 / 1e15, 55),
        ),
        curves(
            "Numbers by the width",
            "log10 of width",
            "numbers",
            {
                "gradient": (np.log10(widths), sizes),
                "Hessian": (np.log10(widths), sizes**2),
            },
            log=True,
        ),
    )
