"""Slices missing, doubled, moved, mixed or cut short, and geometry that is changed."""

from __future__ import annotations

import random
from collections.abc import Callable

import numpy as np
from pydicom import Dataset
from pydicom.uid import UID

from tests.imaging.mutator.base import Files
from tests.imaging.mutator.kind import Kind, edit, end, inner, parsed, register, renamed, written

STRUCTURAL: list[Kind] = []
_OTHER = ".5"
_SAME_EVERYWHERE = "every slice says the same, and nothing in the files contradicts it"

_ANOTHER_TILT = "the gantry is tilted and said to be; by how much, only the positions say"


def structural(unseen: str = "") -> Callable[..., Callable[[Files, random.Random], None]]:
    """Register a structural change of single-frame series."""
    return register(STRUCTURAL, "structural", unseen=unseen)


@structural()
def inner_slice_missing(files: Files, rng: random.Random) -> None:
    del files[inner(files, rng)]


@structural()
def several_slices_missing(files: Files, rng: random.Random) -> None:
    for name in rng.sample(sorted(files)[1:-1], rng.randrange(2, 5)):
        del files[name]


@structural()
def every_second_slice_missing(files: Files, rng: random.Random) -> None:
    for name in sorted(files)[rng.randrange(2) :: 2]:
        del files[name]


@structural()
def first_slices_missing(files: Files, rng: random.Random) -> None:
    for name in sorted(files)[: rng.randrange(1, 4)]:
        del files[name]


@structural("instance numbers run from 1 without a gap; nothing states how many there were")
def last_slices_missing(files: Files, rng: random.Random) -> None:
    for name in sorted(files)[-rng.randrange(1, 4) :]:
        del files[name]


@structural()
def last_slices_missing_of_a_stated_number(files: Files, rng: random.Random) -> None:
    count = len(files)
    edit(files, sorted(files), lambda d: setattr(d, "ImagesInAcquisition", count))
    last_slices_missing(files, rng)


@structural()
def file_copied(files: Files, rng: random.Random) -> None:
    name = rng.choice(sorted(files))
    files["copy of " + name] = files[name]


def _beside(files: Files, name: str, change: Callable[[Dataset], None]) -> None:
    """Put a changed copy of a slice beside it."""
    d = parsed(files[name])
    change(d)
    files["b" + name] = written(d)


@structural()
def slice_doubled_under_another_name(files: Files, rng: random.Random) -> None:
    _beside(files, rng.choice(sorted(files)), renamed)


@structural()
def slice_doubled_with_other_pixels(files: Files, rng: random.Random) -> None:
    name, other = rng.sample(sorted(files), 2)

    def change(d: Dataset) -> None:
        renamed(d)
        d.PixelData = parsed(files[other]).PixelData
        d["PixelData"].is_undefined_length = d.file_meta.TransferSyntaxUID.is_encapsulated

    _beside(files, name, change)


@structural()
def same_name_other_pixels(files: Files, rng: random.Random) -> None:
    name, other = rng.sample(sorted(files), 2)

    def change(d: Dataset) -> None:
        d.PixelData = parsed(files[other]).PixelData
        d["PixelData"].is_undefined_length = d.file_meta.TransferSyntaxUID.is_encapsulated

    _beside(files, name, change)


@structural()
def same_name_other_place(files: Files, rng: random.Random) -> None:
    def change(d: Dataset) -> None:
        _move(d, (0, 0, rng.choice((-40, 40))))

    _beside(files, rng.choice(sorted(files)), change)


def _move(d: Dataset, by: tuple[float, float, float]) -> None:
    """Move a slice by LPS mm."""
    at = np.array(d.ImagePositionPatient, dtype=float) + by
    d.ImagePositionPatient = [round(float(v), 4) for v in at]


@structural()
def slice_moved_along_the_normal(files: Files, rng: random.Random) -> None:
    by = rng.choice((-1, 1)) * rng.uniform(0.35, 2.2)
    edit(files, rng.choice(sorted(files)), lambda d: _move(d, (0, 0, by)))


@structural()
def slice_moved_sideways(files: Files, rng: random.Random) -> None:
    angle, far = rng.uniform(0, 6.28), rng.uniform(0.7, 30)
    by = (far * np.cos(angle), far * np.sin(angle), 0)
    edit(files, inner(files, rng), lambda d: _move(d, by))


@structural()
def end_slice_moved_sideways(files: Files, rng: random.Random) -> None:
    angle, far = rng.uniform(0, 6.28), rng.uniform(0.7, 30)
    by = (far * np.cos(angle), far * np.sin(angle), 0)
    edit(files, end(files, rng), lambda d: _move(d, by))


@structural()
def slice_moved_onto_another(files: Files, rng: random.Random) -> None:
    one, two = rng.sample(sorted(files), 2)
    there = parsed(files[two]).ImagePositionPatient
    edit(files, one, lambda d: setattr(d, "ImagePositionPatient", there))


@structural()
def half_of_the_series_moved(files: Files, rng: random.Random) -> None:
    names = sorted(files)[len(files) // 2 :]
    by = tuple(rng.uniform(0.7, 9) for _ in range(3))
    edit(files, names, lambda d: _move(d, by))


@structural()
def places_of_two_slices_exchanged(files: Files, rng: random.Random) -> None:
    one, two = rng.sample(sorted(files), 2)
    here, there = (parsed(files[name]).ImagePositionPatient for name in (one, two))
    edit(files, one, lambda d: setattr(d, "ImagePositionPatient", there))
    edit(files, two, lambda d: setattr(d, "ImagePositionPatient", here))


@structural("pixels do not say which slice they are of")
def pixels_of_two_slices_exchanged(files: Files, rng: random.Random) -> None:
    one, two = rng.sample(sorted(files), 2)
    here, there = parsed(files[one]), parsed(files[two])
    here.PixelData, there.PixelData = there.PixelData, here.PixelData
    for name, d in ((one, here), (two, there)):
        d["PixelData"].is_undefined_length = d.file_meta.TransferSyntaxUID.is_encapsulated
        files[name] = written(d)


@structural(_SAME_EVERYWHERE)
def whole_series_moved(files: Files, rng: random.Random) -> None:
    by = (rng.uniform(-90, 90), rng.uniform(-90, 90), rng.uniform(-90, 90))

    def change(d: Dataset) -> None:
        _move(d, by)
        if "SliceLocation" in d:
            d.SliceLocation = d.ImagePositionPatient[2]

    edit(files, sorted(files), change)


@structural()
def whole_series_stretched(files: Files, rng: random.Random) -> None:
    factor = rng.choice((0.5, 0.8, 1.25, 2.0))
    start = float(parsed(files[sorted(files)[0]]).ImagePositionPatient[2])

    def change(d: Dataset) -> None:
        x, y, z = d.ImagePositionPatient
        d.ImagePositionPatient = [x, y, round(start + factor * (float(z) - start), 4)]

    edit(files, sorted(files), change)


@structural("positions are all there is: no spacing of slices is stated, nor their location read")
def whole_series_stretched_without_a_stated_spacing(files: Files, rng: random.Random) -> None:
    edit(files, sorted(files), lambda d: d.pop("SpacingBetweenSlices"))
    whole_series_stretched(files, rng)


def _of(keyword: str, mark: str = _OTHER) -> Callable[[Dataset], None]:
    """Return the change of a UID or identifier to another one."""

    def change(d: Dataset) -> None:
        setattr(d, keyword, getattr(d, keyword) + mark)

    return change


def _foreign(files: Files, rng: random.Random, *keywords: str) -> None:
    """Give some slices to another series, study, patient or frame of reference."""
    for name in rng.sample(sorted(files), rng.choice((1, 1, 3))):
        for keyword in keywords:
            edit(files, name, _of(keyword))


@structural()
def slices_of_another_patient(files: Files, rng: random.Random) -> None:
    _foreign(files, rng, "PatientID")


@structural()
def slices_of_another_study(files: Files, rng: random.Random) -> None:
    _foreign(files, rng, "StudyInstanceUID")


@structural()
def slices_of_another_series(files: Files, rng: random.Random) -> None:
    _foreign(files, rng, "SeriesInstanceUID")


@structural()
def slices_of_another_frame_of_reference(files: Files, rng: random.Random) -> None:
    _foreign(files, rng, "FrameOfReferenceUID")


@structural()
def slices_of_a_second_phase_mixed_in(files: Files, rng: random.Random) -> None:
    for name in rng.sample(sorted(files), rng.randrange(1, 5)):

        def change(d: Dataset) -> None:
            renamed(d)
            d.InstanceNumber = int(d.InstanceNumber) + len(files)
            d.AcquisitionTime, d.AcquisitionNumber = "101600", 2

        d = parsed(files[name])
        change(d)
        files[rng.choice(("b", "")) + name] = written(d)


@structural()
def file_cut_short(files: Files, rng: random.Random) -> None:
    name = rng.choice(sorted(files))
    data = files[name]
    files[name] = data[: len(data) - rng.choice((1, 2, 9, 100, len(data) // 2, len(data) - 300))]


@structural()
def file_emptied(files: Files, rng: random.Random) -> None:
    files[rng.choice(sorted(files))] = b""


def _set(**cells: object) -> Callable[[Dataset], None]:
    """Return a change of elements; None removes."""

    def change(d: Dataset) -> None:
        for keyword, value in cells.items():
            if value is None:
                if keyword in d:
                    delattr(d, keyword)
            else:
                setattr(d, keyword, value)

    return change


_ONE: tuple[dict[str, object], ...] = (
    {"PixelSpacing": [1.0, 1.0]}, {"PixelSpacing": [0.8, 0.7]}, {"PixelSpacing": None},
    {"PixelSpacing": [0.703, 0.8]}, {"PixelSpacing": [0.7]}, {"PixelSpacing": [0.7, 0]},
    {"ImageOrientationPatient": [0, 1, 0, -1, 0, 0]},
    {"ImageOrientationPatient": [-1, 0, 0, 0, 1, 0]},
    {"ImageOrientationPatient": [1, 0, 0, 0, -1, 0]},
    {"ImageOrientationPatient": [1, 0, 0, 0, 0.9986295, 0.0523360]},
    {"ImageOrientationPatient": None}, {"ImageOrientationPatient": [1, 0, 0, 1, 0, 0]},
    {"ImagePositionPatient": None}, {"Rows": 16}, {"Columns": 16}, {"Rows": 200},
    {"Rows": None}, {"Columns": None}, {"SOPInstanceUID": None}, {"SeriesInstanceUID": None},
    {"StudyInstanceUID": None}, {"SOPClassUID": UID("1.2.840.10008.5.1.4.1.1.66.4")},
    {"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]}, {"PixelData": None},
)  # fmt: skip
_ALL: tuple[tuple[dict[str, object], str], ...] = (
    ({"PixelSpacing": [1.0, 1.0]}, _SAME_EVERYWHERE),
    ({"PixelSpacing": [0.8, 0.7]}, _SAME_EVERYWHERE),
    ({"PixelSpacing": None}, ""),
    ({"PixelSpacing": ["0.7", "nan"]}, ""),
    ({"ImageOrientationPatient": [0, 1, 0, -1, 0, 0]}, _SAME_EVERYWHERE),
    ({"ImageOrientationPatient": [-1, 0, 0, 0, 1, 0]}, _SAME_EVERYWHERE),
    ({"ImageOrientationPatient": [1, 0, 0, 0, 0.9986295, 0.0523360]}, _ANOTHER_TILT),
    ({"ImageOrientationPatient": [1, 0, 0, 0, 0, 1]}, ""),
    ({"ImageOrientationPatient": None}, ""),
    ({"SpacingBetweenSlices": 5.0}, ""),
    ({"SliceThickness": 1.0}, ""),
    ({"Rows": 16}, ""),
    ({"Columns": 20}, ""),
    ({"Rows": 40, "Columns": 32}, _SAME_EVERYWHERE),
    ({"FrameOfReferenceUID": None}, ""),
)


def _named(cells: dict[str, object]) -> str:
    """Return the name of a change of elements."""
    return "_".join(
        f"{k}_{'removed' if v is None else str(v).replace(' ', '')}" for k, v in cells.items()
    )


def _in_one(cells: dict[str, object]) -> Callable[[Files, random.Random], None]:
    """Return a change of elements of one slice."""
    return lambda files, rng: edit(files, rng.choice(sorted(files)), _set(**cells))


def _in_all(cells: dict[str, object]) -> Callable[[Files, random.Random], None]:
    """Return a change of elements of every slice."""
    return lambda files, _rng: edit(files, sorted(files), _set(**cells))


STRUCTURAL += [
    Kind(f"one_slice_{_named(cells)}", "structural", _in_one(cells), False) for cells in _ONE
]
STRUCTURAL += [
    Kind(
        f"all_slices_{_named(cells)}", "structural", _in_all(cells), False, unseen,
        frozenset({"tilted"} if unseen == _ANOTHER_TILT else ()),
    )
    for cells, unseen in _ALL
]  # fmt: skip
