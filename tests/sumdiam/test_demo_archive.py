"""The simulated trial as DICOM files."""

import hashlib

import numpy as np
import pytest
from pydicom import dcmread

from imaging.coverage import planes_mm
from sumdiam.demo.anatomy import field_of, reference_lesions
from sumdiam.demo.archive import study_folder, write_archive, write_study
from sumdiam.demo.trial import load_trial

TRIAL = load_trial()


def digests(folder):
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(f.relative_to(folder)): hashlib.sha256(f.read_bytes()).digest() for f in files}


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """Second follow-up of the first subject: one dead lesion of 26 mm and one of 15 mm."""
    folder = tmp_path_factory.mktemp("study")
    write_study(TRIAL[0], 2, folder)
    return folder


def test_a_study_holds_its_phases_and_masks_of_its_subject(study):
    assert sorted(path.name for path in study.iterdir()) == [
        "late_arterial", "masks.dcm", "native",
    ]  # fmt: skip
    image = dcmread(study / "late_arterial" / "0001.dcm")
    assert image.ClinicalTrialSubjectID == "SIM-001"
    assert image.StudyDate == "20210610"  # 150 days after 2021-01-11
    masks = dcmread(study / "masks.dcm")
    assert [s.SegmentLabel for s in masks.SegmentSequence] == ["Liver", "liver-1", "liver-2"]
    assert len(list((study / "native").iterdir())) == 24


def test_enhancement_is_seen_in_viable_tumour_only(tmp_path):
    subject, visit = TRIAL[0], 1  # a ring and a ball
    write_study(subject, visit, tmp_path)
    phase = {
        name: np.stack(
            [dcmread(f).pixel_array - 1024.0 for f in sorted((tmp_path / name).iterdir())]
        )
        for name in ("native", "late_arterial")
    }
    geometry = field_of(subject).geometry()
    ring = reference_lesions(subject, visit)[0].shape
    grid = np.stack(np.meshgrid(*[np.arange(n) for n in geometry.shape], indexing="ij"), -1)
    points = geometry.index_to_patient(grid)
    rise = phase["late_arterial"] - phase["native"]
    viable = ring.scaled(0.98).inside_viable(points) & ring.inside_viable(points)
    core = np.linalg.norm(points - np.array(ring.core.centre_mm), axis=-1) < (
        ring.core.semi_axes_mm[0] - 1.5
    )
    assert viable.sum() > 500
    assert rise[viable].mean() == pytest.approx(60, abs=6)
    assert rise[core].mean() == pytest.approx(0, abs=4)
    noise = rise[core].std() / np.sqrt(2)
    assert 60 / (np.sqrt(2) * noise) >= 3  # CNR


def test_an_empty_segment_is_declared(tmp_path):
    write_study(TRIAL[0], 3, tmp_path)
    masks = dcmread(tmp_path / "masks.dcm")
    assert masks.SegmentSequence[2].SegmentLabel == "liver-2"
    used = {
        frame.SegmentIdentificationSequence[0].ReferencedSegmentNumber
        for frame in masks.PerFrameFunctionalGroupsSequence
    }
    assert used == {1, 2}


def test_the_number_of_workers_changes_no_byte(tmp_path):
    some = (TRIAL[10], TRIAL[22])
    assert write_archive(some, tmp_path / "one", workers=1) == 3
    assert write_archive(some, tmp_path / "two", workers=2) == 3
    assert digests(tmp_path / "one") == digests(tmp_path / "two")


def test_dirt_is_where_the_trial_says(tmp_path):
    told = []
    damaged = next(subject for subject in TRIAL if subject.unreadable)
    some = (TRIAL[22], damaged)
    write_archive(some, tmp_path, workers=1, progress=told.append)
    assert told == ["SIM-023", damaged.subject_id]
    scout = dcmread(study_folder(TRIAL[22], 0, tmp_path) / "scout" / "0001.dcm")
    assert "LOCALIZER" in scout.ImageType
    last = study_folder(damaged, 0, tmp_path) / "native"
    assert (last / "copy of 0003.dcm").read_bytes() == (last / "0003.dcm").read_bytes()
    bad = study_folder(damaged, damaged.unreadable[0], tmp_path) / "late_arterial"
    sizes = sorted(path.stat().st_size for path in bad.iterdir())
    assert sizes[0] < sizes[1] / 2


def test_slice_planes_are_those_of_the_files(study):
    heights = [
        float(dcmread(f, stop_before_pixels=True).ImagePositionPatient[2])
        for f in sorted((study / "native").iterdir())
    ]
    assert heights == pytest.approx(planes_mm(field_of(TRIAL[0]).geometry()).tolist())
