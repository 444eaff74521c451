"""The affine of a stack of slices, in closed form, for any orientation and order."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from imaging.slice_grid import GridError, slice_grid


def stack(turn, *, count, step, shear, pixel, start):
    """Slices of a known grid: only what slice_grid looks at."""
    along_row, along_column, normal = turn.as_matrix().T
    found = []
    for k in range(count):
        position = np.asarray(start) + k * (step * normal + shear * along_column)
        found.append(
            SimpleNamespace(
                position=tuple(position),
                orientation=(*along_row, *along_column),
                pixel_spacing=pixel,
                rows=7,
                columns=9,
                frame_of_reference_uid="1.2",
                spacing_between_slices=None,
            )
        )
    return found


@settings(deadline=None, max_examples=60)
@given(
    angles=st.tuples(*[st.floats(-180, 180)] * 3),
    step=st.floats(0.5, 10),
    tilt=st.floats(-0.5, 0.5),
    pixel=st.tuples(st.floats(0.3, 3), st.floats(0.3, 3)),
    order=st.permutations(range(6)),
)
def test_every_voxel_lies_where_the_dicom_equation_puts_it(angles, step, tilt, pixel, order):
    turn = Rotation.from_euler("zyx", angles, degrees=True)
    slices = stack(turn, count=6, step=step, shear=tilt * step, pixel=pixel, start=(10, -20, 300))
    grid = slice_grid([slices[k] for k in order])
    assert list(grid.headers) == slices
    along_row, along_column, normal = turn.as_matrix().T
    for z, row, column in ((0, 0, 0), (5, 0, 0), (2, 6, 8), (5, 6, 0)):
        # PS3.3 equation C.7.6.2.1-1: position + column step x column + row step x row
        expected = (
            np.asarray(slices[z].position)
            + along_row * pixel[1] * column
            + along_column * pixel[0] * row
        )
        np.testing.assert_allclose(
            grid.geometry.index_to_patient([z, row, column]), expected, atol=1e-9
        )
    np.testing.assert_allclose(grid.geometry.normal, normal, atol=1e-12)
    assert grid.geometry.slice_spacing_mm == pytest.approx(step)


@settings(deadline=None, max_examples=60)
@given(
    angles=st.tuples(*[st.floats(-180, 180)] * 3),
    step=st.floats(0.3, 10),
    count=st.integers(4, 30),
    data=st.data(),
)
def test_no_missing_inner_slice_escapes_in_any_orientation(angles, step, count, data):
    turn = Rotation.from_euler("zyx", angles, degrees=True)
    slices = stack(turn, count=count, step=step, shear=0, pixel=(1, 1), start=(0, 0, 0))
    del slices[data.draw(st.integers(1, count - 2))]
    with pytest.raises(GridError) as caught:
        slice_grid(slices)
    assert caught.value.reason_code == "missing_slice"


def test_slices_sheared_beyond_any_gantry_are_no_volume():
    slices = stack(Rotation.identity(), count=4, step=2.0, shear=2.5, pixel=(1, 1), start=(0, 0, 0))
    with pytest.raises(GridError) as caught:
        slice_grid(slices)
    assert caught.value.reason_code == "sheared_slices"
