r"""Learning curves as inverse power laws, value(n) = a - b n^-c.

Sources: Cortes et al., "Learning curves: asymptotic values and rate of convergence", NIPS 1993;
Hestness et al., "Deep learning scaling is predictable, empirically", 2017, arXiv:1712.00409.
"""

from dataclasses import dataclass

import numpy as np

# Slower than the first is a logarithm, faster than the second has already flattened.
_EXPONENTS = np.geomspace(0.05, 2.0, 80)


@dataclass(frozen=True)
class PowerLaws:
    """B curves a - b n^-c, with a <= highest, b >= 0 and 0.05 <= c <= 2; (B,) each."""

    asymptote: np.ndarray
    factor: np.ndarray
    exponent: np.ndarray

    def at(self, size: float) -> np.ndarray:
        """Return the values at a size, (B,)."""
        return self.asymptote - self.factor * size**-self.exponent

    def reach(self, target: float) -> np.ndarray:
        """Return the sizes at which the curves reach a target, (B,): infinite where they do not."""
        short = self.asymptote - target
        sizes = np.full(len(short), np.inf)
        possible = short > 0
        ratio = self.factor[possible] / short[possible]
        with np.errstate(over="ignore"):
            sizes[possible] = ratio ** (1 / self.exponent[possible])
        return sizes


def fit_power_laws(
    sizes: np.ndarray, values: np.ndarray, weights: np.ndarray, highest: float = 1.0
) -> PowerLaws:
    """Fit curves by weighted least squares: for each c in closed form, and the best of 80 c.

    Unlike a search in all three, this has no starting point to depend on.

    Args:
        sizes: (Q,), at least two different ones.
        values: (Q, B), of B curves.
        weights: (Q,), above 0.
        highest: The value of a perfect model.
    """
    share = weights / weights.sum()
    errors, asymptotes, factors = [], [], []
    for exponent in _EXPONENTS:
        x = sizes.astype(float) ** -exponent
        x_mean, y_mean = share @ x, share @ values
        factor = -(share * (x - x_mean)) @ (values - y_mean) / (share @ (x - x_mean) ** 2)
        factor = np.maximum(factor, 0.0)
        asymptote = y_mean + factor * x_mean
        # Beyond the highest value, the best curve lies on the bound.
        on_bound = np.maximum((share * x) @ (highest - values) / (share @ x**2), 0.0)
        factor = np.where(asymptote > highest, on_bound, factor)
        asymptote = np.minimum(asymptote, highest)
        errors.append(share @ (values - asymptote + np.outer(x, factor)) ** 2)
        asymptotes.append(asymptote)
        factors.append(factor)
    best = np.argmin(errors, axis=0)
    curve = np.arange(values.shape[1])
    return PowerLaws(
        np.array(asymptotes)[best, curve], np.array(factors)[best, curve], _EXPONENTS[best]
    )
