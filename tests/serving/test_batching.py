"""Batches: any grouping gives the same answers, in order, and nothing is lost at the end."""

import threading
from concurrent.futures import CancelledError

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlmath.inference.classifier import Outputs
from dlmath.serving.batching import Batcher


def answer(pixels: np.ndarray) -> Outputs:
    """Returns for each image only its own mean and first pixel."""
    means = pixels.mean(axis=(1, 2, 3))
    return Outputs(np.stack([means, 255 - means], axis=1), pixels[:, 0, 0, 0].astype(float))


class Gate:
    """Computes when it is opened, and remembers the sizes of batches."""

    def __init__(self) -> None:
        self.opened = threading.Event()
        self.entered = threading.Event()
        self.sizes: list[int] = []

    def __call__(self, pixels: np.ndarray) -> Outputs:
        self.entered.set()
        self.opened.wait()
        self.sizes.append(len(pixels))
        return answer(pixels)


def image(shade: int) -> np.ndarray:
    return np.full((2, 2, 3), shade, np.uint8)


@given(st.lists(st.integers(0, 255), min_size=1, max_size=40), st.integers(1, 9))
def test_any_grouping_gives_each_image_its_own_answer(shades: list[int], batch: int) -> None:
    batcher = Batcher(answer, batch, 0)

    futures = [batcher.submit(image(shade)) for shade in shades]
    batcher.close()

    for shade, future in zip(shades, futures, strict=True):
        found, single = future.result(0), answer(image(shade)[None])
        np.testing.assert_array_equal(found.probabilities, single.probabilities)
        np.testing.assert_array_equal(found.ood_scores, single.ood_scores)


def test_what_arrives_while_a_batch_is_computed_makes_up_the_next() -> None:
    gate = Gate()
    batcher = Batcher(gate, 4, 0)
    batcher.submit(image(0))
    gate.entered.wait()
    for shade in range(6):
        batcher.submit(image(shade))

    gate.opened.set()
    batcher.close()

    assert gate.sizes == [1, 4, 2]


def test_one_whose_client_has_gone_is_not_computed() -> None:
    gate = Gate()
    batcher = Batcher(gate, 4, 0)
    first = batcher.submit(image(1))
    gate.entered.wait()
    gone, kept = batcher.submit(image(2)), batcher.submit(image(3))
    gone.cancel()

    gate.opened.set()
    batcher.close()

    assert gate.sizes == [1, 1]
    assert first.done()
    assert kept.result().ood_scores == 3
    with pytest.raises(CancelledError):
        gone.result()


def test_a_failure_is_the_news_of_its_batch_alone() -> None:
    def compute(pixels: np.ndarray) -> Outputs:
        if pixels.max() == 9:
            raise MemoryError("no room")
        return answer(pixels)

    batcher = Batcher(compute, 1, 0)
    bad, good = batcher.submit(image(9)), batcher.submit(image(8))
    batcher.close()

    with pytest.raises(MemoryError, match="no room"):
        bad.result()
    assert good.result().ood_scores == 8


def test_a_closed_batcher_takes_nothing() -> None:
    batcher = Batcher(answer, 1, 0)
    batcher.close()
    batcher.close()

    with pytest.raises(RuntimeError, match="closed"):
        batcher.submit(image(1))
