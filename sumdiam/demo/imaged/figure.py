"""Figure 2 of the paper redrawn: objective response by factor, from a table of patients."""

from __future__ import annotations

import pandas as pd

from stats.plots import Drawing
from stats.plots.forest_row import draw_response_forest
from stats.response_factor import response_by_factor

FACTOR_WORDS = {
    "arm": "Arm", "male": "Male", "age_65": "Age 65 years or more", "white": "White",
    "ecog_1": "ECOG 1", "cirrhosis": "Liver cirrhosis", "hepatitis_b": "Hepatitis B",
    "hepatitis_c": "Hepatitis C", "alcohol": "Alcohol", "previous_tace": "Previous TACE",
    "diffuse": "Ten lesions or more", "portal_invasion": "Portal invasion",
    "extrahepatic_spread": "Extrahepatic spread", "child_pugh_b": "Child-Pugh B",
    "bclc_c": "BCLC C", "outside_up_to_7": "Outside up-to-7", "albi_2": "ALBI grade 2",
    "afp_400": "AFP above 400",
}  # fmt: skip


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
