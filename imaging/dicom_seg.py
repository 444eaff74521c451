"""DICOM segmentations: who their segments are, and where they lie on the grid of an image."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from imaging import seg_frame
from imaging.geometry import VolumeGeometry
from imaging.mask import LesionMask, MaskError, SegmentIdentity

SEGMENTATION = "1.2.840.10008.5.1.4.1.1.66.4"
LABEL_MAP = "1.2.840.10008.5.1.4.1.1.66.7"
_KINDS = {SEGMENTATION: {"BINARY", "FRACTIONAL"}, LABEL_MAP: {"LABELMAP"}}
_HALF = 0.5
_SAME_SPACING = 0.05

__all__ = ["MaskError", "SegHeader", "read_masks", "read_segment_identities"]


@dataclass(frozen=True, slots=True)
class SegHeader:
    """What a segmentation says of itself, without its pixels.

    ``referenced_series_uid`` is the image series it was drawn on, None where it names none or
    several. ``referenced_sop_uids`` are all instances that it or one of its frames names: one that
    the image lacks means that the image is not complete.
    """

    file: str
    sop_instance_uid: str
    patient_id: str
    study_uid: str
    series_uid: str
    subject_hint: str | None
    frame_of_reference_uid: str | None
    referenced_series_uid: str | None
    referenced_series_uids: tuple[str, ...]
    referenced_sop_uids: tuple[str, ...]
    segments: tuple[SegmentIdentity, ...]


def read_segment_identities(path: str | Path) -> SegHeader:
    """Return the segments of a DICOM segmentation and what they were drawn on.

    Raises
    ------
    MaskError
        ``unreadable_file``, ``mask_unreadable`` or ``mask_not_supported``.

    Notes
    -----
    The background of a label map (segment 0) is no segment. Names of persons are not read.
    """
    with _refusing(path):
        dataset = _open(path, pixels=False)
        return _header(dataset, str(path))


def read_masks(
    path: str | Path, geometry: VolumeGeometry, segments: Collection[int] | None = None
) -> dict[int, LesionMask]:
    """Return the masks of a DICOM segmentation on the grid of an image, by segment number.

    Parameters
    ----------
    geometry : VolumeGeometry
        Grid of the image; each frame is placed by its own plane position, not by its order.
    segments : collection of int, optional
        Which segments to read; all where None.

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
    with _refusing(path):
        dataset = _open(path, pixels=True)
        header = _header(dataset, str(path))
        _check_frame_of_reference(header, geometry)
        identities = {identity.number: identity for identity in header.segments}
        wanted = set(identities) if segments is None else set(segments)
        absent = sorted(wanted - set(identities))
        if absent:
            raise seg_frame.FrameFault("mask_no_such_segment", f"segment {absent[0]}")
        arrays = _place(dataset, geometry, wanted)
        return {
            number: LesionMask(
                array=arrays[number],
                geometry=geometry,
                mask_id=f"{header.sop_instance_uid}#{number}",
                identity=identities[number],
            )
            for number in sorted(wanted)
        }


class _refusing:  # noqa: N801 - reads as a clause: with _refusing(path)
    """Turns whatever damaged bytes raise into a MaskError of this file."""

    def __init__(self, path: str | Path) -> None:
        self._path = str(path)
        self._warnings = warnings.catch_warnings()

    def __enter__(self) -> None:
        self._warnings.__enter__()
        warnings.simplefilter("ignore")  # pydicom warns of values that are judged here

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self._warnings.__exit__(None, None, None)
        if error is None or isinstance(error, MaskError) or not isinstance(error, Exception):
            return
        if isinstance(error, seg_frame.FrameFault):
            raise MaskError(error.reason_code, self._path, error.detail) from None
        code = "unreadable_file" if isinstance(error, OSError) else "mask_unreadable"
        raise MaskError(code, self._path, type(error).__name__) from error


def _open(path: str | Path, *, pixels: bool) -> Dataset:
    """Return the parsed file if it is a segmentation of a kind that is read."""
    dataset = pydicom.dcmread(path, stop_before_pixels=not pixels)
    sop_class = str(dataset.get("SOPClassUID", ""))
    if sop_class not in _KINDS:
        raise seg_frame.FrameFault("mask_unreadable", "not a segmentation")
    kind = str(dataset.get("SegmentationType", ""))
    if kind not in _KINDS[sop_class]:
        raise seg_frame.FrameFault("mask_not_supported", f"segmentation type {kind!r}")
    return dataset


def _header(dataset: Dataset, file: str) -> SegHeader:
    """Describe a segmentation."""
    series, instances = _references(dataset)
    return SegHeader(
        file=file,
        sop_instance_uid=str(dataset.SOPInstanceUID),
        patient_id=str(dataset.get("PatientID") or ""),
        study_uid=str(dataset.StudyInstanceUID),
        series_uid=str(dataset.SeriesInstanceUID),
        subject_hint=_text(dataset, "ClinicalTrialSubjectID"),
        frame_of_reference_uid=_text(dataset, "FrameOfReferenceUID"),
        referenced_series_uid=series[0] if len(series) == 1 else None,
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
            raise seg_frame.FrameFault("mask_unreadable", f"segment {number} is declared twice")
        if number < 1:
            continue
        found[number] = SegmentIdentity(
            number=number,
            label=_text(item, "SegmentLabel") or "",
            tracking_id=_text(item, "TrackingID"),
            tracking_uid=_text(item, "TrackingUID"),
            property_category=_code(item, "SegmentedPropertyCategoryCodeSequence"),
            property_type=_code(item, "SegmentedPropertyTypeCodeSequence"),
            anatomic_region=_code(item, "AnatomicRegionSequence"),
            algorithm_type=_text(item, "SegmentAlgorithmType") or "",
        )
    return tuple(found[number] for number in sorted(found))


def _text(dataset: Dataset, keyword: str) -> str | None:
    """Return a text without surrounding spaces; None where empty."""
    return str(dataset.get(keyword) or "").strip() or None


def _code(dataset: Dataset, keyword: str) -> tuple[str, str, str] | None:
    """Return (scheme, value, meaning) of a code sequence."""
    items = dataset.get(keyword)
    if not items:
        return None
    value = next(
        (v for k in ("CodeValue", "LongCodeValue", "URNCodeValue") if (v := _text(items[0], k))), ""
    )
    return (
        _text(items[0], "CodingSchemeDesignator") or "",
        value,
        _text(items[0], "CodeMeaning") or "",
    )


def _check_frame_of_reference(header: SegHeader, geometry: VolumeGeometry) -> None:
    """Refuse a mask of another frame of reference; an absent one is no contradiction."""
    one, two = header.frame_of_reference_uid, geometry.frame_of_reference_uid
    if one is not None and two is not None and one != two:
        raise seg_frame.FrameFault("mask_frame_of_reference", f"mask {one}, image {two}")


def _place(
    dataset: Dataset, geometry: VolumeGeometry, wanted: Collection[int]
) -> dict[int, NDArray[np.bool_]]:
    """Set the voxels of the wanted segments."""
    arrays = {number: np.zeros(geometry.shape, dtype=np.bool_) for number in wanted}
    planes: dict[int, set[tuple[int, ...]]] = {number: set() for number in wanted}
    if int(dataset.get("NumberOfFrames") or 0) == 0:
        return arrays
    for frame, values in enumerate(seg_frame.frame_pixels(dataset)):
        drawn_of = {n: m for n, m in _drawn(dataset, frame, values) if n in wanted}
        if not drawn_of:
            continue
        plane = seg_frame.frame_plane(dataset, frame, geometry)
        place = tuple(int(n) for n in plane.origin)
        for number, drawn in drawn_of.items():
            if place in planes[number]:
                raise seg_frame.FrameFault(
                    "mask_repeated_frame", f"segment {number}, frame {frame + 1}"
                )
            planes[number].add(place)
            _set(arrays[number], plane.indices(drawn), frame)
    _check_slice_spacing(dataset, geometry, planes)
    return arrays


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
        raise seg_frame.FrameFault("mask_unreadable", f"frame {frame + 1} names no segment")
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
        raise seg_frame.FrameFault(
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
            raise seg_frame.FrameFault(
                "mask_grid_mismatch",
                f"segment {number} was drawn every {stated:.2f} mm, the slices of the image lie "
                f"{geometry.slice_spacing_mm:.2f} mm apart",
            )
