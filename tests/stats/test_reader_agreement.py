"""Agreement of readers on lengths and ordered categories: R, published numbers, properties."""

import itertools
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chi2

from stats.agreement import fleiss_kappa
from stats.bland_altman import bland_altman, repeatability_coefficient, within_subject_cv
from stats.intraclass import concordance_correlation, intraclass_correlation
from stats.reading_set import ReadingsError
from stats.weighted_kappa import weighted_kappa

from .golden import data_of, golden

READERS = data_of("readers")
GOLDEN = golden("agreement")
ORDER = ("CR", "PR", "SD", "PD")


def measured(what: str, readers: str):
    lengths = READERS[readers.split("+")]
    if what == "ICC2":
        return intraclass_correlation(lengths)
    if what == "CCC":
        return concordance_correlation(lengths)
    if what == "repeatability coefficient":
        return repeatability_coefficient(lengths)
    if what.endswith("kappa"):
        return weighted_kappa(
            READERS[["word_A", "word_B"]], ORDER, weights=what.split(maxsplit=1)[0]
        )
    found = bland_altman(lengths)
    return {"bias": found.bias, "lower limit": found.lower_limit, "upper limit": found.upper_limit}[
        what
    ]


@pytest.mark.parametrize("row", list(GOLDEN.itertuples()), ids=lambda r: f"{r.what} {r.readers}")
def test_estimates_and_limits_are_those_of_r(row):
    found = measured(row.what, row.readers)
    assert (found.estimate, found.lower, found.upper) == pytest.approx(
        (row.estimate, row.lower, row.upper), rel=1e-9
    )
    assert (found.n, found.n_patients) == (45, 45)


# Bland and Altman 1986: peak flow of 17 subjects, l/min, large and mini meter, first readings.
LARGE = [494, 395, 516, 434, 476, 557, 413, 442, 650, 433, 417, 656, 267, 478, 178, 423, 427]
MINI = [512, 430, 520, 428, 500, 600, 364, 380, 658, 445, 432, 626, 260, 477, 259, 350, 451]


def test_the_peak_flows_of_bland_and_altman_have_their_published_limits():
    found = bland_altman(pd.DataFrame({"large": LARGE, "mini": MINI}))
    assert (round(found.bias.estimate, 1), round(found.sd, 1)) == (-2.1, 38.8)
    # the paper takes 2 SD for the limits (-79.7 and 75.5), t = 2.12 and SE of a limit sqrt(3 s^2/n)
    assert (found.bias.lower, found.bias.upper) == pytest.approx((-22.0, 17.8), abs=0.15)
    assert found.lower_limit.estimate == pytest.approx(-2.1 - 1.96 * 38.8, abs=0.1)
    assert found.upper_limit.estimate == pytest.approx(-2.1 + 1.96 * 38.8, abs=0.1)
    assert (found.lower_limit.lower, found.lower_limit.upper) == pytest.approx(
        (-114.3, -45.1), abs=4
    )


# Shrout and Fleiss 1979, table 2: six targets, four judges; ICC(2,1) = .29
SHROUT = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]


def test_the_judges_of_shrout_and_fleiss_have_their_published_icc():
    found = intraclass_correlation(pd.DataFrame(SHROUT))
    assert round(found.estimate, 2) == 0.29
    # McGraw and Wong's limits, as R's psych::ICC prints them for these data
    assert (round(found.lower, 3), round(found.upper, 2)) == (0.019, 0.76)


def test_the_weights_of_kappa_are_what_its_definition_says():
    ratings = READERS[["word_A", "word_B"]]
    places = ratings.map(ORDER.index).to_numpy()
    every = list(itertools.product(places[:, 0], places[:, 1]))
    for weights, cost in (("linear", abs), ("quadratic", lambda x: x * x), ("unweighted", bool)):
        seen = np.mean([cost(int(a) - int(b)) for a, b in places])
        chance = np.mean([cost(int(a) - int(b)) for a, b in every])
        found = weighted_kappa(ratings, ORDER, weights=weights)
        assert found.estimate == pytest.approx(1 - seen / chance, abs=1e-12)


def by_hand(statistic, readings, patients, there=lambda x: x, back=lambda x: x):
    """Leave out one patient after the other, in a loop."""
    from scipy.stats import t

    names = sorted(set(patients))
    values = [there(statistic(readings[patients != name].reset_index(drop=True))) for name in names]
    g, centre = len(names), there(statistic(readings))
    error = math.sqrt((g - 1) / g * sum((v - np.mean(values)) ** 2 for v in values))
    reach = t.ppf(0.975, g - 1) * error
    return back(centre - reach), back(centre + reach)


MEASURES = [
    (lambda r, p=None: concordance_correlation(r[["A", "B"]], patient=p), math.atanh, math.tanh),
    (lambda r, p=None: repeatability_coefficient(r[["A", "B", "C"]], patient=p), math.log, math.exp),
    (lambda r, p=None: within_subject_cv(r[["A", "B", "C"]], patient=p), math.log, math.exp),
    (lambda r, p=None: bland_altman(r[["A", "B"]], patient=p).bias, lambda x: x, lambda x: x),
    (lambda r, p=None: weighted_kappa(r[["word_A", "word_B"]], ORDER, patient=p), lambda x: x, lambda x: x),
    (lambda r, p=None: fleiss_kappa(r[["word_A", "word_B", "word_C"]], patient=p), lambda x: x, lambda x: x),
]  # fmt: skip


@pytest.mark.parametrize(("measure", "there", "back"), MEASURES)
def test_with_several_lesions_of_a_patient_patients_are_left_out_one_by_one(measure, there, back):
    found = measure(READERS, READERS.patient)
    want = by_hand(lambda r: measure(r).estimate, READERS, READERS.patient, there, back)
    assert (found.lower, found.upper) == pytest.approx((want[0], min(want[1], 1e9)), rel=1e-9)
    assert found.estimate == pytest.approx(measure(READERS).estimate, rel=1e-12)
    assert "leaving out patients" in found.method


def test_the_icc_of_clustered_lesions_keeps_its_estimate_and_counts_patients():
    lengths = READERS[["A", "B", "C"]]
    found = intraclass_correlation(lengths, patient=READERS.patient)
    plain = intraclass_correlation(lengths)
    assert found.estimate == plain.estimate
    assert (found.n, found.n_patients, plain.n_patients) == (45, 26, 45)
    assert found.lower < found.estimate < found.upper < 1


def test_the_deviation_of_clustered_differences_adds_both_variances():
    # by hand: patients (1, 3), (5, 7), (0, 2): within 2, means 2, 6, 1, between (7 / 1) * 2 / ... = 14
    pairs = pd.DataFrame({"A": [1.0, 3, 5, 7, 0, 2], "B": [0.0] * 6})
    found = bland_altman(pairs, patient=[1, 1, 2, 2, 3, 3])
    assert found.sd == pytest.approx(math.sqrt(2 + (14 - 2) / 2))


def test_one_lesion_per_patient_is_no_cluster():
    ids = [f"P{i}" for i in range(len(READERS))]
    for measure, _, _ in MEASURES:
        assert measure(READERS, ids) == measure(READERS)


lengths = st.lists(
    st.tuples(*[st.floats(5, 200).map(lambda x: round(x, 1))] * 2), min_size=5, max_size=25
)


@given(lengths)
@settings(deadline=None, max_examples=50)
def test_swapping_the_readers_turns_the_bias_and_leaves_correlations(pairs):
    one = pd.DataFrame(pairs, columns=["A", "B"])
    two = one[["B", "A"]]
    here, there = bland_altman(one), bland_altman(two)
    assert here.bias.estimate == pytest.approx(-there.bias.estimate, abs=1e-9)
    assert here.lower_limit.lower == pytest.approx(-there.upper_limit.upper, abs=1e-9)
    for measure in (intraclass_correlation, concordance_correlation, within_subject_cv):
        assert measure(one).estimate == pytest.approx(measure(two).estimate, abs=1e-9, nan_ok=True)


@given(lengths, st.floats(0.1, 25))
@settings(deadline=None, max_examples=50)
def test_the_unit_does_not_matter_but_to_what_is_a_length(pairs, factor):
    one = pd.DataFrame(pairs, columns=["A", "B"])
    for measure in (intraclass_correlation, concordance_correlation, within_subject_cv):
        assert measure(factor * one).estimate == pytest.approx(
            measure(one).estimate, rel=1e-6, abs=1e-9, nan_ok=True
        )
    assert repeatability_coefficient(factor * one).upper == pytest.approx(
        factor * repeatability_coefficient(one).upper, rel=1e-9
    )


def test_the_interval_of_repeatability_inverts_its_test():
    found = repeatability_coefficient(READERS[["A", "B"]])
    df = 45
    assert chi2.cdf(df * (found.estimate / found.upper) ** 2, df) == pytest.approx(0.025, rel=1e-9)
    assert chi2.sf(df * (found.estimate / found.lower) ** 2, df) == pytest.approx(0.025, rel=1e-9)


def test_the_limits_by_patient_hold_a_known_bias_as_often_as_they_say():
    # lesions of a patient share an error: limits that take them as independent are too narrow
    rng = np.random.default_rng(9)
    held = {"clustered": 0, "as if independent": 0}
    ids = np.repeat(np.arange(25), 4)
    for _ in range(200):
        error = 1.0 + rng.normal(0, 1.0, 25)[ids] + rng.normal(0, 0.5, 100)
        pairs = pd.DataFrame({"A": 50 + error, "B": 50.0})
        for name, patient in (("clustered", ids), ("as if independent", None)):
            bias = bland_altman(pairs, patient=patient).bias
            held[name] += bias.lower <= 1.0 <= bias.upper
    assert 180 <= held["clustered"] <= 199
    assert held["as if independent"] < 160


def test_entire_agreement_is_1_and_says_that_it_has_no_limits():
    same = pd.DataFrame({"A": [10.0, 20, 30, 45], "B": [10.0, 20, 30, 45]})
    for measure in (intraclass_correlation, concordance_correlation):
        found = measure(same)
        assert found.estimate == pytest.approx(1.0)
        assert math.isnan(found.lower)
    assert weighted_kappa(pd.DataFrame({"A": ORDER, "B": ORDER}), ORDER).estimate == 1.0


@pytest.mark.parametrize(
    ("readings", "measure", "note"),
    [
        ({"A": [1.0, 2], "B": [1.0, 2]}, intraclass_correlation, "fewer than three"),
        ({"A": [3.0] * 4, "B": [3.0] * 4}, intraclass_correlation, "equal"),
        ({"A": [1.0, None], "B": [1.0, 2]}, concordance_correlation, "fewer than three"),
        ({"A": [1.0], "B": [1.0]}, repeatability_coefficient, "fewer than two"),
    ],
)
def test_where_there_is_no_number_the_note_says_why(readings, measure, note):
    found = measure(pd.DataFrame(readings))
    assert math.isnan(found.estimate)
    assert note in found.note


def test_rows_that_a_reader_left_out_are_counted():
    gaps = READERS[["A", "B"]].astype(float)
    gaps.loc[3, "A"] = np.nan
    assert (bland_altman(gaps).bias.n, bland_altman(gaps).bias.n_missing) == (44, 1)


PAIR = pd.DataFrame({"A": [1.0, 2, 3, 4], "B": [1.0, 2, 3, 5]})


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: bland_altman(PAIR[["A"]]), "two readers or more"),
        (lambda: bland_altman(PAIR.assign(C=1)), "difference is of two"),
        (lambda: concordance_correlation(PAIR.assign(C=1)), "of two"),
        (lambda: intraclass_correlation(PAIR, level=95), "such as 0.95"),
        (lambda: intraclass_correlation(PAIR, patient=[1, 2]), "2 patients for 4 rows"),
        (lambda: intraclass_correlation(PAIR, patient=[1, 2, None, 3]), "no patient"),
        (lambda: intraclass_correlation(PAIR.assign(B=list("abcd"))), "must be numbers"),
        (lambda: intraclass_correlation(PAIR.assign(B=np.inf)), "infinite"),
        (lambda: within_subject_cv(PAIR - 1), "not above zero"),
        (lambda: weighted_kappa(PAIR.astype(str), ("1.0", "2.0")), "is not in order"),
        (lambda: weighted_kappa(PAIR, ("1.0", "1.0")), "twice"),
    ],
)
def test_what_cannot_be_compared_is_refused(call, words):
    with pytest.raises(ReadingsError, match=words):
        call()


@pytest.mark.shared
def test_three_radiologists_agree_on_sums_of_mrecist_as_their_table_says(shared_data):
    """Sums of 105 real patients; the same analysis by definition, without our code."""
    long = pd.read_csv(shared_data / "hcc_tace_clinical" / "reader_sums_long.csv")
    sums = long[long.criterion == "mRECIST"].pivot_table(
        index="patient", columns="reader", values="baseline_sum_mm"
    )
    found = intraclass_correlation(sums)
    whole = sums.dropna()
    n, k = whole.shape
    parts = whole.to_numpy()
    rows = k * ((whole.mean(axis=1) - parts.mean()) ** 2).sum() / (n - 1)
    columns = n * ((whole.mean() - parts.mean()) ** 2).sum() / (k - 1)
    rest = (
        ((whole.sub(whole.mean(axis=1), axis=0) - whole.mean() + parts.mean()) ** 2)
        .to_numpy()
        .sum()
    )
    rest /= (n - 1) * (k - 1)
    assert found.estimate == pytest.approx(
        (rows - rest) / (rows + (k - 1) * rest + k * (columns - rest) / n), rel=1e-9
    )
    assert found.lower < found.estimate < found.upper
    assert found.n == n
