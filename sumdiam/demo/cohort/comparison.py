"""Printed against reproduced: each figure of the paper beside that of the cohort's true lengths."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import pandas as pd

from stats.comparison import ComparisonError
from stats.design import RegressionError
from stats.event_time import SurvivalError
from stats.proportion import CountError, clopper_pearson
from stats.regression import cox
from stats.survival import kaplan_meier
from sumdiam.demo.cohort.group import (
    cases,
    count_p,
    hazard_rows,
    logrank_p,
    members,
    months,
    welch,
)
from sumdiam.demo.cohort.printed import (
    ARMS,
    PrintedCurve,
    printed,
    printed_curves,
    printed_hazards,
    printed_tests,
)
from sumdiam.demo.cohort.words import in_words

EQUAL, CUT, WITHIN, DIFFERS = "equal", "equal, cut off", "within a unit", "differs"
CONTRADICTS, NOT_MET = "the paper contradicts itself", "not met"
UNKNOWN, UNKNOWN_WHY = "cannot be estimated", "too few patients or events"
P_WHY = "the printed p is not that of the printed interval"
LIMIT_WHY = "it is not the limit of the printed count"
RATIO_WHY = (
    "no cohort was found that gives it beside the univariable figures; no proof that none is"
)


@dataclass(frozen=True, slots=True)
class Compared:
    """One printed figure, the cohort's to two more decimals, and the verdict."""

    where: str
    what: str
    printed: str
    reproduced: str
    verdict: str
    why: str = ""


def compared(patients: pd.DataFrame) -> tuple[Compared, ...]:
    """Return every printed figure beside the cohort's.

    Parameters
    ----------
    patients : DataFrame
        Of `rederived.rederive`.
    """
    parts: tuple[Callable[[pd.DataFrame], Iterator[Compared]], ...] = (
        _baseline, _responses, _count_tests, _limits, _amounts, _curves, _tests, _hazards,
        _multivariable,
    )  # fmt: skip
    rows = [row for part in parts for row in part(patients)]
    rows += [
        Compared("", one["what"], one["printed"], one["cohort"], CONTRADICTS, one["why"])
        for one in printed()["chosen"]
    ]
    return tuple(rows)


def verdict(word: str, value: float) -> str:
    """Return whether a value rounds to a printed word, is cut off to it, or is a unit away.

    Examples
    --------
    >>> verdict("8.9", 8.94), verdict("1.5", 1.44), verdict("< 0.001", 0.0004)
    ('equal', 'within a unit', 'equal')
    >>> verdict("0.038", 0.0387)
    'equal, cut off'
    """
    if word.startswith("<"):
        return EQUAL if value < float(word[1:]) else DIFFERS
    number = float(word)
    unit = 10.0 ** -(len(word.split(".")[1]) if "." in word else 0)
    away = abs(value - number) / unit
    if 0.5 + 1e-9 < away < 1 and number < value:
        return CUT
    return EQUAL if away <= 0.5 + 1e-9 else WITHIN if away <= 1 + 1e-9 else DIFFERS


def _known(count: int, estimate: Callable[..., Sequence[float]], *given: object) -> Sequence[float]:
    """Return estimates; so many NaN where there are too few patients for them."""
    try:
        return estimate(*given)
    except (ComparisonError, CountError, RegressionError, SurvivalError):
        return (math.nan,) * count


def _p(test: Callable[..., float], *given: object) -> tuple[float]:
    """Return the p value of a test as the only estimate."""
    return (test(*given),)


def _figure(where: str, what: str, word: str, value: float) -> Compared:
    """Return one row."""
    if not math.isfinite(value):
        return Compared(where, what, word, "", UNKNOWN, UNKNOWN_WHY)
    decimals = len(word.split(".")[1]) if "." in word else 0
    shown = f"{value:.{decimals + 2 if '.' in word else 0}f}"
    return Compared(where, what, word, shown, verdict(word, value))


def _count(where: str, what: str, expected: int, found: int) -> Compared:
    """Return the row of a count, which is equal or differs."""
    return Compared(where, what, str(expected), str(found), EQUAL if found == expected else DIFFERS)


def _baseline(patients: pd.DataFrame) -> Iterator[Compared]:
    """Compare counts of Table 1."""
    for name, entry in printed()["baseline"].items():
        for arm, count in zip(ARMS, entry["n"], strict=True):
            found = int((members(patients, arm) & (patients[name] == 1).fillna(value=False)).sum())
            yield _count("Table 1", f"{name}, {arm}", count, found)


def _responses(patients: pd.DataFrame) -> Iterator[Compared]:
    """Compare counts of Table 2, and follow-up images."""
    given = printed()["response"]
    masks = {word: patients["best_response"] == word for word in ("CR", "PR", "SD", "PD")}
    masks["progression"] = patients["progressed"].astype(bool)
    masks["ets"] = patients["ets"].fillna(value=False).astype(bool)
    for site in ("liver", "extrahepatic", "both"):
        masks[f"site_{site}"] = (patients["first_progression_site"] == site).fillna(value=False)
    for place, arm in enumerate(ARMS):
        here = members(patients, arm)
        for name, mask in masks.items():
            found = int((mask & here).sum())
            yield _count("Table 2", f"{name}, {arm}", given[name][place], found)
        scans = patients.loc[here, "scans"].astype(float)
        quartiles = given["scans_quartiles"][place]
        for share, value in ((0.25, quartiles[0]), (0.5, 3), (0.75, quartiles[1])):
            what = f"follow-up images, {arm}, quantile {share}"
            yield _figure("text", what, str(value), float(scans.quantile(share)))


def _count_tests(patients: pd.DataFrame) -> Iterator[Compared]:
    """Compare p values of counts."""
    for name, entry in printed()["baseline"].items():
        (p,) = _count_p(patients, patients[name] == 1, patients[name].notna())
        yield _figure("Table 1", f"{name}, p", entry["p"], p)
    masks = {
        "objective_response": patients["objective_response"],
        "disease_control": patients["disease_control"],
        "complete_response": patients["best_response"] == "CR",
        "ets": patients["ets"],
        "progression": patients["progressed"],
        "site_liver": patients["first_progression_site"] == "liver",
    }
    for name, word in printed()["response_p"].items():
        known = patients["progressed"].astype(bool) | (name != "site_liver")
        (p,) = _count_p(patients, masks[name], known)
        yield _figure("Table 2", f"{name}, p", word, p)


def _count_p(
    patients: pd.DataFrame, mask: pd.Series[bool], known: pd.Series[bool]
) -> Sequence[float]:
    """Return the p of counts by arm; NaN where an arm or a level is empty."""
    return _known(1, _p, count_p, patients, mask, known)


def _limits(patients: pd.DataFrame) -> Iterator[Compared]:
    """Compare Clopper-Pearson limits of response and control."""
    for name, arms in printed()["response_limits"].items():
        for arm, words in zip(ARMS, arms, strict=True):
            values = patients.loc[members(patients, arm), name].astype(bool)
            limits = _known(2, _exact, values)
            for side, word, limit in zip(("lower", "upper"), words, limits, strict=True):
                row = _figure("text", f"{name}, {arm}, {side} limit", word, 100 * limit)
                if row.verdict == DIFFERS and values.sum() == _printed_count(name, arm):
                    row = replace(row, verdict=CONTRADICTS, why=LIMIT_WHY)
                yield row


def _exact(values: pd.Series[bool]) -> tuple[float, float]:
    """Return the Clopper-Pearson limits of a share."""
    share = clopper_pearson(int(values.sum()), len(values))
    return share.lower, share.upper


def _printed_count(name: str, arm: str) -> int:
    """Return how many of an arm the paper counts as responders, or with disease control."""
    words = ("CR", "PR") if name == "objective_response" else ("CR", "PR", "SD")
    return sum(printed()["response"][word][ARMS.index(arm)] for word in words)


AMOUNTS = {
    "time_to_response": ("time_to_response_days", True),
    "time_of_dpr": ("dpr_days", True),
    "dpr": ("dpr_percent", False),
    "target_size": ("target_size_mm", False),
    "first_scan": ("first_scan_days", True),
}


def _amounts(patients: pd.DataFrame) -> Iterator[Compared]:
    """Compare medians, means and Welch's p."""
    for entry in printed()["amount"]:
        column, in_days = AMOUNTS[entry["name"]]
        values = patients[column].astype(float)
        values = months(values) if in_days else values
        for who in (*ARMS, "overall"):
            here = values[members(patients, "all" if who == "overall" else who)].dropna()
            found = (float(here.median()), float(here.mean()))
            for name, word, value in zip(
                ("median", "mean"), entry.get(who, ()), found, strict=False
            ):
                yield _figure(entry["at"], f"{entry['name']}, {who}, {name}", str(word), value)
        if "p" in entry:
            word = entry["p"] if isinstance(entry["p"], str) else f"{entry['p']:.3f}"
            yield _figure(entry["at"], f"{entry['name']}, p", word, welch(patients, values))


def _curves(patients: pd.DataFrame) -> Iterator[Compared]:
    """Compare median survivals and their limits."""
    for curve in printed_curves():
        found = _known(3, _median, patients, curve)
        for name, word, value in zip(
            ("median", "lower", "upper"), curve.months, found, strict=False
        ):
            what = f"{curve.endpoint}, {curve.group}, {name}"
            yield _figure(curve.at, what, f"{word:.1f}", float(months(value)))


def _median(patients: pd.DataFrame, curve: PrintedCurve) -> tuple[float, float, float]:
    """Return a group's median time to an endpoint with its limits, in days."""
    median = kaplan_meier(*cases(patients, curve.endpoint, curve.group)).median()
    return median.estimate, median.lower, median.upper


def _tests(patients: pd.DataFrame) -> Iterator[Compared]:
    """Compare log-rank p values."""
    for one in printed_tests():
        (p,) = _known(1, _p, logrank_p, patients, one.endpoint, one.by)
        yield _figure(one.at, f"{one.endpoint} by {one.by}, p", one.printed, p)


def _hazards(patients: pd.DataFrame) -> Iterator[Compared]:
    """Compare univariable hazard ratios, limits and p."""
    for one in (*printed_hazards("OS"), *printed_hazards("PFS")):
        found = _known(4, hazard_rows, patients, one.endpoint, one.factor)
        for name, word, value in zip(
            ("ratio", "lower", "upper", "p"), one.printed, found, strict=True
        ):
            whole = word if "." in word or word.startswith("<") else f"{word}.0"
            yield _figure(one.at, f"{one.endpoint} hazard, {one.factor}, {name}", whole, value)


def _multivariable(patients: pd.DataFrame) -> Iterator[Compared]:
    """Compare the model of Table 3, which no cohort was found to give."""
    covariates = pd.DataFrame(
        {"arm": patients["arm"], "child_pugh_b": patients["child_pugh_b"].astype(str)}
    )
    for variable, entry in printed()["multivariable"].items():
        found = _known(4, _term, patients, covariates, variable)
        for name, word, value in zip(("ratio", "lower", "upper", "p"), entry, found, strict=True):
            row = _figure("Table 3", f"multivariable, {variable}, {name}", word, value)
            if row.verdict not in (EQUAL, UNKNOWN):
                judged, why = (CONTRADICTS, P_WHY) if name == "p" else (NOT_MET, RATIO_WHY)
                row = replace(row, verdict=judged, why=why)
            yield row


def _term(patients: pd.DataFrame, covariates: pd.DataFrame, variable: str) -> tuple[float, ...]:
    """Return hazard ratio, limits and p of one covariate of the model."""
    fit = cox(*cases(patients, "PFS", "all"), covariates)
    terms = [one for one in fit.terms if one.variable == variable]
    if len(terms) != 1:
        msg = f"{variable} has one level alone"
        raise RegressionError(msg)
    return terms[0].hazard_ratio, terms[0].lower, terms[0].upper, terms[0].p_value


def as_markdown(rows: tuple[Compared, ...]) -> str:
    """Return the comparison as a table of a Markdown page."""
    names = ("where", "what", "printed", "reproduced", "verdict", "why")
    lines = ["| " + " | ".join(names) + " |", "| " + " | ".join("---" for _ in names) + " |"]
    named = (replace(row, what=in_words(row.what)) for row in rows)
    cells = ([getattr(row, name) for name in names] for row in named)
    lines += ["| " + " | ".join(cell.replace("<", "&lt;") for cell in row) + " |" for row in cells]
    return "\n".join(lines) + "\n"
