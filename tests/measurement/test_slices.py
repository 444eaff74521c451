"""The search over all slices without gaps, beside the search of each slice alone."""

import numba
import numpy as np
import pytest
from scipy import ndimage

from imaging.geometry import VolumeGeometry
from measurement.diameter import longest_diameter, outline_diameter
from measurement.outline import LesionOutline

ROUNDS = 2 if numba.config.DISABLE_JIT else 60
KINDS = ("ring", "solid", "speckled", "thin", "islands", "empty")


def plane(rng, kind):
    """One slice: its viable part and the whole."""
    row, column = np.indices((44, 40))
    away = np.hypot(row - rng.uniform(18, 24), column - rng.uniform(17, 22))
    whole = away < rng.uniform(11, 15)
    rough = ndimage.gaussian_filter(rng.standard_normal(whole.shape), 2.0)
    if kind == "ring":
        return whole & (away > rng.uniform(4, 9) + 3.0 * rough), whole
    if kind == "speckled":
        return whole & (rng.random(whole.shape) < 0.8), whole
    if kind == "thin":
        return whole & ((row - column) % 9 == 0), whole
    if kind == "islands":
        return whole & (rough > 0.02), whole
    return (whole if kind == "solid" else np.zeros_like(whole)), whole


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_all_slices_together_hold_the_longest_of_each_alone(seed):
    rng = np.random.default_rng(seed)
    kinds = rng.choice(KINDS, size=5)
    viable, whole = (np.stack(parts) for parts in zip(*(plane(rng, k) for k in kinds), strict=True))
    grid = VolumeGeometry.upright(shape=viable.shape, spacing_mm=(2.5, 0.7, 0.8))
    together = longest_diameter(viable, whole, grid, gap_mm=0.0)
    alone = [
        outline_diameter(LesionOutline(viable, whole, grid), gap_mm=0.0, only={k}) for k in range(5)
    ]
    lengths = [0.0 if one is None else one.length_mm for one in alone]
    if together is None:
        assert max(lengths) == 0.0
        return
    assert together.length_mm == pytest.approx(max(lengths), abs=1e-9)
    assert lengths[together.slice_index] == pytest.approx(max(lengths), abs=1e-9)
