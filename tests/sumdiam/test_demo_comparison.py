"""Measured against truth."""

import pandas as pd
import pytest

from sumdiam.demo.comparison import compare
from sumdiam.demo.trial import load_trial
from sumdiam.demo.truth_table import truth_tables

TRUTH = truth_tables(load_trial())
NONE = pd.NA


def perfect():
    """Tables of a run that reads everything as it is."""
    measurements = TRUTH.measurements.assign(
        reader="auto", revision=1, value=TRUTH.measurements["value_mm"], flags=NONE, reason=NONE
    )
    mine = {"reader": "auto", "criteria": "mrecist"}
    responses = TRUTH.responses.assign(**mine, within_error_of_cutoff=TRUTH.responses["borderline"])
    events = TRUTH.events.assign(**mine)
    events.loc[events["endpoint"] == "OS", ["reader", "criteria"]] = "none"
    tables = {"measurements": measurements, "responses": responses, "events": events}
    return tables | {"outcomes": TRUTH.outcomes.assign(**mine)}


def row(comparison, what, group):
    table = comparison.summary
    return table[(table["what"] == what) & (table["group"] == group)].iloc[0]


def test_a_perfect_run_has_no_differences():
    found = compare(perfect(), TRUTH)
    assert found.differences.empty
    categories = found.summary[found.summary["rms_px"].isna()]
    assert (categories["equal"] == categories["n"]).all()
    assert row(found, "viable_diameter", "all")["max_px"] == 0
    assert row(found, "doubtful", "borderline")["n"] == 4
    assert set(categories["what"]) >= {"OS", "PFS", "TTP", "best_response", "overall_response"}


def test_errors_are_told_in_pixels_with_flagged_ones_apart():
    tables = perfect()
    lengths = tables["measurements"]
    viable = lengths.index[(lengths["quantity"] == "viable_diameter") & (lengths["value"] > 0)]
    lengths.loc[viable, "value"] += 0.5 * lengths.loc[viable, "pixel_mm"]
    lengths.loc[viable[0], "value"] += 2.5 * lengths.loc[viable[0], "pixel_mm"]
    lengths.loc[viable[0], "flags"] = "low_cnr(1.2)"
    lengths.loc[viable[1], "value"] = float("nan")
    found = compare(tables, TRUTH)
    all_of = row(found, "viable_diameter", "all")
    assert all_of["max_px"] == pytest.approx(3.0)
    assert all_of["max_unflagged_px"] == pytest.approx(0.5)
    assert all_of["missing"] == 1
    assert all_of["flagged_percent"] == pytest.approx(100 / len(viable))
    assert all_of["mean_px"] == pytest.approx(0.5 + 2.5 / (len(viable) - 1))
    assert len(found.differences) == 2
    assert any("1 not measured" in line for line in found.lines())


def test_a_later_revision_is_the_one_compared():
    tables = perfect()
    later = tables["measurements"].iloc[[0]].assign(revision=2, value=99.0)
    tables["measurements"] = pd.concat([later, tables["measurements"]])
    assert compare(tables, TRUTH).differences["found"].tolist()[0] == "99.00"


def test_wrong_and_missing_categories_are_listed():
    tables = perfect()
    tables["responses"].loc[0, "overall_response"] = "PD"
    tables["responses"] = tables["responses"].drop(index=1)
    tables["events"].loc[1, "days"] += 1
    tables["outcomes"].loc[2, "best_response"] = "SD"
    found = compare(tables, TRUTH)
    assert row(found, "overall_response", "clear")["equal"] == 52 - 2
    wrong = found.differences[["what", "subject_id", "truth", "found"]].to_numpy().tolist()
    assert ["overall_response", "SIM-001", "PR", "PD"] in wrong
    assert ["overall_response", "SIM-001", "CR", ""] in wrong
    assert ["best_response", "SIM-003", "PR", "SD"] in wrong
    assert ["PFS days", "SIM-001", "240", "241"] in wrong


def test_a_borderline_visit_must_be_doubted_but_may_differ():
    tables = perfect()
    close = tables["responses"].index[tables["responses"]["borderline"]]
    tables["responses"].loc[close, "overall_response"] = "SD"
    assert compare(tables, TRUTH).differences.empty
    tables["responses"].loc[close[0], "within_error_of_cutoff"] = False
    found = compare(tables, TRUTH).differences
    assert found[["what", "truth", "found"]].to_numpy().tolist() == [["doubtful", "true", "false"]]


def test_other_readers_and_rule_sets_are_not_mixed_in():
    tables = perfect()
    other = tables["responses"].assign(reader="R2", overall_response="NE")
    tables["responses"] = pd.concat([other, tables["responses"]])
    assert compare(tables, TRUTH).differences.empty
