"""Course of every subject and every lesion, each measurement with its picture."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

import pandas as pd

from assessment.measurand import SHOWN_UNITS
from measurement.lesion_table import QUANTITY_UNITS
from sumdiam.report import wording
from sumdiam.report.figure import scan_days
from sumdiam.report.grid import Cell, Grid, GridRow, Link, anchor_of, row_of
from sumdiam.report.picture import lesion_anchor
from sumdiam.report.progression import causes
from sumdiam.report.run_grid import accepted
from sumdiam.report.run_tables import RunTables
from sumdiam.report.view import View

LENGTHS: Final = (
    ("viable_diameter", "viable_perpendicular"),
    ("whole_diameter", "whole_perpendicular"),
    ("node_short_axis", ""),
)
QUANTITIES: Final = tuple(QUANTITY_UNITS)
TIMES: Final = "\N{MULTIPLICATION SIGN}"
LEAST_PROBABILITY: Final = 0.005
SUMMED: Final = {"mm": "diameters", "mm2": "products of two diameters", "ml": "volumes"}
"""What a rule set sums up, by the unit in which it does."""


def course_grid(tables: RunTables, view: View) -> Grid:
    """Return one row per subject and visit: sums, changes, responses, reason and doubt."""
    dates = scan_days(tables).set_index(["subject_id", "timepoint"])["scanned_on"]
    about = _about(view)
    refused = _refused_visits(tables)
    unit = _unit(view)
    seen: set[str] = set()
    rows: list[GridRow] = []
    for row in view.responses.to_dict("records"):
        key = (str(row["subject_id"]), int(row["timepoint"]))
        first = key[0] not in seen
        seen.add(key[0])
        why = refused.get(key, "")
        said = about.get(key[0], ())
        rows.append(_visit_row(row, said, dates.get(key), why, unit, first=first))
    columns = (
        "Subject", "Visit", "Scan", "Response", "Targets", f"Sum, {SHOWN_UNITS[unit]}",
        "From baseline", "From nadir", "Target", "Non-target", "New lesion", "Hepatic", "Reason",
    )  # fmt: skip
    sums = view.responses[f"sum_{unit}"].astype("float64").fillna(0.0)
    left = (view.responses["target_response"].astype("string") == "CR").fillna(value=False)
    normal = bool((left & (sums > 0)).any())
    return Grid(
        "course",
        columns,
        tuple(rows),
        notes=(
            "Response: overall, below it what makes a PD, and where a cut-off lies within the "
            "measurement error (highlighted) the probability of each category. Targets: measured "
            f"of expected. Sum of {SUMMED[unit]} as the rule set measures each target. Nadir: the "
            "smallest earlier sum. A percentage has more decimals where one would seem to reach a "
            "cut-off that it misses. NA: no non-target lesion; NE: not evaluable."
            + (" CR with a sum above 0: nodes of normal size stay in the sum." if normal else ""),
        ),
        missing="No responses: no subject has a baseline and a follow-up that could be assessed.",
        sortable=True,
        numeric=(4, 5, 6, 7),
    )


def _about(view: View) -> dict[str, tuple[str, ...]]:
    """Return what stands below each subject's id: its arm, and why it is not analysed."""
    arms = view.arm_by_subject()
    analysed = set(view.outcomes["subject_id"].astype(str))
    rows = view.excluded[~view.excluded["subject_id"].isin(analysed)]
    why = dict(zip(rows["subject_id"].astype(str), rows["reason"].astype(str), strict=True))
    return {
        name: tuple(
            part
            for part in (arms.get(name, ""), f"not analysed: {why[name]}" if name in why else "")
            if part
        )
        for name in {*arms, *why}
    }


def _unit(view: View) -> str:
    """Return the unit of the sums: that of which there are any, millimetres where there is none."""
    given = [unit for unit in SUMMED if view.responses[f"sum_{unit}"].notna().any()]
    return given[0] if given else "mm"


def _refused_visits(tables: RunTables) -> dict[tuple[str, int], str]:
    """Return subject and visit -> why a study of it was not measured."""
    rows = tables.studies[tables.studies["status"].isin(["refused", "failed"])]
    return {
        (str(row["subject_id"]), int(row["timepoint"])): f"study {row['status']}: "
        f"{wording.text_of(row['reason_code'], 'no reason given').replace('_', ' ')}"
        for row in rows.sort_values("study_uid").to_dict("records")
        if not pd.isna(row["subject_id"]) and not pd.isna(row["timepoint"])
    }


def _visit_row(
    row: dict[Any, Any],
    about: tuple[str, ...],
    scanned: Any,
    refused: str,
    unit: str,
    *,
    first: bool,
) -> GridRow:
    """Return the row of one visit."""
    subject_id, timepoint = str(row["subject_id"]), int(row["timepoint"])
    doubt = _doubt(row)
    lesions = (Link("lesions", anchor_of("lesions", subject_id)),) if first else ()
    return row_of(
        [
            Cell(subject_id, "key", links=lesions, notes=about),
            Cell(wording.visit(timepoint), sort=str(timepoint)),
            Cell(wording.day(scanned), "day"),
            _response(row, doubt),
            f"{row['n_targets_measured']}/{row['n_targets_expected']}",
            _number(row[f"sum_{unit}"]),
            _change(row, "change_from_baseline", unit),
            _change(row, "change_from_nadir", unit),
            _part(row["target_response"], timepoint),
            _part(row["nontarget_response"], timepoint),
            wording.text_of(row["new_lesion"]).replace("_", " "),
            wording.text_of(row["hepatic_response"]),
            Cell(wording.text_of(row["reason"], ""), "wide", notes=(refused,) if refused else ()),
        ],
        kind="doubt" if doubt else "",
        anchor=anchor_of("subject", subject_id) if first else "",
    )  # fmt: skip


def _response(row: dict[Any, Any], doubt: str) -> Cell:
    """Return the overall response, what makes it PD, what it was before back-dating, its doubt."""
    overall = wording.text_of(row["overall_response"])
    notes = [" and ".join(causes(row))]
    recorded = wording.text_of(row["recorded_response"], overall)
    if recorded != overall:
        notes.append(f"dated back; at this visit {recorded}")
    notes.append(doubt)
    return Cell(
        overall,
        f"response {_css(row['overall_response'])}",
        sort=overall,
        notes=tuple(note for note in notes if note),
    )


def _part(response: Any, timepoint: int) -> str:
    """Write target or non-target response; the baseline has none."""
    text = wording.NOTHING if timepoint == 0 else wording.text_of(response)
    # NON-CR/NON-PD may break behind the slash, not at its hyphens
    return text.replace("-", "\N{NON-BREAKING HYPHEN}").replace("/", "/\u200b")


def _css(response: Any) -> str:
    """Return a response as a CSS class."""
    return "r-" + wording.text_of(response, "none").replace("/", "-")


def _number(value: Any) -> Cell:
    """Return a length with one decimal, sortable."""
    return Cell(wording.rounded(value, 1), sort="" if pd.isna(value) else repr(float(value)))


def _change(row: dict[Any, Any], name: str, unit: str) -> Cell:
    """Return a change in percent and in the unit of the sum; the baseline has none."""
    amount, percent = row[f"{name}_{unit}"], row[f"{name}_percent"]
    if int(row["timepoint"]) == 0 or (pd.isna(amount) and pd.isna(percent)):
        return Cell(wording.NOTHING)
    share = wording.NOTHING if pd.isna(percent) else f"{wording.change(percent)}{wording.FIXED}%"
    shown = SHOWN_UNITS[unit]
    return Cell(
        share,
        sort="" if pd.isna(percent) else repr(float(percent)),
        notes=() if pd.isna(amount) else (f"{wording.signed(amount, 1)}{wording.FIXED}{shown}",),
    )


def _doubt(row: dict[Any, Any]) -> str:
    """Say which categories are possible where a cut-off lies within the measurement error."""
    if pd.isna(row["within_error_of_cutoff"]) or not row["within_error_of_cutoff"]:
        return ""
    likely = [
        (word, float(row[f"p_{word.lower()}"]))
        for word in ("CR", "PR", "SD", "PD", "NE")
        if not pd.isna(row[f"p_{word.lower()}"])
    ]
    shown = [
        f"{word} {wording.percent(p, 0)} %"
        for word, p in sorted(likely, key=lambda one: -one[1])
        if p >= LEAST_PROBABILITY
    ]
    return "near a cut-off" + (": " + ", ".join(shown) if shown else "")


def lesion_grid(tables: RunTables, view: View, pictures: Mapping[str, str]) -> Grid:
    """Return one row per lesion and visit; every length leads to its picture.

    Parameters
    ----------
    pictures : measurement_id -> anchor of its picture in the page
    """
    chosen = view.selections.set_index(["subject_id", "lesion_id"])[["role", "order"]]
    roles = {key: _role(*values) for key, *values in chosen.itertuples(name=None)}
    latest = {
        str(name): (str(person), flags)
        for name, person, flags in accepted(tables.measurements)[
            ["measurement_id", "decided_by", "flags"]
        ].itertuples(index=False, name=None)
    }
    seen: set[str] = set()
    rows: list[GridRow] = []
    for row in view.lesions.to_dict("records"):
        subject_id = str(row["subject_id"])
        first = subject_id not in seen
        seen.add(subject_id)
        role = roles.get((row["subject_id"], row["lesion_id"]), "not selected")
        rows.append(_lesion_row(row, role, latest, pictures, first=first))
    columns = (
        "Subject", "Visit", "Scan", "Lesion", "Organ", "Role", "Status", "Viable, mm",
        "Whole, mm", "Node short axis, mm", "Viable / whole volume, ml", "Decided by", "Flags",
    )  # fmt: skip
    return Grid(
        "lesions",
        columns,
        tuple(rows),
        notes=(
            "Longest diameter ± standard uncertainty of measurement, below it the short axis; each "
            "leads to its picture. Viable: the arterially enhancing part; 0.0: none is left, the "
            "lesion may still be there. Struck out: measured, but not used. Flags are reasons for "
            "a person to look.",
        ),
        missing="No lesions were measured.",
        sortable=True,
        numeric=(7, 8, 9, 10),
    )


def _role(role: Any, order: Any) -> str:
    """Write a role with its order."""
    return str(role) if pd.isna(order) else f"{role} {int(order)}"


def _lesion_row(
    row: dict[Any, Any],
    role: str,
    latest: Mapping[str, tuple[str, Any]],
    pictures: Mapping[str, str],
    *,
    first: bool,
) -> GridRow:
    """Return the row of one lesion at one visit."""
    subject_id, lesion_id = str(row["subject_id"]), str(row["lesion_id"])
    timepoint = int(row["timepoint"])
    ids = [str(row[f"{q}_id"]) for q in QUANTITIES if not pd.isna(row[f"{q}_id"])]
    known = [latest[one] for one in ids if one in latest]
    flags = wording.flags_in_words(row["flags"]) or _flags_of(known)
    course = Link("course", anchor_of("subject", subject_id))
    return row_of(
        [
            Cell(subject_id, "key", links=(course,) if first else (),
                 anchor=anchor_of("lesions", subject_id) if first else ""),
            Cell(wording.visit(timepoint), sort=str(timepoint)),
            Cell(wording.day(row["scan_on"]), "day"),
            lesion_id,
            _organ(row),
            Cell(role, "fixed"),
            _status(row, measured=bool(ids)),
            *(_length(row, long, short, pictures) for long, short in LENGTHS),
            _volumes(row, pictures),
            _deciders(known),
            Cell("; ".join(flags), "doubtful" if flags else ""),
        ],
        kind="doubt" if flags else "",
        anchor=lesion_anchor(subject_id, lesion_id, timepoint),
    )  # fmt: skip


def _status(row: dict[Any, Any], *, measured: bool) -> str:
    """Write a status; a lesion that no longer enhances is not called absent while it is seen."""
    status = wording.text_of(row["status"], "measured" if measured else "not recorded")
    whole = row["whole_diameter_mm"]
    if status == "absent" and not pd.isna(whole) and whole > 0:
        status = "nothing viable"
    status = status.replace("_", " ")
    return status if pd.isna(row["status_reason"]) else f"{status}: {row['status_reason']}"


def _organ(row: dict[Any, Any]) -> str:
    """Write the organ, and whether the lesion is a node where the organ does not say so."""
    organ = wording.text_of(row["organ"], row["site"]).replace("_", " ")
    node = str(row["node"]).replace("_", " ")
    return organ if node == "none" or node in organ else f"{organ} ({node})"


def _length(row: dict[Any, Any], long: str, short: str, pictures: Mapping[str, str]) -> Cell:
    """Return a length with its uncertainty and the axis across, leading to its picture."""
    value, error = row[f"{long}_mm"], row[f"u_{long}"]
    if pd.isna(value):
        return Cell(wording.NOTHING)
    text = wording.rounded(value, 1)
    if value > 0 and not pd.isna(error):
        text += f" ± {wording.rounded(error, 1)}"
    across = float(row[f"{short}_mm"]) if short else math.nan
    return Cell(
        text,
        _unused(row),
        sort=repr(float(value)),
        target=_target(row, long, pictures),
        notes=()
        if math.isnan(across) or value == 0
        else (f"{TIMES} {wording.rounded(across, 1)}",),
    )


def _unused(row: dict[Any, Any]) -> str:
    """Return the style of values that are not used: somebody called the lesion not evaluable."""
    status = row["status"]
    return "unused" if not pd.isna(status) and status == "not_evaluable" else ""


def _volumes(row: dict[Any, Any], pictures: Mapping[str, str]) -> Cell:
    """Return both volumes, leading to the picture of the part that is measured."""
    shown = [
        (name, row[f"{name}_ml"])
        for name in ("viable_volume", "whole_volume")
        if not pd.isna(row[f"{name}_ml"])
    ]
    if not shown:
        return Cell(wording.NOTHING)
    return Cell(
        " / ".join(wording.rounded(value, 1) for _, value in shown),
        _unused(row),
        sort=repr(float(shown[0][1])),
        target=_target(row, shown[0][0], pictures),
    )


def _target(row: dict[Any, Any], quantity: str, pictures: Mapping[str, str]) -> str:
    """Return the anchor of a measurement's picture, if it has one."""
    name = row[f"{quantity}_id"]
    return "" if pd.isna(name) else pictures.get(str(name), "")


def _flags_of(known: list[tuple[str, Any]]) -> list[str]:
    """Return the flags of a lesion's measurements, each once, in order."""
    words: dict[str, None] = {}
    for _, cell in known:
        words.update(dict.fromkeys(wording.flags_in_words(cell)))
    return list(words)


def _deciders(known: list[tuple[str, Any]]) -> str:
    """Say who decided the values."""
    people = sorted({person for person, _ in known})
    return ", ".join(people) if people else wording.NOTHING
