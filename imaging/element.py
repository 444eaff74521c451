"""Values of raw DICOM elements, decoded strictly: what is not a number is None, not a guess."""

from __future__ import annotations

import re
import struct
from functools import lru_cache

from pydicom import config
from pydicom.charset import convert_encodings, decode_bytes
from pydicom.datadict import dictionary_has_tag, dictionary_VR
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.uid import UID

_DECIMAL = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?")
_BINARY = {"FD": "d", "FL": "f", "US": "H", "SS": "h", "UL": "I", "SL": "i"}
_BEYOND_ANY_HEADER = 1e12


def raw_element(dataset: Dataset, tag: int) -> RawDataElement | None:
    """Return the undecoded element, or None where it is absent or a sequence."""
    if tag not in dataset:
        return None
    element = dataset.get_item(tag)
    return element if isinstance(element, RawDataElement) else None


def raw_bytes(dataset: Dataset, tag: int) -> bytes:
    """Return the value's bytes; empty where absent."""
    element = raw_element(dataset, tag)
    return bytes(element.value) if element is not None and element.value else b""


def text(dataset: Dataset, tag: int) -> str | None:
    """Return the stripped text of an element in the file's character set, None where empty."""
    value = raw_bytes(dataset, tag)
    if value.isascii():
        return ascii_text(value)
    return _decoded(dataset, value.rstrip(b"\0 ").lstrip(b" ")).strip("\0 ") or None


def ascii_text(value: bytes) -> str | None:
    """Return the stripped text of bytes that are ASCII, None where empty."""
    return value.rstrip(b"\0 ").lstrip(b" ").decode("ascii") or None


def _decoded(dataset: Dataset, value: bytes) -> str:
    """Decode non-ASCII text; a wrong or unknown character set must not stop the reading."""
    try:
        named = dataset.get("SpecificCharacterSet") or ""
        encodings = convert_encodings([named] if isinstance(named, str) else list(named))
        return decode_bytes(value, encodings, set())
    except (LookupError, ValueError, UnicodeError):
        return value.decode("latin-1")


def texts(dataset: Dataset, tag: int) -> tuple[str, ...]:
    """Return the parts of a multi-valued text."""
    whole = text(dataset, tag)
    return tuple(part.strip() for part in whole.split("\\")) if whole else ()


def decimal(written: str) -> float | None:
    """Return the number that a decimal string holds; None for anything else.

    A decimal comma, ``nan``, ``inf`` and two numbers run together are not numbers.
    """
    written = written.strip("\0 ")
    if not _DECIMAL.fullmatch(written):
        return None
    number = float(written)
    return number if abs(number) < _BEYOND_ANY_HEADER else None


def decimals(dataset: Dataset, tag: int, *, count: int) -> tuple[float, ...] | None:
    """Return exactly ``count`` numbers, or None where any is missing or no number."""
    element = raw_element(dataset, tag)
    if element is None or not element.value:
        return None
    vr = _representation(element)
    if vr in _BINARY:
        found = _binary(element, vr)
    else:
        return written_decimals(element.value, count=count)
    numbers = [number for number in found if number is not None]
    if len(found) != count or len(numbers) != count:
        return None
    return tuple(numbers)


def written_decimals(value: bytes, *, count: int) -> tuple[float, ...] | None:
    """Return exactly ``count`` numbers written as text, or None where any is no number."""
    found = [_written(part) for part in value.split(b"\\")]
    numbers = tuple(number for number in found if number is not None)
    return numbers if len(found) == count == len(numbers) else None


@lru_cache(maxsize=4096)  # slices of a series have most of their numbers in common
def _written(part: bytes) -> float | None:
    """Return the number that the bytes of a decimal string hold."""
    return decimal(part.decode("latin-1"))


def number(dataset: Dataset, tag: int) -> float | None:
    """Return one number, or None."""
    found = decimals(dataset, tag, count=1)
    return None if found is None else found[0]


def first_number(dataset: Dataset, tag: int) -> float | None:
    """Return the first of one or more numbers, or None."""
    parts = texts(dataset, tag)
    return decimal(parts[0]) if parts else None


def whole(dataset: Dataset, tag: int) -> int | None:
    """Return one whole number written as text (IS), or None."""
    found = number(dataset, tag)
    return int(found) if found is not None and found == int(found) else None


def unsigned(dataset: Dataset, tag: int) -> int | None:
    """Return one unsigned 16-bit number (US) whatever representation the file claims, or None."""
    element = raw_element(dataset, tag)
    if element is None or not element.value:
        return None
    if element.VR in {"IS", "DS"}:
        return whole(dataset, tag)
    if len(element.value) == 2:
        return int(struct.unpack("<H" if element.is_little_endian else ">H", element.value)[0])
    return None


def _representation(element: RawDataElement) -> str:
    """Return the VR that the file names, else the dictionary's; empty where neither knows."""
    if element.VR is not None and element.VR != "UN":
        return str(element.VR)
    return dictionary_VR(element.tag) if dictionary_has_tag(element.tag) else ""


def _binary(element: RawDataElement, vr: str) -> list[float | None]:
    """Return the numbers of a binary element; NaN and infinities are None."""
    letter = _BINARY[vr]
    order = "<" if element.is_little_endian else ">"
    value = bytes(element.value or b"")
    count, rest = divmod(len(value), struct.calcsize(letter))
    if rest:
        return []
    numbers = struct.unpack(f"{order}{count}{letter}", value)
    return [float(n) if abs(n) < _BEYOND_ANY_HEADER else None for n in numbers]


def uid_name(uid: str) -> str:
    """Return the name of a UID in the DICOM registry, else the UID; damaged UIDs do not warn."""
    return UID(uid, validation_mode=config.IGNORE).name
