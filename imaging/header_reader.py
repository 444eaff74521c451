"""Headers of plain DICOM files, read by a walk over their elements; pydicom reads all others.

pydicom remains the parser of record: the walk takes files of explicit or implicit little endian
with one frame, and gives up at the first byte that it does not expect. What it gives, pydicom gives
too (`tests/imaging/test_header_walk.py`), at more than a dozen times the cost.
"""

from __future__ import annotations

import os
import re
import stat
import struct
import warnings
from dataclasses import fields, make_dataclass
from functools import lru_cache
from typing import Any, Generic, TypeVar, cast

from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import FileDataset
from pydicom.tag import BaseTag

from imaging import element
from imaging.header_element import CHARACTER_SET, GiveUpError
from imaging.header_field import day_of, header_fields, time_of
from imaging.header_model import HeaderModel
from imaging.header_walk import OWN, SLOTS, TAGS, Walk

Header = TypeVar("Header")

_OWN_FIELDS = (
    "file", "file_bytes", "transfer_syntax", "meta_instance_uid", "sop_instance_uid",
    "acquisition_date", "acquisition_time", "content_time", "instance_number", "position",
    "pixel_tag", "pixel_offset", "pixel_length", "truncated",
)  # fmt: skip

_MOST_SHARED = 1024
_READ_ONLY = os.O_RDONLY | getattr(os, "O_BINARY", 0)
_CHARACTER_SETS = re.compile(rb"(ISO_IR (6|100|101|109|110|126|127|138|144|148|166|192) ?)?")
_text = lru_cache(maxsize=1024)(element.ascii_text)
_UID, _DAY, _TIME, _CONTENT, _MOMENT, _NUMBER, _POSITION = range(len(OWN))


class HeaderReader(Generic[Header]):
    """Reads the headers of plain files, and remembers what their slices share.

    Parameters
    ----------
    made : `imaging.header.InstanceHeader`
        A frozen dataclass with slots. To fill these one by one would take as long as the reading:
        a class with the same slots that is not frozen fills them, and its instance is then given
        this class.
    """

    def __init__(self, made: type[Header]) -> None:
        self._made = made
        named = fields(made)  # type: ignore[arg-type]
        self._places = {field.name: place for place, field in enumerate(named)}
        self._own = tuple(self._places[name] for name in _OWN_FIELDS)
        self._class = self._places["sop_class_uid"]
        self._defaults = {field.name: field.default for field in named}
        self._twin: Any = make_dataclass(made.__name__, self._places, slots=True)
        self._shared: dict[tuple[bool | bytes | None, ...], list[Any]] = {}
        self._model: HeaderModel | None = None

    def read(self, path: str) -> Header | None:
        """Return the header of one file, None where pydicom must read it.

        Only a regular file is opened.
        """
        try:
            found = os.stat(path)  # noqa: PTH116 - Path takes as long again
            if not stat.S_ISREG(found.st_mode):
                return None
            file = os.open(path, _READ_ONLY)
        except (OSError, ValueError):
            return None
        try:
            return self._header(Walk(file, found.st_size), path)
        except (OSError, struct.error, GiveUpError):
            return None
        finally:
            os.close(file)

    def _header(self, walk: Walk, path: str) -> Header:
        """Return the header of one open file."""
        values = self._values(walk).copy()
        if values[self._class] is None:
            values[self._class] = walk.uid(0x00020002).decode()
            if not values[self._class]:
                raise GiveUpError
        for place, value in zip(self._own, _own_fields(walk, path), strict=True):
            values[place] = value
        header = self._twin(*values)
        header.__class__ = self._made
        return cast("Header", header)

    def _values(self, walk: Walk) -> list[Any]:
        """Walk through a file; return the values of its header, those of another slice's own."""
        model = self._model
        followed = model is not None and _follows(model, walk)
        if model is not None and followed and model.shares_all:
            return model.values
        if not followed:
            walk.through()
        key = (walk.implicit, *walk.row[len(OWN) : len(TAGS)])
        values = self._shared.get(key)
        if values is None:
            values = self._decoded(walk)
            if len(self._shared) >= _MOST_SHARED:
                self._shared.clear()
            self._shared[key] = values
        if not followed and walk.in_window:
            self._model = HeaderModel(walk, values, model)
        return values

    def _decoded(self, walk: Walk) -> list[Any]:
        """Return all values of a header, decoded by the functions that decode pydicom's."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the values are judged elsewhere
            dataset = _dataset(walk)
            found = self._defaults | header_fields(dataset)
            found["sop_class_uid"] = element.text(dataset, 0x00080016)
            found["has_preamble"] = True
        if found["number_of_frames"] != 1:
            raise GiveUpError
        return [found[name] for name in self._places]


def _follows(model: HeaderModel, walk: Walk) -> bool:
    """Return whether a file fits the model of the file before."""
    try:
        return model.follow(walk)
    except (GiveUpError, struct.error):
        return False


def _own_fields(walk: Walk, path: str) -> tuple[Any, ...]:
    """Return the fields that are the slice's own, in their order above."""
    value, row = walk.value, walk.row
    for slot, vr in ((_NUMBER, b"IS"), (_POSITION, b"DS")):
        if not (walk.implicit or (row[slot] or vr)[:2] == vr):
            raise GiveUpError
    try:
        moment = _text(value(_MOMENT))
        number = element.written_decimals(value(_NUMBER), count=1)
        tag, place, length = walk.pixels()
        return (
            path,
            walk.size,
            walk.syntax,
            walk.uid(0x00020003).decode() or None,
            element.ascii_text(value(_UID)),
            _text(value(_DAY)) or day_of(moment),
            _text(value(_TIME)) or time_of(moment),
            element.ascii_text(value(_CONTENT)),
            int(number[0]) if number and number[0] == int(number[0]) else None,
            element.written_decimals(value(_POSITION), count=3),
            tag,
            place,
            length,
            place is not None and length is not None and place + length > walk.size,
        )
    except UnicodeError as error:
        raise GiveUpError from error


def _dataset(walk: Walk) -> FileDataset:
    """Return the wanted elements as pydicom's parser would."""
    characters = walk.row[SLOTS[CHARACTER_SET]]
    if characters is not None and not (
        _CHARACTER_SETS.fullmatch(walk.value(SLOTS[CHARACTER_SET]))
        and (walk.implicit or characters[:2] == b"CS")
    ):
        raise GiveUpError
    elements: dict[BaseTag, DataElement | RawDataElement] = {}
    for slot, tag in enumerate(TAGS):
        part = walk.row[slot]
        if part is not None:
            value = walk.value(slot)
            vr = None if walk.implicit else part[:2].decode()
            elements[tag] = RawDataElement(
                tag, vr, len(value), value, 0, walk.implicit, is_little_endian=True
            )
    return FileDataset("", elements, is_implicit_VR=walk.implicit)
