"""Layer normalisation, and the residual links of a transformer with it before and after."""

from collections.abc import Callable
from functools import partial, reduce

import numpy as np

from dlmath import seeds
from dlmath.maths.attention import Block, layer_norm, random_block
from dlmath.maths.differences import complex_step
from dlmath.maths.experiment_base import Outcome, Sabotage, at_least, at_most, experiment
from dlmath.maths.experiments.attention_weights import standardised, word_by_word
from dlmath.maths.papers import Source
from dlmath.maths.plots import curves, sequences


@experiment(
    title="Layer normalisation sees neither scale nor shift",
    statement=(
        "A row of D numbers comes out with mean 0 and the norm sqrt(D), and the same for c x + s "
        "as for x, c > 0, if epsilon is small against the variance. The Jacobian is (I - 1 1^T / "
        "D - y y^T / D) / sigma, y the output and sigma the standard deviation: a projection "
        "over sigma, so that D - 2 singular values are 1 / sigma and two are 0. A gradient that "
        "comes back is orthogonal to x and to 1, and shrinks by c where x grows by it."
    ),
    sources=(Source("tsemo", 627, "a layer normalization is applied to the result"),),
    about=("layer_norm",),
    reference="Ba, Kiros and Hinton, Layer normalization, arXiv:1607.06450, section 5.1; Xu et "
    "al., arXiv:1911.07013",
    sabotage=Sabotage("epsilon is not small against the variance", {"epsilon": 0.5}),
)
def layer_normalisation_projects(
    *, epsilon: float = 0.0, width: int = 7, factor: float = 3.0, seed: int = 0
) -> Outcome:
    """`width` is D, `factor` is c; `epsilon` is added to the variance."""
    rng = seeds.generator("layer norm", seed)
    rows = rng.normal(size=(5, width)) * 2.0 ** np.arange(-1, 4)[:, np.newaxis]
    y = layer_norm(rows, epsilon)
    sigma = rows.std(axis=1)
    jacobians = [
        complex_step(lambda x: layer_norm(x[np.newaxis], epsilon).squeeze(axis=0), row)
        for row in rows
    ]
    rest = [np.eye(width) - 1 / width - np.outer(one, one) / width for one in y]
    wrong = [np.abs(s * j - p).max() for s, j, p in zip(sigma, jacobians, rest, strict=True)]
    values = [np.linalg.svd(s * j)[1] for s, j in zip(sigma, jacobians, strict=True)]
    upstream = rng.normal(size=width)
    back = np.array([j @ upstream for j in jacobians])
    grown = complex_step(
        lambda x: layer_norm(x[np.newaxis], epsilon).squeeze(axis=0), factor * rows[0]
    )
    return Outcome(
        (
            at_most("means of the outputs", np.abs(y.mean(axis=1)), 1e-15),
            at_most(
                "norms away from sqrt(D)", np.abs(np.linalg.norm(y, axis=1) - width**0.5), 1e-14
            ),
            at_most(
                "outputs of c x + s away from those of x",
                np.abs(layer_norm(factor * rows + 2.0, epsilon) - y).max(),
                1e-13,
            ),
            at_most(
                "outputs of -x away from minus those of x",
                np.abs(layer_norm(-rows, epsilon) + y).max(),
                0,
            ),
            at_most("sigma J away from the projection", wrong, 1e-13),
            at_most(
                "its singular values away from 1, D - 2 times",
                np.abs(np.array(values)[:, :-2] - 1).max(),
                1e-13,
            ),
            at_most("the last two", np.array(values)[:, -2:].max(), 1e-13),
            at_most(
                "gradient times x, and times 1",
                np.abs([np.sum(back * rows, axis=1), back.sum(axis=1)]).max(),
                1e-13,
            ),
            at_most(
                "gradient at c x times c, away from that at x",
                np.abs(factor * grown @ upstream - back[0]),
                1e-13,
            ),
            at_most(
                "epsilon = 1: squared norm away from D v / (v + 1)",
                np.abs(
                    np.sum(layer_norm(rows, 1.0) ** 2, axis=1) - width * sigma**2 / (sigma**2 + 1)
                ),
                1e-13,
            ),
        ),
        sequences(
            "Singular values of sigma J",
            "number",
            "value",
            {"first row": values[0], "last row": values[-1]},
        ),
    )


@experiment(
    title="With normalisation before the sublayer the gradient has a way around it",
    statement=(
        "Blocks x + F(LN(x)), F one head of attention with its linear layer, have the Jacobian I "
        "+ J, J that of F(LN(x)). If all |J| are rho < 1, gradients through L blocks lie between "
        "(1 - rho)^L and (1 + rho)^L times those at the output, in all directions. With LN after "
        "the sum, as in the paper, the Jacobian of a block loses two directions a token: its "
        "rank is n (D - 2). Without the link a gradient is at most rho^L times that at the output."
    ),
    sources=(
        Source("tsemo", 626, "residual connection"),
        Source("tsemo", 628, "improves gradient flow"),
        Source("murari", 84, "Transformers"),
    ),
    about=("Block", "compute.through"),
    reference="Xiong et al., On layer normalization in the transformer architecture, "
    "arXiv:2002.04745; He et al., arXiv:1603.05027",
    sabotage=Sabotage("there are no residual links", {"linked": False}),
)
def normalising_first_keeps_gradients(
    *, linked: bool = True, rho: float = 0.4, depth: int = 5, tokens: int = 3, seed: int = 0
) -> Outcome:
    """`rho` is |J| of each of the `depth` blocks, whose linear layers are scaled to it."""
    rng = seeds.generator("normalise first", seed)
    width = 6
    start = rng.normal(size=(tokens, width))

    def through(block: Block, link: bool, rows: np.ndarray) -> np.ndarray:
        return link * rows + block.attended(layer_norm(rows))

    rows, jacobians, blocks = start, [], []
    for _ in range(depth):
        block = random_block(rng, width)
        norm = np.linalg.norm(_jacobian(partial(through, block, False), rows), 2)
        block = Block(block.query, block.key, block.value, rho / norm * block.linear)
        jacobians.append(_jacobian(partial(through, block, False), rows))
        rows = through(block, linked, rows)
        blocks.append(block)
    whole = _jacobian(lambda x: reduce(lambda at, b: through(b, linked, at), blocks, x), start)
    parts = [linked * np.eye(start.size) + j for j in jacobians]
    product = reduce(np.matmul, parts)
    after = _jacobian(blocks[0], start)
    values = np.linalg.svd(whole)[1]
    kept = np.linalg.svd(after)[1]
    one_by_one = partial(word_by_word, blocks[0])
    lengths = [np.linalg.svd(reduce(np.matmul, parts[:n]))[1] for n in range(1, depth + 1)]
    return Outcome(
        (
            at_most(
                "outputs of a block away from the sums word by word, normalised before",
                np.abs(
                    through(blocks[0], True, start) - start - one_by_one(standardised(start))
                ).max(),
                1e-13,
            ),
            at_most(
                "normalised after: the same",
                np.abs(blocks[0](start) - standardised(start + one_by_one(start))).max(),
                1e-13,
            ),
            at_most(
                "norms of J away from rho",
                [abs(np.linalg.norm(j, 2) - rho) for j in jacobians],
                1e-12,
            ),
            at_most(
                "Jacobian away from the product of those of the blocks",
                np.abs(whole - product).max(),
                1e-12,
            ),
            at_least(
                "smallest singular value over (1 - rho)^L",
                values[-1] / (1 - rho) ** depth,
                1 - 1e-9,
            ),
            at_most("largest over (1 + rho)^L", values[0] / (1 + rho) ** depth, 1 + 1e-9),
            at_most(
                "normalised after: singular values beyond n (D - 2)",
                kept[tokens * (width - 2) :],
                1e-13,
            ),
            at_least("normalised after: the one before them", kept[tokens * (width - 2) - 1], 1e-6),
            at_most(
                "normalised after: lengths of rows away from sqrt(D)",
                np.abs(np.linalg.norm(blocks[0](start), axis=1) - width**0.5),
                1e-13,
            ),
            at_most(
                "without links: norm over rho^L",
                np.linalg.norm(reduce(np.matmul, jacobians), 2) / rho**depth,
                1 + 1e-9,
            ),
        ),
        curves(
            "Singular values of the Jacobian of so many blocks",
            "blocks",
            "value",
            {
                "largest": (np.arange(1, depth + 1), [one[0] for one in lengths]),
                "smallest": (np.arange(1, depth + 1), [one[-1] for one in lengths]),
                "(1 - rho)^L": (np.arange(1, depth + 1), (1 - rho) ** np.arange(1, depth + 1)),
            },
            log=True,
        ),
    )


def _jacobian(function: Callable[[np.ndarray], np.ndarray], rows: np.ndarray) -> np.ndarray:
    """Return the derivatives (N, N) of a map of rows of N numbers in all: inputs, then outputs."""
    return complex_step(function, rows).reshape(rows.size, rows.size)
