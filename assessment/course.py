"""A lesion table as arrays: subjects x visits, and each reader's lesions x visits."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from assessment.code import NO_DAY, Anything, Bools, Ints, Texts, days_of


@dataclass(frozen=True, slots=True)
class Visits:
    """Timepoints of every subject by rank; rank 0 is timepoint 0, there or not.

    All arrays are (subject, rank), but `subject_id` and `no_dates` (subject).

    Attributes
    ----------
    timepoint : number of the timepoint, -1 where the subject has no further one
    exists : whether there is such a visit
    listed : whether the timepoint table lists it (else it is known from lesions alone)
    first_day, last_day : days since 1970-01-01, NO_DAY where unknown
    adequate, looked : 1 yes, 0 no, -1 not stated; `looked`: new lesions were looked for
    no_dates : reason why a subject's dates cannot be used, empty where they can
    """

    subject_id: Texts
    timepoint: Ints
    exists: Bools
    listed: Bools
    first_day: Ints
    last_day: Ints
    adequate: Ints
    looked: Ints
    no_dates: Texts


@dataclass(frozen=True, slots=True)
class Course:
    """One reader's view of one subject is a case; lesions are sorted by case and lesion id.

    Attributes
    ----------
    visits : visits by subject
    subject : (case,) subject of each case
    reader : (case,) reader of each case
    bounds : (case + 1,) first lesion of each case, and the end
    lesion_case : (lesion,) case of each lesion
    lesion_id : (lesion,) its id
    row : (lesion, rank) row of `table`, -1 where there is none
    table : the lesion rows, in the order in which they came
    """

    visits: Visits
    subject: Ints
    reader: Texts
    bounds: Ints
    lesion_case: Ints
    lesion_id: Texts
    row: Ints
    table: pd.DataFrame
    _columns: dict[str, Anything] = field(default_factory=dict, repr=False, compare=False)

    @property
    def exists(self) -> Bools:
        """(case, rank): whether the visit is there."""
        return np.asarray(self.visits.exists[self.subject])

    @property
    def has_row(self) -> Bools:
        """(case, rank): whether the reader recorded any lesion at the visit."""
        found = np.zeros(self.exists.shape, dtype=bool)
        lesion, rank = np.nonzero(self.row >= 0)
        found[self.lesion_case[lesion], rank] = True
        return found

    @property
    def baseline_known(self) -> Bools:
        """(case,): whether the reader's baseline was read: it is listed, or has a row."""
        listed = (self.visits.listed & self.visits.exists)[self.subject, 0]
        return np.asarray(listed | self.has_row[:, 0])

    def column(self, name: str, missing: object) -> Anything:
        """(lesion, rank): values of a column, `missing` where there is no row or an empty cell.

        Read once and kept: many rules ask for the same columns. The array is read-only.
        """
        if name not in self._columns:
            self._columns[name] = self._spread(name, missing)
            self._columns[name].flags.writeable = False
        return self._columns[name]

    def _spread(self, name: str, missing: object) -> Anything:
        """Lay the cells of a column out over lesions and ranks."""
        cells = self.table[name]
        absent = cells.isna().to_numpy(dtype=bool)
        if absent.all():
            plain = cells.dtype == "float64" or cells.dtype == "boolean"
            return np.full(self.row.shape, missing, dtype=None if plain else object)
        if cells.dtype == "float64":
            values = cells.to_numpy()
        elif cells.dtype == "boolean":
            values = cells.astype("Int8").fillna(-1).to_numpy(dtype=np.int64)
        else:
            values = cells.to_numpy(dtype=object)
            values = np.where(absent, np.array(missing, dtype=object), values)
        found = np.append(values, np.array([missing], dtype=values.dtype))
        return np.asarray(found[self.row])

    def first_word(self, name: str) -> Texts:
        """(lesion,): the first cell of a text column that is not empty, else an empty text."""
        key = f"first {name}"
        if key not in self._columns:
            words = self.column(name, "")
            given = words != ""
            first = np.asarray(words[np.arange(len(words)), np.argmax(given, axis=1)])
            first.flags.writeable = False
            self._columns[key] = first
        return self._columns[key]


def places_of(ids: pd.Series[str], known: Texts) -> Ints:
    """Return each id's place among the known ones, which hold them all."""
    places = pd.Index(known).get_indexer(pd.Index(ids.to_numpy(dtype=object)))
    return np.asarray(places, dtype=np.int64)


def make_visits(
    lesions: pd.DataFrame, timepoints: pd.DataFrame | None, subjects: pd.DataFrame | None
) -> Visits:
    """Return every subject's visits from what was handed in; dates from `scan_on` where needed."""
    frame = _visit_frame(lesions, timepoints)
    known = [frame] if subjects is None else [frame, subjects]
    named = [pd.unique(part["subject_id"].to_numpy(dtype=object)) for part in known]
    ids = np.unique(np.concatenate(named))
    frame = _with_baselines(frame, ids)
    code = places_of(frame["subject_id"], ids)
    rank = frame.groupby(code).cumcount().to_numpy()
    depth = int(rank.max()) + 1 if len(rank) else 1

    def spread(values: Anything, missing: object) -> Anything:
        grid = np.full((len(ids), depth), missing, dtype=values.dtype)
        grid[code, rank] = values
        return grid

    exists = spread(frame["exists"].to_numpy(dtype=bool), missing=False)
    first = spread(frame["first_day"].to_numpy(), NO_DAY)
    last = spread(frame["last_day"].to_numpy(), NO_DAY)
    return Visits(
        subject_id=ids,
        timepoint=spread(frame["timepoint"].to_numpy(dtype=np.int64), -1),
        exists=exists,
        listed=spread(frame["listed"].to_numpy(dtype=bool), missing=False),
        first_day=first,
        last_day=last,
        adequate=spread(frame["adequate"].to_numpy(), -1),
        looked=spread(frame["looked"].to_numpy(), -1),
        no_dates=_date_faults(exists, first, last),
    )


def _truth(column: pd.Series[bool]) -> Ints:
    """Return 1, 0, or -1 where nothing is stated."""
    filled = column.astype("boolean").astype("Int8").fillna(-1)
    return np.asarray(filled.to_numpy(dtype=np.int64), dtype=np.int64)


def _visit_frame(lesions: pd.DataFrame, timepoints: pd.DataFrame | None) -> pd.DataFrame:
    """Return one row per subject and timepoint, dates filled from each other."""
    key = ["subject_id", "timepoint"]
    seen = lesions.groupby(key, observed=True)["scan_on"].agg(["min", "max"]).reset_index()
    seen = seen.astype({"subject_id": object, "timepoint": "int64"})
    columns = [*key, "first_scan_on", "last_scan_on", "adequate", "new_lesions_assessed"]
    if timepoints is None:
        frame = seen.reindex(columns=[*columns, "min", "max"]).assign(listed=False)
    else:
        given = timepoints[columns].astype({"subject_id": object, "timepoint": "int64"})
        frame = given.assign(listed=True).merge(seen, on=key, how="outer")
        frame["listed"] = frame["listed"].notna()
    first, last = (pd.to_datetime(frame[name]) for name in ("first_scan_on", "last_scan_on"))
    return pd.DataFrame(
        {
            **{name: frame[name] for name in key},
            "exists": True,
            "listed": frame["listed"],
            "first_day": days_of(first.fillna(last).fillna(frame["min"])),
            "last_day": days_of(last.fillna(first).fillna(frame["max"])),
            "adequate": _truth(frame["adequate"]),
            "looked": _truth(frame["new_lesions_assessed"]),
        }
    )


def _with_baselines(frame: pd.DataFrame, ids: Texts) -> pd.DataFrame:
    """Add a timepoint 0 that is not there where a subject lacks one, and sort."""
    have = frame.loc[frame["timepoint"] == 0, "subject_id"]
    lacking = pd.DataFrame(
        {
            "subject_id": ids[~pd.Index(ids).isin(have)],
            "timepoint": 0,
            "exists": False,
            "listed": False,
            "first_day": NO_DAY,
            "last_day": NO_DAY,
            "adequate": -1,
            "looked": -1,
        }
    )
    whole = pd.concat([part for part in (frame, lacking) if len(part)] or [frame])
    return whole.sort_values(["subject_id", "timepoint"]).reset_index(drop=True)


def _date_faults(exists: Bools, first: Ints, last: Ints) -> Texts:
    """Return per subject `no_dates`, `dates_backwards`, or nothing."""
    undated = (exists & ((first == NO_DAY) | (last == NO_DAY))).any(axis=1)
    before = np.maximum.accumulate(np.where(exists, first, NO_DAY), axis=1)
    before = np.concatenate([np.full_like(before[:, :1], NO_DAY), before[:, :-1]], axis=1)
    backwards = (exists & ((first <= before) | (last < first))).any(axis=1) & ~undated
    faults = np.select([undated, backwards], ["no_dates", "dates_backwards"], "")
    return faults.astype(object)


def make_course(
    lesions: pd.DataFrame, timepoints: pd.DataFrame | None, subjects: pd.DataFrame | None
) -> Course:
    """Return the arrays behind a lesion table, sorted by subject, reader, lesion and timepoint."""
    visits = make_visits(lesions, timepoints, subjects)
    subject = places_of(lesions["subject_id"], visits.subject_id)
    reader_code, readers = pd.factorize(lesions["reader"].to_numpy(dtype=object), sort=True)
    lesion_code, names = pd.factorize(lesions["lesion_id"].to_numpy(dtype=object), sort=True)
    timepoint = lesions["timepoint"].to_numpy(dtype=np.int64)
    order = np.lexsort((timepoint, lesion_code, reader_code, subject))
    subject, reader_code, lesion_code = subject[order], reader_code[order], lesion_code[order]

    case_subject, case_reader = _cases(visits, subject, reader_code, len(readers))
    key = case_subject * max(len(readers), 1) + case_reader
    row_case = np.searchsorted(key, subject * max(len(readers), 1) + reader_code)
    change = np.ones(len(order), dtype=bool)
    change[1:] = (row_case[1:] != row_case[:-1]) | (lesion_code[1:] != lesion_code[:-1])
    start = np.flatnonzero(change)
    lesion_of_row = np.cumsum(change) - 1
    row = np.full((len(start), visits.timepoint.shape[1]), -1, dtype=np.int64)
    row[lesion_of_row, _rank(visits, subject, timepoint[order])] = order
    lesion_case = row_case[start]
    return Course(
        visits=visits,
        subject=case_subject,
        reader=np.asarray(readers if len(readers) else ["1"], dtype=object)[case_reader],
        bounds=np.searchsorted(lesion_case, np.arange(len(key) + 1)),
        lesion_case=lesion_case,
        lesion_id=np.asarray(names, dtype=object)[lesion_code[start]],
        row=row,
        table=lesions,
    )


def _cases(visits: Visits, subject: Ints, reader: Ints, n_readers: int) -> tuple[Ints, Ints]:
    """Return subject and reader of each case; a subject without lesions is every reader's."""
    n_readers = max(n_readers, 1)
    with_lesions = np.unique(subject * n_readers + reader)
    without = np.setdiff1d(np.arange(len(visits.subject_id)), subject)
    all_readers = (without[:, None] * n_readers + np.arange(n_readers)).ravel()
    key = np.sort(np.concatenate([with_lesions, all_readers])).astype(np.int64)
    return key // n_readers, key % n_readers


def _rank(visits: Visits, subject: Ints, timepoint: Ints) -> Ints:
    """Return the rank of each row's timepoint among its subject's."""
    step = int(visits.timepoint.max(initial=0)) + 2
    there = visits.timepoint >= 0
    flat = (np.arange(len(visits.subject_id))[:, None] * step + visits.timepoint)[there]
    ranks = np.broadcast_to(np.arange(visits.timepoint.shape[1]), there.shape)[there]
    return np.asarray(ranks[np.searchsorted(flat, subject * step + timepoint)])


def late_visits(visits: Visits, cutoff: Ints) -> list[tuple[str, int]]:
    """Return (subject, timepoint) of the visits that begin after the subject's data cut-off."""
    late = visits.exists & (cutoff != NO_DAY)[:, None] & (visits.first_day > cutoff[:, None])
    subject, rank = np.nonzero(late)
    ids = visits.subject_id[subject].tolist()
    return list(zip(ids, visits.timepoint[subject, rank].tolist(), strict=True))


def without_visits(table: pd.DataFrame, late: list[tuple[str, int]]) -> pd.DataFrame:
    """Return the rows of a table that belong to none of the visits."""
    index = pd.MultiIndex.from_arrays(
        [table["subject_id"].astype(object), table["timepoint"].astype("int64")]
    )
    return table[~index.isin(late)]
