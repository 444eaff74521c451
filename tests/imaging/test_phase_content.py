"""What medians of aorta, liver and spleen say, and where an image shows aorta and liver."""

import numpy as np
import pytest

from imaging.header import read_header
from imaging.organ_region import organ_slice, organ_values
from imaging.organ_sample import medians_in_image, medians_in_masks
from imaging.phase import PHASES, SeriesFacts, guess_phases
from imaging.phase_content import OrganMedians, content_weights
from imaging.pixel import PixelError
from imaging.series import group_series
from tests.imaging.phase_study import FIELD, NATIVE, body, organ_hu, random_for, volume

from imaging.coverage import solid_coverage  # isort: skip


def named(medians, **more):
    weights = content_weights(medians, modality="CT", **more)
    assert sum(weights.values()) == pytest.approx(1.0)
    return max(PHASES, key=lambda phase: weights[phase]), max(weights.values())


@pytest.mark.parametrize(
    ("aorta", "liver", "spleen", "expected"),
    [  # typical values of the phases (Bae, Radiology 2010;256:32)
        (40, 55, 45, "native"), (300, 60, 88, "early_arterial"), (280, 74, 130, "late_arterial"),
        (155, 110, 120, "portal_venous"), (105, 92, 92, "delayed"), (38, 15, 45, "native"),
    ],
)  # fmt: skip
def test_typical_values_name_their_phase(aorta, liver, spleen, expected):
    phase, weight = named(OrganMedians(aorta, liver, spleen, "masks", 9))
    assert phase == expected
    assert weight > 0.5


def test_a_found_region_weighs_less_than_a_mask_and_one_organ_least():
    values = (40.0, 56.0, None)
    masks = named(OrganMedians(*values, "masks", 9))[1]
    image = named(OrganMedians(*values, "image", 9))[1]
    one = named(OrganMedians(None, 56.0, None, "image", 9))[1]
    assert masks > image > one


def test_the_native_liver_tells_a_fatty_portal_phase():
    fatty = OrganMedians(150.0, 70.0, None, "image", 12)
    without, told = named(fatty)[1], named(fatty, native_liver=18.0)
    assert told[0] == "portal_venous"
    assert told[1] > without + 0.1


def test_an_aorta_of_less_than_usual_contrast_is_portal_or_delayed_never_sure():
    weak = OrganMedians(42 + 0.65 * 113, 57 + 0.65 * 50, None, "image", 12)
    phase, weight = named(weak)
    assert phase in ("portal_venous", "delayed")
    assert weight < 0.7


def test_without_a_value_nothing_is_said():
    assert content_weights(OrganMedians(), modality="CT") is None
    assert content_weights(OrganMedians(aorta=900.0), modality="MR") is None


@pytest.mark.parametrize(
    ("aorta", "liver", "spleen", "expected"),
    [(1250.0, 460.0, 560.0, "late_arterial"), (800.0, 620.0, 570.0, "portal_venous")],
)
def test_on_mr_the_signal_is_taken_relative_to_the_liver(aorta, liver, spleen, expected):
    for factor in (1.0, 3.7):
        found = OrganMedians(aorta * factor, liver * factor, spleen * factor, "masks", 9)
        weights = content_weights(found, modality="MR")
        assert max(PHASES, key=lambda phase: weights[phase]) == expected


def test_content_alone_never_overrules_a_word_but_both_may_conflict():
    portal = {"v": OrganMedians(150.0, 110.0, 120.0, "masks", 9)}
    assert guess_phases([SeriesFacts("v", "LIVER")], portal)["v"].phase == "portal_venous"
    both = guess_phases([SeriesFacts("v", "ARTERIAL")], portal)["v"]
    assert both.phase == "unknown"
    assert both.conflicts == ("text says late_arterial, but content says portal_venous",)


def slices_of(after_s, number, **tissues):
    random = random_for("content", str(number))
    values = organ_hu(after_s, 1.0, NATIVE) | tissues
    grid = FIELD.geometry()
    shares = [(tissue, solid_coverage(solid, grid)) for tissue, solid in body(random)]
    return volume(shares, values, ("content", str(number), str(after_s)), 15.0), values


@pytest.mark.parametrize("after_s", [-100.0, 19.0, 54.0, 200.0])
@pytest.mark.parametrize("number", range(3))
def test_aorta_and_liver_are_found_in_the_image(after_s, number):
    image, values = slices_of(after_s, number)
    aorta, liver = organ_values([organ_slice(z, FIELD.spacing_mm[1:], to_left=True) for z in image])
    assert aorta == pytest.approx(values["aorta"], abs=20)
    assert liver == pytest.approx(values["liver"], abs=5)


def test_a_mirrored_scan_gives_the_same_values():
    image, _ = slices_of(54.0, 1)
    right = [organ_slice(z, FIELD.spacing_mm[1:], to_left=True) for z in image]
    left = [organ_slice(z[:, ::-1], FIELD.spacing_mm[1:], to_left=False) for z in image]
    assert organ_values(right) == organ_values(left)


@pytest.mark.parametrize("value", [-1000.0, 0.0, 60.0, 3000.0])
def test_an_image_without_a_body_gives_nothing(value):
    image = np.full((84, 120), value, dtype=np.float32)
    assert organ_values([organ_slice(image, (3.2, 3.2), to_left=True)] * 5) == (None, None)
    assert organ_values([]) == (None, None)


def test_legs_and_noise_give_no_organ():
    legs = np.full((84, 120), -1000.0, dtype=np.float32)
    y, x = np.mgrid[:84, :120]
    for middle in (35, 85):
        legs[np.hypot(y - 42, x - middle) < 22] = 55.0
        legs[np.hypot(y - 42, x - middle) < 5] = 600.0
    noise = random_for("noise").normal(0, 300, (84, 120)).astype(np.float32)
    for image in (legs, noise):
        aorta, _ = organ_values([organ_slice(image, (3.2, 3.2), to_left=True)] * 6)
        assert aorta is None


def series_of(folder):
    headers = [read_header(file) for file in sorted(folder.rglob("*.dcm"))]
    return group_series(headers).series


@pytest.mark.shared
def test_a_real_portal_venous_ct_is_told_by_its_pixels(shared_data):
    (series,) = series_of(shared_data / "hcc_tace_hcc048_portal")
    medians = medians_in_image(series)
    assert medians.slices <= 19
    assert 95 <= medians.liver <= 130
    phase, weight = named(medians)
    assert phase == "portal_venous"
    assert weight >= 0.7


def test_masks_give_medians_and_a_damaged_slice_is_named(slices):
    data = slices.make(4)
    series = slices.group(data).series[0]
    mask = np.zeros(series.geometry.shape, dtype=bool)
    mask[1:3] = True
    found = medians_in_masks(series, {"aorta": mask, "liver": mask & False})
    stored = [100 * k + 10 * r + c - 1024 for k in (1, 2) for r in range(4) for c in range(6)]
    assert found.aorta == np.median(stored)
    assert (found.liver, found.found_by, found.slices) == (None, "masks", 2)
    from pathlib import Path

    file = Path(series.headers[1].file)
    file.write_bytes(file.read_bytes()[:-20])
    with pytest.raises(PixelError, match="truncated_pixel_data"):
        medians_in_masks(series, {"aorta": mask})
