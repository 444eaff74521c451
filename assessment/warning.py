"""Gathers warnings as columns of their table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from assessment.code import Bools, Ints, Texts
from assessment.course import Course
from assessment.words import Words, one_word

Message: TypeAlias = str | Callable[[Any], Texts | Words]
"""One text for all, or what gives those of the rows at an index."""


class Warned:
    """Warnings of a course, under a rule set or under none."""

    def __init__(self, course: Course, criteria: str | None) -> None:
        self.course = course
        self.criteria = criteria
        self.parts: list[dict[str, Any]] = []

    def pairs(self, pairs: Sequence[tuple[str, int]], code: str, text: str) -> None:
        """Warn of visits named by subject and timepoint."""
        if pairs:
            ids, numbers = zip(*pairs, strict=True)
            self._add(np.array(ids, dtype=object), code, text, timepoint=np.array(numbers))

    def subjects(self, where: Bools, code: str, text: str) -> None:
        """Warn of subjects, whoever reads them."""
        self._add(self._subject(np.flatnonzero(where)), code, text)

    def subject_visits(self, where: Bools, code: str, text: str) -> None:
        """Warn of visits of subjects; `where` is (subject, rank)."""
        if not where.any():
            return
        subject, rank = np.nonzero(where)
        number = self.course.visits.timepoint[subject, rank]
        self._add(self._subject(subject), code, text, timepoint=number)

    def cases(self, where: Bools, code: str, message: Message) -> None:
        """Warn of cases."""
        case = np.flatnonzero(where)
        self._of_cases(case, code, _told(message, case))

    def lesions(self, where: Bools, code: str, message: Message) -> None:
        """Warn of lesions."""
        lesion = np.flatnonzero(where)
        self._of_cases(
            self.course.lesion_case[lesion], code, _told(message, lesion),
            lesion_id=self.course.lesion_words.at(lesion),
        )  # fmt: skip

    def visits(self, where: Bools, code: str, message: Message) -> None:
        """Warn of lesions at visits; `where` is (lesion, rank)."""
        if not where.any():
            return
        lesion, rank = np.nonzero(where)
        case = self.course.lesion_case[lesion]
        self._of_cases(
            case, code, _told(message, (lesion, rank)),
            lesion_id=self.course.lesion_words.at(lesion),
            timepoint=self.course.visits.timepoint[self.course.subject[case], rank],
        )  # fmt: skip

    def _subject(self, place: Ints) -> Words:
        """Return the subjects' ids."""
        return Words(place, self.course.visits.words, ordered=True)

    def _of_cases(self, case: Ints, code: str, text: str | Texts | Words, **more: Any) -> None:
        """Add rows with the reader of each case."""
        reader = self.course.reader_words.at(case)
        self._add(self._subject(self.course.subject[case]), code, text, reader=reader, **more)

    def _add(
        self, subject: Words | Texts, code: str, text: str | Texts | Words, **more: Any
    ) -> None:
        """Add rows; columns that nothing is said of stay empty."""
        n = len(subject.codes if isinstance(subject, Words) else subject)
        if not n:
            return
        message = one_word(text, n) if isinstance(text, str) else text
        part = {"subject_id": subject, "code": one_word(code, n), "message": message, **more}
        if self.criteria is not None:
            part["criteria"] = one_word(self.criteria, n)
        self.parts.append(part)


def _told(message: Message, index: Any) -> str | Texts | Words:
    """Return the text of the rows at an index."""
    return message if isinstance(message, str) else message(index)


def modality_warnings(timepoints: pd.DataFrame | None) -> list[dict[str, Any]]:
    """Return the visits imaged by another modality than the baseline."""
    if timepoints is None:
        return []
    changed = timepoints[timepoints["modality_changed"].fillna(value=False)]
    text = "another modality than at baseline: lengths may not be comparable"
    return [
        {
            "subject_id": changed["subject_id"].to_numpy(dtype=object),
            "timepoint": changed["timepoint"].to_numpy(dtype=np.int64),
            "code": one_word("modality_changed", len(changed)),
            "message": one_word(text, len(changed)),
        }
    ]
