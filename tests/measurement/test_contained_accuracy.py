"""Digital shapes with closed-form truth, as drawn by the benchmark."""

import importlib
import math
import sys
from pathlib import Path

import numba
import numpy as np
import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


def errors_px(seed, shapes, monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    for name in ("diameter", "planar_shape", "contained_accuracy"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    benchmark = importlib.import_module("contained_accuracy")
    for k in range(shapes):
        shape, viable, whole, grid = benchmark.placed(seed * 100_000 + k)
        length = benchmark.contained(viable, whole, grid)
        yield (length - shape.truth_mm) / grid.spacing_mm[2]


@pytest.mark.skipif(numba.config.DISABLE_JIT, reason="takes minutes where nothing is compiled")
def test_contained_segments_of_digital_shapes_are_right_to_half_a_pixel(monkeypatch):
    errors = np.array(list(errors_px(5, 1200, monkeypatch)))
    assert math.sqrt(np.mean(errors**2)) <= 0.55
    assert abs(errors.mean()) <= 0.30  # +0.22: a caliper picks the highest steps of an edge
    assert np.abs(errors).max() <= 1.5
