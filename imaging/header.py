"""What the header of one DICOM instance says, as plain values."""

from __future__ import annotations

import hashlib
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from pydicom.dataset import FileDataset
from pydicom.errors import InvalidDicomError
from pydicom.filereader import read_partial
from pydicom.tag import BaseTag
from pydicom.uid import (
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from imaging import element
from imaging.reason import ReasonedError

_PIXEL_TAGS = (0x7FE00008, 0x7FE00009, 0x7FE00010)
_UNDEFINED = 0xFFFFFFFF
_UNIFORM = {ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian}
_OVERLAYS = tuple(0x60000000 + (number << 17) for number in range(16))


class HeaderError(ReasonedError):
    """A file whose header cannot be read.

    ``series_uid`` is given where it could still be read, so that the series can be refused
    instead of being measured with a slice too few.
    """

    def __init__(
        self, reason_code: str, file: str, detail: str, series_uid: str | None = None
    ) -> None:
        super().__init__(reason_code, Path(file).name, detail)
        self.file = file
        self.series_uid = series_uid

    def __reduce__(self) -> tuple[type[HeaderError], tuple[str, str, str, str | None]]:
        return type(self), (self.reason_code, self.file, self.detail, self.series_uid)


@dataclass(frozen=True, slots=True)
class InstanceHeader:
    """Header of one instance: plain picklable values, None where absent or unreadable.

    Positions and orientations are LPS; spacings are (between rows, between columns) in mm.
    ``pixel_offset`` is where uncompressed pixel bytes begin in the file, ``pixel_length`` how many
    the header announces; ``truncated`` says that the file ends before them.
    """

    file: str
    file_bytes: int
    has_preamble: bool
    transfer_syntax: str
    sop_class_uid: str
    sop_instance_uid: str | None
    modality: str | None
    patient_id: str | None
    study_uid: str | None
    series_uid: str | None
    frame_of_reference_uid: str | None
    clinical_trial_subject_id: str | None
    image_type: tuple[str, ...]
    acquisition_number: int | None
    acquisition_date: str | None
    acquisition_time: str | None
    content_time: str | None
    series_date: str | None
    study_date: str | None
    series_number: int | None
    instance_number: int | None
    images_in_acquisition: int | None
    series_description: str | None
    protocol_name: str | None
    contrast_agent: str | None
    contrast_start_time: str | None
    manufacturer: str | None
    kernel: str | None
    kvp: float | None
    echo_number: int | None
    echo_time_ms: float | None
    flip_angle: float | None
    inversion_time_ms: float | None
    trigger_time_ms: float | None
    temporal_position: int | None
    b_value: float | None
    position: tuple[float, float, float] | None
    orientation: tuple[float, float, float, float, float, float] | None
    rows: int | None
    columns: int | None
    pixel_spacing: tuple[float, float] | None
    pixel_spacing_text: str | None
    slice_thickness: float | None
    spacing_between_slices: float | None
    rescale_slope: float | None
    rescale_intercept: float | None
    rescale_given: tuple[bool, bool]
    rescale_type: str | None
    scale_slope_philips: float | None
    photometric: str | None
    samples_per_pixel: int | None
    bits_allocated: int | None
    bits_stored: int | None
    high_bit: int | None
    signed: bool | None
    padding_bytes: bytes
    padding_limit_bytes: bytes
    overlay_bits: tuple[int, ...]
    number_of_frames: int
    lossy: bool
    pixel_tag: int | None
    pixel_offset: int | None
    pixel_length: int | None
    truncated: bool


def file_digest(path: str | Path) -> str:
    """Return the SHA-256 of a file's bytes as hexadecimal digits."""
    with Path(path).open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def read_header(path: str | Path) -> InstanceHeader:
    """Return what the header of one DICOM file says.

    Only the header is read. Numbers are decoded strictly: a decimal comma, NaN or a wrong count
    gives None, which `imaging.series` refuses by name. Patient names are not read.

    Raises
    ------
    HeaderError
        ``unreadable_file``, ``not_dicom`` or ``unreadable_dicom``; nothing else.

    Notes
    -----
    A file without preamble is accepted only where it names a SOP class and an instance.
    """
    path = Path(path)
    try:
        with warnings.catch_warnings(), path.open("rb") as stream:
            warnings.simplefilter("ignore")  # the values are judged here, not by pydicom
            return _read(stream, path)
    except HeaderError:
        raise
    except OSError as error:
        raise HeaderError("unreadable_file", str(path), type(error).__name__) from error
    except Exception as error:
        raise HeaderError("unreadable_dicom", str(path), type(error).__name__) from error


class _PixelStop:
    """Stops the parser at the pixel data and remembers what it announced."""

    def __init__(self) -> None:
        self.tag: int | None = None
        self.length = 0

    def __call__(self, tag: BaseTag, _vr: str | None, length: int) -> bool:
        if tag < _PIXEL_TAGS[0]:
            return False
        self.tag, self.length = int(tag), length
        return True


def _parse(stream: BinaryIO, path: Path) -> tuple[FileDataset, _PixelStop, bool]:
    """Return the parsed header, the pixel element it stopped at, and whether it has a preamble."""
    stop = _PixelStop()
    try:
        return read_partial(stream, stop, specific_tags=_WANTED), stop, True
    except InvalidDicomError:
        stream.seek(0)
        stop = _PixelStop()
        try:
            dataset = read_partial(stream, stop, force=True, specific_tags=_WANTED)
        except Exception as error:
            raise HeaderError("not_dicom", str(path), "no DICM prefix") from error
    sop_class = element.text(dataset, 0x00080016) or ""
    if not (sop_class.startswith("1.2.840.10008.") and element.text(dataset, 0x00080018)):
        raise HeaderError("not_dicom", str(path), "no DICM prefix, no SOP class and instance")
    return dataset, stop, False


def _read(stream: BinaryIO, path: Path) -> InstanceHeader:
    """Read one open file."""
    size = path.stat().st_size
    dataset, stop, has_preamble = _parse(stream, path)
    syntax = _transfer_syntax(dataset)
    offset = None
    if stop.tag is not None and syntax in _UNIFORM:
        offset = stream.tell() + _element_head(stream)
    length = None if stop.tag is None or stop.length == _UNDEFINED else stop.length
    sop_class = element.text(dataset, 0x00080016) or _media_class(dataset)
    if sop_class is None:
        raise HeaderError(
            "unreadable_dicom", str(path), "no SOP class", element.text(dataset, 0x0020000E)
        )
    return _header(
        dataset,
        file=str(path),
        file_bytes=size,
        has_preamble=has_preamble,
        transfer_syntax=syntax,
        sop_class_uid=sop_class,
        pixel_tag=stop.tag,
        pixel_offset=offset,
        pixel_length=length,
        truncated=offset is not None and length is not None and offset + length > size,
    )


def _element_head(stream: BinaryIO) -> int:
    """Return how many bytes tag, VR and length of the pixel element take.

    Asked of the bytes, as files lie about their transfer syntax. In implicit VR these bytes are
    an even length, so they cannot be taken for one of these letters.
    """
    head = stream.read(8)
    stream.seek(-len(head), 1)
    return 12 if head[4:6] in {b"OB", b"OW", b"OF", b"OD", b"UN"} else 8


def _transfer_syntax(dataset: FileDataset) -> str:
    """Return the transfer syntax, as found where the file meta information does not name one."""
    named = dataset.file_meta.get("TransferSyntaxUID")
    if named:
        return str(named)
    implicit, little = dataset.original_encoding
    if implicit:
        return str(ImplicitVRLittleEndian)
    return str(ExplicitVRLittleEndian if little else ExplicitVRBigEndian)


def _media_class(dataset: FileDataset) -> str | None:
    """Return the SOP class that the file meta information names."""
    named = dataset.file_meta.get("MediaStorageSOPClassUID")
    return str(named) if named else None


def _header(
    d: FileDataset,
    *,
    file: str,
    file_bytes: int,
    has_preamble: bool,
    transfer_syntax: str,
    sop_class_uid: str,
    pixel_tag: int | None,
    pixel_offset: int | None,
    pixel_length: int | None,
    truncated: bool,
) -> InstanceHeader:
    """Collect the elements of a parsed header."""
    e = element
    position = e.decimals(d, 0x00200032, count=3)
    orientation = e.decimals(d, 0x00200037, count=6)
    spacing = e.decimals(d, 0x00280030, count=2)
    representation = e.unsigned(d, 0x00280103)
    frames = e.whole(d, 0x00280008)
    return InstanceHeader(
        file=file,
        file_bytes=file_bytes,
        has_preamble=has_preamble,
        transfer_syntax=transfer_syntax,
        sop_class_uid=sop_class_uid,
        sop_instance_uid=e.text(d, 0x00080018),
        modality=e.text(d, 0x00080060),
        patient_id=e.text(d, 0x00100020),
        study_uid=e.text(d, 0x0020000D),
        series_uid=e.text(d, 0x0020000E),
        frame_of_reference_uid=e.text(d, 0x00200052),
        clinical_trial_subject_id=e.text(d, 0x00120040),
        image_type=tuple(part.upper() for part in e.texts(d, 0x00080008)),
        acquisition_number=e.whole(d, 0x00200012),
        acquisition_date=e.text(d, 0x00080022) or _day_of(e.text(d, 0x0008002A)),
        acquisition_time=e.text(d, 0x00080032) or _time_of(e.text(d, 0x0008002A)),
        content_time=e.text(d, 0x00080033),
        series_date=e.text(d, 0x00080021),
        study_date=e.text(d, 0x00080020),
        series_number=e.whole(d, 0x00200011),
        instance_number=e.whole(d, 0x00200013),
        images_in_acquisition=e.whole(d, 0x00201002),
        series_description=e.text(d, 0x0008103E),
        protocol_name=e.text(d, 0x00181030),
        contrast_agent=e.text(d, 0x00180010),
        contrast_start_time=e.text(d, 0x00181042),
        manufacturer=e.text(d, 0x00080070),
        kernel="/".join(e.texts(d, 0x00181210)) or None,
        kvp=e.number(d, 0x00180060),
        echo_number=e.whole(d, 0x00180086),
        echo_time_ms=e.number(d, 0x00180081),
        flip_angle=e.number(d, 0x00181314),
        inversion_time_ms=e.number(d, 0x00180082),
        trigger_time_ms=e.number(d, 0x00181060),
        temporal_position=e.whole(d, 0x00200100),
        b_value=_b_value(d),
        position=None if position is None else (position[0], position[1], position[2]),
        orientation=None if orientation is None else (*orientation[:3], *orientation[3:]),  # type: ignore[arg-type]
        rows=e.unsigned(d, 0x00280010),
        columns=e.unsigned(d, 0x00280011),
        pixel_spacing=None if spacing is None else (spacing[0], spacing[1]),
        pixel_spacing_text=e.text(d, 0x00280030),
        slice_thickness=e.number(d, 0x00180050),
        spacing_between_slices=e.number(d, 0x00180088),
        rescale_slope=e.number(d, 0x00281053),
        rescale_intercept=e.number(d, 0x00281052),
        rescale_given=(bool(e.raw_bytes(d, 0x00281053)), bool(e.raw_bytes(d, 0x00281052))),
        rescale_type=e.text(d, 0x00281054),
        scale_slope_philips=_private_number(d, 0x2005100E, "Philips MR Imaging DD 001"),
        photometric=e.text(d, 0x00280004),
        samples_per_pixel=e.unsigned(d, 0x00280002),
        bits_allocated=e.unsigned(d, 0x00280100),
        bits_stored=e.unsigned(d, 0x00280101),
        high_bit=e.unsigned(d, 0x00280102),
        signed=None if representation is None else representation == 1,
        padding_bytes=_little(d, 0x00280120),
        padding_limit_bytes=_little(d, 0x00280121),
        overlay_bits=_overlay_bits(d),
        number_of_frames=1 if frames is None else frames,
        lossy=e.text(d, 0x00282110) == "01",
        pixel_tag=pixel_tag,
        pixel_offset=pixel_offset,
        pixel_length=pixel_length,
        truncated=truncated,
    )


def _day_of(moment: str | None) -> str | None:
    """Return the date of an Acquisition DateTime."""
    return moment[:8] if moment else None


def _time_of(moment: str | None) -> str | None:
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


_WANTED: list[BaseTag | int] = [
    BaseTag(tag)
    for tag in (
        0x00080005, 0x00080008, 0x00080016, 0x00080018, 0x00080020, 0x00080021, 0x00080022,
        0x0008002A, 0x00080032, 0x00080033, 0x00080060, 0x00080070, 0x0008103E, 0x00100020,
        0x00120040, 0x00180010, 0x00180050, 0x00180060, 0x00180081, 0x00180082, 0x00180086,
        0x00180088, 0x00181030, 0x00181042, 0x00181060, 0x00181210, 0x00181314, 0x00189087,
        0x00190010, 0x0019100C, 0x0020000D, 0x0020000E, 0x00200011, 0x00200012, 0x00200013,
        0x00200032, 0x00200037, 0x00200052, 0x00200100, 0x00201002, 0x00280002, 0x00280004,
        0x00280008, 0x00280010, 0x00280011, 0x00280030, 0x00280100, 0x00280101, 0x00280102,
        0x00280103, 0x00280120, 0x00280121, 0x00281052, 0x00281053, 0x00281054, 0x00282110,
        0x00430010, 0x00431039, 0x20050010, 0x2005100E,
        *(tag | part for tag in _OVERLAYS for part in (0x0100, 0x0102)),
    )
]  # fmt: skip
