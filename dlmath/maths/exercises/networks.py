"""Exercises of the notebook from the perceptron to deep networks."""

import numpy as np

from dlmath import seeds
from dlmath.maths.datasets import ball_and_annulus, separable
from dlmath.maths.exercises.exercise_base import Answer, compared, exercise, numbers
from dlmath.maths.perceptron import embed
from dlmath.maths.separation import separating_plane

ROWS, LABELS, NORMAL = separable(30, 3, 0.2, 0)


def _margin(points: np.ndarray, labels: np.ndarray, normal: np.ndarray) -> float:
    return float((labels * (points @ normal)).min())


def _radius(points: np.ndarray) -> float:
    return float(np.linalg.norm(points, axis=1).max())


@exercise(
    # The second case has a normal that is no unit vector; the bound must not notice.
    judge=compared((ROWS, LABELS, NORMAL), (ROWS * 5, LABELS, 7 * NORMAL)),
    insight="Scaling all points, or the normal, changes nothing: it depends only on an angle.",
    mistakes={
        "not squared": lambda x, y, u: _radius(x) / _margin(x, y, u / np.linalg.norm(u)),
        "a normal of any length": lambda x, y, u: (_radius(x) / _margin(x, y, u)) ** 2,
        "the largest margin": lambda x, y, u: (
            (_radius(x) * np.linalg.norm(u) / (y * (x @ u)).max()) ** 2
        ),
    },
)
def perceptron_bound(points: np.ndarray, labels: np.ndarray, normal: np.ndarray) -> float:
    """Return Novikoff's bound (R / margin)^2 for points (N, d), labels +-1 and a normal (d,)."""
    unit = normal / np.linalg.norm(normal)
    return float((_radius(points) / (labels * (points @ unit)).min()) ** 2)


def _parts(answer: Answer, _: Answer) -> str:
    """Any features serve that let a plane part the disc from the ring."""
    rows, classes = ball_and_annulus(100, 7, (1.0, 1.1, 2.0))
    features = numbers(answer(rows))
    if features.ndim != 2 or len(features) != len(rows):
        return f"It must return one row a point, (200, k). It returns the shape {features.shape}."
    if np.iscomplexobj(features) or not np.isfinite(features).all():
        return "Features must be finite real numbers, and some of these are not."
    if separating_plane(embed(features), 2.0 * classes - 1) is None:
        return "No plane parts the two classes in these features: the linear programme says so."
    return ""


@exercise(
    judge=_parts,
    insight="A level set of a feature is a surface in the plane below; here a circle was wanted.",
    mistakes={
        "the points themselves": lambda points: points,
        "the product": lambda points: np.column_stack([points, points.prod(axis=1)]),
        "the sum of the absolute values": lambda points: abs(points).sum(axis=1, keepdims=True),
        "one number for all": lambda points: (points**2).sum(),
    },
)
def ring_features(points: np.ndarray) -> np.ndarray:
    """Return features (N, k) of points (N, 2) in which a plane parts a disc from its ring."""
    return np.column_stack([points, (points**2).sum(axis=1)])


def _adjoint(answer: Answer, solution: Answer) -> str:
    """The upstream gradient is random: with ones many a wrong backward pass agrees."""
    rng = seeds.generator("dense exercise")
    x, w, g = rng.normal(size=(6, 3)), rng.normal(size=(3, 4)), rng.normal(size=(6, 4))
    all_given, names = answer(x, w, g), ("dL/dx", "dL/dW", "dL/db")
    if not isinstance(all_given, (tuple, list)) or len(all_given) != 3:
        return f"It must return three arrays: {', '.join(names)}."
    for name, given, expected in zip(names, all_given, solution(x, w, g), strict=True):
        values = numbers(given)
        if values.shape != expected.shape:
            return f"{name} has the shape {values.shape}, its variable has {expected.shape}."
        if not np.allclose(values, expected, rtol=1e-5, atol=1e-5):
            return f"{name} is not the adjoint applied to g: <dy(V), g> and <V, {name}> differ."
    return ""


@exercise(
    judge=_adjoint,
    insight="Three linear maps, three adjoints: that is the whole of backpropagation.",
    mistakes={
        "the mean over the rows": lambda x, w, g: (g @ w.T, x.T @ g / len(x), g.mean(axis=0)),
        "transposed weights": lambda x, w, g: (g @ w.T, g.T @ x, g.sum(axis=0)),
        "an upstream gradient of ones": lambda x, w, g: (
            np.ones_like(g) @ w.T,
            x.T @ np.ones_like(g),
            np.ones_like(g).sum(axis=0),
        ),
    },
)
def dense_backward(x: np.ndarray, w: np.ndarray, g: np.ndarray) -> tuple[np.ndarray, ...]:
    """Return dL/dx, dL/dW and dL/db for y = x W + b and g = dL/dy: (N, d), (d, e), (N, e) in."""
    return g @ w.T, x.T @ g, g.sum(axis=0)


def _softmax(z: np.ndarray) -> np.ndarray:
    powers = np.exp(z - z.max())
    return powers / powers.sum()


Z = np.array([0.3, -1.2, 2.0])


@exercise(
    judge=compared((Z, np.array([0.0, 1.0, 0.0])), (Z, np.array([1.0, 1.0, 0.0]))),
    insight="S - y is the special case of a truth that sums to 1.",
    mistakes={
        "S - y, also for a truth of mass 2": lambda z, y: _softmax(z) - y,
        "the wrong sign": lambda z, y: y - y.sum() * _softmax(z),
        "the derivative in S": lambda z, y: -y / _softmax(z),
    },
)
def cross_entropy_gradient(z: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the gradient (K,) in z of -sum_j y_j log softmax(z)_j, for any y >= 0."""
    return y.sum() * _softmax(z) - y


@exercise(
    judge=compared((100, 0.0), (50, 0.2), (8, 1.0)),
    insight="Half of a symmetric signal passes in full and half with slope a: (1 + a^2) / 2.",
    mistakes={
        "ReLU's": lambda fan_in, slope: 2 / fan_in,
        "linear units'": lambda fan_in, slope: 1 / fan_in,
        "the slope not squared": lambda fan_in, slope: 2 / ((1 + slope) * fan_in),
    },
)
def leaky_variance(fan_in: int, slope: float) -> float:
    """Return the variance of the weights that keeps the mean square through leaky ReLU layers.

    Leaky ReLU is x for x > 0, and slope * x below.
    """
    return 2 / ((1 + slope**2) * fan_in)
