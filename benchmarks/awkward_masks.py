"""How other readers do on the awkward masks that `imaging` is tested with.

    python benchmarks/awkward_masks.py [--details]

Every case of `tests/imaging/awkward_mask` is written into a folder and read by each reader that
takes files of its kind, by the recipe that its documentation or common practice gives for a mask on
the grid of an image. Judged by voxels alone:

right    the voxels of every segment, or an error where the mask cannot lie on the image
refused  an error, though the mask is legal
wrong    other voxels, or voxels where there can be none, without an error

Masks that are moved on request are left out: to move them is what most recipes do unasked.
"""

from __future__ import annotations

import argparse
import tempfile
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import highdicom as hd
import numpy as np
import pydicom
import SimpleITK
from numpy.typing import NDArray
from skimage.draw import polygon2mask

from imaging.geometry import VolumeGeometry
from imaging.mask_file import read_masks
from tests.imaging.awkward_mask.answer import Answer, all_cases
from tests.imaging.awkward_mask.writer import Grid

Masks = dict[int, NDArray[np.bool_]]
Reader = Callable[[Answer], Masks]
LABELS, SEG, CONTOURS = "label images", "DICOM SEG", "RTSTRUCT"


def kind_of(name: str, answer: Answer) -> str:
    """Return the kind of a case."""
    if answer.path.suffix != ".dcm":
        return LABELS
    return SEG if name.startswith("seg_") else CONTOURS


def sumdiam(answer: Answer) -> Masks:
    """Read through `imaging.mask_file`."""
    grid = VolumeGeometry(answer.grid.affine(), answer.grid.shape, answer.frame)
    return {number: mask.array for number, mask in read_masks(answer.path, grid).items()}


def simpleitk(answer: Answer) -> Masks:
    """Resample onto the image by nearest neighbour."""
    image = SimpleITK.ReadImage(str(answer.path))
    moved = SimpleITK.Resample(
        image, _reference(answer.grid), SimpleITK.Transform(), SimpleITK.sitkNearestNeighbor
    )
    array = SimpleITK.GetArrayFromImage(moved)
    layers = [array] if array.ndim == len(answer.grid.shape) else list(np.moveaxis(array, -1, 0))
    if len(layers) > 1:
        return {number: layer > 0 for number, layer in enumerate(layers, start=1)}
    return {int(v): array == v for v in np.unique(array) if v} or {1: array > 0}


def nibabel(answer: Answer) -> Masks:
    """Take the array as it is stored, if its shape is that of the image."""
    import nibabel as nib

    array = np.asarray(nib.load(answer.path).dataobj).squeeze().T
    if array.shape != answer.grid.shape:
        raise ValueError(array.shape)
    return {int(v): array == v for v in np.unique(array) if v} or {1: array > 0}


def highdicom(answer: Answer) -> Masks:
    """Put each segment together as a volume and match it to the image's geometry."""
    seg = hd.seg.segread(answer.path)
    affine = answer.grid.affine()
    image = hd.VolumeGeometry(affine, answer.grid.shape, coordinate_system="PATIENT")
    found = {}
    for number in seg.segment_numbers:
        volume = seg.get_volume(
            segment_numbers=[number], combine_segments=True, relabel=True,
            allow_missing_positions=True, skip_overlap_checks=True,
        )  # fmt: skip
        found[int(number)] = np.asarray(volume.match_geometry(image).array) > 0
    return found


def pydicom_recipe(answer: Answer) -> Masks:
    """Stack frames by segment and the third coordinate of their positions."""
    seg = pydicom.dcmread(answer.path)
    found = {
        int(item.SegmentNumber): np.zeros(answer.grid.shape, dtype=np.bool_)
        for item in seg.SegmentSequence
    }
    pixels = np.atleast_3d(seg.pixel_array)
    for item, frame in zip(seg.PerFrameFunctionalGroupsSequence, pixels, strict=True):
        number = int(item.SegmentIdentificationSequence[0].ReferencedSegmentNumber)
        z = float(item.PlanePositionSequence[0].ImagePositionPatient[2])
        k = round((z - answer.grid.first[2]) / answer.grid.slice_step[2])
        found[number][k] = frame > 0
    return found


def polygon_recipe(answer: Answer) -> Masks:
    """Fill each contour on the nearest slice with skimage; contours are joined."""
    data = pydicom.dcmread(answer.path)
    inverse = np.linalg.inv(answer.grid.affine())
    found = {
        int(item.ROINumber): np.zeros(answer.grid.shape, dtype=np.bool_)
        for item in data.StructureSetROISequence
    }
    for item in data.ROIContourSequence:
        for contour in item.get("ContourSequence") or []:
            points = np.array(contour.ContourData, dtype=float).reshape(-1, 3)
            index = np.c_[points, np.ones(len(points))] @ inverse.T
            k = round(float(index[:, 0].mean()))
            filled = polygon2mask(answer.grid.shape[1:], index[:, 1:3])
            found[int(item.ReferencedROINumber)][k] |= filled
    return found


READERS: dict[str, dict[str, Reader]] = {
    SEG: {"sumdiam": sumdiam, "highdicom": highdicom, "pydicom recipe": pydicom_recipe},
    CONTOURS: {"sumdiam": sumdiam, "skimage recipe": polygon_recipe},
    LABELS: {"sumdiam": sumdiam, "SimpleITK": simpleitk, "nibabel": nibabel},
}


def _reference(grid: Grid) -> SimpleITK.Image:
    """Return an empty image on a grid."""
    image = SimpleITK.Image([int(n) for n in grid.shape[::-1]], SimpleITK.sitkUInt8)
    steps = grid.affine()[:3, [2, 1, 0]]
    spacing = np.linalg.norm(steps, axis=0)
    image.SetSpacing(spacing.tolist())
    image.SetDirection((steps / spacing).ravel().tolist())
    image.SetOrigin([float(x) for x in grid.first])
    return image


def verdict(answer: Answer, reader: Reader) -> str:
    """Return how a reader did on a case."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            masks = reader(answer)
    except Exception:  # noqa: BLE001 - any error of a reader is its refusal
        return "right" if answer.refused else "refused"
    if answer.refused:
        return "wrong"
    found = {n: {tuple(v) for v in np.argwhere(mask).tolist()} for n, mask in masks.items()}
    full = {number: voxels for number, voxels in answer.voxels.items() if voxels}
    return "right" if {n: v for n, v in found.items() if v} == full else "wrong"


def applies(name: str, answer: Answer) -> bool:
    """Return whether a reader opens files of this name."""
    return name != "nibabel" or answer.path.name.endswith((".nii", ".nii.gz"))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--details", action="store_true", help="name what was read wrong")
    options = parser.parse_args()
    counts: dict[tuple[str, str], Counter[str]] = {}
    wrong = []
    with tempfile.TemporaryDirectory() as folder:
        for name, case in sorted(all_cases().items()):
            place = Path(folder) / name
            place.mkdir()
            answer = case(place)
            if answer.resample:
                continue
            kind = kind_of(name, answer)
            for reader, read in READERS[kind].items():
                if applies(reader, answer):
                    how = verdict(answer, read)
                    counts.setdefault((kind, reader), Counter())[how] += 1
                    wrong += [f"{kind}, {reader}: {name}"] if how == "wrong" else []
    print(f"{'':14}{'reader':16}{'right':>8}{'refused':>9}{'wrong':>7}")
    for (kind, reader), how in sorted(counts.items()):
        print(f"{kind:14}{reader:16}{how['right']:8}{how['refused']:9}{how['wrong']:7}")
    if options.details:
        print("\n".join(["", "silently wrong:", *sorted(wrong)]))


if __name__ == "__main__":
    main()
