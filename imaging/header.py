"""What the header of one DICOM instance says, as plain values."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import warnings
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, TypeVar

from pydicom.dataset import FileDataset
from pydicom.errors import InvalidDicomError
from pydicom.filereader import read_dataset, read_partial, read_preamble
from pydicom.tag import BaseTag
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from imaging import element
from imaging.header_field import WANTED, header_fields
from imaging.header_reader import HeaderReader
from imaging.reason import ReasonedError

Result = TypeVar("Result")

_PIXEL_TAGS = (0x7FE00008, 0x7FE00009, 0x7FE00010)
_UNDEFINED = 0xFFFFFFFF
_MOST_ELEMENTS = 10_000
"""No header has so many top-level elements; a file full of zeros reads as millions."""
LONGEST_HEADER_BYTES = 64 << 20
"""So many bytes are looked at before the pixels are reached; the longest real headers, of thousands
of frames, take a quarter of it."""
LONGEST_INFLATED_BYTES = 256 << 20
"""A deflated file may unpack to so many bytes: 500 slices in one."""
_INFLATED_PIECE = 1 << 20
_META_BYTES = 4096
_MOST_READS = 1 << 20
_WATCHED_BYTES = 8 << 20
"""Shorter files hold no more elements than this many reads would find."""
_UNIFORM = {ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian}


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
    ``meta_instance_uid`` is what the file meta information calls the instance.

    ``frame_number`` is None in the header of a file. A frame of a multi-frame file has the same
    fields, filled from its functional groups, and its number from 1 (`imaging.frame`): position,
    echo, rescale and so on are then its own, while ``file``, ``pixel_offset`` and ``pixel_length``
    still speak of the file. ``dimensions`` are its indices in what is not space, by the name of
    the attribute that the dimension points to. ``lookup_table`` says that values are not mapped
    by slope and intercept alone.
    """

    file: str
    file_bytes: int
    has_preamble: bool
    transfer_syntax: str
    sop_class_uid: str
    sop_instance_uid: str | None
    meta_instance_uid: str | None
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
    units: str | None = None
    lookup_table: bool = False
    stack_id: str | None = None
    temporal_offset_s: float | None = None
    contrast_phase: str | None = None
    complex_component: str | None = None
    concatenation_uid: str | None = None
    concatenation_files: int | None = None
    dimensions: tuple[tuple[str, int], ...] = ()
    frame_number: int | None = None


_PLAIN = HeaderReader(InstanceHeader)


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
    name = path if isinstance(path, str) and _is_tidy(path) else str(Path(path))
    return _PLAIN.read(name) or parse_header(path)


def _is_tidy(path: str) -> bool:
    """Return whether a path is written as a Path would write it; making one takes longer."""
    return (
        os.sep == "/"
        and path != ""
        and path[:2] != "./"
        and "//" not in path
        and "/./" not in path
        and not path.endswith(("/", "/."))
    )


def parse_header(path: str | Path) -> InstanceHeader:
    """Return what pydicom finds in the header of a file, which `read_header` asks where it must."""
    return walk_header(path, _read)


def walk_header(path: str | Path, read: Callable[[BinaryIO, Path], Result]) -> Result:
    """Return what ``read`` makes of an open file that is watched while its header is parsed.

    Raises
    ------
    HeaderError
        ``unreadable_file``, ``not_dicom`` or ``unreadable_dicom``, whatever ``read`` raised.
    """
    path = Path(path)
    if path.exists() and not path.is_file():
        raise HeaderError("unreadable_file", str(path), "not a regular file")  # a FIFO would block
    try:
        with warnings.catch_warnings(), path.open("rb") as stream:
            warnings.simplefilter("ignore")  # the values are judged here, not by pydicom
            return read(_Bounded(stream) if _is_huge(path) else stream, path)
    except ReasonedError:
        raise
    except OSError as error:
        # damaged lengths make the parser seek to nowhere, which is no fault of disk or permissions
        code = "unreadable_dicom" if error.errno in (None, errno.EINVAL) else "unreadable_file"
        raise HeaderError(code, str(path), type(error).__name__) from error
    except Exception as error:
        raise HeaderError("unreadable_dicom", str(path), type(error).__name__) from error


def _is_huge(path: Path) -> bool:
    """Return whether a file is long enough to lead the parser astray for minutes."""
    return path.stat().st_size > _WATCHED_BYTES


class _PixelStop:
    """Stops the parser at the pixel data and remembers what it announced."""

    def __init__(self) -> None:
        self.tag: int | None = None
        self.length = 0
        self._elements = 0

    def __call__(self, tag: BaseTag, _vr: str | None, length: int) -> bool:
        self._elements += 1
        if self._elements > _MOST_ELEMENTS:
            msg = "too many elements"
            raise ValueError(msg)
        if tag < _PIXEL_TAGS[0]:
            return False
        self.tag, self.length = int(tag), length
        return True


class _Bounded(io.BufferedReader):
    """A file that ends in an error after the longest header, where its content has led astray."""

    def __init__(self, stream: io.BufferedReader) -> None:
        super().__init__(stream.raw)
        self._left, self._reads = LONGEST_HEADER_BYTES, 0

    def read(self, size: int | None = -1, /) -> bytes:
        """Read like the file itself."""
        data = super().read(self._left + 1 if size is None or size < 0 else size)
        self._left -= len(data)
        self._reads += 1
        if self._left < 0 or self._reads > _MOST_READS:
            msg = "no end of the header"
            raise ValueError(msg)
        return data


def parse_elements(
    stream: BinaryIO, path: Path, wanted: list[BaseTag | int]
) -> tuple[FileDataset, _PixelStop, bool]:
    """Return the wanted elements, the pixel element that ended them, and if there is a preamble."""
    _refuse_to_inflate(stream, path)
    stop = _PixelStop()
    try:
        return read_partial(stream, stop, specific_tags=wanted), stop, True
    except InvalidDicomError:
        stream.seek(0)
        stop = _PixelStop()
        try:
            dataset = read_partial(stream, stop, force=True, specific_tags=wanted)
        except Exception as error:
            raise HeaderError("not_dicom", str(path), "no DICM prefix") from error
    sop_class = element.text(dataset, 0x00080016) or ""
    if not (sop_class.startswith("1.2.840.10008.") and element.text(dataset, 0x00080018)):
        raise HeaderError("not_dicom", str(path), "no DICM prefix, no SOP class and instance")
    return dataset, stop, False


def _refuse_to_inflate(stream: BinaryIO, path: Path) -> None:
    """Refuse a deflated file of megabytes that unpacks to gigabytes; pydicom unpacks all of it."""
    begin = stream.read(_META_BYTES)
    stream.seek(0)
    if DeflatedExplicitVRLittleEndian.encode() not in begin:
        return
    read_preamble(stream, force=True)
    meta = read_dataset(
        stream,
        is_implicit_VR=False,
        is_little_endian=True,
        stop_when=lambda tag, _vr, _length: tag >> 16 != 2,
    )
    if meta.get("TransferSyntaxUID") == DeflatedExplicitVRLittleEndian:
        inflate, size = zlib.decompressobj(wbits=-zlib.MAX_WBITS), 0
        while piece := inflate.unconsumed_tail or stream.read(_INFLATED_PIECE):
            size += len(inflate.decompress(piece, _INFLATED_PIECE))
            if size > LONGEST_INFLATED_BYTES:
                detail = f"more than {LONGEST_INFLATED_BYTES >> 20} MiB"
                raise HeaderError("inflates_too_far", str(path), detail)
    stream.seek(0)


def _read(stream: BinaryIO, path: Path) -> InstanceHeader:
    """Read one open file."""
    size = path.stat().st_size
    dataset, stop, has_preamble = parse_elements(stream, path, WANTED)
    syntax = _transfer_syntax(dataset)
    offset = None
    if stop.tag is not None and syntax in _UNIFORM:
        offset = stream.tell() + _element_head(stream)
    length = None if stop.tag is None or stop.length == _UNDEFINED else stop.length
    sop_class = element.text(dataset, 0x00080016) or _media(dataset, "MediaStorageSOPClassUID")
    if sop_class is None:
        raise HeaderError(
            "unreadable_dicom", str(path), "no SOP class", element.text(dataset, 0x0020000E)
        )
    return InstanceHeader(
        file=str(path),
        file_bytes=size,
        has_preamble=has_preamble,
        transfer_syntax=syntax,
        sop_class_uid=sop_class,
        meta_instance_uid=_media(dataset, "MediaStorageSOPInstanceUID"),
        pixel_tag=stop.tag,
        pixel_offset=offset,
        pixel_length=length,
        truncated=offset is not None and length is not None and offset + length > size,
        **header_fields(dataset),
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


def _media(dataset: FileDataset, keyword: str) -> str | None:
    """Return a UID that the file meta information names."""
    named = dataset.file_meta.get(keyword)
    return str(named) if named else None
