"""Liver function and stage of many subjects at once: Child-Pugh, ALBI, up-to-seven, BCLC.

Amounts are compared in whole thousandths of their unit. What is missing is NaN (numbers), -1
(codes) or an empty word; what needs it is missing too.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from assessment.code import Bools, Floats, Ints

Words = NDArray[np.str_]

MISSING = -1
STEPS = 1000
"""Whole steps in one unit of a laboratory value, and of the ALBI score."""


class LiverFunctionError(ValueError):
    """An amount that cannot be of a living patient in the unit stated."""


@cache
def liver_data() -> Mapping[str, Any]:
    """Return rules/liver_function.toml as it stands."""
    path = resources.files("assessment") / "rules" / "liver_function.toml"
    return MappingProxyType(tomllib.loads(path.read_text(encoding="utf-8")))


def refusal(value: float, quantity: str, unit: str = "") -> str:
    """Say why a laboratory value is refused in this unit; empty where it is possible or missing.

    Parameters
    ----------
    value : float
    quantity : `bilirubin`, `albumin` or `inr`
    unit : `umol_l` or `mg_dl`, `g_l` or `g_dl`; nothing for the INR

    Examples
    --------
    >>> refusal(3.9, "albumin", "g_l")
    '3.9 g/L is no albumin (10 to 65 g/L), but fits g/dL'
    """
    rule = liver_data()[quantity]
    if np.isnan(value) or _possible(value, rule, unit):
        return ""
    if not unit:
        return f"{value:g} is no INR ({rule['least']} to {rule['most']})"
    names = rule["names"]
    said = (
        f"{value:g} {names[unit]} is no {quantity} "
        f"({rule['least'][unit]:g} to {rule['most'][unit]:g} {names[unit]})"
    )
    others = [names[one] for one in names if one != unit and _possible(value, rule, one)]
    return f"{said}, but fits {others[0]}" if others else said


def _possible(value: float, rule: Mapping[str, Any], unit: str) -> bool:
    """Return whether a value lies within the limits of a unit."""
    least, most = (rule[key][unit] if unit else rule[key] for key in ("least", "most"))
    return bool(steps_of(least) <= steps_of(value) <= steps_of(most))


def steps_of(values: ArrayLike) -> Ints:
    """Return whole thousandths; those of missing or unending values are MISSING."""
    numbers = np.asarray(values, dtype=np.float64)
    known = np.isfinite(numbers)
    return np.where(known, np.rint(np.where(known, numbers, 0) * STEPS), MISSING).astype(np.int64)


def albi_score(
    bilirubin: ArrayLike, albumin: ArrayLike, *, bilirubin_unit: str, albumin_unit: str
) -> Floats:
    """ALBI score of each subject, unrounded.

    Raises
    ------
    LiverFunctionError
        For a value that is impossible in its unit.

    Notes
    -----
    Johnson 2015, J Clin Oncol 33:550.

    Examples
    --------
    >>> albi_score([10.0], [40.0], bilirubin_unit="umol_l", albumin_unit="g_l").round(2)
    array([-2.74])
    """
    one, two = (
        np.atleast_1d(np.asarray(bilirubin, float)),
        np.atleast_1d(np.asarray(albumin, float)),
    )
    _refuse(one, "bilirubin", bilirubin_unit)
    _refuse(two, "albumin", albumin_unit)
    rule, data = liver_data()["albi"], liver_data()["bilirubin"]
    umol = one * (data["umol_l_per_mg_dl"] if bilirubin_unit == "mg_dl" else 1.0)
    grams = two * (10.0 if albumin_unit == "g_dl" else 1.0)
    return np.asarray(rule["bilirubin"] * np.log10(umol) + rule["albumin"] * grams)


def albi_grade(score: ArrayLike) -> Ints:
    """ALBI grade 1, 2 or 3 of unrounded scores, MISSING where there is none."""
    numbers = np.atleast_1d(np.asarray(score, dtype=np.float64))
    known = np.isfinite(numbers)
    # a millionth, not a thousandth: the score is no reading, and -2.5996 is grade 2
    fine = np.rint(np.where(known, numbers, 0) * 1_000_000).astype(np.int64)
    ends = [round(end * 1_000_000) for end in liver_data()["albi"]["grade_up_to"]]
    return np.where(known, 1 + (fine > ends[0]) + (fine > ends[1]), MISSING).astype(np.int64)


@dataclass(frozen=True, slots=True)
class ChildPughInput:
    """What Child-Pugh counts, one value per subject.

    Attributes
    ----------
    bilirubin, albumin, inr : NaN where missing
    ascites : `none`, `slight`, `moderate` (or more), empty where missing
    encephalopathy : `none`, `1-2`, `3-4`, empty where missing
    bilirubin_unit, albumin_unit : `umol_l` or `mg_dl`, `g_l` or `g_dl`
    """

    bilirubin: Floats
    albumin: Floats
    inr: Floats
    ascites: Sequence[str]
    encephalopathy: Sequence[str]
    bilirubin_unit: str
    albumin_unit: str


def child_pugh_points(given: ChildPughInput) -> Ints:
    """Child-Pugh points, 5 to 15; MISSING where any of the five is.

    Raises
    ------
    LiverFunctionError
        For a value that is impossible in its unit, or another word.

    Notes
    -----
    Pugh 1973, Br J Surg 60:646, with the INR.
    """
    rule = liver_data()["child_pugh"]
    _refuse(given.bilirubin, "bilirubin", given.bilirubin_unit)
    _refuse(given.albumin, "albumin", given.albumin_unit)
    _refuse(given.inr, "inr", "")
    parts = (
        _rising(given.bilirubin, rule[f"bilirubin_{given.bilirubin_unit}"]),
        _falling(given.albumin, rule[f"albumin_{given.albumin_unit}"]),
        _rising(given.inr, rule["inr"]),
        _worded(given.ascites, rule["ascites"], "ascites"),
        _worded(given.encephalopathy, rule["encephalopathy"], "encephalopathy"),
    )
    known = np.all([part > 0 for part in parts], axis=0)
    return np.where(known, np.sum(parts, axis=0), MISSING).astype(np.int64)


def child_pugh_class(points: ArrayLike) -> Words:
    """Child-Pugh class of points: A, B or C, empty where missing."""
    given = np.atleast_1d(np.asarray(points, dtype=np.int64))
    found = np.full(given.shape, "", dtype="<U1")
    for name, least in liver_data()["child_pugh"]["class_from_points"].items():
        found = np.where(given >= least, name, found)
    return found


def within_up_to_seven(largest_mm: ArrayLike, n_tumours: ArrayLike) -> Ints:
    """1 where largest tumour in cm plus number of tumours is at most 7, else 0; MISSING.

    Notes
    -----
    Mazzaferro 2009, Lancet Oncol 10:35.
    """
    size, number = steps_of(largest_mm), steps_of(n_tumours)
    known = (size >= 0) & (number >= 0)
    total = size + 10 * number  # thousandths of a mm; one tumour counts as one cm
    return np.where(known, total <= 10 * STEPS * liver_data()["up_to_seven"]["most"], MISSING)


@dataclass(frozen=True, slots=True)
class StageInput:
    """What BCLC asks, one value per subject; MISSING (codes) or NaN or empty where not known.

    Attributes
    ----------
    largest_mm, n_tumours : NaN where missing
    portal_invasion, spread : 1, 0 or MISSING
    ecog : 0 to 4 or MISSING
    child_pugh : A, B, C or empty
    """

    largest_mm: Floats
    n_tumours: Floats
    portal_invasion: Ints
    spread: Ints
    ecog: Ints
    child_pugh: Words


def bclc_stage(given: StageInput) -> Words:
    """BCLC stage 0, A, B, C or D; empty where what is known does not decide it.

    Notes
    -----
    Reig 2022, J Hepatol 76:681. One sign of D makes it D, whatever else is missing; C needs
    Child-Pugh and ECOG, which could make it D, the others all.
    """
    rule = liver_data()["bclc"]
    size, number = steps_of(given.largest_mm), steps_of(given.n_tumours)
    liver, ecog = given.child_pugh, given.ecog
    end = (liver == rule["end_stage_child_pugh"]) | (ecog >= rule["end_stage_ecog"])
    able = (liver != "") & (ecog != MISSING)
    advanced = (given.portal_invasion == 1) | (given.spread == 1) | (ecog > 0)
    confined = (given.portal_invasion == 0) & (given.spread == 0) & (size >= 0) & (number >= 0)
    single = number == STEPS
    few = (number <= STEPS * rule["few_tumours"]) & (size <= STEPS * rule["few_tumours_mm"])
    tiny = single & (size <= STEPS * rule["very_early_mm"])
    very_early = tiny & (liver == rule["very_early_child_pugh"])
    order: list[Bools] = [
        end, able & advanced, able & confined & very_early, able & confined & (single | few),
        able & confined,
    ]  # fmt: skip
    return np.select(order, ["D", "C", "0", "A", "B"], "")


def _refuse(values: Floats, quantity: str, unit: str) -> None:
    """Refuse the first impossible value."""
    rule = liver_data()[quantity]
    if unit not in rule.get("names", {"": ""}):
        known = ", ".join(rule["names"])
        msg = f"{unit!r} is no unit of {quantity}. Choose from {known}."
        raise LiverFunctionError(msg)
    numbers = np.asarray(values, dtype=np.float64)
    least, most = (steps_of(rule[key][unit] if unit else rule[key]) for key in ("least", "most"))
    steps = steps_of(numbers)
    wrong = np.flatnonzero(~np.isnan(numbers) & ((steps < least) | (steps > most)))
    if wrong.size:
        why = refusal(float(numbers[wrong[0]]), quantity, unit)
        msg = f"value {wrong[0]}: {why}. Correct the value or its unit."
        raise LiverFunctionError(msg)


def _rising(values: Floats, ends: Sequence[float]) -> Ints:
    """Return 1 point below the first end, 3 above the second, 2 between; MISSING."""
    steps, first, second = steps_of(values), *(int(steps_of(end)) for end in ends)
    return np.where(steps < 0, MISSING, 1 + (steps >= first) + (steps > second))


def _falling(values: Floats, ends: Sequence[float]) -> Ints:
    """Return 1 point above the first end, 3 below the second, 2 between; MISSING."""
    steps, first, second = steps_of(values), *(int(steps_of(end)) for end in ends)
    return np.where(steps < 0, MISSING, 1 + (steps <= first) + (steps < second))


def _worded(words: Sequence[str], known: Sequence[str], what: str) -> Ints:
    """Return 1, 2 or 3 points by the place of each word; MISSING where empty."""
    wrong = sorted(set(words) - {*known, ""})
    if wrong:
        msg = f"{wrong[0]!r} is no {what}. Choose from {', '.join(known)}."
        raise LiverFunctionError(msg)
    points = {"": MISSING, **{word: place + 1 for place, word in enumerate(known)}}
    return np.array([points[word] for word in words], dtype=np.int64)


__all__ = [
    "MISSING",
    "ChildPughInput",
    "LiverFunctionError",
    "StageInput",
    "albi_grade",
    "albi_score",
    "bclc_stage",
    "child_pugh_class",
    "child_pugh_points",
    "liver_data",
    "refusal",
    "within_up_to_seven",
]
