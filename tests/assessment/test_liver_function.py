"""Child-Pugh, ALBI, up-to-seven and BCLC against the published cut-offs, one step to either side."""

import math
import re

import numpy as np
import pytest

from assessment import criteria_names
from assessment.liver_function import (
    MISSING,
    ChildPughInput,
    LiverFunctionError,
    StageInput,
    albi_grade,
    albi_score,
    bclc_stage,
    child_pugh_class,
    child_pugh_points,
    refusal,
    within_up_to_seven,
)

NAN = math.nan

# Johnson 2015: 0.66 log10(bilirubin, umol/L) - 0.085 (albumin, g/L), worked on paper at powers of 10
ALBI = [
    (10.0, "umol_l", 40.0, "g_l", 0.66 - 3.40, 1),
    (100.0, "umol_l", 40.0, "g_l", 1.32 - 3.40, 2),
    (100.0, "umol_l", 30.0, "g_l", 1.32 - 2.55, 3),
    (10.0, "umol_l", 3.8, "g_dl", 0.66 - 3.23, 2),
    (100 / 17.1, "mg_dl", 4.0, "g_dl", 1.32 - 3.40, 2),  # 5.85 mg/dL
]


@pytest.mark.parametrize(("bilirubin", "b_unit", "albumin", "a_unit", "score", "grade"), ALBI)
def test_albi_is_the_published_formula_in_either_unit(
    bilirubin, b_unit, albumin, a_unit, score, grade
):
    found = albi_score([bilirubin], [albumin], bilirubin_unit=b_unit, albumin_unit=a_unit)
    assert found[0] == pytest.approx(score, abs=1e-12)
    assert albi_grade(found).tolist() == [grade]


def test_albi_grades_end_at_their_limits_and_are_given_before_rounding():
    scores = [-2.60, -2.5999, -2.596, -1.39, -1.3899, NAN]
    assert albi_grade(scores).tolist() == [1, 2, 2, 2, 3, MISSING]


def pugh(bilirubin, albumin, inr, ascites, confused, units=("mg_dl", "g_dl")):
    """Return the points of one patient."""
    one = [np.array([value], dtype=float) for value in (bilirubin, albumin, inr)]
    given = ChildPughInput(*one, [ascites], [confused], *units)
    return int(child_pugh_points(given)[0])


# bilirubin mg/dL, albumin g/dL, INR, ascites, encephalopathy -> points, class (Pugh 1973)
PUGH = [
    (1.0, 4.0, 1.0, "none", "none", 5, "A"),
    (1.9, 3.6, 1.6, "none", "none", 5, "A"),
    (2.0, 3.6, 1.6, "none", "none", 6, "A"),  # 2 mg/dL is 2 points
    (3.0, 3.6, 1.6, "none", "none", 6, "A"),
    (3.1, 3.6, 1.6, "none", "none", 7, "B"),
    (1.9, 3.5, 1.6, "none", "none", 6, "A"),  # 3.5 g/dL is 2 points
    (1.9, 2.8, 1.6, "none", "none", 6, "A"),
    (1.9, 2.7, 1.6, "none", "none", 7, "B"),
    (1.9, 3.6, 1.7, "none", "none", 6, "A"),
    (1.9, 3.6, 2.3, "none", "none", 6, "A"),
    (1.9, 3.6, 2.31, "none", "none", 7, "B"),
    (1.9, 3.6, 1.6, "slight", "1-2", 7, "B"),
    (1.9, 3.6, 1.6, "moderate", "3-4", 9, "B"),
    (2.5, 3.0, 2.0, "slight", "1-2", 10, "C"),
    (9.0, 2.0, 3.0, "moderate", "3-4", 15, "C"),
]


@pytest.mark.parametrize(("b", "a", "inr", "ascites", "confused", "points", "name"), PUGH)
def test_child_pugh_points_and_class_at_every_cut_off(b, a, inr, ascites, confused, points, name):
    assert pugh(b, a, inr, ascites, confused) == points
    assert child_pugh_class([points])[0] == name
    assert pugh(b, a * 10, inr, ascites, confused, ("mg_dl", "g_l")) == points
    assert pugh(b * 17.1, a, inr, ascites, confused, ("umol_l", "g_dl")) == points


def test_child_pugh_of_a_patient_with_anything_missing_is_missing():
    full = [1.0, 4.0, 1.0, "none", "none"]
    for place, gone in enumerate([NAN, NAN, NAN, "", ""]):
        assert pugh(*full[:place], gone, *full[place + 1 :]) == MISSING
    assert child_pugh_class([MISSING])[0] == ""


REFUSED = [
    (3.9, "albumin", "g_l", "3.9 g/L is no albumin .*fits g/dL"),
    (39.0, "albumin", "g_dl", "39 g/dL is no albumin .*fits g/L"),
    (0.9, "bilirubin", "umol_l", "0.9 µmol/L is no bilirubin .*fits mg/dL"),
    (60.0, "bilirubin", "mg_dl", "60 mg/dL is no bilirubin .*fits µmol/L"),
    (0.0, "bilirubin", "mg_dl", "0 mg/dL is no bilirubin"),
    (-1.0, "albumin", "g_l", "no albumin"),
    (80.0, "inr", "", "80 is no INR"),
    (math.inf, "inr", "", "no INR"),
]


@pytest.mark.parametrize(("value", "quantity", "unit", "why"), REFUSED)
def test_impossible_values_are_refused_and_told_the_unit_that_they_fit(value, quantity, unit, why):
    assert re.search(why, refusal(value, quantity, unit))


def test_scores_refuse_impossible_values_units_and_words():
    with pytest.raises(LiverFunctionError, match=r"value 1: 4 g/L .*fits g/dL.*Correct"):
        albi_score([10, 10], [40, 4.0], bilirubin_unit="umol_l", albumin_unit="g_l")
    with pytest.raises(LiverFunctionError, match=r"no unit of albumin\. Choose from g_l, g_dl"):
        albi_score([10], [40], bilirubin_unit="umol_l", albumin_unit="mg_dl")
    with pytest.raises(LiverFunctionError, match=r"'a lot' is no ascites\. Choose from none"):
        pugh(1.0, 4.0, 1.0, "a lot", "none")


# Mazzaferro 2009: size of the largest in cm + number of tumours <= 7
SEVEN = [
    (60.0, 1, 1), (60.1, 1, 0), (50.0, 2, 1), (30.0, 4, 1), (30.1, 4, 0), (10.0, 6, 1),
    (20.0, 6, 0), (NAN, 1, MISSING), (30.0, NAN, MISSING),
]  # fmt: skip


@pytest.mark.parametrize(("size", "number", "within"), SEVEN)
def test_up_to_seven_adds_centimetres_and_tumours(size, number, within):
    assert within_up_to_seven([size], [number]).tolist() == [within]


# mm, tumours, portal invasion, spread, ECOG, Child-Pugh -> stage (Reig 2022)
BCLC = [
    (20, 1, 0, 0, 0, "A", "0"),
    (20, 1, 0, 0, 0, "B", "A"),
    (20.1, 1, 0, 0, 0, "A", "A"),
    (90, 1, 0, 0, 0, "A", "A"),  # one tumour of any size
    (30, 3, 0, 0, 0, "B", "A"),
    (30.1, 3, 0, 0, 0, "A", "B"),
    (15, 4, 0, 0, 0, "A", "B"),
    (15, 1, 1, 0, 0, "A", "C"),
    (15, 1, 0, 1, 0, "A", "C"),
    (15, 1, 0, 0, 1, "A", "C"),
    (15, 1, 0, 0, 2, "B", "C"),
    (15, 1, 0, 0, 3, "A", "D"),
    (15, 1, 0, 0, 0, "C", "D"),
    (15, 1, 1, 1, 2, "C", "D"),
    # one sign decides, or what is missing might
    (NAN, NAN, -1, -1, 4, "", "D"),
    (NAN, NAN, 1, -1, 0, "A", "C"),
    (NAN, NAN, 1, -1, 0, "", ""),  # Child-Pugh C would make it D
    (NAN, NAN, 1, -1, -1, "A", ""),
    (15, 1, -1, 0, 0, "A", ""),
    (15, NAN, 0, 0, 0, "A", ""),
    (NAN, 4, 0, 0, 0, "A", ""),
]


@pytest.mark.parametrize(("size", "n", "portal", "spread", "ecog", "liver", "stage"), BCLC)
def test_bclc_stage(size, n, portal, spread, ecog, liver, stage):
    given = StageInput(
        np.array([size], float), np.array([n], float), np.array([portal]), np.array([spread]),
        np.array([ecog]), np.array([liver]),
    )  # fmt: skip
    assert bclc_stage(given).tolist() == [stage]


def test_the_cut_offs_of_liver_function_are_no_rule_set_of_response():
    assert "liver_function" not in criteria_names()
