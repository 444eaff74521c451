"""`sumdiam demo`: a trial with known answers, run and compared."""

import re
from pathlib import Path

import pytest

from sumdiam.demo.command import compare_run, demo_command
from sumdiam.demo.trial import TrialError, load_trial
from sumdiam.demo.truth_table import truth_tables
from sumdiam.export.table_file import read_table


def test_more_subjects_than_the_trial_has_are_refused(tmp_path):
    with pytest.raises(TrialError, match="25 subjects asked for; the trial has 24"):
        demo_command(out=tmp_path, subjects=25)
    with pytest.raises(TrialError, match="0 subjects asked for"):
        demo_command(out=tmp_path, subjects=0)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_the_demo_measures_what_is_true_and_ends_with_the_reports_path(tmp_path, capsys):
    assert demo_command(out=tmp_path, subjects=2, workers=2) == 0
    told = capsys.readouterr().out
    path = Path(re.findall(r"Report: (.*)$", told)[-1])
    assert path.is_file()
    summary = read_table(tmp_path / "run" / "tables" / "demo_comparison")
    viable = summary[(summary["what"] == "viable_diameter") & (summary["group"] == "all")].iloc[0]
    assert viable["within_1_px_percent"] >= 95
    assert viable["max_unflagged_px"] <= 2
    assert "overall_response (clear): 6 of 6 equal to truth" in told
    archive = {f: f.stat().st_mtime_ns for f in (tmp_path / "archive").rglob("*.dcm")}
    # called again: the archive stays, nothing is measured anew, the comparison is the same
    assert demo_command(out=tmp_path, subjects=2, workers=1) == 0
    assert {f: f.stat().st_mtime_ns for f in (tmp_path / "archive").rglob("*.dcm")} == archive
    again = compare_run(tmp_path / "run", truth_tables(load_trial()[:2]))
    assert again.summary.equals(summary)
