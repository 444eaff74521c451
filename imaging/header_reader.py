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
from dataclasses import fields
from itertools import repeat
from operator import call
from typing import Any, Generic, TypeVar

from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import FileDataset
from pydicom.tag import BaseTag

from imaging import element
from imaging.header_element import CHARACTER_SET, GiveUpError
from imaging.header_field import day_of, header_fields, time_of
from imaging.header_model import HeaderModel
from imaging.header_walk import OWN, SLOTS, TAGS, Walk

Header = TypeVar("Header")

_MOST_SHARED = 1024
_CHARACTER_SETS = re.compile(rb"(ISO_IR (6|100|101|109|110|126|127|138|144|148|166|192) ?)?")
_UID, _DAY, _TIME, _CONTENT, _MOMENT, _NUMBER, _POSITION = range(len(OWN))


class HeaderReader(Generic[Header]):
    """Reads the headers of plain files, and remembers what their slices share.

    Parameters
    ----------
    made : `imaging.header.InstanceHeader`
        A frozen dataclass with slots. Its slots are filled directly: they are many, and setting
        them one by one in Python would take as long as the reading.
    """

    def __init__(self, made: type[Header]) -> None:
        self._made = made
        named = fields(made)  # type: ignore[arg-type]
        self._places = {field.name: place for place, field in enumerate(named)}
        self._defaults = {field.name: field.default for field in named}
        self._fill = tuple(getattr(made, name).__set__ for name in self._places)
        self._shared: dict[tuple[bool | bytes | None, ...], list[Any]] = {}
        self._model: HeaderModel | None = None

    def read(self, path: str) -> Header | None:
        """Return the header of one file, None where pydicom must read it.

        Only a regular file is opened.
        """
        try:
            if not stat.S_ISREG(os.stat(path).st_mode):  # noqa: PTH116 - Path takes as long again
                return None
            file = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
        except (OSError, ValueError):
            return None
        try:
            return self._header(Walk(file), path)
        except (OSError, struct.error, GiveUpError):
            return None
        finally:
            os.close(file)

    def _header(self, walk: Walk, path: str) -> Header:
        """Return the header of one open file."""
        values = self._values(walk).copy()
        own = _own_fields(walk)
        own["file"], own["file_bytes"] = path, walk.size
        own["transfer_syntax"] = walk.syntax
        own["meta_instance_uid"] = walk.uid(0x00020003).decode() or None
        if values[self._places["sop_class_uid"]] is None:
            own["sop_class_uid"] = walk.uid(0x00020002).decode()
            if not own["sop_class_uid"]:
                raise GiveUpError
        for name, value in own.items():
            values[self._places[name]] = value
        header = object.__new__(self._made)
        any(map(call, self._fill, repeat(header), values))  # no setter returns anything
        return header

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


def _own_fields(walk: Walk) -> dict[str, Any]:
    """Return the fields that are the slice's own."""
    value, row = walk.value, walk.row
    for slot, vr in ((_NUMBER, b"IS"), (_POSITION, b"DS")):
        if not (walk.implicit or (row[slot] or vr)[:2] == vr):
            raise GiveUpError
    try:
        moment = element.ascii_text(value(_MOMENT))
        number = element.written_decimals(value(_NUMBER), count=1)
        tag, place, length = walk.pixels()
        return {
            "sop_instance_uid": element.ascii_text(value(_UID)),
            "acquisition_date": element.ascii_text(value(_DAY)) or day_of(moment),
            "acquisition_time": element.ascii_text(value(_TIME)) or time_of(moment),
            "content_time": element.ascii_text(value(_CONTENT)),
            "instance_number": int(number[0]) if number and number[0] == int(number[0]) else None,
            "position": element.written_decimals(value(_POSITION), count=3),
            "pixel_tag": tag,
            "pixel_offset": place,
            "pixel_length": length,
            "truncated": place is not None and length is not None and place + length > walk.size,
        }
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
