"""The pixels of a volume are asked where its texts and times leave the phase in doubt."""

import datetime as dt
import shutil
from pathlib import Path

import imagecodecs
import pydicom
import pytest
from pydicom.encaps import encapsulate
from pydicom.uid import JPEGLosslessSV1, JPEGLSLossless

from imaging.phantom import TRUNK, Body, Organ
from imaging.reference_object import (
    Acquisition,
    Ball,
    Field,
    ReferenceLesion,
    StudyIdentity,
    hypervascular,
    reference_study,
    standard_scans,
)
from imaging.solid import Solid
from sumdiam.archive.scan import scan_archives
from sumdiam.batch import content, content_memory
from sumdiam.batch.content_memory import ContentMemory, content_key
from sumdiam.batch.plan import make_plan
from sumdiam.store.workspace import Workspace

PHASES = ("native", "late_arterial", "portal_venous", "delayed")
FIELD = Field((12, 100, 120), (8.0, 2.0, 2.0), (25.0, 14.0, 0.0))
AORTA = Organ("aorta", Solid((36.0, 22.0, 0.0), (9.0, 9.0, float("inf"))))
BODY = Body("CT", tuple(AORTA if organ.tissue == "aorta" else organ for organ in TRUNK))


@pytest.fixture(scope="module")
def nameless(tmp_path_factory):
    """A study whose series are called alike and have no time."""
    who = StudyIdentity("S01", "baseline", dt.date(2020, 1, 2))
    lesion = ReferenceLesion("T1", Ball(24.0, (-20.0, -4.0, 0.0)), hypervascular())
    made = reference_study(
        who, FIELD, [lesion], standard_scans(PHASES), body=BODY, acquisition=Acquisition(10.0)
    )
    root = tmp_path_factory.mktemp("nameless")
    for number, (phase, instances) in enumerate(made.series.items(), start=1):
        (root / phase).mkdir()
        for k, d in enumerate(instances):
            d.SeriesDescription, d.ProtocolName, d.SeriesNumber = "2.5 STANDARD", "C-A-P", number
            for name in ("AcquisitionTime", "AcquisitionDateTime", "ContrastBolusAgent",
                         "ContrastBolusStartTime", "ContentTime", "SeriesTime"):  # fmt: skip
                if name in d:
                    del d[name]
            d.save_as(root / phase / f"{k:02d}.dcm", enforce_file_format=True)
    made.seg.save_as(root / "seg.dcm", enforce_file_format=True)
    return root


def copied(root, folder):
    return Path(shutil.copytree(root, folder / "archive"))


def plan_of(root):
    plan = make_plan(scan_archives([root])).plan
    return dict(
        zip(plan["volume_id"], zip(plan["phase"], plan["evidence"], strict=True), strict=True)
    )


def true_phase(root):
    found = {}
    for phase in PHASES:
        first = pydicom.dcmread(root / phase / "00.dcm", stop_before_pixels=True)
        found[f"{first.SeriesInstanceUID}#all"] = phase
    return found


def test_a_study_without_words_and_times_is_told_by_its_content_and_order(nameless):
    found, truth = plan_of(nameless), true_phase(nameless)
    assert {v: phase for v, (phase, _) in found.items()} == truth
    for phase, evidence in found.values():
        assert "content: " in evidence, phase
        assert "liver" in evidence
        assert " slices (image)" in evidence
        assert "order: " in evidence


def test_the_same_archive_gives_the_same_evidence_twice(nameless):
    assert plan_of(nameless) == plan_of(nameless)


def test_a_volume_that_is_named_is_not_read(nameless, tmp_path, edit_file):
    root = copied(nameless, tmp_path)
    for file in sorted((root / "late_arterial").glob("*.dcm")):
        edit_file(file, SeriesDescription="ARTERIAL")
        file.write_bytes(file.read_bytes()[:-2])  # would be refused where its pixels are read
    found = plan_of(root)
    arterial = [evidence for _, evidence in found.values() if "text: ARTERIAL" in evidence]
    assert len(arterial) == 1
    assert "content" not in arterial[0]


def test_a_volume_that_cannot_be_read_says_why_and_stays_unknown(nameless, tmp_path):
    root = copied(nameless, tmp_path)
    truth = true_phase(root)
    file = root / "portal_venous" / "06.dcm"
    data = pydicom.dcmread(file)
    data.PixelData = data.PixelData[:-40]
    data.save_as(file)
    damaged = next(v for v, phase in truth.items() if phase == "portal_venous")
    for volume_id, (phase, evidence) in plan_of(root).items():
        if volume_id.split("#")[0] == damaged.split("#")[0]:
            assert phase == "unknown"
            assert "content: not read" in evidence or "refused" in evidence


def test_compressed_slices_are_decoded_too(nameless, tmp_path):
    root = copied(nameless, tmp_path)
    for file in sorted((root / "native").glob("*.dcm")):
        data = pydicom.dcmread(file)
        data.compress(JPEGLSLossless)
        data.save_as(file)
    series = {one.volume_id: one for one in scan_archives([root]).series}
    compressed = [one for one in series.values() if one.headers[0].pixel_offset is None]
    assert len(compressed) == 1
    found = content.read_contents(compressed, {}, scan_archives([root]))
    assert found.unread == {}
    assert found.medians[compressed[0].volume_id].liver == pytest.approx(55, abs=6)
    assert content.read_contents(compressed, {}, scan_archives([root])) == found


def test_slices_that_cannot_be_decoded_leave_the_content_unread(nameless, tmp_path):
    root = copied(nameless, tmp_path)
    for file in sorted((root / "native").glob("*.dcm")):
        data = pydicom.dcmread(file)
        code = bytes(imagecodecs.ljpeg_encode(data.pixel_array, bitspersample=12))
        data.PixelData = encapsulate([code[:2] + b"\x12" + code[3:]])
        data["PixelData"].VR, data["PixelData"].is_undefined_length = "OB", True
        data.file_meta.TransferSyntaxUID = JPEGLosslessSV1
        data.save_as(file)
    catalogue = scan_archives([root])
    compressed = [one for one in catalogue.series if one.headers[0].pixel_offset is None]
    died = content.read_contents(compressed, {}, catalogue)
    assert died.medians == {}
    assert "JPEG Lossless" in died.unread[compressed[0].volume_id]


def test_masks_of_aorta_and_liver_are_used_where_they_exist(nameless):
    catalogue = scan_archives([nameless])
    plan = make_plan(catalogue)
    organs = plan.masks[plan.masks["mask_role"] == "liver"]
    assert len(organs) == 1
    rows = {
        row["mask_id"]: {k: str(v) for k, v in row.items()} for row in organs.to_dict("records")
    }
    drawn = [one for one in catalogue.series if one.volume_id == organs.iloc[0]["volume_id"]]
    liver = content.read_contents(drawn, rows, catalogue).medians[drawn[0].volume_id].liver
    assert liver == pytest.approx(70, abs=3)
    rows = {key: row | {"mask_role": "aorta"} for key, row in rows.items()}
    found = content.read_contents(drawn, rows, catalogue).medians[drawn[0].volume_id]
    assert (found.aorta, found.found_by) == (liver, "masks")  # a person calls the liver aorta


def test_what_was_found_in_a_volume_is_not_looked_for_again(nameless, tmp_path):
    root = copied(nameless, tmp_path)
    catalogue = scan_archives([root])
    memory = ContentMemory()
    first = make_plan(catalogue, memory=memory).plan
    assert len(memory.used) == len(PHASES)
    shutil.rmtree(root)  # nothing can be read any more
    again = ContentMemory(dict(memory.used))
    assert make_plan(catalogue, memory=again).plan.equals(first)
    assert again.used == memory.used
    assert not make_plan(catalogue, memory=ContentMemory()).plan.equals(first)


def test_what_was_found_is_forgotten_when_a_file_a_mask_or_the_code_is_another(
    nameless, monkeypatch
):
    catalogue = scan_archives([nameless])
    series = next(one for one in catalogue.series if one.modality == "CT")
    (mask,) = catalogue.masks
    row = {"mask_id": "1#1", "segment": "1", "mask_role": "liver"}
    first = content_key(series, [(mask.path, row)], catalogue.digests)
    keys = {
        first,
        content_key(series, [], catalogue.digests),
        content_key(series, [(mask.path, row | {"mask_role": "aorta"})], catalogue.digests),
        content_key(series, [(mask.path, row)], catalogue.digests | {mask.path: "0"}),
        content_key(series, [(mask.path, row)], catalogue.digests | {series.headers[3].file: "0"}),
    }
    monkeypatch.setattr(content_memory, "code_version", lambda: "another")
    keys.add(content_key(series, [(mask.path, row)], catalogue.digests))
    assert len(keys) == 6
    assert content_key(series, [], {}) is None


def test_a_workspace_keeps_what_the_last_run_used(tmp_path):
    with Workspace.in_folder(tmp_path) as workspace:
        workspace.remember("content", {"a": "1", "b": "null"})
        workspace.remember("content", {"b": "null", "c": "2"})
        workspace.remember("other", {"x": "y"})
    with Workspace.in_folder(tmp_path) as workspace:
        assert workspace.remembered("content") == {"b": "null", "c": "2"}
        assert workspace.remembered("other") == {"x": "y"}
