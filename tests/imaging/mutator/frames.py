"""Structural changes of multi-frame images."""

from __future__ import annotations

import random
from collections.abc import Callable
from copy import deepcopy

from pydicom import Dataset

from tests.imaging.mutator.base import Files
from tests.imaging.mutator.kind import Kind, edit, register

FRAMES: list[Kind] = []


def structural(unseen: str = "") -> Callable[..., Callable[[Files, random.Random], None]]:
    """Register a structural change of multi-frame series."""
    return register(FRAMES, "structural", multiframe=True, unseen=unseen)


def _groups(d: Dataset) -> list[Dataset]:
    """Return the functional groups of the frames."""
    return d.PerFrameFunctionalGroupsSequence  # type: ignore[no-any-return]


def _only(files: Files, change: Callable[[Dataset], None]) -> None:
    """Change the one file."""
    edit(files, sorted(files), change)


def _place(frame: Dataset) -> Dataset:
    """Return where a frame lies."""
    return frame.PlanePositionSequence[0]  # type: ignore[no-any-return]


@structural()
def frame_not_described(files: Files, rng: random.Random) -> None:
    _only(files, lambda d: _groups(d).pop(rng.randrange(len(_groups(d)))))


@structural()
def frame_described_twice(files: Files, rng: random.Random) -> None:
    _only(files, lambda d: _groups(d).append(deepcopy(rng.choice(list(_groups(d))))))


@structural()
def fewer_frames_stated(files: Files, rng: random.Random) -> None:
    by = rng.randrange(1, 5)
    _only(files, lambda d: setattr(d, "NumberOfFrames", int(d.NumberOfFrames) - by))


@structural()
def inner_frame_taken_out(files: Files, rng: random.Random) -> None:
    def change(d: Dataset) -> None:
        k = rng.randrange(1, len(_groups(d)) - 1)
        _groups(d).pop(k)
        d.NumberOfFrames = len(_groups(d))
        if not d.file_meta.TransferSyntaxUID.is_encapsulated:
            size = int(d.Rows) * int(d.Columns) * 2
            d.PixelData = d.PixelData[: k * size] + d.PixelData[(k + 1) * size :]

    _only(files, change)


@structural()
def frame_moved(files: Files, rng: random.Random) -> None:
    def change(d: Dataset) -> None:
        at = _place(_groups(d)[rng.randrange(1, len(_groups(d)) - 1)])
        x, y, z = (float(v) for v in at.ImagePositionPatient)
        by = rng.choice((-1, 1)) * rng.uniform(0.7, 2.0)
        at.ImagePositionPatient = rng.choice(([x + by, y, z], [x, y + by, z], [x, y, z + by]))

    _only(files, change)


@structural()
def frame_without_a_place(files: Files, rng: random.Random) -> None:
    _only(files, lambda d: _groups(d)[rng.randrange(10)].pop("PlanePositionSequence"))


@structural()
def frame_moved_onto_another(files: Files, rng: random.Random) -> None:
    def change(d: Dataset) -> None:
        one, two = rng.sample(list(_groups(d)), 2)
        _place(one).ImagePositionPatient = _place(two).ImagePositionPatient

    _only(files, change)


@structural()
def places_of_two_frames_exchanged(files: Files, rng: random.Random) -> None:
    def change(d: Dataset) -> None:
        one, two = (_place(frame) for frame in rng.sample(list(_groups(d)), 2))
        here, there = one.ImagePositionPatient, two.ImagePositionPatient
        one.ImagePositionPatient, two.ImagePositionPatient = there, here

    _only(files, change)


@structural("the whole image says the same, and nothing in the file contradicts it")
def shared_spacing_changed(files: Files, rng: random.Random) -> None:
    def change(d: Dataset) -> None:
        measures = d.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0]
        measures.PixelSpacing = rng.choice(([1.0, 1.0], [0.8, 0.7]))

    _only(files, change)


@structural()
def spacing_of_a_frame_changed(files: Files, rng: random.Random) -> None:
    def change(d: Dataset) -> None:
        measures = deepcopy(d.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence)
        measures[0].PixelSpacing = [1.0, 1.0]
        _groups(d)[rng.randrange(10)].PixelMeasuresSequence = measures

    _only(files, change)


@structural()
def shared_orientation_removed(files: Files, rng: random.Random) -> None:
    _only(files, lambda d: d.SharedFunctionalGroupsSequence[0].pop("PlaneOrientationSequence"))


@structural()
def shared_spacing_removed(files: Files, rng: random.Random) -> None:
    _only(files, lambda d: d.SharedFunctionalGroupsSequence[0].pop("PixelMeasuresSequence"))


@structural()
def frames_cut_short(files: Files, rng: random.Random) -> None:
    (name,) = files
    files[name] = files[name][: -rng.choice((1, 2, 50, 2000))]


@structural()
def frames_of_fewer_rows(files: Files, rng: random.Random) -> None:
    _only(files, lambda d: setattr(d, rng.choice(("Rows", "Columns")), 16))
