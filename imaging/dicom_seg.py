"""DICOM segmentations: who their segments are, and where they lie on the grid of an image."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

import highdicom as hd
import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from imaging import seg_frame
from imaging.dicom_code import code_of, text_of
from imaging.geometry import VolumeGeometry
from imaging.mask import LesionMask, MaskError, MaskHeader, SegmentIdentity
from imaging.mask_fault import MaskFault, refusing
from imaging.mask_grid import resampled

SEGMENTATION = "1.2.840.10008.5.1.4.1.1.66.4"
LABEL_MAP = "1.2.840.10008.5.1.4.1.1.66.7"
_KINDS = {SEGMENTATION: {"BINARY", "FRACTIONAL"}, LABEL_MAP: {"LABELMAP"}}
_HALF = 0.5
_SAME_SPACING = 0.05

__all__ = ["MaskError", "MaskHeader", "read_masks", "read_segment_identities"]


def read_segment_identities(path: str | Path) -> MaskHeader:
    """Return the segments of a DICOM segmentation and what they were drawn on.

    Raises
    ------
    MaskError
        ``unreadable_file``, ``mask_unreadable`` or ``mask_not_supported``.

    Notes
    -----
    The background of a label map (segment 0) is no segment. Names of persons are not read.
    """
    with refusing(path):
        dataset = _open(path, pixels=False)
        return _header(dataset, str(path))


def read_masks(
    path: str | Path,
    geometry: VolumeGeometry,
    segments: Collection[int] | None = None,
    *,
    resample: bool = False,
) -> dict[int, LesionMask]:
    """Return the masks of a DICOM segmentation on the grid of an image, by segment number.

    Parameters
    ----------
    geometry : VolumeGeometry
        Grid of the image; each frame is placed by its own plane position, not by its order.
    segments : collection of int, optional
        Which segments to read; all where None.
    resample : bool
        Whether a segmentation with a grid of its own may be moved onto the image; the change of
        volume is reported.

    Raises
    ------
    MaskError
        ``mask_frame_of_reference``, ``mask_grid_mismatch``, ``mask_outside_image``,
        ``mask_no_position``, ``mask_repeated_frame``, ``mask_no_such_segment``,
        ``truncated_pixel_data``, ``mask_not_supported``, ``mask_unreadable``, ``unreadable_file``.

    Notes
    -----
    Fractional segments hold a voxel where the fraction exceeds one half. A declared segment
    without a frame, or with empty frames only, gives a mask without a voxel: 0 mm, not missing.
    Only pixels that are set must lie inside the image; an empty margin may reach beyond it.
    """
    with refusing(path):
        dataset = _open(path, pixels=True)
        header = _header(dataset, str(path))
        _check_frame_of_reference(header, geometry)
        identities = {identity.number: identity for identity in header.segments}
        wanted = set(identities) if segments is None else set(segments)
        absent = sorted(wanted - set(identities))
        if absent:
            raise MaskFault("mask_no_such_segment", f"segment {absent[0]}")
        changes: dict[int, float] = {}
        try:
            arrays = _place(dataset, geometry, wanted)
        except MaskFault as fault:
            if not resample or fault.reason_code != "mask_grid_mismatch":
                raise
            moved = {n: _resampled(dataset, geometry, n) for n in sorted(wanted)}
            arrays = {number: array for number, (array, _) in moved.items()}
            changes = {number: change for number, (_, change) in moved.items()}
        return {
            number: LesionMask.moved(
                arrays[number],
                geometry,
                f"{header.object_id}#{number}",
                identities[number],
                change_percent=changes.get(number),
            )
            for number in sorted(wanted)
        }


def _open(path: str | Path, *, pixels: bool) -> Dataset:
    """Return the parsed file if it is a segmentation of a kind that is read."""
    dataset = pydicom.dcmread(path, stop_before_pixels=not pixels, force=True)
    sop_class = str(dataset.get("SOPClassUID", ""))
    if sop_class not in _KINDS:
        raise MaskFault("mask_unreadable", "not a segmentation")
    kind = str(dataset.get("SegmentationType", ""))
    if kind not in _KINDS[sop_class]:
        raise MaskFault("mask_not_supported", f"segmentation type {kind!r}")
    return dataset


def _header(dataset: Dataset, file: str) -> MaskHeader:
    """Describe a segmentation."""
    series, instances = _references(dataset)
    return MaskHeader(
        kind="dicom_seg",
        file=file,
        object_id=str(dataset.SOPInstanceUID),
        patient_id=str(dataset.get("PatientID") or ""),
        study_uid=str(dataset.StudyInstanceUID),
        series_uid=str(dataset.SeriesInstanceUID),
        subject_hint=text_of(dataset, "ClinicalTrialSubjectID"),
        frame_of_reference_uid=text_of(dataset, "FrameOfReferenceUID"),
        referenced_series_uids=series,
        referenced_sop_uids=instances,
        segments=_identities(dataset),
    )


def _references(dataset: Dataset) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the series and the instances that the file or one of its frames names."""
    series, instances = set(), set()
    studies = dataset.get("StudiesContainingOtherReferencedInstancesSequence") or []
    for holder in (dataset, *studies):
        for item in holder.get("ReferencedSeriesSequence") or []:
            series.add(str(item.SeriesInstanceUID))
            for instance in item.get("ReferencedInstanceSequence") or []:
                instances.add(str(instance.ReferencedSOPInstanceUID))
    for frame in dataset.get("PerFrameFunctionalGroupsSequence") or []:
        for derivation in frame.get("DerivationImageSequence") or []:
            for source in derivation.get("SourceImageSequence") or []:
                instances.add(str(source.ReferencedSOPInstanceUID))
    return tuple(sorted(series)), tuple(sorted(instances))


def _identities(dataset: Dataset) -> tuple[SegmentIdentity, ...]:
    """Return who the segments are, in order of their numbers."""
    found: dict[int, SegmentIdentity] = {}
    for item in dataset.SegmentSequence:
        number = int(item.SegmentNumber)
        if number in found:
            raise MaskFault("mask_unreadable", f"segment {number} is declared twice")
        if number < 1:
            continue
        found[number] = SegmentIdentity(
            number=number,
            label=text_of(item, "SegmentLabel") or "",
            tracking_id=text_of(item, "TrackingID"),
            tracking_uid=text_of(item, "TrackingUID"),
            property_category=code_of(item, "SegmentedPropertyCategoryCodeSequence"),
            property_type=code_of(item, "SegmentedPropertyTypeCodeSequence"),
            anatomic_region=code_of(item, "AnatomicRegionSequence"),
            algorithm_type=text_of(item, "SegmentAlgorithmType") or "",
        )
    return tuple(found[number] for number in sorted(found))


def _check_frame_of_reference(header: MaskHeader, geometry: VolumeGeometry) -> None:
    """Refuse a mask of another frame of reference; an absent one is no contradiction."""
    one, two = header.frame_of_reference_uid, geometry.frame_of_reference_uid
    if one is not None and two is not None and one != two:
        raise MaskFault("mask_frame_of_reference", f"mask {one}, image {two}")


def _place(
    dataset: Dataset, geometry: VolumeGeometry, wanted: Collection[int]
) -> dict[int, NDArray[np.bool_]]:
    """Set the voxels of the wanted segments."""
    arrays = {number: np.zeros(geometry.shape, dtype=np.bool_) for number in wanted}
    planes: dict[int, set[tuple[int, ...]]] = {number: set() for number in wanted}
    if not _has_frames(dataset):
        return arrays
    declared = {int(item.SegmentNumber) for item in dataset.SegmentSequence}
    for frame, values in enumerate(seg_frame.frame_pixels(dataset)):
        drawn_in_frame = dict(_drawn(dataset, frame, values))
        strayed = sorted(set(drawn_in_frame) - declared - _background(dataset))
        if strayed:  # a declared segment would seem to be empty, 0 mm
            detail = f"frame {frame + 1} shows segment {strayed[0]}, never declared"
            raise MaskFault("mask_unreadable", detail)
        drawn_of = {n: m for n, m in drawn_in_frame.items() if n in wanted}
        if not drawn_of:
            continue
        plane = seg_frame.frame_plane(dataset, frame, geometry)
        place = tuple(int(n) for n in plane.origin)
        for number, drawn in drawn_of.items():
            if place in planes[number]:
                raise MaskFault("mask_repeated_frame", f"segment {number}, frame {frame + 1}")
            planes[number].add(place)
            _set(arrays[number], plane.indices(drawn), frame)
    _check_slice_spacing(dataset, geometry, planes)
    return arrays


def _has_frames(dataset: Dataset) -> bool:
    """Return whether there are frames; refuse a number of frames that the file contradicts."""
    count = int(dataset.get("NumberOfFrames") or 0)
    described = len(dataset.get("PerFrameFunctionalGroupsSequence") or [])
    if count != described or (not count and dataset.get("PixelData")):
        raise MaskFault("mask_unreadable", f"{count} frames, {described} of them described")
    return count > 0


def _background(dataset: Dataset) -> set[int]:
    """Return the values of a label map that stand for no segment."""
    if str(dataset.SegmentationType) != "LABELMAP":
        return set()
    return {0, int(dataset.get("PixelPaddingValue") or 0)}


def _resampled(
    dataset: Dataset, geometry: VolumeGeometry, number: int
) -> tuple[NDArray[np.bool_], float]:
    """Return a segment moved from its own grid, put together by highdicom."""
    own = hd.seg.Segmentation.from_dataset(dataset, copy=False).get_volume(
        segment_numbers=[number], combine_segments=False, rescale_fractional=True,
        allow_missing_positions=True,
    )  # fmt: skip
    values = np.asarray(own.array)[..., 0]
    shape = (int(values.shape[0]), int(values.shape[1]), int(values.shape[2]))
    grid = VolumeGeometry(np.asarray(own.affine, dtype=np.float64), shape)
    return resampled(values > _HALF, grid, geometry)


def _drawn(
    dataset: Dataset, frame: int, values: NDArray[np.integer]
) -> Iterator[tuple[int, NDArray[np.bool_]]]:
    """Yield the segments that a frame speaks of, each with the pixels that it sets."""
    kind = str(dataset.SegmentationType)
    if kind == "LABELMAP":
        for number in np.unique(values):
            yield int(number), values == number
        return
    identification = seg_frame.macro(dataset, frame, "SegmentIdentificationSequence")
    if identification is None:
        raise MaskFault("mask_unreadable", f"frame {frame + 1} names no segment")
    number = int(identification.ReferencedSegmentNumber)
    if kind == "BINARY":
        yield number, values.astype(np.bool_)
    else:
        yield number, values > _HALF * int(dataset.MaximumFractionalValue)


def _set(array: NDArray[np.bool_], indices: NDArray[np.int64], frame: int) -> None:
    """Set voxels; refuse those that lie outside the image."""
    outside = ((indices < 0) | (indices >= array.shape)).any(axis=1)
    if outside.any():
        first = indices[outside][0]
        raise MaskFault(
            "mask_outside_image",
            f"{int(outside.sum())} pixels of frame {frame + 1}, for example at slice {first[0]}, "
            f"row {first[1]}, column {first[2]} of {array.shape}",
        )
    array[tuple(indices.T)] = True


def _check_slice_spacing(
    dataset: Dataset, geometry: VolumeGeometry, planes: dict[int, set[tuple[int, ...]]]
) -> None:
    """Refuse a mask drawn on every second (third...) slice: half of the lesion would be missing.

    Told by the spacing that the file states together with the planes that it has.
    """
    measures = seg_frame.macro(dataset, 0, "PixelMeasuresSequence")
    stated = float((measures.get("SpacingBetweenSlices") if measures else None) or 0)
    ratio = stated / geometry.slice_spacing_mm
    if ratio < 2 - _SAME_SPACING or abs(ratio - round(ratio)) > _SAME_SPACING * ratio:
        return
    for number, places in sorted(planes.items()):
        slices = sorted({place[0] for place in places})
        steps = np.diff(slices)
        if steps.size and np.all(steps % round(ratio) == 0):
            raise MaskFault(
                "mask_grid_mismatch",
                f"segment {number} was drawn every {stated:.2f} mm, the slices of the image lie "
                f"{geometry.slice_spacing_mm:.2f} mm apart",
            )
