"""What is wrong with the instances of a series, before anything is measured on them."""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from pydicom.uid import (
    HTJ2K,
    JPEG2000,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    HTJ2KLossless,
    HTJ2KLosslessRPCL,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
)

from imaging.decoder import DEFLATED_FRAMES, ENCAPSULATED_UNCOMPRESSED
from imaging.element import uid_name
from imaging.header import InstanceHeader

CT = "1.2.840.10008.5.1.4.1.1.2"
MR = "1.2.840.10008.5.1.4.1.1.4"
PET = "1.2.840.10008.5.1.4.1.1.128"
SLICES = {CT: "CT", MR: "MR", PET: "PT"}
ENHANCED = {
    "1.2.840.10008.5.1.4.1.1.2.1": "CT",
    "1.2.840.10008.5.1.4.1.1.2.2": "CT",
    "1.2.840.10008.5.1.4.1.1.4.1": "MR",
    "1.2.840.10008.5.1.4.1.1.4.3": "MR",
    "1.2.840.10008.5.1.4.1.1.4.4": "MR",
    "1.2.840.10008.5.1.4.1.1.128.1": "PT",
    "1.2.840.10008.5.1.4.1.1.130": "PT",
}
"""Multi-frame images: enhanced, and legacy converted from single frames."""
MODALITIES = SLICES | ENHANCED
_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
LOSSY = {JPEGExtended12Bit, JPEGLSNearLossless, JPEG2000, HTJ2K}
_READ = LOSSY | {
    ENCAPSULATED_UNCOMPRESSED,
    DEFLATED_FRAMES,
    ImplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    DeflatedExplicitVRLittleEndian,
    RLELossless,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEG2000Lossless,
    HTJ2KLossless,
    HTJ2KLosslessRPCL,
}
_AXIAL = 0.7
"""A CT slice whose normal is more than 45 degrees off the body axis was reformatted."""
_LARGEST_PIXEL_MM = 10.0
_FARTHEST_MM = 1e5
_UNIT_VECTOR = 0.01
_PERPENDICULAR = 5e-3

_PROJECTIONS = {"MIP", "MINIP", "MAX_IP", "MIN_IP", "PROJECTION IMAGE", "MPRTHICK", "RAYSUM"}
_REFORMATS = {"REFORMATTED", "MPR", "CPR", "CURVED_MPR", "SAGITTAL", "CORONAL", "VOLREND", "VRT"}
_COMPUTED = {
    "ADC", "FA", "TRACE", "TRACEW", "SUBTRACT", "SUBTRACTION", "SUB", "PERFUSION", "CBF", "CBV",
    "MTT", "TTP", "TMAX", "T1 MAP", "T2 MAP", "T2_STAR MAP", "CSA REPORT", "DOSE",
    "DOSE_INFO", "SCREEN SAVE", "PARALLEL_PROJECTION", "IVI", "HU_ATTENUATION_DIFFERENCE",
}  # fmt: skip

Finding = tuple[str, str]
"""A reason code and what exactly was found."""


def not_a_slice(header: InstanceHeader) -> Finding | None:
    """Return why an object is no single CT, MR or PET slice, to be left out."""
    if header.sop_class_uid in MODALITIES:
        return None
    name = uid_name(header.sop_class_uid)
    if header.sop_class_uid.startswith(_CAPTURE):
        return "secondary_capture", name
    return "other_object", name


def looks_cut(header: InstanceHeader) -> bool:
    """Return whether an instance may be a slice of a neighbouring series whose file was cut."""
    if not header.series_uid:
        return True
    return header.pixel_tag is None and any(
        uid.startswith(header.sop_class_uid)  # "1.2.840.10008.5.1.4."
        for uid in MODALITIES
    )


def not_a_source_image(header: InstanceHeader) -> Finding | None:
    """Return why a slice is no image that was acquired: localizer, projection, reformat, derived.

    Notes
    -----
    ``DERIVED`` alone is no reason: lossy compression and anonymisers set it too. Derived images
    that are axial, or marked primary, stay and are flagged; so does CT that a workstation stored
    as ``PROCESSED``, as whole liver series of HCC-TACE-Seg are.
    """
    return _no_source(header.image_type, MODALITIES[header.sop_class_uid], header.orientation)


@functools.lru_cache(maxsize=256)
def _no_source(
    kind: tuple[str, ...], modality: str, orientation: tuple[float, ...] | None
) -> Finding | None:
    """Judge image type and orientation, which the slices of a series share."""
    words = set(kind)
    written = "/".join(kind)
    if "LOCALIZER" in words or "SCOUT" in words or "TOPOGRAM" in words:
        return "localizer", written
    if words & _PROJECTIONS:
        return "projection", written
    if "CT_SOM5 MON" in words or "MONITORING" in words:
        return "bolus_tracking", written
    if words & _REFORMATS or (modality == "CT" and orientation and _along_body(orientation)):
        return "reformatted", written or "no image type"
    if words & _COMPUTED:
        return "derived", written
    stored_again = {"AXIAL", "PROCESSED"} if modality == "CT" else {"AXIAL"}
    if kind[:2] == ("DERIVED", "SECONDARY") and len(kind) > 2 and not words & stored_again:
        return "derived", written
    return None


@functools.lru_cache(maxsize=256)
def _along_body(cosines: tuple[float, ...]) -> bool:
    """Return whether the normal of a slice is more than 45 degrees off the body axis."""
    normal = np.cross(cosines[:3], cosines[3:])
    return bool(abs(normal[2]) < _AXIAL * np.linalg.norm(normal))


def cannot_place(header: InstanceHeader) -> Finding | None:
    """Return why a slice has no known place, no known pixel size, or no pixels.

    Such a slice may belong to any volume of its series, so all of them are refused with it.
    """
    if not header.rows or not header.columns:
        return "no_matrix", f"{header.rows} rows, {header.columns} columns"
    spacing = header.pixel_spacing
    if spacing is None or not 0 < min(spacing) <= max(spacing) <= _LARGEST_PIXEL_MM:
        return "no_pixel_spacing", f"PixelSpacing is {header.pixel_spacing_text!r}"
    if header.position is None or max(map(abs, header.position)) > _FARTHEST_MM:
        return "no_position", f"ImagePositionPatient is {header.position}"
    if header.orientation is None or not _orthonormal(header.orientation):
        return "bad_orientation", f"ImageOrientationPatient is {header.orientation}"
    if header.pixel_tag is None:
        return "no_pixel_data", "PixelData (7FE0,0010) is absent"
    return None


@functools.lru_cache(maxsize=256)
def _orthonormal(cosines: tuple[float, ...]) -> bool:
    """Return whether two directions are unit vectors at right angles, but for rounding."""
    one, two = np.asarray(cosines[:3]), np.asarray(cosines[3:])
    lengths = np.linalg.norm([one, two], axis=1)
    return bool(np.all(np.abs(lengths - 1) <= _UNIT_VECTOR) and abs(one @ two) <= _PERPENDICULAR)


def cannot_read(header: InstanceHeader) -> Finding | None:
    """Return why the pixel values of a slice cannot be read for what they are."""
    return _format_fault(header) or _data_fault(header) or _rescale_fault(header)


def _format_fault(header: InstanceHeader) -> Finding | None:
    """Judge transfer syntax and pixel format."""
    if header.transfer_syntax not in _READ:
        return "transfer_syntax_refused", uid_name(header.transfer_syntax)
    h = header
    fits = (
        h.samples_per_pixel in (1, None)
        and h.photometric in ("MONOCHROME1", "MONOCHROME2")
        and h.bits_allocated in (8, 16)
        and h.bits_stored is not None
        and 1 < h.bits_stored <= (h.bits_allocated or 0)
        and h.high_bit in (h.bits_stored - 1, None)
        and h.signed is not None
    )
    if not fits:
        return "unsupported_pixel_format", (
            f"{h.photometric}, {h.samples_per_pixel} sample(s), {h.bits_stored} in "
            f"{h.bits_allocated} bits, high bit {h.high_bit}"
        )
    return None


def _data_fault(header: InstanceHeader) -> Finding | None:
    """Judge whether the pixel data are there in full."""
    if header.pixel_tag != 0x7FE00010:
        return "unsupported_pixel_format", "floating-point pixel data"
    if header.truncated:
        return "truncated_pixel_data", (
            f"{header.file_bytes} bytes, needs "
            f"{(header.pixel_offset or 0) + (header.pixel_length or 0)}"
        )
    expected = (header.rows or 0) * (header.columns or 0) * ((header.bits_allocated or 0) // 8)
    expected *= header.number_of_frames
    if header.pixel_length is not None and header.pixel_length < expected:
        return "truncated_pixel_data", f"{header.pixel_length} bytes of pixels, needs {expected}"
    return None


def _rescale_fault(header: InstanceHeader) -> Finding | None:
    """Judge slope, intercept and unit."""
    values = (header.rescale_slope, header.rescale_intercept)
    kind = MODALITIES[header.sop_class_uid]
    if header.lookup_table:
        return "lookup_table", "ModalityLUTSequence (0028,3000)"
    if kind != "MR" and not all(header.rescale_given):
        return "no_rescale", f"slope {values[0]}, intercept {values[1]}"
    slope_given, intercept_given = header.rescale_given
    unreadable = (slope_given and values[0] is None) or (intercept_given and values[1] is None)
    if unreadable or values[0] == 0:
        return "bad_rescale", f"slope {values[0]}, intercept {values[1]}"
    if kind == "CT" and header.rescale_type not in ("HU", "US", "HU_MOD", None):
        return "not_hounsfield", f"RescaleType is {header.rescale_type!r}"
    return None


def incomplete(headers: Sequence[InstanceHeader]) -> Finding | None:
    """Return which multi-frame image was sent in several files that are not all there."""
    parts: dict[str, set[str]] = defaultdict(set)
    wanted: dict[str, int] = {}
    for header in headers:
        if header.concatenation_uid is not None:
            parts[header.concatenation_uid].add(header.sop_instance_uid or "")
            wanted[header.concatenation_uid] = max(
                header.concatenation_files or 0, wanted.get(header.concatenation_uid, 0)
            )
    for uid, found in sorted(parts.items()):
        if len(found) < wanted[uid]:
            return "concatenation_incomplete", f"{uid}: {len(found)} of {wanted[uid]} files"
    return None
