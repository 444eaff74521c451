"""Which lesions become targets, and the reason given for each."""

import numpy as np
import pytest

from assessment import PolicySet, assess
from assessment.targets import LARGEST_KEY, _largest_first, rank_within

# lesions at baseline | criteria | policies | lesion -> role | words of one lesion's reason
TABLE = [
    ("L1 liver 10.0", "mrecist", "", {"L1": "target"}, ("L1", "taken: viable_diameter 10.0 mm")),
    ("L1 liver 9.9", "mrecist", "", {"L1": "non-target"}, ("L1", "9.9 mm, measurable from 10.0")),
    ("L1 liver 15.9/slice=8", "mrecist", "", {"L1": "non-target"}, ("L1", "from 16.0")),
    ("L1 liver 16.0/slice=8", "mrecist", "", {"L1": "target"}, ("L1", "taken")),
    ("L1 liver 10.0/slice=5", "mrecist", "", {"L1": "target"}, ("L1", "taken")),
    ("L1 liver 10.1/slice=5.1", "recist_1_1", "", {"L1": "non-target"}, ("L1", "from 10.2")),
    ("N1 node 15", "mrecist", "", {"N1": "target"}, ("N1", "taken: node_short_axis 15.0")),
    ("N1 node 14.9", "mrecist", "", {"N1": "non-target"}, ("N1", "node of short axis 14.9")),
    ("N1 node 10.0", "mrecist", "", {"N1": "non-target"}, ("N1", "node of short axis 10.0")),
    ("N1 node 9.9", "mrecist", "", {"N1": "none"}, ("N1", "normal node")),
    ("N1 porta 20", "mrecist", "", {"N1": "target"}, ("N1", "taken")),
    ("N1 porta 19.9", "mrecist", "", {"N1": "none"}, ("N1", "normal node")),
    ("N1 porta 15", "recist_1_1", "", {"N1": "target"}, ("N1", "taken")),
    ("L1 liver 30/ill", "mrecist", "", {"L1": "non-target"}, ("L1", "not well delineated")),
    ("L1 liver 30/treated", "mrecist", "", {"L1": "target"}, ("L1", "taken")),
    ("L1 liver 9w30/treated", "mrecist", "", {"L1": "non-target"}, ("L1", "9.0 mm")),
    ("L1 liver 30/treated", "recist_1_1", "", {"L1": "non-target"}, ("L1", "treated before")),
    ("N1 node 20/treated", "recist_1_1", "", {"N1": "non-target"}, ("N1", "treated before")),
    ("L1 lung 30/treated/prog", "recist_1_1", "", {"L1": "target"}, ("L1", "taken")),
    ("N1 node 20/treated/prog", "recist_1_1", "", {"N1": "target"}, ("N1", "taken")),
    ("L1 liver 0w30", "mrecist", "", {"L1": "non-target"}, ("L1", "no arterial enhancement")),
    ("L1 liver ?w30/dead", "mrecist", "", {"L1": "non-target"}, ("L1", "no arterial enhancement")),
    ("L1 liver 0w30", "recist_1_1", "", {"L1": "target"}, ("L1", "whole_diameter 30.0")),
    ("L1 liver ?w30", "mrecist", "", {"L1": "non-target"}, ("L1", "no viable_diameter")),
    ("L1 liver 80/finding=infiltrative", "mrecist", "", {"L1": "non-target"}, ("L1", "infiltrative")),
    ("V1 vein 20", "mrecist", "", {"V1": "non-target"}, ("V1", "portal_thrombus")),
    ("E1 effusion pres", "mrecist", "", {"E1": "non-target"}, ("E1", "effusion")),
    ("L1 liver pres", "mrecist", "", {"L1": "non-target"}, ("L1", "present, without a length")),
    ("L1 liver 20/eq", "mrecist", "", {"L1": "non-target"}, ("L1", "equivocal")),
    ("L1 lung 20/ts", "mrecist", "", {"L1": "non-target"}, ("L1", "too small")),
    ("L1 liver abs", "mrecist", "", {"L1": "new"}, ("L1", "not there at baseline")),
    ("L1 lung 0/meas", "mrecist", "", {"L1": "new"}, ("L1", "not there at baseline")),
    ("L1 liver 30; L2 liver 40; L3 liver 20", "mrecist", "",
     {"L1": "target", "L2": "target", "L3": "non-target"}, ("L3", "at most 2 targets in this organ")),
    ("L1 liver 30; L2 liver 30; L3 liver 30", "mrecist", "",
     {"L1": "target", "L2": "target", "L3": "non-target"}, ("L1", "taken")),
    ("L1 liver 50; L2 liver 45; A1 lung 40; A2 lung 35; B1 bone 30; B2 bone 25", "mrecist", "",
     {"L1": "target", "L2": "target", "A1": "target", "A2": "target", "B1": "target",
      "B2": "non-target"}, ("B2", "at most 5 targets in all")),
    ("L1 liver 50; A1 lung 40; A2 lung 35; B1 bone 30; B2 bone 25", "mrecist", "set=seed",
     {"L1": "target", "A1": "target", "A2": "target", "B1": "target", "B2": "non-target"},
     ("B2", "at most 3 targets outside the liver")),
    ("L1 liver 50; A1 lung 40; A2 lung 35; B1 bone 30; B2 bone 25", "mrecist", "",
     {"L1": "target", "A1": "target", "A2": "target", "B1": "target", "B2": "target"},
     ("B2", "taken")),
    ("N1 node 30; N2 porta 25; N3 node 20", "mrecist", "",
     {"N1": "target", "N2": "target", "N3": "non-target"}, ("N3", "in this organ")),
    ("L1 liver 50; L2 liver 45; A1 lung 40", "mrecist", "max_hepatic_targets=1",
     {"L1": "target", "L2": "non-target", "A1": "target"}, ("L2", "at most 1 targets in the liver")),
    ("L1 liver 50; A1 lung 40; A2 lung 35", "mrecist", "max_extrahepatic_targets=1",
     {"L1": "target", "A1": "target", "A2": "non-target"}, ("A2", "outside the liver")),
    ("L1 liver 50; L2 liver 45", "mrecist", "max_targets_per_organ=1",
     {"L1": "target", "L2": "non-target"}, ("L2", "at most 1 targets in this organ")),
    ("L1 liver 50; L2 liver 45; A1 lung 20", "mrecist", "max_targets=2",
     {"L1": "target", "L2": "target", "A1": "non-target"}, ("A1", "at most 2 targets in all")),
    ("L1 liver 50; L2 liver 45; A1 lung 20", "mrecist",
     "max_targets=2; target_selection=one_per_organ_first",
     {"L1": "target", "L2": "non-target", "A1": "target"}, ("L2", "at most 2 targets in all")),
    ("L1 liver!n 50; L2 liver 30", "mrecist", "", {"L1": "non-target", "L2": "target"},
     ("L1", "as given")),
    ("L1 liver!t 8; L2 liver 30", "mrecist", "", {"L1": "target", "L2": "non-target"},
     ("L2", "targets were given, and this lesion was not among them")),
    ("L1 liver!new 30", "mrecist", "", {"L1": "non-target"}, ("L1", "given as new, but there at")),
]  # fmt: skip


@pytest.mark.parametrize(("lesions", "criteria", "policies", "roles", "words"), TABLE)
def test_roles_and_their_reasons(short, lesions, criteria, policies, roles, words):
    found = short(lesions, "0", policies=policies, criteria=(criteria,)).selections
    assert dict(zip(found["lesion_id"], found["role"], strict=True)) == roles
    reason = found.set_index("lesion_id")["reason"][words[0]]
    assert words[1] in reason, reason


def test_a_given_role_loses_when_the_rules_are_to_choose(short):
    found = short("L1 liver!t 8; L2 liver 30", "0", select="auto").selections
    assert found["role"].tolist() == ["non-target", "target"]


def test_targets_are_numbered_by_size_and_ties_by_lesion_id(short):
    found = short("A lung 20; B liver 40; C liver 20", "0").selections
    assert found["order"].tolist() == [2, 1, 3]
    later = short("A lung 20 90; B liver 40 10; C liver 9 80; D liver 12 5; E liver 11 99", "0 60")
    assert later.selections["order"].fillna(0).tolist() == [2, 1, 0, 3, 0]


def test_a_lesion_first_seen_later_is_new(short):
    found = short("L1 liver 30 30; N1 lung - 9", "0 60").selections
    assert found["role"].tolist() == ["target", "new"]
    assert found["measurand"].tolist() == ["viable_diameter", "whole_diameter"]


@pytest.mark.parametrize(
    ("lesions", "criteria", "role", "words"),
    [  # of the first lesion; only what holds at baseline decides
        ("L1 liver 30/ill 30", "mrecist", "non-target", "non-target: not well delineated"),
        ("L1 liver 30 20/ill", "mrecist", "target", "taken: viable_diameter 30.0 mm"),
        ("L1 liver 30/treated 30", "recist_1_1", "non-target", "non-target: treated before"),
        ("L1 liver 30 20/treated", "recist_1_1", "target", "taken: whole_diameter 30.0 mm"),
        ("L1 liver 15.9 15.9/slice=8", "mrecist", "target", "taken: viable_diameter 15.9 mm"),
        ("L1 liver 9 12", "mrecist", "non-target",
         "non-target: viable_diameter 9.0 mm, measurable from 10.0 mm"),
        ("N1 node 12 16", "mrecist", "non-target", "non-target: node of short axis 12.0 mm"),
        ("N1 node 8 16", "mrecist", "none", "normal node: short axis 8.0 mm"),
        ("N1 node 0 16", "mrecist", "none", "normal node: short axis 0.0 mm"),
        ("N1 node 16/slice=9 16", "mrecist", "target", "taken: node_short_axis 16.0 mm"),
        ("L1 liver 0w? 30", "mrecist", "non-target",
         "non-target: no arterial enhancement at baseline"),
        ("L1 lung 20/prog 20", "mrecist", "target", "taken: whole_diameter 20.0 mm"),
        ("L1 lung 9/wv=0.5 9/wv=0.5", "vrecist", "non-target",
         "non-target: longest diameter 9.0 mm, measurable from 10.0 mm"),
        # no short axis says that a node is normal or small
        ("N1 node ?/wv=20 ?/wv=20", "vrecist", "target", "taken: whole_volume 20.0 ml"),
        # a node that is too small to measure is none, whatever its product would stand for
        ("N1 node ts 20", "easl", "non-target", "non-target: too small to measure"),
        ("N1 node ts 20", "qeasl", "non-target", "non-target: too small to measure"),
        ("N1 node 16/ts 16", "mrecist", "non-target", "non-target: too small to measure"),
        ("N1 node ts 20", "mrecist", "none", "normal node: short axis 5.0 mm"),
        # the status is that of the viable part: the lesion is there
        ("L1 liver 0w20/abs 15w20", "mrecist", "non-target",
         "non-target: no arterial enhancement at baseline"),
        ("L1 liver abs 15w20", "mrecist", "new", "not there at baseline"),
    ],
)  # fmt: skip
def test_a_role_is_that_of_the_baseline(short, lesions, criteria, role, words):
    found = short(lesions, "0 60", criteria=(criteria,)).selections.iloc[0]
    assert (found["role"], found["reason"]) == (role, words)


@pytest.mark.parametrize(
    ("lesions", "targets"),
    [  # who is no candidate takes nobody's place
        ("L1 liver 80/finding=infiltrative; L2 liver 30; L3 liver 20", ["L2", "L3"]),
        ("L1 liver!n 50; L2 liver 30; L3 liver 20", ["L2", "L3"]),
        ("L1 liver 50; L2 liver 45; L3 liver 40; A1 lung 30; A2 lung 25; B1 bone 20",
         ["L1", "L2", "A1", "A2", "B1"]),
    ],
)  # fmt: skip
def test_only_candidates_take_a_place(short, lesions, targets):
    found = short(lesions, "0").selections
    assert set(found.loc[found["role"] == "target", "lesion_id"]) == set(targets)


def test_given_roles_say_so_and_leave_what_is_new_later(short):
    lesions = "L1 liver!t 30 30; L2 liver!n 20 20; L3 liver 25 25; N1 lung!new - 12; N2 bone - 12"
    found = short(lesions + "; N3 node!new 8 16", "0 60").selections.set_index("lesion_id")
    assert found[["role", "reason"]].apply(tuple, axis=1).to_dict() == {
        "L1": ("target", "target: as given"),
        "L2": ("non-target", "non-target: as given"),
        "L3": (
            "non-target", "non-target: targets were given, and this lesion was not among them",
        ),
        "N1": ("new", "new: as given"),
        "N2": ("new", "not there at baseline"),
        "N3": ("new", "new: as given"),  # normal at baseline
    }  # fmt: skip


ONE_EACH = {"target_selection": "one_per_organ_first", "max_targets": "2"}
PEOPLE = {
    "P1": "A liver 50; B liver 45; C lung 20; D bone 12",
    "P2": "A lung 60; B lung 55; C liver 15; D liver 30",
    "P2b": "A bone 30; B liver 20; C liver 19",
    "P3": "A bone 10; B bone 11; C bone 12",
}


@pytest.mark.parametrize(
    ("changes", "targets"),
    [
        (ONE_EACH, {"P1": "AC", "P2": "AD", "P2b": "AB", "P3": "BC"}),
        ({"max_targets": "3"}, {"P1": "ABC", "P2": "ABD", "P2b": "ABC", "P3": "BC"}),
        ({"max_targets_per_organ": "1"}, {"P1": "ACD", "P2": "AD", "P2b": "AB", "P3": "C"}),
        ({}, {"P1": "ABCD", "P2": "ABCD", "P2b": "ABC", "P3": "BC"}),
    ],
)
def test_every_subject_has_its_own_limits(make_tables, changes, targets):
    rows = [{"patient": name, "lesions": text, "visits": "0"} for name, text in PEOPLE.items()]
    found = assess(**make_tables(rows), policies=PolicySet("default", changes)).selections
    chosen = found[found["role"] == "target"].groupby("subject_id")["lesion_id"].apply("".join)
    assert chosen.to_dict() == targets


def test_targets_given_to_one_subject_and_zero_baselines_concern_no_other(make_tables):
    people = {
        "P1": "A liver!t 30; B liver 40",
        "P2": "A liver 30; B liver 40",
        "P3": "A liver!t 0w30 20; B liver!t 0w20 10; C lung - 12",
        "P4": "A liver!t 0w30; B liver!t 20",
    }
    rows = [{"patient": name, "lesions": text, "visits": "0 60"} for name, text in people.items()]
    tables = make_tables(rows)
    found = assess(**tables, policies=PolicySet("default", {"zero_baseline": "non_target"}))
    roles = found.selections.groupby("subject_id")["role"].apply(list).to_dict()
    assert roles == {
        "P1": ["target", "non-target"], "P2": ["target"] * 2, "P3": ["non-target", "non-target", "new"],
        "P4": ["target"] * 2,
    }  # fmt: skip
    reasons = found.selections.groupby("subject_id")["reason"].apply(list)
    zero = "non-target: the baseline sum is 0 (policy zero_baseline)"
    assert reasons["P3"] == [zero, zero, "not there at baseline"]
    assert reasons["P4"] == ["target: as given"] * 2


def test_a_hepatic_lesion_without_an_organ_is_of_the_liver(make_tables):
    text = "A liver 50; B liver 45; C liver 40; D lung 30"
    tables = make_tables([{"patient": "P", "lesions": text, "visits": "0"}])
    lesions = tables["lesions"]
    tables["lesions"] = lesions.assign(organ=lesions["organ"].mask(lesions["lesion_id"] > "A"))
    found = assess(**tables).selections
    assert found["role"].tolist() == ["target", "target", "non-target", "target"]


def test_a_fragment_is_counted_with_its_parent(short):
    found = short("L1 liver 40 20; F1 liver - 10/split=L1", "0 60").selections
    fragment = found.set_index("lesion_id").loc["F1"]
    assert (fragment["role"], fragment["reason"]) == ("none", "fragment: added to L1")


def test_a_fragment_of_an_unknown_lesion_is_new_and_warned_of(short):
    found = short("L1 liver 40 20; F1 lung - 10/split=L9", "0 60")
    assert found.responses["new_lesion"].tolist()[1] == "yes"
    assert "unknown_link" in set(found.warnings["code"])


def test_a_lesion_whose_measurand_is_missing_leaves_other_targets_in_place(short):
    found = short("L1 liver ?w40 ?w40; L2 liver 30 15", "0 60").responses
    assert found["target_response"].tolist()[1] == "PR"
    assert found["n_targets_expected"].tolist() == [1, 1]


def test_a_given_target_that_merged_into_a_nontarget_counts_with_its_length(short):
    lesions = "L1 lung!t 20 pres/merge=T1; T1 lung!n 12 26"
    found = short(lesions, "0 60").responses
    assert found["sum_mm"].tolist() == [20.0, 26.0]
    assert found["overall_response"].tolist()[1] == "PD"


@pytest.mark.parametrize("huge", [0, LARGEST_KEY // 2])
@pytest.mark.parametrize(
    ("case", "value", "order"),
    [
        ([0, 0, 0, 1, 1, 2], [5, 9, 5, 0, 7, 3], [1, 0, 2, 4, 3, 5]),
        ([1, 0], [9, 2], [1, 0]),
        ([1, 0, 1, 0], [9, 2, 2, 9], [3, 1, 0, 2]),
        ([0, 0, 1, 1], [-1, 4, 4, -1], [1, 0, 2, 3]),
        ([3, 3], [1, 2], [1, 0]),
        ([], [], []),
    ],
)
def test_the_largest_come_first_case_by_case_and_equals_stay_in_order(huge, case, value, order):
    given = np.array(value, dtype=np.int64) + huge
    assert _largest_first(np.array(case, dtype=np.int64), given).tolist() == order


@pytest.mark.parametrize(
    ("group", "rank"),
    [
        ([0, 0, 1, 1, 1], [0, 1, 0, 1, 2]),
        ([3, 3, 1, 3, 1], [0, 1, 0, 2, 1]),
        ([2, 1], [0, 0]),
        ([1, 2, 1], [0, 0, 1]),
        ([5], [0]),
        ([], []),
    ],
)
def test_members_of_a_group_are_counted_in_their_order(group, rank):
    assert rank_within(np.array(group, dtype=np.int64)).tolist() == rank
