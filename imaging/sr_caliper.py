"""Measurements of structured reports (TID 1500): calipers held against their coordinates."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from imaging.dicom_code import code_of, text_of
from imaging.exception_word import exception_words
from imaging.header import InstanceHeader
from imaging.mask import MaskError
from imaging.mask_fault import MaskFault, refusing

SR_CLASSES = (
    "1.2.840.10008.5.1.4.1.1.88.22",
    "1.2.840.10008.5.1.4.1.1.88.33",
    "1.2.840.10008.5.1.4.1.1.88.34",
)
"""Enhanced, Comprehensive and Comprehensive 3D SR."""
_GROUP = ("125007", "DCM")
_TRACKING_ID, _TRACKING_UID = ("112039", "DCM"), ("112040", "DCM")
_FINDING = {("121071", "DCM")}
_SITE = {("363698007", "SCT"), ("G-C0E3", "SRT")}
_DERIVATION, _METHOD = {("121401", "DCM")}, {("370129005", "SCT"), ("G-C036", "SRT")}
_MM_PER_UNIT = {"mm": 1.0, "cm": 10.0, "um": 0.001, "m": 1000.0}
_ROUNDING_MM = 0.1
_DEEPEST = 60

Code = tuple[str, str, str]
Point = tuple[float, float, float]

__all__ = [
    "SR_CLASSES",
    "ImagePlane",
    "MaskError",
    "SrCaliper",
    "SrMeasurement",
    "read_sr",
]


@dataclass(frozen=True, slots=True)
class ImagePlane:
    """Where an image lies: what turns its pixels into millimetres.

    Parameters
    ----------
    position_mm : (x, y, z) of the centre of the first pixel
    orientation : six cosines, along a row and down a column
    pixel_spacing_mm : (between rows, between columns)
    """

    position_mm: Point
    orientation: tuple[float, ...]
    pixel_spacing_mm: tuple[float, float]

    @classmethod
    def of_header(cls, header: InstanceHeader) -> ImagePlane | None:
        """Return the plane of an image; None where its header does not say it."""
        if header.position is None or header.orientation is None or header.pixel_spacing is None:
            return None
        return cls(header.position, header.orientation, header.pixel_spacing)

    def to_patient(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return LPS mm of (column, row) points, as SCOORD counts them.

        SCOORD counts from the corner of the first pixel, whose centre is (0.5, 0.5) (PS3.3
        C.18.6.1.1).
        """
        cosines = np.array(self.orientation, dtype=np.float64)
        between_rows, between_columns = self.pixel_spacing_mm
        along = (points[:, :1] - 0.5) * between_columns * cosines[:3]
        down = (points[:, 1:] - 0.5) * between_rows * cosines[3:]
        placed: NDArray[np.float64] = np.array(self.position_mm) + along + down
        return placed


@dataclass(frozen=True, slots=True)
class SrCaliper:
    """The line that a length was measured along.

    Parameters
    ----------
    stated_mm : float
        What the report says.
    ends_mm : two (x, y, z) in LPS, optional
        None where the line is given in pixels of an image that is not at hand.
    measured_mm : float, optional
        Distance of the ends.
    tolerance_mm : float
        By how much the two may differ through rounding.
    sop_instance_uid, frame_number : optional
        Of the image that the line was drawn on.
    reason_code : str, optional
        ``caliper_disagrees``, ``caliper_image_missing`` or ``caliper_without_line``.
    """

    stated_mm: float
    ends_mm: tuple[Point, Point] | None
    measured_mm: float | None
    tolerance_mm: float
    sop_instance_uid: str | None
    frame_number: int | None
    reason_code: str | None

    @property
    def usable_mm(self) -> float | None:
        """The stated length where its coordinates bear it out, else None."""
        return self.stated_mm if self.reason_code is None else None


@dataclass(frozen=True, slots=True)
class SrMeasurement:
    """One number of a report, of which lesion, and its caliper if it is a length.

    Parameters
    ----------
    concept, finding, site, derivation, method : (scheme, value, meaning), optional
    value : float
        As written.
    unit : str
        UCUM.
    segments : (SOP instance, segment number) of segmentations that it refers to
    """

    tracking_id: str | None
    tracking_uid: str | None
    concept: Code
    value: float
    unit: str
    finding: Code | None = None
    site: Code | None = None
    derivation: Code | None = None
    method: Code | None = None
    segments: tuple[tuple[str, int], ...] = ()
    caliper: SrCaliper | None = None


@dataclass(frozen=True, slots=True)
class _Line:
    """Two points, in mm or in pixels of an image."""

    points: NDArray[np.float64]
    in_mm: bool
    sop_instance_uid: str | None = None
    frame_number: int | None = None


def read_sr(
    path: str | Path, planes: Mapping[str, ImagePlane] | None = None
) -> tuple[SrMeasurement, ...]:
    """Return the measurements of a TID 1500 report, in their order.

    Parameters
    ----------
    planes : mapping, optional
        Plane of every image at hand, by SOP instance, of a multi-frame image by SOP instance,
        ``#`` and frame number: lines in pixels need it.

    Raises
    ------
    MaskError
        ``unreadable_file`` or ``sr_unreadable``.

    Notes
    -----
    A length and its two points say the same thing twice. Where they differ by more than rounding
    (0.1 mm, the last written digit, and a pixel where points are whole pixels), one of them is
    wrong and nothing says which: the length is not used. Names of observers are not read.
    """
    with refusing(path):
        dataset = pydicom.dcmread(path, force=True)
        if str(dataset.get("SOPClassUID", "")) not in SR_CLASSES:
            raise MaskFault("sr_unreadable", "no structured report of measurements")
        try:
            found = [
                measurement
                for group in _groups(dataset, 0)
                for measurement in _of_group(group, planes or {})
            ]
        except (AttributeError, TypeError, ValueError, IndexError, KeyError) as error:
            raise MaskFault("sr_unreadable", exception_words(error)) from error
        return tuple(found)


def _items(item: Dataset) -> Sequence[Dataset]:
    """Return the content items inside an item."""
    return item.get("ContentSequence") or []


def _concept(item: Dataset) -> Code | None:
    """Return the name of a content item."""
    return code_of(item, "ConceptNameCodeSequence")


def _is(item: Dataset, *names: tuple[str, str]) -> bool:
    """Return whether a content item has one of these names, given as (value, scheme)."""
    concept = _concept(item)
    return concept is not None and (concept[1], concept[0]) in names


def _groups(item: Dataset, depth: int) -> Iterator[Dataset]:
    """Yield the measurement groups of a report."""
    if depth > _DEEPEST:
        raise MaskFault("sr_unreadable", "content items lie too deep")
    for child in _items(item):
        if _is(child, _GROUP):
            yield child
        else:
            yield from _groups(child, depth + 1)


def _of_group(group: Dataset, planes: Mapping[str, ImagePlane]) -> Iterator[SrMeasurement]:
    """Yield the measurements of one group, which speak of one lesion."""
    children = _items(group)
    shared = [line for child in children if (line := _line(child)) is not None]
    numbers = [child for child in children if child.get("ValueType") == "NUM"]
    lengths = [n for n in numbers if _unit(n) in _MM_PER_UNIT and _lines(n) == []]
    for number in numbers:
        measured = number.get("MeasuredValueSequence")
        if not measured:  # said to be not available
            continue
        lines = _lines(number)
        if not lines and len(shared) == len(lengths) == 1:
            lines = shared  # the line of the group is that of its only length
        yield SrMeasurement(
            tracking_id=_text_under(children, _TRACKING_ID, "TextValue"),
            tracking_uid=_text_under(children, _TRACKING_UID, "UID"),
            concept=_concept(number) or ("", "", ""),
            value=float(measured[0].NumericValue),
            unit=_unit(number),
            finding=_code_under(children, _FINDING),
            site=_code_under(_items(number), _SITE) or _code_under(children, _SITE),
            derivation=_code_under(_items(number), _DERIVATION),
            method=_code_under(_items(number), _METHOD) or _code_under(children, _METHOD),
            segments=_segments(children),
            caliper=_caliper(measured[0], _unit(number), lines, planes),
        )


def _unit(number: Dataset) -> str:
    """Return the unit of a number."""
    measured = number.get("MeasuredValueSequence")
    code = code_of(measured[0], "MeasurementUnitsCodeSequence") if measured else None
    return code[1] if code else ""


def _text_under(items: Sequence[Dataset], name: tuple[str, str], keyword: str) -> str | None:
    """Return the text of the first item of a name."""
    return next((text_of(item, keyword) for item in items if _is(item, name)), None)


def _code_under(items: Sequence[Dataset], names: set[tuple[str, str]]) -> Code | None:
    """Return the code of the first item of one of the names."""
    return next((code_of(item, "ConceptCodeSequence") for item in items if _is(item, *names)), None)


def _segments(items: Sequence[Dataset]) -> tuple[tuple[str, int], ...]:
    """Return the segments that a group refers to."""
    found = []
    for item in items:
        for image in item.get("ReferencedSOPSequence") or []:
            numbers = image.get("ReferencedSegmentNumber")
            if numbers is not None:
                several = numbers if isinstance(numbers, Sequence) else [numbers]
                uid = str(image.ReferencedSOPInstanceUID)
                found += [(uid, int(number)) for number in several]
    return tuple(found)


def _lines(number: Dataset) -> list[_Line]:
    """Return the lines that a number was read from."""
    return [line for child in _items(number) if (line := _line(child)) is not None]


def _line(item: Dataset) -> _Line | None:
    """Return the line of a coordinates item; None for any other item or shape."""
    kind = str(item.get("ValueType", ""))
    width = {"SCOORD": 2, "SCOORD3D": 3}.get(kind)
    if width is None or item.get("GraphicType") not in ("POLYLINE", "MULTIPOINT", "POINT"):
        return None
    points = np.array([float(v) for v in item.GraphicData], dtype=np.float64)
    if points.size != 2 * width or not np.isfinite(points).all():
        return None
    image = next((c for c in _items(item) if c.get("ValueType") == "IMAGE"), None)
    reference = image.ReferencedSOPSequence[0] if image is not None else Dataset()
    frame = reference.get("ReferencedFrameNumber")
    return _Line(
        points.reshape(2, width),
        kind == "SCOORD3D",
        text_of(reference, "ReferencedSOPInstanceUID"),
        int(frame) if isinstance(frame, (int, str)) else None,
    )


def _caliper(
    measured: Dataset, unit: str, lines: Sequence[_Line], planes: Mapping[str, ImagePlane]
) -> SrCaliper | None:
    """Return a length with its line, and whether they agree; None where it is no length."""
    if unit not in _MM_PER_UNIT:
        return None
    scale = _MM_PER_UNIT[unit]
    stated = float(measured.NumericValue) * scale
    tolerance = _ROUNDING_MM + _last_digit(str(measured.NumericValue)) * scale / 2
    if len(lines) != 1:
        return SrCaliper(stated, None, None, tolerance, None, None, "caliper_without_line")
    (line,) = lines
    ends = line.points
    if not line.in_mm:
        uid, frame = line.sop_instance_uid, line.frame_number
        plane = planes.get(f"{uid}#{frame}", planes.get(uid or ""))
        if plane is None:
            return SrCaliper(stated, None, None, tolerance, uid, frame, "caliper_image_missing")
        if np.array_equal(line.points, np.rint(line.points)):
            tolerance += float(np.hypot(*plane.pixel_spacing_mm))
        ends = plane.to_patient(line.points)
    length = float(np.linalg.norm(ends[1] - ends[0]))
    first, last = (tuple(float(v) for v in end) for end in ends)
    agree = abs(length - stated) <= tolerance
    return SrCaliper(
        stated_mm=stated,
        ends_mm=((first[0], first[1], first[2]), (last[0], last[1], last[2])),
        measured_mm=length,
        tolerance_mm=tolerance,
        sop_instance_uid=line.sop_instance_uid,
        frame_number=line.frame_number,
        reason_code=None if agree else "caliper_disagrees",
    )


def _last_digit(written: str) -> float:
    """Return what one step of the last written digit is worth: 0.1 of ``31.4``."""
    plain = written.strip().lower().partition("e")[0]
    decimals = len(plain.partition(".")[2])
    return float(10.0**-decimals)
