"""Rule sets as data."""

import pytest

from assessment import UnknownCriteriaError, criteria_names, describe, load_criteria


def test_both_rule_sets_are_there():
    assert {"mrecist", "recist_1_1"} <= set(criteria_names())


@pytest.mark.parametrize("name", ["mrecist", "recist_1_1"])
def test_every_rule_names_its_source(name):
    criteria = load_criteria(name)
    assert criteria.source
    for title, section in criteria.sections.items():
        assert section["text"], title
        sources = [rule["source"] for rule in section.get("rule", [])] or [section["source"]]
        assert all(sources), title


def test_the_thresholds_of_mrecist():
    criteria = load_criteria("mrecist")
    assert criteria.number("response", "pr_decrease_percent") == 30
    assert criteria.number("response", "pd_increase_percent") == 20
    assert criteria.length("target", "minimum_mm") == 1000
    assert criteria.length("node", "porta_hepatis_target_mm") == 2000


def test_a_rule_set_reads_as_a_person_would_read_it():
    shown = describe(load_criteria("mrecist"))
    assert shown.startswith("mRECIST for hepatocellular carcinoma")
    assert "pr_decrease_percent = 30" in shown
    assert "  new lesion yes: PD  [Lencioni & Llovet 2010" in shown
    assert "  else: NED  [" in shown
    assert "effusion, ascites" in shown


def test_an_unknown_rule_set_names_the_nearest():
    with pytest.raises(UnknownCriteriaError, match="nearest: mrecist"):
        load_criteria("mRECIST")
    with pytest.raises(UnknownCriteriaError, match="Choose from mrecist, recist_1_1"):
        load_criteria("zzz")
