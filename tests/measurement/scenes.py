"""Lesions of known shape in a block of liver, as the volumes that measuring is handed."""

import numpy as np

from imaging.coverage import coverage, whole_mask
from imaging.geometry import VolumeGeometry
from imaging.mask import LesionMask, SegmentIdentity
from imaging.noise import Acquisition, noise_field
from imaging.volume import Volume
from measurement.reading import LesionImages

LIVER = {"native": 55.0, "arterial": 70.0, "late": 110.0}
NECROSIS = 35.0


def grid(size_mm=44.0, spacing=(2.5, 0.8, 0.8), slices=16):
    rows, columns = (int(size_mm / step) for step in spacing[1:])
    shape = (slices, rows, columns)
    origin = tuple(-(n - 1) * s / 2 for n, s in zip(shape[::-1], spacing[::-1], strict=True))
    return VolumeGeometry.upright(shape=shape, spacing_mm=spacing, origin_mm=origin)


def volume(array, geometry, name="v", unit="HU", **more):
    slices = geometry.shape[0]
    uids = tuple(f"{name}.{k}" for k in range(slices))
    return Volume(
        np.rint(array).astype(np.int16), geometry, unit, uids, (1,) * slices, name, **more
    )


def scene_of(
    shape, *, geometry=None, rise=60.0, noise=10.0, phases=("native", "arterial", "late"),
    liver=True, unit="HU", seed="1", native=45.0, scale=1.0, **more,
):  # fmt: skip
    """Images of one lesion; ``rise`` is its enhancement, ``scale`` turns HU into signal."""
    geometry = geometry or grid()
    part = coverage(shape, geometry)
    viable = {"native": native, "arterial": native + rise, "late": 90.0}
    volumes = {}
    for phase in phases:
        array = np.full(geometry.shape, LIVER[phase], np.float32)
        under = array[part.box]
        dead = part.whole - part.viable
        array[part.box] = under * (1 - part.whole) + NECROSIS * dead + viable[phase] * part.viable
        array += noise_field(geometry.shape, Acquisition(noise, 0.6), phase, seed)
        volumes[phase] = volume(array * scale, geometry, phase, unit)
    lesion = LesionMask(whole_mask(shape, geometry), geometry, "mask#1", SegmentIdentity(1))
    image = volumes.get("arterial") or next(iter(volumes.values()))
    return LesionImages(
        image=image,
        lesion=lesion,
        arterial=volumes.get("arterial"),
        native=volumes.get("native"),
        late=volumes.get("late"),
        liver=np.ones(geometry.shape, dtype=bool) if liver else None,
        **more,
    )
