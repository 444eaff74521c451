"""The one door to masks of every kind: DICOM SEG, RTSTRUCT, NIfTI, NRRD, MetaImage."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from pathlib import Path

import pydicom

from imaging import dicom_seg, label_image, rtstruct
from imaging.geometry import VolumeGeometry
from imaging.label_image import has_detached_values, is_label_image_name
from imaging.mask import LesionMask, MaskError, MaskHeader, MaskKind
from imaging.mask_fault import MaskFault, refusing

__all__ = [
    "MASK_CLASSES",
    "MaskError",
    "MaskHeader",
    "has_detached_values",
    "is_label_image_name",
    "read_mask_identities",
    "read_masks",
]

MASK_CLASSES: Mapping[str, MaskKind] = {
    dicom_seg.SEGMENTATION: "dicom_seg",
    dicom_seg.LABEL_MAP: "dicom_seg",
    rtstruct.STRUCTURE_SET: "rtstruct",
}
"""SOP classes of DICOM files that hold masks."""

_IDENTITIES: Mapping[MaskKind, Callable[[str | Path], MaskHeader]] = {
    "dicom_seg": dicom_seg.read_segment_identities,
    "rtstruct": rtstruct.read_segment_identities,
    "label_image": label_image.read_segment_identities,
}
_MASKS: Mapping[MaskKind, Callable[..., dict[int, LesionMask]]] = {
    "dicom_seg": dicom_seg.read_masks,
    "rtstruct": rtstruct.read_masks,
    "label_image": label_image.read_masks,
}


def read_mask_identities(path: str | Path) -> MaskHeader:
    """Return what a mask file says of itself and its segments, of whatever kind it is.

    Raises
    ------
    MaskError
        With reason code and file; ``mask_not_labels`` where the file is an image and no mask.
    """
    return _IDENTITIES[_kind(path)](path)


def read_masks(
    path: str | Path,
    geometry: VolumeGeometry,
    segments: Collection[int] | None = None,
    *,
    resample: bool = False,
) -> dict[int, LesionMask]:
    """Return masks on the grid of an image, by segment, region or label number.

    Parameters
    ----------
    geometry : VolumeGeometry
        Grid of the image that the mask was drawn on.
    segments : collection of int, optional
        Which segments to read; all where None.
    resample : bool
        Whether a mask of another grid may be moved onto this one: only where a person asked for
        it; `LesionMask.volume_change_percent` then says what it did.

    Raises
    ------
    MaskError
        With reason code and file.
    """
    return _MASKS[_kind(path)](path, geometry, segments, resample=resample)


def _kind(path: str | Path) -> MaskKind:
    """Return the kind of a mask file: by its name, else by its SOP class."""
    if is_label_image_name(Path(path).name):
        return "label_image"
    with refusing(path):
        dataset = pydicom.dcmread(
            path, specific_tags=["SOPClassUID"], stop_before_pixels=True, force=True
        )
        kind = MASK_CLASSES.get(str(dataset.get("SOPClassUID", "")))
        if kind is None:
            raise MaskFault("mask_unreadable", "no kind of mask that is known")
        return kind
