"""Doubt carried through: the simulated trial read again, and how its report tells it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from assessment import PolicySet, assess
from sumdiam.demo.cohort.table import load_cohort
from sumdiam.demo.imaged.selection import selected
from sumdiam.report.doubt_grid import doubt_grid
from sumdiam.report.doubt_table import doubt_table
from sumdiam.report.run_tables import RunFacts, RunTables
from sumdiam.report.view import choose_view

ARMS = ("combination", "sorafenib")
LENGTHS = ("viable_diameter", "whole_diameter", "node_short_axis")


class Trial:
    """The simulated trial, its lengths with or without an uncertainty, as tables of a run."""

    def __init__(self, cohort, u_mm=None):
        given = {} if u_mm is None else {
            f"u_{name}": cohort.lesions[f"{name}_mm"] * 0 + u_mm for name in LENGTHS
        }  # fmt: skip
        self.cohort = replace(cohort, lesions=cohort.lesions.assign(**given))
        found = assess(
            self.cohort.lesions, timepoints=cohort.timepoints, subjects=cohort.subjects,
            policies="seed", probabilities=False,
        )  # fmt: skip
        names = ("responses", "outcomes", "events", "selections", "policies", "exclusions")
        self.tables = RunTables(
            subjects=cohort.subjects, timepoints=cohort.timepoints, lesions=self.cohort.lesions,
            **{name: getattr(found, name) for name in names},
        )  # fmt: skip

    def doubts(self, *, facts=None, **options):
        return doubt_table(
            choose_view(self.tables, facts or RunFacts()), self.cohort.lesions,
            timepoints=self.cohort.timepoints, subjects=self.cohort.subjects,
            policies=PolicySet("seed"), **options,
        )  # fmt: skip


@pytest.fixture(scope="module")
def sure():
    return Trial(load_cohort()).doubts(draws=4)


@pytest.fixture(scope="module")
def part():
    return Trial(selected(load_cohort(), 24), 1.5)


def row_of(frame, way, what, arm):
    rows = frame[(frame["read_again"] == way) & (frame["estimate"] == what) & (frame["arm"] == arm)]
    return rows.iloc[0]


def test_the_estimates_and_their_sampling_limits_are_those_the_paper_printed(sure):
    # Table 2 and the text: 45/73 and 31/104, PFS 8.9 (6.3-9.9) and 5.4 (4.1-7.4), HR 1.4 (1.1-2.0)
    orr = row_of(sure, "measurement", "objective_response_percent", ARMS[0])
    assert orr["estimated"] == pytest.approx(100 * 45 / 73)
    assert orr[["sampling_lower", "sampling_upper"]].tolist() == pytest.approx(
        [49.5, 72.8], abs=0.1
    )
    orr = row_of(sure, "measurement", "objective_response_percent", ARMS[1])
    assert orr[["sampling_lower", "sampling_upper"]].tolist() == pytest.approx(
        [21.2, 39.5], abs=0.1
    )
    pfs = row_of(sure, "measurement", "pfs_median_days", ARMS[1])
    months = pfs[["estimated", "sampling_lower", "sampling_upper"]].astype(float) / 30.4375
    assert months.round(1).tolist() == [5.4, 4.1, 7.4]
    ratio = row_of(sure, "measurement", "pfs_hazard_ratio", ARMS[1])
    limits = ratio[["estimated", "sampling_lower", "sampling_upper"]].astype(float)
    assert limits.round(1).tolist() == [1.4, 1.1, 2.0]


def test_lengths_without_uncertainty_move_no_estimate(sure):
    rows = sure[sure["read_again"] == "measurement"]
    assert (rows["n_lengths_drawn"] == 0).all()
    assert (rows["n_lengths_fixed"] > 1000).all()
    for name in ("middle", "lower", "upper"):
        assert rows[name].tolist() == pytest.approx(rows["estimated"].tolist(), rel=1e-6)


def test_the_table_says_so_where_nothing_could_move(sure):
    texts = [[cell.text for cell in row.cells] for row in doubt_grid(sure).rows]
    again = [row for row in texts if row[0] == "measured again"]
    assert len(again) == 3
    assert all(row[1] == "no length states its uncertainty" for row in again)
    notes = " ".join(doubt_grid(sure).notes)
    assert "state no uncertainty and were left as they are" in notes


def test_wider_errors_move_the_estimates_further(part):
    found = part.doubts(draws=100)
    width = {
        (row["read_again"], row["estimate"], row["arm"]): row["upper"] - row["lower"]
        for row in found.to_dict("records")
    }
    for what in ("objective_response_percent", "disease_control_percent"):
        total = {way: sum(width[way, what, arm] for arm in ARMS) for way in found["read_again"]}
        assert total["measurement"] <= total["same_lesions"] <= total["own_lesions"]
        assert total["own_lesions"] > 0


def test_the_same_tables_give_the_same_bytes(part):
    found, again = (part.doubts(draws=30) for _ in range(2))
    assert found.to_csv() == again.to_csv()


def test_the_table_holds_medians_that_are_not_reached_and_other_control_arms(part):
    facts = RunFacts(control_arm=ARMS[1])
    found, other = part.doubts(draws=10), part.doubts(facts=facts, draws=10)
    one = row_of(found, "measurement", "pfs_hazard_ratio", ARMS[1])
    turned = row_of(other, "measurement", "pfs_hazard_ratio", ARMS[0])
    for name, mirror in (("estimated", "estimated"), ("lower", "upper"), ("upper", "lower")):
        assert turned[name] == pytest.approx(1 / one[mirror], rel=1e-6)
    late = found.assign(upper=found["upper"].mask(found["estimate"] == "pfs_median_days", np.nan))
    texts = [
        row.cells[1].text for row in doubt_grid(late).rows if row.cells[0].text == "measured again"
    ]
    assert texts[-1].endswith("NR)")


def test_one_arm_three_arms_and_progression_to_be_confirmed_have_no_such_table(part):
    subjects = part.cohort.subjects
    for n_arms in (1, 3):
        names = [f"A{n % n_arms}" for n in range(len(subjects))]
        changed = subjects.assign(arm=names).astype({"arm": "string"})
        tables = replace(part.tables, subjects=changed)
        found = doubt_table(
            choose_view(tables, RunFacts()), part.cohort.lesions,
            timepoints=part.cohort.timepoints, subjects=changed, policies=PolicySet("seed"),
        )  # fmt: skip
        assert found.empty
    view = replace(choose_view(part.tables, RunFacts()), criteria="irecist")
    assert doubt_table(
        view, part.cohort.lesions, timepoints=None, subjects=subjects, policies=PolicySet()
    ).empty
