"""The seed's tables, recomputed from their own counts; expectations were made with R."""

from fractions import Fraction

import numpy as np
import pytest

from stats.comparison import SEED, compare_counts
from stats.consistency import check_paper
from stats.printed_number import read_cell
from stats.proportion import clopper_pearson

from .printed import read

PRINTED = read("printed.csv")
VERDICTS = check_paper(PRINTED)
FAULTS = read("faults.csv")
COUNT_P = read("count_p.csv")
KEY = ["table", "variable", "level", "arm"]


def fit_of(printed: str, exact: float | Fraction) -> str:
    cell = read_cell(printed)
    assert cell is not None
    assert cell.first is not None
    return cell.first.fit(exact)


def pairs(statistic: str) -> list[tuple[str, int, int, str, str]]:
    """Printed number, its count and n, variable and arm."""
    counts = PRINTED[PRINTED.statistic == "k"]
    merged = PRINTED[PRINTED.statistic == statistic].merge(counts, on=KEY, suffixes=("", "_k"))
    return [
        (r.printed, int(r.printed_k), int(r.n_k), r.variable, r.arm) for r in merged.itertuples()
    ]


def arm_sums() -> list[tuple[str, int, int]]:
    counts = PRINTED[(PRINTED.statistic == "k") & (PRINTED.table != "Text")]
    found = []
    for key, rows in counts.groupby(["table", "variable", "level"]):
        by_arm = rows.set_index("arm")["printed"].astype(int)
        found.append((str(key[1]), int(by_arm[""]), int(by_arm.drop("").sum())))
    return found


def p_of(row) -> float:
    counts = np.array([int(k) for k in row.counts.split(";")]).reshape(-1, int(row.columns))
    return compare_counts(counts, policy=SEED).p_value


def test_every_number_that_counts_give_is_recomputed_and_only_known_faults_differ():
    percents = [(p, fit_of(p, Fraction(100 * k, n)), v, a) for p, k, n, v, a in pairs("percent")]
    sums = arm_sums()
    limits = []
    for statistic in ("ci_low", "ci_high"):
        for printed, k, n, variable, arm in pairs(statistic):
            found = clopper_pearson(k, n)
            exact = 100 * (found.lower if statistic == "ci_low" else found.upper)
            limits.append((printed, fit_of(printed, exact), variable, arm))
    ps = [
        (row.printed, fit_of(row.printed, p_of(row)), row.variable) for row in COUNT_P.itertuples()
    ]
    assert len(percents) + len(sums) + len(limits) + len(ps) >= 150
    assert [(p, v, a) for p, fit, v, a in percents if fit == "none"] == [
        ("78.8", "ALBI grade", ""),
        ("3.8", "ALBI grade", ""),
        ("79.2", "Disease control", "RE + sorafenib"),
    ]
    assert [(v, whole, parts) for v, whole, parts in sums if whole != parts] == [
        ("Diffuse disease", 83, 93)
    ]
    assert [(p, v) for p, fit, v, _ in limits if fit == "none"] == [("72.9", "Objective response")]
    assert [(p, v) for p, fit, v in ps if fit == "none"] == [("0.890", "AFP")]


def test_23_of_24_p_values_are_those_of_the_policy_seed():
    fits = [fit_of(row.printed, p_of(row)) for row in COUNT_P.itertuples()]
    assert (len(fits), fits.count("none")) == (24, 1)


def test_the_counts_of_the_p_values_are_those_of_the_tables():
    counts = PRINTED[(PRINTED.statistic == "k") & (PRINTED.arm != "")]
    known = {int(k) for k in counts.printed}
    for row in COUNT_P[:-1].itertuples():
        first = [int(k) for k in row.counts.split(";")][:2]
        assert set(first) <= known, row.variable


@pytest.mark.parametrize(
    "fault", list(FAULTS.itertuples()), ids=lambda f: f"{f.variable} {f.printed}"
)
def test_each_fault_of_the_paper_gets_its_verdict(fault):
    same = (PRINTED[[*KEY, "statistic", "printed"]] == list(fault[1:7])).all(axis=1)
    (row,) = np.flatnonzero(same)
    assert VERDICTS[row].verdict == fault.verdict
    assert VERDICTS[row].reason


def test_nothing_else_is_at_fault_but_the_25_percentages_that_are_cut_off():
    at_fault = [v for v in VERDICTS if v.is_fault and v.verdict != "truncated"]
    assert len(at_fault) == len(FAULTS)
    cut = [PRINTED.statistic[v.row] for v in VERDICTS if v.verdict == "truncated"]
    rounded = [PRINTED.statistic[v.row] for v in VERDICTS if v.verdict == "rounded"]
    assert (cut, rounded) == (["percent"] * 25, ["percent"] * 14)


@pytest.mark.parametrize(
    ("variable", "statistic", "printed", "words"),
    [
        ("Disease control", "percent", "79.2", "61/77"),
        ("ALBI grade", "percent", "78.8", "82/104 (the n of Sorafenib)"),
        ("AFP", "p", "0.890", "n = 69/99"),
        ("Best response", "p", "0.022", "CR against the rest (Fisher exact 0.0229)"),
        (
            "First progression site",
            "p",
            "0.02",
            "Liver against the rest (Pearson chi-square 0.0206",
        ),
        ("Extrahepatic spread", "p", "0.038", "Fisher exact 0.0669"),
        ("Diffuse disease", "k", "83", "39 + 54 = 93"),
        ("Treatment arm", "p", "0.025", "0.0348 to 0.0411"),
        ("Child-Pugh", "p", "< 0.001", "0.00333 to 0.00381"),
    ],
)
def test_the_reason_says_what_a_statistician_would_want_to_know(
    variable, statistic, printed, words
):
    reasons = [
        v.reason
        for v in VERDICTS
        if (PRINTED.variable[v.row], PRINTED.statistic[v.row]) == (variable, statistic)
        and PRINTED.printed[v.row] == printed
    ]
    assert any(words in reason for reason in reasons), reasons


def test_the_order_of_rows_and_the_spelling_of_names_change_no_verdict():
    order = np.random.default_rng(1).permutation(len(PRINTED))
    other = PRINTED.iloc[order].reset_index(drop=True)
    other["arm"] = other.arm.str.upper().replace("", "Overall")
    other["variable"] = "  " + other.variable.str.replace(" ", "\u00a0")
    found = check_paper(other)
    assert [v.verdict for v in found] == [VERDICTS[row].verdict for row in order]
