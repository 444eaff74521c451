"""Label images: NIfTI, NRRD with segments and layers, MetaImage."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import SimpleITK
from numpy.typing import NDArray

from imaging.exception_word import exception_words
from imaging.geometry import VolumeGeometry
from imaging.header import file_digest
from imaging.mask import LesionMask, MaskHeader, SegmentIdentity
from imaging.mask_fault import MaskFault, refusing
from imaging.mask_grid import fits_grid, on_image_grid, resampled
from imaging.nifti import read_nifti
from imaging.nrrd import (
    LayeredSegment,
    TextHeader,
    layered_segments,
    metaimage_header,
    nrrd_header,
)

SUFFIXES = (".nii", ".nii.gz", ".nrrd", ".nhdr", ".mha", ".mhd")
"""Names that label images have; of any other file the name is no hint."""
_HEAD_BYTES = 1 << 16
_NEAR_LABEL = 1e-3
_HALF = 0.5
_MOST_LABELS = 300
_FEW_LABELS = 16
_BUSY_SHARE = 0.25
_SAME_FORMS_VOXELS = 0.1


@dataclass(frozen=True, slots=True, eq=False)
class _Labels:
    """The labels of a file, before it is known which image they belong to.

    ``layers`` are (z, y, x) arrays of whole numbers; segments name layer and value.
    """

    layers: tuple[NDArray[np.integer], ...]
    geometry: VolumeGeometry
    segments: tuple[LayeredSegment, ...]
    flags: tuple[str, ...]
    object_id: str
    other: VolumeGeometry | None = None


def is_label_image_name(name: str) -> bool:
    """Return whether a file's name is one that label images have."""
    return name.lower().endswith(SUFFIXES)


def has_detached_values(path: str | Path) -> bool:
    """Return whether the values of a label image lie, or may lie, in another file than its own."""
    name = Path(path).name.lower()
    if name.endswith((".nii", ".nii.gz")):
        return False
    try:
        with Path(path).open("rb") as stream:
            head = stream.read(_HEAD_BYTES).lower()
    except OSError:
        return True
    if name.endswith((".mha", ".mhd")):
        return re.search(rb"elementdatafile\s*=\s*local\s", head) is None
    return re.search(rb"(^|\n)data ?file:", head.partition(b"\n\n")[0]) is not None


def read_segment_identities(path: str | Path) -> MaskHeader:
    """Return the labels of a label image, and its grid, by which its image is found.

    Raises
    ------
    MaskError
        ``mask_not_labels`` where the values are an image's; ``mask_no_position``,
        ``mask_not_supported``, ``mask_unreadable``, ``too_large``, ``truncated_pixel_data``,
        ``mask_data_elsewhere``, ``unreadable_file``.

    Notes
    -----
    A file of zeros alone declares one segment that is empty. The id is the SHA-256 of the file,
    with that of a separate file of values.
    """
    with refusing(path):
        labels = _read(Path(path))
        return MaskHeader(
            kind="label_image",
            file=str(path),
            object_id=labels.object_id,
            grid=labels.geometry,
            segments=tuple(segment.identity for segment in labels.segments),
            holds_voxels=any(bool(layer.any()) for layer in labels.layers),
        )


def read_masks(
    path: str | Path,
    geometry: VolumeGeometry,
    segments: Collection[int] | None = None,
    *,
    resample: bool = False,
) -> dict[int, LesionMask]:
    """Return the masks of a label image on the grid of an image, by label or segment number.

    Parameters
    ----------
    geometry : VolumeGeometry
        Grid of the image: the label image must have the same voxels, within a tenth of one.
    segments : collection of int, optional
        Which to read; all where None.
    resample : bool
        Whether it may be moved onto the image; the change of volume is reported.

    Raises
    ------
    MaskError
        As `read_segment_identities`, and ``mask_grid_mismatch``, ``mask_no_such_segment``,
        ``mask_outside_image``, ``mask_without_pixel``.
    """
    with refusing(path):
        labels = _read(Path(path))
        known = {one.identity.number: one for one in labels.segments}
        found = {}
        for number in sorted(set(known) if segments is None else set(segments)):
            if number not in known:
                raise MaskFault("mask_no_such_segment", f"label {number}")
            drawn = labels.layers[known[number].layer] == known[number].value
            array, change = _placed(drawn, labels, geometry, resample=resample)
            found[number] = LesionMask.moved(
                array,
                geometry,
                f"{labels.object_id}#{number}",
                known[number].identity,
                flags=labels.flags,
                change_percent=change,
            )
        return found


def _placed(
    drawn: NDArray[np.bool_], labels: _Labels, geometry: VolumeGeometry, *, resample: bool
) -> tuple[NDArray[np.bool_], float | None]:
    """Return a mask on the grid of the image, moved only where that was asked for."""
    own = labels.geometry
    if fits_grid(own, geometry) or not resample:
        try:
            return on_image_grid(drawn, own, geometry), None
        except MaskFault as fault:
            if labels.other is not None and fits_grid(labels.other, geometry):
                more = f"{fault.detail}; its qform would fit: sform and qform disagree"
                raise MaskFault(fault.reason_code, more) from None
            raise
    return resampled(drawn, own, geometry)


def _read(path: Path) -> _Labels:
    """Read a label image of any format."""
    name = path.name.lower()
    if name.endswith((".nii", ".nii.gz")):
        return _read_nifti(path)
    if name.endswith((".nrrd", ".nhdr")):
        header = nrrd_header(path)
        return _read_text_headed(path, header, layered_segments(header.notes))
    if name.endswith((".mha", ".mhd")):
        return _read_text_headed(path, metaimage_header(path), ())
    raise MaskFault("mask_not_supported", f"the ending of {path.name!r} is of no label image")


def _read_nifti(path: Path) -> _Labels:
    """Read a NIfTI label image."""
    image = read_nifti(path)
    geometry = image.geometry()
    values, flags = _whole_numbers(image.array)
    other = None
    if image.sform is not None and image.qform is not None:
        apart = image.sform.largest_offset_voxels(image.qform)
        if apart > _SAME_FORMS_VOXELS:
            flags, other = (*flags, "sform_qform_differ"), image.qform
    return _Labels(
        layers=(values,),
        geometry=geometry,
        segments=_undeclared(values, path, image.names),
        flags=flags,
        object_id=file_digest(str(path)),
        other=other,
    )


def _read_text_headed(
    path: Path, header: TextHeader, declared: tuple[LayeredSegment, ...]
) -> _Labels:
    """Read a NRRD or MetaImage label image through SimpleITK."""
    try:
        image = SimpleITK.ReadImage(str(path))
    except RuntimeError as error:
        raise MaskFault("mask_unreadable", exception_words(error)) from error
    array = SimpleITK.GetArrayFromImage(image)
    if image.GetDimension() != 3:
        raise MaskFault("mask_not_supported", f"{image.GetDimension()} dimensions")
    parts = image.GetNumberOfComponentsPerPixel()
    raw = [array] if parts == 1 else [array[..., part] for part in range(parts)]
    if parts > 1 and not declared:
        raise MaskFault("mask_not_supported", f"{parts} values a voxel, and no segment is declared")
    layers = []
    flags: set[str] = set()
    for values in raw:
        whole, doubts = _whole_numbers(values)
        layers.append(whole)
        flags.update(doubts)
    _check_declared(layers, declared)
    return _Labels(
        layers=tuple(layers),
        geometry=_geometry(image),
        segments=declared or _undeclared(layers[0], path, {}),
        flags=tuple(sorted(flags)),
        object_id=_digest(path, header.data_file),
    )


def _check_declared(
    layers: Sequence[NDArray[np.integer]], declared: Sequence[LayeredSegment]
) -> None:
    """Refuse segments without a layer, and values that no segment names.

    A declared segment would seem to be empty, 0 mm, where only its value is written wrong.
    """
    if any(not 0 <= one.layer < len(layers) for one in declared):
        raise MaskFault("mask_unreadable", "a segment names a layer that is not there")
    for number, layer in enumerate(layers if declared else ()):
        named = {one.value for one in declared if one.layer == number}
        strayed = [value for value in _values_of(layer) if value and value not in named]
        if strayed:
            detail = f"value {strayed[0]} of layer {number} is of no segment"
            raise MaskFault("mask_unreadable", detail)


def _geometry(image: SimpleITK.Image) -> VolumeGeometry:
    """Return where the voxels of a SimpleITK image lie (both are in LPS mm)."""
    steps = np.reshape(image.GetDirection(), (3, 3)) * np.asarray(image.GetSpacing())
    affine = np.eye(4)
    affine[:3, :3] = steps[:, ::-1]
    affine[:3, 3] = image.GetOrigin()
    x, y, z = image.GetSize()
    return VolumeGeometry(affine, (z, y, x))


def _digest(path: Path, data_file: Path | None) -> str:
    """Return the SHA-256 of a file, together with its separate file of values."""
    first = file_digest(str(path))
    if data_file is None:
        return first
    return hashlib.sha256(f"{first} {file_digest(str(data_file))}".encode()).hexdigest()


def _whole_numbers(array: NDArray[np.generic]) -> tuple[NDArray[np.integer], tuple[str, ...]]:
    """Return values as labels; refuse what is an image and not labels.

    Notes
    -----
    Values a hair off a whole number (0.99999) are meant as that number; those of a fraction from 0
    to 1 hold a voxel where they exceed one half, as a fractional DICOM SEG does. An image of grey
    values differs from labels in having very many values, or neighbours that differ everywhere.
    """
    flags: tuple[str, ...] = ()
    if array.dtype.kind == "f":
        labels, flags = _from_floats(cast("NDArray[np.floating]", array))
    elif array.dtype.kind in "iu":
        labels = np.asarray(array, dtype=array.dtype.newbyteorder("="))
    else:
        raise MaskFault("mask_not_labels", f"values of type {array.dtype}")
    if int(labels.min(initial=0)) < 0:
        raise MaskFault("mask_not_labels", "some values are negative")
    if flags == () and _is_busy(labels):
        raise MaskFault("mask_not_labels", "its values vary as those of an image do")
    return labels, flags


def _from_floats(
    values: NDArray[np.floating],
) -> tuple[NDArray[np.integer], tuple[str, ...]]:
    """Return floats as labels: whole numbers, or fractions cut at one half.

    Slice by slice: masks saved as 64-bit floats fill half of the memory that reading may take.
    """
    low = high = off = 0.0
    for plane in values:
        if not plane.any():
            continue
        if not np.isfinite(plane).all():
            raise MaskFault("mask_not_labels", "some values are no numbers")
        low, high = min(low, float(plane.min())), max(high, float(plane.max()))
        off = max(off, float(np.abs(plane - np.rint(plane)).max()))
    if high > np.iinfo(np.int32).max:
        raise MaskFault("mask_not_labels", f"a value of {high:g}")
    fractions = off > _NEAR_LABEL
    if fractions and (low < 0 or high > 1 + _NEAR_LABEL):
        raise MaskFault("mask_not_labels", "values are no whole numbers")
    fits_byte = low > -_HALF and high < np.iinfo(np.uint8).max
    labels = np.empty(values.shape, dtype=np.uint8 if fits_byte else np.int32)
    for number, plane in enumerate(values):
        labels[number] = plane > _HALF if fractions else np.rint(plane)
    return labels, ("fractional_mask",) if fractions else ()


def _is_busy(labels: NDArray[np.integer]) -> bool:
    """Return whether whole numbers look like grey values."""
    count = len(_values_of(labels))
    if count <= _FEW_LABELS:
        return False
    if count > _MOST_LABELS:
        return True
    pairs = differing = 0
    for plane in labels:
        drawn = (plane[:, 1:] != 0) & (plane[:, :-1] != 0)
        pairs += int(drawn.sum())
        differing += int(((plane[:, 1:] != plane[:, :-1]) & drawn).sum())
    return differing > _BUSY_SHARE * pairs


def _values_of(labels: NDArray[np.integer]) -> list[int]:
    """Return the values that occur, sorted; slice by slice, as sorting a volume takes long."""
    found: set[int] = set()
    for plane in labels:
        if not plane.any():
            found.add(0)
        elif plane.dtype == np.uint8:
            found.update(np.flatnonzero(np.bincount(plane.ravel())).tolist())
        else:
            found.update(np.unique(plane).tolist())
        if len(found) > 2 * _MOST_LABELS:
            break
    return sorted(found)


def _undeclared(
    labels: NDArray[np.integer], path: Path, names: Mapping[int, str]
) -> tuple[LayeredSegment, ...]:
    """Return one segment per value that occurs; a file of zeros declares an empty one.

    The name of a file with several labels names none of them.
    """
    values = [value for value in _values_of(labels) if value > 0] or [1]
    stem = path.name
    for suffix in sorted(SUFFIXES, key=len, reverse=True):
        if stem.lower().endswith(suffix):
            stem = stem[: -len(suffix)]
            break
    return tuple(
        LayeredSegment(
            SegmentIdentity(
                number=value,
                label=names.get(value) or (stem if len(values) == 1 else f"label {value}"),
                named_by_file=value not in names,
            ),
            0,
            value,
        )
        for value in values
    )
