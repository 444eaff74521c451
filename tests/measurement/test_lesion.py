import math
from dataclasses import replace

import numpy as np
import pytest
from scenes import grid, scene_of, volume

from imaging.coverage import planes_mm, viable_mask
from imaging.geometry import VolumeGeometry
from imaging.mask import LesionMask, SegmentIdentity
from imaging.necrotic_shape import Ring
from imaging.shape import Ball, Dead, Ellipsoid, longest_viable_mm
from imaging.viable_remnant import Remnant
from measurement.lesion import GridMismatchError, MeasurementSettings, measure_lesion

CENTRE = (0.3, -0.2, 0.4)
RING = Ring(26.0, 14.0, CENTRE)
PIXEL_MM = 0.8


def codes(reading):
    return {flag.code for flag in reading.flags}


@pytest.fixture(scope="module")
def ring_reading():
    return measure_lesion(scene_of(RING))


def test_the_viable_diameter_of_a_ring_is_its_longest_chord_beside_the_core(ring_reading):
    truth = longest_viable_mm(RING, planes_mm(grid()).tolist(), 2.0)
    assert ring_reading.value("viable_diameter") == pytest.approx(truth, abs=PIXEL_MM)
    assert ring_reading.value("whole_diameter") == pytest.approx(26.0, abs=PIXEL_MM)
    assert ring_reading.flags == ()


def test_volumes_and_means_of_a_ring_are_those_of_its_shape(ring_reading):
    assert ring_reading.value("whole_volume") == pytest.approx(RING.whole_volume_ml, rel=0.05)
    assert ring_reading.value("viable_volume") == pytest.approx(RING.viable_volume_ml, rel=0.05)
    part = RING.viable_volume_ml / RING.whole_volume_ml
    assert ring_reading.value("mean_enhancement") == pytest.approx(60 * part, abs=3)
    assert ring_reading.value("mean_attenuation") == pytest.approx(35 + 70 * part, abs=3)
    assert ring_reading.value("late_contrast") == pytest.approx(-20, abs=3)
    assert ring_reading.evidence["enhancing_fraction"] == pytest.approx(part, abs=0.05)


def test_the_curve_over_gaps_rises_to_the_plain_diameter(ring_reading):
    lengths = [ring_reading.curve[gap] for gap in (0.0, 2.0, 5.0, math.inf)]
    assert lengths == sorted(lengths)
    assert lengths[-1] == pytest.approx(26.0, abs=PIXEL_MM)


def test_every_caliper_lies_in_one_slice_and_its_length_is_the_distance_of_its_ends(ring_reading):
    geometry = grid()
    for measured in ring_reading.quantities:
        caliper = measured.caliper
        if caliper is None:
            continue
        assert measured.value == caliper.length_mm
        assert caliper.length_mm == pytest.approx(math.dist(*caliper.ends_mm), abs=1e-9)
        assert {end[0] for end in caliper.ends_index} == {float(caliper.slice_index)}
        places = geometry.index_to_patient(caliper.ends_index)
        assert np.allclose(places, caliper.ends_mm)
        assert np.hypot(*np.subtract(caliper.ends_mm[0], CENTRE)[:2]) < 14.0


def test_uncertainty_is_given_in_parts_that_add_up_in_squares(ring_reading):
    for measured in ring_reading.quantities:
        if measured.unit == "mm":
            squares = sum(part**2 for part in measured.uncertainty_parts.values())
            assert measured.standard_uncertainty**2 == pytest.approx(squares)
            assert measured.standard_uncertainty > 0


def test_the_viable_mask_is_that_of_the_shape_and_on_the_whole_grid(ring_reading):
    truth = viable_mask(RING, grid())
    wrong = np.count_nonzero(ring_reading.viable ^ truth) / np.count_nonzero(truth)
    assert ring_reading.viable.shape == grid().shape
    assert wrong < 0.08


def test_measuring_twice_gives_the_same_reading(ring_reading):
    again = measure_lesion(scene_of(RING))
    assert again.quantities == ring_reading.quantities
    assert again.evidence == ring_reading.evidence


def test_a_solid_lesion_is_viable_as_a_whole():
    reading = measure_lesion(scene_of(Ball(18.0, CENTRE)))
    assert reading.value("viable_diameter") == pytest.approx(18.0, abs=PIXEL_MM)
    assert reading.evidence["enhancing_fraction"] == 1.0
    assert reading.flags == ()


def test_a_dead_lesion_reads_zero_without_a_caliper_and_without_a_flag():
    reading = measure_lesion(scene_of(Dead((9.0, 8.0, 9.0), 20.0, CENTRE)))
    assert reading.value("viable_diameter") == 0.0
    assert reading.quantities[0].caliper is None
    assert reading.value("whole_diameter") == pytest.approx(18.0, abs=PIXEL_MM)
    assert set(reading.curve.values()) == {0.0}
    assert reading.evidence["detectable_enhancement"] < 20.0
    assert reading.flags == ()


def test_a_dead_lesion_in_noise_that_would_hide_enhancement_is_flagged():
    reading = measure_lesion(scene_of(Dead((8.0, 8.0, 8.0), 0.0, CENTRE), noise=45.0))
    assert reading.value("viable_diameter") == 0.0
    assert codes(reading) == {"dead_lesion_undetectable"}
    assert reading.flags[0].value > 20.0


@pytest.mark.parametrize("seed", range(8))
def test_a_remnant_of_3_mm_is_not_taken_for_nothing_without_a_word(seed):
    x, y, z = np.random.default_rng(seed).uniform(-0.5, 0.5, 3).tolist()
    shape = Remnant(24.0, 3.0, (6.0, 0.0, 0.0), (x, y, 1.25 + z))  # near the middle of a slice
    images = scene_of(
        shape, geometry=grid(spacing=(2.5, 0.6, 0.6)), rise=70.0, noise=6.0, seed=f"remnant{seed}"
    )
    reading = measure_lesion(images)
    assert reading.value("viable_diameter") == pytest.approx(3.0, abs=1.5) or codes(reading)


def test_enhancement_that_hardly_exceeds_noise_is_flagged():
    reading = measure_lesion(scene_of(Ball(20.0, CENTRE), rise=25.0, noise=18.0))
    assert "low_cnr" in codes(reading)
    assert reading.evidence["cnr"] < 1.5


def test_without_a_native_phase_viable_is_what_exceeds_the_liver_and_that_is_flagged():
    reading = measure_lesion(scene_of(RING, phases=("arterial",), rise=90.0))
    truth = longest_viable_mm(RING, planes_mm(grid()).tolist(), 2.0)
    assert reading.value("viable_diameter") == pytest.approx(truth, abs=2 * PIXEL_MM)
    assert "no_native_phase" in codes(reading)
    assert reading.value("mean_enhancement") is None


def test_without_an_arterial_phase_only_the_whole_is_measured():
    reading = measure_lesion(scene_of(RING, phases=("late",)))
    viable = reading.quantities[0]
    assert (viable.quantity, viable.value, viable.reason) == (
        "viable_diameter", None, "no arterial phase",
    )  # fmt: skip
    assert reading.value("whole_diameter") == pytest.approx(26.0, abs=PIXEL_MM)


def test_signal_without_a_unit_is_measured_by_the_same_rule():
    reading = measure_lesion(scene_of(RING, unit="signal", scale=6.0))
    truth = longest_viable_mm(RING, planes_mm(grid()).tolist(), 2.0)
    assert reading.value("viable_diameter") == pytest.approx(truth, abs=PIXEL_MM)
    units = {q.quantity: q.unit for q in reading.quantities}
    assert units["mean_enhancement"] == "signal"
    dead = measure_lesion(scene_of(Dead((8.0,) * 3, 0.0, CENTRE), unit="signal", scale=6.0))
    assert dead.value("viable_diameter") == 0.0
    assert dead.flags == ()


def with_native_times(images, factor):
    """Images whose native phase has another scale, which no header states."""
    native = images.native
    scaled = np.rint(native.array * factor).astype(np.int16)
    return replace(images, native=replace(native, array=scaled))


DEAD_MR = Dead((8.0,) * 3, 0.0, CENTRE)


@pytest.mark.parametrize(
    ("shape", "factor", "reads_mm", "code"),
    [
        (DEAD_MR, 1.0, 0.0, None),
        (DEAD_MR, 1 / 1.5, 16.0, "rises_as_liver"),  # dead, and a scale makes it look viable
        (DEAD_MR, 1 / 3.0, 16.0, "rises_as_liver"),
        (Ball(18.0, CENTRE), 1.0, 18.0, None),
        (Ball(18.0, CENTRE), 3.0, 0.0, "liver_darkens"),  # viable, and a scale hides it
    ],
)
def test_signal_of_phases_that_no_header_says_to_be_scaled_apart_is_doubtful(
    shape, factor, reads_mm, code
):
    reading = measure_lesion(with_native_times(scene_of(shape, unit="signal", scale=6.0), factor))
    assert reading.value("viable_diameter") == pytest.approx(reads_mm, abs=1.5 * PIXEL_MM)
    assert codes(reading) - {"low_cnr"} == ({code} if code else set())


def test_swapped_phases_of_ct_are_doubtful():
    images = scene_of(RING)
    swapped = replace(images, native=images.arterial, arterial=images.native)
    reading = measure_lesion(swapped)
    assert reading.value("viable_diameter") == 0.0
    assert codes(reading) == {"liver_darkens"}


def test_signal_without_native_is_judged_against_the_liver():
    reading = measure_lesion(
        scene_of(Ball(18.0, CENTRE), unit="signal", scale=6.0, phases=("arterial",), rise=90.0)
    )
    assert reading.value("viable_diameter") == pytest.approx(18.0, abs=PIXEL_MM)


def test_a_mask_that_is_already_viable_takes_no_threshold():
    images = scene_of(RING, rise=0.0)
    drawn = replace(images.lesion, array=viable_mask(RING, grid()))
    reading = measure_lesion(replace(images, lesion=drawn, mask_is_viable=True))
    truth = longest_viable_mm(RING, planes_mm(grid()).tolist(), 2.0)
    assert reading.value("viable_diameter") == pytest.approx(truth, abs=1.5 * PIXEL_MM)
    assert reading.value("whole_diameter") == pytest.approx(26.0, abs=PIXEL_MM)
    assert codes(reading) == {"whole_lesion_unknown"}


def test_a_declared_empty_mask_reads_zero_in_every_diameter():
    images = scene_of(RING)
    nothing = replace(images.lesion, array=np.zeros(grid().shape, dtype=bool))
    for kind, words in (
        ("hepatic", {"viable_diameter", "whole_diameter"}),
        ("extrahepatic", {"whole_diameter"}),
        ("node", {"node_short_axis", "whole_diameter"}),
    ):
        reading = measure_lesion(replace(images, lesion=nothing, kind=kind))
        assert {q.quantity for q in reading.quantities} == words
        assert {(q.value, q.method, q.caliper) for q in reading.quantities} == {
            (0.0, "declared_empty", None)
        }
        assert reading.flags == ()


def test_a_lesion_outside_the_liver_has_its_whole_diameter_only():
    shape = Ellipsoid((11.0, 7.0, 9.0), 30.0, CENTRE)
    reading = measure_lesion(scene_of(shape, phases=("arterial",), kind="extrahepatic"))
    assert [q.quantity for q in reading.quantities] == ["whole_diameter"]
    assert reading.value("whole_diameter") == pytest.approx(22.0, abs=PIXEL_MM)
    assert not reading.viable.any()


def test_a_node_is_measured_by_its_short_axis():
    shape = Ellipsoid((11.0, 7.0, 9.0), 30.0, CENTRE)
    reading = measure_lesion(scene_of(shape, phases=("arterial",), kind="node"))
    assert [q.quantity for q in reading.quantities] == ["node_short_axis", "whole_diameter"]
    assert reading.value("node_short_axis") == pytest.approx(14.0, abs=1.25 * PIXEL_MM)


def test_iodised_oil_makes_a_lesion_not_assessable_on_ct():
    reading = measure_lesion(scene_of(Ball(18.0, CENTRE), native=400.0))
    assert reading.quantities[0].value is None
    assert "oil" in reading.quantities[0].reason
    assert codes(reading) == {"oil"}


def test_a_little_oil_is_left_out_and_flagged():
    images = scene_of(Ball(18.0, CENTRE))
    native = images.native.array.copy()
    native[7:9, 26:30, 26:30] = 600
    dense = volume(native, grid(), "native")
    reading = measure_lesion(replace(images, native=dense))
    assert reading.value("viable_diameter") == pytest.approx(18.0, abs=PIXEL_MM)
    assert codes(reading) == {"oil"}


def test_padding_is_never_counted():
    images = scene_of(Ball(18.0, CENTRE))
    padding = np.zeros(grid().shape, dtype=bool)
    padding[:, :, :29] = True
    array = np.where(padding, -2000, images.arterial.array)
    arterial = volume(array, grid(), "arterial", padding=padding)
    reading = measure_lesion(replace(images, arterial=arterial, image=arterial))
    assert "touches_border" in codes(reading)
    assert reading.value("mean_attenuation") == pytest.approx(105, abs=3)
    assert reading.value("viable_diameter") < 18.0


def test_a_lesion_of_padding_only_is_not_evaluable():
    images = scene_of(Ball(18.0, CENTRE))
    everything = np.ones(grid().shape, dtype=bool)
    native = volume(images.native.array, grid(), "native", padding=everything)
    reading = measure_lesion(replace(images, native=native))
    assert reading.quantities[0].reason == "no voxel of the lesion has a value in every phase"
    assert reading.value("whole_diameter") is not None
    values = {q.quantity: q.reason for q in reading.quantities}
    assert values["mean_attenuation"] is None


def test_a_lesion_that_fills_the_scan_has_no_tissue_to_measure_noise_in():
    geometry = VolumeGeometry.upright(shape=(3, 8, 8), spacing_mm=(2.5, 0.8, 0.8))
    array = np.full(geometry.shape, 60.0)
    full = LesionMask(np.ones(geometry.shape, dtype=bool), geometry, "m", SegmentIdentity(1))
    images = replace(
        scene_of(Ball(18.0, CENTRE)), image=volume(array, geometry), lesion=full,
        arterial=volume(array, geometry), native=None, late=volume(array, geometry), liver=None,
    )  # fmt: skip
    reading = measure_lesion(images)
    assert reading.quantities[0].reason == "no tissue around the lesion to measure noise in"
    assert codes(reading) == {"touches_border"}


def test_late_contrast_needs_liver_beside_the_lesion():
    reading = measure_lesion(scene_of(Ball(18.0, CENTRE), liver=False))
    late = next(q for q in reading.quantities if q.quantity == "late_contrast")
    assert (late.value, late.reason) == (None, "no liver beside the lesion")
    assert reading.value("viable_diameter") == pytest.approx(18.0, abs=PIXEL_MM)


def test_other_lesions_are_no_reference_tissue():
    images = scene_of(Ball(14.0, CENTRE))
    other = np.zeros(grid().shape, dtype=bool)
    other[:, :, 45:] = True
    bright = [
        volume(np.where(other, v.array + 500 * k, v.array), grid(), n)
        for k, (v, n) in enumerate(((images.native, "native"), (images.arterial, "arterial")))
    ]
    reading = measure_lesion(
        replace(images, native=bright[0], arterial=bright[1], image=bright[1], other_lesions=other)
    )
    assert reading.evidence["noise"] == pytest.approx(math.sqrt(2) * 10, rel=0.1)


def test_volumes_on_another_grid_are_refused():
    images = scene_of(RING)
    moved = VolumeGeometry.upright(shape=grid().shape, spacing_mm=grid().spacing_mm)
    wrong = volume(images.native.array, moved, "native")
    with pytest.raises(GridMismatchError, match=r"native.*not on the grid.*Register it"):
        measure_lesion(replace(images, native=wrong))


def test_masks_of_another_shape_are_refused():
    images = scene_of(RING)
    with pytest.raises(GridMismatchError, match=r"mask#1 \(liver\) has shape.*Read it onto"):
        measure_lesion(replace(images, liver=np.ones((2, 2, 2), dtype=bool)))


def test_the_name_of_the_method_tells_gap_and_level():
    assert MeasurementSettings().method_name() == "contained_segment_v1/gap_2mm/level_0.62"
    assert "gap_infinity" in MeasurementSettings(gap_mm=math.inf).method_name()
