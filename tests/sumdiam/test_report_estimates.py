"""Tables and figures of estimates in a report, and the tables as files for a paper."""

import csv
import io
import re
import xml.etree.ElementTree as ET
import zipfile
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

from stats.comparison import SEED
from stats.consistency import FAULTS, check_paper
from sumdiam.report.agreement_grid import agreement_grid, draw_agreement, length_readings
from sumdiam.report.estimate import TABLE_TITLES, estimates, write_printed
from sumdiam.report.estimate_figure import draw_estimates
from sumdiam.report.figure import RESPONSE_COLOURS, draw_figures
from sumdiam.report.first_event import first_event
from sumdiam.report.grid import Grid, row_of
from sumdiam.report.printed_table import encode_table, grid_csv, grid_latex, grid_markdown
from sumdiam.report.regression_grid import regression_grid, regressions
from sumdiam.report.response_summary import endpoints
from sumdiam.report.run_tables import RunFacts, RunTables
from sumdiam.report.time_grid import time_grid
from sumdiam.report.view import choose_view

from .fake_run import fake_run


@pytest.fixture(scope="module")
def tables():
    return fake_run(n_subjects=61, side=8).tables.checked()


def second_reader(tables):
    """The same run with a second reader, who reads 2 mm more and calls one visit otherwise."""
    lesions = tables.lesions.assign(
        reader="B", viable_diameter_mm=tables.lesions["viable_diameter_mm"] + 2.0
    )
    responses = tables.responses.assign(reader="B")
    later = responses.index[responses["overall_response"] == "SD"][0]
    responses.loc[later, "overall_response"] = "PD"
    return RunTables(
        subjects=tables.subjects,
        lesions=pd.concat([tables.lesions, lesions], ignore_index=True),
        responses=pd.concat([tables.responses, responses], ignore_index=True),
        outcomes=tables.outcomes,
        events=tables.events,
    )


def cell(grid, label, column, after=""):
    """The text of a row's cell, the row being the first with that label below ``after``."""
    texts = [[c.text for c in row.cells] for row in grid.rows]
    start = next((i for i, t in enumerate(texts) if t[0] == after), 0)
    row = next(t for t in texts[start:] if t[0] == label)
    return row[grid.columns.index(column)].replace("\u00a0", " ")


def test_table_3_shows_both_models_each_called_what_it_is(tables):
    view = choose_view(tables, RunFacts())
    found = regressions(tables, view, ("child_pugh",))
    assert [one.name for one in found] == ["PFS", "OS"]
    grid = regression_grid(found[0])
    chosen, planned = (c for c in grid.columns if c.startswith("Multivariable"))
    assert "chosen by univariable p < 0.05" in chosen
    assert "prespecified" in planned
    assert cell(grid, "RE + sorafenib", planned) == "1 (reference)"
    assert cell(grid, "B", planned) != ""
    assert cell(grid, "B", chosen) == ""
    assert any("exploratory" in note for note in grid.notes)
    assert any("score test of proportional hazards" in note for note in grid.notes)
    assert all(p == "p (Wald)" for p in grid.columns if p.startswith("p"))


def test_table_3_tells_whether_the_arms_hazard_ratio_differs_by_a_factor(tables):
    view = choose_view(tables, RunFacts())
    grid = regression_grid(regressions(tables, view, ())[0])
    (note,) = [note for note in grid.notes if "interaction" in note]
    assert "without correction for multiple testing" in note
    assert re.search(r"Sex (< )?0\.\d{3}", note)
    assert "Arm 0" not in note
    subjects = tables.subjects.assign(arm=pd.Series(pd.NA, tables.subjects.index, "string"))
    one = replace(tables, subjects=subjects)
    alone = regressions(one, choose_view(one, RunFacts()), ())[0]
    assert alone.interactions == ()
    assert not any("interaction" in note for note in regression_grid(alone).notes)


def test_without_a_plan_table_3_says_how_to_have_one(tables):
    grid = regression_grid(regressions(tables, choose_view(tables, RunFacts()), ())[0])
    assert any("--adjust-for" in note for note in grid.notes)


def test_a_note_on_a_factor_alone_names_the_factor():
    few = fake_run(n_subjects=16, side=8).tables
    causes = ["alcohol", "HBV", "HCV", "other"] * 4
    subjects = few.subjects.assign(aetiology=[*causes, *causes][: len(few.subjects)])
    tables = replace(few, subjects=subjects).checked()
    view = choose_view(tables, RunFacts())
    pfs = view.events[view.events["endpoint"] == "PFS"]
    assert int(pfs["event"].sum()) == 14
    notes = regression_grid(regressions(tables, view, ())[0]).notes
    # four causes are three terms, for which 14 events are one too few; all others have one term
    assert [note for note in notes if "fragile" in note] == [
        "Univariable, Aetiology: 14 events for 3 terms, fewer than 5 each: fragile."
    ]


def test_times_tell_landmarks_means_hazards_and_what_competes(tables):
    view = choose_view(tables, RunFacts())
    grid = time_grid(view, endpoints(view), first_event(view))
    # by hand: share of the arm's subjects beyond 6 months, as nobody was censored before
    events = view.of_arm(view.events, "RE + sorafenib")
    pfs = events[events["endpoint"] == "PFS"]
    assert (pfs["event"] | (pfs["days"] > 183)).all()
    beyond = 100 * (pfs["days"] > 182.6).mean()
    told = cell(grid, "At 6 months, %", "RE + sorafenib", after="Progression-free survival")
    assert float(told.split(" ")[0]) == pytest.approx(beyond, abs=0.05)
    assert "(score test of proportional hazards" in cell(
        grid, "Proportional hazards", "p (test)", after="Overall survival"
    )
    progression = "Progression, cumulative incidence"
    label = "Subdistribution hazard ratio, Fine-Gray"
    assert cell(grid, label, "p (test)", after=progression).endswith("(Gray)")
    # in each arm the two incidences and the share free of both make 100 %
    for arm in view.arms:
        parts = [
            float(cell(grid, "At 6 months, %", arm, after=title).split(" ")[0])
            for title in (
                "Progression-free survival", progression,
                "Death without progression, cumulative incidence",
            )
        ]  # fmt: skip
        assert sum(parts) == pytest.approx(100, abs=0.16)


def test_an_arm_known_only_after_the_clock_started_is_warned_of(tables):
    late = tables.subjects.assign(
        randomised_on=tables.subjects["randomised_on"] + pd.Timedelta(days=40)
    )
    changed = RunTables(
        subjects=late, outcomes=tables.outcomes, events=tables.events, responses=tables.responses
    )
    view = choose_view(changed, RunFacts())
    grid = time_grid(view, endpoints(view), None)
    assert any("Overall survival: immortal-time bias" in note for note in grid.notes)
    third = regression_grid(regressions(changed, view, ())[0])
    assert any("mmortal-time bias" in note for note in third.notes)


def test_readers_agreement_is_told_with_limits_and_clusters(tables):
    two = second_reader(tables)
    view = choose_view(two, RunFacts())
    grid = agreement_grid(two, view)
    assert cell(grid, "Bias, mm", "Estimate (95 % CI)").startswith("−2.0 (")  # noqa: RUF001
    rows = length_readings(two)
    assert cell(grid, "Bias, mm", "Read by both") == str(len(rows.dropna()))
    assert cell(grid, "Bias, mm", "Subjects") == str(rows.dropna().subject_id.nunique())
    kappa = cell(grid, "Weighted kappa, CR, PR, SD, PD", "Estimate (95 % CI)")
    assert 0.9 < float(kappa.split(" ")[0]) <= 1
    assert list(draw_agreement(two)) == ["bland_altman_1"]
    assert agreement_grid(tables, choose_view(tables, RunFacts())).rows == ()


def test_figures_of_estimates_are_drawn_with_their_numbers(tables):
    two = second_reader(tables)
    view = choose_view(two, RunFacts())
    drawn = draw_estimates(two, view, SEED, regressions(two, view, ()), first_event(view))
    assert set(drawn) == {
        "forest_response", "forest_hazard_PFS", "forest_hazard_OS", "cumulative_incidence",
        "response_sankey", "bland_altman_1",
    }  # fmt: skip
    forest = drawn["forest_response"].plotted.set_index(["variable", "level"])
    outcomes = tables.outcomes.set_index("subject_id")["objective_response"]
    arm = tables.subjects.set_index("subject_id")["arm"].reindex(outcomes.index)
    assert forest.loc[("arm", "sorafenib"), "events"] == outcomes[arm == "sorafenib"].sum()
    assert "Age" in drawn["forest_response"].caption  # a number: said to be left out
    sankey = drawn["response_sankey"].plotted
    assert sankey[sankey.visit == 1].n.sum() == len(outcomes)


def lightness(colour):
    """CIE L* of a colour in a grey print (sRGB, white of D65)."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4
              for c in (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))]  # fmt: skip
    light = float(np.dot([0.2126, 0.7152, 0.0722], linear))
    return 116 * light ** (1 / 3) - 16


def test_best_responses_are_told_apart_in_a_grey_print():
    # CIE L*: a difference of 10 is seen at a glance between areas, 2.3 is just noticeable
    shades = sorted(lightness(RESPONSE_COLOURS[word]) for word in ("CR", "PR", "SD", "PD", "NE"))
    assert min(np.diff(shades)) > 10
    immune = sorted(lightness(RESPONSE_COLOURS[w]) for w in ("iCR", "iPR", "iUPD", "iCPD"))
    assert min(np.diff(immune)) > 6


def test_every_figure_of_courses_shows_the_subjects_of_the_analysis(tables):
    # an excluded subject has responses, but no outcome: it must be in no figure
    gone = tables.outcomes["subject_id"].iloc[0]
    fewer = replace(tables, outcomes=tables.outcomes[tables.outcomes["subject_id"] != gone])
    view = choose_view(fewer, RunFacts())
    drawn = draw_figures(fewer, view, endpoints(view), only=("waterfall", "spider", "swimmer"))
    for drawing in drawn.values():
        assert gone not in set(drawing.plotted["id"])
        assert set(drawing.plotted["id"]) <= set(fewer.outcomes["subject_id"])


@pytest.mark.parametrize("on", [True, False])
def test_estimates_leave_garbage_collection_as_they_found_it(tables, on):
    import gc

    was_on = gc.isenabled()
    (gc.enable if on else gc.disable)()
    try:
        view = choose_view(tables, RunFacts())
        estimates(tables, view, RunFacts(), only=())
        assert gc.isenabled() is on
        with pytest.raises(AttributeError):
            estimates(None, view, RunFacts())
        assert gc.isenabled() is on
    finally:
        (gc.enable if was_on else gc.disable)()


# ------------------------------------------------------------------------- tables as files

GRID = Grid(
    "odd",
    ("Factor", "A_1 & B (n = 3)", "p (test)"),
    (
        row_of(["Child|Pugh <b>", "50 % {x}", "< 0.001 (Fisher exact)"], kind="first"),
        row_of(["=1+1", "$5 \\ 3", "−0.1"], kind="level"),  # noqa: RUF001
    ),
    notes=("A note: 5 % of #1.",),
)


class _Cells(HTMLParser):
    def __init__(self):
        super().__init__()
        self.texts, self.inside = [], False

    def handle_starttag(self, tag, attrs):
        assert tag != "b"
        self.inside = tag in {"td", "th"}
        self.texts += [""] if self.inside else []

    def handle_endtag(self, tag):
        self.inside = False

    def handle_data(self, data):
        if self.inside:
            self.texts[-1] += data


WORDS = [*GRID.columns, *(c.text for row in GRID.rows for c in row.cells)]


def test_html_and_word_files_hold_every_word_as_it_is():
    files = encode_table(GRID, "Odd & ends")
    page = _Cells()
    page.feed(files["html"].decode())
    assert page.texts == WORDS
    with zipfile.ZipFile(io.BytesIO(files["docx"])) as archive:
        root = ET.fromstring(archive.read("word/document.xml"))  # noqa: S314
    w = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
    cells = ["".join(t.text or "" for t in c.iter(f"{w}t")) for c in root.iter(f"{w}tc")]
    assert cells == WORDS
    assert next(root.iter(f"{w}tblHeader")) is not None


def test_latex_and_markdown_escape_what_they_would_take_for_commands():
    tex, md = grid_latex(GRID, "T"), grid_markdown(GRID, "T")
    assert r"A\_1 \& B (n = 3)" in tex
    assert r"50 \% \{x\} & \textless{} 0.001 (Fisher exact) \\" in tex
    assert r"\quad =1+1 & \$5 \textbackslash{} 3 & \ensuremath{-}0.1 \\" in tex
    body = [line for line in tex.splitlines() if line.endswith(r"\\") and "&" in line]
    assert {len(re.findall(r"(?<!\\)&", line)) for line in body} == {2}
    lines = [line for line in md.splitlines() if line.startswith("|")]
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in lines} == {4}
    assert r"Child\|Pugh \<b\>" in md


def test_csv_keeps_cells_and_computes_nothing():
    rows = list(csv.reader(io.StringIO(grid_csv(GRID))))
    assert rows[0] == list(GRID.columns)
    assert rows[2][0].strip() == "'=1+1"
    assert rows[2][2] == "−0.1"  # noqa: RUF001


def test_the_same_table_gives_the_same_bytes():
    assert encode_table(GRID, "T") == encode_table(GRID, "T")


def test_the_files_of_a_report_pass_its_own_consistency_check(tables, tmp_path):
    from sumdiam.report.group_grid import characteristics_grid, response_grid
    from sumdiam.report.response_summary import follow_up

    view = choose_view(tables, RunFacts())
    grids = {
        "characteristics": characteristics_grid(tables, view, SEED),
        "response": response_grid(view, endpoints(view), follow_up(view), SEED),
        "agreement": agreement_grid(tables, view),
    }
    write_printed(grids, tmp_path)
    names = {path.name for path in tmp_path.iterdir()}
    assert {"characteristics.docx", "response.tex", "check_paper.csv"} <= names
    assert not any(name.startswith("agreement") for name in names)  # one reader: no table
    cells = pd.read_csv(tmp_path / "check_paper.csv", dtype=str, keep_default_na=False)
    assert len(cells) > 150
    verdicts = check_paper(cells)
    assert not {v.verdict for v in verdicts} & (FAULTS - {"test_dependent"})
    assert set(grids) <= set(TABLE_TITLES)
    assert np.isin(["p", "percent"], cells.statistic).all()
