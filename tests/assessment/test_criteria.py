"""Rule sets as data."""

import math

import pytest

from assessment import UnknownCriteriaError, criteria_names, describe, load_criteria
from assessment.criteria import overall_table
from assessment.measurand import MEASURANDS

ALL = ["choi", "easl", "irecist", "mrecist", "qeasl", "recist_1_1", "vrecist", "who"]


def test_all_rule_sets_are_there():
    assert criteria_names() == ALL


@pytest.mark.parametrize("name", ALL)
def test_every_rule_names_its_source(name):
    criteria = load_criteria(name)
    assert criteria.source
    for title, section in criteria.sections.items():
        assert section["text"], title
        sources = [rule["source"] for rule in section.get("rule", [])] or [section["source"]]
        assert all(sources), title


# name, least decrease for PR, least increase for PD, unit, hepatic measurand: the specification's
THRESHOLDS = [
    ("mrecist", 30, 20, "mm", "viable_diameter"),
    ("recist_1_1", 30, 20, "mm", "whole_diameter"),
    ("irecist", 30, 20, "mm", "whole_diameter"),
    ("choi", 10, 10, "mm", "whole_diameter"),
    ("easl", 50, 25, "mm2", "viable_product"),
    ("who", 50, 25, "mm2", "whole_product"),
    ("qeasl", 65, 73, "ml", "viable_volume"),
    ("vrecist", 65, 73, "ml", "whole_volume"),
]


@pytest.mark.parametrize(("name", "decrease", "increase", "unit", "hepatic"), THRESHOLDS)
def test_the_thresholds_and_units_of_every_rule_set(name, decrease, increase, unit, hepatic):
    criteria = load_criteria(name)
    assert criteria.number("response", "pr_decrease_percent") == decrease
    assert criteria.number("response", "pd_increase_percent") == increase
    assert criteria.unit == unit
    assert criteria.value("measurand", "hepatic") == hepatic


@pytest.mark.parametrize("name", ALL)
def test_one_rule_set_sums_in_one_unit(name):
    units = {MEASURANDS[place].unit for place in load_criteria(name).measurands}
    assert len(units) == 1


def test_amounts_are_whole_steps_of_their_unit():
    """0.07 ml and 0.52 ml are the spheres of 5 mm and 10 mm; 100 mm2 is 10 mm by 10 mm."""
    for name, key, steps in (
        ("qeasl", "too_small", round(100 * math.pi / 6 * 0.5**3)),
        ("qeasl", "reappears_from", round(100 * math.pi / 6 * 1.0**3)),
        ("easl", "reappears_from", 1000 * 1000),
        ("who", "too_small", 500 * 500),
        ("mrecist", "too_small", 500),
    ):
        assert load_criteria(name).amount("response", key) == steps, (name, key)


def test_only_irecist_has_a_state_of_its_own_and_only_choi_looks_at_attenuation():
    assert [name for name in ALL if load_criteria(name).has("immune")] == ["irecist"]
    assert [name for name in ALL if load_criteria(name).has("attenuation")] == ["choi"]


@pytest.mark.parametrize("name", sorted({*ALL} - {"mrecist"}))
def test_the_others_judge_overall_response_by_the_table_of_recist_1_1(name):
    expected = overall_table(load_criteria("recist_1_1"))
    assert (overall_table(load_criteria(name)) == expected).all()


def test_a_section_taken_over_from_another_rule_set_is_whole_and_says_so():
    shown = describe(load_criteria("easl"))
    assert "  new lesion yes: PD  [RECIST 1.1 table 1: any new lesion]" in shown
    assert "[as mRECIST for hepatocellular carcinoma: Biomark Res 2021" in shown.replace(
        "\n    ", " "
    )
    assert "same_as" not in shown


def test_the_thresholds_of_mrecist():
    criteria = load_criteria("mrecist")
    assert criteria.number("response", "pr_decrease_percent") == 30
    assert criteria.number("response", "pd_increase_percent") == 20
    assert criteria.length("target", "minimum_mm") == 1000
    assert criteria.length("node", "porta_hepatis_target_mm") == 2000


def test_a_rule_set_reads_as_a_person_would_read_it():
    shown = describe(load_criteria("mrecist"))
    assert shown.startswith("mRECIST for hepatocellular carcinoma")
    assert "  PR decrease: 30 %\n" in shown
    assert "  needs enhancement: yes\n" in shown
    assert "  porta hepatis target: 20 mm\n" in shown
    assert "  new lesion yes: PD  [Lencioni & Llovet 2010" in shown
    assert "  else: NED  [" in shown
    assert "effusion, ascites" in shown
    assert "  pd_absolute_mm = 0: " in shown
    assert max(map(len, shown.splitlines())) <= 96


def test_an_unknown_rule_set_names_the_nearest():
    with pytest.raises(UnknownCriteriaError, match="nearest: mrecist"):
        load_criteria("mRECIST")
    with pytest.raises(UnknownCriteriaError, match="Choose from choi, easl, irecist, mrecist"):
        load_criteria("zzz")


OWN_NODES = {
    "target_mm": 15,
    "disease_mm": 10,
    "gone_below_mm": 10,
    "new_mm": 10,
    "new_growth_mm": 5,
}
PORTA = {"porta_hepatis_target_mm": 20, "porta_hepatis_disease_mm": 20, "porta_hepatis_new_mm": 20}
NO_PORTA = {
    "porta_hepatis_target_mm": 15, "porta_hepatis_disease_mm": 10, "porta_hepatis_new_mm": 10,
}  # fmt: skip
MEASURABLE = {"minimum_mm": 10, "thick_slice_above_mm": 5, "slice_factor": 2}
SEEN = {"minimum_mm": 10, "too_small_mm": 5, "growth_mm": 10}
LENGTHS = {"too_small_mm": 5, "reappears_from_mm": 10}
PRODUCTS = {"too_small_mm2": 25, "reappears_from_mm2": 100}
SPHERES = {
    "too_small_ml": f"{math.pi / 6 * 0.5**3:.2f}", "reappears_from_ml": f"{math.pi / 6:.2f}",
}  # fmt: skip
WHERE = ("hepatic", "extrahepatic", "node")
# rule set | measurands | least decrease, least growth in percent | absolute | nodes | liver nodules
STATED = [
    ("mrecist", ("viable_diameter", "whole_diameter", "node_short_axis"), (30, 20), LENGTHS, PORTA,
     "hcc_pattern", "if_viable"),
    ("recist_1_1", ("whole_diameter", "whole_diameter", "node_short_axis"), (30, 20), LENGTHS,
     NO_PORTA, "unequivocal", "never"),
    ("irecist", ("whole_diameter", "whole_diameter", "node_short_axis"), (30, 20), LENGTHS,
     NO_PORTA, "unequivocal", "never"),
    ("choi", ("whole_diameter", "whole_diameter", "node_short_axis"), (10, 10), LENGTHS, NO_PORTA,
     "unequivocal", "never"),
    ("easl", ("viable_product", "whole_product", "whole_product"), (50, 25), PRODUCTS, PORTA,
     "unequivocal", "if_viable"),
    ("who", ("whole_product",) * 3, (50, 25), PRODUCTS, NO_PORTA, "unequivocal", "if_viable"),
    ("qeasl", ("viable_volume", "whole_volume", "whole_volume"), (65, 73), SPHERES, PORTA,
     "unequivocal", "if_viable"),
    ("vrecist", ("whole_volume",) * 3, (65, 73), SPHERES, NO_PORTA, "unequivocal", "never"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "measurands", "percent", "absolute", "porta", "nodules", "treated"),
    STATED,
    ids=[row[0] for row in STATED],
)
def test_the_numbers_and_words_are_those_of_the_published_rules(
    name, measurands, percent, absolute, porta, nodules, treated
):
    criteria = load_criteria(name)

    def stated(section, keys):
        return {key: criteria.value(section, key) for key in keys}

    assert tuple(criteria.value("measurand", key) for key in WHERE) == measurands
    response = {"pr_decrease_percent": percent[0], "pd_increase_percent": percent[1], **absolute}
    assert stated("response", response) == response
    nodes = {**OWN_NODES, **porta}
    assert stated("node", nodes) == nodes
    assert stated("target", MEASURABLE) == MEASURABLE
    assert criteria.value("target", "treated_before") == treated
    viable = measurands[0].startswith("viable")
    assert criteria.value("target", "needs_enhancement") == viable
    assert set(criteria.value("target", "nontarget_findings")) == {
        "infiltrative", "diffuse", "ill_defined", "portal_thrombus", "thrombus", "effusion",
        "ascites",
    }  # fmt: skip
    assert stated("new_lesion", SEEN) == SEEN
    assert criteria.value("new_lesion", "hepatic_rule") == nodules
    assert set(criteria.value("new_lesion", "effusion_findings")) == {"effusion", "ascites"}
    assert set(criteria.value("new_lesion", "vascular_findings")) == {"portal_thrombus", "thrombus"}
    organs = {"portal_vein", "hepatic_vein", "vena_cava"}
    assert set(criteria.value("new_lesion", "vascular_organs")) == organs
    flag = {"growth_flag_percent": 20, "growth_flag_mm": 5}
    assert stated("nontarget", flag) == flag


def test_softer_tumour_and_confirmed_progression_have_the_published_numbers():
    assert load_criteria("choi").value("attenuation", "pr_decrease_percent") == 15
    immune = load_criteria("irecist").sections["immune"]
    assert {key: value for key, value in immune.items() if isinstance(value, int)} == {
        "target_growth_mm": 5, "new_growth_mm": 5, "new_minimum_mm": 10,
        "new_node_minimum_mm": 15, "max_new_targets": 5, "max_new_targets_per_organ": 2,
        "earliest_days": 28, "usual_latest_days": 56,
    }  # fmt: skip
