"""A study whose native phase lies elsewhere by breathing, from DICOM files to rows."""

import datetime as dt
from dataclasses import replace

import numpy as np
import pytest

from imaging.noise import Acquisition
from imaging.phantom import TRUNK, Body, Field, Organ
from imaging.reference_lesion import ReferenceLesion
from imaging.reference_object import StudyIdentity, hypervascular, reference_study, standard_scans
from imaging.shape import Ball, Dead
from imaging.solid import Solid
from sumdiam.archive.scan import scan_archives
from sumdiam.batch.plan import make_plan
from sumdiam.batch.study import build_tasks, measure_study

FIELD = Field((26, 116, 132), (3.0, 1.3, 1.3))
OTHER = Field((36, 100, 110), (2.5, 1.6, 1.6), (2.0, -1.0, 1.5))
FISSURES = (
    Organ("fat", Solid((-2.0, -24.0, 4.0), (3.0, 14.0, 22.0))),
    Organ("fat", Solid((-38.0, 10.0, -8.0), (11.0, 5.0, 9.0))),
    Organ("fat", Solid((-4.0, 14.0, 14.0), (12.0, 4.0, 6.0))),
)
WHO = StudyIdentity("S01", "baseline", dt.date(2020, 1, 2))
LESIONS = (
    ReferenceLesion("T1", Ball(26.0, (-24.0, -10.0, 4.0)), hypervascular()),
    ReferenceLesion("T2", Dead((11.0, 10.0, 10.0), 0.0, (16.0, 2.0, -6.0)), hypervascular()),
)


def study(shift_mm=(0.0, 0.0, 0.0), field=FIELD):
    """The liver with its lesions elsewhere; spine, aorta and body wall where they were."""

    def moved(place):
        return tuple(float(v) for v in np.array(place) + shift_mm)

    organs = tuple(
        Organ(one.tissue, replace(one.solid, centre_mm=moved(one.solid.centre_mm)))
        if one.tissue == "liver" or one in FISSURES
        else one
        for one in (*TRUNK, *FISSURES)
    )
    lesions = [replace(one, shape=one.shape.at(moved(one.shape.centre_mm))) for one in LESIONS]
    scans = standard_scans(("native", "late_arterial"))
    return reference_study(
        WHO, field, lesions, scans, body=Body(organs=organs), acquisition=Acquisition(9.0)
    )


def measured(folder, native):
    """Measure the arterial phase of the study with a native phase."""
    own = study()
    series = {"native": native.series["native"], "late_arterial": own.series["late_arterial"]}
    for phase, instances in series.items():
        (folder / phase).mkdir(parents=True)
        for number, instance in enumerate(instances):
            instance.save_as(folder / phase / f"{number:02d}.dcm", enforce_file_format=True)
    own.seg.save_as(folder / "seg.dcm", enforce_file_format=True)
    catalogue = scan_archives([folder])
    [task] = build_tasks(make_plan(catalogue), catalogue)
    return measure_study(task)


def lead(result):
    return {
        row["lesion_id"]: (row["value"], row["flags"] or "")
        for row in result.rows
        if row["quantity"] == "viable_diameter"
    }


@pytest.mark.parametrize("shift_mm", [(0.0, 0.0, 0.0), (1.5, 0.0, 2.6), (-2.0, 2.0, -1.0)])
def test_a_liver_that_breathed_is_measured_as_if_it_had_not(tmp_path, shift_mm):
    found = lead(measured(tmp_path, study(shift_mm)))
    assert found["T1"][0] == pytest.approx(26.0, abs=1.5)
    assert found["T2"][0] == 0.0
    for _, flags in found.values():
        assert ("registered(" in flags) is any(shift_mm)
        assert "registration_residual" not in flags


def test_a_native_phase_on_another_grid_is_subtracted(tmp_path):
    result = measured(tmp_path, study(field=OTHER))
    found = lead(result)
    assert found["T1"][0] == pytest.approx(26.0, abs=1.5)
    assert found["T2"][0] == 0.0
    assert all(
        "registered(" in flags and "no_native_phase" not in flags for _, flags in found.values()
    )
    assert any(note.startswith("native_resampled") for note in result.notes)
