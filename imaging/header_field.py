"""Which elements of a header are read, and what each becomes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pydicom.dataset import FileDataset
from pydicom.tag import BaseTag

from imaging import element

_OVERLAYS = tuple(0x60000000 + (number << 17) for number in range(16))

_PLAIN: dict[str, tuple[Callable[[FileDataset, int], Any], int]] = {
    "sop_instance_uid": (element.text, 0x00080018),
    "modality": (element.text, 0x00080060),
    "patient_id": (element.text, 0x00100020),
    "study_uid": (element.text, 0x0020000D),
    "series_uid": (element.text, 0x0020000E),
    "frame_of_reference_uid": (element.text, 0x00200052),
    "clinical_trial_subject_id": (element.text, 0x00120040),
    "acquisition_date": (element.text, 0x00080022),
    "acquisition_time": (element.text, 0x00080032),
    "acquisition_number": (element.whole, 0x00200012),
    "content_time": (element.text, 0x00080033),
    "series_date": (element.text, 0x00080021),
    "study_date": (element.text, 0x00080020),
    "series_number": (element.whole, 0x00200011),
    "instance_number": (element.whole, 0x00200013),
    "images_in_acquisition": (element.whole, 0x00201002),
    "series_description": (element.text, 0x0008103E),
    "protocol_name": (element.text, 0x00181030),
    "contrast_agent": (element.text, 0x00180010),
    "contrast_start_time": (element.text, 0x00181042),
    "manufacturer": (element.text, 0x00080070),
    "kvp": (element.number, 0x00180060),
    "echo_number": (element.whole, 0x00180086),
    "echo_time_ms": (element.number, 0x00180081),
    "flip_angle": (element.number, 0x00181314),
    "inversion_time_ms": (element.number, 0x00180082),
    "trigger_time_ms": (element.number, 0x00181060),
    "temporal_position": (element.whole, 0x00200100),
    "rows": (element.unsigned, 0x00280010),
    "columns": (element.unsigned, 0x00280011),
    "pixel_spacing_text": (element.text, 0x00280030),
    "slice_thickness": (element.number, 0x00180050),
    "spacing_between_slices": (element.number, 0x00180088),
    "rescale_slope": (element.number, 0x00281053),
    "rescale_intercept": (element.number, 0x00281052),
    "rescale_type": (element.text, 0x00281054),
    "photometric": (element.text, 0x00280004),
    "units": (element.text, 0x00541001),
    "samples_per_pixel": (element.unsigned, 0x00280002),
    "bits_allocated": (element.unsigned, 0x00280100),
    "bits_stored": (element.unsigned, 0x00280101),
    "high_bit": (element.unsigned, 0x00280102),
    "stack_id": (element.text, 0x00209056),
    "temporal_offset_s": (element.number, 0x0020930D),
    "contrast_phase": (element.text, 0x00189344),
    "complex_component": (element.text, 0x00089208),
    "concatenation_uid": (element.text, 0x00209161),
    "concatenation_files": (element.unsigned, 0x00209163),
}
"""Fields of `imaging.header.InstanceHeader` that hold one element as it is."""


def header_fields(d: FileDataset) -> dict[str, Any]:
    """Return the fields of an `imaging.header.InstanceHeader` that are elements of the header."""
    e = element
    moment = e.text(d, 0x0008002A)
    representation = e.unsigned(d, 0x00280103)
    frames = e.whole(d, 0x00280008)
    fields = {name: decode(d, tag) for name, (decode, tag) in _PLAIN.items()}
    fields.update(
        image_type=tuple(part.upper() for part in e.texts(d, 0x00080008)),
        acquisition_date=fields["acquisition_date"] or day_of(moment),
        acquisition_time=fields["acquisition_time"] or time_of(moment),
        kernel="/".join(e.texts(d, 0x00181210)) or None,
        b_value=_b_value(d),
        position=e.decimals(d, 0x00200032, count=3),
        orientation=e.decimals(d, 0x00200037, count=6),
        pixel_spacing=e.decimals(d, 0x00280030, count=2),
        rescale_given=(0x00281053 in d, 0x00281052 in d),  # without a value too: no number
        scale_slope_philips=_private_number(d, 0x2005100E, "Philips MR Imaging DD 001"),
        signed=None if representation is None else representation == 1,
        padding_bytes=_little(d, 0x00280120),
        padding_limit_bytes=_little(d, 0x00280121),
        overlay_bits=_overlay_bits(d),
        number_of_frames=1 if frames is None else frames,
        lossy=e.text(d, 0x00282110) == "01",
        lookup_table=0x00283000 in d,
    )
    return fields


def day_of(moment: str | None) -> str | None:
    """Return the date of an Acquisition DateTime."""
    return moment[:8] if moment else None


def time_of(moment: str | None) -> str | None:
    """Return the time of an Acquisition DateTime, without an offset from UTC."""
    return (moment[8:].split("+")[0].split("-")[0] or None) if moment else None


def _little(d: FileDataset, tag: int) -> bytes:
    """Return a padding value's two bytes in little endian."""
    raw = element.raw_element(d, tag)
    value = element.raw_bytes(d, tag)
    return value if raw is None or raw.is_little_endian else value[::-1]


def _overlay_bits(d: FileDataset) -> tuple[int, ...]:
    """Return the bits of the pixels that hold overlays, as files before 2004 have them."""
    bits = [
        element.unsigned(d, tag | 0x0102)
        for tag in _OVERLAYS
        if element.unsigned(d, tag | 0x0100) not in (None, 1)
    ]
    return tuple(bit for bit in bits if bit is not None)


def _b_value(d: FileDataset) -> float | None:
    """Return the diffusion b-value in s/mm2, standard or of the makers that write their own."""
    standard = element.number(d, 0x00189087)
    if standard is not None:
        return standard
    siemens = _private_number(d, 0x0019100C, "SIEMENS MR HEADER")
    if siemens is not None:
        return siemens
    if element.text(d, 0x00430010) == "GEMS_PARM_01":
        ge = element.first_number(d, 0x00431039)
        return None if ge is None else ge % 1_000_000_000  # GE adds 1e9 as a marker
    return None


def _private_number(d: FileDataset, tag: int, creator: str) -> float | None:
    """Return a private number where its block belongs to the expected maker."""
    block = (tag & 0xFFFF0000) | 0x0010
    named = (element.text(d, block) or "").lower()
    if named != creator.lower():
        return None
    raw = element.raw_element(d, tag)
    if raw is not None and raw.VR is None:
        return None  # implicit VR: the representation of a private number is not known
    return element.number(d, tag)


WANTED: list[BaseTag | int] = [
    BaseTag(tag)
    for tag in (
        *(tag for _, tag in _PLAIN.values()),
        0x00080005, 0x00080008, 0x0008002A, 0x00080016, 0x00181210, 0x00189087, 0x00190010,
        0x0019100C, 0x00200032, 0x00200037, 0x00280008, 0x00280103, 0x00280120, 0x00280121,
        0x00282110, 0x00283000, 0x00430010, 0x00431039, 0x20050010, 0x2005100E,
        *(tag | part for tag in _OVERLAYS for part in (0x0100, 0x0102)),
    )
]  # fmt: skip
"""The elements that a header walk must keep."""
