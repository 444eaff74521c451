"""Doubt carried through: the estimates of a trial beside how far reading again moves them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from assessment.reader_doubt import same_lesions_share
from stats.number_text import MISSING_TIMES, ratio_with_limits
from sumdiam.export.doubts import CONTROL, HAZARD, MEDIAN, RESPONSE
from sumdiam.report import wording
from sumdiam.report.grid import Grid, GridRow, row_of
from sumdiam.report.median import months_with_limits

TITLE = "How far measurement alone moves the estimates"
HEADINGS = {
    RESPONSE: "Objective response, %",
    CONTROL: "Disease control, %",
    MEDIAN: "Progression-free survival, median months",
}
"""The hazard ratio stands in the last column of the last."""
READ_AGAIN_WORDS = {
    "measurement": "measured again",
    "same_lesions": "by another reader, same lesions",
    "own_lesions": "by another reader, with lesions of their own",
}
ESTIMATED = "as estimated (limits for other patients)"


def doubt_grid(found: pd.DataFrame) -> Grid:
    """Return the table of estimates beside how far reading again moves them.

    Parameters
    ----------
    found : of `doubt_table`
    """
    if found.empty:
        why = "Shown for two arms whose responses could be assessed and read again."
        return Grid("doubt", ("Estimate",), (), missing=why)
    control, compared = arms_of(found)
    cells = {
        (row["read_again"], row["estimate"], row["arm"]): row for row in found.to_dict("records")
    }
    ways = list(dict.fromkeys(found["read_again"]))
    lines: list[GridRow] = []
    for what, heading in HEADINGS.items():
        lines.append(row_of([heading, "", "", ""], kind="heading"))
        for way in ("", *ways):
            own = way or ways[0]
            texts = [_text(cells[own, what, arm], way) for arm in (control, compared)]
            ratio = _text(cells[own, HAZARD, compared], way) if what == MEDIAN else ""
            label = READ_AGAIN_WORDS[way] if way else ESTIMATED
            lines.append(row_of([label, *texts, ratio], kind="level"))
    columns = ("Estimate", control, compared, f"Hazard ratio, {compared} versus {control}")
    return Grid("doubt", columns, tuple(lines), notes=_notes(found))


def arms_of(found: pd.DataFrame) -> tuple[str, str]:
    """Return the control arm and the one that is compared with it."""
    compared = str(found.loc[found["estimate"] == HAZARD, "arm"].iloc[0])
    others = [str(arm) for arm in found["arm"].unique() if arm != compared]
    return others[0], compared


def _text(row: Mapping[Any, Any], way: str) -> str:
    """Write an estimate of the run (no way), or the middle of its draws, with limits."""
    names = ("middle", "lower", "upper") if way else ("estimated", "sampling_lower",
                                                      "sampling_upper")  # fmt: skip
    if way and not row["n_lengths_drawn"]:
        return "no length states its uncertainty"
    middle, lower, upper = (math.nan if pd.isna(row[name]) else float(row[name]) for name in names)
    if row["estimate"] == HAZARD:
        known = math.isfinite(middle)
        return ratio_with_limits(middle, lower, upper) if known else wording.NOTHING
    if way and not row["n_draws"]:
        return wording.NOTHING
    if row["estimate"] == MEDIAN:
        return months_with_limits(middle, lower, upper)
    words = [wording.rounded(x, 1) for x in (middle, lower, upper)]
    return f"{words[0]} ({words[1]}{wording.DASH}{words[2]})".replace(" ", wording.FIXED)


def _notes(found: pd.DataFrame) -> tuple[str, ...]:
    """Say what the numbers are."""
    own = found.drop_duplicates("read_again").set_index("read_again")
    draws = int((found["n_draws"] + found["n_without_estimate"]).max())
    notes = [
        f"Each of {draws} times, the length of every target at every visit was drawn anew around "
        "the one measured, within its stated uncertainty, and sums, responses, progression, times "
        "to event and exclusions were worked out again for everybody. Shown: the middle of what "
        "came out and the limits that hold 95 % of it. The first row of each estimate has its "
        "usual 95 % limits, which say what other patients might have given; the rows below keep "
        "the patients and say what another look at their images might have given.",
        "Errors of different lesions, visits and patients are independent; roles of lesions, "
        "non-targets and new lesions stay as they were judged. The middle may lie off the "
        "estimate: a best response is the best of several visits and progression the first rise "
        "of one, so errors of either sign make more responses and earlier progression. "
        f"{MISSING_TIMES}.",
    ]
    if "same_lesions" in own.index:
        share = wording.rounded(100 * same_lesions_share(), 1)
        notes.append(
            f"Another reader, same lesions: besides, {share} % of each length (table "
            "reader.same_lesions of the policies). With lesions of their own: as three "
            "radiologists differed who each chose lesions, and did not always see the same "
            "ones alive (table reader.own_lesions of the policies). Every patient counts as read "
            "by a reader of their own."
        )
    fixed = int(own["n_lengths_fixed"].max())
    if fixed:
        drawn = int(own.loc[own["n_lengths_fixed"] == fixed, "n_lengths_drawn"].iloc[0])
        notes.append(
            f"{fixed} of {fixed + drawn} lengths of targets state no uncertainty and were left as "
            "they are: measurement moves the estimates further than is shown."
        )
    without = int(found["n_without_estimate"].max())
    if without:
        notes.append(
            f"Up to {without} of the {draws} draws gave no estimate (no event in an arm, or nobody "
            "in it) and are left out."
        )
    return tuple(notes)
