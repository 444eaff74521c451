"""Lesions of known shape planted in a real CT: one subject, three visits, known answers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from imaging.geometry import VolumeGeometry
from imaging.header import HeaderError, InstanceHeader, read_header
from imaging.placement import find_sites
from imaging.planting import Host, contrast, planted_study, prepare_host
from imaging.reference_lesion import ReferenceLesion
from imaging.reference_object import Scan
from imaging.series import group_series, load_volume
from imaging.shape import Shape
from imaging.solid import Point
from imaging.volume import Volume
from sumdiam.demo.anatomy import measurand, sized_shape, truth_mm
from sumdiam.demo.archive import SERIES, study_folder, study_of, write_datasets
from sumdiam.demo.trial import DemoLesion, DemoSubject, TrialError, load_real_subject
from sumdiam.demo.truth_table import TruthTables, lesion_rows, truth_tables

_MARGIN_MM = 3.0
_VESSEL_MM, _VESSEL_HU = 1.5, 25.0
_NATIVE_UNDER_LIVER_HU = -50.0  # the scan is portal venous: its liver is that much above native
QUIETEST_HU = 6.0
"""Added noise is that of the scan, but not less than this: no scanner is free of it."""


class RealSeriesError(ValueError):
    """The folder holds no CT series that lesions can be planted in."""


@dataclass(frozen=True, slots=True, eq=False)
class PlantedSubject:
    """What was written: the subject, its truth, and the noise of the images in HU."""

    subject: DemoSubject
    truth: TruthTables
    own_sd_hu: float
    added_sd_hu: float
    total_sd_hu: float

    def noise_sentence(self) -> str:
        """Return the noise in words: a subtraction of one scan sees the added noise alone."""
        return (
            f"noise: {self.own_sd_hu:.1f} HU of the scan itself (the same in every phase, cancels "
            f"in a subtraction), {self.added_sd_hu:.1f} HU added to each phase and visit with the "
            f"scan's autocorrelation, {self.total_sd_hu:.1f} HU in all"
        )


def write_planted(series_folder: Path, archive: Path) -> PlantedSubject:
    """Plant the lesions of `data/real.toml` in a real series and write the archive.

    Parameters
    ----------
    series_folder : Path
        Files of one portal venous CT of the liver.
    archive : Path
        ``<archive>/SIM-REAL/<date>/<phase>/0001.dcm`` and ``.../masks.dcm``.

    Raises
    ------
    RealSeriesError
        If the folder holds no CT series.
    """
    host = prepare_host(read_series(series_folder))
    subject = load_real_subject()
    added_sd_hu = max(host.texture.sd_hu, QUIETEST_HU)
    geometry = host.volume.geometry
    sites = _sites(subject, host)
    rows: list[dict[str, object]] = []
    for visit in range(len(subject.visits)):
        lesions = _lesions(subject, visit, sites, geometry, added_sd_hu)
        study = planted_study(
            study_of(subject, visit),
            host,
            lesions,
            [Scan(phase, SERIES[phase]) for phase in subject.phases_at(visit)],
            added_sd_hu=added_sd_hu,
        )
        write_datasets(study, study_folder(subject, visit, archive))
        shown = zip(subject.lesions_at(visit), lesions, strict=True)
        known = [(drawn, truth_mm(lesion, drawn.shape, geometry)) for (lesion, _), drawn in shown]
        rows += lesion_rows(
            known,
            subject_id=subject.subject_id,
            timepoint=visit,
            pixel_mm=max(geometry.spacing_mm[1:]),
        )
    return PlantedSubject(
        subject,
        truth_tables([subject], rows),
        own_sd_hu=host.texture.sd_hu,
        added_sd_hu=added_sd_hu,
        total_sd_hu=host.total_sd_hu(added_sd_hu),
    )


def read_series(folder: Path) -> Volume:
    """Return the CT volume with most slices among the files of a folder.

    Raises
    ------
    RealSeriesError
        If there is none.
    """
    files = sorted(path for path in folder.rglob("*") if path.is_file()) if folder.is_dir() else []
    headers = [header for path in files if (header := _header(path)) is not None]
    found = [series for series in group_series(headers).series if series.modality == "CT"]
    if not found:
        msg = (
            f"{folder.name}: no CT series among {len(files)} files. "
            "Give the folder of one portal venous CT of the liver, such as "
            "data/hcc_tace_hcc048_portal."
        )
        raise RealSeriesError(msg)
    return load_volume(max(found, key=lambda series: (len(series.headers), series.volume_id)))


def _header(path: Path) -> InstanceHeader | None:
    """Return a file's header; None for what is no image."""
    try:
        return read_header(path)
    except HeaderError:
        return None


def _sites(subject: DemoSubject, host: Host) -> dict[str, Point]:
    """Return a place in the liver for each lesion that has room for it at every visit."""
    geometry = host.volume.geometry
    middle = [(n - 1) / 2 for n in geometry.shape]
    x, y, z = geometry.index_to_patient(middle).tolist()
    radii = [
        max(
            max(_drawn(subject, lesion, visit, (x, y, z), geometry).whole.semi_axes_mm)
            for visit in range(len(subject.visits))
        )
        for lesion in subject.lesions
    ]
    sites = find_sites(
        _without_vessels(host), geometry, radii, margin_mm=_MARGIN_MM, seed=(subject.subject_id,)
    )
    return {lesion.lesion_id: site for lesion, site in zip(subject.lesions, sites, strict=True)}


def _without_vessels(host: Host) -> NDArray[np.bool_]:
    """Return the liver without its bright vessels, which a native phase would not show."""
    z, row, column = host.volume.geometry.spacing_mm
    sigma = [_VESSEL_MM / step for step in (z, row, column)]
    smooth = ndimage.gaussian_filter(host.volume.array.astype(np.float32), sigma)
    middle = float(np.median(host.volume.array[host.liver]))
    return np.asarray(host.liver & (smooth <= middle + _VESSEL_HU), dtype=bool)


def _lesions(
    subject: DemoSubject,
    visit: int,
    sites: dict[str, Point],
    geometry: VolumeGeometry,
    added_sd_hu: float,
) -> list[ReferenceLesion]:
    """Return the lesions of one visit, each as bright as its contrast-to-noise ratio asks."""
    return [
        ReferenceLesion(
            lesion.lesion_id,
            _drawn(subject, lesion, visit, sites[lesion.lesion_id], geometry),
            contrast(
                enhancement_hu=(lesion.cnr or 3.0) * math.sqrt(2.0) * added_sd_hu,
                native_hu=_NATIVE_UNDER_LIVER_HU,
            ),
        )
        for lesion, _ in subject.lesions_at(visit)
    ]


def _drawn(
    subject: DemoSubject, lesion: DemoLesion, visit: int, site: Point, geometry: VolumeGeometry
) -> Shape:
    """Return a lesion's shape at one visit, at another sub-pixel position each time."""
    number = subject.lesions.index(lesion)
    look = lesion.course[visit]
    if look is None or look.shape == "empty":
        msg = f"{lesion.lesion_id}: a planted lesion needs a shape at every visit"
        raise TrialError(msg)
    spread = number * 0.61 + visit * 0.23
    pixel = max(geometry.spacing_mm[1:])
    x, y, z = site
    return sized_shape(
        look,
        measurand(lesion),
        centre_mm=(x + ((spread) % 1 - 0.5) * pixel, y + ((2.7 * spread) % 1 - 0.5) * pixel, z),
        angle_deg=(number * 71.0 + visit * 13.0) % 180.0,
        geometry=geometry,
    )
