"""Series and SEG of reference objects, read back by pydicom and highdicom."""

import datetime as dt
import io

import highdicom as hd
import numpy as np
import pydicom
import pytest
from highdicom._standard_utils import (
    get_iod_module_map,
    get_module_attribute_map,
    get_sop_class_iod_map,
)
from pydicom.pixels import apply_rescale

from imaging.phantom import Body, Field
from imaging.reference_object import (
    Acquisition,
    Ball,
    Dead,
    ReferenceLesion,
    Ring,
    Scan,
    SegmentError,
    SeriesIdentity,
    StudyIdentity,
    TwoIslands,
    hypervascular,
    lesion_segment,
    organ_segment,
    reference_study,
    seg_dataset,
    standard_scans,
    uid_for,
)

GRID = Field(shape=(14, 160, 192), spacing_mm=(5.0, 0.8, 0.8), centre_mm=(0.13, -0.21, 0.4))
LESIONS = [
    ReferenceLesion("L1", Ring(34.0, 20.0, (-25.3, -5.0, 1.0)), hypervascular()),
    ReferenceLesion("L2", None, hypervascular()),
    ReferenceLesion("L3", Dead((9.0, 7.0, 9.0), 15.0, (16.0, -5.0, 10.0)), hypervascular()),
    ReferenceLesion("N1", Ball(18.0, (54.0, 51.0, -4.0)), hypervascular(), organ="lymph_node"),
]
WHO = StudyIdentity("S01", "baseline", dt.date(2020, 1, 2), sex="F")


def make(**options):
    return reference_study(
        WHO, GRID, LESIONS, standard_scans(["native", "late_arterial"]),
        acquisition=Acquisition(8.0), **options,
    )  # fmt: skip


def written(dataset: pydicom.Dataset) -> bytes:
    stream = io.BytesIO()
    dataset.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


@pytest.fixture(scope="module")
def study():
    return make()


@pytest.fixture(scope="module")
def read_back(study):
    return [pydicom.dcmread(io.BytesIO(written(d))) for d in study.series["late_arterial"]]


@pytest.fixture(scope="module")
def seg(study, tmp_path_factory):
    path = tmp_path_factory.mktemp("seg") / "seg.dcm"
    path.write_bytes(written(study.seg))
    return path


def test_a_series_read_from_its_files_has_the_values_that_were_rendered(study, read_back):
    volume = study.volumes["late_arterial"]
    values = np.stack([apply_rescale(d.pixel_array, d) for d in read_back])
    np.testing.assert_array_equal(values, volume.array)
    assert tuple(d.SOPInstanceUID for d in read_back) == volume.sop_instance_uids
    assert f"{read_back[0].SeriesInstanceUID}#all" == volume.volume_id
    assert volume.geometry.frame_of_reference_uid == read_back[0].FrameOfReferenceUID


def test_positions_and_spacing_put_every_pixel_where_the_grid_says(study, read_back):
    affine = study.geometry.affine
    for k, d in enumerate(read_back):
        np.testing.assert_allclose(
            [float(v) for v in d.ImagePositionPatient],
            affine[:3] @ [k, 0, 0, 1],
            atol=1e-6,
        )
    assert [float(v) for v in read_back[0].ImageOrientationPatient] == [1, 0, 0, 0, 1, 0]
    assert [float(v) for v in read_back[0].PixelSpacing] == [0.8, 0.8]
    assert float(read_back[0].SliceThickness) == 5.0


def test_a_volume_assembled_by_highdicom_lies_on_the_same_grid(study, read_back):
    volume = hd.get_volume_from_series(read_back)
    ours = study.volumes["late_arterial"]
    corner = volume.get_affine("LPS") @ [0, 0, 0, 1]
    index = ours.geometry.patient_to_index(corner[:3]).round(6)
    assert index[0] in (0.0, 13.0)  # highdicom may count slices from the head
    assert index[1:].tolist() == [0.0, 0.0]
    assert sorted(np.unique(volume.array)) == sorted(np.unique(ours.array))


@pytest.mark.parametrize("modality", ["CT", "MR"])
def test_every_attribute_that_the_standard_requires_is_there(modality):
    made = reference_study(WHO, GRID, [], standard_scans(["late_arterial"]), body=Body(modality))
    missing = []
    for dataset in (made.series["late_arterial"][3], made.seg):
        iod = get_sop_class_iod_map()[dataset.SOPClassUID]
        for module in get_iod_module_map()[iod]:
            if module["usage"] != "M":
                continue
            for attribute in get_module_attribute_map()[module["key"]]:
                required = attribute["type"] in ("1", "2") and not attribute["path"]
                name = attribute["keyword"]
                empty = attribute["type"] == "1" and name in dataset and dataset[name].is_empty
                if required and (name not in dataset or empty):
                    missing.append((iod, module["key"], name))
    assert missing == []


def test_nobody_real_is_named_and_the_subject_is_the_trial_s(read_back):
    first = read_back[0]
    assert str(first.PatientName).startswith("SIMULATED")
    assert first.PatientID == "SIMULATED-S01"
    assert first.ClinicalTrialSubjectID == "S01"
    assert first.ContentQualification == "RESEARCH"
    assert first.StudyDate == first.AcquisitionDate == "20200102"


def test_phases_of_a_study_share_frame_and_study_and_follow_each_other(study):
    native, arterial = study.series["native"][0], study.series["late_arterial"][0]
    assert native.FrameOfReferenceUID == arterial.FrameOfReferenceUID
    assert native.StudyInstanceUID == arterial.StudyInstanceUID == study.seg.StudyInstanceUID
    assert native.SeriesInstanceUID != arterial.SeriesInstanceUID
    assert native.AcquisitionTime < arterial.AcquisitionTime
    assert "ContrastBolusAgent" not in native
    assert "ContrastBolusAgent" in arterial


def test_the_same_input_gives_the_same_bytes(study):
    again = make()
    for one, two in zip(study.datasets(), again.datasets(), strict=True):
        assert written(one) == written(two)


def test_no_uid_comes_twice_and_all_are_legal(study):
    uids = [d.SOPInstanceUID for d in study.datasets()]
    assert len(set(uids)) == len(uids)
    assert all(pydicom.uid.UID(uid).is_valid for uid in uids)
    other = StudyIdentity("S01", "week 8", dt.date(2020, 3, 1))
    assert other.study_uid != WHO.study_uid
    # computed apart: UUID version 8 from SHA-256 of "a\x1fb"
    assert uid_for("a", "b") == EXPECTED_UID


EXPECTED_UID = "2.25.319413814503613929827319243227518381964"


def test_masks_read_back_by_highdicom_are_those_that_were_drawn(study, seg):
    read = hd.seg.segread(seg)
    uids = list(study.volumes["late_arterial"].sop_instance_uids)
    names = [read.get_segment_description(n).segment_label for n in read.segment_numbers]
    assert names == ["Liver", "L1", "L2", "L3", "N1"]
    masks = read.get_pixels_by_source_instance(
        uids, assert_missing_frames_are_empty=True, segment_numbers=[1, 2, 4, 5]
    )
    drawn = [study.liver, *(study.masks[name] for name in ("L1", "L3", "N1"))]
    for k, mask in enumerate(drawn):
        np.testing.assert_array_equal(masks[..., k].astype(bool), mask)


def test_masks_read_back_by_pydicom_frame_by_frame_are_those_that_were_drawn(study, seg):
    read = pydicom.dcmread(seg)
    frames = read.pixel_array
    found = {n: np.zeros(GRID.shape, bool) for n in range(1, 6)}
    for frame, group in zip(frames, read.PerFrameFunctionalGroupsSequence, strict=True):
        number = group.SegmentIdentificationSequence[0].ReferencedSegmentNumber
        position = [float(v) for v in group.PlanePositionSequence[0].ImagePositionPatient]
        k = round(float(study.geometry.patient_to_index(position)[0]))
        found[number][k] = frame.astype(bool)
    np.testing.assert_array_equal(found[1], study.liver)
    for number, name in enumerate(("L1", "L2", "L3", "N1"), start=2):
        np.testing.assert_array_equal(found[number], study.masks[name])


def test_a_vanished_lesion_stays_declared_without_a_frame(seg):
    read = pydicom.dcmread(seg)
    vanished = read.SegmentSequence[2]
    assert vanished.SegmentLabel == vanished.TrackingID == "L2"
    used = {
        g.SegmentIdentificationSequence[0].ReferencedSegmentNumber
        for g in read.PerFrameFunctionalGroupsSequence
    }
    assert used == {1, 2, 4, 5}


def test_segments_say_what_and_where_they_are(seg):
    read = pydicom.dcmread(seg)
    liver, lesion, node = read.SegmentSequence[0], read.SegmentSequence[1], read.SegmentSequence[4]
    assert "TrackingID" not in liver
    assert liver.SegmentedPropertyTypeCodeSequence[0].CodeValue == "10200004"
    assert lesion.SegmentedPropertyTypeCodeSequence[0].CodeValue == "108369006"
    assert lesion.SegmentedPropertyCategoryCodeSequence[0].CodeValue == "49755003"
    assert lesion.AnatomicRegionSequence[0].CodeValue == "10200004"
    assert node.AnatomicRegionSequence[0].CodeValue == "59441001"
    assert read.ClinicalTrialSubjectID == "S01"
    assert read.FrameOfReferenceUID == WHO.frame_of_reference_uid


def test_a_lesion_keeps_its_tracking_uid_over_visits(study):
    later = StudyIdentity("S01", "week 8", dt.date(2020, 3, 1))
    other = reference_study(later, GRID, LESIONS, standard_scans(["late_arterial"]))
    one, two = (s.seg.SegmentSequence[1] for s in (study, other))
    assert one.TrackingUID == two.TrackingUID
    assert study.seg.SOPInstanceUID != other.seg.SOPInstanceUID


def test_viable_parts_are_segments_behind_all_whole_lesions():
    made = make(with_viable_segments=True, reader="R2")
    labels = [item.SegmentLabel for item in made.seg.SegmentSequence]
    assert labels[5:] == ["L1 viable", "L2 viable", "L3 viable", "N1 viable"]
    assert made.viable["L1"].sum() < made.masks["L1"].sum()
    assert not made.viable["L3"].any()


def test_truth_of_a_study_is_the_closed_form_on_its_planes(study):
    truth = study.truth
    assert truth["L1"].longest_viable_mm[0.0] == pytest.approx(2 * np.sqrt(17.0**2 - 10.0**2))
    # planes lie at 0.4 - 32.5 + 5 k: the nearest to z = 1 is at 2.9
    assert truth["L1"].longest_whole_mm == pytest.approx(2 * np.sqrt(17.0**2 - 1.9**2))
    assert truth["L2"].longest_viable_mm[2.0] == truth["L2"].whole_volume_ml == 0.0
    assert truth["L3"].longest_viable_mm[2.0] == 0.0
    assert truth["L3"].longest_whole_mm > 17.0
    for name, mask in study.masks.items():
        counted = mask.sum() * study.geometry.voxel_volume_ml
        assert counted == pytest.approx(truth[name].whole_slices_ml, rel=0.02, abs=1e-9)


def test_one_second_of_arterial_delay_is_one_second_in_the_header():
    scan = Scan("late_arterial", SeriesIdentity(7, "ART", after_s=95.0))
    made = reference_study(WHO, GRID, LESIONS, [scan])
    assert made.series["late_arterial"][0].AcquisitionTime == "100135"


def test_masks_of_no_series_or_no_voxel_are_refused(study):
    images = study.series["late_arterial"]
    empty = np.zeros(GRID.shape, bool)
    with pytest.raises(SegmentError, match="add the liver's segment"):
        seg_dataset(images, [lesion_segment("L1", empty)], WHO)
    with pytest.raises(SegmentError, match="on the grid of the series"):
        seg_dataset(images, [organ_segment("liver", empty[1:])], WHO)
    with pytest.raises(SegmentError, match="add that scan"):
        make(drawn_on="delayed")


def test_a_two_island_lesion_reads_its_span_only_where_the_gap_allows():
    islands = TwoIslands((15.0, 11.0, 11.0), (12.0, 10.0), ((-8.0, 0, 0), (8.5, 0, 0)))
    lesion = ReferenceLesion("L1", islands.at((-20.0, 0.0, 0.4 - 2.5)), hypervascular())
    made = reference_study(WHO, GRID, [lesion], standard_scans(["late_arterial"]))
    assert made.truth["L1"].longest_viable_mm == {0.0: 12.0, 2.0: 12.0, 5.0: 12.0, np.inf: 27.5}
    assert made.truth["L1"].viable_volume_ml == pytest.approx((288 + 500 / 3) * np.pi / 1000)
