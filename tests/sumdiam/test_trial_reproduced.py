"""The page "printed against reproduced": verdicts, patients that differ, accuracy, the command."""

from __future__ import annotations

import pandas as pd
import pytest
from typer.testing import CliRunner

from sumdiam.cli import app
from sumdiam.demo.cohort.comparison import DIFFERS, EQUAL, UNKNOWN
from sumdiam.demo.cohort.rederived import rederive
from sumdiam.demo.cohort.table import load_cohort
from sumdiam.demo.imaged.accuracy import accuracy_table
from sumdiam.demo.imaged.command import told, trial_command
from sumdiam.demo.imaged.figure import draw_responders
from sumdiam.demo.imaged.outcome import differing
from sumdiam.demo.imaged.page import PageContent, write_page
from sumdiam.demo.imaged.reproduced import LENGTHLESS, NEITHER, as_frame, counted, reproduced
from sumdiam.demo.imaged.selection import selected
from sumdiam.demo.trial import TrialError
from sumdiam.demo.written_mark import is_written, mark_written
from sumdiam.report.run_tables import RunTables


@pytest.fixture(scope="module")
def everybody():
    return rederive(load_cohort())


@pytest.fixture(scope="module")
def part():
    return rederive(selected(load_cohort(), 24))


@pytest.fixture(scope="module")
def same(everybody, part):
    return reproduced(everybody.patients, part.patients, part.patients)


def row_of(rows, what):
    return next(row for row in rows if row.what == what)


def test_pixels_that_give_the_true_lengths_are_equal_in_every_figure(same):
    assert len(same) == 242
    found = counted(row.pixel_verdict for row in same)
    assert set(found) == {EQUAL, LENGTHLESS, NEITHER}
    assert row_of(same, "male, combination").pixel_verdict == LENGTHLESS
    assert row_of(same, "OS by arm, p").pixel_verdict == LENGTHLESS
    assert row_of(same, "target_size, overall, mean").pixel_verdict == EQUAL
    assert all(not row.pixels for row in same if row.pixel_verdict == NEITHER)


def test_a_figure_without_a_length_that_differs_is_told(everybody, part):
    other = part.patients[part.patients["male"] != 1]  # as if these alone were analysed
    rows = reproduced(everybody.patients, part.patients, other)
    assert row_of(rows, "male, combination").pixel_verdict == DIFFERS


def test_of_all_patients_the_verdict_of_pixels_is_against_print(everybody):
    rows = reproduced(everybody.patients, everybody.patients, everybody.patients)
    lengths = [row for row in rows if row.pixel_verdict != LENGTHLESS]
    assert [row.pixel_verdict for row in lengths] == [row.verdict for row in lengths]
    # Table 1 but the size of the tumours, overall survival, visits; remarks on the print
    assert len(rows) - len(lengths) == 51 + 10 + 4 + 7 + 8
    assert row_of(rows, "PFS, combination, median").pixel_verdict == EQUAL
    words = {row.pixel_verdict for row in rows if row.what.startswith("multivariable, child")}
    assert words == {EQUAL, "not met"}


def test_a_figure_that_pixels_change_says_so(everybody, part):
    other = part.patients.copy()
    first = other.index[other["best_response"] == "PR"][0]
    other.loc[first, "best_response"] = "SD"
    other["dpr_percent"] += 0.6
    other["target_size_mm"] += 3.0
    rows = reproduced(everybody.patients, part.patients, other)
    arm = other.loc[first, "arm"]
    assert row_of(rows, f"PR, {arm}").pixel_verdict == DIFFERS
    assert row_of(rows, f"SD, {arm}").pixel_verdict == DIFFERS
    assert row_of(rows, "dpr, overall, median").pixel_verdict == "within 1 point"
    assert row_of(rows, "target_size, overall, mean").pixel_verdict == DIFFERS
    assert row_of(rows, "PFS, all, median").pixel_verdict == EQUAL


def test_what_pixels_alone_cannot_estimate_is_told(everybody, part):
    other = part.patients.copy()
    other["PFS_event"] = 0
    row = row_of(reproduced(everybody.patients, part.patients, other), "PFS by arm, p")
    assert (row.pixels, row.pixel_verdict) == ("", UNKNOWN)
    assert "too few" in row.why


def test_a_trial_of_one_patient_is_compared_too(everybody):
    one = rederive(selected(load_cohort(), 1)).patients
    rows = reproduced(everybody.patients, one, one)
    assert {row.pixel_verdict for row in rows} == {EQUAL, LENGTHLESS, NEITHER}


def run_like(part, **changes) -> dict[str, pd.DataFrame]:
    """Tables of a run that gave an assessment."""
    columns = ["subject_id", "lesion_id", "timepoint", "quantity", "reader", "revision", "value",
               "flags", "reason"]  # fmt: skip
    return {
        "responses": part.assessment.responses.assign(**changes),
        "measurements": pd.DataFrame(columns=columns, dtype=object),
    }


def test_patients_whose_outcome_differs_are_listed_with_whether_it_was_doubted(part):
    truth, other = part.patients, part.patients.copy()
    other["best_response_doubtful"] = False
    first, second = other.index[other["best_response"] == "PR"][:2]
    other.loc[[first, second], "best_response"] = "SD"
    other.loc[second, "best_response_doubtful"] = True
    tables = run_like(part, within_error_of_cutoff=False)
    rows = differing(truth, other, tables).set_index("subject_id")
    assert rows.index.tolist() == sorted([first, second])
    assert rows.loc[first, ["what", "truth", "from_pixels"]].tolist() == [
        "best_response", "PR", "SD",
    ]  # fmt: skip
    assert not rows.loc[first, "called_doubtful"]
    assert rows.loc[second, "called_doubtful"]


def test_a_patient_who_is_no_longer_analysed_differs(part):
    tables = run_like(part, within_error_of_cutoff=False)
    rows = differing(part.patients, part.patients.iloc[1:], tables)
    assert rows[["what", "truth", "from_pixels"]].iloc[0].tolist() == ["analysed", "analysed", ""]
    assert len(differing(part.patients, part.patients, tables)) == 0


def truth_and_measured(errors):
    key = {
        "subject_id": "SIM-001", "timepoint": 0, "quantity": "viable_diameter", "pixel_mm": 1.0,
        "slice_mm": 3.0, "shape": "ring", "modality": "CT",
    }  # fmt: skip
    truth = pd.DataFrame(
        [key | {"lesion_id": f"liver-{n}", "value_mm": 30.0} for n in range(len(errors))]
    )
    measured = truth.assign(
        value=[30.0 + e for e in errors], reader="auto", revision=1, flags=None, reason=None
    )
    return truth, measured


def test_bias_sd_and_limits_are_those_of_the_errors():
    truth, measured = truth_and_measured([1.0, 0.0, 2.0, 1.0])
    row = accuracy_table(measured, truth).iloc[0]
    assert (row["n"], row["missing"], row["bias_mm"], row["unflagged_off"]) == (4, 0, 1.0, 1)
    assert row["sd_mm"] == pytest.approx(0.816497, abs=1e-6)
    assert [row["lower_mm"], row["upper_mm"]] == pytest.approx([-0.600304, 2.600304], abs=1e-6)
    groups = accuracy_table(measured, truth).groupby("by", sort=False)["group"].agg(list).to_dict()
    assert groups == {
        "all": ["all"],
        "shape": ["ring"],
        "modality": ["CT"],
        "size": ["20 to 40 mm"],
    }


def test_a_lesion_that_was_not_measured_is_counted_as_missing():
    truth, measured = truth_and_measured([0.0, 1.0, 0.5])
    row = accuracy_table(measured.iloc[1:], truth).iloc[0]
    assert (row["n"], row["missing"], row["bias_mm"]) == (3, 1, 0.75)


def test_the_page_needs_nothing_else_and_marks_the_data_as_simulated(same, part, tmp_path):
    truth, measured = truth_and_measured([0.2, 0.1, 0.4])
    content = PageContent(
        analysed=24, everybody=177, imaged=39, rows=same, studies=130, refused=0,
        differing=differing(part.patients, part.patients, run_like(part)),
        accuracy=accuracy_table(measured, truth), doubts=RunTables().doubts,
    )  # fmt: skip
    (tmp_path / "flow.svg").write_text("<svg/>")
    page = write_page(content, tmp_path / "page.html", figures=tmp_path, report="report.html")
    text = page.read_text(encoding="utf-8")
    assert "no subject on this page is a person" in text
    assert text.count("<tr><td>Table 3</td>") + text.count('<tr class="doubt"><td>Table 3') == 64
    assert "http" not in text.replace("http-equiv", "")
    assert "Figure 1: flow of the patients" in text
    assert "24 of the 177 patients" in text
    assert "two arms whose responses could be assessed and read again" in text
    assert (
        page.read_bytes()
        == write_page(
            content, tmp_path / "again.html", figures=tmp_path, report="report.html"
        ).read_bytes()
    )
    assert list(as_frame(same)["from_pixels"]) == [row.pixels for row in same]
    assert "  outcomes that differ from those of the true lengths: none" in told(content)


def test_figure_2_counts_responders_by_factor_as_the_paper_does(everybody):
    plotted = draw_responders(everybody.patients).plotted
    rows = plotted.set_index(["variable", "level"])
    b = rows.loc[("child_pugh_b", "yes")]
    assert (b["events"], b["n"]) == (1, 12)
    assert rows.loc[("arm", "combination"), "events"] == 45


def test_an_archive_that_no_demo_wrote_is_left_alone(tmp_path):
    (tmp_path / "archive").mkdir()
    with pytest.raises(TrialError, match="was not written by a demo"):
        is_written(tmp_path, {"patients": 4})
    mark_written(tmp_path, {"patients": 4})
    assert is_written(tmp_path, {"patients": 4})
    assert not is_written(tmp_path, {"patients": 8})
    assert not (tmp_path / "archive").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--patients", "4"], "--patients goes with --trial soramic"),
        (["--trial", "soramic", "--real", "x"], "give one of them"),
        (["--trial", "other"], "Invalid value"),
        (["--trial", "soramic", "--short"], "--short goes with --patients"),
        (["--trial", "soramic", "--patients", "178"], "Invalid value"),
    ],
)
def test_a_wrong_call_is_refused_in_words(words, said, tmp_path):
    found = CliRunner().invoke(app, ["demo", "--out", str(tmp_path / "x"), *words])
    assert found.exit_code == 2
    assert said in found.output
    assert not (tmp_path / "x").exists()


def without_times(page: bytes) -> bytes:
    before, rest = page.split(b'<section id="time">')
    times, after = rest.split(b"</section>", 1)
    assert b"each study: registering phases" in times
    return before + after


@pytest.mark.slow
def test_the_trial_is_imaged_measured_and_ends_in_the_page(tmp_path, capsys):
    assert trial_command(out=tmp_path, patients=1, workers=2) == 0
    said = capsys.readouterr().out
    page = tmp_path / "run" / "printed_against_reproduced.html"
    assert said.rstrip().endswith(f"Report: {page}")
    assert "outcomes that differ from those of the true lengths: none" in said
    first = page.read_bytes()
    files = {path: path.stat().st_mtime_ns for path in (tmp_path / "archive").rglob("*.dcm")}
    accuracy = pd.read_csv(tmp_path / "run" / "tables" / "demo_accuracy.csv")
    row = accuracy[(accuracy["quantity"] == "viable_diameter") & (accuracy["by"] == "all")].iloc[0]
    assert (row["missing"], row["unflagged_off"]) == (0, 0)
    assert abs(row["bias_mm"]) < 0.5
    review = (tmp_path / "run" / "reviewed_measurements.html").read_bytes()
    assert review.count(b"<article") == min(40, review.count(b"data:image/png"))
    assert "Peak memory of a worker: " in said
    # called again: nothing is written or measured anew, and but for run times the page is the same
    assert trial_command(out=tmp_path, patients=1, workers=1) == 0
    assert without_times(page.read_bytes()) == without_times(first)
    assert (tmp_path / "run" / "reviewed_measurements.html").read_bytes() == review
    again = {path: path.stat().st_mtime_ns for path in (tmp_path / "archive").rglob("*.dcm")}
    assert again == files
