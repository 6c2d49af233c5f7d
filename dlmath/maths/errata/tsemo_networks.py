"""Errata of Tsemo's paper: the proof of Cybenko's theorem, convolution, data and graphs."""

from collections.abc import Callable

import numpy as np
from scipy.special import expit

from dlmath import seeds
from dlmath.maths.boundaries import fit_boundary
from dlmath.maths.errata.erratum import (
    HISTORY,
    LOST_FORMULA,
    MATHEMATICS,
    PRINT,
    READING,
    Comparison,
    Erratum,
    violations,
)
from dlmath.maths.objectives import least_squares
from dlmath.maths.optimisers import GradientDescent, minimise
from dlmath.maths.papers import Source
from dlmath.maths.perceptron import embed, standard_scale

Graph = tuple[set, set]  # nodes, and arcs (source, target)


def _limit_error(rescaled: Callable[[np.ndarray, float], np.ndarray]) -> float:
    """Return how far the limit of integrals is from nu(x > 0), for nu = delta_0 + 2 delta_(1/2)."""
    places, masses = np.array([0.0, 0.5]), np.array([1.0, 2.0])
    return float(abs(rescaled(places, 1e8) @ masses - masses[places > 0].sum()))


def _lost_intersection(belongs: Callable[[np.ndarray], bool]) -> float:
    """Return 1 if the intersection of x > 0 and y > 0 is not in a collection of sets, else 0.

    Judged by where a line through three of the quadrants is inside.
    """
    line = np.linspace([-1.0, 3.0], [3.0, -1.0], 101)
    return float(not belongs(np.all(line > 0, axis=1)))


def _crossings(inside: np.ndarray) -> int:
    return int(np.count_nonzero(np.diff(inside)))


def _units_without_a_gradient(draw: Callable[[np.random.Generator], np.ndarray]) -> float:
    """Return how many of 16 units no example of an epoch of 32 steps trains, by their masks."""
    rng = seeds.generator("dropout epoch")
    x, weights = rng.normal(size=(32, 4)), rng.normal(size=(4, 16))
    slopes = draw(rng) * (1 - np.tanh(x @ weights) ** 2)
    return float(np.sum(np.abs(slopes).sum(axis=0) == 0))


def _degree_above_the_least(allowed: Callable[[int], bool]) -> float:
    """Return the least allowed degree that parts four points, which a line parts, less 1."""
    rows = np.array([[-1.0, 0.2], [-0.4, -0.7], [0.5, 0.1], [0.9, -0.6]])
    labels = np.array([-1.0, -1, 1, 1])
    degrees = (m for m in range(1, 9) if allowed(m))
    return next(m for m in degrees if fit_boundary(rows, labels, m).accuracy == 1) - 1.0


def _normalisations() -> list[tuple[float, float, float]]:
    """Return (fall of the inputs' shift, of the condition number, of the steps), as factors.

    A model of one layer has the data as its inputs, which do not shift while it learns. The
    first case standardises them, the second only turns them round.
    """
    rng = seeds.generator("covariate shift")
    x = rng.normal(size=(60, 2)) * [1.0, 3.0] + [3.0, 0.0]
    y = x @ [1.0, -0.5] + rng.normal(size=60)
    turned = x @ np.array([[0.6, -0.8], [0.8, 0.6]])
    before, *after = (_descent(embed(rows), y) for rows in (x, standard_scale(x), turned))
    return [(1.0, before[0] / one[0], before[1] / one[1]) for one in after]


def _descent(features: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Return the condition number of least squares, and the steps to within 1e-6 of its least."""
    loss = least_squares(features, y)
    curvatures = np.linalg.eigvalsh(features.T @ features / len(y))
    least = loss.value(np.linalg.lstsq(features, y, rcond=None)[0])
    start = np.zeros(features.shape[1])
    path = minimise(loss, start, GradientDescent(1 / curvatures[-1]), 3000)
    steps = 1 + np.argmax(path.values <= least + 1e-6)
    return curvatures[-1] / curvatures[0], float(steps)


def _percent_missed(images: int) -> float:
    """Return how far 93.5 is from every accuracy of so many images, to a decimal.

    In points of a percentage; a figure may have been rounded or cut off.
    """
    tenths = 1000 * np.arange(images + 1) / images
    shown = np.concatenate([np.round(tenths), np.floor(tenths)])
    return float(np.abs(shown - 935).min() / 10)


def _confused(view: Callable[[Graph], object]) -> float:
    """Return how many pairs of three different graphs are one object by a view of them."""
    graphs: list[Graph] = [({0}, set()), ({0}, {(0, 0)}), ({0, 1}, {(0, 1)})]
    objects = [view(one) for one in graphs]
    return float(sum(a == b for i, a in enumerate(objects) for b in objects[:i]))


def _lost_ends(compose: Callable[[Graph, Graph], Graph]) -> float:
    """Return how many ends a -> b, b -> a lacks as a morphism from {a} to {a}."""
    nodes, arcs = compose(({"a", "b"}, {("a", "b")}), ({"b", "a"}, {("b", "a")}))
    starts = nodes - {target for _, target in arcs}
    ends = nodes - {source for source, _ in arcs}
    return float(abs(len(starts) - 1) + abs(len(ends) - 1))


def _united(first: Graph, second: Graph) -> Graph:
    return first[0] | second[0], first[1] | second[1]


def _glued(first: Graph, second: Graph) -> Graph:
    """Return the disjoint union, with the first's final nodes as the second's initial ones."""
    middle = first[0] - {source for source, _ in first[1]}
    tagged = []
    for number, (nodes, arcs) in enumerate((first, second)):
        name = {node: (2 if node in middle else number, node) for node in nodes}
        tagged.append((set(name.values()), {(name[a], name[b]) for a, b in arcs}))
    return _united(*tagged)


NOT_BY_SHIFT = Comparison(
    "changes of the inputs of one layer, of two, for which the reason is wrong",
    lambda claim: violations(claim, _normalisations()),
    printed=lambda shift, condition, steps: (steps > 1.5) == (shift > 1.5),
    right=lambda shift, condition, steps: (steps > 1.5) == (condition > 1.5),
    wrong_by=1,
)

ERRATA = (
    Erratum(
        Source("tsemo", 421, "the rescaled function"),
        LOST_FORMULA,
        "Rescaled copies of sigma tend to the indicator of an open half-space.",
        "If the copies are sigma(k (<w, x> + b)): on the hyperplane they stay at sigma(0). For a "
        "measure with mass there the limit of the integrals is not that of the open half-space.",
        "Cybenko's copies have a shift: sigma(k (<w, x> + b) + t) tends to sigma(t) on the "
        "hyperplane, and t -> -infinity follows. Or sigma(k (<w, x> + b) - sqrt(k)), which does "
        "both at once.",
        (
            Comparison(
                "limit of the integrals away from nu(x > 0), for nu = delta_0 + 2 delta_(1/2)",
                _limit_error,
                printed=lambda x, k: expit(k * x),
                right=lambda x, k: expit(k * x - np.sqrt(k)),
                wrong_by=0.4,
                within=1e-9,
            ),
        ),
        "Cybenko, Approximation by superpositions of a sigmoidal function, 1989, lemma 1",
    ),
    Erratum(
        Source("tsemo", 427, "-system that generates the Borel"),
        LOST_FORMULA,
        "A collection, which is lost, is a pi-system, so a measure that vanishes on it is 0.",
        "If it is that of the half-spaces: the quadrant x > 0, y > 0 is the intersection of two "
        "and none itself. If it is that of their intersections: nothing shown so far says that "
        "the measure vanishes on them.",
        "The conclusion is right, by another way: the measure's image under x -> w . x vanishes on "
        "all half-lines, so its Fourier transform is 0 at every w (Cybenko, lemma 1).",
        (
            Comparison(
                "whether the collection lacks the intersection of x > 0 and y > 0",
                _lost_intersection,
                printed=lambda inside: _crossings(inside) <= 1,  # of a half-space: a half-line
                right=lambda inside: _crossings(inside) <= 2,  # of an intersection: an interval
                wrong_by=1,
            ),
        ),
    ),
    Erratum(
        Source("tsemo", 428, "Therefore, , contradiction"),
        LOST_FORMULA,
        "A finite signed measure that vanishes on a generating pi-system is 0.",
        "On two points a and b the set {a} is a generating pi-system, and the mass 1 at b vanishes "
        "on it.",
        "The total mass has to be 0 as well. Here it is, as a half-space holds the whole compact "
        "set; whether the lost collection counts it is not to be seen.",
        (
            Comparison(
                "signed measures on {a, b}, with masses -1, 0 and 1, for which it is false",
                lambda claim: violations(claim, [(a, b) for a in (-1, 0, 1) for b in (-1, 0, 1)]),
                printed=lambda a, b: a != 0 or b == 0,
                right=lambda a, b: a != 0 or a + b != 0 or b == 0,
                wrong_by=2,
            ),
        ),
    ),
    Erratum(
        Source("tsemo", 460, "During each training epoch, a random percentage of neurons"),
        READING,
        "Dropout turns a random share of the units off during each epoch.",
        "Not for the whole of it: units that are off for an epoch get no gradient in it, and one "
        "smaller network is trained, not an average of many.",
        "The units are drawn again at every step, for every example (Srivastava et al., 2014, 4).",
        (
            Comparison(
                "units of 16 without a gradient in an epoch of 32 steps",
                _units_without_a_gradient,
                printed=lambda rng: np.tile(rng.random(16) < 0.5, (32, 1)),
                right=lambda rng: rng.random((32, 16)) < 0.5,
                wrong_by=1,
            ),
        ),
    ),
    Erratum(
        Source("tsemo", 462, "we may assume these hypersurfaces are compact"),
        READING,
        "The hypersurfaces may be assumed compact, since the data are finite.",
        "Not where the least degree is asked for, as in Definition 5.4: points on both sides of a "
        "line have a boundary of degree 1, and a compact one has even degree.",
        "For the existence of an algebraic approximation one may.",
        (
            Comparison(
                "least degree of the boundaries allowed, for four points that a line parts, less 1",
                _degree_above_the_least,
                printed=lambda degree: degree % 2 == 0,
                right=lambda degree: True,
                wrong_by=1,
            ),
        ),
    ),
    Erratum(
        Source("tsemo", 463, "(see [4] Theorem [3])"),
        HISTORY,
        "Nash's theorem is quoted from [4].",
        "[4] is Cybenko's paper.",
        "Tognoli's account is [12]. Nash approximates by components of an algebraic set; that the "
        "whole set can be taken is due to Tognoli.",
        reference="Nash, Real algebraic manifolds, Annals of Mathematics 56, 1952; the "
        "bibliography of the paper, lines 685 and 693",
    ),
    Erratum(
        Source("tsemo", 473, "in 1988 (see [10])"),
        HISTORY,
        "Convolutional networks were created in 1988 in [10].",
        "[10] is about backpropagation as a Lagrangian; it has no convolution.",
        "Fukushima's neocognitron is of 1980; LeCun et al. trained one by backpropagation in 1989.",
        reference="Fukushima, Biological Cybernetics 36, 1980; LeCun et al., Backpropagation "
        "applied to handwritten zip code recognition, Neural Computation 1, 1989",
    ),
    Erratum(
        Source("tsemo", 498, "by reducing internal covariate shift"),
        MATHEMATICS,
        "Batch normalisation speeds training up because inputs of the layers shift less.",
        "The inputs of a model of one layer are the data and never shift, and normalising them "
        "saves steps all the same. In deep networks with noise put behind the normalisation, the "
        "inputs shift more than without it, and training is as fast (Santurkar et al.).",
        "What is known to help is a better conditioned loss: by normalised inputs, and by slopes "
        "that do not see the scale of the weights.",
        (NOT_BY_SHIFT,),
        "Santurkar, Tsipras, Ilyas and Madry, How does batch normalization help optimization?, "
        "arXiv:1805.11604",
    ),
    Erratum(
        Source("tsemo", 534, "kills around 2 million children"),
        HISTORY,
        "Pneumonia kills around 2 million children under 5 each year.",
        "That was so about the year 2000, and Kermany et al. quote a source of 2008.",
        "740,180 in 2019 (World Health Organization).",
        reference="World Health Organization, Pneumonia in children, fact sheet of 11 November "
        "2022",
    ),
    Erratum(
        Source("tsemo", 536, "original, unseen validation set"),
        PRINT,
        "An accuracy of 93.5 % on the original validation set.",
        "That folder of Kermany's data has 16 images, and 15 of 16 are 93.75 %.",
        "Of the 624 test images 584 are 93.59 %, which is 93.5 only if cut off: rounded, no number "
        "of them gives 93.5. Kermany's 92.8 % are 579 of these 624.",
        (
            Comparison(
                "points between 93.5 % and the nearest accuracy, rounded or cut off to a decimal",
                _percent_missed,
                printed=16,
                right=624,
                wrong_by=0.15,
                within=1e-9,
            ),
        ),
    ),
    Erratum(
        Source("tsemo", 637, "viewed as a topos of sheaves"),
        MATHEMATICS,
        "A directed graph is a topos of sheaves on a category of two objects and two morphisms.",
        "There is one such topos and more than one graph.",
        "A graph is an object of that topos: a presheaf, that is, two sets and two maps. The two "
        "morphisms are those that are not identities.",
        (
            Comparison(
                "pairs, of three graphs, that are the same by this view",
                _confused,
                printed=lambda graph: "presheaves on the category of two objects",
                right=lambda graph: graph,
                wrong_by=3,
            ),
        ),
    ),
    Erratum(
        Source("tsemo", 676, "The composition is represented by the graph"),
        LOST_FORMULA,
        "Graphs with initial nodes X and final nodes Y are the morphisms of a category, composed "
        "by putting their nodes and their arcs together.",
        "If that is the union: a -> b after b -> a is a cycle, with no initial and no final node, "
        "and no morphism from {a} to {a}.",
        "All nodes but those of Y have to be made disjoint first. That determines the graph up to "
        "isomorphism, so the morphisms of the category are isomorphism classes.",
        (
            Comparison(
                "initial and final nodes that a -> b -> a lacks",
                _lost_ends,
                printed=_united,
                right=_glued,
                wrong_by=2,
            ),
        ),
    ),
)
