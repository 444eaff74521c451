"""Settings, progress and closing words of a run."""

from __future__ import annotations

import hashlib
import io
import math
from dataclasses import replace
from pathlib import Path

import pytest

from assessment import PolicyError
from sumdiam.archive.problem import Problem
from sumdiam.archive.reason import REASONS
from sumdiam.batch.journal import overlay_path, remove_other_overlays, studies_without_overlays
from sumdiam.batch.progress import LineReporter, SilentReporter, reporter_for_screen
from sumdiam.batch.run import run
from sumdiam.batch.run_input import read_input
from sumdiam.batch.settings import RunSettings, usable_processors
from sumdiam.batch.summary import SHOWN, RunSummary
from sumdiam.store.settlement import DecisionOutcome
from sumdiam.store.workspace import LedgerEntry

SETTINGS = RunSettings((Path("/data/trial"),), Path("/out/run"))


@pytest.mark.parametrize(
    "change",
    [
        {"workers": 4},
        {"cluster": "tcp://host:1"},
        {"store": "sqlite://"},
        {"out": Path("elsewhere")},
    ],
)
def test_who_computes_and_where_does_not_change_the_configuration(change):
    assert replace(SETTINGS, **change).digest() == SETTINGS.digest()


@pytest.mark.parametrize(
    "change",
    [{"criteria": ("recist_1_1",)}, {"policies": "seed"}, {"gap_mm": 0.0}, {"select": "auto"}],
)
def test_what_decides_a_result_changes_the_configuration(change):
    assert replace(SETTINGS, **change).digest() != SETTINGS.digest()


def test_the_configuration_names_no_folder_of_a_person():
    settings = replace(SETTINGS, subjects=Path("/home/jane/subjects.csv"))
    assert "jane" not in repr(settings.configuration())
    assert settings.configuration()["subjects"] == "subjects.csv"


def test_policies_of_a_file_are_read_and_named_by_file_and_digest(tmp_path):
    path = tmp_path / "own.toml"
    path.write_text('set = "seed"\nconfirm = "on"\n', encoding="utf-8")
    settings = replace(SETTINGS, out=tmp_path / "run", subjects=None, policies=str(path))
    handed_in = read_input(settings)
    assert handed_in.policies.values_for("mrecist")["confirm"] == "on"
    assert handed_in.policies.values_for("mrecist")["sd_minimum_days"] == "0"  # of the set seed
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert handed_in.digests["policies: own.toml"] == digest
    assert settings.configuration()["policies"] == "own.toml"


def test_a_file_of_policies_that_cannot_be_used_stops_a_run_before_any_work(tmp_path):
    settings = replace(SETTINGS, out=tmp_path / "run", subjects=None, policies="none.toml")
    with pytest.raises(PolicyError, match=r"none\.toml: cannot be read"):
        read_input(settings)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"gap_mm": -1.0}, r"--gap-mm\) is -1: give 0 mm or more"),
        ({"gap_mm": math.nan}, r"--gap-mm\) is nan: give 0 mm or more"),
        ({"criteria": ()}, r"no rule set is named\. Choose from choi"),
        ({"scheme": "x"}, r"no censoring scheme 'x'\. Choose from seed"),
    ],
)
def test_a_setting_that_cannot_be_meant_stops_a_run_before_any_work(tmp_path, change, told):
    with pytest.raises(ValueError, match=told):
        run(replace(SETTINGS, out=tmp_path / "run", **change))
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("gap_mm", [0.0, 2.0, math.inf])
def test_a_gap_of_nothing_and_one_of_any_length_are_taken(tmp_path, gap_mm):
    settings = replace(SETTINGS, out=tmp_path / "run", gap_mm=gap_mm)
    assert read_input(settings).measurement.gap_mm == gap_mm


def test_there_is_at_least_one_processor():
    assert usable_processors() >= 1


def test_stages_are_plain_lines_where_nobody_sits_at_a_terminal():
    out = io.StringIO()
    reporter = LineReporter(out)
    with reporter.stage("scan") as stage:
        stage.expect(3)
        stage.advance()
        stage.advance(2)
    reporter.say("done")
    lines = out.getvalue().splitlines()
    assert lines[0].startswith("scan: 3 of 3 in ")
    assert lines[1] == "done"


def test_pytest_is_no_terminal(capsys):
    with reporter_for_screen() as reporter:
        assert isinstance(reporter, LineReporter)


def test_silence_is_a_reporter_too(capsys):
    reporter = SilentReporter()
    with reporter.stage("scan", 1) as stage:
        stage.expect(2)
        stage.advance()
    reporter.say("nothing")
    assert capsys.readouterr() == ("", "")


def entry(uid: str, state: str = "done", **cells: str) -> LedgerEntry:
    facts = {"reason_code": None, "reason": None, "notes": None} | cells
    return LedgerEntry(
        uid, "S1", 0, "digest", planned=True, state=state, attempts=1, flags=0, seconds=1.0, **facts
    )


def summary(*studies: LedgerEntry, **parts: tuple[object, ...]) -> RunSummary:
    found = {"problems": (), "decisions": ()} | parts
    return RunSummary(studies, lesions=4, flagged=1, responses=(), report=Path("r.html"), **found)


REFUSED = entry("1.2", "refused", reason_code="missing_slice", reason="gap after 10 mm")


@pytest.mark.parametrize(
    ("ended", "code"),
    [
        (summary(entry("1.1")), 0),
        (summary(entry("1.1"), REFUSED), 3),
        (summary(entry("1.1", "quarantined")), 3),
        (summary(entry("1.1"), problems=(Problem("c", "w", "s", refused=True),)), 3),
        (summary(entry("1.1"), problems=(Problem("c", "w", "s"),)), 0),
        (summary(decisions=(DecisionOutcome("m", 1, "accept", "r", "refused", "why", None),)), 3),
        (summary(decisions=(DecisionOutcome("m", 1, "accept", "r", "stale", "why", None),)), 0),
    ],
)
def test_the_exit_code_says_whether_anything_was_refused(ended, code):
    assert ended.exit_code == code


def test_a_refused_study_is_named_once_with_its_reason():
    ended = summary(REFUSED, problems=(Problem("missing_slice", "S1, study 1.2", "gap", True),))
    lines = [line for line in ended.lines() if "missing_slice" in line]
    assert lines == ["  refused: S1, study 1.2: gap after 10 mm [missing_slice]"]


def test_a_slip_that_changes_results_is_a_warning_before_the_notes():
    slip = Problem("subject_without_images", "S99", "no images, counts as NE")
    note = Problem("near_column", "age", "a covariate")
    told = [line for line in summary(problems=(note, slip)).lines() if line.startswith("  ")]
    assert told == [
        "  WARNING: S99: no images, counts as NE [subject_without_images]",
        "  note: age: a covariate [near_column]",
    ]


def test_a_long_list_is_cut_and_says_where_the_rest_is():
    codes = sorted(REASONS)[: SHOWN + 5]
    problems = tuple(Problem(code, "file", "s") for code in codes)
    assert "  and 5 more: see tables/problems.csv" in summary(problems=problems).lines()


def test_problems_of_one_kind_share_a_line_that_names_the_first_places():
    problems = [Problem("subject_without_images", f"S{n:03d}", "s") for n in range(40)]
    [line] = [one for one in summary(problems=tuple(problems)).lines() if "WARNING" in one]
    assert line.startswith("  WARNING, 40 times: the table of subjects names it")
    assert "(S000; S001; S002; " in line
    assert line.endswith("; 13 others in tables/problems.csv) [subject_without_images]")
    several = (*problems[:4], *problems[:4])
    [line] = [one for one in summary(problems=several).lines() if "WARNING" in one]
    assert line.startswith("  WARNING, 8 times")
    assert line.endswith("(S000; S001; S002; S003) [subject_without_images]")


@pytest.mark.parametrize("name", ["../x", "a/b", "/etc/passwd", ".hidden"])
def test_no_overlay_leaves_its_folder(name):
    with pytest.raises(ValueError, match="not a plain file name"):
        overlay_path(Path("overlays"), name)


def test_overlays_that_are_gone_or_half_are_noticed(tmp_path):
    (tmp_path / "a.png").write_bytes(b"12")
    (tmp_path / "b.png").write_bytes(b"1")
    sizes = {"1": {"a": 2}, "2": {"a": 2, "b": 2}, "3": {"c": 1}, "4": {}}
    assert studies_without_overlays(tmp_path, sizes) == {"2", "3"}


def test_overlays_of_nothing_and_drafts_are_removed(tmp_path):
    for name in ("a.png", "old.png", ".b.png.17.part", "notes.txt"):
        (tmp_path / name).touch()
    remove_other_overlays(tmp_path, ["a"])
    assert {path.name for path in tmp_path.iterdir()} == {"a.png", "notes.txt"}
