"""One phase onto another: planted displacements are found, aligned phases are left alone."""

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from imaging.coverage import whole_mask
from imaging.geometry import VolumeGeometry
from imaging.noise import Acquisition
from imaging.phantom import TRUNK, Body, Field, Organ, render
from imaging.reference_lesion import ReferenceLesion
from imaging.reference_object import hypervascular
from imaging.registered_phase import registered_phase
from imaging.registration import align_phase
from imaging.shape import Ball
from imaging.solid import Solid
from imaging.volume import Volume

FIELD = Field((24, 96, 112), (4.0, 1.5, 1.5))
PLACE = (-22.0, -6.0, 2.0)
LESION = ReferenceLesion("T1", Ball(22.0, PLACE), hypervascular())
# a liver is not a plain ellipsoid: fat in its fissures shows where it is
FISSURES = (
    Organ("fat", Solid((-2.0, -24.0, 4.0), (3.0, 14.0, 22.0))),
    Organ("fat", Solid((-38.0, 10.0, -8.0), (11.0, 5.0, 9.0))),
    Organ("fat", Solid((-4.0, 14.0, 14.0), (12.0, 4.0, 6.0))),
)
BODY = Body(organs=(*TRUNK, *FISSURES))
GEOMETRY = FIELD.geometry()


def phase(name, *, field=FIELD, shift_mm=(0.0, 0.0, 0.0), seed="a", body=BODY, lesion=LESION):
    image = render(
        field, [lesion], name, body=body, acquisition=Acquisition(10.0), seed=(name, seed),
        shift_mm=shift_mm,
    )  # fmt: skip
    n = len(image)
    return Volume(image, field.geometry(), "HU", ("",) * n, (1,) * n, name)


@pytest.fixture(scope="module")
def arterial():
    return phase("late_arterial")


@pytest.fixture(scope="module")
def mask():
    return whole_mask(LESION.shape, GEOMETRY)


@pytest.fixture(scope="module")
def liver():
    return BODY.organ_mask("liver", GEOMETRY)


def error_mm(alignment, mask, moved):
    """Mean distance over the lesion between where a point is looked for and where it is."""
    points = GEOMETRY.index_to_patient(np.argwhere(mask))
    return float(np.linalg.norm(alignment.native_points(points) - moved(points), axis=1).mean())


def test_phases_that_lie_on_one_another_are_left_alone(arterial, mask, liver):
    for seed in "abc":
        found = align_phase(arterial, phase("native", seed=seed), mask, liver=liver)
        assert found.kind == "aligned"
        assert not found.moves
        assert found.found_mm < 0.5
        assert 0.5 <= found.residual_mm < 1.0  # no image tells less
        points = GEOMETRY.index_to_patient(np.argwhere(mask))
        np.testing.assert_array_equal(found.native_points(points), points)


@pytest.mark.parametrize(
    ("shift_mm", "outlined"),
    [
        ((3.0, 0.0, 0.0), True),
        ((0.0, -2.0, 3.0), False),
        ((0.0, 0.0, -10.0), True),
        ((12.0, -10.0, 25.0), True),
        ((12.0, -10.0, 25.0), False),
    ],
)
def test_a_shift_of_the_anatomy_is_found(arterial, mask, liver, shift_mm, outlined):
    native = phase("native", shift_mm=shift_mm)
    found = align_phase(arterial, native, mask, liver=liver if outlined else None)
    assert found.moves
    error = error_mm(found, mask, lambda points: points + np.array(shift_mm))
    assert error < 1.0
    assert error < found.residual_mm  # which is a limit, not a likely error
    assert found.residual_mm < 1.5  # a plain shift is no doubt


def turned(volume, degrees, about):
    """Return a volume whose anatomy is turned about the z axis: sampled without smoothing."""
    from scipy import ndimage

    turn = Rotation.from_euler("z", degrees, degrees=True)
    index = np.moveaxis(np.indices(volume.array.shape), 0, -1)
    points = volume.geometry.index_to_patient(index) - about
    back = turn.inv().apply(points.reshape(-1, 3)).reshape(points.shape) + about
    at = np.moveaxis(volume.geometry.patient_to_index(back), -1, 0)
    array = ndimage.map_coordinates(volume.array.astype(np.float32), at, order=1, mode="nearest")
    return replace(volume, array=array), lambda p: turn.apply(p - about) + about


def test_a_rotation_by_10_degrees_is_found(arterial, mask, liver):
    about = np.array([10.0, 20.0, 0.0])
    native, moved = turned(phase("native"), 10.0, about)
    found = align_phase(arterial, native, mask, liver=liver)
    assert found.moves
    assert error_mm(found, mask, moved) < 1.5


def waved(volume, height_mm, length_mm, about):
    """Return a volume whose anatomy waves to the left along z, with no wave at a point."""
    from scipy import ndimage

    index = np.moveaxis(np.indices(volume.array.shape), 0, -1)
    points = volume.geometry.index_to_patient(index)

    def moved(p):
        off = height_mm * np.sin(2.0 * np.pi * (p[..., 2] - about[2]) / length_mm)
        return p + off[..., None] * np.array([1.0, 0.0, 0.0])

    back = 2.0 * points - moved(points)  # z stays, so the wave is undone by its negative
    at = np.moveaxis(volume.geometry.patient_to_index(back), -1, 0)
    array = ndimage.map_coordinates(volume.array.astype(np.float32), at, order=1, mode="nearest")
    return replace(volume, array=array), moved


def test_a_wave_with_its_node_at_the_lesion_does_not_pass_for_aligned(arterial, mask, liver):
    native, moved = waved(phase("native"), 5.0, 70.0, np.array(PLACE))
    points = GEOMETRY.index_to_patient(np.argwhere(mask))
    apart = np.linalg.norm(moved(points) - points, axis=-1).mean()
    assert 1.5 < apart < 2.5
    found = align_phase(arterial, native, mask, liver=liver)
    assert found.kind == "deformable"
    error = error_mm(found, mask, moved)
    assert error < 0.6 * apart
    assert error < found.residual_mm


def test_the_spine_does_not_hold_the_liver_back(arterial, mask, liver):
    """Breathing moves the liver by 4 mm; body wall, spine and aorta stay where they are."""
    shift = np.array([0.0, 1.0, 4.0])
    soft = ("liver",)
    organs = tuple(
        Organ(
            one.tissue, replace(one.solid, centre_mm=tuple(np.array(one.solid.centre_mm) + shift))
        )
        if one.tissue in soft or one in FISSURES
        else one
        for one in BODY.organs
    )
    lesion = ReferenceLesion("T1", Ball(22.0, tuple(np.array(PLACE) + shift)), hypervascular())
    native = phase("native", body=Body(organs=organs), lesion=lesion)
    found = align_phase(arterial, native, mask, liver=liver)
    assert error_mm(found, mask, lambda points: points + shift) < 1.0


def test_the_same_phases_give_the_same_bytes(arterial, mask, liver):
    native = phase("native", shift_mm=(2.0, -3.0, 4.0))
    one, two = (align_phase(arterial, native, mask, liver=liver) for _ in range(2))
    assert one.field.tobytes() == two.field.tobytes()
    assert one.residual_mm == two.residual_mm


def test_phases_without_common_tissue_are_not_judged(arterial, mask):
    far = GEOMETRY.affine.copy()
    far[:3, 3] += 900.0
    elsewhere = replace(phase("native"), geometry=VolumeGeometry(far, GEOMETRY.shape))
    found = align_phase(arterial, elsewhere, mask)
    assert found.kind == "unknown"
    assert math.isnan(found.residual_mm)
    assert registered_phase(elsewhere, found, mask, GEOMETRY) is None


def test_a_native_phase_on_another_grid_gets_the_arterial_one_s(arterial, mask, liver):
    other = Field((48, 80, 90), (2.5, 1.9, 1.9), (3.0, -2.0, 1.0))
    native = phase("native", field=other)
    found = align_phase(arterial, native, mask, liver=liver)
    moved = registered_phase(native, found, mask, GEOMETRY)
    assert moved.geometry is GEOMETRY
    assert moved.array.dtype == np.int16
    truth = render(FIELD, [LESION], "native", body=BODY, acquisition=Acquisition(0.0), seed=("x",))
    inner = mask & ~moved.padding
    assert (inner == mask).all()
    assert abs((moved.array[mask] - truth[mask].astype(float)).mean()) < 1.5
    assert 5.0 < (moved.array[mask] - truth[mask].astype(float)).std() < 13.0
    assert moved.padding.mean() > 0.3  # nothing is claimed far from the lesion


def test_a_native_phase_that_ends_in_the_lesion_is_not_used(arterial, mask, liver):
    native = phase("native")
    half = replace(native, array=native.array[:13], geometry=replace(GEOMETRY, shape=(13, 96, 112)))
    found = align_phase(arterial, half, mask, liver=liver)
    assert registered_phase(half, found, mask, GEOMETRY) is None
