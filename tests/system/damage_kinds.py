"""Ways in which the files of one study get damaged, each by what a person or a disk would do."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pydicom import Dataset, dcmread
from pydicom.uid import UID

PHASES = ("native", "late_arterial", "portal_venous")


@dataclass(frozen=True)
class Spot:
    """Where damage is done: a study, one of its phases, one of its slices, another subject."""

    study: Path
    phase: str
    slice: Path
    other: Path
    chance: random.Random

    @property
    def slices(self) -> list[Path]:
        return sorted((self.study / self.phase).glob("*.dcm"))

    @property
    def mask(self) -> Path:
        return self.study / "masks.dcm"

    @property
    def elsewhere(self) -> Path:
        """The slice at the same place of another subject's study."""
        slices = sorted((self.other / self.phase).glob("*.dcm"))
        return slices[min(self.slices.index(self.slice), len(slices) - 1)]


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file anew: the whole archive may share it by a hard link."""
    path.unlink(missing_ok=True)
    path.write_bytes(data)


def save(dataset: Dataset, path: Path) -> None:
    path.unlink(missing_ok=True)
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.save_as(path)


def renamed(dataset: Dataset) -> Dataset:
    """The same content as another instance."""
    dataset.SOPInstanceUID = UID(f"{dataset.SOPInstanceUID[:60]}.77")
    return dataset


def flipped(path: Path, text: str) -> None:
    """Flip one bit in the last digit of a text of the data set (not of the file meta header)."""
    data = bytearray(path.read_bytes())
    place = data.rindex(text.encode(), 0, 4096) + len(text) - 1
    data[place] ^= 1
    write_bytes(path, bytes(data))


# files cut, emptied or overwritten
def cut_by_one_byte(s: Spot) -> None:
    write_bytes(s.slice, s.slice.read_bytes()[:-1])


def cut_in_half(s: Spot) -> None:
    write_bytes(s.slice, s.slice.read_bytes()[: s.slice.stat().st_size // 2])


def cut_in_header(s: Spot) -> None:
    write_bytes(s.slice, s.slice.read_bytes()[: s.chance.randrange(1, 1400)])


def emptied(s: Spot) -> None:
    write_bytes(s.slice, b"")


def header_overwritten(s: Spot) -> None:
    write_bytes(s.slice, b"\xff" * 900 + s.slice.read_bytes()[900:])


def all_overwritten(s: Spot) -> None:
    write_bytes(s.slice, b"\x00" * s.slice.stat().st_size)


def flipped_instance_uid(s: Spot) -> None:
    flipped(s.slice, dcmread(s.slice).SOPInstanceUID)


def flipped_series_uid(s: Spot) -> None:
    flipped(s.slice, dcmread(s.slice).SeriesInstanceUID)


def flipped_study_uid(s: Spot) -> None:
    flipped(s.slice, dcmread(s.slice).StudyInstanceUID)


def flipped_frame_of_reference(s: Spot) -> None:
    flipped(s.slice, dcmread(s.slice).FrameOfReferenceUID)


# slices missing, doubled or moved
def missing(s: Spot) -> None:
    s.slice.unlink()


def phase_missing(s: Spot) -> None:
    for path in s.slices:
        path.unlink()


def half_missing(s: Spot) -> None:
    for path in s.slices[::2]:
        path.unlink()


def upper_half_missing(s: Spot) -> None:
    for path in s.slices[len(s.slices) // 2 :]:
        path.unlink()


def copied(s: Spot) -> None:
    shutil.copy(s.slice, s.slice.with_name("copy of " + s.slice.name))


def doubled(s: Spot) -> None:
    save(renamed(dcmread(s.slice)), s.slice.with_name("b" + s.slice.name))


def doubled_with_other_pixels(s: Spot) -> None:
    dataset = renamed(dcmread(s.slice))
    dataset.PixelData = bytes(len(dataset.PixelData))
    save(dataset, s.slice.with_name("b" + s.slice.name))


def same_uid_other_pixels(s: Spot) -> None:
    dataset = dcmread(s.slice)
    dataset.PixelData = bytes(len(dataset.PixelData))
    save(dataset, s.slice.with_name("b" + s.slice.name))


def moved(s: Spot) -> None:
    dataset = dcmread(s.slice)
    x, y, z = dataset.ImagePositionPatient
    dataset.ImagePositionPatient = [x, y, z + 1.25]
    save(dataset, s.slice)


# slices of somebody else
def foreign_in_its_place(s: Spot) -> None:
    write_bytes(s.slice, s.elsewhere.read_bytes())


def foreign_beside(s: Spot) -> None:
    shutil.copy(s.elsewhere, s.slice.with_name("b" + s.slice.name))


def foreign_in_this_series(s: Spot) -> None:
    mine, dataset = dcmread(s.slice), renamed(dcmread(s.elsewhere))
    dataset.SeriesInstanceUID = mine.SeriesInstanceUID
    save(dataset, s.slice)


def foreign_in_this_series_beside(s: Spot) -> None:
    mine, dataset = dcmread(s.slice), renamed(dcmread(s.elsewhere))
    dataset.SeriesInstanceUID = mine.SeriesInstanceUID
    save(dataset, s.slice.with_name("b" + s.slice.name))


def foreign_in_this_study(s: Spot) -> None:
    mine, dataset = dcmread(s.slice), renamed(dcmread(s.elsewhere))
    dataset.SeriesInstanceUID = mine.SeriesInstanceUID
    dataset.StudyInstanceUID = mine.StudyInstanceUID
    save(dataset, s.slice)


def named_another(s: Spot) -> None:
    dataset = dcmread(s.slice)
    dataset.PatientID = dataset.ClinicalTrialSubjectID = "SOMEONE-ELSE"
    save(dataset, s.slice)


# elements of one slice
def changed(**cells: object) -> Callable[[Spot], None]:
    def change(s: Spot) -> None:
        dataset = dcmread(s.slice)
        for keyword, value in cells.items():
            if value is None:
                delattr(dataset, keyword)
            else:
                setattr(dataset, keyword, value)
        save(dataset, s.slice)

    change.__name__ = "_".join(f"{k}_{'removed' if v is None else 'changed'}" for k, v in cells.items())  # fmt: skip
    return change


def date_garbage(s: Spot) -> None:
    data = s.slice.read_bytes()
    day = str(dcmread(s.slice).StudyDate).encode()
    write_bytes(s.slice, data.replace(b"DA\x08\x00" + day, b"DA\x08\x0020xx13!?"))


def date_garbage_everywhere(s: Spot) -> None:
    for path in s.slices:
        date_garbage(Spot(s.study, s.phase, path, s.other, s.chance))


# masks
def mask_cut_in_pixels(s: Spot) -> None:
    write_bytes(s.mask, s.mask.read_bytes()[:-9])


def mask_cut_in_header(s: Spot) -> None:
    write_bytes(s.mask, s.mask.read_bytes()[: s.mask.stat().st_size // 20])


def mask_missing(s: Spot) -> None:
    s.mask.unlink()


def mask_emptied(s: Spot) -> None:
    write_bytes(s.mask, b"")


def mask_of_another(s: Spot) -> None:
    write_bytes(s.mask, (s.other / "masks.dcm").read_bytes())


def two_masks(s: Spot) -> None:
    save(renamed(dcmread(s.mask)), s.study / "masks2.dcm")


def mask_of_other_images(s: Spot) -> None:
    dataset = dcmread(s.mask)
    (series,) = dataset.ReferencedSeriesSequence
    series.SeriesInstanceUID += ".5"
    for item in series.ReferencedInstanceSequence:
        item.ReferencedSOPInstanceUID += ".5"
    for frame in dataset.PerFrameFunctionalGroupsSequence:
        for derivation in frame.get("DerivationImageSequence") or []:
            for source in derivation.SourceImageSequence:
                source.ReferencedSOPInstanceUID += ".5"
    save(dataset, s.mask)


def mask_moved_sideways(s: Spot) -> None:
    dataset = dcmread(s.mask)
    for frame in dataset.PerFrameFunctionalGroupsSequence:
        x, y, z = frame.PlanePositionSequence[0].ImagePositionPatient
        frame.PlanePositionSequence[0].ImagePositionPatient = [x + 0.375, y, z]
    save(dataset, s.mask)


HARMLESS = (copied, doubled, foreign_beside)
"""Nothing is measured otherwise; that something lies there is listed."""
OF_ONE_SLICE: tuple[Callable[[Spot], None], ...] = (
    cut_by_one_byte, cut_in_half, cut_in_header, emptied, header_overwritten, all_overwritten,
    flipped_instance_uid, flipped_series_uid, flipped_study_uid, flipped_frame_of_reference,
    missing, doubled_with_other_pixels, same_uid_other_pixels, moved,
    foreign_in_its_place, foreign_in_this_series, foreign_in_this_series_beside,
    foreign_in_this_study, named_another, date_garbage,
    changed(PixelSpacing=None), changed(PixelSpacing=[1.0, 1.0]), changed(RescaleIntercept=None),
    changed(ImageOrientationPatient=[0, 1, 0, -1, 0, 0]), changed(ImagePositionPatient=None),
    changed(Rows=100), changed(SeriesInstanceUID=None), changed(Modality="XX"),
)  # fmt: skip
OF_A_PHASE = (phase_missing, half_missing, upper_half_missing, date_garbage_everywhere)
OF_A_MASK = (
    mask_cut_in_pixels, mask_cut_in_header, mask_missing, mask_emptied, mask_of_another, two_masks,
    mask_of_other_images, mask_moved_sideways,
)  # fmt: skip
DAMAGES = (*OF_ONE_SLICE, *OF_A_PHASE, *OF_A_MASK)


def linked_copy(archive: Path, folder: Path) -> Path:
    """A copy of an archive that takes no room: damage writes its files anew."""
    return Path(shutil.copytree(archive, folder, copy_function=os.link))
