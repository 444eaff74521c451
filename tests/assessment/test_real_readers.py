"""Three radiologists' sums of 105 patients against the categories that they recorded."""

import pandas as pd
import pytest

from assessment import assess, read_lesions

LENGTH = {
    "mRECIST": ("mrecist", "viable_diameter_mm"),
    "RECIST": ("recist_1_1", "whole_diameter_mm"),
}


@pytest.fixture(scope="module")
def sums(shared_data):
    path = shared_data / "hcc_tace_clinical" / "reader_sums_long.csv"
    return pd.read_csv(path, dtype=str, keep_default_na=False)


def as_lesions(sums, length):
    """Write each reader's sum as one hepatic target: baseline at timepoint 0, follow-up at 1."""
    parts = []
    for timepoint, column in enumerate(("baseline_sum_mm", "followup_sum_mm")):
        given = sums[sums[column] != ""]
        parts.append(
            pd.DataFrame(
                {
                    "subject_id": given["patient"],
                    "reader": given["reader"],
                    "lesion_id": "sum of targets",
                    "timepoint": str(timepoint),
                    "site": "hepatic",
                    "role_given": "target",
                    length: given[column],
                }
            )
        )
    return read_lesions(pd.concat(parts, ignore_index=True), "reader_sums_long.csv")


def categories(sums):
    """Return recorded and derived category of every row that has one."""
    found = []
    for name, (criteria, length) in LENGTH.items():
        recorded = sums[(sums["criterion"] == name) & (sums["response"] != "")]
        result = assess(as_lesions(recorded, length), criteria=(criteria,))
        derived = result.responses[result.responses["timepoint"] == 1]
        found.append(
            recorded.merge(
                derived, left_on=["patient", "reader"], right_on=["subject_id", "reader"], how="left"
            ).assign(best=lambda frame, outcomes=result.outcomes: frame.merge(
                outcomes, on=["subject_id", "reader"])["best_response"])
        )  # fmt: skip
    return pd.concat(found)


@pytest.mark.shared
def test_all_574_recorded_categories_of_three_readers_are_derived(sums):
    assert len(sums) == 630
    rows = categories(sums)
    assert len(rows) == 574
    differ = rows[rows["overall_response"] != rows["response"]]
    assert differ.empty, differ[["patient", "reader", "criterion", "response", "reason"]]
    assert (rows["best"] == rows["response"]).all()


@pytest.mark.shared
def test_three_readers_are_assessed_in_one_call_and_kept_apart(sums):
    recorded = sums[(sums["criterion"] == "mRECIST") & (sums["response"] != "")]
    together = assess(as_lesions(recorded, "viable_diameter_mm")).responses
    assert sorted(together["reader"].unique()) == ["1", "2", "3"]
    for reader in ("1", "2", "3"):
        alone = as_lesions(recorded[recorded["reader"] == reader], "viable_diameter_mm")
        part = together[together["reader"] == reader].reset_index(drop=True)
        pd.testing.assert_frame_equal(assess(alone).responses, part)
