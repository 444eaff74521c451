"""The pictures of the page: which measurement is seen where, in which order, under which words."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from measurement.flag import is_doubtful
from sumdiam.report import wording
from sumdiam.report.grid import anchor_of
from sumdiam.report.overlay import PICTURES, SHOWN_IN
from sumdiam.report.picture_source import PictureSource
from sumdiam.report.run_tables import RunTables
from sumdiam.report.view import View

Key = tuple[str, str, int]

QUANTITY_WORDS: Mapping[str, str] = {
    "viable_diameter": "viable diameter",
    "viable_perpendicular": "viable short axis",
    "whole_diameter": "whole diameter",
    "whole_perpendicular": "whole short axis",
    "node_short_axis": "short axis of the node",
}
_OBLIQUE = math.cos(math.radians(85.0))
_SECOND = {first: second for one in PICTURES.values() for first, second, _ in one}


@dataclass(frozen=True, slots=True)
class Picture:
    """One overlay: where it lies, what it shows. ``source`` is empty where the file is gone.

    ``shows`` are the measurements seen on it, ``row`` is the anchor of its lesion's row; notes
    such as `registered` do not make it ``doubtful``.
    """

    anchor: str
    source: str
    visit: str
    lengths: tuple[str, ...]
    place: str
    series: str
    flags: tuple[str, ...]
    doubtful: bool
    decided: str
    shows: tuple[str, ...]
    row: str

    @property
    def alt(self) -> str:
        """Words for who cannot see it, and for the enlarged picture."""
        parts = [self.visit, "; ".join(self.lengths), self.place, self.decided, *self.flags]
        return "; ".join(part for part in parts if part)


@dataclass(frozen=True, slots=True)
class PictureStrip:
    """The pictures of one lesion and one length, visit by visit."""

    lesion_id: str
    length: str
    pictures: tuple[Picture, ...]


@dataclass(frozen=True, slots=True)
class PictureGroup:
    """The pictures of one subject; ``lesions`` and ``course`` are the ways back to its rows."""

    subject_id: str
    anchor: str
    lesions: str
    course: str
    strips: tuple[PictureStrip, ...]


@dataclass(frozen=True, slots=True)
class _Context:
    """What all pictures of a page are made with."""

    overlays: PictureSource
    series: Mapping[str, str]
    scans: Mapping[Key, str]


def lesion_anchor(subject_id: str, lesion_id: str, timepoint: int) -> str:
    """Return the anchor of a lesion's row in the lesion table."""
    return anchor_of("lesion", "\x1f".join((subject_id, lesion_id, str(timepoint))))


def picture_groups(
    tables: RunTables, view: View, overlays: PictureSource
) -> tuple[PictureGroup, ...]:
    """Return the pictures by subject and lesion, visit by visit.

    Parameters
    ----------
    overlays : by measurement_id
        Equal pictures of one lesion and visit are shown once.
    """
    rows = tables.measurements.sort_values(["measurement_id", "revision"])
    rows = rows.drop_duplicates("measurement_id", keep="last")
    rows = rows[rows["reader"] == view.reader]
    by_lesion: dict[Key, dict[str, dict[Any, Any]]] = {}
    for row in rows.to_dict("records"):
        key = (str(row["subject_id"]), str(row["lesion_id"]), int(row["timepoint"]))
        by_lesion.setdefault(key, {})[str(row["quantity"])] = row
    context = _Context(overlays, _series_words(tables), _scans(view))
    strips: dict[tuple[str, str], dict[str, list[Picture]]] = {}
    for key in sorted(by_lesion):
        for quantity, picture in _of_lesion(key, by_lesion[key], context).items():
            strips.setdefault(key[:2], {}).setdefault(quantity, []).append(picture)
    groups: dict[str, list[PictureStrip]] = {}
    for (subject_id, lesion_id), by_quantity in sorted(strips.items()):
        for quantity in (q for q in QUANTITY_WORDS if q in by_quantity):
            pictures = tuple(by_quantity[quantity])
            strip = PictureStrip(lesion_id, QUANTITY_WORDS[quantity], pictures)
            groups.setdefault(subject_id, []).append(strip)
    return tuple(_group(view, name, tuple(found)) for name, found in sorted(groups.items()))


def _group(view: View, subject_id: str, strips: tuple[PictureStrip, ...]) -> PictureGroup:
    """Return the pictures of one subject with the ways back."""
    lesions, course = (
        anchor_of(kind, subject_id) if (frame["subject_id"] == subject_id).any() else ""
        for kind, frame in (("lesions", view.lesions), ("subject", view.responses))
    )
    return PictureGroup(subject_id, anchor_of("pictures", subject_id), lesions, course, strips)


def picture_anchors(groups: Iterable[PictureGroup]) -> dict[str, str]:
    """Return measurement_id -> anchor of the picture that shows it."""
    return {
        name: one.anchor
        for group in groups
        for strip in group.strips
        for one in strip.pictures
        if one.source
        for name in one.shows
    }


def _of_lesion(
    key: Key, rows: Mapping[str, dict[Any, Any]], context: _Context
) -> dict[str, Picture]:
    """Return the pictures of one lesion at one visit, by the quantity that each is drawn for."""
    found: dict[str, Picture] = {}
    digests: dict[str, str] = {}
    for quantity in (q for q in QUANTITY_WORDS if q in rows):
        name = str(rows[quantity]["measurement_id"])
        if name not in context.overlays.pictures:
            continue
        content = context.overlays.content(name)
        digest = hashlib.sha256(content).hexdigest() if content else name
        if digest in digests:
            first = found[digests[digest]]
            lengths = (*first.lengths, _length(rows[quantity]))
            found[digests[digest]] = replace(first, lengths=lengths, shows=(*first.shows, name))
            continue
        digests[digest] = quantity
        found[quantity] = _picture(key, rows, quantity, content, context)
    drawn = {name for one in found.values() for name in one.shows}
    for quantity, row in rows.items():
        name = str(row["measurement_id"])
        home = next((q for q in SHOWN_IN.get(quantity, ()) if q in found), None)
        if name not in drawn and home is not None and not pd.isna(row["value"]):
            found[home] = replace(found[home], shows=(*found[home].shows, name))
    return found


def _picture(
    key: Key,
    rows: Mapping[str, dict[Any, Any]],
    quantity: str,
    content: bytes,
    context: _Context,
) -> Picture:
    """Return one picture with its words."""
    row = rows[quantity]
    second = rows.get(_SECOND.get(quantity, ""))
    same_slice = (
        second is not None and not pd.isna(second["slice"]) and (second["slice"] == row["slice"])
    )
    lengths = [_length(row)]
    if second is not None and same_slice:
        lengths.append(f"{_length(second)} ({_dashed(row, second)})")
    uid = wording.text_of(row["series_uid"], "")
    series = context.series
    place = [series.get(str(row["volume_id"]), series.get(uid, ""))]
    if not pd.isna(row["slice"]):
        place.append(f"slice {int(row['slice'])}")
    return Picture(
        anchor=anchor_of("picture", str(row["measurement_id"])),
        source=context.overlays.source(str(row["measurement_id"]), content),
        visit=("" if key[2] == 0 else "visit ")
        + wording.visit(key[2])
        + context.scans.get(key, ""),
        lengths=tuple(lengths),
        place=", ".join(part for part in place if part),
        series=uid,
        flags=tuple(wording.flags_in_words(row["flags"])),
        doubtful=is_doubtful(row["flags"]),
        decided=_decided(row),
        shows=(str(row["measurement_id"]),),
        row=lesion_anchor(*key) if key in context.scans else "",
    )


def _length(row: Mapping[Any, Any]) -> str:
    """Write what was measured and how long it is."""
    quantity = str(row["quantity"])
    words = QUANTITY_WORDS.get(quantity, quantity.replace("_", " "))
    value = row["value"]
    if value is None or pd.isna(value) or not math.isfinite(float(value)):
        return f"{words} not measured"
    return f"{words} {wording.rounded(float(value), 1)} {row['unit']}"


def _dashed(row: Mapping[Any, Any], second: Mapping[Any, Any]) -> str:
    """Say how the dashed caliper lies: not across the other one where several long axes tie."""
    names = [f"end{end}_{axis}_mm" for end in (1, 2) for axis in "xyz"]
    if any(pd.isna(one.get(name)) for one in (row, second) for name in names):
        return "dashed"
    along, across = (
        [float(one[f"end2_{axis}_mm"]) - float(one[f"end1_{axis}_mm"]) for axis in "xyz"]
        for one in (row, second)
    )
    size = math.hypot(*along) * math.hypot(*across)
    if not size or abs(sum(a * b for a, b in zip(along, across, strict=True))) <= _OBLIQUE * size:
        return "dashed"
    return "dashed; several long axes tie, the short one lies across another of them"


def _decided(row: Mapping[Any, Any]) -> str:
    """Say what a person made of the value: the drawn caliper is then not what counts."""
    if pd.isna(row["accepted"]) or not row["accepted"]:
        return "rejected: this length is not used"
    person = wording.text_of(row["decided_by"], "auto")
    if person == "auto":
        return ""
    return f"value decided by {person}; drawn is the automatic caliper"


def _series_words(tables: RunTables) -> dict[str, str]:
    """Return volume and series -> phase and description."""
    words: dict[str, str] = {}
    for row in tables.plan.sort_values("volume_id").to_dict("records"):
        phase = f"{str(row['phase']).replace('_', ' ')} phase"
        said = phase if pd.isna(row["description"]) else f"{phase} ({row['description']})"
        words[str(row["volume_id"])] = said
        words.setdefault(str(row["series_uid"]), said)
    return words


def _scans(view: View) -> dict[Key, str]:
    """Return every row of the lesion table with its date in brackets, empty without one."""
    columns = ["subject_id", "lesion_id", "timepoint", "scan_on"]
    return {
        (str(subject_id), str(lesion_id), int(timepoint)): ""
        if pd.isna(on)
        else f" ({wording.day(on)})"
        for subject_id, lesion_id, timepoint, on in view.lesions[columns].itertuples(
            index=False, name=None
        )
    }
