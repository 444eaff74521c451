"""Which slices of one series form one volume."""

from __future__ import annotations

import functools
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from imaging.header import InstanceHeader
from imaging.reason import ReasonedError
from imaging.series_check import MODALITIES
from imaging.slice_grid import SAME_ORIENTATION, SAME_POSITION_MM, heights_mm

Key = Callable[[InstanceHeader], Hashable]
Slices = tuple[InstanceHeader, ...]

_SAME_PIXEL = 1e-4
"""Pixel spacings of one volume agree to this fraction; it moves no corner by 0.1 pixel."""

_EVEN = 0.1
"""Steps of one stack differ by less than this fraction."""

_ALWAYS: tuple[tuple[str, Key], ...] = (
    ("class", lambda h: h.sop_class_uid),
    ("stack", lambda h: h.stack_id),
    ("temporal", lambda h: h.temporal_position),
    ("echo", lambda h: h.echo_number),
    ("b", lambda h: h.b_value),
    ("kernel", lambda h: h.kernel),
    ("rescale", lambda h: h.rescale_type),
    ("units", lambda h: h.units),
    ("component", lambda h: h.complex_component),
)
"""Slices that differ in these are never one volume, even where positions do not repeat."""

_CANDIDATES: tuple[tuple[str, Key], ...] = (
    ("acquisition", lambda h: h.acquisition_number),
    ("time", lambda h: h.acquisition_time),
    ("trigger", lambda h: h.trigger_time_ms),
    ("echo_time", lambda h: h.echo_time_ms),
    ("flip", lambda h: h.flip_angle),
    ("inversion", lambda h: h.inversion_time_ms),
    ("image_type", lambda h: "/".join(h.image_type)),
    ("contrast", lambda h: h.contrast_agent),
    ("contrast_phase", lambda h: h.contrast_phase),
    ("offset", lambda h: h.temporal_offset_s),
    ("kvp", lambda h: h.kvp),
    ("thickness", lambda h: h.slice_thickness),
    ("description", lambda h: h.series_description),
    ("content_time", lambda h: h.content_time),
)
"""What may tell volumes apart where positions repeat, the more telling first."""

_RUNNING: tuple[tuple[str, Callable[[InstanceHeader], int | str | None]], ...] = (
    ("acquisition", lambda h: h.acquisition_number),
    ("time", lambda h: h.acquisition_time),
    ("content_time", lambda h: h.content_time),
)
"""What may run on through one volume and then through the next, as in step-and-shoot scans."""


class SplitError(ReasonedError):
    """Slices that share positions and that no single attribute tells apart."""

    def __init__(self, reason_code: str, detail: str) -> None:
        super().__init__(reason_code, "slices", detail)

    def __reduce__(self) -> tuple[type[SplitError], tuple[str, str]]:
        return type(self), (self.reason_code, self.detail)


@dataclass(frozen=True, slots=True)
class Part:
    """Slices that form one volume, and how they were told from the rest of their series.

    ``label`` is what follows ``#`` in the volume_id: ``all`` where nothing was split.
    """

    label: str
    headers: Slices


def split_always(headers: Sequence[InstanceHeader]) -> list[Part]:
    """Split by orientation, matrix, pixel spacing, temporal position, echo, b-value and kernel.

    Notes
    -----
    An attribute with another value in every slice of three or more is a counter and says nothing.
    """
    parts = [Part("", tuple(headers))]
    parts = _each(parts, "orientation", _orientation_groups)
    parts = _each(parts, "matrix", _matrix_groups)
    for name, key in _ALWAYS:
        parts = _each(parts, name, lambda slices, key=key: _value_groups(slices, key))  # type: ignore[misc]
    return parts


def split_positions(part: Part) -> list[Part]:
    """Split slices that share positions by the single attribute that explains the repetition.

    Raises
    ------
    SplitError
        ``ambiguous_positions``, naming how many slices share how many positions, and which
        attributes were tried or contradict one another.

    Notes
    -----
    Acquisitions whose slices alternate are split even where no position repeats.
    An attribute explains the repetition if none of its values repeats a position and all cover the
    same ones. Acquisition numbers may cover unequal ranges (chest and abdomen, two phases), in no
    more than one part above what the repetition needs: more are the steps of a step-and-shoot
    scan. An acquisition number or time that runs on from slice to slice explains it if it runs
    through all positions, then through all again. Two attributes that give different volumes
    contradict one another, and nothing is guessed.
    """
    places = _places(part.headers)
    if len(set(places)) == len(places):
        return _interleaved(part, places)
    if len(set(places)) == 1:
        return [part]  # one plane repeated: no volume, the caller leaves it out
    found = _explanations(part, places)
    if len({_partition(groups) for groups in found.values()}) != 1:
        raise SplitError("ambiguous_positions", _ambiguity(part, places, sorted(found)))
    chosen = next(iter(found))
    return [
        Part(_label(part.label, chosen, value), slices)
        for value, slices in sorted(found[chosen].items())
    ]


def _explanations(part: Part, places: Sequence[int]) -> dict[str, dict[str, Slices]]:
    """Return the attributes that explain why positions repeat, each with its volumes."""
    place_of = dict(zip(map(id, part.headers), places, strict=True))
    needed = max(Counter(places).values())
    found: dict[str, dict[str, Slices]] = {}
    for name, key in (*_CANDIDATES, *_dimension_keys(part.headers)):
        groups = _value_groups(part.headers, key)
        unequal = name == "acquisition" and len(groups) <= needed + 1
        if len(groups) > 1 and _explains(groups, place_of, equal=not unequal):
            found[name] = groups
    for name, running in _RUNNING:
        rounds = _rounds(part.headers, running, place_of)
        if name not in found and rounds:
            found[name] = rounds
    return found


def _dimension_keys(slices: Slices) -> list[tuple[str, Key]]:
    """Return the dimensions that a multi-frame image declares beside space, as candidates."""
    names = sorted({name for header in slices for name, _ in header.dimensions})
    return [
        (f"dimension:{name}", lambda header, name=name: dict(header.dimensions).get(name))  # type: ignore[misc]
        for name in names
    ]


def _interleaved(part: Part, places: Sequence[int]) -> list[Part]:
    """Split acquisitions whose slices alternate: half a spacing apart they would look even.

    Alternating times tell them too where each has an even stack of its own; of CT only, as MR
    acquires one volume so, every second slice first.
    """
    ordered = [h for _, h in sorted(zip(places, part.headers, strict=True), key=lambda p: p[0])]
    groups = _alternating(ordered, lambda h: h.acquisition_number)
    name = "acquisition"
    if not groups and MODALITIES[ordered[0].sop_class_uid] == "CT":
        groups = _alternating(ordered, lambda h: h.acquisition_time)
        name = "time"
        if not all(_even(slices) for slices in groups.values()):
            return [part]
    if not groups:
        return [part]
    return [
        Part(_label(part.label, name, value), slices) for value, slices in sorted(groups.items())
    ]


def _alternating(ordered: Sequence[InstanceHeader], key: Key) -> dict[str, Slices]:
    """Group slices in order of position by an attribute, if its values return; else empty."""
    groups = _value_groups(tuple(ordered), key)
    runs = 1 + sum(key(one) != key(two) for one, two in pairwise(ordered))
    return groups if 1 < len(groups) < runs else {}


def _even(slices: Slices) -> bool:
    """Return whether three or more slices are evenly spaced."""
    steps = np.diff(np.sort(heights_mm(slices)))
    return len(steps) > 1 and bool(np.ptp(steps) < _EVEN * np.mean(steps))


def _each(
    parts: Sequence[Part], name: str, group: Callable[[Slices], dict[str, Slices]]
) -> list[Part]:
    """Split every part by one rule; parts that it does not split keep their label."""
    result = []
    for part in parts:
        groups = group(part.headers)
        if len(groups) == 1:
            result.append(part)
        else:
            result += [
                Part(_label(part.label, name, value), slices)
                for value, slices in sorted(groups.items())
            ]
    return result


def _label(before: str, name: str, value: str) -> str:
    """Return the label of a part, such as ``acquisition=2``."""
    return f"{before},{name}={value}" if before else f"{name}={value}"


@functools.lru_cache(maxsize=1024, typed=True)
def _text(value: Hashable) -> str:
    """Return a value as it stands in a label: no separators that a volume_id uses."""
    if value is None:
        return "none"
    written = f"{value:.10g}" if isinstance(value, float) else str(value)
    return "".join("_" if letter in "#,;= \t\r\n" else letter for letter in written)


def _value_groups(slices: Slices, key: Key) -> dict[str, Slices]:
    """Group by an attribute; one group where its value counts the slices."""
    values = set(map(key, slices))
    if len(values) == 1:
        return {_text(values.pop()): slices}
    groups: dict[str, list[InstanceHeader]] = defaultdict(list)
    for header in slices:
        groups[_text(key(header))].append(header)
    if len(groups) == len(slices) > 2:
        return {"": slices}
    return {value: tuple(group) for value, group in groups.items()}


def _orientation_groups(slices: Slices) -> dict[str, Slices]:
    """Group by direction cosines; jitter up to a thousandth is one orientation."""
    groups: list[list[InstanceHeader]] = []
    ordered = sorted(slices, key=lambda h: (h.orientation or (), h.sop_instance_uid or ""))
    for header in ordered:
        for group in groups:
            same = group[0].orientation
            if header.orientation == same or (
                np.abs(np.subtract(header.orientation, same)).max() <= SAME_ORIENTATION  # type: ignore[arg-type]
            ):
                group.append(header)
                break
        else:
            groups.append([header])
    return {
        "/".join(f"{round(cosine, 3) + 0.0:.3f}" for cosine in group[0].orientation or ()): tuple(
            group
        )
        for group in groups
    }


def _matrix_groups(slices: Slices) -> dict[str, Slices]:
    """Group by rows, columns and pixel spacing."""
    groups: list[list[InstanceHeader]] = []
    ordered = sorted(
        slices,
        key=lambda h: (
            h.rows or 0,
            h.columns or 0,
            h.pixel_spacing or (),
            h.sop_instance_uid or "",
        ),
    )
    for header in ordered:
        first = groups[-1][0] if groups else None
        if (
            first is not None
            and (first.rows, first.columns) == (header.rows, header.columns)
            and (
                header.pixel_spacing == first.pixel_spacing
                or np.allclose(
                    header.pixel_spacing or 0, first.pixel_spacing or 0, rtol=_SAME_PIXEL, atol=0
                )
            )
        ):
            groups[-1].append(header)
        else:
            groups.append([header])
    return {_matrix_label(group[0], groups): tuple(group) for group in groups}


def _matrix_label(first: InstanceHeader, groups: Sequence[Sequence[InstanceHeader]]) -> str:
    """Return rows and columns, with the spacing where that alone differs."""
    label = f"{first.rows}x{first.columns}"
    alike = [g for g in groups if (g[0].rows, g[0].columns) == (first.rows, first.columns)]
    if len(alike) > 1 and first.pixel_spacing:
        label += f"@{first.pixel_spacing[0]:.6g}x{first.pixel_spacing[1]:.6g}"
    return label


def _places(slices: Slices) -> list[int]:
    """Return a number for each slice's position along the normal; equal numbers, one position."""
    heights = heights_mm(slices)
    order = np.argsort(heights, kind="stable")
    steps = np.diff(heights[order]) > SAME_POSITION_MM
    places = np.empty(len(slices), dtype=np.int64)
    places[order] = np.concatenate([[0], np.cumsum(steps)])
    return [int(place) for place in places]


def _explains(groups: dict[str, Slices], place_of: dict[int, int], *, equal: bool) -> bool:
    """Return whether no group repeats a position, and all hold the same ones where asked."""
    sets = []
    for slices in groups.values():
        places = {place_of[id(header)] for header in slices}
        if len(places) != len(slices):
            return False
        sets.append(frozenset(places))
    return len(set(sets)) == 1 or not equal


def _rounds(
    slices: Slices, running: Callable[[InstanceHeader], int | str | None], place_of: dict[int, int]
) -> dict[str, Slices]:
    """Group slices whose times or numbers run through all positions, then through all again.

    Empty where one is missing, or a round begins before the last one has ended.
    """
    timed: list[tuple[Any, int, InstanceHeader]] = [
        (moment, place_of[id(h)], h) for h in slices if (moment := running(h)) is not None
    ]
    timed.sort(key=lambda entry: (entry[0], entry[1], entry[2].sop_instance_uid or ""))
    size = len(set(place_of.values()))
    if len(timed) != len(slices) or len(slices) % size:
        return {}
    rounds = {}
    for start in range(0, len(timed), size):
        chunk = timed[start : start + size]
        overlaps = start > 0 and timed[start - 1][0] >= chunk[0][0]
        if overlaps or len({place for _, place, _ in chunk}) != size:
            return {}
        rounds[_text(chunk[0][0])] = tuple(header for _, _, header in chunk)
    return rounds


def _partition(groups: dict[str, Slices]) -> frozenset[frozenset[int]]:
    """Return which slices lie together, whatever the groups are called."""
    return frozenset(frozenset(id(header) for header in slices) for slices in groups.values())


def _ambiguity(part: Part, places: Sequence[int], found: Sequence[str]) -> str:
    """Say what repeats and what was tried."""
    what = f"{len(places)} slices at {len(set(places))} positions"
    if found:
        return f"{what}; these attributes contradict one another: {', '.join(found)}"
    varying = [
        name
        for name, key in (*_CANDIDATES, *_dimension_keys(part.headers))
        if len({_text(key(header)) for header in part.headers}) > 1
    ]
    tried = ", ".join(varying) if varying else "none"
    return f"{what}; attributes that vary but do not explain it: {tried}"
