"""The benchmark of stated probabilities: right on readers of known behaviour, run on real ones."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logit

from assessment.reader_doubt import own_lesions
from benchmarks.doubt_calibration import (
    MAIN,
    MODELS,
    PRINTED,
    fitted,
    read_pairs,
)
from benchmarks.reader_calibration import calibration, outcomes

READERS = ("1", "2", "3")
SD = np.array([0.10, 0.20])
CORRELATION = 0.4


def category(before, after):
    """Return mRECIST of two sums of one reader."""
    if after == 0:
        return "CR"
    if after >= 1.2 * before:
        return "PD"
    return "PR" if after <= 0.7 * before else "SD"


def cohort(n, seed, path):
    """Write sums of readers of known log SD and correlation; every tenth reader sees none left."""
    rng = np.random.default_rng(seed)
    covariance = np.outer(SD, SD) * np.array([[1, CORRELATION], [CORRELATION, 1]])
    rows = []
    for number in range(1, n + 1):
        truth = np.log(rng.uniform(40, 120)) + np.array([0.0, rng.uniform(-1.5, 0.6)])
        for reader in READERS:
            before, after = np.exp(truth + rng.multivariate_normal([0, 0], covariance)).round(1)
            after = 0.0 if rng.random() < 0.1 else after
            word = category(before, after)
            rows.append((f"P{number:04d}", reader, "mRECIST", before, after, word))
    names = ["patient", "reader", "criterion", "baseline_sum_mm", "followup_sum_mm", "response"]
    pd.DataFrame(rows, columns=names).to_csv(path, index=False)
    return read_pairs(path, "mRECIST")


@pytest.fixture(scope="module")
def known(tmp_path_factory):
    return cohort(400, 3, tmp_path_factory.mktemp("readers") / "sums.csv")


def halves(pairs):
    """Return pairs of odd and of even patients."""
    odd = pairs["number"] % 2 == 1
    return pairs[odd].reset_index(drop=True), pairs[~odd].reset_index(drop=True)


def test_reader_sd_and_its_correlation_are_found_again(known):
    fit = fitted(halves(known)[0])
    assert [fit.sd_baseline, fit.sd_followup] == pytest.approx(SD, rel=0.1)
    assert fit.correlation == pytest.approx(CORRELATION, abs=0.12)
    assert fit.stays_gone == pytest.approx(0.1, abs=0.05)
    odd = halves(known)[0]
    lost = odd[odd["after_a"] > 0]  # who sees none left does so by chance, whatever the change
    gone = expit(fit.gone[0] + fit.gone[1] * np.array([-1.0, 0.0]))
    assert gone == pytest.approx((lost["after_b"] == 0).mean(), abs=0.05)


def test_doubt_is_calibrated_on_readers_who_differ_as_it_supposes(known):
    odd, even = halves(known)
    found = calibration(MODELS[MAIN](fitted(odd), even, "mRECIST"), even, 200)
    assert found.slope[1] < 1 < found.slope[2]
    assert (found.slope[2] - found.slope[1]) < 0.5
    assert found.intercept[0] == pytest.approx(0, abs=0.25)


@pytest.mark.parametrize("name", MODELS)
def test_the_probabilities_of_a_pair_add_up_to_1(known, name):
    odd, even = halves(known)
    p = MODELS[name](fitted(odd), even.head(60), "mRECIST")
    assert p.sum(axis=1) == pytest.approx(1)
    assert ((p >= 0) & (p <= 1)).all()


@pytest.mark.parametrize(("factor", "slope"), [(1.0, 1.0), (2.0, 0.5), (0.5, 2.0)])
def test_the_slope_is_1_for_true_probabilities_and_half_for_twice_too_sure_ones(factor, slope):
    rng = np.random.default_rng(8)
    true = rng.dirichlet([1, 1, 1, 1], 2000)
    words = np.array(["CR", "PR", "SD", "PD"])
    drawn = (rng.random((2000, 1)) > true.cumsum(axis=1)).sum(axis=1)
    pairs = pd.DataFrame({"patient": np.arange(2000), "response_b": words[drawn]})
    found = calibration(expit(factor * logit(true)), pairs, 20)
    assert found.slope[0] == pytest.approx(slope, rel=0.06)
    expected = ((expit(factor * logit(true)) - outcomes(pairs)) ** 2).sum(axis=1).mean()
    assert found.brier[0] == pytest.approx(expected)


def test_slope_and_intercept_are_those_of_a_library(known):
    from statsmodels.api import Logit, add_constant

    odd, even = halves(known)
    p = MODELS["log change, gone"](fitted(odd), even, "mRECIST").clip(1 / 4000, 1 - 1 / 4000)
    theirs = Logit(outcomes(even).ravel(), add_constant(logit(p).ravel())).fit(disp=0).params
    found = calibration(p, even, 20)
    assert [found.intercept[0], found.slope[0]] == pytest.approx(theirs, abs=1e-6)


@pytest.fixture(scope="module")
def real(shared_data):
    return halves(read_pairs(shared_data / "hcc_tace_clinical" / "reader_sums_long.csv", "mRECIST"))


@pytest.mark.shared
def test_the_slope_of_three_real_readers_holds_1(real):
    odd, even = real
    assert (odd["patient"].nunique(), even["patient"].nunique()) == (48, 47)
    found = calibration(MODELS[MAIN](fitted(odd), even, "mRECIST"), even, 200)
    assert found.slope[1] < 1 < found.slope[2]
    shares = outcomes(odd).mean(axis=0)
    by_shares = ((shares - outcomes(even)) ** 2).sum(axis=1).mean()
    assert found.brier[0] < 0.85 * by_shares


@pytest.mark.shared
def test_what_is_printed_of_another_reader_is_calibrated_on_even_patients(real):
    odd, even = real
    found = calibration(MODELS[PRINTED](fitted(odd), even, "mRECIST"), even)
    assert found.slope[1] < 1 < found.slope[2]
    assert found.intercept[1] < 0 < found.intercept[2]
    assert found.brier[0] < 0.52


@pytest.mark.shared
def test_the_numbers_of_readers_with_lesions_of_their_own_are_those_of_odd_patients(real):
    fit, model = fitted(real[0]), own_lesions()
    rounded = 5.001e-4  # three decimals are stated
    assert [model.sd_baseline, model.sd_followup, model.correlation] == pytest.approx(
        [fit.sd_baseline, fit.sd_followup, fit.correlation], abs=rounded
    )
    assert [model.gone_logit, model.gone_slope] == pytest.approx(fit.gone, abs=rounded)
    assert model.stays_gone == pytest.approx(fit.stays_gone, abs=rounded)
    assert [model.returned_mean, model.returned_sd] == pytest.approx(
        fit.returned_change, abs=rounded
    )
    assert model.sd_change == pytest.approx(fit.sd_change, abs=2e-3)


@pytest.mark.shared
def test_lengths_alone_are_too_sure_of_what_another_reader_says(real):
    """Who sees no enhancement left is contradicted: docs/real_data.md says what that means."""
    odd, even = real
    found = calibration(MODELS["lengths alone"](fitted(odd), even, "mRECIST"), even, 200)
    assert found.slope[2] < 1


@pytest.mark.shared
def test_the_published_curve_is_what_the_benchmark_gives(real):
    odd, even = real
    published = pd.read_csv(Path(__file__).parents[2] / "docs" / "doubt_calibration.csv")
    names = list(dict.fromkeys(published["model"]))
    assert names[0] == MAIN
    for name in names:
        curve = calibration(MODELS[name](fitted(odd), even, "mRECIST"), even, 20).curve
        rows = published[published["model"] == name]
        for column in ("stated", "observed", "n"):
            assert curve[column].to_numpy() == pytest.approx(rows[column].to_numpy(), abs=2e-6)
