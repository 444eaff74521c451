"""Measured against truth: how far lengths are off, which responses, outcomes and events differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from measurement.flag import is_doubtful
from sumdiam.demo.truth_table import TruthTables

SUMMARY = (
    "what", "group", "n", "missing", "mean_px", "rms_px", "max_px", "max_unflagged_px",
    "within_1_px_percent", "flagged_percent", "unflagged_off", "equal",
)  # fmt: skip
DIFFERENCES = ("what", "subject_id", "timepoint", "name", "truth", "found", "error_px", "flags")
TOLERANCE_MM, TOLERANCE_PART = 1.5, 0.05
"""What a reader would call right: 1.5 mm or 5 %, whichever is more."""
_KEY = ["subject_id", "lesion_id", "timepoint", "quantity"]
_VISIT = ["subject_id", "timepoint"]
_WORDS = ("target_response", "nontarget_response", "overall_response")
_READER, _CRITERIA = "auto", "mrecist"


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two tables: one row per question, and one row per difference worth a look."""

    summary: pd.DataFrame
    differences: pd.DataFrame

    @property
    def categories_equal(self) -> bool:
        """Whether every category, event and doubt is as the truth has it."""
        words = self.summary[self.summary["rms_px"].isna() & (self.summary["n"] > 0)]
        words = words[words["missing"].isna()]
        return bool((words["equal"] == words["n"]).all())

    def lines(self) -> list[str]:
        """Return the summary in sentences for a terminal."""
        found = []
        for row in self.summary.to_dict("records"):
            name = f"{row['what']} ({row['group']})"
            if row["n"] == 0:
                continue
            if pd.isna(row["missing"]):
                found.append(f"{name}: {row['equal']} of {row['n']} equal to truth")
                continue
            found.append(
                f"{name}: n {row['n']}, mean {row['mean_px']:+.2f}, rms {row['rms_px']:.2f}, "
                f"largest {row['max_px']:.2f} (unflagged {row['max_unflagged_px']:.2f}) pixels; "
                f"{row['within_1_px_percent']:.1f} % within 1 pixel, "
                f"{row['flagged_percent']:.1f} % flagged, {row['unflagged_off']} unflagged beyond "
                f"{TOLERANCE_MM:g} mm and {100 * TOLERANCE_PART:g} %"
                + (f"; {row['missing']} not measured" if row["missing"] else "")
            )
        return found


def compare(tables: dict[str, pd.DataFrame], truth: TruthTables) -> Comparison:
    """Compare the tables of a run with the truth about it.

    Parameters
    ----------
    tables : name -> DataFrame
        ``measurements``, ``responses``, ``outcomes``, ``events`` of a run. Of several readers or
        rule sets the automatic reading and mRECIST are compared.
    truth : TruthTables
        At visits and in subjects marked borderline a category need not be equal: there the
        question is whether it was called doubtful.
    """
    lengths = matched_lengths(tables["measurements"], truth.measurements)
    summary = length_summary(lengths)
    differences = _length_differences(lengths)
    for part, rows in (
        _responses(tables["responses"], truth.responses),
        _outcomes(tables["outcomes"], truth.outcomes),
        _events(tables["events"], truth.events),
    ):
        summary += part
        differences += rows
    return Comparison(
        _typed(pd.DataFrame(summary, columns=list(SUMMARY))),
        _typed(pd.DataFrame(differences, columns=list(DIFFERENCES))),
    )


def matched_lengths(measurements: pd.DataFrame, truth: pd.DataFrame) -> pd.DataFrame:
    """Return the truth with the latest measured value, the error in mm and pixels, and flags."""
    automatic = measurements[measurements["reader"] == _READER]
    latest = automatic.sort_values("revision").drop_duplicates(_KEY, keep="last")
    found = truth.merge(latest[[*_KEY, "value", "flags", "reason"]], on=_KEY, how="left")
    found["error_mm"] = found["value"] - found["value_mm"]
    found["error_px"] = found["error_mm"] / found["pixel_mm"]
    allowed_mm = (found["value_mm"] * TOLERANCE_PART).clip(lower=TOLERANCE_MM)
    found["off"] = found["error_mm"].abs() > allowed_mm
    found["flagged"] = found["flags"].map(is_doubtful).astype(bool)
    return found


def length_summary(lengths: pd.DataFrame) -> list[dict[str, Any]]:
    """Return one row per quantity and group: all, per shape, and dead lesions apart."""
    rows = []
    for quantity, part in lengths.groupby("quantity", sort=True):
        alive = part[part["value_mm"] > 0]
        rows.append(_errors(str(quantity), "all", alive))
        if quantity == "viable_diameter":
            necrotic = alive["shape"].isin(["ring", "crescent", "twoislands"])
            rows.append(_errors(str(quantity), "with necrosis", alive[necrotic]))
            dead = part[part["value_mm"] == 0]
            rows.append(_errors(str(quantity), "nothing viable", dead))
    return rows


def _errors(what: str, group: str, part: pd.DataFrame) -> dict[str, Any]:
    """Return mean, rms and largest error of some lengths, in pixels."""
    errors = part["error_px"].dropna()
    unflagged = errors[~part.loc[errors.index, "flagged"]].abs()
    return {
        "what": what,
        "group": group,
        "n": len(part),
        "missing": len(part) - len(errors),
        "mean_px": errors.mean(),
        "rms_px": float(np.sqrt((errors**2).mean())),
        "max_px": errors.abs().max(),
        "max_unflagged_px": unflagged.max() if len(unflagged) else 0.0,
        "within_1_px_percent": _percent(int((errors.abs() <= 1.0).sum()), len(part)),
        "flagged_percent": _percent(int(part["flagged"].sum()), len(part)),
        "unflagged_off": int((part["off"] & ~part["flagged"]).sum()),
        "equal": int((errors.abs() <= 1.0).sum()),
    }


def _length_differences(lengths: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the lengths that are missing, flagged, or off by more than a pixel."""
    odd = lengths[lengths["error_px"].isna() | (lengths["error_px"].abs() > 1) | lengths["flagged"]]
    return [
        {
            "what": row["quantity"],
            "subject_id": row["subject_id"],
            "timepoint": row["timepoint"],
            "name": f"{row['lesion_id']} ({row['shape']})",
            "truth": f"{row['value_mm']:.2f}",
            "found": "" if pd.isna(row["value"]) else f"{row['value']:.2f}",
            "error_px": row["error_px"],
            "flags": row["flags"],
        }
        for row in odd.to_dict("records")
    ]


def _responses(
    found: pd.DataFrame, truth: pd.DataFrame
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Compare responses word by word; borderline visits are asked whether they were doubted."""
    columns = [*_VISIT, *_WORDS, "within_error_of_cutoff"]
    joined = truth.merge(_mine(found)[columns], on=_VISIT, how="left", suffixes=("", "_found"))
    clear, close = joined[~joined["borderline"]], joined[joined["borderline"]]
    rows, odd = [], []
    for word in _WORDS:
        equal = (clear[word] == clear[f"{word}_found"]).fillna(value=False).astype(bool)
        rows.append({"what": word, "group": "clear", "n": len(clear), "equal": int(equal.sum())})
        odd += [
            _difference(word, row, truth=row[word], found=row[f"{word}_found"])
            for row in clear[~equal].to_dict("records")
        ]
    doubted = close["within_error_of_cutoff"].fillna(value=False).astype(bool)
    rows.append(
        {"what": "doubtful", "group": "borderline", "n": len(close), "equal": int(doubted.sum())}
    )
    odd += [
        _difference("doubtful", row, truth="true", found="false")
        for row in close[~doubted].to_dict("records")
    ]
    return rows, odd


def _outcomes(
    found: pd.DataFrame, truth: pd.DataFrame
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Compare best responses and the timepoint of first progression."""
    names = ["best_response", "first_progression_timepoint"]
    mine = _mine(found)[["subject_id", *names]]
    joined = truth.merge(mine, on="subject_id", how="left", suffixes=("", "_found"))
    return _compared(joined[~joined["borderline"]], names, label=None)


def _events(
    found: pd.DataFrame, truth: pd.DataFrame
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Compare end and event of every endpoint; overall survival knows no reader or rule set."""
    mine = found[found["endpoint"].isin(truth["endpoint"])]
    mine = mine[mine["criteria"].isin([_CRITERIA, "none"])]
    key = ["subject_id", "endpoint"]
    mine = mine.drop_duplicates(key)[[*key, "end_on", "days", "event"]]
    joined = truth.merge(mine, on=key, how="left", suffixes=("", "_found"))
    rows: list[dict[str, Any]] = []
    odd: list[dict[str, Any]] = []
    for endpoint, part in joined[~joined["borderline"]].groupby("endpoint", sort=True):
        some, differences = _compared(part, ["days", "event"], label=str(endpoint))
        rows, odd = rows + some, odd + differences
    return rows, odd


def _compared(
    joined: pd.DataFrame, names: Sequence[str], *, label: str | None
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Compare columns with their ``_found`` twins; under a label all must be equal at once."""
    same = {}
    for name in names:
        one, two = joined[name], joined[f"{name}_found"]
        same[name] = ((one == two) | (one.isna() & two.isna())).fillna(value=False).astype(bool)
    odd = [
        _difference(
            f"{label} {name}" if label else name, row, truth=row[name], found=row[f"{name}_found"]
        )
        for name in names
        for row in joined[~same[name]].to_dict("records")
    ]
    groups = {label: pd.DataFrame(same).all(axis=1)} if label else same
    rows = [
        {"what": what, "group": "clear", "n": len(joined), "equal": int(equal.sum())}
        for what, equal in groups.items()
    ]
    return rows, odd


def _difference(
    what: str,
    row: dict[Any, Any],
    *,
    truth: Any,
    found: Any,
) -> dict[str, Any]:
    """Return one row of the table of differences."""
    return {
        "what": what,
        "subject_id": row["subject_id"],
        "timepoint": row.get("timepoint"),
        "name": "",
        "truth": "" if pd.isna(truth) else str(truth),
        "found": "" if pd.isna(found) else str(found),
    }


def _mine(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of the automatic reading under mRECIST."""
    return frame[(frame["reader"] == _READER) & (frame["criteria"] == _CRITERIA)]


def _percent(part: int, whole: int) -> float:
    """Return a share in percent; NaN of nothing."""
    return 100.0 * part / whole if whole else float("nan")


def _typed(frame: pd.DataFrame) -> pd.DataFrame:
    """Give the columns the types of tables."""
    whole = ("n", "missing", "unflagged_off", "equal", "timepoint")
    numbers = (
        "mean_px", "rms_px", "max_px", "max_unflagged_px", "within_1_px_percent",
        "flagged_percent", "error_px",
    )  # fmt: skip
    types = {
        name: "Int64" if name in whole else "float64" if name in numbers else "string"
        for name in frame.columns
    }
    return frame.astype(types)
