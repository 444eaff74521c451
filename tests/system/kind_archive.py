"""Small trials whose images and masks are of the kinds that archives hold beside plain CT and SEG.

Every subject has two visits and one lesion in the liver, a ball of 24 mm that shrinks to 15 mm.
PLAIN, ENHANCED, RTSTRUCT and NIFTI hold the same voxels, so that they must read the same lengths.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

import highdicom as hd
import numpy as np
from pydicom import Dataset, dcmread, uid
from pydicom.dataset import FileMetaDataset
from pydicom.sequence import Sequence as Items
from pydicom.sr.codedict import codes
from skimage.measure import find_contours

from imaging.reference_object import (
    Acquisition,
    Ball,
    Body,
    Field,
    ReferenceLesion,
    ReferenceStudy,
    Scan,
    SeriesIdentity,
    StudyIdentity,
    hypervascular,
    hypervascular_mr,
    reference_study,
    standard_scans,
    uid_for,
)
from tests.imaging.awkward_mask import writer as w

FIELD = Field((7, 56, 64), (5.0, 2.0, 2.0))
VISITS = (("baseline", dt.date(2020, 1, 2), 24.0), ("week 8", dt.date(2020, 3, 2), 15.0))
CENTRE_MM = (-20.0, -4.0, 0.0)
PHASES = ("native", "late_arterial", "portal_venous")
MR_SCANS = (
    Scan("native", SeriesIdentity(2, "T1 VIBE FS PRE", 0.0)),
    Scan("late_arterial", SeriesIdentity(3, "T1 VIBE FS ARTERIAL", 60.0, "GADOXETATE")),
    Scan("portal_venous", SeriesIdentity(4, "T1 VIBE FS PORTAL VENOUS", 100.0, "GADOXETATE")),
    Scan("delayed", SeriesIdentity(5, "T1 VIBE FS HEPATOBILIARY 20 MIN", 1260.0, "GADOXETATE")),
)


def study_of(subject: str, visit: int, *, of: str = "", mr: bool = False) -> ReferenceStudy:
    """A study of a subject; ``of`` names another subject whose noise it shares."""
    name, day, diameter_mm = VISITS[visit]
    look = hypervascular_mr() if mr else hypervascular()
    lesion = ReferenceLesion("T1", Ball(diameter_mm, CENTRE_MM), look)
    identity = StudyIdentity(of or subject, name, day)
    return reference_study(
        identity, FIELD, [lesion], MR_SCANS if mr else standard_scans(PHASES),
        body=Body("MR") if mr else None, acquisition=Acquisition(5.0),
    )  # fmt: skip


def renamed(dataset: Dataset, subject: str) -> Dataset:
    """The same content as another subject's, with UIDs of its own."""
    copy = Dataset()
    for element in dataset:
        copy.add(element)
    copy.PatientID = copy.ClinicalTrialSubjectID = subject
    for name in ("Study", "Series", "SOP"):
        keyword = f"{name}InstanceUID"
        setattr(copy, keyword, uid_for(subject, str(dataset.get(keyword))))
    copy.FrameOfReferenceUID = uid_for(subject, str(dataset.FrameOfReferenceUID))
    copy.file_meta = FileMetaDataset()
    copy.file_meta.TransferSyntaxUID = dataset.file_meta.TransferSyntaxUID
    copy.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    copy.file_meta.MediaStorageSOPInstanceUID = copy.SOPInstanceUID
    return copy


def put(images: Sequence[Dataset], folder: Path) -> None:
    folder.mkdir(parents=True)
    for number, image in enumerate(images):
        image.save_as(folder / f"{number:02d}.dcm", enforce_file_format=True)


def write_plain(archive: Path, subject: str, *, mr: bool = False) -> None:
    """Single-frame images and a SEG."""
    for visit in range(len(VISITS)):
        study, folder = study_of(subject, visit, mr=mr), archive / subject / f"t{visit}"
        for phase, images in study.series.items():
            put(images, folder / phase)
        study.seg.save_as(folder / "seg.dcm", enforce_file_format=True)


def write_enhanced(archive: Path, subject: str, of: str) -> None:
    """One multi-frame image for each phase, and a SEG that highdicom drew on the arterial one."""
    for visit in range(len(VISITS)):
        study, folder = study_of(subject, visit, of=of), archive / subject / f"t{visit}"
        for phase, images in study.series.items():
            enhanced = multiframe([renamed(image, subject) for image in images])
            folder.mkdir(parents=True, exist_ok=True)
            w.save(enhanced, folder / f"{phase}.dcm")
            if phase == "late_arterial":
                w.save(segmentation(enhanced, study, subject), folder / "seg.dcm")


def multiframe(images: Sequence[Dataset]) -> Dataset:
    """Single-frame CT slices as one Enhanced CT image (PS3.3 A.38)."""
    first, d = images[0], Dataset()
    single = {
        "SOPClassUID", "SOPInstanceUID", "ImagePositionPatient", "ImageOrientationPatient",
        "PixelSpacing", "SliceThickness", "SliceLocation", "RescaleSlope", "RescaleIntercept",
        "RescaleType", "PixelData", "InstanceNumber", "AcquisitionDate", "AcquisitionTime",
        "KVP", "ConvolutionKernel", "WindowCenter", "WindowWidth", "ImageType",
    }  # fmt: skip
    for element in first:
        if element.keyword not in single:
            d.add(element)
    d.SOPClassUID, d.SOPInstanceUID = (
        uid.EnhancedCTImageStorage,
        uid_for(first.SOPInstanceUID, "enhanced"),
    )
    d.ImageType, d.InstanceNumber = ["ORIGINAL", "PRIMARY", "VOLUME", "NONE"], 1
    d.AcquisitionDateTime = first.AcquisitionDate + first.AcquisitionTime
    d.NumberOfFrames = len(images)
    d.PixelData = b"".join(image.PixelData for image in images)
    shared = Dataset()
    shared.PixelMeasuresSequence = item(
        PixelSpacing=first.PixelSpacing, SliceThickness=first.SliceThickness
    )
    shared.PlaneOrientationSequence = item(ImageOrientationPatient=first.ImageOrientationPatient)
    shared.PixelValueTransformationSequence = item(
        RescaleSlope=first.RescaleSlope, RescaleIntercept=first.RescaleIntercept, RescaleType="HU"
    )
    d.SharedFunctionalGroupsSequence = Items([shared])
    frames = []
    for number, image in enumerate(images, start=1):
        frame = Dataset()
        frame.FrameContentSequence = item(
            StackID="1", InStackPositionNumber=number, DimensionIndexValues=[1, number]
        )
        frame.PlanePositionSequence = item(ImagePositionPatient=image.ImagePositionPatient)
        frames.append(frame)
    d.PerFrameFunctionalGroupsSequence = Items(frames)
    organization = uid_for(first.SOPInstanceUID, "dimensions")
    d.DimensionOrganizationSequence = item(DimensionOrganizationUID=organization)
    d.DimensionIndexSequence = Items(
        [
            item(
                DimensionIndexPointer=tag, FunctionalGroupPointer=0x00209111,
                DimensionOrganizationUID=organization,
            )[0]
            for tag in (0x00209056, 0x00209057)
        ]
    )  # fmt: skip
    d.file_meta = FileMetaDataset()
    d.file_meta.TransferSyntaxUID = first.file_meta.TransferSyntaxUID
    return d


def item(**elements: object) -> Items:
    """A sequence of one item."""
    d = Dataset()
    for name, value in elements.items():
        setattr(d, name, value)
    return Items([d])


def segmentation(image: Dataset, study: ReferenceStudy, subject: str) -> Dataset:
    """Liver and lesion as highdicom writes them beside a multi-frame image."""
    parts = (("Liver", study.liver, codes.SCT.Organ, codes.SCT.Liver),
             ("T1", study.masks["T1"], codes.SCT.MorphologicallyAbnormalStructure, codes.SCT.Neoplasm))  # fmt: skip
    described = [
        hd.seg.SegmentDescription(
            segment_number=number,
            segment_label=label,
            segmented_property_category=category,
            segmented_property_type=kind,
            algorithm_type=hd.seg.SegmentAlgorithmTypeValues.MANUAL,
            tracking_id=label,
            tracking_uid=uid_for(subject, label),
            anatomic_regions=[codes.SCT.Liver],
        )
        for number, (label, _, category, kind) in enumerate(parts, start=1)
    ]
    return hd.seg.Segmentation(
        source_images=[image],
        pixel_array=np.stack([mask for _, mask, _, _ in parts], axis=-1).astype(np.uint8),
        segmentation_type="BINARY",
        segment_descriptions=described,
        series_instance_uid=uid_for(image.SOPInstanceUID, "series of masks"),
        series_number=100,
        sop_instance_uid=uid_for(image.SOPInstanceUID, "masks"),
        instance_number=1,
        manufacturer="m",
        manufacturer_model_name="m",
        software_versions="1",
        device_serial_number="1",
    )


def write_rtstruct(archive: Path, subject: str, of: str) -> None:
    """Single-frame images and a structure set alone."""
    for visit in range(len(VISITS)):
        study, folder = study_of(subject, visit, of=of), archive / subject / f"t{visit}"
        for phase, images in study.series.items():
            own = [renamed(image, subject) for image in images]
            put(own, folder / phase)
            if phase == "late_arterial":
                w.save(structures(own, study), folder / "rs.dcm")


def structures(images: Sequence[Dataset], study: ReferenceStudy) -> Dataset:
    frame = images[0].FrameOfReferenceUID
    return w.structure_set(
        images,
        [
            w.Region(1, "Liver", outlines(study.liver, study), interpreted="ORGAN", frame=frame),
            w.Region(2, "GTV liver", outlines(study.masks["T1"], study), frame=frame),
        ],
        uid=uid_for(images[0].SeriesInstanceUID, "structures"),
    )


def outlines(mask: np.ndarray, study: ReferenceStudy) -> list[np.ndarray]:
    """Contours halfway between the pixels inside and those outside, in LPS mm."""
    found = []
    for k, plane in enumerate(np.pad(mask, ((0, 0), (1, 1), (1, 1)))):
        for line in find_contours(plane.astype(float), 0.5):
            index = np.column_stack([np.full(len(line) - 1, float(k)), line[:-1] - 1])
            found.append(study.geometry.index_to_patient(index))
    return found


def write_nifti(archive: Path, subject: str, of: str) -> None:
    """Single-frame images, and NIfTI masks in a folder of their own."""
    for visit in range(len(VISITS)):
        study, folder = study_of(subject, visit, of=of), archive / subject / f"t{visit}"
        for phase, images in study.series.items():
            put([renamed(image, subject) for image in images], folder / phase)
        (folder / "masks").mkdir()
        ras = np.diag([-1.0, -1.0, 1.0, 1.0]) @ study.geometry.affine[:, [2, 1, 0, 3]]
        for name, mask in (("liver", study.liver), ("liver_tumor", study.masks["T1"])):
            w.write_nifti(folder / "masks" / f"{name}.nii.gz", mask, sform=ras)


def report(
    images: Sequence[Dataset],
    calipers: Sequence[tuple[float, np.ndarray]],
    *,
    name: str,
    tracking_id: str = "T1",
    tracking_uid: str = "1.2.3.99",
) -> Dataset:
    """A TID 1500 report that highdicom writes: stated lengths, and (column, row) ends on slices.

    Each caliper is (stated mm, an array of slice, column and row of both ends).
    """
    made = []
    for stated_mm, ends in calipers:
        image = images[int(ends[0, 0])]
        where = hd.sr.CoordinatesForMeasurement(
            "POLYLINE",
            ends[:, 1:],
            hd.sr.SourceImageForRegion(image.SOPClassUID, image.SOPInstanceUID),
        )
        unit = hd.sr.CodedConcept("mm", "UCUM", "mm")
        length = hd.sr.CodedConcept("410668003", "SCT", "Length")
        made.append(
            hd.sr.Measurement(
                name=length, value=stated_mm, unit=unit, referenced_coordinates=[where]
            )
        )
    group = hd.sr.MeasurementsAndQualitativeEvaluations(
        tracking_identifier=hd.sr.TrackingIdentifier(tracking_uid, tracking_id),
        finding_type=codes.SCT.Neoplasm,
        measurements=made,
    )
    person = hd.sr.PersonObserverIdentifyingAttributes("Doe^Jane")
    content = hd.sr.MeasurementReport(
        observation_context=hd.sr.ObservationContext(
            hd.sr.ObserverContext(codes.DCM.Person, person)
        ),
        procedure_reported=codes.LN.CTUnspecifiedBodyRegion,
        imaging_measurements=[group],
    )
    return hd.sr.ComprehensiveSR(
        evidence=list(images),
        content=content,
        series_instance_uid=uid_for(images[0].StudyInstanceUID, name, "series"),
        series_number=9,
        sop_instance_uid=uid_for(images[0].StudyInstanceUID, name),
        instance_number=1,
    )


def write_kinds(archive: Path) -> None:
    """Write the trial: five subjects at two visits each, and a reader's report of one."""
    write_plain(archive, "PLAIN")
    folder = archive / "PLAIN" / "t0"
    images = [dcmread(path) for path in sorted((folder / "late_arterial").iterdir())]
    # 12 columns of 2 mm; the second line says 31 mm of the same
    ends = np.array([[3.0, 20.5, 24.5], [3.0, 32.5, 24.5]])
    w.save(report(images, [(24.0, ends), (31.0, ends)], name="report"), folder / "report.dcm")
    write_plain(archive, "MR", mr=True)
    write_enhanced(archive, "ENHANCED", "PLAIN")
    write_rtstruct(archive, "RTSTRUCT", "PLAIN")
    write_nifti(archive, "NIFTI", "PLAIN")
