"""The consistency check on small made tables: each rule, its faults and what is no fault."""

from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from stats.comparison import SEED, compare_counts
from stats.consistency import COLUMNS, VERDICTS, PrintedTableError, check_paper
from stats.proportion import clopper_pearson

from .printed import cell, last, table, verdicts

SHARES = [
    # k    n    printed  verdict          why
    (12, 40, "30.0", "consistent"),  # exact
    (1, 3, "33.3", "consistent"),  # rounding and cutting off agree
    (2, 3, "66.7", "rounded"),  # 66.67
    (2, 3, "66.6", "truncated"),
    (2, 3, "67", "rounded"),
    (2, 3, "66", "truncated"),
    (2, 3, "66.5", "impossible"),
    (1, 8, "12", "consistent"),  # a tie: 12.5 rounds to even
    (1, 8, "13", "rounded"),  # or up
    (0, 9, "0", "consistent"),
    (9, 9, "100", "consistent"),
    (9, 9, "99.9", "impossible"),
    (1, 500, "<1", "consistent"),
    (1, 50, "<1", "impossible"),
    (25, 40, "0.63", "consistent"),  # printed as a share
    (25, 40, "120", "impossible"),
    (25, 40, "-3", "impossible"),
]


@pytest.mark.parametrize(("k", "n", "printed", "verdict"), SHARES)
def test_a_percentage_is_that_of_its_count(k, n, printed, verdict):
    assert verdicts([cell("k", str(k), n), cell("percent", printed, n)])[1] == verdict


@pytest.mark.parametrize(
    ("printed", "n", "verdict"),
    [("33.3", 9, "consistent"), ("35.0", 9, "impossible"), ("66.6", 9, "truncated"), ("35", "", "not_recomputable")],
)  # fmt: skip
def test_a_percentage_without_a_count_must_be_one_of_n(printed, n, verdict):
    assert verdicts([cell("percent", printed, n)]) == [verdict]


def test_a_percentage_has_the_n_of_its_count_where_its_own_is_empty():
    assert verdicts([cell("k", "61", 73), cell("percent", "79.2")])[1] == "impossible"
    assert verdicts([cell("k", "61"), cell("percent", "79.2", 73)])[1] == "impossible"


def test_a_percentage_of_those_whose_value_is_known_is_no_fault():
    rows = [
        cell("k", "20", 50, level="yes"),
        cell("percent", "44.4", 50, level="yes"),
        cell("k", "5", 50, level="Missing data"),
    ]
    found = check_paper(table(rows))[1]
    assert (found.verdict, "45 of 50" in found.reason) == ("consistent", True)


@pytest.mark.parametrize(("printed", "verdict"), [("11", "impossible"), ("10", "consistent"), ("-1", "impossible"), ("4.5", "impossible"), ("<5", "not_recomputable")])  # fmt: skip
def test_a_count_is_a_whole_number_within_n(printed, verdict):
    assert verdicts([cell("k", printed, 10)]) == [verdict]


LIMITS = [
    # low    high    test               verdicts of both       source
    ("21.2", "39.6", "Clopper-Pearson", ["consistent", "consistent"]),  # R binom.test(31, 104)
    ("21.9", "39.2", "", ["consistent", "consistent"]),  # R prop.test(31, 104, correct = FALSE)
    ("21.2", "39.5", "exact", ["consistent", "consistent"]),  # cut off
    ("21.2", "41.0", "exact", ["consistent", "impossible"]),
    ("18.0", "39.6", "", ["impossible", "consistent"]),
    ("21.9", "39.2", "Clopper-Pearson", ["inconsistent", "inconsistent"]),  # they are Wilson's
    ("0.212", "0.396", "", ["consistent", "consistent"]),  # shares
    ("39.6", "21.2", "", ["impossible", "impossible"]),  # reversed
]


@pytest.mark.parametrize(("low", "high", "test", "want"), LIMITS)
def test_limits_of_a_proportion_are_recomputed(low, high, test, want):
    rows = [cell("k", "31", 104), cell("ci_low", low, 104, test=test), cell("ci_high", high, 104, test=test)]  # fmt: skip
    assert verdicts(rows)[1:] == want


def test_limits_of_90_percent_are_recomputed_as_such():
    rows = [
        cell("k", "31", 104),
        cell(
            "ci_low", "22.5", 104, test="90% CI, exact"
        ),  # R binom.test(31, 104, conf.level = 0.9)
        cell("ci_high", "38.0", 104, test="90% CI, exact"),
    ]
    assert verdicts(rows)[1:] == ["consistent", "consistent"]


def arms(whole, parts, n=(100, 40, 60), **others):
    places = zip(("", "A", "B"), n, (whole, *parts), strict=True)
    return [cell("k", str(k), size, arm=arm, **others) for arm, size, k in places]


def test_arms_add_up_to_the_whole():
    assert verdicts(arms(30, (10, 20))) == ["consistent"] * 3
    assert verdicts(arms(31, (10, 20)))[0] == "inconsistent"


def test_arms_that_leave_some_out_only_bound_the_whole():
    assert verdicts(arms(33, (10, 20), n=(105, 40, 60))) == ["consistent"] * 3
    assert verdicts(arms(36, (10, 20), n=(105, 40, 60)))[0] == "inconsistent"
    assert verdicts(arms(29, (10, 20), n=(105, 40, 60)))[0] == "inconsistent"


def test_columns_that_share_subjects_are_no_arms():
    assert verdicts(arms(30, (30, 25), n=(100, 100, 80))) == ["consistent"] * 3


def test_an_arm_whose_own_percentage_contradicts_its_count_is_blamed_for_the_sum():
    rows = [*arms(30, (10, 2)), cell("percent", "33.3", 60, arm="B")]
    found = verdicts(rows)
    assert found[:3] == ["consistent", "consistent", "inconsistent"]
    assert found[3] == "impossible"


def levels(counts, n, **others):
    words = ("CR", "PR", "SD", "PD")
    return [
        cell("k", str(k), n, level=word, partition="true", **others)
        for word, k in zip(words, counts, strict=False)
    ]


def test_levels_that_exclude_each_other_add_up_to_n():
    assert verdicts(levels((1, 2, 3, 4), 10)) == ["consistent"] * 4
    assert verdicts(levels((1, 2, 3, 5), 10)) == ["inconsistent"] * 4
    assert verdicts(levels((1, 2, 3, 3), 10)) == ["inconsistent"] * 4


def test_the_level_that_would_mend_the_sum_and_its_percentage_is_named():
    rows = [*levels((1, 2, 3, 5), 10), cell("percent", "40", 10, level="PD", partition="true")]
    assert "PD = 4 would fit" in check_paper(table(rows))[0].reason


def test_percentages_of_levels_add_up_to_100():
    def shares(*printed):
        return [
            cell("percent", p, 5000, level=str(i), partition="true") for i, p in enumerate(printed)
        ]

    assert "inconsistent" not in verdicts(shares("33.3", "33.3", "33.3"))
    assert set(verdicts(shares("33.3", "33.3", "43.3"))) == {"inconsistent"}


def test_levels_that_exclude_each_other_do_not_need_more_subjects_than_there_are():
    def two(k):
        return [
            cell("k", str(k), 50, variable="Small", level="yes", excludes="Large=>= 5 cm"),
            cell("k", "30", 50, variable="Large", level="≥ 5 cm"),
        ]

    assert verdicts(two(20)) == ["consistent", "consistent"]
    assert verdicts(two(21))[0] == "inconsistent"


def test_excludes_that_names_no_row_is_refused():
    with pytest.raises(PrintedTableError, match="names no row"):
        verdicts([cell("k", "3", 9, excludes="Y=yes")])


def test_one_fraction_is_printed_one_way():
    def shares(*printed):
        rows = []
        for i, p in enumerate(printed):
            rows += [cell("k", "2", 3, variable=f"V{i}"), cell("percent", p, 3, variable=f"V{i}")]
        return verdicts(rows)[1::2]

    assert shares("66.7", "66.6") == ["inconsistent", "inconsistent"]
    assert shares("66.7", "66.6", "66.7") == ["rounded", "inconsistent", "rounded"]
    assert shares("66.7", "67") == ["rounded", "rounded"]  # fewer digits are no other way
    assert shares("66.6", "66.6") == ["truncated", "truncated"]


def by_arm(table_of_counts, names=("A", "B", "C"), partition=True):
    sizes = np.sum(table_of_counts, axis=0)
    return [
        cell("k", str(k), int(n), level=f"L{i}", arm=arm, partition="true" if partition else "")
        for i, row in enumerate(table_of_counts)
        for arm, k, n in zip(names, row, sizes, strict=False)
    ]


P_VALUES = [
    # counts                                   p        test       verdict           R 4.2.2
    ([[45, 31], [28, 73]], "<0.001", "", "consistent"),  # Pearson 2.5e-5
    ([[39, 50], [34, 54]], "0.48", "", "consistent"),  # .4837
    ([[39, 50], [34, 54]], "0.54", "Fisher", "consistent"),  # .5419
    ([[39, 50], [34, 54]], "0.54", "Pearson", "test_dependent"),  # not the test that is named
    ([[11, 6], [62, 98]], "0.039", "", "test_dependent"),  # Pearson .0387, Fisher .0669
    ([[11, 6], [62, 98]], "0.067", "Fisher", "test_dependent"),  # the same from the other side
    ([[10, 4], [35, 27], [16, 44], [12, 29]], "0.0003", "", "consistent"),
    ([[10, 4], [35, 27], [16, 44], [12, 29]], "0.023", "", "test_dependent"),  # L0 against the rest
    ([[10, 4], [35, 27], [16, 44], [12, 29]], "0.4", "", "inconsistent"),
    ([[39, 50], [34, 54]], "0.31", "", "inconsistent"),
    ([[39, 50], [34, 54]], "1.3", "", "impossible"),
    ([[39, 50], [34, 54]], "0.31", "log-rank", "not_recomputable"),
    ([[39, 50], [34, 54]], "NS", "", "consistent"),
    ([[45, 31], [28, 73]], "NS", "", "inconsistent"),
    ([[5, 6, 7], [25, 34, 33]], "0.95", "", "consistent"),  # three arms: .9540
]  # fmt: skip


@pytest.mark.parametrize(("counts", "p", "test", "verdict"), P_VALUES)
def test_a_p_value_is_that_of_a_usual_test_of_its_counts(counts, p, test, verdict):
    assert last([*by_arm(counts), cell("p", p, test=test)]).verdict == verdict


def test_a_table_too_large_for_fisher_is_not_accused_of_a_p_that_may_be_fishers():
    counts = [[30, 35, 40], [38, 45, 28], [52, 31, 36], [27, 40, 44], [41, 33, 47]]
    assert last([*by_arm(counts), cell("p", "0.2")]).verdict == "not_recomputable"
    assert last([*by_arm(counts), cell("p", "0.2", test="Fisher")]).verdict == "not_recomputable"


def test_levels_that_are_no_partition_have_p_values_of_their_own():
    rows = by_arm([[4, 10], [18, 30]], partition=False)
    for row, n in zip(rows, (73, 104, 73, 104), strict=True):
        row["n"] = n
    assert last([*rows, cell("p", "0.403", level="L0")]).verdict == "consistent"
    assert last([*rows, cell("p", "0.403", level="L1")]).verdict == "inconsistent"


def test_a_p_value_may_compare_the_levels_of_a_factor():
    rows = [cell("k", "75", 165, level="A"), cell("k", "1", 12, level="B")]
    assert last([*rows, cell("p", "0.014")]).verdict == "consistent"
    assert last([*rows, cell("p", "0.2")]).verdict == "inconsistent"


def ratio(estimate, low, high, p, **others):
    rows = [("estimate", estimate), ("ci_low", low), ("ci_high", high), ("p", p)]
    return verdicts([cell(name, text, 177, **others) for name, text in rows])


INTERVALS = [
    ("1.4", "1.1", "2", "0.022", "consistent"),
    ("1.4", "1.02", "2.0", "0.025", "not_wald_compatible"),
    ("1.4", "1.02", "2.0", "0.038", "consistent"),
    ("1.4", "0.90", "2.2", "0.01", "not_wald_compatible"),  # 1 lies within
    ("2.6", "1.36", "4.8", "<0.001", "not_wald_compatible"),
    ("3.5", "1.9", "6.4", "<0.001", "consistent"),
    ("0.3", "-0.5", "1.1", "0.46", "consistent"),  # a difference
    ("0.3", "-0.5", "1.1", "0.01", "not_wald_compatible"),
]


@pytest.mark.parametrize(("estimate", "low", "high", "p", "verdict"), INTERVALS)
def test_a_p_value_is_one_that_its_interval_leaves_possible(estimate, low, high, p, verdict):
    assert ratio(estimate, low, high, p)[3] == verdict


def test_an_estimate_lies_within_its_limits_and_midway():
    assert ratio("2.5", "1.1", "2.0", "0.02")[0] == "impossible"
    assert ratio("1.90", "1.10", "2.00", "0.02", test="Cox")[0] == "not_wald_compatible"


def test_an_interval_that_is_midway_on_no_scale_still_bounds_its_p():
    # limits alone: 0.18 as a ratio, 0.004 as a difference; an interval may be exact or hybrid
    assert ratio("0.50", "0.25", "1.30", "0.18")[3] == "consistent"
    assert ratio("0.50", "0.25", "1.30", "0.09")[3] == "not_wald_compatible"
    assert ratio("31.8", "17.2", "44.7", "<0.001")[3] == "consistent"  # Newcombe's difference


def test_a_rate_over_time_or_a_change_is_no_share_of_n():
    rows = [cell("percent", "45.3", 104), cell("ci_low", "35.1", 104), cell("ci_high", "55.0", 104)]
    for name in ("Progression-free survival at 12 months", "1-year OS", "Depth of response"):
        assert verdicts([row | {"variable": name} for row in rows]) == ["not_recomputable"] * 3
    assert verdicts(rows)[0] == "impossible"


def test_two_tests_of_one_variable_have_two_p_values():
    rows = by_arm([[10, 20], [30, 22]])
    both = [*rows, cell("p", "0.033", test="chi-square"), cell("p", "0.041", test="Fisher")]
    assert "inconsistent" not in verdicts(both)


def test_medians_and_other_tests_are_not_held_to_walds():
    assert (
        ratio("8.9", "6.3", "9.9", "0.9", variable="Overall survival, months")[3]
        == "not_recomputable"
    )
    assert ratio("1.4", "1.02", "2.0", "0.025", test="likelihood ratio")[3] == "not_recomputable"
    medians = [("", "8.9", "6.3", "9.9"), ("A", "9.0", "7.0", "11.0"), ("B", "5.4", "4.1", "7.4")]
    rows = [
        cell(name, text, 50, arm=arm)
        for arm, *texts in medians
        for name, text in zip(("estimate", "ci_low", "ci_high"), texts, strict=True)
    ]
    assert last([*rows, cell("p", "0.9")]).verdict == "not_recomputable"  # it compares A and B


def test_univariable_and_multivariable_ratios_of_one_name_keep_their_own_p():
    first = [("estimate", "1.4"), ("ci_low", "1.1"), ("ci_high", "2"), ("p", "0.022")]
    second = [("estimate", "1.4"), ("ci_low", "1.02"), ("ci_high", "2.0"), ("p", "0.025")]
    found = verdicts([cell(name, text, 177) for name, text in first + second])
    assert (found[3], found[7]) == ("consistent", "not_wald_compatible")


def test_one_place_that_prints_two_counts_contradicts_itself():
    assert verdicts([cell("k", "5", 9), cell("k", "6", 9)]) == ["inconsistent", "inconsistent"]
    assert verdicts([cell("k", "5", 9), cell("k", "5", 9)]) == ["consistent", "consistent"]


@pytest.mark.parametrize(
    ("statistic", "printed", "verdict"),
    [
        ("k", "61 (83.6)", "rounded"),
        ("k", "61 (79.2)", "impossible"),
        ("k", "61/73 (83.6%)", "rounded"),
        ("k", "61/77", "inconsistent"),  # n is 73
        ("percent", "61 (83.6 %)", "rounded"),
        ("percent", "83,6\u202f%", "rounded"),
        ("percent", "79.2% (61/73)", "impossible"),
        ("percent", "83.6 (73.0\u201391.2)", "rounded"),
        ("estimate", "1,2 (0,8\u20131,9)", "not_recomputable"),
        ("estimate", "2.2 (0.8 to 1.9)", "impossible"),
        ("k", "1 234", "impossible"),
        ("percent", "sixty", "unreadable"),
        ("percent", "", "not_recomputable"),
        ("percent", "\u2014", "not_recomputable"),
        ("k", "NR", "not_recomputable"),
        ("p", "0.02\u2020", "not_recomputable"),
        ("ci_low", "NR", "not_recomputable"),
        ("p", "12%", "impossible"),
    ],
)
def test_a_cell_is_read_as_papers_print_it(statistic, printed, verdict):
    assert verdicts([cell("k", "61", 73), cell(statistic, printed, 73)])[1] == verdict


def test_every_verdict_is_a_word_of_the_list_and_has_a_reason():
    for one in check_paper(table([cell("k", "61", 73), cell("p", "x"), cell("percent", "5", 0)])):
        assert one.verdict in VERDICTS
        assert one.reason


@pytest.mark.parametrize("column", COLUMNS)
def test_a_missing_column_is_named(column):
    with pytest.raises(PrintedTableError, match=f"column {column} is missing"):
        check_paper(table([cell("k", "1", 2)]).drop(columns=column))


def test_a_column_with_a_similar_name_is_pointed_out_and_others_are_passed_over():
    frame = table([cell("k", "1", 2)]).assign(remark="typed twice")
    assert check_paper(frame)[0].verdict == "consistent"
    with pytest.raises(
        PrintedTableError, match=r"printed \('Printed_as'\?\)|printed \('printed_as'"
    ):
        check_paper(frame.rename(columns={"printed": "Printed_as"}))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"statistic": "count"}, "row 2: statistic 'count' is not known"),
        ({"n": "about 70"}, "row 2: n 'about 70' is not a whole number"),
        ({"n": "-3"}, "not a whole number"),
        ({"partition": "maybe"}, "neither true nor false"),
        ({"variable": " "}, "variable is empty"),
    ],
)
def test_a_cell_that_steers_the_check_and_cannot_be_read_is_refused(change, words):
    with pytest.raises(PrintedTableError, match=words):
        verdicts([cell("k", "1", 2) | change])


def test_an_empty_table_is_refused():
    with pytest.raises(PrintedTableError, match="no row"):
        check_paper(pd.DataFrame(columns=list(COLUMNS)))


def half_up(x, digits):
    return f"{Decimal(repr(round(float(x), 9))).quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_UP)}"


@st.composite
def clean_papers(draw):
    """Two arms and their sum, each number as a careful author would print it."""
    digits = draw(st.integers(0, 2))
    n = [draw(st.integers(20, 300)) for _ in range(2)]
    k = [draw(st.integers(0, size)) for size in n]
    rows = []
    for arm, kk, size in (("A", k[0], n[0]), ("B", k[1], n[1]), ("", sum(k), sum(n))):
        found = clopper_pearson(kk, size)
        texts = {
            "k": str(kk),
            "percent": half_up(Fraction(100 * kk, size), digits),
            "ci_low": half_up(100 * found.lower, digits),
            "ci_high": half_up(100 * found.upper, digits),
        }
        rows += [cell(name, text, size, arm=arm) for name, text in texts.items()]
    p = compare_counts([k, [n[0] - k[0], n[1] - k[1]]], policy=SEED).p_value
    if p == p:
        rows.append(cell("p", "<0.001" if p < 0.001 else half_up(p, 3)))
    return rows


@given(clean_papers())
@settings(deadline=None, max_examples=60)
def test_a_careful_paper_has_no_fault_but_that_a_test_may_matter(rows):
    found = verdicts(rows)
    assert set(found[:-1]) <= {"consistent", "rounded"}
    assert found[-1] in {"consistent", "rounded", "test_dependent"}


@given(clean_papers(), st.integers(3, 40), st.sampled_from([-1, 1]))
@settings(deadline=None, max_examples=60)
def test_a_percentage_that_is_three_units_off_is_impossible(rows, units, sign):
    digits = len(rows[1]["printed"].partition(".")[2])
    n, k = int(rows[1]["n"]), int(rows[0]["printed"])
    off = Fraction(100 * k, n) + sign * Fraction(units, 10**digits)
    if not 0 <= off <= 100:
        return
    changed = [dict(row) for row in rows]
    changed[1]["printed"] = half_up(off, digits)
    if digits == 2 and off <= 1:  # may be a share, 0.63 for 63 %
        return
    assert verdicts(changed)[1] == "impossible"


@given(
    st.floats(-1.5, 1.5),
    st.floats(0.05, 0.6),
    st.integers(1, 3),
    st.sampled_from([0.9, 0.95, 0.99]),
)
@settings(deadline=None, max_examples=100)
def test_the_wald_p_of_a_printed_ratio_is_always_possible(log_ratio, error, digits, level):
    z = norm.isf((1 - level) / 2)
    numbers = [log_ratio, log_ratio - z * error, log_ratio + z * error]
    texts = [half_up(np.exp(x), digits) for x in numbers]
    p = 2 * norm.sf(abs(log_ratio) / error)
    found = ratio(*texts, half_up(p, 3), test=f"Cox, {100 * level:.0f} % CI")
    assert found[3] in {"consistent", "not_recomputable"}  # 0.1 to 0.1 has no width


@given(clean_papers(), st.randoms())
@settings(deadline=None, max_examples=20)
def test_the_order_of_rows_changes_no_verdict(rows, random):
    order = list(range(len(rows)))
    random.shuffle(order)
    found = verdicts(rows)
    assert verdicts([rows[i] for i in order]) == [found[i] for i in order]


@given(st.text(max_size=30))
@settings(deadline=None, max_examples=100)
def test_no_printed_string_breaks_the_check(text):
    statistics = ("k", "percent", "p", "estimate", "ci_low")
    rows = [cell("k", "5", 9), *(cell(s, text, 9, level=s) for s in statistics)]
    rows += [cell(s, text, 9) for s in statistics]
    assert set(verdicts(rows)) <= set(VERDICTS)
