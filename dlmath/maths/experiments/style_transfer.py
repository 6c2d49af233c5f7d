"""Style transfer: what a Gram matrix keeps of an image and forgets, and descent on its loss."""

import numpy as np

from dlmath import seeds
from dlmath.maths.choices import choose
from dlmath.maths.experiment_base import Outcome, Sabotage, at_least, at_most, experiment
from dlmath.maths.objectives import Objective
from dlmath.maths.optimisers import Trace, minimise
from dlmath.maths.papers import Source
from dlmath.maths.plots import curves, sequences
from dlmath.maths.second_order import Lbfgs
from dlmath.maths.style import Filters, gram, recoloured, style_gradient, style_loss

STYLE = Source("tsemo", 29, "style transfer")


@experiment(
    title="A Gram matrix forgets where things are, and nothing else",
    statement=(
        "The Gram matrix F F^T of features F, (channels, places), is the same for F Q with Q "
        "orthogonal, so for the places in any order; and features F' of the same Gram matrix are "
        "F Q for an orthogonal Q. So the style of an image on a torus is that of the image "
        "shifted. A^(1/2) (F F^T)^(-1/2) F has exactly the Gram matrix A. The matrix F^T F of "
        "places is not the same for places in another order."
    ),
    sources=(STYLE,),
    about=("gram", "recoloured", "style._power"),
    reference="Gatys, Ecker and Bethge, arXiv:1508.06576; Horn and Johnson, Matrix analysis, 2013, "
    "theorem 7.3.11",
    sabotage=Sabotage("the matrix is that of the places", {"axis": "places"}),
)
def gram_matrix_forgets_places(
    *, axis: str = "channels", channels: int = 5, places: int = 24, seed: int = 0
) -> Outcome:
    """`axis` is channels or places."""
    over = choose("axis", axis, {"channels": gram, "places": lambda f: f.T @ f})
    rng = seeds.generator("gram", seed)
    features = rng.normal(size=(channels, places))
    order = rng.permutation(places)
    turned = features @ np.linalg.qr(rng.normal(size=(places, places)))[0]
    # The orthogonal matrix nearest to F^T F' (Procrustes) takes one to the other, if any does.
    left, _, right = np.linalg.svd(features.T @ turned)
    target = gram(rng.normal(size=(channels, places)))
    filters = Filters(rng.normal(size=(channels, 1, 3, 3)))
    image = rng.normal(size=(12, 12))
    shifted = filters.features(np.roll(image, (3, 5), axis=(0, 1)))
    moved = np.abs(gram(shifted) - gram(filters.features(image))).max()
    changed = features + 1e-3 * rng.normal(size=features.shape)
    sizes = np.geomspace(1e-4, 1, 20)
    return Outcome(
        (
            at_most(
                "change by another order of the places",
                np.abs(over(features[:, order]) - over(features)).max(),
                1e-12,
            ),
            at_most(
                "change by an orthogonal matrix", np.abs(over(turned) - over(features)).max(), 1e-12
            ),
            at_most(
                "distance of F Q, with Q found from both, to the other features",
                np.abs(features @ (left @ right) - turned).max(),
                1e-12,
            ),
            at_most("change by a shift of the image", moved / np.abs(gram(shifted)).max(), 1e-12),
            at_most(
                "distance of the recoloured Gram matrix to its target",
                np.abs(gram(recoloured(features, target)) - target).max(),
                1e-10,
            ),
            at_most(
                "features that have it already: change by recolouring",
                np.abs(recoloured(features, gram(features)) - features).max(),
                1e-10,
            ),
            at_least(
                "change by other features", np.abs(over(changed) - over(features)).max(), 1e-4
            ),
        ),
        curves(
            "Change of the Gram matrix, by that of the features",
            "log10 of change of the features",
            "change",
            {
                "other features": (
                    np.log10(sizes),
                    [np.linalg.norm(gram(features + s * changed) - gram(features)) for s in sizes],
                ),
            },
            log=True,
        ),
    )


def textured(size: int, kind: str, rng: np.random.Generator) -> np.ndarray:
    """Return an image (H, W) of mean 0: a bright disc as content, or waves as style, in noise."""
    y, x = np.mgrid[:size, :size]
    if kind == "content":
        image = np.where((x - size / 2) ** 2 + (y - size / 2) ** 2 < (size / 3) ** 2, 1.0, -1.0)
    else:
        image = 1.5 * np.sin(2 * np.pi * (3 * x + 2 * y) / size + rng.uniform(0, 2 * np.pi))
    image = image + 0.2 * rng.normal(size=(size, size))
    return image - image.mean()


def transfer(
    filters: Filters, content: np.ndarray, style: np.ndarray, weight: float, steps: int
) -> tuple[Trace, Objective]:
    """Return the descent from the content image on |F - B|^2 / 2 + weight E_style."""
    wanted, target = filters.features(content), gram(filters.features(style))

    def value(pixels: np.ndarray) -> float:
        features = filters.features(pixels.reshape(content.shape))
        return float(np.sum((features - wanted) ** 2)) / 2 + weight * style_loss(features, target)

    def gradient(pixels: np.ndarray) -> np.ndarray:
        image = pixels.reshape(content.shape)
        features = filters.features(image)
        upstream = features - wanted + weight * style_gradient(features, target)
        return filters.backward(image, upstream).ravel()

    objective = Objective(value, gradient)
    return minimise(objective, content.ravel(), Lbfgs(), steps), objective


@experiment(
    title="Style transfer by descent on the pixels",
    statement=(
        "The gradient of content and style loss in the pixels, derived by hand through the Gram "
        "matrix, ReLU and the convolution, is the derivative; along a line in the features the "
        "style loss has degree 4, so its five-point difference is exact. Descent from the "
        "content image lowers the loss at every step; the larger the weight of the style, the "
        "lower its loss in the end and the farther the content. With no weight nothing moves."
    ),
    sources=(STYLE,),
    about=("style_loss", "style_gradient", "Filters.backward", "Filters.before", "transfer"),
    reference="Gatys, Ecker and Bethge, arXiv:1508.06576, equations 1 to 7",
    sabotage=Sabotage("the style has no weight", {"weight": 0.0}),
)
def style_transfer_descends(
    *, weight: float = 1e6, size: int = 12, channels: int = 5, steps: int = 60, seed: int = 0
) -> Outcome:
    """`weight` is that of the style against the content."""
    rng = seeds.generator("style transfer", seed)
    filters = Filters(rng.normal(size=(channels, 1, 3, 3)) / 3)
    content, style = (textured(size, kind, rng) for kind in ("content", "style"))
    target = gram(filters.features(style))
    trace, objective = transfer(filters, content, style, weight, steps)
    weak, _ = transfer(filters, content, style, weight / 30, steps)
    ends = [filters.features(one.points[-1].reshape(size, size)) for one in (weak, trace)]
    styles = [style_loss(one, target) for one in (filters.features(content), *ends)]
    contents = [np.sum((one - filters.features(content)) ** 2) / 2 for one in ends]
    path = [
        style_loss(filters.features(point.reshape(size, size)), target) for point in trace.points
    ]
    return Outcome(
        (
            at_most(
                "style gradient: error of its slope",
                _slope_error(filters, style, target, rng),
                1e-9,
            ),
            at_most(
                "pixels: error of the gradient",
                _pixel_error(filters, objective, content, rng),
                1e-6,
            ),
            at_most("largest rise of the loss in a step", np.diff(trace.values).max(initial=0), 0),
            at_most("style loss in the end over that of the content", styles[2] / styles[0], 0.1),
            at_most("style loss over that with 1/30 of the weight", styles[2] / styles[1], 1),
            at_least("content loss over the same", contents[1] / max(contents[0], 1e-300), 1),
        ),
        sequences(
            "Style loss along the descent", "step", "style loss", {"style loss": path}, log=True
        ),
    )


# f'(0) = (f(-2) - 8 f(-1) + 8 f(1) - f(2)) / 12, exact for polynomials of degree 4.
_STENCIL = ((-2, 1 / 12), (-1, -8 / 12), (1, 8 / 12), (2, -1 / 12))


def _slope_error(
    filters: Filters, image: np.ndarray, target: np.ndarray, rng: np.random.Generator
) -> float:
    """Return the relative error of <dE_style/dF, H> for a random H, by the exact difference."""
    features = 0.7 * filters.features(image)
    way = rng.normal(size=features.shape) * features.std()
    found = sum(share * style_loss(features + t * way, target) for t, share in _STENCIL)
    return float(abs(np.sum(style_gradient(features, target) * way) / found - 1))


def _pixel_error(
    filters: Filters, objective: Objective, content: np.ndarray, rng: np.random.Generator
) -> float:
    """Return the relative error of the gradient in the pixels along a random direction.

    The steps are so short that no pre-activation changes its sign: the loss has degree 4 there.
    """
    point = 0.5 * content + rng.normal(size=content.shape)
    way = rng.normal(size=content.shape)
    step = np.abs(filters.before(point) / filters.before(way)).min() / 3
    found = sum(s * objective.value((point + t * step * way).ravel()) for t, s in _STENCIL)
    return float(abs(step * objective.gradient(point.ravel()) @ way.ravel() / found - 1))
