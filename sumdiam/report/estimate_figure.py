"""Figures of estimates: forests, competing events, the way from response to response, readers."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import partial

import pandas as pd

from stats.comparison import ComparisonPolicy
from stats.plots import (
    Drawing,
    draw_cumulative_incidence,
    draw_hazard_forest,
    draw_response_forest,
    draw_sankey,
)
from stats.response_factor import response_by_factor
from sumdiam.report import wording
from sumdiam.report.agreement_grid import draw_agreement
from sumdiam.report.factor import factor_table
from sumdiam.report.figure import RESPONSE_COLOURS, drawn, origin_words
from sumdiam.report.first_event import FirstEvent
from sumdiam.report.regression_grid import REGRESSED, Regressed
from sumdiam.report.run_tables import RunTables
from sumdiam.report.view import View

UNSEEN = "not seen"
SANKEY_COLOURS = {**RESPONSE_COLOURS, UNSEEN: "#FFFFFF"}
MOST_VISITS = 6
FEWEST_SEEN = 0.1
"""The Sankey ends before the visit at which fewer than this share of the subjects was seen."""


def draw_estimates(
    tables: RunTables,
    view: View,
    policy: ComparisonPolicy,
    regressed: Sequence[Regressed],
    first: FirstEvent | None,
    *,
    only: Collection[str] | None = None,
) -> dict[str, Drawing]:
    """Return the figures of estimates that the tables have data for, by name.

    Names are ``forest_response``, ``forest_hazard_<endpoint>``, ``cumulative_incidence``,
    ``response_sankey``, ``bland_altman_<n>``. ``only``: the names that are wanted.
    """
    makers: dict[str, Callable[[], Drawing | None]] = {
        "forest_response": partial(_response_forest, tables, view, policy)
    }
    for one in regressed:
        if any(t.hazard_ratio == t.hazard_ratio for _, f in one.table.univariable for t in f.terms):
            makers[f"forest_hazard_{one.name}"] = partial(_hazard_forest, one)
    makers["cumulative_incidence"] = partial(_incidence, tables, view, first)
    makers["response_sankey"] = partial(_sankey, view)
    found = drawn(makers, only)
    return found | (draw_agreement(tables) if only is None else {})


def _incidence(tables: RunTables, view: View, first: FirstEvent | None) -> Drawing | None:
    """Draw the cumulative incidence of progression and of death without it."""
    if first is None:
        return None
    return draw_cumulative_incidence(
        first.incidence,
        first.free,
        x_label=f"Months since {origin_words(tables, view, 'PFS')}",
        days_per_unit=wording.DAYS_PER_MONTH,
        notes={
            word: _gray(test.p_value)
            for word, test in first.gray.items()
            if test.p_value == test.p_value
        },
    )


def _gray(p: float) -> str:
    """Write the p value of Gray's test."""
    told = wording.p_value(p)
    return f"Gray's test p {told if told.startswith('<') else '= ' + told}"


def _response_forest(tables: RunTables, view: View, policy: ComparisonPolicy) -> Drawing | None:
    """Draw response by level of each factor; whose response is not known did not respond."""
    factors, _ = factor_table(tables, view)
    if factors.empty or not len(factors.columns):
        return None
    responded = view.outcomes["objective_response"].astype("boolean").fillna(value=False)
    found = response_by_factor(
        responded.reset_index(drop=True), factors.reset_index(drop=True), policy=policy
    )
    return (
        draw_response_forest(found, name=wording.heading, level=wording.level)
        if found.factors
        else None
    )


def _hazard_forest(one: Regressed) -> Drawing:
    """Draw the univariable hazard ratios of an endpoint."""
    return draw_hazard_forest(
        [fit for _, fit in one.table.univariable],
        name=wording.heading,
        level=wording.level,
        x_label=f"Hazard ratio, {REGRESSED[one.name].lower()}",
        towards=("later events", "earlier events"),
        what="Cox regression of each factor alone",
    )


def _sankey(view: View) -> Drawing | None:
    """Draw the way from overall response to overall response, visit by visit."""
    rows = view.responses[view.responses["timepoint"] > 0]
    rows = rows[rows["overall_response"].notna()]
    ids = sorted(view.outcomes["subject_id"].astype(str))
    group = pd.Series(ids).map(view.arm_by_subject())
    kept = [name for name, arm in zip(ids, group, strict=True) if not pd.isna(arm)]
    seen = rows.groupby("timepoint")["subject_id"].nunique()
    visits = [int(v) for v in sorted(seen.index) if seen[v] >= FEWEST_SEEN * len(ids)]
    visits = visits[:MOST_VISITS]
    if len(visits) < 2 or not kept:
        return None
    words = rows.drop_duplicates(["subject_id", "timepoint"]).set_index(["subject_id", "timepoint"])
    index = pd.MultiIndex.from_product([kept, visits], names=["id", "visit"])
    states = words["overall_response"].astype("string").reindex(index).fillna(UNSEEN).astype(str)
    data = states.rename("category").reset_index()
    arms = view.in_order(data["id"].map(view.arm_by_subject()))
    drawing = draw_sankey(
        data.assign(group=arms), palette=SANKEY_COLOURS, x_label="Follow-up visit"
    )
    return Drawing(
        drawing.figure,
        drawing.plotted,
        f"{drawing.caption} “{UNSEEN}”: no scan at that visit, for whatever reason; visits at "
        f"which fewer than {100 * FEWEST_SEEN:g} % were seen are not shown.",
    )
