"""Course of every subject and every lesion, each measurement with its picture."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

import pandas as pd

from sumdiam.report import wording
from sumdiam.report.figure import scan_days
from sumdiam.report.grid import Cell, Grid, GridRow, Link, anchor_of, row_of
from sumdiam.report.run_grid import accepted
from sumdiam.report.run_tables import RunTables
from sumdiam.report.view import View

LENGTHS: Final = (
    ("viable_diameter", "viable"),
    ("whole_diameter", "whole"),
    ("node_short_axis", "short axis"),
)
PICTURED: Final = (
    *LENGTHS,
    ("viable_perpendicular", "viable short axis"),
    ("whole_perpendicular", "whole short axis"),
    ("viable_volume", "viable volume"),
    ("whole_volume", "whole volume"),
    ("mean_attenuation", "attenuation"),
    ("mean_enhancement", "enhancement"),
    ("late_contrast", "late contrast"),
)
LEAST_PROBABILITY: Final = 0.005


def course_grid(tables: RunTables, view: View) -> Grid:
    """Return one row per subject and visit: sums, changes, responses, reason and doubt."""
    dates = scan_days(tables).set_index(["subject_id", "timepoint"])["scanned_on"]
    arms = view.arm_by_subject()
    seen: set[str] = set()
    rows: list[GridRow] = []
    for row in view.responses.to_dict("records"):
        subject_id = str(row["subject_id"])
        first = subject_id not in seen
        seen.add(subject_id)
        rows.append(_visit_row(row, arms.get(subject_id, ""), dates, first=first))
    columns = (
        "Subject", "Arm", "Visit", "Scan", "Overall response", "Doubt", "Targets", "Sum, mm",
        "From baseline, mm (%)", "From nadir, mm (%)", "Target", "Non-target", "New lesion",
        "Hepatic", "Reason",
    )  # fmt: skip
    return Grid(
        "course",
        columns,
        tuple(rows),
        notes=(
            "Targets: measured of expected. Sum of diameters as the rule set measures each target. "
            "Nadir: the smallest earlier sum. Highlighted: a cut-off lies within the measurement "
            "error, with the probability of each category.",
        ),
        missing="No responses: no subject has a baseline and a follow-up that could be assessed.",
        sortable=True,
        numeric=(7, 8, 9),
    )


def _visit_row(row: dict[Any, Any], arm: str, dates: Any, *, first: bool) -> GridRow:
    """Return the row of one visit."""
    subject_id, timepoint = str(row["subject_id"]), int(row["timepoint"])
    doubt = _doubt(row)
    overall = wording.text_of(row["overall_response"])
    recorded = wording.text_of(row["recorded_response"], overall)
    if recorded != overall:
        overall += f" (recorded {recorded})"
    return row_of(
        [
            Cell(subject_id, "key", links=(Link("lesions", anchor_of("lesions", subject_id)),))
            if first else Cell(subject_id, "key"),
            arm,
            Cell(str(timepoint) if timepoint else "baseline", sort=str(timepoint)),
            Cell(wording.day(dates.get((subject_id, timepoint))), "day"),
            Cell(overall, f"response {_css(row['overall_response'])}"),
            Cell(doubt, "doubtful" if doubt else ""),
            f"{row['n_targets_measured']}/{row['n_targets_expected']}",
            _number(row["sum_mm"]),
            _change(row["change_from_baseline_mm"], row["change_from_baseline_percent"], timepoint),
            _change(row["change_from_nadir_mm"], row["change_from_nadir_percent"], timepoint),
            _part(row["target_response"], timepoint),
            _part(row["nontarget_response"], timepoint),
            wording.text_of(row["new_lesion"]).replace("_", " "),
            wording.text_of(row["hepatic_response"]),
            Cell(wording.text_of(row["reason"], ""), "wide"),
        ],
        kind="doubt" if doubt else "",
        anchor=anchor_of("subject", subject_id) if first else "",
    )  # fmt: skip


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


def _change(mm: Any, percent: Any, timepoint: int) -> Cell:
    """Return a change in mm and percent; the baseline has none."""
    if timepoint == 0 or (pd.isna(mm) and pd.isna(percent)):
        return Cell(wording.NOTHING)
    text = f"{wording.signed(mm, 1)} ({wording.signed(percent, 1)})"
    return Cell(text, sort="" if pd.isna(percent) else repr(float(percent)))


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
    """Return one row per lesion and visit with links to the pictures of its measurements.

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
        anchor = "" if subject_id in seen else anchor_of("lesions", subject_id)
        seen.add(subject_id)
        role = roles.get((row["subject_id"], row["lesion_id"]), "not selected")
        rows.append(_lesion_row(row, role, latest, pictures, anchor))
    columns = (
        "Subject", "Visit", "Scan", "Lesion", "Organ", "Role", "Status", "Viable, mm",
        "Whole, mm", "Node short axis, mm", "Decided by", "Flags", "Picture",
    )  # fmt: skip
    return Grid(
        "lesions",
        columns,
        tuple(rows),
        notes=(
            "Lengths ± standard uncertainty of measurement. Viable: longest diameter of the "
            "arterially enhancing part. Flags are reasons for a person to look.",
        ),
        missing="No lesions were measured.",
        sortable=True,
        numeric=(1, 7, 8, 9),
    )


def _role(role: Any, order: Any) -> str:
    """Write a role with its order."""
    return str(role) if pd.isna(order) else f"{role} {int(order)}"


def _lesion_row(
    row: dict[Any, Any],
    role: str,
    latest: Mapping[str, tuple[str, Any]],
    pictures: Mapping[str, str],
    anchor: str,
) -> GridRow:
    """Return the row of one lesion at one visit."""
    ids = [str(row[f"{q}_id"]) for q, _ in PICTURED if not pd.isna(row[f"{q}_id"])]
    known = [latest[one] for one in ids if one in latest]
    flags = wording.flags_in_words(row["flags"]) or _flags_of(known)
    status = wording.text_of(row["status"], "measured" if ids else "not recorded").replace("_", " ")
    if not pd.isna(row["status_reason"]):
        status += f": {row['status_reason']}"
    return row_of(
        [
            Cell(str(row["subject_id"]), "key",
                 links=(Link("course", anchor_of("subject", str(row["subject_id"]))),)
                 if anchor else ()),
            str(int(row["timepoint"])),
            Cell(wording.day(row["scan_on"]), "day"),
            str(row["lesion_id"]),
            _organ(row),
            role,
            status,
            *(_length(row, quantity) for quantity, _ in LENGTHS),
            _deciders(known),
            Cell("; ".join(flags), "doubtful" if flags else ""),
            Cell("" if any(one in pictures for one in ids) else wording.NOTHING,
                 links=_picture_links(row, pictures)),
        ],
        kind="doubt" if flags else "",
        anchor=anchor,
    )  # fmt: skip


def _organ(row: dict[Any, Any]) -> str:
    """Write the organ, and whether the lesion is a node where the organ does not say so."""
    organ = wording.text_of(row["organ"], row["site"]).replace("_", " ")
    node = str(row["node"]).replace("_", " ")
    return organ if node == "none" or node in organ else f"{organ} ({node})"


def _length(row: dict[Any, Any], quantity: str) -> Cell:
    """Return a length with its uncertainty."""
    value, error = row[f"{quantity}_mm"], row[f"u_{quantity}"]
    if pd.isna(value):
        return Cell(wording.NOTHING)
    text = wording.rounded(value, 1)
    if value > 0 and not pd.isna(error):
        text += f" ± {wording.rounded(error, 1)}"
    return Cell(text, sort=repr(float(value)))


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


def _picture_links(row: dict[Any, Any], pictures: Mapping[str, str]) -> tuple[Link, ...]:
    """Return one link per picture, named for what it shows."""
    named: dict[str, list[str]] = {}
    for quantity, word in PICTURED:
        cell = row[f"{quantity}_id"]
        if not pd.isna(cell) and str(cell) in pictures:
            named.setdefault(pictures[str(cell)], []).append(word)
    return tuple(Link(", ".join(words), anchor) for anchor, words in named.items())


def picture_caption(row: Mapping[Any, Any]) -> str:
    """Say below a picture what was measured where."""
    value = row["value"]
    length = "not measured"
    if not (value is None or math.isnan(float(value))):
        length = f"{wording.rounded(float(value), 1)} {row['unit']}"
    quantity = str(row["quantity"]).replace("_", " ")
    place = "" if pd.isna(row["slice"]) else f", slice {int(row['slice'])}"
    visit = int(row["timepoint"])
    return f"{row['subject_id']}, {row['lesion_id']}, visit {visit}: {quantity} {length}{place}"
