"""Progression with death competing: which of the two came first, by arm."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from stats.competing import cause_specific_cox
from stats.cumulative_incidence import CumulativeIncidence, cumulative_incidence
from stats.fine_gray import fine_gray
from stats.gray import gray_test
from stats.hazard_ratio import CoxTerm
from stats.result import TestResult
from stats.survival import KaplanMeier, kaplan_meier
from sumdiam.report.factor import time_table
from sumdiam.report.view import View

PROGRESSION, DEATH = 1, 2
CAUSES = {"Progression": PROGRESSION, "Death without progression": DEATH}


@dataclass(frozen=True, slots=True)
class FirstEvent:
    """Incidence of each event by arm; ``gray``, ``subdistribution`` and ``cause_specific`` compare.

    Keys are the words of `CAUSES`; ratios (second arm against first) are None unless there are
    two arms.
    """

    incidence: dict[str, dict[str, CumulativeIncidence]]
    free: dict[str, KaplanMeier]
    gray: dict[str, TestResult]
    subdistribution: dict[str, CoxTerm]
    cause_specific: dict[str, CoxTerm]


def first_event(view: View) -> FirstEvent | None:
    """Return what came first, None where there is no progression or no death to compete."""
    whole, progressed = time_table(view, "PFS"), time_table(view, "TTP")
    rows = whole.join(progressed["event"].rename("progressed"), how="inner").dropna(
        subset=["days", "event", "progressed"]
    )
    arm = pd.Series(rows.index, index=rows.index).map(view.arm_by_subject())
    rows = rows[arm.notna()]
    arm = arm[arm.notna()].astype(str)
    cause = np.where(rows["event"] == 0, 0, np.where(rows["progressed"] == 1, PROGRESSION, DEATH))
    if not (cause == PROGRESSION).any() or not (cause == DEATH).any():
        return None
    days = rows["days"].to_numpy()
    groups = view.arms if view.has_arms else ("",)
    here = {name: (arm == name).to_numpy() for name in groups if (arm == name).any()}
    incidence = {
        word: {
            name: cumulative_incidence(days[mine], cause[mine], of_cause=code)
            for name, mine in here.items()
        }
        for word, code in CAUSES.items()
    }
    free = {name: kaplan_meier(days[mine], cause[mine] > 0) for name, mine in here.items()}
    gray, below, specific = {}, {}, {}
    if len(here) > 1:
        gray = {w: gray_test(days, cause, arm.to_numpy(), of_cause=c) for w, c in CAUSES.items()}
    if len(here) == 2:
        frame = pd.DataFrame({"arm": arm.to_numpy()})
        control = {"arm": view.arms[0]}
        for word, code in CAUSES.items():
            fit = fine_gray(days, cause, frame, of_cause=code, reference=control)
            below[word] = fit.terms[0]
            cox = cause_specific_cox(days, cause, frame, of_cause=code, reference=control)
            specific[word] = cox.terms[0]
    return FirstEvent(incidence, free, gray, below, specific)
