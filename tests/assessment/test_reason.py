"""The words beside each response."""

import re
from decimal import ROUND_HALF_UP, Decimal

import pytest

from assessment import assess

TABLE = [
    ("L1 liver 66.0 46.2", "sum 46.2 mm, -30.0 % from baseline 66.0 mm: PR; overall PR"),
    ("L1 liver 66.0 46.3",
     "sum 46.3 mm, -29.8 % from baseline 66.0 mm, -29.8 % (-19.7 mm) from nadir 66.0 mm: SD; overall SD"),
    ("L1 liver 50 60", "sum 60.0 mm, +20.0 % (+10.0 mm) from nadir 50.0 mm: PD; overall PD"),
    ("L1 liver 100 119.99", "+20.0 % (+20.0 mm) from nadir 100.0 mm: PD"),  # rounded to 120.0 once
    ("L1 liver 149.9 179.8", "+19.9 % (+29.9 mm) from nadir 149.9 mm: SD"),  # 19.946
    ("L1 liver 77.8 93.5", "+20.2 % (+15.7 mm) from nadir 77.8 mm: PD"),  # 20.1799 rounds up
    ("L1 liver 80.0 85.0", "+6.3 % (+5.0 mm) from nadir 80.0 mm: SD"),  # 6.25, half up
    ("L1 liver 80.0 75.0", "-6.3 % from baseline 80.0 mm"),  # -6.25, half away from zero
    ("L1 liver 249.9 299.8", "+19.97 % (+49.9 mm) from nadir 249.9 mm: SD"),  # not the 20.0 of PD
    ("L1 liver 249.9 175.0", "-29.97 % from baseline 249.9 mm"),  # not the 30.0 of PR
    ("L1 liver 999.9 700.0", "-29.99 % from baseline 999.9 mm"),
    ("L1 liver 30 0; T1 liver!n pres pres",
     "all targets gone (sum 0.0 mm): CR; non-target NON-CR/NON-PD; overall PR"),
    ("L1 liver 30 20; L2 liver 30 ne", "1 of 2 targets measured (L2 is not): NE; overall NE"),
    ("L1 liver 30 90; L2 liver 30 ne", "measured part: sum 90.0 mm, +50.0 % (+30.0 mm) from nadir"),
    ("L1 liver ?w40 ?w40", "no length that these criteria measure (liver: viable_diameter): NE"),
    ("L1 liver!t 0w40 0w40", "baseline sum is 0 mm: no percentage can be taken"),
    ("L1 liver!t ne 30", "baseline sum not complete: NE"),
    ("T1 liver!n pres pres", "no target; non-target NON-CR/NON-PD; overall NON-CR/NON-PD"),
    ("L1 liver 50 50; N1 liver - 12/wash", "; new lesion N1 (12.0 mm, typical pattern); overall PD"),
    ("L1 liver 50 50; N1 liver - 12", "new lesion N1 (12.0 mm, washout unknown), in doubt; overall SD"),
    ("L1 liver 50 50; N1 liver - 8/wash", "N1 (8.0 mm, typical pattern, under 10.0 mm), in doubt"),
    ("L1 liver 50 50; N1 liver - 12/aty", "N1 (12.0 mm, atypical, 0.0 mm grown since first seen)"),
    ("L1 liver 50 50; N1 node 6 12", "new lesion N1 (node of 12.0 mm, smallest before 6.0 mm)"),
    ("L1 liver 50 50; N1 node - pres", "new lesion N1 (node, short axis not given); overall PD"),
    ("L1 liver 50 50; E1 effusion - pres/cyt+", "new lesion E1 (effusion, cytology positive)"),
    ("L1 liver 50 50; N1 lung - eq", "new lesion N1 (called equivocal), in doubt"),
]  # fmt: skip


@pytest.mark.parametrize(("lesions", "words"), TABLE)
def test_the_reason_says_what_was_found(short, lesions, words):
    reason = short(lesions, "0 60").responses["reason"].tolist()[1]
    assert words in reason, reason


def test_the_reason_and_the_table_show_one_number(make_tables):
    """Each reason's first percentage is its row's, rounded half up from the exact quotient."""
    tenths = {f"P{n:04}": n for n in range(1, 447)}  # up to +20 %
    made = make_tables(
        [
            {"patient": name, "lesions": f"L1 liver 37.3 {n / 10}", "visits": "0 60"}
            for name, n in tenths.items()
        ]
    )
    found = assess(made.pop("lesions"), **made).responses.query("timepoint == 1")
    assert len(found) == len(tenths)
    for row in found.to_dict("records"):
        exact = Decimal(tenths[row["subject_id"]] - 373) * 100 / Decimal(373)
        written = re.findall(r"([+-][0-9.]+) %", row["reason"])[0]
        places = Decimal(1).scaleb(-len(written.partition(".")[2]))
        assert Decimal(written) == exact.quantize(places, ROUND_HALF_UP), row["reason"]
        assert row["change_from_baseline_percent"] == pytest.approx(float(exact), abs=1e-12)


LATER = [
    ("L1 liver!t 6 0 5; T1 liver!n pres pres pres", "0 60 120", "",
     "-16.7 % from baseline 6.0 mm, +5.0 mm from nadir 0 mm: SD"),
    ("L1 liver 30 0 4", "0 60 120", "", "nadir 0 mm, a target is there again after overall CR: PD"),
    ("L1 liver 30 0 12", "0 60 120", "reappearance=sum", "a vanished target has reached 10 mm again"),
    ("L1 liver 30 0 3; L2 liver 30 20 20", "0 60 120", "reappearance=pd_after_lesion_cr",
     "a vanished target is there again: PD"),
    ("L1 liver 100 70 72", "0 60 120", "pr_carry_forward=always", "PR carried forward"),
    ("L1 liver 50 60 60", "0 60 120", "after_pd=none", "after first PD: not assessed"),
    ("L1 liver 50 50; N1 liver - 8/wash 12/wash", "0 60 120", "", "typical pattern); overall PD"),
    ("L1 liver 50 50", "0 60n", "", "new lesions not looked for"),
    ("L1 liver 50 50", "1:0 2:60", "", "no baseline: timepoint 0 was not read; overall NE"),
]  # fmt: skip


@pytest.mark.parametrize(("lesions", "visits", "policies", "words"), LATER)
def test_the_reason_of_the_last_visit(short, lesions, visits, policies, words):
    reason = short(lesions, visits, policies=policies).responses["reason"].tolist()[-1]
    assert words in reason, reason


def test_a_response_dated_back_says_so(short):
    lesions = "L1 liver 50 50 50; N1 liver - 8/wash 12/wash"
    reason = short(lesions, "0 60 120").responses["reason"].tolist()[1]
    assert "dated back from a later visit" in reason


MISSING = [
    # lesions, reason given beside each not evaluable length, words
    ("L1 liver 30 20; L2 liver 30 ne", {"L2": "no arterial phase"},
     "1 of 2 targets measured (L2 is not: no arterial phase): NE"),
    ("L1 liver 30 ne; L2 liver 30 ne", {}, "0 of 2 targets measured (L1, L2 are not): NE"),
    ("L1 liver 30 ne; L2 liver 30 ne", {"L1": "no arterial phase", "L2": "no arterial phase"},
     "0 of 2 targets measured (L1, L2 are not: no arterial phase): NE"),
    ("L1 liver 30 ne; L2 liver 30 ne", {"L1": "no arterial phase", "L2": "rejected by reviewer"},
     "(L1, L2 are not: L1 no arterial phase; L2 rejected by reviewer): NE"),
    ("L1 liver 30 ne; L2 liver 30 -", {"L1": "no arterial phase"},
     "(L1, L2 are not: L1 no arterial phase; L2 no row at this visit): NE"),
    ("L1 liver 30 ne; L2 liver 30 pres", {}, "(L1, L2 are not: L2 no length): NE"),
    ("L1 liver 30 190; L2 liver 30 ne; L3 lung 30 ne", {"L2": "cut off", "L3": "cut off"},
     "from nadir 90.0 mm, 1 of 3 targets measured (L2, L3 are not: cut off): PD"),
    ("L1 liver 30 -; F liver - ne/split=L1", {"F": "cut off"},
     "0 of 1 targets measured (L1 is not: a fragment is not measured): NE"),
]  # fmt: skip


@pytest.mark.parametrize(("lesions", "given", "words"), MISSING)
def test_every_target_without_a_measurement_is_named_with_its_reason(
    make_tables, lesions, given, words
):
    made = make_tables([{"patient": "P", "lesions": lesions}])["lesions"]
    unread = made["status"].eq("not_evaluable").fillna(value=False)
    made["status_reason"] = made["lesion_id"].map(given).where(unread).astype("string")
    reason = assess(made).responses["reason"].tolist()[-1]
    assert words in reason, reason


def test_a_lesion_that_splits_later_is_missing_for_its_own_reason(make_tables):
    lesions = "L1 liver 30 ne -; F liver - - 12/split=L1"
    made = make_tables([{"patient": "P", "lesions": lesions}])["lesions"]
    reasons = assess(made).responses["reason"].tolist()
    assert "0 of 1 targets measured (L1 is not): NE" in reasons[1]
    assert "sum 12.0 mm" in reasons[2]


@pytest.mark.parametrize(
    ("lesions", "visits", "words"),
    [
        ("L1 liver 30; L2 liver 20", "0", "baseline: sum 50.0 mm of 2 targets"),
        ("L1 liver!t 30; L2 liver!t ne", "0", "baseline: not all targets measured (L2 is not)"),
        ("L1 liver 0w30", "0", "baseline: no target, no enhancing tumour"),
        ("T1 liver pres", "0", "baseline: no target"),
    ],
)
def test_the_baseline_says_what_it_is(short, lesions, visits, words):
    found = short(lesions, visits).responses.iloc[0]
    assert words in found["reason"]
    assert found[["overall_response", "target_response", "new_lesion"]].isna().all()
