"""Policies: named, defaulted, settable, recorded."""

import csv
from pathlib import Path

import pytest

from assessment import PolicyError, PolicySet, assess, read_policies
from assessment.policy import policy_data, scheme_values

# the table of the specification: policy -> values, default first
SPECIFIED = {
    "nadir_from": ["complete", "any"],
    "pd_despite_missing": ["yes", "no"],
    "reappearance": ["pd_after_overall_cr", "pd_after_lesion_cr", "sum"],
    "backdate_new_hcc": ["on", "off"],
    "backdate_equivocal": ["on", "off"],
    "after_pd": ["recompute", "pd_stays", "none"],
    "backdate_scope": ["liver_nodules", "all_new_lesions"],
    "sd_interval_from": ["randomisation", "baseline_scan"],
    "last_assessment": ["last_image", "last_evaluable"],
    "target_selection": ["largest_first", "one_per_organ_first"],
    "site_basis": ["own_sums"],
    "vascular_site": ["hepatic", "extrahepatic"],
    "zero_nadir": ["from_10_mm", "sum_rule"],
    "nontarget_partly_missing": ["NE", "as_measured"],
    "ets_incomplete_first_followup": ["missing", "next_complete"],
    "confirm": ["off", "on"],
    "new_therapy": ["ignore", "censor"],
    "missed_visits": ["ignore", "censor_after_2"],
    "hepatic_pfs_extrahepatic_pd": ["ignore", "censor"],
    "dpr_population": ["disease_control", "all"],
    "dpr_until": ["first_pd", "end"],
    "zero_baseline": ["target_NE", "non_target"],
    "non_enhancing_hepatic": ["non_target", "whole_diameter"],
    "washout_unknown": ["equivocal", "typical"],
    "new_lesions_unassessed": ["as_nontarget_ne", "ignore"],
    "doubt_from": ["measurement", "measurement_and_reader"],
    "pd_unit": ["sum", "lesion"],
}
NUMBERS = {
    "ne_during_confirmation": "1", "sd_minimum_days": "42", "confirmation_days": "28",
    "visit_window_days": "14", "visit_interval_days": "91", "baseline_window_days": "28",
    "max_targets": "5", "max_targets_per_organ": "2",
}  # fmt: skip
WITHOUT_CASE = {
    "site_basis": "has one value",
    "target_selection": "test_targets.py",
    "max_targets": "test_targets.py",
    "max_targets_per_organ": "test_targets.py",
    "max_hepatic_targets": "test_targets.py",
    "max_extrahepatic_targets": "test_targets.py",
    "doubt_from": "test_probability.py",
    "reader_model": "test_probability.py",
    "exclusions": "test_exclusions.py",
    "baseline_window_days": "test_conformance.py",
}


@pytest.mark.parametrize("policy", sorted(SPECIFIED))
def test_every_policy_has_the_values_and_the_default_of_the_specification(policy):
    data = policy_data()["policy"][policy]
    assert sorted(data["values"]) == sorted(SPECIFIED[policy])
    assert PolicySet().values_for("mrecist")[policy] == SPECIFIED[policy][0]


def test_numbers_have_the_defaults_of_the_specification():
    values = PolicySet().values_for("mrecist")
    assert {name: values[name] for name in NUMBERS} == NUMBERS


def test_defaults_that_differ_by_rule_set():
    mrecist, recist = (PolicySet().values_for(name) for name in ("mrecist", "recist_1_1"))
    assert (mrecist["pd_absolute_mm"], recist["pd_absolute_mm"]) == ("0", "5")
    carried = (mrecist["pr_carry_forward"], recist["pr_carry_forward"])
    assert carried == ("recompute", "after_confirmed_pr")
    immune = PolicySet().values_for("irecist")  # goes by RECIST 1.1 where it says nothing
    assert (immune["pd_absolute_mm"], immune["pr_carry_forward"]) == ("5", "after_confirmed_pr")


def test_rule_sets_without_a_number_of_targets_set_none():
    limits = ("max_targets", "max_targets_per_organ", "max_hepatic_targets")
    for name in ("easl", "who"):
        values = PolicySet().values_for(name)
        assert {values[limit] for limit in (*limits, "max_extrahepatic_targets")} == {"999"}
    values = PolicySet().values_for("recist_1_1")  # five in all, wherever they are
    assert values["max_hepatic_targets"] == values["max_extrahepatic_targets"] == "5"


def test_readers_measure_the_same_lesions_unless_asked_otherwise():
    assert PolicySet().values_for("mrecist")["reader_model"] == "same_lesions"


def test_the_seed_set_differs_from_the_default_where_the_specification_says_so():
    default, seed = (PolicySet(name).values_for("mrecist") for name in ("default", "seed"))
    assert {name: seed[name] for name in seed if seed[name] != default[name]} == {
        "sd_minimum_days": "0",
        "max_hepatic_targets": "2",
        "max_extrahepatic_targets": "3",
        "exclusions": "apply",
        "scheme": "seed",
    }


def test_every_policy_switches_a_case():
    with (Path(__file__).parents[2] / "fixtures" / "worked_patients.csv").open() as handle:
        used = {
            part.split("=")[0].strip()
            for row in csv.DictReader(handle)
            for part in row["policies"].split(";")
        }
    assert set(policy_data()["policy"]) - used == set(WITHOUT_CASE)


def test_the_policy_id_names_the_set_and_any_change():
    assert PolicySet("seed").policy_id == "seed"
    assert PolicySet("default", {"confirm": "off"}).policy_id == "default"
    changed = PolicySet("default", {"confirm": "on", "after_pd": "none"}).policy_id
    assert changed.startswith("default+")
    assert changed == PolicySet("default", {"after_pd": "none", "confirm": "on"}).policy_id
    assert changed != PolicySet("default", {"confirm": "on"}).policy_id
    assert (
        PolicySet().with_changes({"confirm": "on"}).policy_id
        == PolicySet(changes={"confirm": "on"}).policy_id
    )


def test_setting_a_policy_that_differs_by_rule_set_is_a_change():
    assert PolicySet("default", {"pd_absolute_mm": "0"}).policy_id != "default"


def test_every_policy_is_recorded_with_the_result(short):
    made = short(
        "L1 liver 30 20", "0 60", policies="confirm=on", criteria=("mrecist", "recist_1_1")
    )
    values = made.policies.set_index("policy")["value"]
    assert set(values.index) == set(policy_data()["policy"])
    assert values["confirm"] == "on"
    assert values["pd_absolute_mm"] == "mrecist=0;recist_1_1=5"
    assert set(made.policies["policy_id"]) == set(made.responses["policy_id"])


@pytest.mark.parametrize(
    ("name", "changes", "message"),
    [
        ("sead", {}, "no policy set 'sead'"),
        ("default", {"confrm": "on"}, "nearest: confirm"),
        ("default", {"confirm": "yes"}, "not one of off, on"),
        ("default", {"sd_minimum_days": "six"}, "not a whole number"),
        ("default", {"sd_minimum_days": "-1"}, "not a whole number"),
    ],
)
def test_what_is_not_known_is_refused(name, changes, message):
    with pytest.raises(PolicyError, match=message):
        PolicySet(name, changes)


def test_policies_are_read_from_a_toml_text():
    assert read_policies(
        'set = "seed"\nconfirm = "on"\nsd_minimum_days = 42', "p.toml"
    ) == PolicySet("seed", {"confirm": "on", "sd_minimum_days": "42"})


@pytest.mark.parametrize("text", ["confirm = on", 'confirm = "yes"'])
def test_a_bad_policy_file_is_named(text):
    with pytest.raises(PolicyError, match=r"p\.toml"):
        read_policies(text, "p.toml")


def test_a_scheme_overrides_the_three_policies():
    values = PolicySet().values_for("mrecist")
    name, fixed = scheme_values(values, "fda_strict")
    assert name == "fda_strict"
    assert (fixed["new_therapy"], fixed["missed_visits"], fixed["last_assessment"]) == (
        "censor", "censor_after_2", "last_evaluable",
    )  # fmt: skip


def test_without_a_scheme_the_policies_decide_and_the_scheme_they_equal_is_named():
    values = PolicySet().values_for("mrecist")
    assert scheme_values(values, None)[0] == "seed"
    assert (
        scheme_values({**values, "last_assessment": "last_evaluable"}, None)[0]
        == "treatment_policy"
    )
    assert scheme_values({**values, "new_therapy": "censor"}, None)[0] == "as_policies"


@pytest.mark.parametrize("name", ["fda", ""])
def test_an_unknown_scheme_is_refused(name):
    with pytest.raises(PolicyError, match="fda_strict"):
        scheme_values(PolicySet().values_for("mrecist"), name)


def test_several_schemes_can_be_asked_for_at_once(make_tables):
    made = make_tables([{"patient": "P", "lesions": "L1 liver 30 30 ne", "visits": "0 91 182"}])
    events = assess(made.pop("lesions"), scheme=("seed", "treatment_policy"), **made).events
    pfs = events[events["endpoint"] == "PFS"].set_index("scheme")["days"]
    assert pfs.to_dict() == {"seed": 182, "treatment_policy": 91}
