"""Cases: two or more volumes in one series."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydicom import Dataset

from tests.imaging.awkward import writer as w
from tests.imaging.awkward.answer import Answer, Expected, case, flag, load, refuse, volume

PHASES = (
    "two or more phases in one series (acquisition number, acquisition time only, temporal position, "
    "enhanced temporal index)"
)


def _volumes(
    name: str, keyword: str, values: Sequence[Any], *, count: int = 6, modality: str = "CT"
) -> list[Dataset]:
    """Return the slices of a volume for each value of one attribute."""
    slices = []
    for v, value in enumerate(values):
        part = w.make(name, count, volume=v, number=1 + v * count, modality=modality)
        for d in part:
            setattr(d, keyword, value)
        slices += part
    return slices


def _told_by(
    name: str, keyword: str, values: Sequence[Any], folder: Path, modality: str = "CT"
) -> Answer:
    w.write(_volumes(name, keyword, values, modality=modality), folder)
    intercept = w.INTERCEPT if modality == "CT" else 0
    return load(*(volume(6, v, intercept=intercept) for v in range(len(values))))


@case(PHASES)
def phases_by_acquisition_number(folder: Path) -> Answer:
    return _told_by("acqnumber", "AcquisitionNumber", [1, 2, 3], folder)


@case(PHASES)
def phases_by_acquisition_time_alone(folder: Path) -> Answer:
    return _told_by("acqtime", "AcquisitionTime", ["101500", "101540.5"], folder)


@case(PHASES)
def phases_by_a_time_that_runs_from_slice_to_slice(folder: Path) -> Answer:
    slices = _volumes("running", "ImageComments", ["", ""])
    for k, d in enumerate(slices):
        d.AcquisitionTime = f"1015{k + (20 if k >= 6 else 0):02d}.250000"
    w.write(slices, folder)
    return load(volume(), volume(6, 1))


@case(PHASES)
def phases_by_temporal_position(folder: Path) -> Answer:
    return _told_by("temporal", "TemporalPositionIdentifier", [1, 2, 3], folder, "MR")


@case(PHASES)
def phases_by_trigger_time(folder: Path) -> Answer:
    return _told_by("trigger", "TriggerTime", [0, 25.5, 51], folder, "MR")


@case(PHASES)
def phases_by_contrast_agent(folder: Path) -> Answer:
    return _told_by("agent", "ContrastBolusAgent", ["", "GADOXETATE"], folder, "MR")


@case(PHASES)
def phases_by_content_time_alone(folder: Path) -> Answer:
    return _told_by("content", "ContentTime", ["101500", "101600"], folder)


@case(PHASES)
def phases_of_unequal_range(folder: Path) -> Answer:
    """Chest, then two abdominal phases that overlap it in part."""
    chest = w.make("unequal", 5, start=w.place(4), AcquisitionNumber=1)
    first = w.make("unequal", 6, number=11, volume=1, AcquisitionNumber=2)
    second = w.make("unequal", 7, number=21, volume=2, start=w.place(-1), AcquisitionNumber=3)
    w.write([*chest, *first, *second], folder)
    return load(volume(5, 0, start=w.place(4)), volume(6, 1), volume(7, 2, start=w.place(-1)))


@case(PHASES)
def step_and_shoot_phases(folder: Path) -> Answer:
    """An acquisition number for every two slices, twice through the body."""
    slices = _volumes("shoot", "ImageComments", ["", ""])
    for k, d in enumerate(slices):
        d.AcquisitionNumber = 1 + k // 2
    w.write(slices, folder)
    return load(volume(), volume(6, 1))


@case(PHASES)
def one_volume_of_several_acquisitions(folder: Path) -> Answer:
    slices = w.make("steps")
    for k, d in enumerate(slices):
        d.AcquisitionNumber = 1 + k // 2
    w.write(slices, folder)
    return load(volume())


@case(PHASES)
def acquisitions_half_a_spacing_apart(folder: Path) -> Answer:
    """Together they would look like one volume of half the spacing."""
    slices = _volumes("halfstep", "AcquisitionNumber", [1, 2])
    for d in slices[6:]:
        d.ImagePositionPatient = [*w.START_MM[:2], float(d.ImagePositionPatient[2]) + 1.25]
    w.write(slices, folder)
    return load(volume(), volume(6, 1, start=w.place(0.5)))


@case(PHASES)
def times_that_alternate_half_a_spacing_apart(folder: Path) -> Answer:
    slices = _volumes("halftime", "AcquisitionTime", ["101500", "101540"])
    for d in slices[6:]:
        d.ImagePositionPatient = [*w.START_MM[:2], float(d.ImagePositionPatient[2]) + 1.25]
    w.write(slices, folder)
    return load(volume(), volume(6, 1, start=w.place(0.5)))


@case(PHASES)
def ct_whose_times_return_without_a_second_volume(folder: Path) -> Answer:
    """One volume; a clock that was read twice for some slices."""
    slices = w.make("clock", 8)
    for d, second in zip(slices, (0, 0, 1, 0, 1, 2, 1, 2), strict=True):
        d.AcquisitionTime = f"10150{second}"
    w.write(slices, folder)
    return load(volume(8))


@case(PHASES)
def mr_that_acquires_every_second_slice_first(folder: Path) -> Answer:
    slices = w.make("concats", modality="MR")
    for k, d in enumerate(slices):
        d.AcquisitionTime = "101520" if k % 2 else "101500"
    w.write(slices, folder)
    return load(volume(intercept=0))


@case(PHASES)
def one_phase_with_a_hole(folder: Path) -> Answer:
    slices = _volumes("hole", "AcquisitionNumber", [1, 2])
    del slices[8]
    w.write(slices, folder)
    return flag(volume(), codes=["series_partly_refused"], refused_part=["missing_slice"])


@case(PHASES)
def phases_that_nothing_tells_apart(folder: Path) -> Answer:
    w.write(_volumes("same", "ImageComments", ["", ""]), folder)
    return refuse("ambiguous_positions")


@case(PHASES)
def attributes_that_contradict_one_another(folder: Path) -> Answer:
    slices = _volumes("contra", "FlipAngle", [10, 20], modality="MR")
    for k, d in enumerate(slices):
        d.EchoTime = 2.4 if k in (0, 1, 2, 9, 10, 11) else 4.8
    w.write(slices, folder)
    return refuse("ambiguous_positions")


@case(PHASES)
def echoes(folder: Path) -> Answer:
    return _told_by("echo", "EchoNumbers", [1, 2], folder, "MR")


@case(PHASES)
def echo_times_alone(folder: Path) -> Answer:
    return _told_by("echotime", "EchoTime", [2.4, 4.8], folder, "MR")


@case(PHASES)
def b_values(folder: Path) -> Answer:
    return _told_by("bvalue", "DiffusionBValue", [50.0, 800.0], folder, "MR")


@case(PHASES)
def flip_angles(folder: Path) -> Answer:
    return _told_by("flip", "FlipAngle", [2, 5, 10], folder, "MR")


@case(PHASES)
def magnitude_and_phase(folder: Path) -> Answer:
    kinds = [["ORIGINAL", "PRIMARY", "M", "FFE"], ["ORIGINAL", "PRIMARY", "P", "FFE"]]
    return _told_by("phase", "ImageType", kinds, folder, "MR")


@case(PHASES)
def water_and_fat(folder: Path) -> Answer:
    kinds = [["DERIVED", "PRIMARY", "DIXON", "WATER"], ["DERIVED", "PRIMARY", "DIXON", "FAT"]]
    return _told_by("dixon", "ImageType", kinds, folder, "MR")


@case(PHASES)
def kernels(folder: Path) -> Answer:
    return _told_by("kernel", "ConvolutionKernel", ["B30f", "B60f"], folder)


@case(PHASES)
def tube_voltages(folder: Path) -> Answer:
    return _told_by("kvp", "KVP", [80, 140], folder)


@case(PHASES)
def two_orientations(folder: Path) -> Answer:
    orientation, step = (1.0, 0, 0, 0, 0, -1.0), (0, 3.0, 0)
    coronal = w.make("turns", 5, number=21, volume=1, step=step, modality="MR")
    for d in coronal:
        d.ImageOrientationPatient = list(orientation)
    w.write([*w.make("turns", modality="MR"), *coronal], folder)
    return load(volume(intercept=0), volume(5, 1, intercept=0, step=step, orientation=orientation))


@case(PHASES)
def two_pixel_sizes(folder: Path) -> Answer:
    fine = w.make("sizes", number=21, volume=1, PixelSpacing=[0.35, 0.4])
    w.write([*w.make("sizes"), *fine], folder)
    values = w.words(6, 1) + w.INTERCEPT
    return load(volume(), Expected(values.astype(float), w.affine(spacing=(0.35, 0.4))))


@case(PHASES)
def two_frames_of_reference(folder: Path) -> Answer:
    other = w.make("frames", number=21, volume=1, FrameOfReferenceUID=f"{w.ROOT}.66")
    w.write([*w.make("frames"), *other], folder)
    return load(volume(), volume(6, 1))
