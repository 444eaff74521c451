"""Which volume a mask was drawn on: by what it refers to, else by its grid and its folder."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np

from imaging.mask import MaskHeader
from imaging.mask_grid import fits_grid
from imaging.series import ImageSeries
from sumdiam.archive.catalogue import Catalogue, SegFile

NO_VOLUME = "mask_volume_unknown"
_ALIKE = 0.1


@dataclass(frozen=True, slots=True)
class MaskPlace:
    """Where a mask belongs.

    Parameters
    ----------
    volume_id, study_uid : str, optional
        None where that cannot be told.
    why : str
        How it is known, or what stands against it.
    alike : volume ids
        Other volumes of the same study with the same voxels: the mask fits each of them as well.
    """

    volume_id: str | None
    study_uid: str | None
    why: str
    alike: tuple[str, ...] = ()


def places_of_masks(catalogue: Catalogue) -> dict[str, MaskPlace]:
    """Return the volume and the study of every mask file, by its path.

    Notes
    -----
    A mask belongs to the study of the images that it was drawn on, whatever study its own file
    names: some tools file masks under a study of their own.
    """
    studies = {one.volume_id: one.study_uid for one in catalogue.series}
    studies |= {one.volume_id: one.study_uid for one in catalogue.refused_series}
    finder = _Finder(catalogue)
    places = {}
    for mask in catalogue.masks:
        if mask.header.kind == "label_image":
            places[mask.path] = finder.place(mask)
            continue
        volume_id, why = volume_of_mask(mask.header, catalogue)
        study_uid = studies.get(volume_id or "", mask.header.study_uid)
        places[mask.path] = MaskPlace(volume_id, study_uid, why)
    return places


def volume_of_mask(header: MaskHeader, catalogue: Catalogue) -> tuple[str | None, str]:
    """Return the volume that a DICOM mask was drawn on, and how that is known.

    Notes
    -----
    The referenced instances decide among the volumes of a series; a refused volume is an answer
    too. Where a file refers to no image, the only volume of its study with its frame of reference
    is taken.
    """
    wanted, named = set(header.referenced_sop_uids), set(header.referenced_series_uids)
    same_study = [one for one in catalogue.series if one.study_uid == header.study_uid]
    in_series = [one for one in catalogue.series if one.series_uid in named]
    best = _most_shared(in_series or same_study, wanted)
    if best is not None:
        return best.volume_id, "drawn on the images it refers to"
    for refused in catalogue.refused_series:
        if refused.series_uid in named:
            return refused.volume_id, "drawn on a series that was refused"
    if len(in_series) == 1:
        return in_series[0].volume_id, "drawn on the series it refers to"
    if not named and not wanted:
        frame = header.frame_of_reference_uid
        near = [one for one in same_study if one.geometry.frame_of_reference_uid == frame]
        if frame is not None and len(near) == 1:
            return near[0].volume_id, "drawn in the frame of reference of this volume alone"
    return None, "the images it refers to are not in the archive"


def _most_shared(candidates: Iterable[ImageSeries], wanted: set[str]) -> ImageSeries | None:
    """Return the volume that holds most of the wanted instances; None where none holds any."""
    shared = [
        (
            len(wanted & {header.sop_instance_uid or "" for header in one.headers}),
            one.volume_id,
            one,
        )
        for one in candidates
    ]
    hits = [item for item in shared if item[0]]
    return min(hits, key=lambda item: (-item[0], item[1]))[2] if hits else None


class _Finder:
    """Finds the volume whose voxels a label image has.

    Looked for in its own folder first. Where that lies inside a study, the folders above are
    searched as long as they hold this study alone: a volume of another subject on the same grid is
    no answer. Of several the one whose series UID its path names is taken, else those whose path
    shares most names (subject, date) with its own. Volumes of one study on one grid are as good as
    each other; of different studies a person must choose.
    """

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._below: dict[Path, list[ImageSeries]] = {}
        for one in sorted(catalogue.series, key=lambda one: one.volume_id):
            for folder in Path(one.headers[0].file).parents:
                self._below.setdefault(folder, []).append(one)
        self._spacings = {
            one.volume_id: np.sort(one.geometry.spacing_mm) for one in catalogue.series
        }

    def place(self, mask: SegFile) -> MaskPlace:
        """Return where a label image belongs."""
        around, fitting = self._search(mask)
        named = [one for one in fitting if _names_series(mask.file, one.series_uid)]
        chosen = named or _of_most_shared_names(mask, fitting, self._catalogue)
        studies = sorted({one.study_uid for one in chosen})
        if len(studies) == 1:
            first = min(chosen, key=lambda one: (one.acquisition_time or "", one.volume_id))
            alike = tuple(one.volume_id for one in chosen if one is not first)
            how = "whose series its path names" if named else "by its grid"
            more = f"; other volumes of the study on the same grid: {len(alike)}" if alike else ""
            why = f"drawn on the volume {how}{more}"
            return MaskPlace(first.volume_id, studies[0], why, alike)
        if chosen:
            listed = ", ".join(one.volume_id for one in chosen[:4])
            return MaskPlace(None, None, f"volumes of {len(studies)} studies fit: {listed}")
        near = sorted({one.study_uid for one in around})
        why = f"no volume has its grid ({_size(mask.header)})"
        return MaskPlace(None, near[0] if len(near) == 1 else None, why)

    def _search(self, mask: SegFile) -> tuple[list[ImageSeries], list[ImageSeries]]:
        """Return the volumes around a mask, and those of them that have its grid."""
        around: list[ImageSeries] = []
        for folder in Path(mask.path).parents:
            below = self._below.get(folder, [])
            if len(below) == len(around):
                continue
            inside = {one.study_uid for one in around}
            if around and (len(inside) > 1 or {one.study_uid for one in below} != inside):
                break
            around = below
            fitting = [one for one in around if self._fits(mask, one)]
            if fitting:
                return around, fitting
        return around, []

    def _fits(self, mask: SegFile, one: ImageSeries) -> bool:
        """Return whether a label image has the voxels of a volume."""
        grid = mask.header.grid
        if grid is None:
            return False
        own = np.sort(grid.spacing_mm)  # a quick look, as an archive may hold very many of both
        if np.abs(own - self._spacings[one.volume_id]).max() > _ALIKE * own.max():
            return False
        return fits_grid(grid, one.geometry)


def _names_series(path: str, series_uid: str) -> bool:
    """Return whether a path names a series, whole and not as the start of a longer UID."""
    return re.search(rf"(?<![0-9.]){re.escape(series_uid)}(?!\.?[0-9])", path) is not None


def _size(header: MaskHeader) -> str:
    """Say the size of a label image."""
    assert header.grid is not None  # noqa: S101 - asked of label images only
    spacing = " x ".join(f"{step:.3f}" for step in header.grid.spacing_mm)
    return f"{' x '.join(str(n) for n in header.grid.shape)} voxels of {spacing} mm"


def _of_most_shared_names(
    mask: SegFile, candidates: Sequence[ImageSeries], catalogue: Catalogue
) -> list[ImageSeries]:
    """Return the candidates whose paths share most names with the mask's, where one study leads."""
    if len({one.study_uid for one in candidates}) < 2:
        return list(candidates)
    own = _names(mask.file)
    shared = {one.volume_id: len(own & _names_of_series(one, catalogue)) for one in candidates}
    most = max(shared.values())
    leading = [one for one in candidates if shared[one.volume_id] == most]
    return leading if len({one.study_uid for one in leading}) == 1 else list(candidates)


def _names_of_series(series: ImageSeries, catalogue: Catalogue) -> set[str]:
    """Return the names in the path of a series, and what identifies it."""
    first = series.headers[0]
    path = catalogue.names.get(first.file, first.file)
    told = {series.patient_id, series.subject_hint or "", series.study_uid}
    if series.acquired_on is not None:
        told |= {series.acquired_on.isoformat(), f"{series.acquired_on:%Y%m%d}"}
    return (_names(str(PurePosixPath(path).parent)) | {name.lower() for name in told}) - {""}


def _names(path: str) -> set[str]:
    """Return the names of folders and file in a path, whole and in their parts."""
    found: set[str] = set()
    for part in PurePosixPath(path.lower()).parts:
        stem = part.split(".", 1)[0] if not re.fullmatch(r"[0-9.]+", part) else part
        found |= {part, stem, *re.split(r"[_\s]+", stem)}
    return found - {""}
