"""Linear algebra on one thread."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from dlmath import blas_threads, linear_head
from dlmath.blas_threads import single_threaded
from dlmath.inference import ood_fit


def threads() -> set[int]:
    return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}


def test_a_function_runs_on_one_thread_and_leaves_the_setting_as_it_was():
    def inside(fails: bool) -> set[int]:
        if fails:
            raise ValueError("it fails")
        return threads()

    with threadpool_limits(2, "blas"):
        assert single_threaded(inside)(False) == {1}
        assert threads() == {2}
        with pytest.raises(ValueError, match="it fails"):
            single_threaded(inside)(True)
        assert threads() == {2}


def test_threads_that_a_function_starts_keep_to_one_thread_and_change_nothing():
    @single_threaded
    def starts_another() -> list[set[int]]:
        with ThreadPoolExecutor(1) as executor:
            inner = executor.submit(single_threaded(threads)).result()
            return [inner, threads()]

    with threadpool_limits(2, "blas"):
        assert starts_another() == [{1}, {1}]
        assert threads() == {2}


def test_the_solver_is_on_one_thread_at_every_step():
    generator = np.random.default_rng(0)
    features, labels = generator.normal(size=(40, 3)), np.arange(40) % 2
    seen: list[set[int]] = []
    with threadpool_limits(2, "blas"):
        linear_head.fit_head(
            features,
            np.eye(2)[labels],
            np.ones(40),
            np.arange(40),
            progress=lambda step: seen.append(threads()),
        )
    assert len(seen) > 10
    assert set.union(*seen) == {1}


@pytest.mark.parametrize(
    "function",
    [
        linear_head.fit_head,
        linear_head.laplace,
        linear_head.leave_patients_out,
        linear_head.patient_influence,
        linear_head.ridge_without_patients,
        ood_fit.fit_ood_score,
    ],
)
def test_what_factors_matrices_of_features_is_single_threaded(
    function: Callable, monkeypatch: pytest.MonkeyPatch
):
    limits: list[int] = []

    class Stop(Exception):
        pass

    def limit(number: int, kind: str) -> None:
        limits.append(number)
        raise Stop

    monkeypatch.setattr(blas_threads, "threadpool_limits", limit)
    with pytest.raises(Stop):
        function()
    assert limits == [1]
