"""Figure 2 of the paper redrawn: objective response by factor, from a table of patients."""

from __future__ import annotations

import pandas as pd

from stats.plots import Drawing
from stats.plots.forest_row import draw_response_forest
from stats.response_factor import response_by_factor
from sumdiam.demo.cohort.words import FACTOR_WORDS


def draw_responders(patients: pd.DataFrame) -> Drawing:
    """Draw how many responded at each level of each factor.

    Parameters
    ----------
    patients : of `rederived.patient_table`
    """
    factors = pd.DataFrame({"arm": patients["arm"].astype("string")})
    for name in list(FACTOR_WORDS)[1:]:
        factors[name] = patients[name].map({1: "yes", 0: "no"}).astype("string")
    found = response_by_factor(patients["objective_response"].astype("boolean"), factors)
    return draw_response_forest(found, name=lambda variable: FACTOR_WORDS[variable])
