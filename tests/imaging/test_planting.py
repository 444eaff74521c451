"""Lesions planted in a made-up and in a real liver."""

import datetime as dt

import numpy as np
import pydicom
import pytest

from imaging.coverage import whole_mask
from imaging.geometry import VolumeGeometry
from imaging.liver_region import LiverNotFoundError, even_liver, find_liver_region
from imaging.necrotic_shape import Ring
from imaging.phantom import Body, Field, render
from imaging.planted_subject import Course, course, place_courses, planted_subject, standard_courses
from imaging.planting import cnr, contrast, plant, prepare_host
from imaging.reference_lesion import ReferenceLesion
from imaging.reference_object import Acquisition, Ball, Dead
from imaging.texture import measure_texture, texture_noise
from imaging.volume import Volume

# a larger body than usual: the liver must hold 200 ml and be found by its portal venous values
GRID = Field(shape=(40, 160, 192), spacing_mm=(2.5, 0.8, 0.8))


def as_volume(array, geometry, unit="HU"):
    n = len(array)
    return Volume(array, geometry, unit, ("",) * n, (1,) * n, "1.2.3#all")


@pytest.fixture(scope="module")
def host():
    image = render(
        GRID, [], "portal_venous", acquisition=Acquisition(8.0, correlation_px=0.7), seed=("host",)
    )
    return prepare_host(as_volume(image, GRID.geometry()))


def test_the_liver_of_a_portal_venous_body_is_found(host):
    truth = Body().organ_mask("liver", GRID.geometry())
    both = (host.liver & truth).sum()
    assert 2 * both / (host.liver.sum() + truth.sum()) > 0.93
    assert (host.liver & ~truth).sum() < 0.02 * truth.sum()


def test_a_scan_without_a_liver_is_refused_with_its_id():
    image = render(GRID, [], "native", acquisition=Acquisition(8.0), seed=("none",))
    with pytest.raises(LiverNotFoundError, match=r"1\.2\.3#all.*portal-venous"):
        find_liver_region(as_volume(image, GRID.geometry()))
    with pytest.raises(LiverNotFoundError, match="no HU"):
        find_liver_region(as_volume(image, GRID.geometry(), "signal"))


def test_texture_measures_the_deviation_and_correlation_that_noise_was_made_with(host):
    weights = np.exp(-0.5 * (np.arange(-4, 5) / 0.7) ** 2)
    for lag in (1, 2):
        expected = (weights[lag:] * weights[:-lag]).sum() / (weights**2).sum()
        assert host.texture.in_plane[8, 8 + lag] == pytest.approx(expected, abs=0.04)
        assert host.texture.in_plane[8 + lag, 8] == pytest.approx(expected, abs=0.04)
    assert host.texture.sd_hu == pytest.approx(8.0, rel=0.06)
    assert abs(host.texture.between_slices[0]) < 0.03


def test_new_noise_has_the_texture_it_was_made_from():
    rng = np.random.default_rng(5)
    smooth = rng.normal(size=(24, 130, 150))
    smooth = smooth + 0.8 * np.roll(smooth, 1, 2) + 0.4 * np.roll(smooth, 1, 0)
    everywhere = np.ones(smooth.shape, bool)
    seen = measure_texture((10.0 * smooth).astype(np.float32), everywhere)
    made = texture_noise((24, 130, 150), seen, 5.0, "made")
    assert made.std() == pytest.approx(5.0, rel=0.03)
    again = measure_texture(made, everywhere)
    np.testing.assert_allclose(again.in_plane[7:10, 7:10], seen.in_plane[7:10, 7:10], atol=0.03)
    assert again.between_slices[0] == pytest.approx(seen.between_slices[0], abs=0.03)


def test_the_same_words_give_the_same_noise_and_others_independent_noise(host):
    one, same, other = (texture_noise((8, 60, 60), host.texture, 10.0, w) for w in "aab")
    np.testing.assert_array_equal(one, same)
    assert abs(np.corrcoef(one.ravel(), other.ravel())[0, 1]) < 0.03


def test_a_planted_ring_enhances_by_what_was_asked_and_its_core_by_nothing(host):
    lesion = ReferenceLesion("L1", Ring(40.0, 24.0, (-20.0, -2.0, 0.5)), contrast())
    native, arterial = (
        plant(host, [lesion], phase, added_sd_hu=10.0, seed=("S", phase)).astype(float)
        for phase in ("native", "late_arterial")
    )
    difference = arterial - native
    geometry = GRID.geometry()
    centres = geometry.index_to_patient(np.moveaxis(np.indices(GRID.shape), 0, -1))
    radius = np.linalg.norm(centres - lesion.shape.centre_mm, axis=-1)
    assert difference[(radius > 14) & (radius < 18)].mean() == pytest.approx(40.0, abs=1.0)
    assert difference[radius < 10].mean() == pytest.approx(0.0, abs=2.0)
    far = (radius > 24) & host.liver
    assert difference[far].mean() == pytest.approx(0.0, abs=0.3)
    assert difference[far].std() == pytest.approx(np.sqrt(2.0) * 10.0, rel=0.03)
    base = host.volume.array.astype(float)
    assert (native - base)[radius < 10].mean() == pytest.approx(-10.0, abs=1.0)


def test_noise_of_a_planted_image_is_the_scan_s_and_the_added(host):
    image = plant(host, [], "native", added_sd_hu=10.0, seed=("S",)).astype(float)
    even = even_liver(host.volume, host.liver)
    seen = measure_texture(image.astype(np.float32), even)
    assert seen.sd_hu == pytest.approx(host.total_sd_hu(10.0), rel=0.03)
    assert host.total_sd_hu(0.0) == host.texture.sd_hu


def test_nothing_is_added_outside_the_reconstruction(host):
    padded = host.volume.array.copy()
    padded[:, :5] = -2000
    image = plant(
        type(host)(as_volume(padded, GRID.geometry()), host.liver, host.texture),
        [], "native", added_sd_hu=10.0, seed=("S",),
    )  # fmt: skip
    assert (image[:, :5] == -1024).all()


def test_contrast_to_noise_is_enhancement_over_the_noise_of_the_subtraction():
    assert cnr(28.28, 10.0) == pytest.approx(2.0, abs=0.001)


def test_a_course_keeps_its_place_and_follows_its_factors(host):
    courses = (
        course("L1", Ring(24.0, 12.0), (1.0, 0.5), enhancement_hu=40.0),
        Course("L2", (Ball(14.0), Dead((6.0, 6.0, 6.0))), 40.0),
        course("L3", Ball(12.0), (1.0, 0.0), enhancement_hu=40.0),
    )
    first, second = planted_subject(
        host, subject_id="R01", start=dt.date(2020, 1, 1), courses=courses, comment="made up"
    )
    assert second.identity.acquired_on == dt.date(2020, 3, 1)
    assert second.truth["L1"].longest_whole_mm < 0.52 * first.truth["L1"].longest_whole_mm
    assert first.truth["L2"].longest_viable_mm[2.0] > 12.0
    assert second.truth["L2"].longest_viable_mm[2.0] == 0.0
    assert [s.SegmentLabel for s in second.seg.SegmentSequence] == ["Liver", "L1", "L2", "L3"]
    assert not second.masks["L3"].any()
    assert not (first.masks["L1"] & first.masks["L2"]).any()
    assert set(first.series) == {"native", "late_arterial"}
    assert first.series["native"][0].ImageComments == "made up"
    assert (first.liver | ~first.masks["L1"]).all()
    stored = first.series["native"][20].pixel_array.astype(int) - 1024
    np.testing.assert_array_equal(stored, first.volumes["native"].array[20])


def test_standard_lesions_are_twelve_half_necrotic_at_contrast_to_noise_2_to_4():
    courses = standard_courses()
    assert len(courses) == 12
    necrotic = [c for c in courses if type(c.shapes[0]).__name__ not in ("Ball", "Ellipsoid")]
    assert len(necrotic) >= 6
    assert all(2.0 <= cnr(c.enhancement_hu, 10.0) <= 4.0 for c in courses)
    widths = [2.0 * max(c.shapes[0].whole.semi_axes_mm) for c in courses]
    assert min(widths) >= 15.0
    assert max(widths) <= 50.0


@pytest.mark.shared
@pytest.mark.slow
def test_a_real_liver_has_room_for_twelve_lesions_and_gives_its_texture(shared_data):
    folder = shared_data / "hcc_tace_hcc048_portal"
    slices = [pydicom.dcmread(path) for path in sorted(folder.rglob("*.dcm"))]
    slices.sort(key=lambda d: float(d.ImagePositionPatient[2]))
    array = np.stack([d.pixel_array for d in slices]).astype(np.int16)
    array += np.int16(slices[0].RescaleIntercept)
    first = slices[0]
    x, y, z = (float(v) for v in first.ImagePositionPatient)
    geometry = VolumeGeometry.upright(
        shape=array.shape,
        spacing_mm=(float(slices[1].ImagePositionPatient[2]) - z, *map(float, first.PixelSpacing)),
        origin_mm=(x, y, z),
    )
    real = prepare_host(as_volume(array, geometry))
    assert 900 < real.liver.sum() * geometry.voxel_volume_ml < 1500
    assert 100 < np.median(array[real.liver]) < 120
    courses = standard_courses()
    centres = place_courses(real, courses, seed=("R01",))
    for one, centre in zip(courses, centres, strict=True):
        mask = whole_mask(Ball(2.0 * one.reach_mm, centre), geometry)
        assert (mask & real.liver).sum() > 0.95 * mask.sum()
    lesions = [
        ReferenceLesion(c.lesion_id, c.shapes[0].at(at), contrast(enhancement_hu=c.enhancement_hu))
        for c, at in zip(courses, centres, strict=True)
    ]
    native, arterial = (
        plant(real, lesions, phase, added_sd_hu=10.0, seed=("real", phase)).astype(np.float32)
        for phase in ("native", "late_arterial")
    )
    rest = real.liver.copy()
    for one, centre in zip(courses, centres, strict=True):
        rest &= ~whole_mask(Ball(2.0 * one.reach_mm + 10.0, centre), geometry)
    assert (arterial - native)[rest].std() == pytest.approx(np.sqrt(2.0) * 10.0, rel=0.03)
