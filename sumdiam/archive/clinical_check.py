"""A table of subjects held against the dates of their images."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence

import pandas as pd

from sumdiam.archive.interval_check import interval_columns, interval_problems
from sumdiam.archive.problem import Problem


def clinical_problems(
    subjects: pd.DataFrame, scans: Mapping[str, Sequence[dt.date]], *, origin: str
) -> tuple[Problem, ...]:
    """Return what a table of subjects says that their images contradict.

    Parameters
    ----------
    subjects : typed table `Subjects`, covariates behind
        In the order of its file.
    scans : mapping
        Subject to the dates of its studies, in order.
    origin : str
        The table's name, for messages.

    Notes
    -----
    Nothing is refused for it. Scans after death are told with the timepoints
    (`clinical.scan_date_problems`).
    """
    return (
        *_alive(subjects, scans, origin),
        *(
            problem
            for column in interval_columns(subjects)
            for problem in interval_problems(subjects, column, scans, origin=origin)
        ),
    )


def death_problems(
    subjects: pd.DataFrame, scans: Mapping[str, Sequence[dt.date]], *, origin: str
) -> tuple[Problem, ...]:
    """Return the subjects with a study after their death."""
    return tuple(
        Problem(
            "dates_backwards",
            subject,
            f"a study is of {last:%Y-%m-%d}, after died_on ({died:%Y-%m-%d}) in {origin}. Correct "
            "the date of death, or find out whose study it is.",
            refused=True,
        )
        for subject, died, last in _dated(subjects, scans, "died_on")
        if last > died
    )


def _alive(
    subjects: pd.DataFrame, scans: Mapping[str, Sequence[dt.date]], origin: str
) -> Iterator[Problem]:
    """Yield the subjects who were scanned after the day they were last known alive."""
    living = subjects[subjects["died_on"].isna()]
    for subject, alive, last in _dated(living, scans, "last_known_alive_on"):
        if last > alive:
            yield Problem(
                "alive_before_scan",
                subject,
                f"last_known_alive_on in {origin} is {alive:%Y-%m-%d}, but a study is of "
                f"{last:%Y-%m-%d}: who is scanned is alive. Write the later day there.",
            )


def _dated(
    subjects: pd.DataFrame, scans: Mapping[str, Sequence[dt.date]], column: str
) -> Iterator[tuple[str, dt.date, dt.date]]:
    """Yield subject, the day of a column, and the day of the last study, where both are known."""
    for subject, day in zip(subjects["subject_id"], subjects[column], strict=True):
        dates = scans.get(str(subject), ())
        if pd.notna(day) and dates:
            yield str(subject), day.date(), max(dates)
