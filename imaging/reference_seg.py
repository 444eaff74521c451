"""Masks of reference objects as DICOM SEG, with tracking, region and property of each segment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import highdicom as hd
import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.sr.coding import Code as SrCode

from imaging.reference_dicom import (
    MANUFACTURER,
    MODEL,
    SOFTWARE,
    StudyIdentity,
    file_meta,
    uid_for,
)
from imaging.reference_lesion import ABNORMAL, ANATOMICAL, NEOPLASM, ORGAN_CODES, Code


class SegmentError(ValueError):
    """Masks that cannot be written as one SEG; the message says which segment."""


@dataclass(frozen=True, slots=True, eq=False)
class Segment:
    """One segment: its voxels and what they are.

    Parameters
    ----------
    mask : (z, y, x) bool array
        On the grid of the series it was drawn on; without a voxel it stays declared and empty.
    tracking_id : str, optional
        The lesion's id, the same at every visit; None for organs.
    """

    label: str
    mask: NDArray[np.bool_]
    tracking_id: str | None = None
    category: Code = ABNORMAL
    property_type: Code = NEOPLASM
    region: Code | None = None


def lesion_segment(
    lesion_id: str, mask: NDArray[np.bool_], *, organ: str = "liver", viable: bool = False
) -> Segment:
    """Return the segment of a whole lesion, or of its viable part ("<id> viable")."""
    name = f"{lesion_id} viable" if viable else lesion_id
    return Segment(name, mask, tracking_id=name, region=ORGAN_CODES[organ])


def organ_segment(organ: str, mask: NDArray[np.bool_]) -> Segment:
    """Return the segment of an organ."""
    code = ORGAN_CODES[organ]
    return Segment(code[2], mask, category=ANATOMICAL, property_type=code, region=code)


def seg_dataset(
    images: Sequence[Dataset],
    segments: Sequence[Segment],
    study: StudyIdentity,
    *,
    number: int = 100,
    description: str = "SEGMENTATION",
    reader: str = "R1",
) -> Dataset:
    """Binary DICOM SEG of masks drawn on a series, with its file meta information.

    Parameters
    ----------
    images : the instances of that series, one per slice of the masks, in the same order
    segments : numbered from 1 in this order; at least one must hold a voxel
    number : SeriesNumber; with the study it decides the UIDs
    reader : whose masks they are; written as content creator and into the UIDs

    Raises
    ------
    SegmentError
        If a mask is on another grid, or no segment holds a voxel (a SEG without a frame cannot
        be written: declare the liver too).
    """
    _check(images, segments)
    pixels = np.empty((*segments[0].mask.shape, len(segments)), dtype=np.uint8)
    for k, segment in enumerate(segments):
        pixels[..., k] = segment.mask
    seg = hd.seg.Segmentation(
        source_images=list(images),
        pixel_array=pixels,
        segmentation_type=hd.seg.SegmentationTypeValues.BINARY,
        segment_descriptions=[
            _describe(k, segment, study) for k, segment in enumerate(segments, start=1)
        ],
        series_instance_uid=study.uid("series", str(number), reader),
        series_number=number,
        sop_instance_uid=study.uid("series", str(number), reader, "seg"),
        instance_number=1,
        manufacturer=MANUFACTURER,
        manufacturer_model_name=MODEL,
        software_versions=SOFTWARE,
        device_serial_number="0",
        content_description=description,
        content_creator_name=f"READER^{reader}",
        content_label="SEGMENTATION",
        omit_empty_frames=True,
        series_description=description,
    )
    return _settle(seg, images, study, number=number, reader=reader)


def _check(images: Sequence[Dataset], segments: Sequence[Segment]) -> None:
    """Raise unless every mask fits the series and one holds a voxel."""
    shape = (len(images), int(images[0].Rows), int(images[0].Columns))
    for segment in segments:
        if segment.mask.shape != shape:
            msg = (
                f"segment {segment.label!r} has shape {segment.mask.shape}, its series {shape}: "
                "draw the mask on the grid of the series"
            )
            raise SegmentError(msg)
    if not any(segment.mask.any() for segment in segments):
        msg = "no segment holds a voxel; a SEG needs one frame: add the liver's segment"
        raise SegmentError(msg)


def _describe(number: int, segment: Segment, study: StudyIdentity) -> Dataset:
    """Return the item of SegmentSequence; a lesion's tracking UID is the same at every visit."""
    tracking = segment.tracking_id
    item: Dataset = hd.seg.SegmentDescription(
        segment_number=number,
        segment_label=segment.label,
        segmented_property_category=_code(segment.category),
        segmented_property_type=_code(segment.property_type),
        algorithm_type=hd.seg.SegmentAlgorithmTypeValues.MANUAL,
        tracking_id=tracking,
        tracking_uid=uid_for(study.trial, study.subject_id, "tracking", tracking)
        if tracking
        else None,
        anatomic_regions=[_code(segment.region)] if segment.region else None,
    )
    return item


def _code(code: Code) -> SrCode:
    """Return pydicom's form of (scheme, value, meaning)."""
    scheme, value, meaning = code
    return SrCode(value, scheme, meaning)


def _settle(
    seg: Dataset, images: Sequence[Dataset], study: StudyIdentity, *, number: int, reader: str
) -> Dataset:
    """Replace what highdicom takes from the clock or draws: same masks, same bytes."""
    moment = images[0]
    seg.ContentDate, seg.ContentTime = moment.ContentDate, moment.ContentTime
    seg.InstanceCreationDate, seg.InstanceCreationTime = moment.ContentDate, moment.ContentTime
    seg.SeriesDate, seg.SeriesTime = moment.SeriesDate, moment.SeriesTime
    for item in seg.get("ContributingEquipmentSequence", []):
        if "ContributionDateTime" in item:
            item.ContributionDateTime = moment.ContentDate + moment.ContentTime
    organization = study.uid("series", str(number), reader, "dimensions")
    for item in [*seg.DimensionOrganizationSequence, *seg.DimensionIndexSequence]:
        item.DimensionOrganizationUID = organization
    seg.file_meta = file_meta(seg.SOPClassUID, seg.SOPInstanceUID)
    return seg
