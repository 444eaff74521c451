"""A volume: values, where they are, and what was understood of the files."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from imaging.geometry import VolumeGeometry

Unit = Literal["HU", "signal"]


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A file or instance that was not used, and why (codes: docs/reason-codes.md)."""

    file: str
    reason_code: str
    detail: str


@dataclass(frozen=True, slots=True)
class LoadReport:
    """What loading a series did: files used and left out, and how regular it was."""

    files_used: tuple[str, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    duplicates_dropped: int = 0
    largest_position_residual_mm: float = 0.0
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Volume:
    """One phase of one study.

    Parameters
    ----------
    array : (z, y, x) int16 or float32 array
        HU where ``unit`` is ``"HU"``, else signal without a unit.
    padding : (z, y, x) bool array, optional
        Voxels outside the reconstruction; never counted in statistics.
    sop_instance_uids, frame_numbers : one entry per slice
        Which instance, and which frame of it (1 for single-frame files), each slice came from.
    slice_thickness_mm : float, optional
        As recorded; None where absent. Not the spacing of slices.
    signal_unit : str, optional
        What the signal of PET is counted in, as DICOM writes it: ``BQML``, ``CNTS``, ``GML``.
    """

    array: NDArray[np.int16] | NDArray[np.float32]
    geometry: VolumeGeometry
    unit: Unit
    sop_instance_uids: tuple[str, ...]
    frame_numbers: tuple[int, ...]
    volume_id: str
    padding: NDArray[np.bool_] | None = None
    slice_thickness_mm: float | None = None
    signal_unit: str | None = None
    report: LoadReport = field(default_factory=LoadReport)
