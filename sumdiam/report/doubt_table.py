"""How far the estimates of a trial of two arms move when its lengths are read again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from assessment import PolicySet
from assessment.redraw import DRAWS, Redrawn, can_be_redrawn, redraw_outcomes
from measurement.table import empty_table, from_records
from stats.proportion import clopper_pearson
from stats.regression import cox
from stats.replicate import Spread, replicate_hazard_ratios, replicate_medians, spread
from stats.survival import kaplan_meier
from sumdiam.export.doubts import CONTROL, HAZARD, MEDIAN, RESPONSE, Doubts
from sumdiam.report.view import View

COLUMNS_OF = {RESPONSE: "objective_response", CONTROL: "disease_control"}


@dataclass(frozen=True, slots=True)
class Sampled:
    """An estimate of the run itself with its sampling limits; NaN where there is none."""

    estimate: float
    lower: float
    upper: float


def doubt_table(
    view: View,
    lesions: pd.DataFrame,
    *,
    timepoints: pd.DataFrame,
    subjects: pd.DataFrame | None,
    policies: PolicySet,
    select: str = "given",
    draws: int = DRAWS,
) -> pd.DataFrame:
    """Return how far each estimate of the analysis moves when its lengths are drawn anew.

    Parameters
    ----------
    view : the analysis that the report shows
    lesions, timepoints, subjects, policies, select : as `assess` was given them
    draws : how often the trial is read again

    Returns
    -------
    DataFrame
        `Doubts`; empty unless there are two arms, and under rule sets that confirm
        progression at later visits.
    """
    two = view.has_arms and len(view.arms) == 2
    if not two or view.outcomes.empty or not can_be_redrawn(view.criteria):
        return empty_table(Doubts)
    found = redraw_outcomes(
        lesions[lesions["reader"] == view.reader],
        timepoints=timepoints,
        subjects=subjects,
        criteria=view.criteria,
        policies=policies,
        scheme=view.scheme,
        select=select,
        draws=draws,
    )
    sampled = dict(_sampled(view))
    key = {name: getattr(view, name) for name in ("criteria", "reader", "policy_id", "scheme")}
    rows = [
        {
            **key, "read_again": name, "estimate": what, "arm": arm,
            "estimated": sampled[what, arm].estimate,
            "sampling_lower": sampled[what, arm].lower, "sampling_upper": sampled[what, arm].upper,
            "middle": _finite(moved.middle), "lower": _finite(moved.lower),
            "upper": _finite(moved.upper), "n_draws": moved.n,
            "n_without_estimate": moved.n_without,
            "n_lengths_drawn": redrawn.n_drawn, "n_lengths_fixed": redrawn.n_fixed,
        }
        for name, redrawn in found.items()
        for (what, arm), moved in _moved(view, redrawn)
    ]  # fmt: skip
    return from_records(rows, Doubts)


def _finite(value: float) -> float:
    """Return a number; NaN for one that is not reached."""
    return value if np.isfinite(value) else np.nan


def _moved(view: View, redrawn: Redrawn) -> Iterator[tuple[tuple[str, str], Spread]]:
    """Return how each estimate moves over the draws."""
    by_subject = view.arm_by_subject()
    arm = np.array([by_subject.get(str(name), "") for name in redrawn.subject_id], dtype=object)
    inside = {name: redrawn.kept & (arm == name) for name in view.arms}
    for what, hits in ((RESPONSE, redrawn.response), (CONTROL, redrawn.control)):
        for name, here in inside.items():
            n = here.sum(axis=1)
            share = np.divide((hits & here).sum(axis=1), n, out=np.full(len(n), np.nan),
                              where=n > 0)  # fmt: skip
            yield (what, name), spread(100 * share)
    for name, here in inside.items():
        days = np.where(here, redrawn.days, np.nan)
        yield (MEDIAN, name), spread(replicate_medians(days, redrawn.event))
    either = np.logical_or(*inside.values())
    days = np.where(either, redrawn.days, np.nan)
    ratios = replicate_hazard_ratios(days, redrawn.event, arm == view.arms[1])
    yield (HAZARD, view.arms[1]), spread(ratios)


def _sampled(view: View) -> Iterator[tuple[tuple[str, str], Sampled]]:
    """Return the estimates of the run itself with their sampling limits."""
    for what, column in COLUMNS_OF.items():
        for arm in view.arms:
            rows = view.of_arm(view.outcomes, arm)
            hits = int(rows[column].fillna(value=False).astype(bool).sum())
            share = clopper_pearson(hits, len(rows))
            yield (what, arm), Sampled(100 * share.estimate, 100 * share.lower, 100 * share.upper)
    events = view.events[view.events["endpoint"] == "PFS"]
    events = events[events["days"].notna() & events["event"].notna()]
    for arm in view.arms:
        rows = view.of_arm(events, arm)
        median = kaplan_meier(rows["days"], rows["event"]).median()
        yield (MEDIAN, arm), Sampled(median.estimate, median.lower, median.upper)
    group = events["subject_id"].astype(str).map(view.arm_by_subject())
    rows, group = events[group.notna()], group[group.notna()]
    none = Sampled(np.nan, np.nan, np.nan)
    if group.nunique() == 2:
        frame = pd.DataFrame({"arm": group.to_numpy()})
        fit = cox(
            rows["days"].to_numpy(), rows["event"].to_numpy(), frame,
            reference={"arm": view.arms[0]},
        )  # fmt: skip
        term = fit.terms[0]
        none = Sampled(term.hazard_ratio, term.lower, term.upper)
    yield (HAZARD, view.arms[1]), none
