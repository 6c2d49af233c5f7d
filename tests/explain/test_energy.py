import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlmath.data.phantom import write_phantoms
from dlmath.data.phantom_truth import read_truth
from dlmath.explain.energy import energy_inside, energy_metric, random_energies, truth_of
from dlmath.explain.heat_map import HeatMap


@pytest.fixture(scope="module")
def phantom(tmp_path_factory):
    return write_phantoms("malaria", tmp_path_factory.mktemp("p") / "cells", patients=10)


def disc():
    y, x = np.mgrid[:32, :32]
    return ((y - 10) ** 2 + (x - 20) ** 2 < 36).astype(np.float32)


@given(seed=st.integers(0, 2**31 - 1), scale=st.floats(0.01, 100))
def test_the_energy_is_a_share_that_knows_no_unit(seed, scale):
    values = np.random.default_rng(seed).normal(size=(32, 32)).astype(np.float32)
    inside = energy_inside(HeatMap(values, 32), disc())

    assert inside == pytest.approx(1 - energy_inside(HeatMap(values, 32), 1 - disc()))
    assert inside == pytest.approx(energy_inside(HeatMap(scale * values, 32), disc()), rel=1e-4)


def test_a_flat_map_has_the_share_of_the_area_inside_and_an_empty_one_nothing():
    flat, empty = HeatMap(np.ones((32, 32), np.float32), 32), HeatMap(-disc(), 32)

    assert energy_inside(flat, disc()) == pytest.approx(disc().mean())
    assert energy_inside(empty, disc()) == 0


def test_random_maps_have_about_the_share_of_the_area_inside():
    energies = random_energies(8, disc())

    assert energies.mean() == pytest.approx(disc().mean(), rel=0.1)
    assert energies.std() > 0


def test_a_map_of_the_finding_passes_and_one_of_the_rest_fails():
    assert energy_metric(HeatMap(disc(), 8), disc()).passed
    assert not energy_metric(HeatMap(1 - disc(), 8), disc()).passed


def test_the_truth_of_a_phantom_is_found_and_resized(phantom):
    name, truth = next(iter(read_truth(phantom).items()))
    found = truth_of(phantom / name, 64)

    assert found.shape == (64, 64)
    assert 0 <= found.min() <= found.max() <= 1
    # Pillow's box filter takes only whole pixels, so that it moves an edge by up to half of one.
    assert found.mean() == pytest.approx(truth.mask.mean(), rel=0.05)
    left, top, right, bottom = truth.box
    height, width = truth.mask.shape
    rows, columns = np.nonzero(found)
    assert rows.min() == pytest.approx(top * 64 / height, abs=1)
    assert columns.max() + 1 == pytest.approx(right * 64 / width, abs=1)
    assert rows.max() + 1 == pytest.approx(bottom * 64 / height, abs=1)
    assert columns.min() == pytest.approx(left * 64 / width, abs=1)


def test_cells_without_a_finding_and_other_files_have_no_truth(phantom, tmp_path):
    healthy = next((phantom / "Uninfected").iterdir())

    assert truth_of(healthy, 64) is None
    assert truth_of(tmp_path / "x.png", 64) is None
