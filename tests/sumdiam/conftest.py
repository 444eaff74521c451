"""Small archives of real DICOM files for the tests of archive and batch."""

import datetime as dt
from collections.abc import Callable, Sequence
from pathlib import Path

import pydicom
import pytest

from imaging.reference_object import (
    Acquisition,
    Ball,
    Field,
    ReferenceLesion,
    StudyIdentity,
    hypervascular,
    reference_study,
    standard_scans,
)

FIELD = Field((6, 40, 48), (5.0, 2.5, 2.5))
LESION = ReferenceLesion("T1", Ball(24.0, (-20.0, -4.0, 0.0)), hypervascular())


def _write_study(
    folder: Path,
    subject: str = "S01",
    visit: str = "baseline",
    day: dt.date = dt.date(2020, 1, 2),
    phases: Sequence[str] = ("native", "late_arterial"),
    lesions: Sequence[ReferenceLesion] = (LESION,),
    **options: object,
) -> StudyIdentity:
    who = StudyIdentity(subject, visit, day)
    study = reference_study(
        who, FIELD, lesions, standard_scans(phases), acquisition=Acquisition(5.0), **options
    )
    for phase, instances in study.series.items():
        (folder / phase).mkdir(parents=True)
        for number, instance in enumerate(instances):
            instance.save_as(folder / phase / f"{number:02d}.dcm", enforce_file_format=True)
    study.seg.save_as(folder / "seg.dcm", enforce_file_format=True)
    return who


@pytest.fixture(scope="session")
def write_study() -> Callable[..., StudyIdentity]:
    """Write one small study: a folder per phase with six slices, and seg.dcm with T1 and liver."""
    return _write_study


@pytest.fixture(scope="session")
def pristine(tmp_path_factory) -> Path:
    """S01 at two visits and S02 at one; not to be changed."""
    root = tmp_path_factory.mktemp("pristine")
    _write_study(root / "S01" / "t0")
    _write_study(root / "S01" / "t1", visit="t1", day=dt.date(2020, 4, 2))
    _write_study(root / "S02" / "t0", subject="S02")
    return root


@pytest.fixture
def archive(pristine, tmp_path) -> Path:
    """A copy of the pristine archive, to be damaged."""
    root = tmp_path / "archive"
    for file in sorted(pristine.rglob("*")):
        target = root / file.relative_to(pristine)
        if file.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(file.read_bytes())
    return root


@pytest.fixture(scope="session")
def edit_file() -> Callable[..., None]:
    """Change attributes of a DICOM file in place."""

    def edit(path: Path, **values: object) -> None:
        dataset = pydicom.dcmread(path)
        for keyword, value in values.items():
            setattr(dataset, keyword, value)
        dataset.save_as(path)

    return edit


@pytest.fixture(scope="session")
def study_uid() -> Callable[[Path], str]:
    """Return the StudyInstanceUID of the first file below a folder."""

    def uid(folder: Path) -> str:
        first = sorted(folder.rglob("*.dcm"))[0]
        return str(pydicom.dcmread(first, stop_before_pixels=True).StudyInstanceUID)

    return uid
