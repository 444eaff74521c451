"""The response table: what each arm reached, with limits and tests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from stats.comparison import ComparisonPolicy, compare_counts, compare_values
from stats.logrank import compare_survival
from stats.number_text import ratio_with_limits
from stats.proportion import clopper_pearson, newcombe
from stats.regression import CoxFit, CoxTerm, cox
from stats.result import TestResult
from stats.survival import KaplanMeier, kaplan_meier, reverse_kaplan_meier
from sumdiam.report import wording
from sumdiam.report.factor import time_table
from sumdiam.report.median import median_months
from sumdiam.report.view import ALL, View

SURVIVAL_ENDPOINTS = (
    ("PFS", "Progression-free survival"),
    ("OS", "Overall survival"),
    ("TTP", "Time to progression"),
    ("hepatic_PFS", "Hepatic progression-free survival"),
    ("DOR", "Duration of response"),
    ("PPS", "Post-progression survival"),
)
DRAWN_ENDPOINTS = ("PFS", "OS", "TTP", "hepatic_PFS")
SELECTED_ENDPOINTS = ("DOR", "PPS")
"""Only of those who responded or progressed: arms of these are no longer randomised."""
SELECTED = "\N{DAGGER}"
"""Marks rows of subjects who were selected by what happened after randomisation."""
BEST = ("CR", "PR", "SD", "PD", "NE", "NON-CR/NON-PD", "NED")
IMMUNE_BEST = ("iCR", "iPR", "iSD", "iUPD", "iCPD", "NE", "iNON-CR/NON-PD", "NED")


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the response table; ``level`` indents it."""

    label: str
    overall: str
    arms: tuple[str, ...]
    test: str
    difference: str = ""
    level: int = 0
    heading: bool = False


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A time to event by arm."""

    name: str
    title: str
    curves: dict[str, KaplanMeier]
    overall: KaplanMeier
    test: TestResult | None
    hazard_fit: CoxFit | None
    n_without: int

    @property
    def hazard(self) -> CoxTerm | None:
        """Return the hazard ratio of the second arm against the first."""
        return None if self.hazard_fit is None else self.hazard_fit.terms[0]


def response_rows(view: View, policy: ComparisonPolicy) -> list[Row]:
    """Return the rows of the response table up to progression."""
    best = view.outcomes["best_response"].astype("string").fillna("NE")
    rows = [
        follow_up_visits(view),
        _share(view, "Objective response (CR + PR)", _truth("objective_response"), policy),
        _share(view, "Disease control (CR + PR + SD)", _truth("disease_control"), policy),
        _best_heading(view, policy),
    ]
    words = _words(best)
    always = words[: words.index("NE") + 1]
    rows += [_level(view, word) for word in words if word in always or (best == word).any()]
    rows += [
        _share(view, "Early tumour shrinkage (> 20 %)", _truth("ets"), policy, column="ets"),
        _values(view, f"Depth of response{SELECTED}, %", "dpr_percent", policy),
        _values(view, f"Time to response{SELECTED}, months", "time_to_response_days", policy,
                per_month=True),
        _share(view, "Progression", _truth("progressed"), policy),
        *_sites(view, policy),
    ]  # fmt: skip
    return rows


def endpoints(view: View) -> list[Endpoint]:
    """Return the times to event that have data."""
    found = []
    for name, title in SURVIVAL_ENDPOINTS:
        rows = view.events[view.events["endpoint"] == name]
        if rows["days"].notna().any():
            found.append(_endpoint(view, rows, name, title))
    return found


def follow_up(view: View) -> dict[str, KaplanMeier]:
    """Return follow-up time by reverse Kaplan-Meier of overall survival, else of PFS.

    The first is of all subjects, named `ALL`; then each arm's.
    """
    for name in ("OS", "PFS"):
        rows = view.events[view.events["endpoint"] == name]
        if rows["days"].notna().any():
            parts = {ALL: rows} | {arm: view.of_arm(rows, arm) for arm in view.arms}
            return {
                arm: reverse_kaplan_meier(part["days"], part["event"])
                for arm, part in parts.items()
                if part["days"].notna().any()
            }
    return {}


def follow_up_visits(view: View) -> Row:
    """Return the row of visits after baseline per subject, those without one counted as 0."""
    later = view.responses[view.responses["timepoint"] > 0]
    counts = later.groupby("subject_id")["timepoint"].nunique()

    def cell(rows: pd.DataFrame) -> str:
        found = counts.reindex(rows["subject_id"], fill_value=0).to_numpy(dtype=np.float64)
        if not found.size:
            return wording.NOTHING
        low, middle, high = np.quantile(found, (0.25, 0.5, 0.75))
        return f"{middle:g} ({low:g}{wording.DASH}{high:g})"

    return Row(
        label="Follow-up visits, median (quartiles)",
        overall=cell(view.outcomes),
        arms=tuple(cell(view.of_arm(view.outcomes, arm)) for arm in view.arms),
        test="",
    )


def endpoint_row(found: Endpoint, arms: tuple[str, ...]) -> Row:
    """Return the row of one time to event."""
    return Row(
        label=f"{found.title}{SELECTED * (found.name in SELECTED_ENDPOINTS)}, median months",
        overall=_median(found.overall),
        arms=tuple(_median(found.curves[arm]) for arm in arms if arm in found.curves),
        test=wording.test_words(found.test) if len(arms) > 1 else "",
        difference=hazard_words(found).split(", ")[0],
    )


def hazard_words(found: Endpoint) -> str:
    """Write the hazard ratio of the second arm against the first, or why there is none."""
    term = found.hazard
    if term is None:
        return ""
    if np.isnan(term.hazard_ratio):
        return f"no hazard ratio: {term.note}"
    told = ratio_with_limits(term.hazard_ratio, term.lower, term.upper)
    return f"HR {told}, {term.level} vs {term.reference}"


def _median(curve: KaplanMeier) -> str:
    """Write a median with limits and events."""
    return f"{median_months(curve.median())}; {curve.events}/{curve.n} events"


def _endpoint(view: View, rows: pd.DataFrame, name: str, title: str) -> Endpoint:
    """Fit one endpoint."""
    arm = rows["subject_id"].astype(str).map(view.arm_by_subject())
    known = rows["days"].notna() & rows["event"].notna()
    curves = {
        one: kaplan_meier(part["days"], part["event"])
        for one in view.arms
        for part in [view.of_arm(rows, one)]
    }
    test = hazard_fit = None
    if view.has_arms:
        inside = rows[arm.notna()]
        group = arm[arm.notna()]
        late = inside["subject_id"].astype(str).map(time_table(view, name)["arm_known_days"])
        test = compare_survival(
            inside["days"], inside["event"], group, group_known_days=late.to_numpy()
        ).test
        if len(view.arms) == 2:
            hazard_fit = _hazard(inside, group, control=view.arms[0])
    return Endpoint(
        name=name,
        title=title,
        curves=curves,
        overall=kaplan_meier(rows["days"], rows["event"]),
        test=test,
        hazard_fit=hazard_fit,
        n_without=int((~known).sum()),
    )


def _hazard(rows: pd.DataFrame, group: pd.Series[str], *, control: str) -> CoxFit | None:
    """Return the Cox model of the second arm against the first."""
    frame = pd.DataFrame({"arm": group.to_numpy()})
    complete = rows["days"].notna() & rows["event"].notna()
    if group[complete].nunique() < 2:
        return None
    return cox(rows["days"].to_numpy(), rows["event"].to_numpy(), frame, reference={"arm": control})


def _truth(column: str) -> Callable[[pd.DataFrame], pd.Series[bool]]:
    """Return a reader of a truth column; missing counts as no."""

    def read(rows: pd.DataFrame) -> pd.Series[bool]:
        return rows[column].astype("boolean").fillna(value=False).astype(bool)

    return read


def _share(
    view: View,
    label: str,
    read: Callable[[pd.DataFrame], pd.Series[bool]],
    policy: ComparisonPolicy,
    column: str = "",
) -> Row:
    """Return a row of k/n with exact limits per arm; missing are counted as no and said."""
    parts = [view.of_arm(view.outcomes, arm) for arm in view.arms]
    pairs = [(int(read(part).sum()), len(part)) for part in parts]

    def cell(part: pd.DataFrame) -> str:
        text = wording.proportion(clopper_pearson(int(read(part).sum()), len(part)))
        missing = int(part[column].isna().sum()) if column else 0
        return text + (f"; {missing} NE" if missing else "")

    difference = ""
    if len(pairs) == 2 and all(n for _, n in pairs):
        difference = wording.difference(newcombe(pairs[1], pairs[0]))
    return Row(
        label=label,
        overall=cell(view.outcomes),
        arms=tuple(cell(part) for part in parts),
        test=_counts_test(view, [[k for k, _ in pairs], [n - k for k, n in pairs]], policy),
        difference=difference,
    )


def _counts_test(view: View, counts: list[list[int]], policy: ComparisonPolicy) -> str:
    """Compare counts between arms."""
    if not view.has_arms or len(view.arms) < 2:
        return ""
    return wording.test_words(compare_counts(counts, policy=policy))


def _best(rows: pd.DataFrame) -> pd.Series[str]:
    """Return best responses; missing is NE."""
    return rows["best_response"].astype("string").fillna("NE")


def _words(best: pd.Series[str]) -> tuple[str, ...]:
    """Return the categories of best response, in the words of the rule set."""
    return IMMUNE_BEST if best.isin(set(IMMUNE_BEST) - set(BEST)).any() else BEST


def _best_heading(view: View, policy: ComparisonPolicy) -> Row:
    """Return the heading of best responses with the test over all categories."""
    parts = [_best(view.of_arm(view.outcomes, arm)) for arm in view.arms]
    counts = [
        [int((part == word).sum()) for part in parts] for word in _words(_best(view.outcomes))
    ]
    return Row(
        label="Best overall response" + (" (confirmed)" if view.confirmed else ""),
        overall="",
        arms=tuple("" for _ in view.arms),
        test=_counts_test(view, counts, policy),
        heading=True,
    )


def _level(view: View, word: str) -> Row:
    """Return the row of one best response, with limits."""

    def cell(rows: pd.DataFrame) -> str:
        return wording.proportion(clopper_pearson(int((_best(rows) == word).sum()), len(rows)))

    return Row(
        label=f"{word}, {wording.RESPONSE_WORDS[word]}",
        overall=cell(view.outcomes),
        arms=tuple(cell(view.of_arm(view.outcomes, arm)) for arm in view.arms),
        test="",
        level=1,
    )


def _values(
    view: View,
    label: str,
    column: str,
    policy: ComparisonPolicy,
    *,
    per_month: bool = False,
) -> Row:
    """Return a row of median (mean) and number of a continuous outcome."""
    factor = wording.DAYS_PER_MONTH if per_month else 1.0

    def values(rows: pd.DataFrame) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
        return rows[column].dropna().to_numpy(dtype=np.float64) / factor

    def cell(rows: pd.DataFrame) -> str:
        known = values(rows)
        if not known.size:
            return wording.NOTHING
        median = wording.rounded(float(np.median(known)), 1)
        mean = wording.rounded(float(known.mean()), 1)
        return f"{median} ({mean}); n = {known.size}"

    parts = [view.of_arm(view.outcomes, arm) for arm in view.arms]
    test = ""
    if view.has_arms and len(view.arms) > 1:
        test = wording.test_words(compare_values([values(p) for p in parts], policy=policy))
    return Row(
        label=f"{label}, median (mean)",
        overall=cell(view.outcomes),
        arms=tuple(cell(part) for part in parts),
        test=test,
    )


def _sites(view: View, policy: ComparisonPolicy) -> list[Row]:
    """Return the rows of the first site of progression, among those who progressed."""
    words = ("liver", "extrahepatic", "both")
    seen = view.outcomes[view.outcomes["first_progression_site"].notna()]
    if seen.empty:
        return []
    parts = [view.of_arm(seen, arm) for arm in view.arms]
    counts = [[int((p["first_progression_site"] == word).sum()) for p in parts] for word in words]
    heading = Row(
        f"First site of progression{SELECTED}", "", tuple("" for _ in view.arms),
        _counts_test(view, counts, policy), heading=True,
    )  # fmt: skip
    rows = [
        Row(
            label=word,
            overall=wording.count_of(
                int((seen["first_progression_site"] == word).sum()), len(seen)
            ),
            arms=tuple(wording.count_of(k, len(p)) for k, p in zip(line, parts, strict=True)),
            test="",
            level=1,
        )
        for word, line in zip(words, counts, strict=True)
    ]
    return [heading, *rows]
