"""Visits of every subject by rank, from what was handed in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from assessment.code import NO_DAY, Anything, Bools, Ints, Texts, choose, days_of
from assessment.lesion_columns import LesionColumns
from assessment.visit_array import filled, highest_earlier
from assessment.words import Words, compacted, first_of


@dataclass(frozen=True, slots=True)
class Visits:
    """Timepoints of every subject by rank; rank 0 is timepoint 0, there or not.

    All arrays are (subject, rank), but `words`, the ids of the subjects, and `no_dates` (subject).

    Attributes
    ----------
    timepoint : number of the timepoint, -1 where the subject has no further one
    exists : whether there is such a visit
    listed : whether the timepoint table lists it (else it is known from lesions alone)
    first_day, last_day : days since 1970-01-01, NO_DAY where unknown
    adequate, looked : 1 yes, 0 no, -1 not stated; `looked`: new lesions were looked for
    no_dates : reason why a subject's dates cannot be used, empty where they can
    """

    words: tuple[str, ...]
    timepoint: Ints
    exists: Bools
    listed: Bools
    first_day: Ints
    last_day: Ints
    adequate: Ints
    looked: Ints
    no_dates: Words

    @property
    def subject_id(self) -> Texts:
        """(subject,): the ids."""
        return np.array(self.words, dtype=object)

    @property
    def dated(self) -> Bools:
        """(subject,): whether its dates can be used."""
        return self.no_dates.equals("")


def places_of(ids: pd.Series[str], known: Texts) -> Ints:
    """Return each id's place among the known ones, which hold them all."""
    places = pd.Index(known).get_indexer(pd.Index(ids.to_numpy(dtype=object)))
    return np.asarray(places, dtype=np.int64)


def subject_places(lesions: LesionColumns, known: Texts) -> Ints:
    """Return the place of each lesion row's subject among the known ones."""
    own = lesions.text("subject_id")
    if len(own.words) == len(known):  # both are in order, and the known hold them all
        return own.codes.astype(np.int64)
    return np.asarray(np.searchsorted(known, np.array(own.words, dtype=object))[own.codes])


def make_visits(
    lesions: LesionColumns, timepoints: pd.DataFrame | None, subjects: pd.DataFrame | None
) -> Visits:
    """Return every subject's visits from what was handed in; dates from `scan_on` where needed."""
    own = np.array(lesions.text("subject_id").words, dtype=object)
    tables = [table for table in (timepoints, subjects) if table is not None]
    others = [table["subject_id"].to_numpy(dtype=object) for table in tables]
    ids = np.unique(np.concatenate([own, *others])) if others else own
    place = subject_places(lesions, ids)
    listed = None if timepoints is None else places_of(timepoints["subject_id"], ids)
    step = 1 + max(
        int(lesions.timepoint.max(initial=0)),
        0 if timepoints is None else int(timepoints["timepoint"].max() if len(timepoints) else 0),
    )
    parts = [place * step + lesions.timepoint, np.arange(len(ids)) * step]
    if timepoints is not None and listed is not None:
        parts.append(listed * step + timepoints["timepoint"].to_numpy(dtype=np.int64))
    key, where = compacted(np.concatenate(parts), max(len(ids) * step, 1))
    rows = np.split(where, np.cumsum([len(part) for part in parts])[:-1])
    seen = _seen_days(lesions, rows[0], len(key))
    told = _listed_days(timepoints, rows[2] if timepoints is not None else None, len(key))
    exists = told["listed"].copy()
    exists[rows[0]] = True
    return _laid_out(ids, key // step, key % step, exists, seen, told)


def _seen_days(lesions: LesionColumns, row: Ints, n: int) -> tuple[Ints, Ints]:
    """Return the first and last scan day of each visit's lesion rows, NO_DAY where none is."""
    last = np.full(n, NO_DAY, dtype=np.int64)
    if lesions.scan_day is None:
        return last.copy(), last
    last[row] = lesions.scan_day
    if (last[row] == lesions.scan_day).all():  # all rows of a visit have the same day
        return last.copy(), last
    huge = np.iinfo(np.int64).max
    first = np.full(n, huge, dtype=np.int64)
    known = np.where(lesions.scan_day == NO_DAY, huge, lesions.scan_day)
    np.minimum.at(first, row, known)
    np.maximum.at(last, row, lesions.scan_day)
    return np.where(first == huge, NO_DAY, first), last


def _listed_days(timepoints: pd.DataFrame | None, row: Ints | None, n: int) -> dict[str, Anything]:
    """Return what the table of timepoints says of each visit; of two dates one stands for both."""
    told: dict[str, Anything] = {
        "listed": np.zeros(n, dtype=bool),
        "first": np.full(n, NO_DAY, dtype=np.int64),
        "last": np.full(n, NO_DAY, dtype=np.int64),
        "adequate": np.full(n, -1, dtype=np.int64),
        "looked": np.full(n, -1, dtype=np.int64),
    }
    if timepoints is None or row is None:
        return told
    first = days_of(pd.to_datetime(timepoints["first_scan_on"]))
    last = days_of(pd.to_datetime(timepoints["last_scan_on"]))
    told["listed"][row] = True
    told["first"][row] = np.where(first == NO_DAY, last, first)
    told["last"][row] = np.where(last == NO_DAY, first, last)
    told["adequate"][row] = _truth(timepoints["adequate"])
    told["looked"][row] = _truth(timepoints["new_lesions_assessed"])
    return told


def _laid_out(
    ids: Texts,
    subject: Ints,
    timepoint: Ints,
    exists: Bools,
    seen: tuple[Ints, Ints],
    told: dict[str, Anything],
) -> Visits:
    """Return the visits, sorted by subject and timepoint, by rank; rank 0 is timepoint 0."""
    start = np.searchsorted(subject, np.arange(len(ids)))
    rank = np.arange(len(subject)) - start[subject]
    depth = int(rank.max(initial=0)) + 1

    place = rank * len(ids) + subject

    def spread(values: Anything, missing: object) -> Anything:
        grid = filled((len(ids), depth), missing, values.dtype)
        grid.T.reshape(-1)[place] = values
        return grid

    days = [
        spread(choose(told[name] == NO_DAY, scans, told[name]), NO_DAY)
        for name, scans in zip(("first", "last"), seen, strict=True)
    ]
    there = spread(exists, missing=False)
    return Visits(
        words=tuple(ids.tolist()),
        timepoint=spread(timepoint, -1),
        exists=there,
        listed=spread(told["listed"], missing=False),
        first_day=days[0],
        last_day=days[1],
        adequate=spread(told["adequate"], -1),
        looked=spread(told["looked"], -1),
        no_dates=_date_faults(there, *days),
    )


def _truth(column: pd.Series[bool]) -> Ints:
    """Return 1, 0, or -1 where nothing is stated."""
    filled = column.astype("boolean").astype("Int8").fillna(-1)
    return np.asarray(filled.to_numpy(dtype=np.int64), dtype=np.int64)


def _date_faults(exists: Bools, first: Ints, last: Ints) -> Words:
    """Return per subject `no_dates`, `dates_backwards`, or nothing."""
    undated = (exists & ((first == NO_DAY) | (last == NO_DAY))).any(axis=1)
    before = highest_earlier(choose(exists, first, NO_DAY), NO_DAY)
    backwards = (exists & ((first <= before) | (last < first))).any(axis=1) & ~undated
    return first_of([(undated, "no_dates"), (backwards, "dates_backwards")], "")


def rank_of_rows(visits: Visits, subject: Ints, timepoint: Ints) -> Ints:
    """Return the rank of each row's timepoint among its subject's."""
    ranks = np.arange(visits.timepoint.shape[1])
    if ((visits.timepoint == ranks) | (visits.timepoint < 0)).all():
        return timepoint  # numbered without a gap, as most studies are
    last = int(visits.timepoint.max(initial=0))
    if last < 4 * visits.timepoint.shape[1] + 16:
        rank = np.zeros((len(visits.subject_id), last + 1), dtype=np.int64)
        one, other = np.nonzero(visits.timepoint >= 0)
        rank[one, visits.timepoint[one, other]] = other
        return np.asarray(rank[subject, timepoint])
    step = last + 2
    there = visits.timepoint >= 0
    flat = (np.arange(len(visits.subject_id))[:, None] * step + visits.timepoint)[there]
    ranks = np.broadcast_to(np.arange(visits.timepoint.shape[1]), there.shape)[there]
    return np.asarray(ranks[np.searchsorted(flat, subject * step + timepoint)])


def late_visits(visits: Visits, cutoff: Ints) -> Bools:
    """(subject, rank): the visits that begin after the subject's data cut-off."""
    known = (cutoff != NO_DAY)[:, None]
    return np.asarray(visits.exists & known & (visits.first_day > cutoff[:, None]))


def in_visits(visits: Visits, flagged: Bools, subject: Ints, timepoint: Ints) -> Bools:
    """Return for each row whether it belongs to one of the flagged visits."""
    return np.asarray(flagged[subject, rank_of_rows(visits, subject, timepoint)])
