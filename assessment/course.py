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
    scaled,
)
from assessment.lesion_columns import NO_TRUTH, LesionColumns
from assessment.visit_array import LARGEST_NARROW, Cells, any_of_case, by_visit, filled
from assessment.visits import Visits, make_visits, rank_of_rows, subject_places
from assessment.words import Words, compacted, empty_words


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
    _rows: dict[str, Cells] = field(default_factory=dict, repr=False, compare=False)

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
    def cells(self) -> Cells:
        """The visits that are there, case by case: the rows of a table of responses."""
        if "cells" not in self._rows:
            self._rows["cells"] = Cells.where(self.exists)
        return self._rows["cells"]

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
        steps = scaled(given, per_unit, LARGEST_NARROW)
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
        given = self.table.text(name)
        if not given.words:
            return empty_words(len(self.row))
        if name not in self._kept and given.given.all() and self.recorded[:, 0].all():
            return given.at(self.row[:, 0])
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
        found = cells.take(self.row.T).T
        if not self.recorded.all():
            found[~self.recorded] = missing
        return found


def _frozen(values: Anything) -> Anything:
    """Return an array that nobody can write to."""
    values.flags.writeable = False
    return values


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
    key, case = _cases(len(visits.words), subject, row_key, readers)
    lesion_key, lesion_of_row = compacted(case * names + lesion.codes, len(key) * names)
    n = len(lesion_key)
    row = np.full(n * visits.timepoint.shape[1], -1, dtype=np.int64)
    row[rank_of_rows(visits, subject, lesions.timepoint) * n + lesion_of_row] = np.arange(lesions.n)
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
        row=row.reshape(visits.timepoint.shape[1], n).T,
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
    if there.all():
        return np.arange(len(there)), row_key
    return np.flatnonzero(there), (np.cumsum(there) - 1)[row_key]
