"""A written trial and its run, shared by the tests of whole runs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.system.job import EXIT_REFUSED, Trial


@pytest.fixture(scope="session")
def trial(tmp_path_factory: pytest.TempPathFactory) -> Trial:
    """Four subjects of the demo's trial, one with an unreadable study; all 24 where asked for."""
    from sumdiam.demo.archive import write_archive
    from sumdiam.demo.trial import load_trial
    from sumdiam.demo.truth_table import write_inputs

    everybody = load_trial()
    damaged = [s for s in everybody if s.unreadable]
    others = [s for s in everybody if not s.unreadable]
    few = sorted([*damaged[:1], *others[:3]], key=lambda s: s.subject_id)
    chosen = everybody if os.environ.get("SUMDIAM_WHOLE_TRIAL") == "true" else tuple(few)
    folder = tmp_path_factory.mktemp("trial")
    write_archive(chosen, folder / "archive", workers=2)
    write_inputs(chosen, folder)
    return Trial(folder)


@pytest.fixture(scope="session")
def finished(trial: Trial, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The trial's run with one worker: what every other way must equal."""
    out = tmp_path_factory.mktemp("run") / "one"
    done = trial.run(out, "--workers", "1")
    assert done.returncode == EXIT_REFUSED, done.stdout + done.stderr
    return out
