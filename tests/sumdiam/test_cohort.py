"""The simulated cohort against the printed paper; figures recomputed by `stats`, lifelines, scipy.

Expected values are the paper's (`data/soramic/printed.toml`, and fixtures/seed where both have
them); nothing is taken from the search or its plan but in the tests that say so.
"""

import math
import re
import shutil
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest
from lifelines.statistics import logrank_test
from scipy.stats import chi2_contingency, fisher_exact, ttest_ind

from assessment import exclusion_counts
from assessment.liver_table import contradictions
from stats.logrank import logrank
from stats.regression import cox
from stats.survival import kaplan_meier
from sumdiam.archive.clinical import date_problems
from sumdiam.demo.cohort.comparison import (
    CONTRADICTS,
    CUT,
    DIFFERS,
    EQUAL,
    NOT_MET,
    as_markdown,
    compared,
)
from sumdiam.demo.cohort.printed import (
    ARMS,
    printed,
    printed_curves,
    printed_hazards,
    printed_tests,
    two_figures,
)
from sumdiam.demo.cohort.rederived import near_cutoff, rederive
from sumdiam.demo.cohort.solve import main as search
from sumdiam.demo.cohort.table import (
    data_folder,
    load_cohort,
    outlined,
    reader_findings,
)

FIXTURES = Path(__file__).parents[2] / "fixtures"
MONTH = 30.4375
HAZARDS = [*printed_hazards("OS"), *printed_hazards("PFS")]


@pytest.fixture(scope="module")
def cohort():
    return load_cohort()


@pytest.fixture(scope="module")
def rederived(cohort):
    return rederive(cohort)


@pytest.fixture(scope="module")
def patients(rederived):
    return rederived.patients


def by_arm(patients, mask):
    return [int((mask & (patients["arm"] == arm)).fillna(False).sum()) for arm in ARMS]


def group(patients, name):
    control = patients["disease_control"].astype(bool)
    named = {"all": control | True, "disease control": control, "no disease control": ~control}
    return named[name] if name in named else patients["arm"] == name


def times(patients, endpoint, mask):
    rows = patients[mask & patients[f"{endpoint}_days"].notna()]
    return rows[f"{endpoint}_days"].astype(float), rows[f"{endpoint}_event"].astype(int)


def test_177_of_288_are_analysed_and_the_rules_leave_out_the_others(rederived):
    counts = exclusion_counts(rederived.assessment.exclusions).set_index("code")["n"]
    flow = printed()["flow"]
    assert int(counts.sum()) == flow["per_protocol"] == 288
    assert counts["no_followup_images"] == 288 - flow["with_images"]
    late = counts["no_followup_within_6_months"] + counts["imaging_gap_before_death"]
    assert late == flow["excluded"]
    assert counts["analysed"] == len(rederived.patients) == 177
    assert rederived.patients["arm"].value_counts().to_dict() == printed()["arms"]


@pytest.mark.parametrize("best", ["CR", "PR", "SD", "PD"])
def test_best_response_per_arm_is_that_of_table_2(patients, best):
    assert by_arm(patients, patients["best_response"] == best) == printed()["response"][best]


@pytest.mark.parametrize("site", ["liver", "extrahepatic", "both"])
def test_first_progression_sites_per_arm_are_those_of_table_2(patients, site):
    expected = printed()["response"][f"site_{site}"]
    assert by_arm(patients, patients["first_progression_site"] == site) == expected


def test_progression_and_early_shrinkage_per_arm_are_those_of_table_2(patients):
    given = printed()["response"]
    assert by_arm(patients, patients["TTP_event"] == 1) == given["progression"]
    assert by_arm(patients, patients["ets"]) == given["ets"]


@pytest.mark.parametrize("curve", printed_curves(), ids=lambda c: f"{c.endpoint} {c.group}")
def test_medians_and_limits_are_within_a_twentieth_of_a_month_of_print(patients, curve):
    median = kaplan_meier(*times(patients, curve.endpoint, group(patients, curve.group))).median()
    found = (median.estimate, median.lower, median.upper)
    for value, months in zip(found, curve.months, strict=False):
        assert value / MONTH == pytest.approx(months, abs=0.05)


@pytest.mark.parametrize("one", printed_tests(), ids=lambda t: f"{t.endpoint} by {t.by}")
def test_log_rank_p_is_printed_so(patients, one):
    """lifelines' test: another library than the one that the report uses."""
    column = {"arm": "arm", "disease control": "disease_control"}.get(one.by, "objective_response")
    first = patients[column].astype(str).isin(["combination", "True"])
    a, b = times(patients, one.endpoint, first), times(patients, one.endpoint, ~first)
    p = logrank_test(a[0], b[0], a[1], b[1]).p_value
    assert one.window[0] <= p < one.window[1]


@pytest.mark.parametrize("one", HAZARDS, ids=lambda h: f"{h.endpoint} {h.factor}")
def test_univariable_hazard_ratios_are_printed_so_at_two_figures(patients, one):
    is_arm = one.factor == "arm"
    value = (patients["arm"] == ARMS[1]).astype("Int64") if is_arm else patients[one.factor]
    known = value.notna()
    time, event = times(patients, one.endpoint, known)
    (term,) = cox(time, event, pd.DataFrame({"x": value[known].astype(str)})).terms
    low, high = two_figures(float(one.printed[0]))
    assert low <= term.hazard_ratio < high
    for found, word in ((term.lower, one.printed[1]), (term.upper, one.printed[2])):
        unit = 10.0 ** (math.floor(math.log10(float(word))) - 1)
        assert abs(found - float(word)) <= max(0.02 * float(word), unit)


@pytest.mark.parametrize("name", printed()["baseline"])
def test_table_1_per_arm_is_as_printed(patients, name):
    entry = printed()["baseline"][name]
    assert by_arm(patients, patients[name] == 1) == entry["n"]
    assert by_arm(patients, patients[name].isna()) == entry.get("missing", [0, 0])


AMOUNTS = {
    "time_to_response": ("time_to_response_days", MONTH, 0.05),
    "time_of_dpr": ("dpr_days", MONTH, 0.05),
    "dpr": ("dpr_percent", 1, 0.1),
    "target_size": ("target_size_mm", 1, 0.1),
}


@pytest.mark.parametrize("name", AMOUNTS)
def test_medians_means_and_welch_p_are_those_of_the_tables(patients, name):
    column, unit, allowed = AMOUNTS[name]
    entry = next(one for one in printed()["amount"] if one["name"] == name)
    values = patients[column].astype(float) / unit
    parts = {arm: values[patients["arm"] == arm].dropna() for arm in ARMS}
    for who, part in (parts | {"overall": values.dropna()}).items():
        assert part.median() == pytest.approx(entry[who][0], abs=allowed)
        assert part.mean() == pytest.approx(entry[who][1], abs=allowed)
    p = ttest_ind(*parts.values(), equal_var=False).pvalue
    if isinstance(entry["p"], str):
        assert p < 0.001
    else:
        assert p == pytest.approx(entry["p"], abs=0.0005)


def test_first_scans_and_numbers_of_scans_are_those_of_the_text(patients):
    first = patients["first_scan_days"] / MONTH
    entry = next(one for one in printed()["amount"] if one["name"] == "first_scan")
    assert first.median() == pytest.approx(entry["overall"][0], abs=0.05)
    assert [first.min(), first.max()] == pytest.approx(entry["range"], abs=0.05)
    given = printed()["response"]
    for place, arm in enumerate(ARMS):
        scans = patients.loc[patients["arm"] == arm, "scans"]
        assert scans.median() == given["scans_median"][place]
        assert scans.quantile([0.25, 0.75]).tolist() == given["scans_quartiles"][place]


def test_only_arm_and_child_pugh_class_are_associated_with_objective_response(patients):
    """Figure 2: one of 12 with Child-Pugh B responded."""
    responded = patients["objective_response"].astype(bool)
    b = patients["child_pugh_b"] == 1
    assert [int((responded & b).sum()), int(b.sum())] == [1, 12]
    table = pd.crosstab(patients["child_pugh_b"], responded)
    assert fisher_exact(table).pvalue == pytest.approx(0.0139, abs=0.0001)
    for name in set(printed()["baseline"]) - {"child_pugh_b"}:
        table = pd.crosstab(patients[name], responded)
        assert chi2_contingency(table, correction=False).pvalue > 0.05, name


def test_between_30_and_50_percent_lie_within_a_reader_sd_of_the_cut_off(rederived):
    near = near_cutoff(
        rederived.patients, rederived.assessment.responses, baseline_cv=0.14, followup_cv=0.26
    )
    assert 0.30 <= near.mean() <= 0.50


def test_the_rules_give_what_the_search_planned_for_every_patient(cohort, patients):
    plan = cohort.plan.set_index("subject_id").loc[patients.index]
    pairs = {
        "best_response": "best_response",
        "first_progression_site": "first_site",
        "time_to_response_days": "first_response_day",
        "dpr_days": "deepest_day",
    }
    for column, planned in pairs.items():
        assert patients[column].astype("string").fillna("").tolist() == plan[planned].tolist()
    progressed = patients["TTP_days"].where(patients["TTP_event"] == 1).astype("Int64")
    assert progressed.astype("string").fillna("").tolist() == plan["first_pd_day"].tolist()
    assert Counter(plan["hepatic_pd_by"])["growth"] > 20  # not all by new lesions


def test_days_of_every_patient_can_be(cohort, patients):
    scans = cohort.timepoints[cohort.timepoints["timepoint"] > 0]
    day = scans["first_scan_on"] - scans["subject_id"].map(
        cohort.subjects.set_index("subject_id")["randomised_on"]
    )
    last = day.dt.days.groupby(scans["subject_id"]).max().reindex(patients.index)
    dead, progressed = patients["OS_event"] == 1, patients["TTP_event"] == 1
    assert (patients["PFS_days"] <= patients["OS_days"]).all()
    assert (last < patients["OS_days"])[dead].all()
    assert (patients["OS_days"] - last <= 183)[dead & ~progressed].all()
    gaps = day.dt.days.groupby(scans["subject_id"]).diff().dropna()
    analysed = scans["subject_id"].isin(patients.index).loc[gaps.index]
    assert gaps[analysed].between(28, 189).all()


def test_covariates_do_not_contradict_each_other(cohort, patients):
    assert contradictions(cohort.subjects, "subjects.csv") == ()
    b = patients["child_pugh_b"] == 1
    assert (patients.loc[b, ["cirrhosis", "albi_2"]] == 1).all(axis=None)
    assert (patients.loc[patients["diffuse"] == 1, "outside_up_to_7"] == 1).all()
    signs = (patients[["portal_invasion", "extrahepatic_spread", "ecog_1"]] == 1).any(axis=1)
    assert (signs == (patients["bclc_c"] == 1)).all()


def test_every_row_is_either_outlined_or_a_finding_of_the_reader(cohort):
    """So images and a table of findings together can give the lesions again."""
    found, drawn = reader_findings(cohort), outlined(cohort)
    assert len(found) + len(drawn) == len(cohort.lesions)
    assert set(found["finding"].dropna()) == {"portal_thrombus", "diffuse"}
    assert set(found["status"]) == {"present", "absent", "progressed"}
    assert not drawn["finding"].notna().any()
    assert set(drawn["organ"]) == {"liver", "lymph_node", "adrenal", "bone", "lung"}


def test_the_readme_counts_the_rows_of_every_table():
    folder = Path(str(data_folder()))
    rows = re.findall(r"^\| (\w+\.csv) \| (\d+) \|", (folder / "README.md").read_text(), re.M)
    assert {name: int(n) for name, n in rows} == {
        path.name: len(pd.read_csv(path)) for path in folder.glob("*.csv")
    }


def test_no_dates_go_backwards(cohort):
    assert date_problems(cohort.subjects, origin="subjects.csv") == ()


def test_every_subject_is_marked_as_simulated(cohort):
    assert cohort.subjects["subject_id"].str.fullmatch(r"SIM-\d{3}").all()
    assert (cohort.subjects["simulated"] == "true").all()
    assert set(cohort.lesions["subject_id"]) == set(cohort.subjects["subject_id"])


def test_the_multivariable_model_of_table_3_is_not_met_and_not_forced(patients):
    """The paper's p values are not those of its intervals; the cohort shows its own model."""
    assert any(one["what"] == "multivariable hazard ratios" for one in printed()["chosen"])
    covariates = pd.DataFrame(
        {"arm": patients["arm"], "child_pugh": patients["child_pugh_b"].astype(str)}
    )
    fit = cox(*times(patients, "PFS", patients["arm"].notna()), covariates)
    b = next(term for term in fit.terms if term.variable == "child_pugh")
    assert b.hazard_ratio > two_figures(2.6)[1]


TYPED_TWICE = {
    "Overall survival, months": "OS",
    "PFS, months": "PFS",
}


@pytest.mark.parametrize(("label", "endpoint"), TYPED_TWICE.items())
def test_printed_medians_were_typed_alike_by_two_people(label, endpoint):
    typed = pd.read_csv(FIXTURES / "seed" / "printed.csv", dtype=str, keep_default_na=False)
    rows = typed[(typed["variable"] == label) & (typed["statistic"] != "p")]
    arms = {"": "all", "RE + sorafenib": "combination", "Sorafenib": "sorafenib"}
    found = {arms[arm]: tuple(part["printed"].astype(float)) for arm, part in rows.groupby("arm")}
    assert found == {c.group: c.months for c in printed_curves() if c.endpoint == endpoint}


def test_printed_hazard_ratios_were_typed_alike_by_two_people():
    typed = pd.read_csv(FIXTURES / "seed" / "printed.csv", dtype=str, keep_default_na=False)
    rows = typed[typed["table"] == "Table 3 univariable"]
    found = [tuple(part["printed"]) for _, part in rows.groupby("variable", sort=False)]
    assert found == [one.printed for one in printed_hazards("PFS")]


def test_counts_were_typed_alike_by_two_people():
    typed = pd.read_csv(FIXTURES / "seed" / "count_p.csv", dtype=str, keep_default_na=False)
    first = {
        row.variable: [int(n) for n in row.counts.split(";")[:2]] for row in typed.itertuples()
    }
    baseline, response = printed()["baseline"], printed()["response"]
    pairs = {
        "Gender": "male", "Age": "age_65", "Race": "white", "Liver cirrhosis": "cirrhosis",
        "Hepatitis B": "hepatitis_b", "Hepatitis C": "hepatitis_c", "Alcohol": "alcohol",
        "Previous TACE": "previous_tace", "Diffuse disease": "diffuse",
        "Portal vein infiltration": "portal_invasion", "Up to 7": "outside_up_to_7",
        "Extrahepatic spread": "extrahepatic_spread", "AFP": "afp_400",
    }  # fmt: skip
    assert {name: first[name] for name in pairs} == {
        name: baseline[factor]["n"] for name, factor in pairs.items()
    }
    assert first["ETS"] == response["ets"]
    assert first["Progression"] == response["progression"]


def test_r_was_given_the_days_and_factors_that_the_rules_give(patients):
    """So the goldens below are of this cohort."""
    given = pd.read_csv(FIXTURES / "r" / "data_soramic.csv", index_col="subject_id")
    assert given.index.tolist() == patients.index.tolist()
    for name in given.columns:
        if name == "arm":
            assert given[name].tolist() == patients[name].tolist()
            continue
        assert given[name].astype("Int64").tolist() == patients[name].astype("Int64").tolist()


GOLDEN = pd.read_csv(FIXTURES / "r" / "soramic.csv").groupby(["endpoint", "by"])["what"].agg(set)


@pytest.fixture(scope="module")
def r_numbers():
    return pd.read_csv(FIXTURES / "r" / "soramic.csv").set_index(["endpoint", "by", "what"])[
        "value"
    ]


@pytest.mark.parametrize(("endpoint", "by"), [k for k, v in GOLDEN.items() if "median" in v])
def test_medians_are_those_of_r(patients, r_numbers, endpoint, by):
    median = kaplan_meier(*times(patients, endpoint, group(patients, by))).median()
    found = [median.estimate, median.lower, median.upper]
    assert found == [r_numbers[endpoint, by, what] for what in ("median", "lower", "upper")]


@pytest.mark.parametrize(("endpoint", "by"), [k for k, v in GOLDEN.items() if "logrank p" in v])
def test_log_rank_tests_are_those_of_r(patients, r_numbers, endpoint, by):
    everyone = patients["arm"].notna()
    known = patients.loc[patients[f"{endpoint}_days"].notna(), by].astype(str)
    test = logrank(*times(patients, endpoint, everyone), known)
    assert test.statistic == pytest.approx(r_numbers[endpoint, by, "logrank chi-square"], rel=1e-9)
    assert test.p_value == pytest.approx(r_numbers[endpoint, by, "logrank p"], rel=1e-9)


@pytest.mark.parametrize("one", HAZARDS, ids=lambda h: f"{h.endpoint} {h.factor}")
def test_hazard_ratios_are_those_of_r(patients, r_numbers, one):
    value = (patients["arm"] == ARMS[1]).astype("Int64")
    value = value if one.factor == "arm" else patients[one.factor]
    known = value.notna()
    covariates = pd.DataFrame({"x": value[known].astype(str)})
    (term,) = cox(*times(patients, one.endpoint, known), covariates).terms
    found = (term.hazard_ratio, term.lower, term.upper, term.p_value)
    for number, what in zip(found, ("ratio", "lower", "upper", "p"), strict=True):
        expected = r_numbers[one.endpoint, one.factor, f"hazard {what}"]
        assert number == pytest.approx(expected, rel=1e-7)


def test_no_deciding_sum_lies_within_half_a_millimetre_of_a_cut_off(rederived):
    """What pixels cost a diameter must decide neither best response nor progression."""
    found, patients = rederived.assessment.responses, rederived.patients
    found = found[(found["timepoint"] > 0) & found["subject_id"].isin(patients.index)]
    first = found["subject_id"].map(patients["first_progression_timepoint"])
    until = found[first.isna() | (found["timepoint"] <= first)]
    grown = (until["sum_mm"] - 1.2 * until["nadir_sum_mm"]).abs()
    assert grown[until["nadir_sum_mm"] > 0].min() > 0.5
    responding = until[until["overall_response"].isin(["CR", "PR"])]
    reached = responding.groupby("subject_id")["timepoint"].min()
    deciding = ~(until["timepoint"] > until["subject_id"].map(reached)).fillna(value=False)
    shrunk = (until["sum_mm"] - 0.7 * until["baseline_sum_mm"]).abs()
    assert shrunk[deciding].min() > 0.5


@pytest.mark.slow
@pytest.mark.compiled
def test_the_search_finds_a_cohort_again_from_the_kept_days(tmp_path, capsys):
    """On one machine its bytes are the same; another processor may round a last bit otherwise."""
    folder = Path(str(data_folder()))
    shutil.copy(folder / "days.csv", tmp_path)
    search(["--out", str(tmp_path)])
    left = [float(line.split()[-1]) for line in capsys.readouterr().out.splitlines()]
    assert len(left) == 4
    assert max(left) < 0.02
    for name in ("subjects", "timepoints", "plan"):
        again, kept = (pd.read_csv(place / f"{name}.csv") for place in (tmp_path, folder))
        assert list(again) == list(kept)
        assert len(again) > 100
    assert (tmp_path / "days.csv").read_bytes() == (folder / "days.csv").read_bytes()


def test_every_figure_that_can_be_recomputed_is_equal_to_print(patients):
    rows = compared(patients)
    words = Counter(row.verdict for row in rows)
    assert set(words) == {EQUAL, CUT, CONTRADICTS, NOT_MET}
    assert words[EQUAL] >= 212
    assert words[CUT] == 15  # the paper cuts digits off
    assert all(row.what.startswith("multivariable") for row in rows if row.verdict == NOT_MET)
    assert all(row.why for row in rows if row.verdict in (NOT_MET, CONTRADICTS))


def test_a_figure_that_is_off_says_so(patients):
    """The comparison can fail: one patient with another best response changes its verdicts."""
    other = patients.copy()
    other.loc[other.index[other["best_response"] == "CR"][0], "best_response"] = "PR"
    words = {row.what: row.verdict for row in compared(other)}
    assert [words[f"{best}, {arm}"] for best in ("CR", "PR") for arm in ARMS].count(DIFFERS) == 2
    other.loc[other["arm"] == "combination", "PFS_days"] += 30
    words = {row.what: row.verdict for row in compared(other)}
    assert words["PFS, combination, median"] == DIFFERS
    assert words["PFS, sorafenib, median"] == EQUAL


def test_the_page_of_the_simulated_trial_is_that_of_the_cohort(patients):
    page = (Path(__file__).parents[2] / "docs" / "simulated_trial.md").read_text(encoding="utf-8")
    assert as_markdown(compared(patients)) in page
