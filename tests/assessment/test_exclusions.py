"""The published analysis' exclusions, with counts that balance."""

import pytest

from assessment import assess, exclusion_counts

# visits | subject | lesions | code
TABLE = [
    ("0 183", "", "L1 liver 50 50", "analysed"),
    ("0 184", "", "L1 liver 50 50", "no_followup_within_6_months"),
    ("0 90", "died=273", "L1 liver 50 50", "analysed"),
    ("0 90", "died=274", "L1 liver 50 50", "imaging_gap_before_death"),
    ("0 90", "died=274", "L1 liver 50 60", "analysed"),  # PD came first
    ("0 90-100", "died=283", "L1 liver 50 50", "analysed"),  # from the last scan
    ("0", "", "L1 liver 50", "no_followup_images"),
    ("", "", "", "no_followup_images"),
    ("", "", "L1 liver 50 50", "no_dates"),
]


def patients():
    return [
        {"patient": f"P{place}", "visits": visits, "subject": subject, "lesions": lesions}
        for place, (visits, subject, lesions, _) in enumerate(TABLE)
    ]


@pytest.fixture(scope="module")
def found(make_tables):
    made = make_tables(patients())
    return assess(made.pop("lesions"), policies="seed", **made)


def test_each_subject_is_analysed_or_left_out_for_a_reason(found):
    assert found.exclusions["code"].tolist() == [row[-1] for row in TABLE]
    kept = found.exclusions["analysed"].tolist()
    assert kept == [row[-1] in {"analysed", "no_dates"} for row in TABLE]


def test_the_counts_balance(found):
    counts = exclusion_counts(found.exclusions)
    assert counts["n"].sum() == len(TABLE)
    by_code = counts.set_index("code")["n"].to_dict()
    assert by_code == {
        "analysed": 4, "no_followup_images": 2, "no_followup_within_6_months": 1,
        "imaging_gap_before_death": 1, "no_dates": 1,
    }  # fmt: skip


def test_under_the_seed_set_the_excluded_leave_outcomes_and_events(found):
    kept = found.exclusions.loc[found.exclusions["analysed"], "subject_id"].tolist()
    assert found.outcomes["subject_id"].tolist() == kept
    assert sorted(found.events["subject_id"].unique()) == kept
    assert found.responses["subject_id"].nunique() == len(TABLE) - 1  # one has no visit at all


def test_under_the_default_set_they_are_only_listed(make_tables):
    made = make_tables(patients())
    result = assess(made.pop("lesions"), **made)
    assert len(result.outcomes) == len(TABLE)
    assert not result.exclusions["analysed"].all()
    alone = result.outcomes.set_index("subject_id").loc["P7"]
    assert (alone["best_response"], alone["best_response_reason"]) == (
        "NE", "no assessment after baseline",
    )  # fmt: skip


def test_a_subject_without_any_image_has_survival_and_an_event_only_by_death(make_tables):
    made = make_tables(
        [{"patient": "A", "subject": "died=40"}, {"patient": "B", "subject": "alive=50"}]
    )
    made.pop("timepoints")
    events = assess(made.pop("lesions"), **made).events.set_index(["subject_id", "endpoint"])
    days = {key: (row["days"], row["event"]) for key, row in events.iterrows()}
    assert days["A", "OS"] == (40, True)
    assert days["A", "PFS"] == (40, True)
    assert days["A", "TTP"] == (0, False)
    assert days["B", "OS"] == (50, False)
    assert days["B", "PFS"] == (0, False)
