"""What archives hold besides images and masks; none of it may change a number."""

from __future__ import annotations

from pathlib import Path

from sumdiam.demo.archive import write_scout
from sumdiam.demo.imaged.study import study_identity
from sumdiam.demo.imaged.subject import ImagedSubject, Visit, share_of

KINDS = ("scout", "copy", "text", "torn")
DIRTY_SHARE = 0.25
"""About so many studies hold something else."""


def dirt_of(subject: ImagedSubject, visit: Visit) -> str:
    """Return which dirt a study holds, an empty word for none.

    A torn file lies in a portal venous phase that nothing hangs on: elsewhere it would refuse the
    study, and rightly.
    """
    drawn = share_of(subject.subject_id, str(visit.timepoint), "dirt")
    if drawn >= DIRTY_SHARE:
        return ""
    kind = KINDS[int(drawn / DIRTY_SHARE * len(KINDS))]
    new = any("new" in lesion.lesion_id for lesion in visit.lesions)
    if kind == "torn" and (new or "portal_venous" not in visit.phases):
        return ""
    return kind


def add_dirt(subject: ImagedSubject, visit: Visit, folder: Path) -> None:
    """Add its dirt to a study that has been written."""
    kind = dirt_of(subject, visit)
    if kind == "scout":
        files = sorted((folder / "native").iterdir())
        write_scout(folder, study_identity(subject, visit), files[len(files) // 2])
    elif kind == "copy":
        again = folder / "native" / "0003.dcm"
        (again.parent / "copy of 0003.dcm").write_bytes(again.read_bytes())
    elif kind == "text":
        (folder / "readme.txt").write_text("Simulated. No patient.\n", encoding="utf-8")
    elif kind == "torn":
        files = sorted((folder / "portal_venous").iterdir())
        torn = files[len(files) // 2]
        whole = torn.read_bytes()
        torn.write_bytes(whole[: len(whole) // 3])
