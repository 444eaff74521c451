"""What a volume is used for, and when a refused one matters."""

from dataclasses import replace

import pytest

from imaging.geometry import VolumeGeometry
from sumdiam.batch.edit import EditError
from sumdiam.batch.volume_use import VolumeFacts, refusal_matters, uses_of_study

GRID = VolumeGeometry.upright(shape=(4, 8, 8), spacing_mm=(5.0, 1.0, 1.0))
OTHER = VolumeGeometry.upright(shape=(8, 8, 8), spacing_mm=(2.5, 1.0, 1.0))


def volume(name, phase, *, grid=GRID, probability=0.9, refused=None, outlined=False, by=None,
           modality="CT"):  # fmt: skip
    geometry = None if refused else grid
    return VolumeFacts(name, phase, probability, modality, geometry, refused, outlined, by)


CASES = [
    # volumes, uses, reasons
    (
        [volume("a", "late_arterial"), volume("n", "native"), volume("p", "portal_venous"),
         volume("d", "delayed")],
        ["measure", "subtract", "washout", "washout"], ["", "", "", ""],
    ),
    (
        [volume("a", "late_arterial"), volume("n", "native", grid=OTHER)],
        ["measure", "subtract"], ["", ""],
    ),
    (  # where both are there, the one that needs no resampling
        [volume("a", "late_arterial"), volume("n", "native", grid=OTHER), volume("o", "native")],
        ["measure", "exclude", "subtract"], ["", "grid_differs", ""],
    ),
    (  # positions in another frame of reference say nothing
        [volume("a", "late_arterial", grid=replace(GRID, frame_of_reference_uid="1.2")),
         volume("n", "native", grid=replace(OTHER, frame_of_reference_uid="1.3"))],
        ["measure", "exclude"], ["", "grid_differs"],
    ),
    (
        [volume("a", "late_arterial"), volume("p", "portal_venous", grid=OTHER)],
        ["measure", "exclude"], ["", "grid_differs"],
    ),
    (
        [volume("e", "early_arterial", probability=1.0), volume("l", "late_arterial")],
        ["exclude", "measure"], ["second_arterial", ""],
    ),
    (
        [volume("e", "early_arterial", outlined=True), volume("l", "late_arterial")],
        ["measure", "exclude"], ["", "second_arterial"],
    ),
    (
        [volume("a", "unknown"), volume("p", "portal_venous"), volume("h", "hepatobiliary")],
        ["undecided", "exclude", "exclude"], ["phase_unknown", "no_arterial", "phase_not_used"],
    ),
    (
        [volume("a", "late_arterial"), volume("n1", "native"), volume("n2", "native")],
        ["measure", "subtract", "exclude"], ["", "", "second_native"],
    ),
    (
        [volume("a", "late_arterial", refused="missing_slice"), volume("n", "native")],
        ["exclude", "exclude"], ["missing_slice", "no_arterial"],
    ),
    (
        [volume("a", "late_arterial"), volume("t", "unknown", modality="PT")],
        ["measure", "exclude"], ["", "phase_not_used"],
    ),
    (  # what a person wants measured moves the others
        [volume("a", "late_arterial"), volume("p", "portal_venous", by="measure")],
        ["exclude", "measure"], ["second_arterial", ""],
    ),
    (
        [volume("a", "late_arterial", by="exclude"), volume("b", "early_arterial")],
        ["exclude", "measure"], ["second_arterial", ""],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("volumes", "uses", "reasons"), CASES)
def test_a_phase_decides_the_use(volumes, uses, reasons):
    found = uses_of_study(volumes)
    assert [found[one.volume_id] for one in volumes] == list(zip(uses, reasons, strict=True))
    assert uses_of_study(volumes[::-1]) == found


def test_a_person_cannot_have_two_volumes_measured():
    volumes = [volume("a", "late_arterial", by="measure"), volume("b", "native", by="measure")]
    with pytest.raises(EditError, match=r"both a and b have the use measure.*Set use of one"):
        uses_of_study(volumes)


def test_a_person_cannot_have_a_refused_volume_measured():
    volumes = [volume("a", "late_arterial", by="measure", refused="missing_slice")]
    with pytest.raises(EditError, match=r"volume a .*missing_slice.*set its use to exclude"):
        uses_of_study(volumes)


ARTERIAL = volume("a", "late_arterial")
OUTLINED = volume("a", "late_arterial", outlined=True)
NATIVE = volume("n", "native")
MATTERS = [
    # refused volume, the others, matters, why
    (volume("x", "late_arterial", refused="missing_slice"), [NATIVE], True, "nothing to measure"),
    (volume("x", "native", refused="missing_slice"), [ARTERIAL], True, "nothing to subtract"),
    (volume("x", "native", refused="missing_slice"), [ARTERIAL, NATIVE], False, "another native"),
    (volume("x", "portal_venous", refused="missing_slice"), [ARTERIAL], False, "only washout"),
    (volume("x", "unknown", refused="missing_slice"), [ARTERIAL], True, "may be the native"),
    (volume("x", "unknown", refused="single_slice"), [ARTERIAL, NATIVE], False, "no use for it"),
    (volume("x", "delayed", refused="missing_slice", outlined=True), [OUTLINED, NATIVE], True,
     "a mask is drawn on it"),
    (volume("x", "early_arterial", refused="missing_slice"), [OUTLINED, NATIVE], False,
     "the masks are drawn on the other"),
    (volume("x", "early_arterial", refused="missing_slice"), [ARTERIAL, NATIVE], True,
     "it cannot be told which of them would be measured"),
    (volume("x", "late_arterial", refused="missing_slice", by="exclude"), [NATIVE], False,
     "a person excluded it"),
]  # fmt: skip


@pytest.mark.parametrize(("refused", "others", "matters", "why"), MATTERS)
def test_a_refused_volume_matters_where_it_would_be_measured(refused, others, matters, why):
    volumes = [refused, *others]
    assert refusal_matters(refused, volumes, uses_of_study(volumes)) is matters, why
