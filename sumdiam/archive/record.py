"""Headers as JSON and back, without loss: what the index of a scan keeps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

from imaging.geometry import VolumeGeometry
from imaging.header import InstanceHeader
from imaging.mask import MaskHeader, SegmentIdentity
from imaging.sr_report import ReportHeader
from imaging.volume import LeftOut
from sumdiam.archive.damage import RefusedFile

_GEOMETRY = "VolumeGeometry"
RECORDS: dict[str, type] = {
    record.__name__: record
    for record in (InstanceHeader, MaskHeader, SegmentIdentity, ReportHeader, LeftOut, RefusedFile)
}
"""What may be kept. A file that holds anything else is read again: nothing is kept half."""


def plain(value: Any) -> Any:
    """Return a value as JSON can hold it.

    Raises
    ------
    TypeError
        For a value that `built` would not give back.
    """
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, tuple):
        return [plain(part) for part in value]
    if isinstance(value, bytes):
        return {"bytes": value.hex()}
    if type(value) is VolumeGeometry:
        affine = [float(cell) for cell in value.affine.ravel()]
        return {_GEOMETRY: [affine, list(map(int, value.shape)), value.frame_of_reference_uid]}
    name = type(value).__name__
    if is_dataclass(value) and RECORDS.get(name) is type(value):
        return {name: [plain(getattr(value, field.name)) for field in fields(value)]}
    msg = f"a {name} is not kept"
    raise TypeError(msg)


def built(value: Any) -> Any:
    """Return the value that `plain` was given."""
    if isinstance(value, list):
        return tuple(built(part) for part in value)
    if isinstance(value, dict):
        [(name, content)] = value.items()
        if name == "bytes":
            return bytes.fromhex(content)
        if name == _GEOMETRY:
            affine, shape, frame = content
            return VolumeGeometry(np.array(affine).reshape(4, 4), tuple(shape), frame)
        return RECORDS[name](*map(built, content))
    return value


def is_kept(value: Any) -> bool:
    """Return whether a value can be kept without loss."""
    try:
        plain(value)
    except TypeError:
        return False
    return True


def columns(rows: Sequence[tuple[Any, ...]]) -> list[Any]:
    """Return rows column by column; a column of equal values holds one.

    The slices of a series share nearly all of their header.
    """
    table: list[Any] = []
    for cells in zip(*rows, strict=True):
        kept = [plain(cell) for cell in cells]
        first = repr(kept[0])  # 1, 1.0 and True are equal, and so are 0.0 and -0.0
        same = all(cell == kept[0] and repr(cell) == first for cell in kept)
        table.append({"all": kept[0]} if same else kept)
    return table


def rows(table: Sequence[Any], count: int) -> list[tuple[Any, ...]]:
    """Return the rows that `columns` was given."""
    cells = []
    for column in table:
        if isinstance(column, dict):
            cells.append([built(column["all"])] * count)
        else:
            cells.append([built(cell) for cell in column])
    return list(zip(*cells, strict=True))
