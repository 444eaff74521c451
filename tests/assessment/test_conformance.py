"""Warnings of given selections that break the rules, and of tables that contradict themselves."""

import pandas as pd
import pytest

from assessment import assess, read_lesions

# lesions | visits | subject | policies | codes that must be there
TABLE = [
    ("A liver!t 20; B liver!t 20; C liver!t 20", "0", "", "", {"too_many_in_organ"}),
    ("A lung!t 20; B lung!t 20; C bone!t 20; D bone!t 20; E adrenal!t 20; F adrenal!t 20", "0", "", "",
     {"too_many_targets", "too_many_extrahepatic_targets"}),
    ("A liver!t 20; B liver!t 20; C liver!t 20", "0", "", "set=seed",
     {"too_many_hepatic_targets", "too_many_in_organ"}),
    ("A liver!t 9.9", "0", "", "", {"target_too_small"}),
    ("A node!t 14.9", "0", "", "", {"target_too_small"}),
    ("A liver!t 15/slice=8", "0", "", "", {"target_too_small"}),
    ("A liver!t ?w20", "0", "", "", {"target_not_measured_at_baseline"}),
    ("A liver!t 0w20", "0", "", "", {"target_not_enhancing"}),
    ("A liver!t 20/ill", "0", "", "", {"target_not_well_delineated"}),
    ("A liver!t 20/treated", "0", "", "", {"target_treated_before"}),
    ("A liver!t - 20", "0 60", "", "", {"target_not_at_baseline", "target_not_measured_at_baseline"}),
    ("A lung 20 20/abs", "0 60", "", "", {"status_contradicts_length"}),
    ("A lung 20/ts 20", "0 60", "", "", {"status_contradicts_length"}),
    ("A lung 30 30; N node 16/ts 16", "0 60", "", "", {"status_contradicts_length"}),
    ("A lung 30 30; N node 14/ts 14", "0 60", "", "", set()),
    ("A lung 30 30; B lung 9/ts 9", "0 60", "", "", set()),
    ("A lung 30 30; B lung ts 20", "0 60", "", "", {"nontarget_grows"}),
    ("A lung!t 20/ts 20", "0 60", "", "", set()),
    ("A liver 20 20/organ=spleen", "0 60", "", "", {"organ_changes"}),
    ("A lung!n 20 24.9", "0 60", "", "", set()),
    ("A lung!n 20 25", "0 60", "", "", {"nontarget_grows"}),
    ("A lung!n 30 35", "0 60", "", "", set()),
    ("A liver 20 20", "-29 60", "", "", {"baseline_early"}),
    ("A liver 20 20", "-28 60", "", "", set()),
    ("A liver 20 20", "-28 60", "", "baseline_window_days=27", {"baseline_early"}),
    ("A liver 20 20", "1 60", "", "", {"baseline_late"}),
    ("A liver 20 20", "0 60", "died=59", "", {"images_after_death"}),
    ("A liver 20 20", "0 60", "died=100 alive=101", "", {"alive_after_death"}),
    ("A liver 20 20", "0 60", "died=100 alive=100", "", set()),
    ("A liver 20 20", "0 60", "rand=10 died=5", "", {"images_after_death", "death_before_start"}),
    ("A liver 20 20", "0 60", "died=18300", "", set()),
    ("A liver 20 20", "0 60", "died=18301", "", {"dates_far_apart"}),
    ("A liver 20 20", "-18301 60", "", "", {"baseline_early", "dates_far_apart"}),
    ("A liver 20 20", "0 60-74", "", "", set()),
    ("A liver 20 20", "0 60-75", "", "", {"visit_too_long"}),
    ("A liver 20 prog", "0 60", "", "", {"target_called_progressed"}),
    ("A liver 20 21/prog", "0 60", "", "", {"target_called_progressed"}),
    ("A liver!n 20 prog", "0 60", "", "", set()),
    ("A liver 20 20", "0 60 50", "", "", {"dates_backwards"}),
    ("A liver 20 20", "0 60-50", "", "", {"dates_backwards"}),
    ("A liver 20", "1:0", "", "", {"no_baseline"}),
    ("A liver 20 10", "0 60", "", "", set()),
]  # fmt: skip


@pytest.mark.parametrize(("lesions", "visits", "subject", "policies", "codes"), TABLE)
def test_warnings(short, lesions, visits, subject, policies, codes):
    assert set(short(lesions, visits, subject, policies).warnings["code"]) == codes


def test_a_warning_names_subject_reader_lesion_and_timepoint(short):
    row = short("A lung!n 20 25", "0 60").warnings.iloc[0]
    assert (row["subject_id"], row["reader"], row["criteria"]) == ("P", "1", "mrecist")
    assert (row["lesion_id"], row["timepoint"]) == ("A", 1)


def test_visits_and_subjects_that_other_tables_lack_are_named(make_tables):
    made = make_tables([{"patient": "P", "lesions": "L1 liver 20 20 20", "visits": "0 60 120"}])
    made["timepoints"] = made["timepoints"].iloc[:2]
    made["subjects"] = made["subjects"].iloc[:0]
    found = assess(made.pop("lesions"), **made).warnings
    assert set(found["code"]) == {"visit_not_listed", "not_in_subjects", "date_missing"}


def test_a_change_of_modality_is_flagged(make_tables):
    made = make_tables([{"patient": "P", "lesions": "L1 liver 20 20 20", "visits": "0 60 120"}])
    changed = pd.array([False, True, None], dtype="boolean")
    made["timepoints"] = made["timepoints"].assign(modality_changed=changed)
    found = assess(made.pop("lesions"), **made).warnings
    assert found[["code", "timepoint"]].to_numpy().tolist() == [["modality_changed", 1]]


def test_a_timepoint_without_a_date_among_dated_ones_is_named(make_tables):
    made = make_tables([{"patient": "P", "lesions": "L1 liver 20 20 10", "visits": "0 60 120"}])
    made["timepoints"].loc[1, ["first_scan_on", "last_scan_on"]] = pd.NaT
    found = assess(made.pop("lesions"), **made)
    assert found.warnings[["code", "timepoint"]].to_numpy().tolist() == [["date_missing", 1]]
    assert set(found.events.query("endpoint != 'OS'")["reason"]) == {"no_dates"}


def test_a_scan_date_outside_its_listed_visit_is_named(make_tables):
    made = make_tables([{"patient": "P", "lesions": "L1 liver 20 20", "visits": "0 60-62"}])
    lesions = made.pop("lesions")
    for day, codes in (("2020-03-01", []), ("2020-03-02", []), ("2020-03-03", []),
                       ("2020-03-04", ["scan_outside_visit"]), ("2020-02-29", ["scan_outside_visit"])):  # fmt: skip
        dates = pd.to_datetime(pd.Series(["2020-01-01", day]))
        found = assess(lesions.assign(scan_on=dates), **made).warnings
        assert found["code"].tolist() == codes, day


@pytest.mark.parametrize("status", ["not_evaluable", "present", "progressed", "equivocal"])
def test_a_zero_that_a_person_denies_is_no_complete_response(status: str):
    rows = [
        {"subject_id": "P1", "lesion_id": "A", "timepoint": "0", "site": "hepatic",
         "viable_diameter_mm": "30", "status": ""},
        {"subject_id": "P1", "lesion_id": "A", "timepoint": "1", "site": "hepatic",
         "viable_diameter_mm": "0", "status": status},
    ]  # fmt: skip
    found = assess(read_lesions(pd.DataFrame(rows), origin="lesions.csv"))
    response = found.responses.set_index("timepoint").loc[1]
    assert (response["target_response"], response["overall_response"]) == ("NE", "NE")
    assert "status_contradicts_length" in set(found.warnings["code"])
