"""Lesions planted in a real CT, breathing between phases and all, read as a run reads them."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from benchmarks.planted_accuracy import (
    NATIVE_UNDER_LIVER_HU,
    Places,
    _around,
    moved_outline,
    naive_lengths,
    random_shape,
)
from benchmarks.registration import COARSE, Law, displaced, noisy, unit
from imaging.coverage import planes_mm, whole_mask
from imaging.geometry import VolumeGeometry
from imaging.mask import LesionMask, SegmentIdentity
from imaging.planting import Host, _add, contrast
from imaging.reference_lesion import ReferenceLesion
from imaging.shape import Shape, longest_viable_mm
from imaging.volume import Volume
from measurement.crop import bounding_box
from measurement.cut import cut
from measurement.flag import Flag
from measurement.lesion import measure_lesion
from measurement.reading import LesionImages, MeasurementSettings
from sumdiam.batch.study_registration import registered_phases

SOLID = ("ball", "ellipsoid")
VIABLE = ("ball", "ring", "ellipsoid", "islands", "ball", "crescent")
"""Kinds in turn: half solid, half necrotic."""

ENHANCEMENT_HU = (20.0, 80.0)
NOISE_HU = (10.0, 20.0)
SIGNAL_FROM_HU = 10.0
"""MR: this attenuation becomes no signal, so that the liver's is 100 units where it has 110 HU."""

SIGNAL_PER_HU = (0.5, 8.0)
SHIFT_MM = 3.0
STIFF_MM, SHEARED_MM = 4.0, 12.0
"""So far from the liver all moves with it; over so much more the displacement falls to nothing."""

MARGIN_MM = 54.0
"""The scan is cut to so much about a lesion; registration compares 45 mm."""

Modality = Literal["CT", "MR"]


@dataclass(frozen=True)
class Section:
    """One kind of planting.

    Parameters
    ----------
    kinds : of shapes, in turn; each comes twice in a row, the second time shifted
    outline_mm : SD of a smooth error of the outline that is handed in
    """

    name: str
    kinds: tuple[str, ...] = VIABLE
    modality: Modality = "CT"
    outline_mm: float = 0.0


@dataclass(frozen=True)
class Lesion:
    """One planted lesion: both phases as they lie, the outline that is handed in, and the truth."""

    kind: str
    shifted: bool
    noise_hu: float
    enhancement_hu: float
    truth_mm: float
    arterial: Volume
    native: Volume
    mask: LesionMask
    liver: NDArray[np.bool_]

    @property
    def cnr(self) -> float:
        """Enhancement over the noise of the difference of the phases."""
        return self.enhancement_hu / (math.sqrt(2.0) * self.noise_hu)


def lesion(number: int, host: Host, places: Places, seed: int, section: Section) -> Lesion:
    """Return one planted lesion.

    Notes
    -----
    The native phase of every other lesion was taken 3 mm away in breathing: the liver lies there,
    the spine and the body wall where they were, and 12 mm about the liver are sheared.
    """
    rng = np.random.default_rng([seed, number])
    kind, shifted = section.kinds[number // 2 % len(section.kinds)], number % 2 == 1
    shape = random_shape(rng, kind)
    reach = max(shape.whole.semi_axes_mm)
    middle = places.one(rng, reach)
    centre = host.volume.geometry.index_to_patient(middle)
    x, y, z = centre.tolist()
    shape = shape.at((x, y, z))
    here = _around(host, middle, reach + MARGIN_MM)
    grid = here.volume.geometry
    noise_hu, enhancement = float(rng.uniform(*NOISE_HU)), float(rng.uniform(*ENHANCEMENT_HU))
    native, arterial = _phases(here, shape, enhancement)
    whole = whole_mask(shape, grid)
    liver = here.liver | whole
    law = breathing(rng, liver, grid)
    if shifted:
        native = displaced(native, grid, law)
    per_hu = math.exp(rng.uniform(*np.log(SIGNAL_PER_HU)))
    volumes = []
    for image, phase in ((native, "native"), (arterial, "late_arterial")):
        array = noisy(image, host, noise_hu, phase, str(seed), str(number))
        volumes.append(_volume(here.volume, array, phase, section.modality, per_hu))
    drawn = _drawn(whole, grid, section.outline_mm, rng)
    mask = LesionMask(drawn, grid, f"m{number}", SegmentIdentity(1))
    truth = longest_viable_mm(shape, planes_mm(grid).tolist(), 2.0)
    return Lesion(
        kind, shifted, noise_hu, enhancement, truth, volumes[1], volumes[0], mask, liver | drawn
    )


def breathing(rng: np.random.Generator, liver: NDArray[np.bool_], grid: VolumeGeometry) -> Law:
    """Return a law by which the liver lies 3 mm away and what is 16 mm off it stays."""
    shift = unit(rng) * np.array([0.4, 0.6, 1.0])  # mostly towards the feet or the head
    shift *= SHIFT_MM / np.linalg.norm(shift)
    spacing = np.array(grid.spacing_mm) * COARSE
    thin = liver[:: COARSE[0], :: COARSE[1], :: COARSE[2]]
    far = ndimage.distance_transform_edt(~thin, sampling=spacing)
    part = np.clip(1.0 - (far - STIFF_MM) / SHEARED_MM, 0.0, 1.0)
    part = ndimage.gaussian_filter(part, 3.0 / spacing, mode="nearest")

    def law(points: NDArray[np.float64]) -> NDArray[np.float64]:
        at = np.moveaxis(grid.patient_to_index(points), -1, 0)
        at = at / np.reshape(COARSE, (3,) + (1,) * (at.ndim - 1))
        share = ndimage.map_coordinates(part, at, order=1, mode="nearest")
        return np.asarray(points - share[..., None] * shift)

    return law


def _phases(
    here: Host, shape: Shape, enhancement_hu: float
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the native and the arterial phase without the noise that each has of its own."""
    look = contrast(enhancement_hu=enhancement_hu, native_hu=NATIVE_UNDER_LIVER_HU)
    one = ReferenceLesion("L", shape, look)
    native = np.maximum(here.volume.array.astype(np.float32), -1024)
    arterial = native.copy()
    _add(native, here.volume.geometry, one, "native", blur_mm=0.6)
    _add(arterial, here.volume.geometry, one, "late_arterial", blur_mm=0.6)
    return native, arterial


def _drawn(
    whole: NDArray[np.bool_], grid: VolumeGeometry, sd_mm: float, rng: np.random.Generator
) -> NDArray[np.bool_]:
    """Return an outline that is off by a smooth distance; the exact one at 0."""
    box = tuple(
        slice(max(0, part.start - margin), part.stop + margin)
        for part, margin in zip(bounding_box(whole), (4, 12, 12), strict=True)
    )
    drawn = np.zeros_like(whole)
    drawn[box] = moved_outline(whole[box], grid, sd_mm, rng)
    return drawn


def _volume(
    like: Volume, array: NDArray[np.int16], phase: str, modality: Modality, per_hu: float
) -> Volume:
    """Return one phase; of MR, signal in which fat and gas have none."""
    if modality == "CT":
        return replace(like, array=array, padding=None, volume_id=phase)
    signal = np.maximum(array.astype(np.float32) - SIGNAL_FROM_HU, 0.0) * per_hu
    return replace(
        like, array=np.rint(signal).astype(np.int16), padding=None, volume_id=phase, unit="signal"
    )


def prepared(one: Lesion) -> tuple[LesionImages, tuple[Flag, ...]]:
    """Return the images of a lesion with its phases registered, and the doubts of that."""
    phases, doubts = registered_phases(
        {"arterial": one.arterial, "native": one.native, "late": None}, one.mask,
        liver=one.liver, other_lesions=None,
    )  # fmt: skip
    return LesionImages(image=one.arterial, lesion=one.mask, liver=one.liver, **phases), doubts


def row_of(
    one: Lesion, images: LesionImages, doubts: tuple[Flag, ...], section: Section
) -> dict[str, object]:
    """Measure one lesion as a run does, and in the ways of the field."""
    reading = measure_lesion(images, settings=MeasurementSettings(outline_sd_mm=section.outline_mm))
    first = reading.quantities[0]
    parts = {f"u_{name}": part for name, part in first.uncertainty_parts.items()}
    flags = (*reading.flags, *first.flags, *doubts)
    return {
        "section": section.name,
        "kind": one.kind,
        "shifted": one.shifted,
        "noise_hu": one.noise_hu,
        "enhancement_hu": one.enhancement_hu,
        "planted_cnr": one.cnr,
        "truth": one.truth_mm,
        "value": first.value,
        "u": first.standard_uncertainty,
        "flags": ";".join(flag.written() for flag in flags),
        **naive_lengths(cut(images).images, hounsfield=section.modality == "CT"),
        **parts,
        **reading.evidence,
    }
