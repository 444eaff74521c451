"""Clinical tables that are handed in: subjects, subject map, findings."""

from __future__ import annotations

import difflib
import re
from pathlib import Path
from typing import Any

import pandas as pd

from assessment.liver_table import (
    DERIVED,
    INPUTS,
    UNITLESS,
    contradictions,
    unused_words,
    with_liver_function,
)
from assessment.response_table import Subjects
from measurement.lesion_table import Findings
from measurement.table import TableError, columns_of, parse_text
from sumdiam.archive.csv_text import read_text
from sumdiam.archive.problem import Problem

NEAR = 0.8
"""Likeness from which a column counts as a misspelt one and not as a covariate."""

MEANINGS = {
    "randomised_on": r"random|rando?\b|enrol",
    "treatment_started_on": (
        r"treatment_?start|start_of_treatment|first_(dose|treatment|tace|session)"
    ),
    "died_on": r"death|died|dead|deceased|\bdod\b|exitus",
    "last_known_alive_on": r"alive|last_(contact|seen|visit|follow)|lost_to_follow",
    "new_therapy_on": r"(new|next|subsequent|other)_(therapy|treatment|line)",
    "data_cutoff_on": r"cut_?off|data_lock",
    "arm": r"(^|_)arm($|_)|treatment_group|\bgroup\b|cohort",
}
"""What a column may be meant to be, by words in its name."""

ORDERED = (
    # earlier, later: where both are known the later one is not before the earlier one
    ("randomised_on", "treatment_started_on"),
    ("randomised_on", "died_on"),
    ("randomised_on", "last_known_alive_on"),
    ("treatment_started_on", "died_on"),
    ("treatment_started_on", "last_known_alive_on"),
    ("treatment_started_on", "new_therapy_on"),
    ("randomised_on", "new_therapy_on"),
    ("new_therapy_on", "died_on"),
    ("last_known_alive_on", "died_on"),
    ("randomised_on", "data_cutoff_on"),
)


def read_subjects(path: Path | str) -> pd.DataFrame:
    """Return the subjects of a study: arm and dates, covariates behind them as text.

    Parameters
    ----------
    path : Path
        CSV with subject_id and any of the columns of `Subjects`; further columns are covariates,
        from which liver function and stage are derived (`assessment.liver_table`).

    Raises
    ------
    TableError
        On a doubled subject, a column that looks like a misspelt known one, an arm that is
        empty for some or spelt in two ways, a cell that is not of its type, or an impossible
        laboratory value, class or stage.
    """
    path = Path(path)
    text = read_text(path)
    _refuse_near_columns(text, path.name)
    _refuse_arms(text, path.name)
    _refuse_empty(text, "subject_id", path.name)
    _refuse_doubled(text, "subject_id", path.name)
    typed = parse_text(text, Subjects, origin=path.name, required=["subject_id"], allow_extra=True)
    return with_liver_function(typed, path.name)


def read_subject_map(path: Path | str) -> dict[str, str]:
    """Return the subject of each PatientID, from a CSV with patient_id and subject_id.

    Several patient ids may be one subject; one patient id is one subject.
    """
    path = Path(path)
    text = read_text(path)
    wanted = ["patient_id", "subject_id"]
    if sorted(text.columns) != wanted:
        msg = (
            f"{path.name}: the columns are {', '.join(text.columns)}; "
            f"a subject map has {' and '.join(wanted)} and no other. Rename or remove columns."
        )
        raise TableError(msg)
    for column in wanted:
        _refuse_empty(text, column, path.name)
    _refuse_doubled(text, "patient_id", path.name)
    patients, subjects = (text[column].str.strip() for column in wanted)
    return dict(zip(patients, subjects, strict=True))


def read_findings(path: Path | str) -> pd.DataFrame:
    """Return what a person says of lesions that no mask can say (schema `Findings`)."""
    path = Path(path)
    required = ["subject_id", "timepoint", "lesion_id"]
    return parse_text(read_text(path), Findings, origin=path.name, required=required)


def date_problems(subjects: pd.DataFrame, *, origin: str) -> tuple[Problem, ...]:
    """Return one problem per subject and pair of dates that go backwards.

    Such a subject cannot enter a time-to-event analysis: which of the two dates is wrong is
    not ours to guess.
    """
    problems = []
    for row in subjects.sort_values("subject_id").to_dict("records"):
        for earlier, later in ORDERED:
            one, two = row[earlier], row[later]
            if pd.notna(one) and pd.notna(two) and two < one:
                sentence = (
                    f"{later} ({two:%Y-%m-%d}) lies before {earlier} ({one:%Y-%m-%d}) in {origin}. "
                    "Correct one of the dates, or leave the cell empty if it is not known."
                )
                problems.append(
                    Problem("dates_backwards", str(row["subject_id"]), sentence, refused=True)
                )
    return tuple(problems)


def scan_date_problems(
    timepoints: pd.DataFrame, subjects: pd.DataFrame, *, origin: str
) -> tuple[Problem, ...]:
    """Return the subjects who have images after their death."""
    joined = timepoints.merge(subjects[["subject_id", "died_on"]], on="subject_id")
    late = joined[joined["last_scan_on"] > joined["died_on"]]
    return tuple(
        Problem(
            "dates_backwards",
            str(row["subject_id"]),
            f"timepoint {row['timepoint']} was scanned on {row['last_scan_on']:%Y-%m-%d}, after "
            f"died_on ({row['died_on']:%Y-%m-%d}) in {origin}. Correct the date of death there, "
            "or acquired_on of that study in plan.csv.",
            refused=True,
        )
        for row in late.sort_values(["subject_id", "timepoint"]).to_dict("records")
    )


def covariate_problems(subjects: pd.DataFrame, *, origin: str) -> tuple[Problem, ...]:
    """Return covariates that may be meant as a known column, and those that contradict others."""
    problems = [
        Problem("given_contradicts_inputs", subject, sentence)
        for subject, sentence in contradictions(subjects, origin)
    ]
    problems += [
        Problem("words_not_used", column, sentence)
        for column, sentence in unused_words(subjects, origin)
    ]
    for name in map(str, subjects.columns):
        if name != _plain(name) and _plain(name) in {*INPUTS, *DERIVED}:
            sentence = (
                f"column {name!r} of {origin} is kept as a covariate and nothing is derived from "
                f"it. If it is meant as {_plain(name)!r}, rename it."
            )
            problems.append(Problem("near_column", name, sentence))
    for name, meant_names in UNITLESS.items():
        if name in subjects and not any(one in subjects for one in meant_names):
            sentence = (
                f"column {name!r} of {origin} says no unit, so nothing is derived from it. Rename "
                f"it to {' or '.join(map(repr, meant_names))}."
            )
            problems.append(Problem("near_column", name, sentence))
    for name in subjects.columns[len(columns_of(Subjects)) :]:
        meant = _meant(str(name))
        if meant and subjects[meant].isna().all():
            sentence = (
                f"column {name!r} of {origin} is kept as a covariate and has no effect on "
                f"endpoints. If it is meant as {meant!r}, rename it."
            )
            problems.append(Problem("near_column", str(name), sentence))
    return tuple(problems)


def _refuse_near_columns(text: pd.DataFrame, origin: str) -> None:
    """Refuse an extra column that is a known one misspelt, or holds what a known one should."""
    known = columns_of(Subjects)
    for name in text.columns:
        if name in known:
            continue
        plain = _plain(name)
        near = difflib.get_close_matches(plain, known, 1, cutoff=NEAR)
        meant = near[0] if near else _meant(name)
        if not meant or (meant in text.columns and not near):
            continue
        if near or (meant != "arm" and (_says_date(plain) or _holds_dates(text[name]))):
            msg = (
                f"{origin}: column {name!r} is not known but looks like {meant!r}. Rename it to "
                f"{meant!r}; if it is a covariate, give it a name that cannot be taken for one."
            )
            raise TableError(msg)


def _plain(name: str) -> str:
    """Write a column name the way known ones are written."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name.strip())
    return re.sub(r"[\s.\-_/]+", "_", spaced).lower().strip("_")


def _meant(name: str) -> str | None:
    """Return the known column that words in this name speak of."""
    plain = _plain(name)
    return next((known for known, words in MEANINGS.items() if re.search(words, plain)), None)


def _says_date(plain: str) -> bool:
    """Return whether a name says that its cells are dates."""
    return bool(re.search(r"(^|_)(on|date|dt|day)($|_)", plain))


def _holds_dates(cells: pd.Series[Any]) -> bool:
    """Return whether a column's filled cells look like dates."""
    filled = cells.str.strip()[lambda cell: cell != ""]
    pattern = r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}"
    return bool(len(filled)) and bool(filled.str.fullmatch(pattern).all())


def _refuse_arms(text: pd.DataFrame, origin: str) -> None:
    """Refuse arms that are empty for some subjects, or one arm spelt in two ways."""
    if "arm" not in text or not (text["arm"].str.strip() != "").any():
        return
    empty = text.index[text["arm"].str.strip() == ""]
    if len(empty):
        msg = (
            f"{origin}: the arm is empty in row {_rows(empty)}. Write the arm, "
            "or remove the subject from the table."
        )
        raise TableError(msg)
    plain = text["arm"].str.split().str.join(" ").str.casefold()
    for _, spelt in sorted(text["arm"].groupby(plain), key=lambda group: str(group[0])):
        if len(set(spelt)) > 1:
            ways = ", ".join(
                f"{way!r} in row {_rows(cells.index)}" for way, cells in spelt.groupby(spelt)
            )
            msg = f"{origin}: one arm is spelt in several ways: {ways}. Write it in one way."
            raise TableError(msg)


def _refuse_empty(text: pd.DataFrame, column: str, origin: str) -> None:
    """Refuse a key that is empty somewhere."""
    if column not in text:
        return  # parse_text says which column is missing and what may be meant
    empty = text.index[text[column].str.strip() == ""]
    if len(empty):
        msg = f"{origin}: {column} is empty in row {_rows(empty)}. Write the id or remove the row."
        raise TableError(msg)


def _refuse_doubled(text: pd.DataFrame, column: str, origin: str) -> None:
    """Refuse a key that stands in two rows."""
    if column not in text:
        return
    keys = text[column].str.strip()
    doubled = keys[keys.duplicated(keep=False)]
    if len(doubled):
        first = doubled.iloc[0]
        rows = doubled.index[doubled == first]
        msg = (
            f"{origin}: {column} {first!r} stands in row {_rows(rows)}. Keep one row per {column}."
        )
        raise TableError(msg)


def _rows(index: pd.Index[Any]) -> str:
    """Write row numbers as a spreadsheet shows them, the first few only."""
    numbers = [str(int(row) + 2) for row in index]
    return ", ".join(numbers[:8]) + (f" and {len(numbers) - 8} more" if len(numbers) > 8 else "")
