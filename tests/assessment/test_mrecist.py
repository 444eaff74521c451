"""The usual door: what goes in, what comes out."""

import pandas as pd
import pytest

import assessment
from assessment import (
    Assessment,
    PolicyError,
    PolicySet,
    UnknownCriteriaError,
    assess,
    response_table,
)
from measurement.lesion_table import Lesions
from measurement.table import TableError, check, columns_of, empty_table

FRAMES = ("selections", "policies", "responses", "outcomes", "events", "exclusions", "warnings")
PATIENT = {
    "patient": "P",
    "lesions": "L1 liver 66.0 46.2 30; L2 lung 20 20 20",
    "visits": "0 60 120",
}


@pytest.fixture(scope="module")
def made(make_tables):
    return make_tables([PATIENT])


def test_every_frame_meets_its_published_schema(made):
    found = assess(**made)
    for name in FRAMES:
        model = getattr(response_table, name.capitalize())
        frame = getattr(found, name)
        assert list(frame.columns) == columns_of(model)
        check(frame, model, origin=name)


def test_several_rule_sets_are_assessed_in_one_call(made):
    found = assess(**made, criteria=("mrecist", "recist_1_1", "mrecist"))
    assert found.responses["criteria"].value_counts().to_dict() == {"mrecist": 3, "recist_1_1": 3}
    assert (found.events["endpoint"] == "OS").sum() == 1
    alone = assess(**made, criteria=("recist_1_1",)).responses
    both = found.responses.query("criteria == 'recist_1_1'").reset_index(drop=True)
    pd.testing.assert_frame_equal(alone, both)


def test_overall_survival_belongs_to_no_reader_and_no_rule_set(made):
    row = assess(**made).events.query("endpoint == 'OS'").iloc[0]
    assert (row["reader"], row["criteria"]) == ("none", "none")


def test_a_policy_set_can_be_handed_in(made):
    found = assess(**made, policies=PolicySet("seed", {"confirm": "on"}))
    assert set(found.outcomes["policy_id"]) == {PolicySet("seed", {"confirm": "on"}).policy_id}
    assert set(found.events["scheme"]) == {"seed"}


def test_the_same_input_gives_the_same_bytes(made):
    one, other = assess(**made), assess(**made)
    for name in FRAMES:
        assert getattr(one, name).to_csv() == getattr(other, name).to_csv()


def test_empty_tables_give_empty_tables():
    found = assess(empty_table(Lesions))
    assert isinstance(found, Assessment)
    for name in FRAMES:
        assert len(getattr(found, name)) == (0 if name != "policies" else len(found.policies))


def test_covariates_of_subjects_are_left_alone(made):
    wide = {**made, "subjects": made["subjects"].assign(age_years="61")}
    pd.testing.assert_frame_equal(assess(**wide).events, assess(**made).events)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"criteria": ("recist",)}, UnknownCriteriaError, "nearest: "),
        ({"policies": "soramic"}, PolicyError, "Choose from default, seed"),
        ({"scheme": "fda"}, PolicyError, "Choose from seed, treatment_policy, fda_strict"),
        ({"select": "largest"}, PolicyError, 'choose "given"'),
    ],
)
def test_a_name_that_is_not_known_is_refused(made, options, error, message):
    with pytest.raises(error, match=message):
        assess(**made, **options)


def test_a_status_outside_its_list_names_the_row(made):
    lesions = made["lesions"].assign(status="gone")
    with pytest.raises(TableError, match="subject_id=P"):
        assess(lesions)


def test_scan_dates_in_the_lesion_table_replace_the_table_of_timepoints(made):
    days = made["timepoints"].set_index("timepoint")["first_scan_on"]
    lesions = made["lesions"].assign(scan_on=made["lesions"]["timepoint"].map(days))
    found = assess(lesions, subjects=made["subjects"]).events
    pd.testing.assert_frame_equal(found, assess(**made).events)


def test_time_starts_at_randomisation_else_treatment_else_the_baseline_scan(made, make_tables):
    def start(subject, subjects=True):
        tables = make_tables([{**PATIENT, "visits": "-5 60 120", "subject": subject}])
        if not subjects:
            tables.pop("subjects")
        row = assess(**tables).events.query("endpoint == 'PFS'").iloc[0]
        return row["days"], row["reason"].split(":")[0]

    assert start("rand=0 treated=3") == (120, "from randomisation")
    assert start("rand= treated=3") == (117, "from start of treatment")
    assert start("rand=") == (125, "from baseline scan")
    assert start("", subjects=False) == (125, "from baseline scan")


def test_sd_of_a_subject_without_a_start_stands_and_says_that_no_interval_was_applied(make_tables):
    early = {"visits": "0 30", "lesions": "L1 liver 30 30"}
    tables = make_tables(
        [
            {"patient": "A", "subject": "rand=0", **early},
            {"patient": "B", "subject": "rand=", **early},
        ]
    )
    found = assess(**tables).outcomes.set_index("subject_id")
    assert found["best_response"].to_dict() == {"A": "NE", "B": "SD"}
    reason = found["best_response_reason"]
    assert reason["A"] == "SD only within 42 days of the start, and no PD after it"
    assert reason["B"] == "no_dates: the minimum interval for SD was not applied"


def test_without_a_table_of_subjects_there_is_no_survival(made):
    events = assess(made["lesions"], timepoints=made["timepoints"]).events.set_index("endpoint")
    assert pd.isna(events.loc["OS", "days"])
    assert events.loc["OS", "reason"] == "no_dates: no table of subjects"


def test_a_death_before_the_start_has_no_time_and_says_so(short):
    events = short("L1 liver 30 30", "-90 -60", "rand=0 died=-30").events.set_index("endpoint")
    assert pd.isna(events.loc["OS", "days"])
    assert events.loc["OS", "reason"].startswith("dates_backwards")


def test_a_subject_that_nobody_knows_to_be_alive_has_no_survival(short):
    events = short("L1 liver 30 30", "", "rand=0 alive=").events.set_index("endpoint")
    assert events.loc["OS", "reason"] == "neither died nor known to be alive"


def test_two_readers_of_one_subject_share_its_visits(make_tables):
    tables = make_tables([PATIENT])
    first = tables["lesions"]
    second = first[first["timepoint"] != 1].assign(reader="2")
    found = assess(pd.concat([first, second]), timepoints=tables["timepoints"]).responses
    assert found.query("reader == '2'")["overall_response"].tolist()[1:] == ["NE", "PR"]
    assert found.query("reader == '1'")["overall_response"].tolist()[1:] == ["SD", "PR"]


def test_a_visit_that_only_another_reader_recorded_is_no_baseline_of_this_one(make_tables):
    tables = make_tables([PATIENT])
    first = tables["lesions"]
    second = first[first["timepoint"] == 2].assign(reader="2")
    found = assess(pd.concat([first, second])).responses.query("reader == '2'")
    assert found["overall_response"].tolist()[1:] == ["NE", "NE"]


def test_everything_that_is_public_is_there():
    for name in assessment.__all__:
        assert getattr(assessment, name) is not None


def test_the_baseline_has_no_response(short):
    found = short("L1 liver 30 20; T1 liver!n pres pres", "0 60").responses.iloc[0]
    kinds = ("target", "nontarget", "overall", "hepatic", "recorded")
    assert found[[f"{kind}_response" for kind in kinds]].isna().all()
    assert found["timepoint"] == 0


def test_where_nobody_has_a_nontarget_a_complete_response_stays(short):
    found = short("L1 liver 30 0 0", "0 60 120").responses
    assert found["overall_response"].tolist()[1:] == ["CR", "CR"]
    assert found["nontarget_response"].tolist()[1:] == ["NA", "NA"]
