"""What archives hold besides images and masks; none of it may change a number."""

from __future__ import annotations

from pathlib import Path

from pydicom import dcmread

from imaging.reference_dicom import SeriesIdentity, file_meta
from sumdiam.demo.imaged.study import study_identity
from sumdiam.demo.imaged.subject import ImagedSubject, Visit, share_of

KINDS = ("scout", "copy", "text", "torn")
DIRTY_SHARE = 0.25
"""About so many studies hold something else."""
_SCOUT = SeriesIdentity(1, "SCOUT", -60.0)


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
        _add_scout(subject, visit, folder)
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


def _add_scout(subject: ImagedSubject, visit: Visit, folder: Path) -> None:
    """Write a scout made from one native slice, as scanners put one into every study."""
    study = study_identity(subject, visit)
    files = sorted((folder / "native").iterdir())
    scout = dcmread(files[len(files) // 2])
    scout.ImageType = ["ORIGINAL", "PRIMARY", "LOCALIZER"]
    scout.SeriesNumber, scout.SeriesDescription = _SCOUT.number, _SCOUT.description
    scout.SeriesInstanceUID = study.uid("series", "scout")
    scout.SOPInstanceUID = study.uid("series", "scout", "0")
    scout.ImageOrientationPatient = ["1", "0", "0", "0", "0", "-1"]
    scout.file_meta = file_meta(scout.SOPClassUID, scout.SOPInstanceUID)
    (folder / "scout").mkdir(exist_ok=True)
    scout.save_as(folder / "scout" / "0001.dcm", enforce_file_format=True)
