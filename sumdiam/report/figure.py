"""The report's figures: which rows, which colours, which words; stats draws them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from functools import partial
from typing import Final

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
from sumdiam.report.lane import AFTER, BEFORE, lanes
from sumdiam.report.progression import NEW, NON_TARGET, first_progressions
from sumdiam.report.response_summary import DRAWN_ENDPOINTS, Endpoint, hazard_words
from sumdiam.report.run_tables import RunTables
from sumdiam.report.subject_flow import subject_flow
from sumdiam.report.view import View

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
    segments, marks = lanes(view, rows[rows["scanned_on"].notna() & rows["baseline_on"].notna()])
    if not segments:
        return None
    return draw_swimmer(
        _with_group(view, pd.DataFrame(segments)),
        pd.DataFrame(marks, columns=["id", "at", "mark"]),
        palette=STATE_COLOURS,
        symbols=MARKS,
        x_label=f"Months since {origin_words(tables, view, 'PFS')}",
        y_label="Subject",
        thin=(BEFORE, AFTER),
    )
