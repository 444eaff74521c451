"""Multi-frame images (PS3.3 A.38, A.36, A.56, A.70, A.71), written with pydicom alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from pydicom import Dataset, uid
from pydicom.datadict import tag_for_keyword
from pydicom.sequence import Sequence as Items

from tests.imaging.awkward import writer as w

CLASSES = {
    "CT": uid.EnhancedCTImageStorage,
    "MR": uid.EnhancedMRImageStorage,
    "PT": uid.EnhancedPETImageStorage,
    "legacy CT": uid.LegacyConvertedEnhancedCTImageStorage,
    "legacy MR": uid.LegacyConvertedEnhancedMRImageStorage,
    "legacy PT": uid.LegacyConvertedEnhancedPETImageStorage,
}


@dataclass
class Frame:
    """One frame: its words, its place, and further functional groups by keyword."""

    words: np.ndarray
    position: Sequence[float]
    orientation: Sequence[float] = w.AXIAL
    content: dict[str, Any] = field(default_factory=dict)
    groups: dict[str, dict[str, Any]] = field(default_factory=dict)
    dimensions: Sequence[int] = ()


def item(**elements: Any) -> Items:
    """Return a sequence of one item."""
    d = Dataset()
    for name, value in elements.items():
        setattr(d, name, value)
    return Items([d])


def stack(count: int = 6, *, volume: int = 0, **frame: Any) -> list[Frame]:
    """Return the frames of one volume, from feet to head."""
    stored = w.words(count, volume)
    groups = frame.pop("groups", {})
    content = frame.pop("content", {})
    index = frame.pop("index", ())
    return [
        Frame(
            stored[k],
            w.place(k),
            content={"InStackPositionNumber": k + 1, "StackID": "1", **content},
            groups={name: dict(values) for name, values in groups.items()},
            dimensions=(1, k + 1, *index),
            **frame,
        )
        for k in range(count)
    ]


def multiframe(
    case: str,
    frames: Sequence[Frame],
    *,
    kind: str = "CT",
    rescale: tuple[float, float] | None = (1, w.INTERCEPT),
    pointers: Sequence[str] = (),
    shared_orientation: bool = True,
    signed: bool = False,
    number: int = 1,
    **elements: Any,
) -> Dataset:
    """Return one multi-frame image.

    ``pointers`` name the dimensions after StackID and InStackPositionNumber; rescale given here is
    shared, None leaves it out (a frame may have its own).
    """
    modality = kind.removeprefix("legacy ")
    d = w.identity(case, modality)
    d.SOPClassUID, d.SOPInstanceUID = CLASSES[kind], f"{d.StudyInstanceUID}.8.{number}"
    d.ImageType = ["ORIGINAL", "PRIMARY", "VOLUME", "NONE"]
    d.InstanceNumber, d.NumberOfFrames = number, len(frames)
    d.AcquisitionDateTime = "20240301101500"
    del d.AcquisitionDate, d.AcquisitionTime
    w.put_pixels(d, np.stack([frame.words for frame in frames]), signed=signed)
    shared = Dataset()
    shared.PixelMeasuresSequence = item(
        PixelSpacing=[w.ROW_MM, w.COLUMN_MM], SliceThickness=w.STEP_MM
    )
    if shared_orientation:
        shared.PlaneOrientationSequence = item(ImageOrientationPatient=list(frames[0].orientation))
    if rescale is not None:
        shared.PixelValueTransformationSequence = item(
            RescaleSlope=rescale[0],
            RescaleIntercept=rescale[1],
            RescaleType="HU" if modality == "CT" else "US",
        )
    d.SharedFunctionalGroupsSequence = Items([shared])
    d.PerFrameFunctionalGroupsSequence = Items(
        [_groups(frame, alone=not shared_orientation) for frame in frames]
    )
    d.DimensionIndexSequence = Items(
        [_pointer(name) for name in ("StackID", "InStackPositionNumber", *pointers)]
    )
    for name, value in elements.items():
        setattr(d, name, value)
    return d


def _pointer(name: str) -> Dataset:
    """Return the item that declares a dimension."""
    d = Dataset()
    d.DimensionIndexPointer = tag_for_keyword(name)
    d.FunctionalGroupPointer = tag_for_keyword("FrameContentSequence")
    return d


def _groups(frame: Frame, *, alone: bool) -> Dataset:
    """Return the functional groups of one frame."""
    d = Dataset()
    d.FrameContentSequence = item(DimensionIndexValues=list(frame.dimensions), **frame.content)
    d.PlanePositionSequence = item(ImagePositionPatient=list(frame.position))
    if alone:
        d.PlaneOrientationSequence = item(ImageOrientationPatient=list(frame.orientation))
    for name, values in frame.groups.items():
        setattr(d, name, item(**values))
    return d
