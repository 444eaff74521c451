"""Lesions of known shape planted in a real CT: real texture, known answers.

One scan serves every phase and visit. Its own noise and anatomy are the same in all of them and
cancel in a subtraction, so noise is added anew to each, with the autocorrelation measured in that
scan's liver. What a subtraction sees is the added noise alone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from imaging.coverage import coverage
from imaging.geometry import VolumeGeometry
from imaging.liver_region import even_liver, find_liver_region
from imaging.reference_dicom import StudyIdentity, ct_series, reference_volume
from imaging.reference_lesion import ReferenceLesion, truths
from imaging.reference_object import ReferenceStudy, Scan, lesion_masks, lesion_segments
from imaging.reference_seg import organ_segment, seg_dataset
from imaging.texture import NoiseTexture, measure_texture, texture_noise
from imaging.tissue import OBJECT_PHASES, Appearance
from imaging.volume import Volume

BLUR_MM = 0.6  # SD of the in-plane point spread of a standard abdominal kernel, about 1.4 mm FWHM


@dataclass(frozen=True, slots=True, eq=False)
class Host:
    """A real scan to plant lesions in, with what was measured of it.

    Parameters
    ----------
    volume : a portal-venous CT in HU, axial
    liver : (z, y, x) bool array, from `find_liver_region`
    texture : the scan's own noise in even liver
    """

    volume: Volume
    liver: NDArray[np.bool_]
    texture: NoiseTexture

    def total_sd_hu(self, added_sd_hu: float) -> float:
        """Return the noise of one planted image: the scan's own and the added."""
        return float(np.hypot(self.texture.sd_hu, added_sd_hu))


def prepare_host(volume: Volume) -> Host:
    """Find the liver of a real scan and measure its noise.

    Raises
    ------
    LiverNotFoundError
        If there is no liver of portal-venous attenuation.
    ShapeError
        If its slices are not axial (when lesions are drawn).
    """
    liver = find_liver_region(volume)
    return Host(volume, liver, measure_texture(volume.array, even_liver(volume, liver)))


def contrast(
    *, enhancement_hu: float = 40.0, native_hu: float = -10.0, washout_hu: float = 25.0
) -> Appearance:
    """Return what a planted lesion adds to the liver under it, in HU.

    Parameters
    ----------
    enhancement_hu : arterial less native, of the viable part
    native_hu : native lesion less liver, viable and necrotic alike
    washout_hu : how far the viable part lies below the liver in the portal venous phase
    """
    viable = (
        native_hu,
        native_hu + 0.5 * enhancement_hu,
        native_hu + enhancement_hu,
        -washout_hu,
        -washout_hu,
    )
    return Appearance(
        dict(zip(OBJECT_PHASES, viable, strict=True)), dict.fromkeys(OBJECT_PHASES, native_hu)
    )


def cnr(enhancement_hu: float, added_sd_hu: float) -> float:
    """Contrast to noise of a lesion on the subtraction: enhancement / (sqrt 2 x added noise)."""
    return enhancement_hu / (math.sqrt(2.0) * added_sd_hu)


def plant(
    host: Host,
    lesions: Sequence[ReferenceLesion],
    phase: str,
    *,
    added_sd_hu: float,
    seed: Sequence[str],
    blur_mm: float = BLUR_MM,
) -> NDArray[np.int16]:
    """Image of a real scan with lesions in one phase: (z, y, x) int16 array in HU.

    Parameters
    ----------
    lesions : appearance from `contrast`: HU added, weighted by the share of each pixel covered
    phase : a word of `OBJECT_PHASES`; the liver keeps its portal venous values in all of them
    added_sd_hu : noise to add; independent for every ``seed``
    blur_mm : SD of the in-plane point spread of the lesions' edges

    Notes
    -----
    Outside the reconstruction (below -1024 HU) nothing is added.
    """
    base = host.volume.array
    noise = texture_noise(host.volume.geometry.shape, host.texture, added_sd_hu, phase, *seed)
    for lesion in lesions:
        _add(noise, host.volume.geometry, lesion, phase, blur_mm=blur_mm)
    noise += base
    image = np.clip(np.rint(noise), -1024, 3071).astype(np.int16)
    image[base < -1024] = -1024
    return image


def _add(
    image: NDArray[np.float32],
    geometry: VolumeGeometry,
    lesion: ReferenceLesion,
    phase: str,
    *,
    blur_mm: float,
) -> None:
    """Add a lesion's contrast to an image in place, blurred in the plane."""
    if lesion.shape is None:
        return
    part = coverage(lesion.shape, geometry)
    viable, necrosis = lesion.appearance.viable[phase], lesion.appearance.necrosis[phase]
    change = necrosis * (part.whole - part.viable) + viable * part.viable
    sigma = [blur_mm / step for step in geometry.spacing_mm[1:]]
    edge = [int(np.ceil(4.0 * max(sigma)))] * 2
    rows, columns = part.box[1:]
    room = [
        (min(edge[0], rows.start), min(edge[0], geometry.shape[1] - rows.stop)),
        (min(edge[1], columns.start), min(edge[1], geometry.shape[2] - columns.stop)),
    ]
    wide = np.pad(change, ((0, 0), *room)).astype(np.float32)
    if blur_mm > 0.0:
        wide = ndimage.gaussian_filter(wide, (0.0, *sigma), mode="constant")
    image[
        part.box[0],
        rows.start - room[0][0] : rows.stop + room[0][1],
        columns.start - room[1][0] : columns.stop + room[1][1],
    ] += wide


def planted_study(
    identity: StudyIdentity,
    host: Host,
    lesions: Sequence[ReferenceLesion],
    scans: Sequence[Scan],
    *,
    added_sd_hu: float,
    drawn_on: str = "late_arterial",
    reader: str = "R1",
) -> ReferenceStudy:
    """Whole study of a real scan with planted lesions: volumes, series, SEG, and the truth.

    Parameters
    ----------
    lesions : one without a shape is declared as an empty segment
    scans : as of `imaging.reference_object.standard_scans`; breathing shifts are not applied
    added_sd_hu : noise added to each phase

    Notes
    -----
    The liver's segment is the rough region of `find_liver_region` with the lesions in it. Viable
    masks stay out of the SEG.
    """
    geometry = host.volume.geometry
    volumes, series = {}, {}
    for scan in scans:
        image = plant(
            host, lesions, scan.phase, added_sd_hu=added_sd_hu,
            seed=(identity.study_uid, str(scan.series.number)),
        )  # fmt: skip
        volume = reference_volume(image, geometry, study=identity, series=scan.series)
        volumes[scan.phase] = volume
        series[scan.phase] = ct_series(volume, identity, scan.series)
    whole, viable = lesion_masks(lesions, geometry)
    liver = host.liver.copy()
    for mask in whole.values():
        liver |= mask
    segments = [organ_segment("liver", liver), *lesion_segments(lesions, whole)]
    seg = seg_dataset(series[drawn_on], segments, identity, reader=reader)
    return ReferenceStudy(
        identity, next(iter(volumes.values())).geometry, volumes, series, seg,
        whole, viable, liver, truths(lesions, geometry),
    )  # fmt: skip
