"""Liver function and stage of a table of subjects, from their covariates or as given."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from assessment.code import Bools, Floats, Ints
from assessment.liver_function import (
    MISSING,
    ChildPughInput,
    StageInput,
    Words,
    albi_grade,
    albi_score,
    bclc_stage,
    child_pugh_class,
    child_pugh_points,
    refusal,
    within_up_to_seven,
)
from measurement.table import TableError

DERIVED = ("child_pugh_points", "child_pugh", "albi_score", "albi_grade", "up_to_seven", "bclc")
INPUTS = (
    "bilirubin_umol_l", "bilirubin_mg_dl", "albumin_g_l", "albumin_g_dl", "inr", "ascites",
    "encephalopathy", "largest_tumour_mm", "largest_tumour_cm", "n_tumours", "portal_invasion",
    "extrahepatic_spread", "ecog",
)  # fmt: skip
UNITLESS = {
    "bilirubin": ("bilirubin_umol_l", "bilirubin_mg_dl"),
    "albumin": ("albumin_g_l", "albumin_g_dl"),
    "largest_tumour": ("largest_tumour_mm", "largest_tumour_cm"),
}
"""Names without a unit, from which nothing is derived, and what they may be meant to be."""
UNKNOWN = {"", "na", "n/a", "nan", "unknown", "missing", "not done", "nd", "."}
LARGEST_TUMOUR_MM = 400
MOST_TUMOURS = 100
ALBI_ROUNDING = 0.011
"""A given score may be off by its second decimal."""


@dataclass(frozen=True, slots=True)
class _Cells:
    """The covariates of one table, with what messages say of them."""

    frame: pd.DataFrame
    origin: str

    def words(self, name: str) -> Words:
        """Return a column as stripped text, empty where absent or said to be unknown."""
        if name not in self.frame:
            return np.full(len(self.frame), "", dtype="<U1")
        cells = self.frame[name].astype("string").fillna("").str.strip()
        return cells.mask(cells.str.lower().isin(list(UNKNOWN)), "").to_numpy(dtype=str)

    def numbers(self, name: str, impossible: Callable[[float], str]) -> Floats:
        """Return a column as numbers, NaN where missing; refuse words and impossible values."""
        words = self.words(name)
        value = {"": np.nan}
        for word in dict.fromkeys(words.tolist()):
            if not word:
                continue
            number = re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", word)
            why = impossible(float(word)) if number else f"{word!r} is not a number"
            if why:
                self.refuse(int(np.flatnonzero(words == word)[0]), name, why)
            value[word] = float(word)
        return np.array([value[word] for word in words.tolist()], dtype=np.float64)

    def codes(self, name: str, meaning: dict[str, int]) -> Ints:
        """Return the code of each word, MISSING where there is none."""
        plain = [_plain(word) for word in self.words(name)]
        return np.array([meaning.get(word, MISSING) for word in plain], dtype=np.int64)

    def refuse(self, row: int, name: str, why: str) -> None:
        """Refuse a cell."""
        msg = (
            f"{self.origin}: row {row + 2}, column {name}: {why}. Correct the cell or the unit in "
            "the column's name, or leave it empty if it is not known."
        )
        raise TableError(msg)


def with_liver_function(subjects: pd.DataFrame, origin: str) -> pd.DataFrame:
    """Subjects with Child-Pugh, ALBI, up-to-seven and BCLC filled in where they can be derived.

    Parameters
    ----------
    subjects : DataFrame
        Covariates as text, in the order of the file. Of those named in `INPUTS` the columns of
        `DERIVED` are derived; a cell of these that is given stays as it is.
    origin : str
        The file's name, for messages.

    Returns
    -------
    DataFrame
        Equal to `subjects` where nothing can be derived; else with the columns that can, as text,
        those that were absent behind the others.

    Raises
    ------
    TableError
        For an impossible value, one that fits another unit only, two units for one subject, or a
        class that is none.
    """
    cells = _Cells(subjects, origin)
    _refuse_grades(cells)
    _refuse_impossible_given(cells)
    found = _derived(cells)
    made = subjects.copy()
    for name in DERIVED:
        values = pd.Series(found[name], index=subjects.index, dtype="string").replace("", pd.NA)
        if not values.notna().any():
            continue
        if name in made:
            made[name] = made[name].astype("string").mask(cells.words(name) == "", pd.NA)
            made[name] = made[name].fillna(values).fillna(subjects[name])
        else:
            made[name] = values
    return made


def contradictions(subjects: pd.DataFrame, origin: str) -> tuple[tuple[str, str], ...]:
    """Subjects whose given class, score or stage is not what their other columns give.

    Returns
    -------
    tuple of (subject_id, sentence)
    """
    cells = _Cells(subjects, origin)
    found = _derived(cells)
    said = []
    for name in DERIVED:
        given, derived = cells.words(name), found[name]
        for row in np.flatnonzero((given != "") & (derived != "")):
            if _same(name, str(given[row]), str(derived[row])):
                continue
            sentence = (
                f"{name} in {origin} is {str(given[row])!r}, but its other columns give "
                f"{str(derived[row])!r}. The given one is used; correct one of them."
            )
            said.append((str(subjects["subject_id"].iloc[row]), sentence))
    return tuple(said)


def unused_words(subjects: pd.DataFrame, origin: str) -> tuple[tuple[str, str], ...]:
    """Columns of inputs with words from which nothing is derived, such as a grade of their own.

    Returns
    -------
    tuple of (column, sentence)
    """
    cells, said = _Cells(subjects, origin), []
    for name, (meaning, known) in _WORDED.items():
        unknown = sorted({str(w) for w in cells.words(name) if w and _plain(w) not in meaning})
        if unknown:
            shown = ", ".join(map(repr, unknown[:4])) + (", ..." if len(unknown) > 4 else "")
            sentence = (
                f"column {name!r} of {origin} holds {shown}, from which no liver function or stage "
                f"is derived. Write {known} where they are to be."
            )
            said.append((name, sentence))
    return tuple(said)


def _plain(word: str) -> str:
    """Write a word in small letters, a whole number without decimals."""
    return re.sub(r"(?<=\d)\.0+$", "", str(word).lower())


def _same(name: str, given: str, derived: str) -> bool:
    """Return whether a given cell says what was derived."""
    if name == "albi_score":
        try:
            return abs(float(given) - float(derived)) <= ALBI_ROUNDING
        except ValueError:
            return True  # a word that no score is compared with
    if name == "up_to_seven":
        return _TRUTH.get(given.lower()) in (None, _TRUTH[derived])
    if name == "child_pugh":
        return not re.fullmatch(r"[A-C].*", given.upper()) or given.upper()[0] == derived
    plain = re.sub(r"(?i)^(stage|grade|bclc)[\s_-]*", "", given).upper()
    return re.sub(r"\.0+$", "", plain) == derived


# Yes without a grade gives no points. Numbers are no grades of ascites: they may be points.
_TRUTH = {"true": 1, "yes": 1, "y": 1, "1": 1, "false": 0, "no": 0, "n": 0, "0": 0}
_ECOG = {**{str(grade): grade for grade in range(5)}, "5": MISSING}
_PORTAL = {**_TRUTH, "vp0": 0, "vp1": 1, "vp2": 1, "vp3": 1, "vp4": 1}
_WHETHER = {"none": 0, "no": 0, "absent": 0, "false": 0}
_UNGRADED = dict.fromkeys(("yes", "present", "true"), MISSING)
_ASCITES = {
    **_WHETHER, **_UNGRADED,
    "slight": 1, "mild": 1, "moderate": 2, "severe": 2, "moderate to severe": 2,
}  # fmt: skip
_ENCEPHALOPATHY = {
    **_WHETHER, **_UNGRADED,
    "0": 0, "1": 1, "2": 1, "1-2": 1, "3": 2, "4": 2, "3-4": 2,
}  # fmt: skip


_WORDED = {
    "ascites": (_ASCITES, "none, slight or moderate"),
    "encephalopathy": (_ENCEPHALOPATHY, "none, 1-2 or 3-4"),
    "portal_invasion": (_PORTAL, "true or false"),
    "extrahepatic_spread": (_TRUTH, "true or false"),
    "ecog": (_ECOG, "a grade, 0 to 4,"),
}
"""Columns of words: their codes, and what a message says of them."""


def _derived(cells: _Cells) -> dict[str, Words]:
    """Return the derived columns as words, each from the inputs or from the others as given."""
    points, score = _from_laboratory(cells)
    stated = cells.numbers("child_pugh_points", _bad_points)
    known_points = np.where(np.isnan(stated), points, np.nan_to_num(stated)).astype(np.int64)
    given_class, own_class = _given_class(cells), child_pugh_class(known_points)
    liver = np.where(given_class != "", given_class, own_class)
    given_score = cells.numbers("albi_score", _bad_score)
    rounded = np.isnan(given_score) | (np.abs(given_score - score) <= ALBI_ROUNDING)
    known_score = np.where(rounded, score, given_score)  # graded before rounding
    size = _largest_mm(cells)
    number = cells.numbers("n_tumours", _bad_number)
    stage = StageInput(
        size, number, cells.codes("portal_invasion", _PORTAL),
        cells.codes("extrahepatic_spread", _TRUTH), cells.codes("ecog", _ECOG), liver,
    )  # fmt: skip
    seven = within_up_to_seven(size, number)
    stages = bclc_stage(stage) if _can_stage(cells) else np.full(len(size), "", dtype=str)
    return {
        "child_pugh_points": _text(points),
        "child_pugh": own_class,
        "albi_score": np.array(["" if np.isnan(one) else f"{one + 0.0:.2f}" for one in score]),
        "albi_grade": _text(albi_grade(known_score)),
        "up_to_seven": _named(seven, ("false", "true")),
        "bclc": stages,
    }


def _can_stage(cells: _Cells) -> bool:
    """Return whether the table has every column that BCLC asks for.

    Without one of them only signs of C and D could be seen, and a table of characteristics would
    show these and no early stage.
    """
    names = ("n_tumours", "portal_invasion", "extrahepatic_spread", "ecog")
    sizes = UNITLESS["largest_tumour"]
    return set(names) <= set(cells.frame) and not set(sizes).isdisjoint(cells.frame)


def _from_laboratory(cells: _Cells) -> tuple[Ints, Floats]:
    """Return Child-Pugh points and ALBI scores of the values in whichever unit each has."""
    n = len(cells.frame)
    points, score = np.full(n, MISSING), np.full(n, np.nan)
    ascites = cells.codes("ascites", _ASCITES)
    confused = cells.codes("encephalopathy", _ENCEPHALOPATHY)
    inr = cells.numbers("inr", lambda value: refusal(value, "inr"))
    albumins = {unit: _amount(cells, "albumin", unit) for unit in ("g_l", "g_dl")}
    for b_unit in ("umol_l", "mg_dl"):
        bilirubin = _amount(cells, "bilirubin", b_unit)
        for a_unit, albumin in albumins.items():
            given = ChildPughInput(
                bilirubin, albumin, inr, _named(ascites, ("none", "slight", "moderate")),
                _named(confused, ("none", "1-2", "3-4")), b_unit, a_unit,
            )  # fmt: skip
            points = np.maximum(points, child_pugh_points(given))
            one = albi_score(bilirubin, albumin, bilirubin_unit=b_unit, albumin_unit=a_unit)
            score = np.where(np.isnan(score), one, score)
    _refuse_two_units(cells)
    return points, score


def _amount(cells: _Cells, quantity: str, unit: str) -> Floats:
    """Return a laboratory value in one unit."""
    return cells.numbers(f"{quantity}_{unit}", lambda value: refusal(value, quantity, unit))


def _refuse_grades(cells: _Cells) -> None:
    """Refuse numbers that are no grade of ECOG or of encephalopathy."""
    for name, most in (("ecog", 5), ("encephalopathy", 4)):
        for row, word in enumerate(cells.words(name)):
            if re.fullmatch(r"[+-]?\d+(\.\d*)?", word) and float(word) not in range(most + 1):
                cells.refuse(row, name, f"{str(word)!r} is no grade (0 to {most})")


def _largest_mm(cells: _Cells) -> Floats:
    """Return the largest tumour's diameter in mm."""

    def impossible(per_mm: int, unit: str) -> Callable[[float], str]:
        most = LARGEST_TUMOUR_MM / per_mm
        bad = f"{{:g}} {unit} is no diameter of a tumour (above 0, up to {most:g} {unit})"
        return lambda value: "" if 0 < value <= most else bad.format(value)

    in_mm = cells.numbers("largest_tumour_mm", impossible(1, "mm"))
    in_cm = cells.numbers("largest_tumour_cm", impossible(10, "cm"))
    return np.where(np.isnan(in_mm), in_cm * 10, in_mm)


def _bad_number(value: float) -> str:
    """Say why a number of tumours is none."""
    fine = 1 <= value <= MOST_TUMOURS and value == int(value)
    return "" if fine else f"{value:g} is no number of tumours (1 to {MOST_TUMOURS})"


def _refuse_two_units(cells: _Cells) -> None:
    """Refuse a subject with the same quantity in two units."""
    for names in UNITLESS.values():
        both: Bools = np.all([cells.words(name) != "" for name in names], axis=0)
        if both.any():
            row = int(np.flatnonzero(both)[0])
            cells.refuse(row, names[0], f"{names[1]} is filled as well: keep one of them")


def _refuse_impossible_given(cells: _Cells) -> None:
    """Refuse a class, grade or number of points that does not exist."""
    cells.numbers("albi_grade", lambda x: "" if x in (1, 2, 3) else f"{x:g} is no ALBI grade")
    for row, word in enumerate(cells.words("child_pugh")):
        parts = re.fullmatch(r"([A-Za-z])?\s*\(?(\d+)?\)?", word)
        if not parts or not word:
            continue
        letter, number = (parts[1] or "").upper(), int(parts[2] or 0)
        if letter not in ("", "A", "B", "C") or (number and _bad_points(number)):
            cells.refuse(row, "child_pugh", f"{str(word)!r} is no Child-Pugh class (A, B or C)")
        if letter and number and letter != child_pugh_class(number)[0]:
            cells.refuse(row, "child_pugh", f"{number} points are not class {letter}")
    for row, word in enumerate(cells.words("bclc")):
        if re.fullmatch(r"[A-Za-z]|-?\d+", word) and word.upper() not in list("0ABCD"):
            cells.refuse(row, "bclc", f"{str(word)!r} is no BCLC stage (0, A, B, C or D)")


def _bad_points(value: float) -> str:
    """Say why a number of Child-Pugh points is none."""
    fine = 5 <= value <= 15 and value == int(value)
    return "" if fine else f"{value:g} is no number of Child-Pugh points (5 to 15)"


def _bad_score(value: float) -> str:
    """Say why a number is no ALBI score."""
    return "" if -6 <= value <= 2 else f"{value:g} is no ALBI score (-6 to 2)"


def _given_class(cells: _Cells) -> Words:
    """Return the Child-Pugh class of cells such as `A`, `B7` or `6`; empty for other words."""
    found = []
    for word in cells.words("child_pugh"):
        parts = re.fullmatch(r"([A-Ca-c])?\s*\(?(\d+)?\)?", word)
        letter, points = (parts[1] or "", int(parts[2] or 0)) if parts else ("", 0)
        found.append(letter.upper() or str(child_pugh_class(points)[0]))
    return np.array(found, dtype=str)


def _text(codes: Ints) -> Words:
    """Write whole numbers, nothing for MISSING."""
    return np.array(["" if code == MISSING else str(code) for code in codes], dtype=str)


def _named(codes: Ints, names: Sequence[str]) -> Any:
    """Write codes as words, nothing for MISSING."""
    return np.array(["" if code == MISSING else names[code] for code in codes], dtype=str)


__all__ = ["DERIVED", "INPUTS", "UNITLESS", "contradictions", "unused_words", "with_liver_function"]
