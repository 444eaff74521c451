"""A refusal names its file as it lies in the archive."""

import pytest

from sumdiam.batch.journal import RunJournal
from sumdiam.batch.progress import SilentReporter
from sumdiam.batch.study import StudyResult
from sumdiam.store.workspace import Workspace
from tests.sumdiam.small_studies import SmallStudy

NAMES = {"/disk/spool/7/seg.dcm": "site.zip!/S01/t0/seg.dcm"}


@pytest.mark.parametrize(
    ("reason", "file", "told"),
    [
        ("damaged (seg.dcm: it ends)", "/disk/spool/7/seg.dcm", "damaged (site.zip!/S01/t0/seg.dcm: it ends)"),
        ("damaged", "/disk/spool/7/seg.dcm", "damaged (file site.zip!/S01/t0/seg.dcm)"),
        ("damaged (seg.dcm)", "/elsewhere/seg.dcm", "damaged (seg.dcm)"),
        ("damaged (seg.dcm)", None, "damaged (seg.dcm)"),
    ],
)  # fmt: skip
def test_a_refused_study_names_the_archive_path_of_its_file(tmp_path, reason, file, told):
    study = SmallStudy("1.2.3", "S01", 0, "digest", str(tmp_path))
    result = StudyResult("1.2.3", "S01", "refused", "mask_unreadable", reason, file=file)
    with Workspace.in_folder(tmp_path) as workspace, SilentReporter().stage("measure", 1) as stage:
        workspace.begin_run()
        workspace.register([study])
        workspace.lease(["1.2.3"])
        RunJournal(workspace, tmp_path / "overlays", stage, NAMES).finished(result)
        (entry,) = workspace.entries()
        assert (entry.state, entry.reason) == ("refused", told)
