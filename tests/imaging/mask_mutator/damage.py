"""Changes of masks: harmless ones, structural ones, and of what fields say."""

from __future__ import annotations

import gzip
import random
import struct
from collections.abc import Callable
from copy import deepcopy

from pydicom import Dataset, uid

from tests.imaging.mutator import damage
from tests.imaging.mutator.base import Files
from tests.imaging.mutator.kind import Family, Kind, parsed, written

KINDS: dict[str, list[Kind]] = {"seg": [], "structures": [], "nifti": []}
"""By kind of mask."""

Edit = Callable[[Dataset, random.Random], None]


def dicom(kind: str, family: Family, unseen: str = "") -> Callable[[Edit], Edit]:
    """Register a change of a DICOM mask."""

    def put(edit: Edit) -> Edit:
        def change(files: Files, rng: random.Random) -> None:
            for name in files:
                d = parsed(files[name])
                edit(d, rng)
                files[name] = written(d)

        KINDS[kind].append(Kind(edit.__name__, family, change, False, unseen))
        return edit

    return put


for _kind, _known in KINDS.items():
    _known += [k for k in damage.OTHER if k.family == "bytes" and k.multiframe]
    if _kind != "nifti":
        _known += [
            k for k in damage.OTHER
            if k.multiframe and k.name in ("private_elements_added", "another_uncompressed_coding")
        ]  # fmt: skip


def _frames(d: Dataset) -> list[Dataset]:
    """Return the frames' functional groups."""
    return d.PerFrameFunctionalGroupsSequence  # type: ignore[no-any-return]


def _any(d: Dataset, rng: random.Random) -> int:
    """Return one of the frames."""
    return rng.randrange(len(_frames(d)))


@dicom("seg", "structural")
def frame_not_described(d: Dataset, rng: random.Random) -> None:
    _frames(d).pop(_any(d, rng))


@dicom("seg", "structural")
def frame_described_twice(d: Dataset, rng: random.Random) -> None:
    _frames(d).append(deepcopy(_frames(d)[_any(d, rng)]))


@dicom("seg", "structural")
def fewer_frames_stated(d: Dataset, rng: random.Random) -> None:
    d.NumberOfFrames = int(d.NumberOfFrames) - rng.randrange(1, 4)


@dicom("seg", "structural")
def frame_moved_by_a_part_of_a_voxel(d: Dataset, rng: random.Random) -> None:
    at = _frames(d)[_any(d, rng)].PlanePositionSequence[0]
    x, y, z = (float(v) for v in at.ImagePositionPatient)
    by = rng.choice((-1, 1)) * rng.uniform(0.3, 0.36)
    at.ImagePositionPatient = rng.choice(([x + by, y, z], [x, y + by, z], [x, y, z + 4 * by]))


@dicom("seg", "value")
def frame_moved_by_whole_voxels(d: Dataset, rng: random.Random) -> None:
    at = _frames(d)[_any(d, rng)].PlanePositionSequence[0]
    x, y, z = (float(v) for v in at.ImagePositionPatient)
    at.ImagePositionPatient = [x + 0.7 * rng.randrange(-2, 3), y + 0.8 * rng.randrange(-2, 3), z]


@dicom("seg", "value")
def places_of_two_frames_exchanged(d: Dataset, rng: random.Random) -> None:
    one, two = (f.PlanePositionSequence[0] for f in rng.sample(list(_frames(d)), 2))
    here, there = one.ImagePositionPatient, two.ImagePositionPatient
    one.ImagePositionPatient, two.ImagePositionPatient = there, here


@dicom("seg", "structural")
def frame_without_a_place(d: Dataset, rng: random.Random) -> None:
    _frames(d)[_any(d, rng)].pop("PlanePositionSequence")


@dicom("seg", "structural")
def shared_groups_removed(d: Dataset, rng: random.Random) -> None:
    d.SharedFunctionalGroupsSequence[0].pop(
        rng.choice(("PlaneOrientationSequence", "PixelMeasuresSequence"))
    )


@dicom("seg", "structural")
def pixel_spacing_changed(d: Dataset, rng: random.Random) -> None:
    measures = d.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0]
    measures.PixelSpacing = rng.choice(([1.0, 1.0], [0.7, 0.8], [0.8, 0.77]))


@dicom("seg", "value")
def orientation_changed(d: Dataset, rng: random.Random) -> None:
    lie = d.SharedFunctionalGroupsSequence[0].PlaneOrientationSequence[0]
    lie.ImageOrientationPatient = rng.choice(
        ([0, 1, 0, 1, 0, 0], [-1, 0, 0, 0, 1, 0], [1, 0, 0, 0, 0, 1])
    )


@dicom("seg", "value")
def another_segment_named(d: Dataset, rng: random.Random) -> None:
    named = _frames(d)[_any(d, rng)].get("SegmentIdentificationSequence")
    if named:
        named[0].ReferencedSegmentNumber = rng.choice((1, 2, 3))


@dicom("seg", "value")
def segment_declared_otherwise(d: Dataset, rng: random.Random) -> None:
    item = rng.choice(list(d.SegmentSequence))
    item.SegmentNumber = rng.choice((1, 2, 3, 7))


@dicom("seg", "value")
def segment_not_declared(d: Dataset, rng: random.Random) -> None:
    d.SegmentSequence.pop(rng.randrange(len(d.SegmentSequence)))


_SEG_VALUES: tuple[dict[str, object], ...] = (
    {"Rows": 10}, {"Columns": 12}, {"Rows": 24, "Columns": 20}, {"BitsAllocated": 8},
    {"BitsAllocated": 1}, {"BitsAllocated": 16}, {"SegmentationType": "BINARY"},
    {"SegmentationType": "FRACTIONAL"}, {"SegmentationType": "XX"}, {"MaximumFractionalValue": 100},
    {"MaximumFractionalValue": 255}, {"MaximumFractionalValue": 0}, {"BitsStored": 4, "HighBit": 3},
    {"PixelRepresentation": 1}, {"FrameOfReferenceUID": "1.2.3"}, {"NumberOfFrames": 400},
    {"SamplesPerPixel": 3}, {"PixelPaddingValue": 1}, {"SOPClassUID": uid.CTImageStorage},
)  # fmt: skip


def _setting(cells: dict[str, object]) -> Edit:
    """Return a change of top-level elements."""

    def edit(d: Dataset, rng: random.Random) -> None:
        for keyword, value in cells.items():
            if keyword == "PixelPaddingValue":
                d.add_new(keyword, "US", value)
            else:
                setattr(d, keyword, value)

    edit.__name__ = "_".join(f"{k}={v}" for k, v in cells.items())
    return edit


for _cells in _SEG_VALUES:
    dicom("seg", "value")(_setting(_cells))


def _contours(d: Dataset) -> list[Dataset]:
    """Return the contours of all regions."""
    return [c for region in d.ROIContourSequence for c in region.ContourSequence]


@dicom("structures", "structural")
def slice_not_outlined(d: Dataset, rng: random.Random) -> None:
    contours, first = d.ROIContourSequence[0].ContourSequence, rng.choice((2, 4))
    del contours[first : first + 2]  # rim and hole of a slice that is neither first nor last


@dicom("structures", "structural")
def contour_between_slices(d: Dataset, rng: random.Random) -> None:
    contour = rng.choice(_contours(d))
    data = [float(v) for v in contour.ContourData]
    data[2::3] = [z + rng.choice((-1, 1)) * 1.2 for z in data[2::3]]
    contour.ContourData = [f"{v:.5f}" for v in data]


@dicom("structures", "structural")
def contour_tilted(d: Dataset, rng: random.Random) -> None:
    contour = rng.choice(_contours(d))
    data = [float(v) for v in contour.ContourData]
    data[2 + 3 * rng.randrange(len(data) // 3)] += 2.5
    contour.ContourData = [f"{v:.5f}" for v in data]


@dicom("structures", "structural")
def coordinate_missing(d: Dataset, rng: random.Random) -> None:
    contour = rng.choice(_contours(d))
    data = list(contour.ContourData)
    del data[rng.randrange(len(data))]
    contour.ContourData = data


@dicom("structures", "structural")
def point_missing(d: Dataset, rng: random.Random) -> None:
    contour = rng.choice(_contours(d))
    data = list(contour.ContourData)
    at = 3 * rng.randrange(len(data) // 3)
    del data[at : at + 3]
    contour.ContourData = data


@dicom("structures", "value")
def point_moved(d: Dataset, rng: random.Random) -> None:
    contour = rng.choice(_contours(d))
    data = [float(v) for v in contour.ContourData]
    at = 3 * rng.randrange(len(data) // 3)
    data[at] += rng.uniform(-4, 4)
    data[at + 1] += rng.uniform(-4, 4)
    contour.ContourData = [f"{v:.5f}" for v in data]


@dicom("structures", "structural")
def contour_of_another_type(d: Dataset, rng: random.Random) -> None:
    rng.choice(_contours(d)).ContourGeometricType = rng.choice(("POINT", "OPEN_PLANAR", ""))


@dicom("structures", "structural")
def contour_drawn_twice(d: Dataset, rng: random.Random) -> None:
    contours = rng.choice(list(d.ROIContourSequence)).ContourSequence
    contours.append(deepcopy(rng.choice(list(contours))))


@dicom("structures", "structural")
def region_of_another_number(d: Dataset, rng: random.Random) -> None:
    rng.choice(list(d.ROIContourSequence)).ReferencedROINumber = rng.choice((3, 9))


@dicom("structures", "structural")
def region_of_another_frame(d: Dataset, rng: random.Random) -> None:
    rng.choice(list(d.StructureSetROISequence)).ReferencedFrameOfReferenceUID = "1.2.3"


@dicom("structures", "structural")
def observations_and_contours_cut(d: Dataset, rng: random.Random) -> None:
    d.ROIContourSequence = d.ROIContourSequence[:1]
    del d.RTROIObservationsSequence


_FIELDS: tuple[tuple[str, int, tuple[float, ...]], ...] = (
    ("h", 40, (0, 1, 2, 4, 9)), ("h", 42, (23, 25, 0, -1, 30000)), ("h", 44, (10, 24)),
    ("h", 46, (4, 9, 1)), ("h", 48, (2, 3)), ("h", 70, (2, 4, 8, 16, 64, 128, 256, 512, 0)),
    ("h", 72, (1, 64)), ("f", 76, (1, -1, 0)), ("f", 80, (1.0, 0.0, float("nan"))),
    ("f", 84, (2.0,)), ("f", 88, (1.5, -3.0)), ("f", 108, (0, 348, 353, 400, 1e9)),
    ("f", 112, (2.0, 0.5, float("nan"), -1.0)), ("f", 116, (1.0, float("inf"))),
    ("b", 123, (0, 1, 2, 3, 7, 10)), ("h", 252, (0, 1, 2, -1)), ("h", 254, (0, 1, 4, -2)),
    ("f", 256, (0.0, 0.7, 2.0)), ("f", 268, (0.0, 31.0)), ("f", 276, (43.0, 41.0)),
    ("f", 280, (0.7, -0.65, 0.0)), ("f", 292, (31.0, 30.3, 0.0)), ("f", 320, (3.0, 2.9, 6.0)),
)  # fmt: skip


def _nifti(change: Callable[[bytearray, str, random.Random], None], family: Family) -> None:
    """Register a change of NIfTI bytes, unpacked where they are packed."""

    def to_files(files: Files, rng: random.Random) -> None:
        for name, packed in files.items():
            data = bytearray(gzip.decompress(packed) if name.endswith(".gz") else packed)
            change(data, "<" if data[0] == 0x5C else ">", rng)
            files[name] = (
                gzip.compress(bytes(data), mtime=0) if name.endswith(".gz") else bytes(data)
            )

    KINDS["nifti"].append(Kind(change.__name__, family, to_files, False))


def field_changed(data: bytearray, order: str, rng: random.Random) -> None:
    kind, at, values = rng.choice(_FIELDS)
    struct.pack_into(order + kind, data, at, rng.choice(values))


def values_cut_short(data: bytearray, order: str, rng: random.Random) -> None:
    del data[-rng.choice((1, 7, 300)) :]


def unpacked_bytes_changed(data: bytearray, order: str, rng: random.Random) -> None:
    for _ in range(rng.choice((1, 2, 5))):
        data[rng.randrange(360)] = rng.randrange(256)


for _ in range(3):  # the header of a NIfTI is where its meaning is
    _nifti(field_changed, "value")
_nifti(values_cut_short, "structural")
_nifti(unpacked_bytes_changed, "bytes")
