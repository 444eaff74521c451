"""Small masks of every kind that are then damaged, as bytes by file name."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydicom import Dataset, uid

from imaging.geometry import VolumeGeometry
from tests.imaging.awkward_mask import writer as w
from tests.imaging.mutator.base import Files

GRID = w.Grid()
GEOMETRY = VolumeGeometry(GRID.affine(), GRID.shape, w.FRAME)
BOX = w.box((2, 5), (4, 13), (6, 17))
HOLE = w.box((2, 5), (7, 9), (9, 12))
OTHER = w.box((3, 4), (15, 18), (2, 9))


@dataclass(frozen=True)
class Base:
    """A mask that reads without a doubt: its one file, and of what kind it is."""

    name: str
    kind: str
    files: Files


def _labels() -> np.ndarray:
    """A ring that is 1, and a box that is 2."""
    return w.filled(GRID.shape, BOX - HOLE) + w.filled(GRID.shape, OTHER, 2)


def _segmentation(kind: str, syntax: str = uid.ExplicitVRLittleEndian) -> Dataset:
    """A segmentation of both."""
    labels = _labels()
    if kind == "LABELMAP":
        return w.segmentation(w.ct_slices(GRID), labels.astype(np.uint8), kind, count=2)
    layers = np.stack([labels == 1, labels == 2], axis=-1)
    if kind == "BINARY":
        return w.segmentation(
            w.ct_slices(GRID), layers.astype(np.uint8), kind, 2, transfer_syntax_uid=syntax
        )
    rim = np.roll(layers, 1, axis=2) & ~layers
    return w.segmentation(
        w.ct_slices(GRID), layers * 0.9 + rim * 0.3, kind, 2,
        max_fractional_value=200, transfer_syntax_uid=syntax,
    )  # fmt: skip


def _circle(k: int, centre: tuple[float, float], radius: float) -> np.ndarray:
    """An outline in LPS mm whose points lie on no pixel centre."""
    angles = np.arange(40) * 2 * math.pi / 40 + 0.01
    return np.array([
        GRID.at(k, centre[0] + radius * math.sin(a), centre[1] + radius * math.cos(a))
        for a in angles
    ])  # fmt: skip


def _structures(kind: str = "CLOSED_PLANAR") -> Dataset:
    """A ring, whose hole is drawn as a contour of its own, and a disc."""
    ring = [_circle(k, (9.3, 11.7), r) for k in range(2, 6) for r in (6.15, 2.55)]
    disc = [_circle(k, (16.4, 5.3), 2.27) for k in range(3, 5)]
    regions = [w.Region(1, "ring", ring, kind), w.Region(2, "disc", disc)]
    return w.structure_set(w.ct_slices(GRID), regions)


def bases(folder: Path) -> list[Base]:
    """Return every mask that mutants are made of; ``folder`` is for writing them."""
    folder.mkdir(parents=True, exist_ok=True)

    def held(name: str, kind: str, file: str, write: Callable[[Path], object]) -> Base:
        write(folder / file)
        return Base(name, kind, {file: (folder / file).read_bytes()})

    made = {
        "seg_binary": _segmentation("BINARY"),
        "seg_fractional": _segmentation("FRACTIONAL"),
        "seg_run_length": _segmentation("FRACTIONAL", uid.RLELossless),
        "seg_label_map": _segmentation("LABELMAP"),
        "structures": _structures(),
        "structures_xor": _structures("CLOSEDPLANAR_XOR"),
    }
    found = [
        held(name, name.split("_")[0], "mask.dcm", lambda path, d=d: w.save(d, path))
        for name, d in made.items()
    ]
    ras, labels = GRID.ras(), _labels()
    forms: dict[str, dict[str, object]] = {
        "nifti": {"sform": ras}, "nifti_both": {"sform": ras, "qform": ras},
        "nifti_qform": {"qform": ras}, "nifti_float": {"sform": ras, "kind": "f4"},
        "nifti_big": {"sform": ras, "kind": "i2", "order": ">"},
        "nifti_scaled": {"sform": ras, "slope": 1.0, "intercept": 0.0, "kind": "u2"},
    }  # fmt: skip
    return found + [
        held(
            name + ending[3:],
            "nifti",
            f"mask.{ending}",
            lambda path, o=options: w.write_nifti(path, labels, **o),  # type: ignore[misc]
        )
        for name, options in forms.items()
        for ending in ("nii", "nii.gz")
    ]
