"""A run takes masks of any kind: the same lesion gives the same lengths whoever drew the file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pydicom
import pytest
from skimage.measure import find_contours

from sumdiam.batch.run import run
from sumdiam.batch.settings import RunSettings
from sumdiam.export.table_file import read_table
from tests.imaging.awkward_mask import writer as w


def grid_of(images: list[pydicom.Dataset]) -> w.Grid:
    ordered = sorted(images, key=lambda d: float(d.ImagePositionPatient[2]))
    first, second = (np.array(d.ImagePositionPatient, float) for d in ordered[:2])
    turn = np.array(ordered[0].ImageOrientationPatient, float)
    rows, columns = (float(x) for x in ordered[0].PixelSpacing)
    return w.Grid(
        (len(ordered), int(ordered[0].Rows), int(ordered[0].Columns)),
        tuple(first), tuple(second - first), tuple(turn[3:] * rows), tuple(turn[:3] * columns),
    )  # fmt: skip


def drawn(archive: Path) -> tuple[list[pydicom.Dataset], w.Grid, dict[str, np.ndarray]]:
    """Return the arterial images, their grid, and the masks of the archive's segmentation."""
    images = [pydicom.dcmread(p) for p in sorted((archive / "S01/t0/late_arterial").iterdir())]
    grid = grid_of(images)
    seg = pydicom.dcmread(archive / "S01/t0/seg.dcm")
    masks = {item.SegmentLabel: np.zeros(grid.shape, bool) for item in seg.SegmentSequence}
    labels = {int(item.SegmentNumber): item.SegmentLabel for item in seg.SegmentSequence}
    for frame, pixels in zip(seg.PerFrameFunctionalGroupsSequence, seg.pixel_array, strict=True):
        z = float(frame.PlanePositionSequence[0].ImagePositionPatient[2])
        k = round((z - grid.first[2]) / grid.slice_step[2])
        number = int(frame.SegmentIdentificationSequence[0].ReferencedSegmentNumber)
        masks[labels[number]][k] |= pixels.astype(bool)
    return images, grid, masks


def contours(mask: np.ndarray, grid: w.Grid) -> list[np.ndarray]:
    """Return outlines that run halfway between the pixels inside and those outside."""
    found = []
    for k, plane in enumerate(np.pad(mask, ((0, 0), (1, 1), (1, 1)))):
        found += [
            np.array([grid.at(k, r - 1, c - 1) for r, c in line[:-1]])
            for line in find_contours(plane.astype(float), 0.5)
        ]
    return found


def write_rtstruct(archive: Path, grid: w.Grid, images, masks) -> None:
    regions = [
        w.Region(1, "Liver", contours(masks["Liver"], grid), interpreted="ORGAN",
                 frame=images[0].FrameOfReferenceUID),
        w.Region(2, "GTV liver", contours(masks["T1"], grid), frame=images[0].FrameOfReferenceUID),
    ]  # fmt: skip
    w.save(w.structure_set(images, regions), archive / "rs.dcm")


def write_nifti(archive: Path, grid: w.Grid, images, masks) -> None:
    for name, label in (("liver", "Liver"), ("liver_tumor", "T1")):
        w.write_nifti(archive / f"{name}.nii.gz", masks[label], sform=grid.ras())


def write_seg_nrrd(archive: Path, grid: w.Grid, images, masks) -> None:
    notes = {}
    for number, (label, code) in enumerate(
        (("Liver", "SCT^10200004^Liver"), ("T1", "SCT^108369006^Neoplasm"))
    ):
        region = "SCT^10200004^Liver"
        notes |= {
            f"Segment{number}_Name": label,
            f"Segment{number}_LabelValue": "1",
            f"Segment{number}_Layer": str(number),
            f"Segment{number}_Tags": f"TerminologyEntry:x~SCT^1^y~{code}~^^~z~{region}~^^|",
        }
    layers = np.stack([masks["Liver"], masks["T1"]])
    w.write_nrrd(archive / "Segmentation.seg.nrrd", layers, grid, notes=notes)


WRITERS = {"S02": write_rtstruct, "S03": write_nifti, "S04": write_seg_nrrd}


def as_subject(source: Path, target: Path, subject: str) -> list[pydicom.Dataset]:
    """Write the images of a study again as those of another subject; return the arterial ones."""
    arterial = []
    for file in sorted(source.rglob("*.dcm")):
        if file.name == "seg.dcm":
            continue
        image = pydicom.dcmread(file)
        image.PatientID = image.ClinicalTrialSubjectID = subject
        for name in ("Study", "Series", "SOP"):
            keyword = f"{name}InstanceUID"
            setattr(image, keyword, f"{image.get(keyword)[:-2]}{subject[-1]}")
        image.FrameOfReferenceUID = f"{image.FrameOfReferenceUID[:-2]}{subject[-1]}"
        image.file_meta.MediaStorageSOPInstanceUID = image.SOPInstanceUID
        path = target / file.relative_to(source)
        path.parent.mkdir(parents=True, exist_ok=True)
        image.save_as(path)
        if file.parent.name == "late_arterial":
            arterial.append(image)
    return arterial


@pytest.fixture(scope="module")
def finished(write_study, tmp_path_factory) -> Path:
    """A run of one study, four times over, with a mask file of another kind each time."""
    folder = tmp_path_factory.mktemp("kinds")
    archive = folder / "archive"
    write_study(archive / "S01" / "t0")
    _, grid, masks = drawn(archive)
    for subject, write in WRITERS.items():
        images = as_subject(archive / "S01", archive / subject, subject)
        write(archive / subject / "t0", grid, images, masks)
    summary = run(RunSettings((archive,), folder / "run", workers=1))
    assert summary.exit_code == 0, summary.lines()
    return folder / "run"


@pytest.mark.parametrize("subject", WRITERS)
def test_the_same_voxels_give_the_same_measurements_in_every_kind_of_file(finished, subject):
    rows = read_table(finished / "tables" / "measurements")
    values = {
        name: dict(zip(own["quantity"], own["value"], strict=True))
        for name, own in rows.groupby("subject_id")
    }
    assert 22.5 < values["S01"]["whole_diameter"] < 27  # a ball of 24 mm in pixels of 2.5 mm
    assert values[subject] == values["S01"]


def test_every_row_of_masks_says_what_it_is_and_why(finished):
    masks = pd.read_csv(finished / "masks.csv")
    roles = masks.groupby("subject_id")["mask_role"].agg(sorted).to_dict()
    assert roles == {name: ["lesion_whole", "liver"] for name in ("S01", *WRITERS)}
    assert masks["evidence"].str.contains("drawn on").all()
