import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dlmath import seeds
from dlmath.maths.krylov import lanczos


@given(seed=st.integers(0, 1000), size=st.integers(1, 12))
def test_all_steps_find_all_eigenvalues(seed, size):
    rng = seeds.generator("test", "lanczos", seed)
    matrix = rng.normal(size=(size, size))
    matrix = matrix + matrix.T
    found = lanczos(lambda v: matrix @ v, rng.normal(size=size), size)
    np.testing.assert_allclose(found, np.linalg.eigvalsh(matrix), atol=1e-7)


def test_a_few_steps_find_the_ends_of_a_large_spectrum():
    spectrum = np.concatenate([[-5.0], np.linspace(0, 1, 300), [8.0]])
    start = seeds.generator("test", "start").normal(size=302)
    found = lanczos(lambda v: spectrum * v, start, 20)
    np.testing.assert_allclose(found[[0, -1]], [-5, 8], atol=1e-8)


def test_an_invariant_subspace_ends_it_early():
    np.testing.assert_allclose(lanczos(lambda v: 3 * v, np.ones(10), 10), [3.0])
