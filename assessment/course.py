"""A lesion table as arrays: subjects x visits, and each reader's lesions x visits."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from assessment.code import (
    NO_DAY,
    NOT_MEASURED,
    Anything,
    Bools,
    Floats,
    Ints,
    Texts,
    days_of,
    scaled,
)
from assessment.lesion_columns import NO_TRUTH, LesionColumns
from assessment.visit_array import any_of_case, by_visit, filled, highest_earlier
from assessment.words import Words, compacted

LARGEST_NARROW = 10_000_000
"""Hundred times such a value, and sums of several, still fit into half of a whole number."""


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
    no_dates: Texts

    @property
    def subject_id(self) -> Texts:
        """(subject,): the ids."""
        return np.array(self.words, dtype=object)


@dataclass(frozen=True, slots=True)
class Course:
    """One reader's view of one subject is a case; lesions are sorted by case and lesion id.

    Attributes
    ----------
    visits : visits by subject
    subject : (case,) subject of each case
    reader_words : (case,) reader of each case
    bounds : (case + 1,) first lesion of each case, and the end
    lesion_case : (lesion,) case of each lesion
    lesion_words : (lesion,) its id
    row : (lesion, rank) row of `table`, -1 where there is none
    table : the lesion rows, in the order in which they came
    """

    visits: Visits
    subject: Ints
    reader_words: Words
    bounds: Ints
    lesion_case: Ints
    lesion_words: Words
    row: Ints
    table: LesionColumns
    _kept: dict[str, Anything] = field(default_factory=dict, repr=False, compare=False)

    @property
    def reader(self) -> Texts:
        """(case,): the reader."""
        return self.reader_words.text

    @property
    def lesion_id(self) -> Texts:
        """(lesion,): the id."""
        if "lesion_id" not in self._kept:
            self._kept["lesion_id"] = _frozen(self.lesion_words.text)
        return self._kept["lesion_id"]

    @property
    def exists(self) -> Bools:
        """(case, rank): whether the visit is there."""
        if "exists" not in self._kept:
            self._kept["exists"] = _frozen(by_visit(self.visits.exists[self.subject]))
        return self._kept["exists"]

    @property
    def recorded(self) -> Bools:
        """(lesion, rank): whether there is a row."""
        if "recorded" not in self._kept:
            self._kept["recorded"] = _frozen(self.row >= 0)
        return self._kept["recorded"]

    @property
    def has_row(self) -> Bools:
        """(case, rank): whether the reader recorded any lesion at the visit."""
        if "has_row" not in self._kept:
            self._kept["has_row"] = _frozen(any_of_case(self.recorded, self.bounds))
        return self._kept["has_row"]

    @property
    def baseline_known(self) -> Bools:
        """(case,): whether the reader's baseline was read: it is listed, or has a row."""
        listed = (self.visits.listed & self.visits.exists)[self.subject, 0]
        return np.asarray(listed | self.has_row[:, 0])

    def number(self, name: str, lesions: Ints | None = None) -> Floats:
        """(lesion, rank): values of a column, NaN where there is no row or an empty cell.

        This and its like are read once and kept, as many rules ask for the same columns, unless
        only some lesions are asked for. The array is read-only.
        """
        given = self.table.numbers.get(name)
        return np.asarray(self._laid_out(name, given, np.nan, np.float64, lesions))

    def steps(self, name: str, per_unit: int) -> Ints:
        """(lesion, rank): values of a column in whole steps, NOT_MEASURED where there is none."""
        given = self.table.numbers.get(name)
        if given is None:
            return np.asarray(filled(self.row.shape, NOT_MEASURED, np.int32))
        steps: Anything = scaled(given, per_unit)
        if steps.max(initial=0) <= LARGEST_NARROW:
            steps = steps.astype(np.int32)
        return np.asarray(self._spread(steps, NOT_MEASURED))

    def truth(self, name: str, lesions: Ints | None = None) -> Anything:
        """(lesion, rank): 1, 0, or -1 where there is no row or an empty cell."""
        return self._laid_out(name, self.table.truths.get(name), NO_TRUTH, np.int8, lesions)

    def words(self, name: str, lesions: Ints | None = None) -> Words:
        """(lesion, rank): the words of a text column."""
        given = self.table.text(name)
        codes = given.codes if given.words else None
        kind = given.codes.dtype
        return Words(self._laid_out(name, codes, -1, kind, lesions), given.words)

    def _laid_out(
        self, name: str, cells: Anything | None, missing: object, kind: Any, lesions: Ints | None
    ) -> Anything:
        """Lay the cells of a column out over lesions, or some of them, and ranks."""
        if lesions is None:
            if name not in self._kept:
                self._kept[name] = _frozen(
                    filled(self.row.shape, missing, kind)
                    if cells is None
                    else self._spread(cells, missing)
                )
            return self._kept[name]
        if name in self._kept:
            return self._kept[name][lesions]
        row = self.row[lesions]
        if cells is None:
            return filled(row.shape, missing, kind)
        found = cells[row]
        found[row < 0] = missing
        return by_visit(found)

    def first_words(self, name: str) -> Words:
        """(lesion,): the first cell of a text column that is not empty, else an empty one."""
        return self.words(name).first()

    @property
    def scan_day(self) -> Ints:
        """(lesion, rank): days since 1970-01-01, NO_DAY where there is no row or an empty cell."""
        if "scan_day" not in self._kept:
            given = self.table.scan_day
            empty = filled(self.row.shape, NO_DAY, np.int64)
            self._kept["scan_day"] = _frozen(
                empty if given is None else self._spread(given, NO_DAY)
            )
        return self._kept["scan_day"]

    def _spread(self, cells: Anything, missing: object) -> Anything:
        """Lay the cells of a column out over lesions and ranks."""
        found = by_visit(cells[self.row])
        if not self.recorded.all():
            found[~self.recorded] = missing
        return found


def _frozen(values: Anything) -> Anything:
    """Return an array that nobody can write to."""
    values.flags.writeable = False
    return values


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

    def spread(values: Anything, missing: object) -> Anything:
        grid = filled((len(ids), depth), missing, values.dtype)
        grid[subject, rank] = values
        return grid

    days = [
        spread(np.where(told[name] == NO_DAY, scans, told[name]), NO_DAY)
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


def _date_faults(exists: Bools, first: Ints, last: Ints) -> Texts:
    """Return per subject `no_dates`, `dates_backwards`, or nothing."""
    undated = (exists & ((first == NO_DAY) | (last == NO_DAY))).any(axis=1)
    before = highest_earlier(np.where(exists, first, NO_DAY), NO_DAY)
    backwards = (exists & ((first <= before) | (last < first))).any(axis=1) & ~undated
    faults = np.array(["", "no_dates", "dates_backwards"], dtype=object)
    return np.asarray(faults[np.where(undated, 1, np.where(backwards, 2, 0))])


def make_course(
    lesions: LesionColumns, timepoints: pd.DataFrame | None, subjects: pd.DataFrame | None
) -> Course | None:
    """Return the arrays behind a lesion table, sorted by subject, reader, lesion and timepoint.

    None where a lesion stands twice at one timepoint: the schema says which.
    """
    visits = make_visits(lesions, timepoints, subjects)
    reader, lesion = lesions.text("reader"), lesions.text("lesion_id")
    subject = subject_places(lesions, visits.subject_id)
    readers, names = max(len(reader.words), 1), max(len(lesion.words), 1)
    row_key = subject * readers + reader.codes
    key, case = _cases(len(visits.subject_id), subject, row_key, readers)
    lesion_key, lesion_of_row = compacted(case * names + lesion.codes, len(key) * names)
    row = filled((len(lesion_key), visits.timepoint.shape[1]), -1, np.int64)
    row[lesion_of_row, _rank(visits, subject, lesions.timepoint)] = np.arange(lesions.n)
    if np.count_nonzero(row >= 0) != lesions.n:
        return None
    lesion_case = lesion_key // names
    return Course(
        visits=visits,
        subject=key // readers,
        reader_words=Words(key % readers, reader.words or ("1",)),
        bounds=np.searchsorted(lesion_case, np.arange(len(key) + 1)),
        lesion_case=lesion_case,
        lesion_words=Words(lesion_key % names, lesion.words),
        row=row,
        table=lesions,
    )


def _cases(n: int, subject: Ints, row_key: Ints, readers: int) -> tuple[Ints, Ints]:
    """Return the key of each case and the case of each row.

    The key is subject * readers + reader; a subject without lesions is every reader's.
    """
    with_lesions = np.zeros(n, dtype=bool)
    with_lesions[subject] = True
    there = np.repeat(~with_lesions, readers)
    there[row_key] = True
    return np.flatnonzero(there), (np.cumsum(there) - 1)[row_key]


def _rank(visits: Visits, subject: Ints, timepoint: Ints) -> Ints:
    """Return the rank of each row's timepoint among its subject's."""
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
    return np.asarray(flagged[subject, _rank(visits, subject, timepoint)])
