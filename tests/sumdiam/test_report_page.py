"""The report: one file that needs nothing, says what it shows, and does not change by itself."""

import re
from dataclasses import replace
from html.parser import HTMLParser
from urllib.parse import unquote

import pandas as pd
import pytest

from assessment import assess
from assessment.liver_table import with_liver_function
from measurement.table import TableError
from sumdiam.report.page import write_report
from sumdiam.report.run_tables import InputDigest, RunFacts, RunTables

from .fake_run import fake_run

FACTS = RunFacts(
    title="Trial",
    software_version="0.1.0",
    simulated=True,
    versions={"numpy": "2.2"},
    configuration={"criteria": "mrecist"},
    inputs=(InputDigest("archive", "ab" * 32),),
    archive={"Series found": 288},
)


class Page(HTMLParser):
    """Collects ids, links, sources and the text of every section."""

    VOID = ("meta", "br", "img", "input", "link", "path", "use")

    def __init__(self, html: str) -> None:
        super().__init__()
        self.ids, self.hrefs, self.sources, self.stack = [], [], [], []
        self.text: dict[str, str] = {}
        self.section = ""
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        if "id" in found:
            self.ids.append(found["id"])
        self.hrefs += [v for k, v in found.items() if k in {"href", "xlink:href"}]
        self.sources += [v for k, v in found.items() if k == "src"]
        if tag == "section":
            self.section = found["id"]
        if tag not in self.VOID:
            self.stack.append(tag)

    def handle_endtag(self, tag):
        if tag not in self.VOID:
            assert self.stack.pop() == tag

    def handle_data(self, data):
        words = " ".join(data.split())
        self.text[self.section] = f"{self.text.get(self.section, '')} {words}".replace("\xa0", " ")


@pytest.fixture(scope="module")
def run():
    return fake_run(side=190)


@pytest.fixture(scope="module")
def small():
    return fake_run(n_subjects=8, n_lesions=2)


@pytest.fixture(scope="module")
def html(run, tmp_path_factory):
    out = tmp_path_factory.mktemp("run") / "report.html"
    assert write_report(run.tables, overlays=run.overlays, out=out, run_facts=FACTS) == out
    return out.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def page(html):
    return Page(html)


def written(tables, tmp_path, *, overlays=None, facts=FACTS, name="report.html"):
    out = tmp_path / name
    write_report(tables, overlays=overlays or {}, out=out, run_facts=facts)
    return out.read_text(encoding="utf-8")


def test_what_measurement_alone_moves_stands_beside_the_limits_of_sampling(page):
    text = page.text["survival"]
    assert "How far measurement alone moves the estimates" in text
    assert "as estimated (limits for other patients) 40.0 (30.0–50.0)" in text  # noqa: RUF001
    assert "measured again 39.0 (36.0–44.0)" in text  # noqa: RUF001
    assert "8 of 78 lengths of targets state no uncertainty" in text
    assert "Up to 1 of the 500 draws gave no estimate" in text


def test_the_page_asks_nothing_of_a_network(html, page):
    assert all(source.startswith("data:image/png;base64,") for source in page.sources if source)
    assert all(link.startswith("#") for link in page.hrefs)
    assert "default-src 'none'" in html
    addresses = re.findall(r"https?://[^\s\"'<]+", html)
    assert {a for a in addresses if "w3.org" not in a} == set()


def test_tags_are_closed_ids_are_unique_and_every_link_leads_somewhere(page):
    assert page.stack == []
    assert len(page.ids) == len(set(page.ids))
    assert {link[1:] for link in page.hrefs if link != "#"} <= set(page.ids)


def test_every_measurement_with_a_picture_is_linked_from_the_lesion_table(run, page):
    pictures = [i for i in page.ids if i.startswith("picture-")]
    assert len(pictures) == len(run.overlays) / 2  # both lengths of a lesion share a picture
    assert {f"#{i}" for i in pictures} <= set(page.hrefs)


def test_every_picture_says_what_it_shows_and_leads_back_to_its_row(run, page):
    rows = {i for i in page.ids if i.startswith("lesion-")}
    back = [link[1:] for link in page.hrefs if link.startswith("#lesion-")]
    assert len(back) == len(run.overlays) / 2
    assert set(back) <= rows
    first = run.tables.measurements.iloc[0]
    words = f"{first['subject_id']}, {first['lesion_id']}, baseline (2019-12-30): viable diameter"
    assert words in page.text["pictures"]
    assert "slice 20" in page.text["pictures"]
    assert f"Series {first['series_uid']}" in page.text["pictures"]
    assert "value decided by R1; drawn is the automatic caliper" in page.text["pictures"]


def test_a_quantity_without_a_picture_of_its_own_leads_to_the_one_it_is_seen_on(small, tmp_path):
    tables = small.tables
    viable = tables.measurements[tables.measurements["quantity"] == "viable_diameter"].head(1)
    lesion = (tables.lesions["viable_diameter_id"] == viable["measurement_id"].iloc[0]).to_numpy()
    volume = viable.assign(measurement_id="v1", quantity="viable_volume", unit="ml", value=12.34)
    lesions = tables.lesions.copy()
    lesions.loc[lesion, "viable_volume_id"] = "v1"
    lesions.loc[lesion, "viable_volume_ml"] = 12.34
    more = replace(tables, lesions=lesions, measurements=pd.concat([tables.measurements, volume]))
    html = written(more, tmp_path, overlays=small.overlays)
    anchor = f"picture-{viable['measurement_id'].iloc[0]}"
    assert f'<a href="#{anchor}">12.3</a>' in html


@pytest.mark.parametrize(
    ("end", "words"),
    [
        ((0.0, 20.0), "(dashed);"),
        ((1.0, 20.0), "(dashed);"),
        ((10.0, 20.0), "(dashed; several long axes tie, the short one lies across another"),
    ],
)
def test_a_dashed_axis_that_is_not_across_the_drawn_one_says_so(small, tmp_path, end, words):
    rows = small.tables.measurements
    first = rows[rows["quantity"] == "viable_diameter"].head(1)

    def drawn(row, x, y, **cells):
        ends = dict.fromkeys([f"end{n}_{axis}_mm" for n in (1, 2) for axis in "xyz"], 0.0)
        return row.assign(**ends | {"end2_x_mm": x, "end2_y_mm": y} | cells)

    long = drawn(first, 30.0, 0.0)
    short = drawn(first, *end, measurement_id="short", quantity="viable_perpendicular")
    rest = rows.drop(first.index)
    tables = replace(small.tables, measurements=pd.concat([long, short, rest]))
    text = Page(written(tables, tmp_path, overlays=small.overlays)).text["pictures"]
    assert words.rstrip(";") in text


def test_the_waterfall_names_bars_at_minus_100_that_are_no_cr_and_cr_that_is_short_of_it(
    small, tmp_path
):
    rows = small.tables.outcomes.copy()
    names = rows["subject_id"].tolist()
    rows.loc[rows.index[0], ["best_response", "best_change_percent"]] = "PR", -100.0
    rows.loc[rows.index[1], ["best_response", "best_change_percent"]] = "CR", -90.9
    rows.loc[rows.index[2], ["best_response", "best_change_percent"]] = "CR", -100.0
    text = Page(written(replace(small.tables, outcomes=rows), tmp_path)).text["change"]
    assert f"not CR (non-target lesions decide too): {names[0]} is PR." in text
    assert f"(nodes of normal size stay in the sum): {names[1]}." in text


@pytest.mark.parametrize(
    ("criteria", "unit", "words", "factor"),
    [("who", "mm²", "Sum of products of two diameters", 20.0), ("vrecist", "ml", "volumes", 0.5)],
)
def test_sums_are_shown_in_the_unit_of_the_rule_set(small, tmp_path, criteria, unit, words, factor):
    """Every lesion is 20 mm across, or has half a millilitre to each millimetre of its length."""
    tables = small.tables
    length = tables.lesions["whole_diameter_mm"]
    lesions = tables.lesions.assign(
        whole_perpendicular_mm=length.where(length == 0, 20.0).where(length >= 20, length),
        whole_volume_ml=(length * 0.5).round(2),
    )
    made = assess(lesions, criteria=(criteria,), probabilities=False)
    changed = replace(
        tables, lesions=lesions, selections=made.selections, responses=made.responses,
        outcomes=made.outcomes, events=made.events,
    )  # fmt: skip
    text = Page(written(changed, tmp_path)).text["course"]
    assert f"Sum, {unit}" in text
    assert words in text
    role = made.selections.set_index(["subject_id", "lesion_id"])["role"]
    first = lesions[lesions["timepoint"] == 0].set_index(["subject_id", "lesion_id"])
    subject = first[first["whole_diameter_mm"] >= 20].index[0][0]
    own = first.loc[[subject]]
    own = own[role.reindex(own.index) == "target"]["whole_diameter_mm"]
    assert (own >= 20).all()
    assert f" {factor * own.round(1).sum():.1f} " in text
    changes = made.responses[f"change_from_baseline_{'mm2' if unit == 'mm²' else unit}"].dropna()
    assert f"{abs(changes.iloc[0]):.1f} {unit}" in text


def test_tests_and_censoring_are_said_in_words(page):
    text = page.text["response"]
    assert "Fisher's exact where a count is below 5, else chi-square; Welch's t for numbers" in text
    assert "ends at the last images; new therapy and missed visits are ignored" in text


def test_a_progression_says_what_made_it_one(run, html, page):
    rows = run.tables.responses
    new = rows[(rows["overall_response"] == "PD") & (rows["new_lesion"] == "yes")]
    assert len(new)
    assert html.count("<small>new lesion") == len(new)
    assert "PD sum of targets" in page.text["course"]


def test_a_percentage_of_a_visit_never_seems_to_reach_a_cut_off_that_it_misses(small, tmp_path):
    rows = small.tables.responses.copy()
    later = rows.index[rows["timepoint"] > 0][0]
    rows.loc[later, ["change_from_baseline_percent", "change_from_nadir_percent"]] = -29.96, 19.96
    text = Page(written(replace(small.tables, responses=rows), tmp_path)).text["course"]
    assert "−29.96 %" in text  # noqa: RUF001
    assert "+19.96 %" in text


def test_a_lesion_is_counted_as_flagged_by_the_length_that_counts_alone(small, tmp_path):
    rows = small.tables.measurements.copy()
    rows["flags"] = "low_cnr"
    rows.loc[rows["quantity"] == "viable_diameter", "flags"] = None
    assert set(small.tables.lesions["site"]) == {"hepatic"}  # where viable tissue counts
    text = Page(written(replace(small.tables, measurements=rows), tmp_path)).text["read"]
    assert re.search(r"flagged in the length that counts\s+0/", text)


def test_the_course_says_that_the_study_of_a_visit_was_refused(page):
    assert "study refused: missing slice" in page.text["course"]


def test_misleading_comparisons_are_named(page):
    assert "immortal time" in page.text["survival"]
    text = page.text["response"]
    for words in ("Depth of response†", "Time to response†", "no longer randomised groups",
                  "Time to progression censors deaths"):  # fmt: skip
        assert words in text


def test_what_no_longer_enhances_is_not_called_absent_and_what_is_unused_is_struck_out(
    small, tmp_path
):
    lesions = small.tables.lesions.copy()
    lesions.loc[0, ["viable_diameter_mm", "whole_diameter_mm", "status"]] = 0.0, 26.1, "absent"
    lesions.loc[1, ["viable_diameter_mm", "status"]] = 31.7, "not_evaluable"
    html = written(replace(small.tables, lesions=lesions), tmp_path)
    assert "nothing viable" in Page(html).text["lesions"]
    assert re.search(r'<td class="unused n"[^>]*>31\.7', html)


def test_the_heading_says_version_rules_policies_and_what_it_is_not(page):
    head = page.text[""]
    for words in ("sumdiam 0.1.0", "mRECIST for hepatocellular carcinoma", "default", "seed",
                  "not a medical device", "Simulated data", "Lencioni"):  # fmt: skip
        assert words in head


def test_the_response_table_holds_the_counts_with_exact_limits_and_named_tests(run, page):
    outcomes = run.tables.outcomes.merge(run.tables.subjects[["subject_id", "arm"]])
    hits = outcomes.groupby("arm")["objective_response"].sum()
    assert (int(hits["RE + sorafenib"]), int(hits["sorafenib"])) == (7, 4)
    text = page.text["response"]
    assert "7/12 (58.3 %; 27.7–84.8)" in text  # noqa: RUF001 - R: binom.test(7, 12)
    assert "4/12 (33.3 %; 9.9–65.1)" in text  # noqa: RUF001 - R: binom.test(4, 12)
    assert "0.414 (Fisher exact)" in text  # R: fisher.test(matrix(c(7, 5, 4, 8), 2))
    assert "Clopper-Pearson" in text
    assert "(log-rank)" in text
    assert "HR" in text


def test_refused_studies_come_with_reason_and_remedy(page):
    text = page.text["read"]
    assert "missing_slice" in text
    assert "Fetch the series again" in text
    assert "Studies refused 1" in text


def test_problems_of_the_input_are_listed_with_their_remedy(small, tmp_path):
    problems = pd.DataFrame(
        {
            "code": ["not_dicom", "date_backwards"],
            "where": ["notes.txt", "DT-001"],
            "sentence": ["the file is not DICOM", "the visit lies before the baseline."],
            "refused": [False, True],
        }
    )
    text = Page(written(replace(small.tables, problems=problems), tmp_path)).text["read"]
    assert "refused date_backwards DT-001 the visit lies before the baseline." in text
    assert "noted not_dicom notes.txt the file is not DICOM. Nothing needs doing" in text


def test_a_refused_study_is_not_listed_a_second_time_among_the_problems(small, tmp_path):
    studies = small.tables.studies.copy()
    studies.loc[0, ["status", "reason_code", "reason"]] = "refused", "missing_slice", "a gap"
    uid = studies.loc[0, "study_uid"]
    problems = pd.DataFrame(
        {
            "code": ["missing_slice", "not_dicom"],
            "where": [f"series 1.2 of study {uid}", "notes.txt"],
            "sentence": ["a gap in a series", "the file is not DICOM"],
            "refused": [True, False],
        }
    )
    tables = replace(small.tables, studies=studies, problems=problems)
    text = Page(written(tables, tmp_path)).text["read"]
    assert "a gap in a series" not in text
    assert "notes.txt" in text
    assert "1 about the studies above are not listed again" in text


def test_table_1_counts_missing_and_names_its_tests(page):
    text = page.text["characteristics"]
    assert "Welch t" in text
    assert "missing 1 (4.2 %)" in text


def test_table_1_shows_liver_function_that_was_derived_with_two_decimals(small, tmp_path):
    people = small.tables.subjects.reset_index(drop=True)
    albumin = [str(30 + place) for place in range(len(people))]
    people = people.assign(bilirubin_umol_l="10", albumin_g_l=albumin).astype(
        {"bilirubin_umol_l": "string", "albumin_g_l": "string"}
    )
    tables = replace(small.tables, subjects=with_liver_function(people, "subjects.csv"))
    text = Page(written(tables, tmp_path)).text["characteristics"]
    # 0.66 - 0.085 (albumin): -1.89 to -2.49 for 30 to 37 g/L, all grade 2
    scores = [0.66 - 0.085 * float(value) for value in albumin[:8]]
    assert len(small.tables.outcomes["subject_id"].unique()) == 8
    assert f"ALBI score, mean (SD) −{abs(sum(scores) / 8):.2f} (0.21)" in text  # noqa: RUF001
    assert "ALBI grade" in text
    assert "Bilirubin, µmol/L" in text


def test_doubtful_responses_are_highlighted_with_their_probabilities(run, html, page):
    n_doubtful = int(run.tables.responses["within_error_of_cutoff"].sum())
    assert n_doubtful > 0
    assert page.text["course"].count("near a cut-off: PR 61 %, SD 39 %") == n_doubtful
    assert '<tr class="doubt"' in html


def test_flags_are_words(page):
    assert "enhancement hardly exceeds the noise" in page.text["lesions"]
    assert "low_cnr" not in page.text["lesions"]


def test_the_same_run_in_another_order_and_at_another_speed_gives_the_same_bytes(
    run, html, tmp_path
):
    shuffled = replace(
        run.tables,
        **{
            name: getattr(run.tables, name).iloc[::-1].reset_index(drop=True)
            for name in ("subjects", "lesions", "measurements", "responses", "outcomes", "events",
                         "plan", "studies", "selections", "timepoints")
        },
    )  # fmt: skip
    shuffled = replace(shuffled, studies=shuffled.studies.assign(seconds=99.0))
    assert written(shuffled, tmp_path, overlays=run.overlays) == html


def test_swapped_arms_change_no_lesion_and_no_picture(run, page, tmp_path):
    swap = {"RE + sorafenib": "sorafenib", "sorafenib": "RE + sorafenib"}
    subjects = run.tables.subjects.assign(arm=run.tables.subjects["arm"].map(swap).astype("string"))
    other = Page(written(replace(run.tables, subjects=subjects), tmp_path, overlays=run.overlays))
    for section in ("read", "lesions", "pictures"):
        assert other.text[section] == page.text[section]
    assert other.text["response"] != page.text["response"]


def test_a_control_arm_that_is_named_comes_first_and_turns_the_comparisons_round(small, tmp_path):
    first = Page(written(small.tables, tmp_path))
    named = replace(FACTS, control_arm="sorafenib")
    out = write_report(small.tables, overlays={}, out=tmp_path / "named.html", run_facts=named)
    second = Page(out.read_text(encoding="utf-8"))

    def ratio(page: Page) -> float:
        return float(re.search(r"HR (\d+\.\d+)", page.text["response"]).group(1))

    for section in ("characteristics", "response"):
        for page, arms in (
            (first, ["RE + sorafenib", "sorafenib"]),
            (second, ["sorafenib", "RE + sorafenib"]),
        ):
            heads = re.findall(r"(RE \+ sorafenib|sorafenib) \(n = \d+\)", page.text[section])
            assert heads[:2] == arms, section
    assert "sorafenib versus RE + sorafenib" in first.text["response"]
    assert "RE + sorafenib versus sorafenib: difference" in second.text["response"]
    assert ratio(first) * ratio(second) == pytest.approx(1, abs=0.02)
    for section in ("course", "lesions", "read"):
        assert first.text[section] == second.text[section]


def test_a_control_arm_without_a_subject_is_refused(small, tmp_path):
    facts = replace(FACTS, control_arm="sorafenb")
    with pytest.raises(TableError, match=r"no subject is in arm 'sorafenb' \(nearest: sorafenib\)"):
        write_report(small.tables, overlays={}, out=tmp_path / "r.html", run_facts=facts)


def test_four_hundred_pictures_stay_below_15_mb(run, html):
    assert len(set(run.overlays.values())) > 380
    assert sum(map(len, run.overlays.values())) / len(run.overlays) > 15_000
    assert len(html) < 15_000_000


def test_without_a_subject_table_all_subjects_are_one_group_and_gaps_are_explained(run, tmp_path):
    bare = replace(run.tables, subjects=RunTables().subjects)
    bare = replace(bare, events=bare.events[bare.events["endpoint"] == "none"])
    text = Page(written(bare, tmp_path)).text
    assert "all subjects are one group" in text["response"]
    assert "No subject table was given" in text["characteristics"]
    assert "No times to event" in text["survival"]
    assert "11/24" in text["response"]
    assert "(Fisher" not in text["response"]


def test_an_empty_run_still_gives_a_page_that_says_so(tmp_path):
    text = Page(written(RunTables(), tmp_path)).text
    assert "No subjects." in text["flow"]
    assert "measurement alone" not in text["survival"]
    assert "No responses" in text["course"]
    assert "No lesions were measured" in text["lesions"]
    assert "No pictures" in text["pictures"]


def test_three_arms_and_no_arm_are_shown_and_words_from_tables_cannot_become_markup(
    small, tmp_path
):
    arms = pd.Series([None, *["A", "B", "<script>alert(1)</script>"] * 3], dtype="string")
    subjects = small.tables.subjects.assign(arm=arms[: len(small.tables.subjects)].array)
    html = written(replace(small.tables, subjects=subjects), tmp_path)
    text = Page(html).text["response"]
    assert "alert(1)</script> (n =" in text
    assert "<script>alert" not in html
    assert "HR" not in text  # no hazard ratio among three
    assert "log-rank" in text


def test_pictures_may_be_files_beside_the_report_and_figures_are_written_with_their_numbers(
    small, tmp_path
):
    first, second = sorted(small.overlays)[:2]
    (tmp_path / "overlays").mkdir()
    (tmp_path / "overlays" / "a.png").write_bytes(small.overlays[first])
    out = write_report(
        small.tables,
        overlays={first: "overlays/a.png", second: "overlays/gone.png"},
        out=tmp_path / "r.html",
        run_facts=FACTS,
        figures=tmp_path / "figures",
    )
    html = out.read_text(encoding="utf-8")
    assert html.count("data:image/png") == 1
    assert "not beside the report" in html
    names = {path.name for path in (tmp_path / "figures").iterdir()}
    assert {"waterfall.svg", "waterfall.png", "waterfall.pdf", "waterfall.csv"} <= names
    assert {f"kaplan_meier_{e}.csv" for e in ("PFS", "OS", "TTP")} <= names
    waterfall = pd.read_csv(tmp_path / "figures" / "waterfall.csv")
    assert len(waterfall) == small.tables.outcomes["best_change_percent"].notna().sum()
    # the response of a last scan is seen in its lane too
    lanes = pd.read_csv(tmp_path / "figures" / "swimmer.csv")
    lanes = lanes[lanes["what"] == "segment"]
    seen = set(zip(lanes["id"], lanes["category"], strict=True))
    followed = small.tables.responses[small.tables.responses["timepoint"] > 0]
    last = followed.sort_values("timepoint").drop_duplicates("subject_id", keep="last")
    assert set(zip(last["subject_id"], last["overall_response"], strict=True)) <= seen


def test_pictures_that_are_too_many_for_one_page_stay_beside_it_and_the_page_says_so(
    small, tmp_path
):
    (tmp_path / "overlays").mkdir()
    paths = {name: f"overlays/a {place}.png" for place, name in enumerate(small.overlays)}
    for name, path in paths.items():
        (tmp_path / path).write_bytes(small.overlays[name])
    size_mb = sum(len(content) for content in small.overlays.values()) / 1e6
    pages = {}
    for limit in (size_mb * 1.01, size_mb * 0.99):
        out = tmp_path / "r.html"
        write_report(
            small.tables, overlays=paths, out=out, run_facts=FACTS, embedded_mb=limit
        )  # fmt: skip
        pages[limit] = Page(out.read_text(encoding="utf-8"))
    held, linked = pages.values()
    assert all(source.startswith("data:image/png") for source in held.sources)
    assert len(linked.sources) == len(held.sources) > 1
    assert {unquote(one) for one in linked.sources} <= set(paths.values())
    assert "%20" in linked.sources[0]
    assert "overlays beside this file" in linked.text["pictures"]
    assert "beside this file" not in held.text["pictures"]


def test_other_readers_are_named_and_not_mixed_in(small, tmp_path):
    second = small.tables.outcomes.assign(reader="R2", objective_response=True)
    second["reader"] = second["reader"].astype("string")
    both = replace(small.tables, outcomes=pd.concat([small.tables.outcomes, second]))
    text = Page(written(both, tmp_path)).text
    assert "reader R2" in text[""]
    hits = int(small.tables.outcomes["objective_response"].sum())
    assert f"{hits}/8 (" in text["response"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"studies": pd.DataFrame({"study_uid": ["1"]})}, "studies: column subject_id"),
        ({"outcomes": pd.DataFrame({"subject_id": ["1"]})}, "outcomes: column reader"),
    ],
)
def test_a_table_of_another_shape_is_refused_by_name(small, tmp_path, change, message):
    with pytest.raises(TableError, match=message):
        written(replace(small.tables, **change), tmp_path)


def test_a_status_that_is_no_word_is_refused(small, tmp_path):
    odd = replace(small.tables, studies=small.tables.studies.assign(status="lost"))
    with pytest.raises(TableError, match="status lost"):
        written(odd, tmp_path)


def test_what_assessment_derives_makes_a_report(small, tmp_path):
    tables = small.tables
    found = assess(
        tables.lesions, timepoints=tables.timepoints, subjects=tables.subjects, scheme="seed"
    )
    names = ("selections", "policies", "responses", "outcomes", "events", "warnings")
    derived = replace(tables, **{name: getattr(found, name) for name in names})
    text = Page(written(derived, tmp_path)).text
    assert f"/{len(found.outcomes)} (" in text["response"]
    assert str(found.responses["reason"].dropna().iloc[1]) in text["course"]
    assert "confirm" in text["policies"]
    assert "Post-progression survival†" in text["response"]
    assert "Overall survival†" not in text["response"]
