"""A body with a liver, whose every tissue has a known value in every phase."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from imaging.coverage import coverage, solid_coverage, solid_mask
from imaging.geometry import VolumeGeometry
from imaging.noise import Acquisition, noise_field
from imaging.reference_lesion import ReferenceLesion
from imaging.solid import Point, Solid
from imaging.tissue import OBJECT_PHASES, TISSUES, Modality


@dataclass(frozen=True, slots=True)
class Field:
    """The grid of a scan: axial, feet to head, rows to the back, columns to the left.

    Parameters
    ----------
    shape : (z, y, x)
    spacing_mm : (z, y, x)
    centre_mm : (x, y, z) in LPS
        Middle of the grid; shift it by part of a pixel for another sub-pixel position.
    """

    shape: tuple[int, int, int] = (26, 160, 192)
    spacing_mm: Point = (2.5, 0.8, 0.8)
    centre_mm: Point = (0.0, 0.0, 0.0)

    def geometry(self, frame_of_reference_uid: str | None = None) -> VolumeGeometry:
        """Return the grid with its affine."""
        half = [(n - 1) * step / 2.0 for n, step in zip(self.shape, self.spacing_mm, strict=True)]
        x, y, z = self.centre_mm
        return VolumeGeometry.upright(
            shape=self.shape,
            spacing_mm=self.spacing_mm,
            origin_mm=(x - half[2], y - half[1], z - half[0]),
            frame_of_reference_uid=frame_of_reference_uid,
        )


@dataclass(frozen=True, slots=True)
class Organ:
    """A solid of one tissue (a key of `TISSUES`)."""

    tissue: str
    solid: Solid


def _cylinder(tissue: str, centre: tuple[float, float], axes: tuple[float, float]) -> Organ:
    """Return an organ that runs through all slices."""
    return Organ(tissue, Solid((*centre, 0.0), (*axes, float("inf"))))


TRUNK = (
    _cylinder("fat", (25.0, 14.0), (100.0, 76.0)),
    _cylinder("muscle", (25.0, 14.0), (94.0, 70.0)),
    _cylinder("fat", (25.0, 14.0), (88.0, 64.0)),
    _cylinder("bone", (25.0, 52.0), (16.0, 16.0)),
    _cylinder("aorta", (38.0, 30.0), (9.0, 9.0)),
    Organ("spleen", Solid((70.0, 22.0, 0.0), (14.0, 24.0, 40.0))),
    Organ("lung", Solid((58.0, -22.0, 16.0), (17.0, 19.0, 15.0))),
    Organ("liver", Solid((-10.0, -2.0, 0.0), (48.0, 40.0, 52.0))),
)

# Where lesions outside the liver find room: centre in LPS mm and the largest radius that touches
# no other organ (all are in fat but the lung nodule).
EXTRAHEPATIC_PLACES: Mapping[str, tuple[Point, float]] = {
    "lung": ((58.0, -22.0, 16.0), 14.0),
    "soft_tissue": ((57.0, -20.0, -18.0), 17.0),
    "adrenal": ((47.5, 6.0, 4.0), 8.5),
    "lymph_node": ((54.0, 51.0, -4.0), 11.0),
}


@dataclass(frozen=True, slots=True)
class Body:
    """Organs in the order in which they are drawn, and the modality that sees them."""

    modality: Modality = "CT"
    organs: tuple[Organ, ...] = TRUNK

    def value(self, tissue: str, phase: str) -> float:
        """Return the HU or signal of a tissue in a phase."""
        return TISSUES[self.modality][tissue][OBJECT_PHASES.index(phase)]

    def organ_mask(self, tissue: str, geometry: VolumeGeometry) -> NDArray[np.bool_]:
        """Return the voxels whose centre lies in the last organ of that tissue."""
        solids = [organ.solid for organ in self.organs if organ.tissue == tissue]
        return solid_mask(solids[-1], geometry)


def render(
    field: Field,
    lesions: Sequence[ReferenceLesion],
    phase: str,
    *,
    body: Body | None = None,
    acquisition: Acquisition | None = None,
    seed: Sequence[str],
    shift_mm: Point = (0.0, 0.0, 0.0),
) -> NDArray[np.int16]:
    """Image of a body with lesions in one phase: (z, y, x) int16 array in HU or signal.

    Parameters
    ----------
    lesions : drawn in order; they should not overlap; those without a shape have vanished
    phase : a word of `OBJECT_PHASES`
    body : CT trunk by default
    acquisition : `Acquisition()` by default
    seed : words that name this image (subject, visit, phase): same words, same noise
    shift_mm : (x, y, z)
        Moves the whole anatomy, as breathing does between phases; masks and truth stay behind.

    Notes
    -----
    In-plane partial volume, none through the plane (see `coverage`). MR noise is Gaussian, not
    Rician, so it has no bias; values below 0 are cut.
    """
    body, acquisition = body or Body(), acquisition or Acquisition()
    x, y, z = (centre - move for centre, move in zip(field.centre_mm, shift_mm, strict=True))
    seen = Field(field.shape, field.spacing_mm, (x, y, z))
    image = _body_image(body, seen, phase).copy()
    geometry = seen.geometry()
    for lesion in lesions:
        draw(image, geometry, lesion, phase)
    if acquisition.blur_mm > 0.0:
        sigma = [acquisition.blur_mm / step for step in field.spacing_mm[1:]]
        image = ndimage.gaussian_filter(image, (0.0, *sigma), mode="nearest")
    image += noise_field(field.shape, acquisition, body.modality, phase, *seed)
    low, high = (-1024.0, 3071.0) if body.modality == "CT" else (0.0, 32767.0)
    return np.clip(np.rint(image), low, high).astype(np.int16)


def draw(
    image: NDArray[np.float32], geometry: VolumeGeometry, lesion: ReferenceLesion, phase: str
) -> None:
    """Blend a lesion into an image in place, by the share of each pixel it covers."""
    if lesion.shape is None:
        return
    part = coverage(lesion.shape, geometry)
    viable = np.float32(lesion.appearance.viable[phase])
    necrosis = np.float32(lesion.appearance.necrosis[phase])
    under = image[part.box]
    image[part.box] = (
        under * (1 - part.whole) + necrosis * (part.whole - part.viable) + viable * part.viable
    )


@functools.lru_cache(maxsize=16)
def _body_image(body: Body, field: Field, phase: str) -> NDArray[np.float32]:
    """Draw the organs without lesions or noise; kept, as visits differ in lesions alone."""
    image = np.full(field.shape, body.value("air", phase), dtype=np.float32)
    geometry = field.geometry()
    for organ in body.organs:
        box, share = solid_coverage(organ.solid, geometry)
        value = np.float32(body.value(organ.tissue, phase))
        image[box] = image[box] * (1 - share) + value * share
    image.flags.writeable = False
    return image
