"""DICOM RT structure sets: who their regions are, and which voxels their contours hold."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path

import numpy as np
import pydicom
from pydicom.dataset import Dataset

from imaging.contour import Contour, draw_contours
from imaging.dicom_code import code_of, text_of
from imaging.geometry import VolumeGeometry
from imaging.mask import LesionMask, MaskHeader, SegmentIdentity
from imaging.mask_fault import MaskFault, refusing

STRUCTURE_SET = "1.2.840.10008.5.1.4.1.1.481.3"
_BESIDE_CONTOURS = frozenset(
    {0x3006002A, 0x3006002B, 0x30060040, 0x3006004A, 0x3006004B, 0x30060084}
)
"""What an item of contours may hold: colours, contours, sources, the number of its region."""
_CLOSED = {"CLOSED_PLANAR": False, "CLOSEDPLANAR_XOR": True, "CLOSED_PLANAR_XOR": True}


def read_segment_identities(path: str | Path) -> MaskHeader:
    """Return the regions of interest of a structure set and what they were drawn on.

    Raises
    ------
    MaskError
        ``unreadable_file`` or ``mask_unreadable``.

    Notes
    -----
    A region without a contour is declared and empty. Names of persons are not read.
    """
    with refusing(path):
        return _header(_open(path), str(path))


def read_masks(
    path: str | Path,
    geometry: VolumeGeometry,
    segments: Collection[int] | None = None,
    *,
    resample: bool = False,
) -> dict[int, LesionMask]:
    """Return the masks of a structure set on the grid of an image, by ROI number.

    Parameters
    ----------
    geometry : VolumeGeometry
        Grid of the image; a tilted gantry or oblique slices are taken as they are.
    segments : collection of int, optional
        Which regions to read; all where None.
    resample : bool
        Whether contours may lie between slices or skip some; the change of volume is reported.

    Raises
    ------
    MaskError
        ``mask_frame_of_reference``, ``mask_no_such_segment``, ``contour_not_closed``,
        ``contour_tilted``, ``contours_cross``, ``mask_grid_mismatch``, ``mask_outside_image``,
        ``mask_without_pixel``, ``mask_unreadable``, ``unreadable_file``.

    Notes
    -----
    A voxel belongs to a region if its centre lies inside by the even-odd rule
    (`imaging.polygon`); on the public soft-tissue sarcoma set of the IBSI this gives the voxels of
    its independent masks.
    """
    with refusing(path):
        dataset = _open(path)
        header = _header(dataset, str(path))
        identities = {identity.number: identity for identity in header.segments}
        wanted = sorted(set(identities) if segments is None else set(segments))
        found = {}
        for number in wanted:
            if number not in identities:
                raise MaskFault("mask_no_such_segment", f"region {number}")
            _check_frame_of_reference(dataset, number, geometry)
            contours = _contours(dataset, number)
            if not contours:
                _check_empty(dataset, number)
            array, flags, change = draw_contours(contours, geometry, resample=resample)
            found[number] = LesionMask.moved(
                array,
                geometry,
                f"{header.object_id}#{number}",
                identities[number],
                flags=flags,
                change_percent=change,
            )
        return found


def _open(path: str | Path) -> Dataset:
    """Return the parsed file if it is a structure set."""
    dataset = pydicom.dcmread(path, force=True)
    if str(dataset.get("SOPClassUID", "")) != STRUCTURE_SET:
        raise MaskFault("mask_unreadable", "not a structure set")
    return dataset


def _header(dataset: Dataset, file: str) -> MaskHeader:
    """Describe a structure set."""
    frames = {
        uid
        for item in dataset.get("StructureSetROISequence") or []
        if (uid := text_of(item, "ReferencedFrameOfReferenceUID")) is not None
    }
    series, listed = _referenced_series(dataset)
    return MaskHeader(
        kind="rtstruct",
        file=file,
        object_id=str(dataset.SOPInstanceUID),
        patient_id=str(dataset.get("PatientID") or ""),
        study_uid=str(dataset.StudyInstanceUID),
        series_uid=str(dataset.SeriesInstanceUID),
        subject_hint=text_of(dataset, "ClinicalTrialSubjectID"),
        frame_of_reference_uid=frames.pop() if len(frames) == 1 else None,
        referenced_series_uids=series,
        # a list of the whole series is no statement about contours; where contours name their
        # slices, those are what must be there
        referenced_sop_uids=_contour_images(dataset) or listed,
        segments=_identities(dataset),
    )


def _referenced_series(dataset: Dataset) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the series, and the instances listed for them."""
    series, instances = set(), set()
    for frame in dataset.get("ReferencedFrameOfReferenceSequence") or []:
        for study in frame.get("RTReferencedStudySequence") or []:
            for item in study.get("RTReferencedSeriesSequence") or []:
                series.add(str(item.SeriesInstanceUID))
                for image in item.get("ContourImageSequence") or []:
                    instances.add(str(image.ReferencedSOPInstanceUID))
    return tuple(sorted(series)), tuple(sorted(instances))


def _contour_images(dataset: Dataset) -> tuple[str, ...]:
    """Return the instances that contours name."""
    return tuple(
        sorted(
            {
                str(image.ReferencedSOPInstanceUID)
                for region in dataset.get("ROIContourSequence") or []
                for contour in region.get("ContourSequence") or []
                for image in contour.get("ContourImageSequence") or []
            }
        )
    )


def _identities(dataset: Dataset) -> tuple[SegmentIdentity, ...]:
    """Return who the regions are, in order of their numbers."""
    observed: dict[int, Dataset] = {}
    for item in dataset.get("RTROIObservationsSequence") or []:
        observed.setdefault(int(item.ReferencedROINumber), item)
    found: dict[int, SegmentIdentity] = {}
    for item in dataset.get("StructureSetROISequence") or []:
        number = int(item.ROINumber)
        if number in found:
            raise MaskFault("mask_unreadable", f"region {number} is declared twice")
        more = observed.get(number, Dataset())
        found[number] = SegmentIdentity(
            number=number,
            label=text_of(item, "ROIName") or text_of(more, "ROIObservationLabel") or "",
            tracking_id=text_of(more, "TrackingID"),
            tracking_uid=text_of(more, "TrackingUID"),
            property_type=code_of(more, "RTROIIdentificationCodeSequence"),
            interpreted_type=text_of(more, "RTROIInterpretedType") or "",
            algorithm_type=text_of(item, "ROIGenerationAlgorithm") or "",
        )
    if not found:
        raise MaskFault("mask_unreadable", "no region is declared")
    _check_owners(dataset, set(found))
    return tuple(found[number] for number in sorted(found))


def _check_owners(dataset: Dataset, declared: set[int]) -> None:
    """Refuse contours that no declared region owns: a region would seem to be empty, 0 mm."""
    owners = [int(one.ReferencedROINumber) for one in dataset.get("ROIContourSequence") or []]
    strayed = sorted(set(owners) - declared)
    if strayed:
        raise MaskFault("mask_unreadable", f"contours of region {strayed[0]}, never declared")
    if len(set(owners)) < len(owners):
        raise MaskFault("mask_unreadable", "two lists of contours for one region")


def _check_frame_of_reference(dataset: Dataset, number: int, geometry: VolumeGeometry) -> None:
    """Refuse a region of another frame of reference; an absent one is no contradiction."""
    item = next(one for one in dataset.StructureSetROISequence if int(one.ROINumber) == number)
    one = text_of(item, "ReferencedFrameOfReferenceUID")
    two = geometry.frame_of_reference_uid
    if one is not None and two is not None and one != two:
        raise MaskFault("mask_frame_of_reference", f"region {number}: mask {one}, image {two}")


def _check_empty(dataset: Dataset, number: int) -> None:
    """Refuse a region that only seems to be empty, 0 mm, because the file is cut or damaged.

    The observations are required and come behind the contours: without them the file ends too
    early. An item of contours that holds something unknown has lost the name of what it holds.
    """
    if not dataset.get("RTROIObservationsSequence"):
        detail = f"region {number} has no contours, and the file ends before its observations"
        raise MaskFault("mask_unreadable", detail)
    for item in dataset.get("ROIContourSequence") or []:
        if int(item.ReferencedROINumber) == number:
            strange = [
                e.tag for e in item if not e.tag.is_private and e.tag not in _BESIDE_CONTOURS
            ]
            if strange:
                raise MaskFault("mask_unreadable", f"region {number} holds {strange[0]}")


def _contours(dataset: Dataset, number: int) -> list[Contour]:
    """Return the closed contours of a region; none where it is declared and empty."""
    return [
        contour
        for region in dataset.get("ROIContourSequence") or []
        if int(region.ReferencedROINumber) == number
        for contour in _closed(region.get("ContourSequence") or [], number)
    ]


def _closed(items: Iterable[Dataset], number: int) -> Iterable[Contour]:
    """Yield the outlines of a region; refuse what encloses nothing."""
    for item in items:
        kind = str(item.get("ContourGeometricType", ""))
        if kind not in _CLOSED:
            detail = f"region {number} has a contour of type {kind!r}"
            raise MaskFault("contour_not_closed", detail)
        values = item.get("ContourData")
        numbers = np.atleast_1d(np.asarray([] if values is None else values, dtype=np.float64))
        stated = item.get("NumberOfContourPoints")
        wrong = numbers.size % 3 or not np.isfinite(numbers).all()
        if wrong or (stated is not None and 3 * int(stated) != numbers.size):
            detail = (
                f"a contour of region {number} has {numbers.size} coordinates, not 3 x {stated}"
            )
            raise MaskFault("mask_unreadable", detail)
        yield Contour(numbers.reshape(-1, 3), _CLOSED[kind])
