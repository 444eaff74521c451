"""Median times of a report: what is printed where a curve does not tell."""

import math

import pytest

from stats.comparison import policy_named
from stats.result import Quantile
from sumdiam.report.group_grid import response_grid
from sumdiam.report.median import median_months
from sumdiam.report.response_summary import endpoints, follow_up
from sumdiam.report.run_tables import RunFacts
from sumdiam.report.view import choose_view

from .fake_run import fake_run


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        ((271.0, 192.0, math.nan), "8.9 (6.3–NR)"),  # noqa: RUF001 - 271 / 30.4375 = 8.90
        ((61.0, math.nan, math.nan), "2.0 (n.e.–NR)"),  # noqa: RUF001
        ((math.nan, 192.0, math.nan), "NR (6.3–NR)"),  # noqa: RUF001
        ((math.nan, math.nan, math.nan), "NR"),
    ],
)
def test_only_medians_and_upper_limits_are_not_reached(days, expected):
    found = Quantile(0.5, *days, 0.95, "Kaplan-Meier", 73, 38, 0)
    assert median_months(found).replace("\xa0", " ") == expected


def test_without_a_subject_there_is_no_median():
    none = Quantile(0.5, math.nan, math.nan, math.nan, 0.95, "Kaplan-Meier", 0, 0, 0)
    assert median_months(none) == "\N{EM DASH}"


@pytest.mark.parametrize("n_subjects", [2, 16])  # one subject of each arm; follow-up in one step
def test_the_response_table_of_few_subjects_says_which_limits_it_cannot_give(n_subjects):
    view = choose_view(fake_run(n_subjects=n_subjects, side=8).tables, RunFacts())
    grid = response_grid(view, endpoints(view), follow_up(view), policy_named("seed"))
    said = [cell.text for row in grid.rows for cell in row.cells] + list(grid.notes)
    assert not [words for words in said if "(NR" in words]
    assert [words for words in said if "(n.e.–NR)" in words]  # noqa: RUF001
    assert any("n.e.: lower limit not estimable" in note for note in grid.notes)
