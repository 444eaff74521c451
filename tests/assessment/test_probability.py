"""How sure a category is: against the normal distribution, worked by hand."""

from math import erf, exp, log, sqrt

import numpy as np
import pytest

from assessment import assess
from assessment.reader_doubt import same_lesions_share

# lesions with uncertainty | within error of a cut-off at the last visit, worked by hand
NEAR = [
    # PR from 70.0; 1.96 x 1.0 = 1.96
    ("L1 liver 100/u=1 71.9/u=1", True),
    ("L1 liver 100/u=1 72.0/u=1", False),
    ("L1 liver 100/u=1 68.1/u=1", True),
    ("L1 liver 100/u=1 68.0/u=1", False),
    # PD from 120.0
    ("L1 liver 100/u=1 118.1/u=1", True),
    ("L1 liver 100/u=1 118.0/u=1", False),
    ("L1 liver 100/u=1 121.9/u=1", True),
    ("L1 liver 100/u=1 122.0/u=1", False),
    # two lesions: 1.96 x sqrt(0.6^2 + 0.8^2) = 1.96
    ("L1 liver 60/u=.6 41.9/u=.6; L2 liver 40/u=.8 30/u=.8", True),
    ("L1 liver 60/u=.6 42/u=.6; L2 liver 40/u=.8 30/u=.8", False),
    # a new lesion is PD whatever the sum
    ("L1 liver 100/u=1 70.0/u=1; N1 lung - 8", False),
    # a node of 9.5 +- 0.5 may not be gone
    ("L1 liver 30/u=1 0; N1 node 20/un=.5 9.5/un=.5", True),
    ("L1 liver 30/u=1 0; N1 node 20/un=.5 8.9/un=.5", False),
]


@pytest.mark.parametrize(("lesions", "near"), NEAR)
def test_within_error_of_a_cut_off_that_would_change_the_response(short, lesions, near):
    found = short(lesions, "0 60", probabilities=False)
    assert found.responses["within_error_of_cutoff"].tolist()[1] is near
    assert found.outcomes["best_response_doubtful"].tolist() == [near]
    assert found.responses["p_pr"].isna().all()


def normal(z):
    return 0.5 * (1 + erf(z / sqrt(2)))


@pytest.mark.parametrize("follow_up", [66.0, 69.0, 70.0, 71.5, 74.0])
def test_the_probability_of_pr_is_that_of_the_normal_distribution(short, follow_up):
    # PR where x1 <= 0.7 x0: x1 - 0.7 x0 has SD sqrt(1.5^2 + (0.7 x 2)^2), lengths in 0.1 mm steps
    row = short(f"L1 liver 100/u=2 {follow_up}/u=1.5", "0 60").responses.iloc[1]
    expected = normal((70.0 - follow_up + 0.05) / sqrt(1.5**2 + 1.4**2))
    assert row["p_pr"] == pytest.approx(expected, abs=0.03)
    assert row[["p_cr", "p_pr", "p_sd", "p_pd", "p_ne"]].sum() == pytest.approx(1)


def test_a_response_far_from_any_cut_off_is_sure(short):
    found = short("L1 liver 100/u=1 50/u=1 0", "0 60 120")
    assert found.responses["p_pr"].tolist()[1:] == [1.0, 0.0]
    assert found.responses["p_cr"].tolist()[1:] == [0.0, 1.0]
    assert found.outcomes["p_best_response"].tolist() == [1.0]
    assert found.outcomes["best_response_doubtful"].tolist() == [False]


def test_doubt_that_cannot_change_the_best_response_is_not_doubt_of_it(short):
    found = short(
        "L1 liver 100/u=1 50/u=1 70/u=1 0", "0 60 120 180", policies="nadir_from=complete"
    )
    assert found.outcomes["best_response"].tolist() == ["PR"]  # PD at day 120 ends it
    calm = short("L1 liver 100/u=1 50/u=1 59.9/u=1", "0 60 120")
    assert calm.responses["within_error_of_cutoff"].tolist()[1:] == [False, True]
    assert calm.outcomes["best_response_doubtful"].tolist() == [False]


def test_without_uncertainty_nothing_is_said(short):
    found = short("L1 liver 100 70", "0 60")
    assert found.responses["within_error_of_cutoff"].isna().all()
    assert found.responses["p_pr"].isna().all()
    assert found.outcomes["best_response_doubtful"].isna().all()


def test_from_where_an_uncertainty_is_missing_nothing_is_said(short):
    found = short("L1 liver 100/u=1 70/u=1 70", "0 60 120").responses
    assert found["within_error_of_cutoff"].isna().tolist() == [True, False, True]


def test_a_lesion_too_small_to_measure_is_5_mm_without_error(short):
    found = short("L1 liver 20/u=1 ts; L2 liver 20/u=1 20/u=1", "0 60").responses
    assert found["p_pr"].tolist()[1] > 0.95  # 25 of 40 is -37.5 %


def test_what_is_between_readers_of_the_same_lesions_is_that_of_the_published_limits():
    between = (log(1.25) - log(0.78)) / (2 * 1.96 * sqrt(2))
    assert same_lesions_share() == pytest.approx(between, abs=0.000501)  # 8.5 %, one decimal


def test_doubt_between_readers_is_larger(short):
    lesions = "L1 liver 100/u=1 75/u=1"
    alone = short(lesions, "0 60").responses.iloc[1]
    both = short(lesions, "0 60", policies="doubt_from=measurement_and_reader").responses.iloc[1]
    assert not alone["within_error_of_cutoff"]
    assert both["within_error_of_cutoff"]  # 8.5 % of 75 mm is 6.4 mm
    assert alone["p_pr"] < 0.01 < both["p_pr"]


def test_a_missing_target_is_ne_in_every_draw_unless_pd_is_certain(short):
    lesions = "L1 liver 50/u=1 {}/u=1; L2 liver 50/u=1 ne"
    assert short(lesions.format(50), "0 60").responses["p_ne"].tolist()[1] == 1.0
    assert short(lesions.format(140), "0 60").responses["p_pd"].tolist()[1] == 1.0


def test_a_subjects_probabilities_do_not_depend_on_who_else_is_in_the_table(make_tables):
    patients = [
        {"patient": name, "lesions": f"L1 liver 100/u=2 {size}/u=2", "visits": "0 60"}
        for name, size in (("A", 71), ("B", 69), ("C", 121))
    ]
    made = make_tables(patients)
    together = assess(made.pop("lesions"), **made).responses
    for patient in patients:
        made = make_tables([patient])
        alone = assess(made.pop("lesions"), **made).responses
        mine = together[together["subject_id"] == patient["patient"]]
        assert np.array_equal(mine["p_pr"].to_numpy(), alone["p_pr"].to_numpy(), equal_nan=True)


def test_many_subjects_are_drawn_in_chunks_with_the_same_answer(make_tables, monkeypatch):
    patients = [
        {"patient": f"P{n}", "lesions": f"L1 liver 100/u=2 {68 + n}/u=2", "visits": "0 60"}
        for n in range(4)
    ]
    made = make_tables(patients)
    lesions = made.pop("lesions")
    whole = assess(lesions, **made).responses["p_pr"]
    monkeypatch.setattr("assessment.probability.CELLS_AT_ONCE", 5000)
    assert assess(lesions, **made).responses["p_pr"].equals(whole)


READER = "doubt_from=measurement_and_reader; reader_model=own_lesions"
GONE_LOGIT, GONE_SLOPE, STAYS_GONE, SD_CHANGE = -2.682, -1.081, 0.692, 0.583


def of_another_reader(change):
    """Return p_cr, p_pr, p_pd of log(sum / baseline): a logistic chance of gone, else log-normal."""
    gone = 1 / (1 + exp(-GONE_LOGIT - GONE_SLOPE * change))
    shrunk = normal((log(0.7) - change) / SD_CHANGE)
    grown = normal((change - log(1.2)) / SD_CHANGE)
    return [gone, (1 - gone) * shrunk, (1 - gone) * grown]


@pytest.mark.parametrize("follow_up", [10.0, 50.0, 75.0, 100.0, 150.0])
def test_another_reader_sees_nothing_or_differs_by_a_log_normal_factor(short, follow_up):
    row = short(f"L1 liver 100 {follow_up}", "0 60", policies=READER).responses.iloc[1]
    expected = of_another_reader(log(follow_up / 100))
    assert row[["p_cr", "p_pr", "p_pd"]].tolist() == pytest.approx(expected, abs=0.04)
    assert row[["p_cr", "p_pr", "p_sd", "p_pd", "p_ne"]].sum() == pytest.approx(1)


def test_another_reader_may_see_what_this_one_does_not(short):
    row = short("L1 liver 100 0", "0 60", policies=READER).responses.iloc[1]
    assert row["overall_response"] == "CR"
    assert row["p_cr"] == pytest.approx(STAYS_GONE, abs=0.03)
    assert row["p_pr"] > row["p_sd"] > row["p_pd"] > 0


def test_a_readers_error_is_of_the_sum_however_many_lesions_it_has(short):
    one = short("L1 liver 100 75", "0 60", policies=READER).responses.iloc[1]
    two = short("L1 liver 60 45; L2 liver 40 30", "0 60", policies=READER).responses.iloc[1]
    names = ["p_cr", "p_pr", "p_sd", "p_pd"]
    assert two[names].tolist() == pytest.approx(one[names].tolist(), abs=0.01)


def test_who_misses_a_tumour_misses_it_again_and_sees_no_return(short):
    found = short("L1 liver 100 40 40 40", "0 60 120 180", policies=READER).responses
    assert len(set(found["p_cr"].tolist()[1:])) == 1
    alone = short("L1 liver 100 40", "0 180", policies=READER).responses
    assert found["p_cr"].tolist()[1] == alone["p_cr"].tolist()[1]


def test_readers_doubt_is_let_in_by_policy_only(short):
    lesions = "L1 liver 100/u=1 75/u=1; L2 liver 30/u=1 0"
    plain = short(lesions, "0 60").responses
    model_only = short(lesions, "0 60", policies="reader_model=own_lesions").responses
    for name in ("p_cr", "p_pr", "p_sd", "p_pd", "within_error_of_cutoff"):
        assert plain[name].equals(model_only[name])
    own = short(lesions, "0 60", policies=READER).responses.iloc[1]
    assert own["within_error_of_cutoff"]
    assert own["p_cr"] > plain["p_cr"].tolist()[1] == 0.0


def test_what_is_between_readers_of_own_lesions_holds_the_error_of_measuring(short):
    row = short("L1 liver 100 75", "0 60", policies=READER).responses.iloc[1]
    measured = short("L1 liver 100/u=5 75/u=5", "0 60", policies=READER).responses.iloc[1]
    for name in ("p_cr", "p_pr", "p_sd", "p_pd"):
        assert row[name] == measured[name] > 0.0
    same = "doubt_from=measurement_and_reader; reader_model=same_lesions"
    assert short("L1 liver 100 75", "0 60", policies=same).responses["p_sd"].isna().all()


def test_another_reader_changes_neither_missing_targets_nor_new_lesions(short):
    missing = short("L1 liver 50 50; L2 liver 50 ne", "0 60", policies=READER).responses.iloc[1]
    assert missing["p_ne"] > 0.8  # what was measured may prove PD alone
    assert missing["p_cr"] == missing["p_pr"] == missing["p_sd"] == 0.0
    new = short("L1 liver 100 50; N1 lung - 12", "0 60", policies=READER).responses.iloc[1]
    assert new["p_pd"] == 1.0


@pytest.mark.parametrize(("criteria", "cells"), [("who", "/p=50"), ("vrecist", "/v=40")])
def test_errors_of_products_and_volumes_are_those_of_their_lengths(short, criteria, cells):
    row = short(
        f"L1 liver 50{cells} 50{cells}", "0 60", policies=READER, criteria=(criteria,)
    ).responses.iloc[1]
    # -50 % and +25 % of a product, -65 % and +73 % of a volume, as of lengths
    pr, pd = {"who": (0.5, 1.25), "vrecist": (0.35, 1.73)}[criteria]
    power = {"who": 2, "vrecist": 3}[criteria]
    gone = of_another_reader(0.0)[0]
    assert row["p_cr"] == pytest.approx(gone, abs=0.02)
    shrunk, grown = (normal(-abs(log(cut)) / power / SD_CHANGE) for cut in (pr, pd))
    assert row["p_pr"] == pytest.approx((1 - gone) * shrunk, abs=0.04)
    assert row["p_pd"] == pytest.approx((1 - gone) * grown, abs=0.04)
