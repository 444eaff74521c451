"""Which covariates are numbers: the same in every table and figure, however few subjects."""

from dataclasses import replace

import pandas as pd
import pytest

from measurement.table import TableError
from stats.comparison import SEED
from sumdiam.batch.run_input import read_input
from sumdiam.batch.settings import RunSettings
from sumdiam.report.covariate_type import asked_types, covariate_types
from sumdiam.report.estimate_figure import draw_estimates
from sumdiam.report.factor import factor_table
from sumdiam.report.group_grid import characteristics_grid
from sumdiam.report.regression_grid import regression_grid, regressions
from sumdiam.report.run_tables import RunFacts
from sumdiam.report.view import choose_view

from .fake_run import fake_run


@pytest.fixture(scope="module")
def few():
    """A run of ten subjects, of few ages, ECOG grades and sites with numbers."""
    tables = fake_run(n_subjects=10, side=8).tables.checked()
    n = len(tables.subjects)
    subjects = tables.subjects.assign(
        age_years=[str((54, 73, 79)[i % 3]) for i in range(n)],
        ecog=[str(i % 2) for i in range(n)],
        site=[str((9, 10, 101)[i % 3]) for i in range(n)],
    )
    return replace(tables, subjects=subjects)


def view_of(tables, *types):
    return choose_view(tables, RunFacts(covariate_type=types))


def test_names_tell_what_few_values_do_not():
    rows = pd.DataFrame(
        {"age_years": ["5", "6"], "site": ["101", "102"], "ecog": ["0", "1"], "x": ["1", "2"],
         "n_tumours": ["1", "3"], "tumour_stage": ["II", "III"], "largest_tumour_mm": ["9", ">9"]}
    )  # fmt: skip
    assert covariate_types(rows, {}) == {
        "age_years": "continuous", "site": "categorical", "ecog": "categorical",
        "n_tumours": "continuous",
    }  # fmt: skip


def test_few_ages_are_numbers_in_table_1_table_3_and_the_forest(few):
    view = view_of(few)
    factors, _ = factor_table(few, view)
    assert factors["age_years"].dtype == "float64"
    first = [row.cells[0].text for row in characteristics_grid(few, view, SEED).rows]
    assert "Age, years, mean (SD)" in first
    third = regressions(few, view, ())[0].table.univariable
    terms = {name: [t.level for t in fit.terms] for name, fit in third}
    assert terms["age_years"] == ["per unit"]
    assert terms["site"] == ["10", "101"]  # against 9, the first in the order of numbers
    drawn = draw_estimates(few, view, SEED, [], None, only=("forest_response",))
    forest = drawn["forest_response"]
    assert "age_years" not in set(forest.plotted["variable"])
    assert "Age, years (3 different values: group them first)" in forest.caption
    sites = forest.plotted[forest.plotted.variable == "site"]
    assert sites.level.tolist() == ["9", "10", "101"]


def test_what_a_person_says_wins_over_name_and_values(few):
    view = view_of(few, "age_years=categorical", "site = continuous")
    grid = regression_grid(regressions(few, view, ())[0])
    labels = [row.cells[0].text for row in grid.rows]
    assert {"54", "73", "79"} <= set(labels)
    assert "101" not in labels


@pytest.mark.parametrize("word", ["age_years", "age_years=number", "=continuous", ""])
def test_a_type_that_is_none_is_refused(word):
    with pytest.raises(TableError, match="write NAME=continuous or NAME=categorical"):
        asked_types([word], ["age_years"])


def test_a_type_of_no_covariate_and_words_called_numbers_are_refused_before_a_run(tmp_path):
    table = tmp_path / "subjects.csv"
    table.write_text("subject_id,sex\nA,F\nB,M\n", encoding="utf-8")
    settings = RunSettings((tmp_path,), tmp_path / "run", subjects=table)
    with pytest.raises(TableError, match=r"no covariate age\. It has sex"):
        read_input(replace(settings, covariate_type=("age=continuous",)))
    with pytest.raises(TableError, match=r"'F' is no number\. Correct the cell"):
        read_input(replace(settings, covariate_type=("sex=continuous",)))
    with pytest.raises(TableError, match="no covariate subject_id"):
        read_input(replace(settings, covariate_type=("subject_id=categorical",)))
    asked = replace(settings, covariate_type=("sex=categorical",))
    assert read_input(asked).subjects is not None
    assert asked.digest() != settings.digest()
