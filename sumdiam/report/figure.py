"""The report's figures: which rows, which colours, which words; stats draws them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

import pandas as pd

from stats.plots import (
    Drawing,
    Mark,
    draw_flow,
    draw_kaplan_meier,
    draw_spider,
    draw_swimmer,
    draw_waterfall,
)
from sumdiam.report import wording
from sumdiam.report.progression import NEW, NON_TARGET, first_progressions
from sumdiam.report.response_summary import DRAWN_ENDPOINTS, Endpoint, hazard_words
from sumdiam.report.run_tables import RunTables
from sumdiam.report.subject_flow import subject_flow
from sumdiam.report.view import View

BEFORE: Final = "before first follow-up"
AFTER: Final = "no further imaging"

RESPONSE_COLOURS: Final = {
    "CR": "#08306B",
    "PR": "#3182BD",
    "SD": "#BDBDBD",
    "PD": "#EE7733",
    "NE": "#F0E442",
    "NON-CR/NON-PD": "#CC79A7",
    "NED": "#009E73",
    "iCR": "#08306B",
    "iPR": "#3182BD",
    "iSD": "#BDBDBD",
    "iUPD": "#E69F00",
    "iCPD": "#B2410A",
    "iNON-CR/NON-PD": "#CC79A7",
}
"""Blue for response, orange for progression: told apart with any colour vision and in grey."""

STATE_COLOURS: Final = {BEFORE: "#F4F4F4", **RESPONSE_COLOURS, AFTER: "#FFFFFF"}

CUT_OFFS: Final = (-30.0, 20.0)

MOST_NAMED: Final = 8
LAST_BLOCK: Final = 0.02
"""Share of the longest lane that the response of a last scan takes."""

CAPTIONS: Final = {
    "waterfall": "Best change: the smallest sum after baseline, up to first progression. Colour: "
    "best overall response, which new lesions and non-target lesions decide too. Progression is "
    "judged against the smallest earlier sum, not against baseline: the upper line is for "
    "orientation only.",
    "spider": "Colour: best overall response; lines go on after progression. Progression is judged "
    "against the smallest earlier sum, not against baseline: the upper line is for orientation "
    "only.",
    "kaplan_meier": "Where few are at risk a curve says little.",
    "swimmer": "A response holds from its visit to the next, that of the last scan is a short "
    "block; progression is kept to the end.",
}

WATERFALL_MARKS: Final = {
    "progression by a new lesion": "*",
    "progression by non-target lesions": "P",
}
SPIDER_MARKS: Final = {
    "first progression, with a new lesion": "*",
    "first progression, without one": "D",
}

MARKS: Final = {
    "first response": Mark("^", "#FFFFFF", 6.5),
    "progression": Mark("D", "#FFFFFF", 5.0),
    "death": Mark("X", "#222222", 7.0),
    "last known alive": Mark(">", "#FFFFFF", 6.5),
}


def draw_figures(
    tables: RunTables, view: View, fits: list[Endpoint], *, only: Collection[str] | None = None
) -> dict[str, Drawing]:
    """Return the figures that the tables have data for, by name.

    Names are ``flow``, ``kaplan_meier_<endpoint>``, ``waterfall``, ``spider``, ``swimmer``; each
    drawing carries the numbers that it shows. ``only``: the names that are wanted.
    """
    makers: dict[str, Callable[[], Drawing | None]] = {}
    if len(view.subjects):
        makers["flow"] = lambda: draw_flow(subject_flow(tables, view))
    for fit in (one for one in fits if one.name in DRAWN_ENDPOINTS):
        makers[f"kaplan_meier_{fit.name}"] = partial(_survival, tables, view, fit)
    makers |= {
        "waterfall": partial(_waterfall, view),
        "spider": partial(_spider, tables, view),
        "swimmer": partial(_swimmer, tables, view),
    }
    return {name: _explained(name, one) for name, one in drawn(makers, only).items()}


def drawn(
    makers: Mapping[str, Callable[[], Drawing | None]], only: Collection[str] | None
) -> dict[str, Drawing]:
    """Return the drawings that are wanted and have data."""
    wanted = {name: make() for name, make in makers.items() if only is None or name in only}
    return {name: drawing for name, drawing in wanted.items() if drawing is not None}


def _explained(name: str, drawing: Drawing) -> Drawing:
    """Add to the caption what the figure's colours and lines mean."""
    words = CAPTIONS.get("kaplan_meier" if name.startswith("kaplan_meier") else name)
    return replace(drawing, caption=f"{drawing.caption} {words}") if words else drawing


def origin_words(tables: RunTables, view: View, endpoint: str) -> str:
    """Say what time is counted from, as far as the dates tell."""
    rows = view.events[(view.events["endpoint"] == endpoint) & view.events["start_on"].notna()]
    joined = rows.merge(tables.subjects, on="subject_id", how="left", suffixes=("", "_of"))
    for column, words in (
        ("randomised_on", "randomisation"),
        ("treatment_started_on", "start of treatment"),
    ):
        if len(joined) and (joined["start_on"] == joined[column]).all():
            return words
    if tables.subjects[["randomised_on", "treatment_started_on"]].notna().any(axis=None):
        return "start of observation"
    return "baseline scan"


def scan_days(tables: RunTables) -> pd.DataFrame:
    """Return subject_id, timepoint and the last scan's date of the visit, as responses carry it."""
    dates = tables.timepoints[["subject_id", "timepoint", "last_scan_on"]].copy()
    dates = dates.rename(columns={"last_scan_on": "scanned_on"})
    if dates["scanned_on"].notna().any():
        return dates.sort_values(["subject_id", "timepoint"])
    last = tables.lesions.groupby(["subject_id", "timepoint"])[["scan_on"]].max()
    last.columns = pd.Index(["scanned_on"])
    return last.reset_index()


def _survival(tables: RunTables, view: View, fit: Endpoint) -> Drawing:
    """Draw one endpoint by arm."""
    notes = []
    if fit.test is not None and not pd.isna(fit.test.p_value):
        p = wording.p_value(fit.test.p_value)
        notes.append(f"{fit.test.name} p {p if p.startswith('<') else '= ' + p}")
    if fit.hazard is not None:
        notes.append(hazard_words(fit))
    curves = {("" if not view.has_arms else arm): curve for arm, curve in fit.curves.items()}
    y_label = "Free of progression (%)" if fit.name == "TTP" else f"{fit.title} (%)"
    return draw_kaplan_meier(
        curves,
        y_label=y_label,
        x_label=f"Months since {origin_words(tables, view, fit.name)}",
        unit="months",
        days_per_unit=wording.DAYS_PER_MONTH,
        note="\n".join(notes),
    )


def _with_group(view: View, frame: pd.DataFrame, column: str = "id") -> pd.DataFrame:
    """Add the arm as group; subjects without one are left out where there are arms."""
    group = frame[column].astype(str).map(view.arm_by_subject())
    return frame.assign(group=view.in_order(group))[group.notna()].reset_index(drop=True)


def _waterfall(view: View) -> Drawing | None:
    """Draw best changes of the target sum."""
    rows = view.outcomes
    if not rows["best_change_percent"].notna().any():
        return None
    data = pd.DataFrame(
        {
            "id": rows["subject_id"].astype(str),
            "value": rows["best_change_percent"].astype("float64"),
            "category": rows["best_response"].astype("string").fillna("NE").astype(str),
        }
    )
    first = first_progressions(view).set_index("subject_id")["cause"]
    cause = data["id"].map(first).astype("string").fillna("")
    new, non_target = WATERFALL_MARKS
    data["mark"] = pd.Series(None, index=data.index, dtype=object)
    data.loc[cause.str.contains(NON_TARGET), "mark"] = non_target
    data.loc[cause.str.contains(NEW), "mark"] = new
    drawing = draw_waterfall(
        _with_group(view, data),
        palette=RESPONSE_COLOURS,
        y_label="Best change of the target sum\nfrom baseline (%)",
        x_label="Subject",
        lines=CUT_OFFS,
        marks=WATERFALL_MARKS,
    )
    return replace(drawing, caption=drawing.caption + _against_the_lines(data, cause))


def _against_the_lines(data: pd.DataFrame, cause: pd.Series[str]) -> str:
    """Name the bars whose colour is not what their height suggests, and why."""
    value, category = data["value"], data["category"]
    shrunk = (value <= CUT_OFFS[0]) & ~category.isin(["CR", "PR"])
    grown = (value >= CUT_OFFS[1]) & (category != "PD")
    gone = (value <= -100) & (category == "PR")
    left = (value > -100) & (category == "CR")
    rows = data.assign(cause=cause).sort_values("id")
    parts = (
        ("Beyond a line, but of another best response", rows[shrunk | grown], True),
        ("At −100 %, but not CR (non-target lesions decide too)", rows[gone], True),  # noqa: RUF001
        ("CR short of −100 % (nodes of normal size stay in the sum)", rows[left], False),  # noqa: RUF001
    )
    return "".join(_named(*part) for part in parts if len(part[1]))


def _named(words: str, rows: pd.DataFrame, with_category: bool) -> str:  # noqa: FBT001 - one caller
    """Return a sentence that names subjects, and of the first ones what they are."""
    said = [
        f"{row['id']} is {row['category']}"
        + (f" ({row['cause']})" if row["category"] == "PD" and row["cause"] else "")
        if with_category
        else str(row["id"])
        for row in rows.head(MOST_NAMED).to_dict("records")
    ]
    more = len(rows) - len(said)
    return f" {words}: {', '.join(said)}" + (f" and {more} more" if more else "") + "."


def _courses(tables: RunTables, view: View) -> pd.DataFrame:
    """Return responses of the subjects analysed, with the dates of their visit and baseline."""
    dates = scan_days(tables)
    assessed = view.responses["subject_id"].isin(view.outcomes["subject_id"])
    rows = view.responses[assessed].merge(dates, on=["subject_id", "timepoint"], how="left")
    base = dates[dates["timepoint"] == 0][["subject_id", "scanned_on"]]
    base = base.rename(columns={"scanned_on": "baseline_on"}).drop_duplicates("subject_id")
    return rows.merge(base, on="subject_id", how="left")


def _spider(tables: RunTables, view: View) -> Drawing | None:
    """Draw the change of the target sum over time."""
    rows = _courses(tables, view)
    rows = rows[rows["timepoint"] > 0]
    months = (rows["scanned_on"] - rows["baseline_on"]).dt.days / wording.DAYS_PER_MONTH
    dated = months.notna().any()
    if not rows["change_from_baseline_percent"].notna().any():
        return None
    best = view.outcomes.set_index("subject_id")["best_response"].astype("string").fillna("NE")
    points = pd.DataFrame(
        {
            "id": rows["subject_id"].astype(str),
            "x": months if dated else rows["timepoint"].astype("float64"),
            "value": rows["change_from_baseline_percent"].astype("float64"),
            "category": rows["subject_id"].map(best).fillna("NE").astype(str),
            "mark": _first_progression_marks(view, rows),
        }
    )
    known = points[points["value"].notna()]
    start = known.drop_duplicates("id").assign(x=0.0, value=0.0, mark=None)
    data = pd.concat([start, points], ignore_index=True)
    unseen = int((points["mark"].notna() & points["value"].isna()).sum())
    drawing = draw_spider(
        _with_group(view, data),
        palette=RESPONSE_COLOURS,
        y_label="Change of the target sum\nfrom baseline (%)",
        x_label="Months since the baseline scan" if dated else "Visit",
        lines=CUT_OFFS,
        marks=SPIDER_MARKS,
    )
    if unseen:
        words = f" First progressions at visits without a sum, not shown: {unseen}."
        drawing = replace(drawing, caption=drawing.caption + words)
    return drawing


def _first_progression_marks(view: View, rows: pd.DataFrame) -> pd.Series[str]:
    """Return the mark of each visit that is the first progression of its subject."""
    first = first_progressions(view).set_index(["subject_id", "timepoint"])["cause"]
    keys = pd.MultiIndex.from_frame(rows[["subject_id", "timepoint"]])
    cause = first.reindex(keys)
    new, other = SPIDER_MARKS
    words = [None if pd.isna(c) else (new if NEW in str(c) else other) for c in cause]
    return pd.Series(words, index=rows.index, dtype=object)


def _swimmer(tables: RunTables, view: View) -> Drawing | None:
    """Draw every subject's course from the origin to death or last contact."""
    rows = _courses(tables, view)
    rows = rows[rows["scanned_on"].notna() & rows["baseline_on"].notna()]
    if rows.empty:
        return None
    told = _events_by_subject(view)
    courses = [(name, visits, told.get(name, {})) for name, visits in sorted(_visits(rows).items())]
    ends = [part["end"] for one in courses for part in _lane(*one)[0]]
    if not ends:
        return None
    block = LAST_BLOCK * max(ends)
    response = _response_days(view)
    segments: list[dict[str, Any]] = []
    marks: list[dict[str, Any]] = []
    for one in courses:
        lane, symbols = _lane(*one, block=block)
        segments += lane
        marks += symbols
        if one[0] in response:
            at = response[one[0]] / wording.DAYS_PER_MONTH
            marks.append({"id": one[0], "at": at, "mark": "first response"})
    return draw_swimmer(
        _with_group(view, pd.DataFrame(segments)),
        pd.DataFrame(marks, columns=["id", "at", "mark"]),
        palette=STATE_COLOURS,
        symbols=MARKS,
        x_label=f"Months since {origin_words(tables, view, 'PFS')}",
        y_label="Subject",
        thin=(BEFORE, AFTER),
    )


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
