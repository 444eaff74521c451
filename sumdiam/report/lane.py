"""The lanes of a swimmer plot: what was seen of a subject from when to when, and its events."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import pandas as pd

from sumdiam.report import wording
from sumdiam.report.view import View

BEFORE: Final = "before first follow-up"
AFTER: Final = "no further imaging"
LAST_BLOCK: Final = 0.02
"""Share of the longest lane that the response of a last scan takes."""

Parts = list[dict[str, Any]]


def lanes(view: View, courses: pd.DataFrame) -> tuple[Parts, Parts]:
    """Return the segments and the marks of all lanes, in months since the origin.

    Parameters
    ----------
    courses : DataFrame
        Responses with ``scanned_on`` and ``baseline_on``, all known.
    """
    told = _events_by_subject(view)
    found = [
        (name, visits, told.get(name, {})) for name, visits in sorted(_visits(courses).items())
    ]
    ends = [part["end"] for one in found for part in _lane(*one)[0]]
    block = LAST_BLOCK * max(ends, default=0.0)
    response = _response_days(view)
    segments: Parts = []
    marks: Parts = []
    for one in found:
        lane, symbols = _lane(*one, block=block)
        segments += lane
        marks += symbols
        if one[0] in response:
            at = response[one[0]] / wording.DAYS_PER_MONTH
            marks.append({"id": one[0], "at": at, "mark": "first response"})
    return segments, marks


@dataclass(frozen=True, slots=True)
class _Visits:
    """The baseline of a subject, and its later scans and responses in the order of the visits."""

    baseline_on: pd.Timestamp
    scans: list[pd.Timestamp]
    states: list[str]


def _visits(courses: pd.DataFrame) -> dict[str, _Visits]:
    """Return the visits of every subject by its name."""
    rows = courses.sort_values(["subject_id", "timepoint"])
    states = rows["overall_response"].astype("string").fillna("NE")
    columns = (rows["subject_id"].astype(str), rows["timepoint"], rows["baseline_on"],
               rows["scanned_on"], states)  # fmt: skip
    found: dict[str, _Visits] = {}
    for name, timepoint, baseline, scan, state in zip(*columns, strict=True):
        of_subject = found.setdefault(name, _Visits(baseline, [], []))
        if timepoint > 0:
            of_subject.scans.append(scan)
            of_subject.states.append(state)
    return found


@dataclass(frozen=True, slots=True)
class _Told:
    """What is told of one endpoint of a subject."""

    start_on: Any
    end_on: Any
    event: bool


def _events_by_subject(view: View) -> dict[str, dict[str, _Told]]:
    """Return the endpoints of every subject by its name, looked up once for all lanes."""
    rows = view.events.drop_duplicates(["subject_id", "endpoint"])
    seen = rows["event"].astype("boolean").fillna(value=False)
    columns = (rows["subject_id"].astype(str), rows["endpoint"].astype(str), rows["start_on"],
               rows["end_on"], seen)  # fmt: skip
    found: dict[str, dict[str, _Told]] = {}
    for name, endpoint, start, end, event in zip(*columns, strict=True):
        found.setdefault(name, {})[endpoint] = _Told(start, end, bool(event))
    return found


def _response_days(view: View) -> dict[str, float]:
    """Return after how many days each responder responded."""
    rows = view.outcomes[view.outcomes["time_to_response_days"].notna()]
    days = rows["time_to_response_days"].astype("float64")
    return dict(zip(rows["subject_id"].astype(str), days.tolist(), strict=True))


def _lane(
    subject_id: str, visits: _Visits, events: Mapping[str, _Told], *, block: float = 0.0
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the segments and marks of one subject; ``block``: months the last response takes."""
    start = visits.baseline_on
    for endpoint in ("OS", "PFS"):
        if endpoint in events and not pd.isna(events[endpoint].start_on):
            start = events[endpoint].start_on
            break

    def months(date: Any) -> float:
        return max(0.0, float((pd.Timestamp(date) - start).days) / wording.DAYS_PER_MONTH)

    at = [months(date) for date in visits.scans]
    states = visits.states
    last = at[-1] if at else months(visits.baseline_on)
    marks: list[dict[str, Any]] = []
    if "OS" in events and not pd.isna(events["OS"].end_on):
        last = max(last, months(events["OS"].end_on))
        marks.append({"at": last, "mark": "death" if events["OS"].event else "last known alive"})
    if "TTP" in events and events["TTP"].event:
        marks.append({"at": months(events["TTP"].end_on), "mark": "progression"})
    edges = [0.0, *at, last]
    words = [BEFORE, *states[:-1], _last_state(states)] if at else [BEFORE]
    if at and words[-1] == AFTER:  # nothing holds after the last scan, but it must be seen
        shown = max(0.0, min(at[-1], last - block))
        edges, words = [0.0, *at[:-1], shown, min(shown + block, last), last], [
            BEFORE, *states, AFTER
        ]  # fmt: skip
    segments = [
        {"id": subject_id, "start": a, "end": b, "category": word}
        for a, b, word in zip(edges[:-1], edges[1:], words, strict=False)
        if b > a
    ]
    return segments, [{"id": subject_id, **mark} for mark in marks]


def _last_state(states: list[str]) -> str:
    """Return the state after the last scan: progression stays, anything else is not known."""
    return "PD" if "PD" in states else AFTER
