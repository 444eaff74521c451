"""What is in the volumes whose texts and times leave their phase in doubt."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from imaging.geometry import VolumeGeometry
from imaging.mask_client import read_masks_apart
from imaging.organ_sample import medians_in_image, medians_in_masks
from imaging.phase_content import OrganMedians
from imaging.reason import ReasonedError
from imaging.series import ImageSeries
from sumdiam.archive.catalogue import Catalogue

ORGANS = ("aorta", "liver", "spleen")
Masks = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Contents:
    """Medians by volume id, and why a volume could not be looked at."""

    medians: dict[str, OrganMedians] = field(default_factory=dict)
    unread: dict[str, str] = field(default_factory=dict)


def read_contents(doubtful: Sequence[ImageSeries], masks: Masks, catalogue: Catalogue) -> Contents:
    """Return the medians of organs in volumes: in their masks, else where the image shows them.

    Parameters
    ----------
    doubtful : sequence of ImageSeries
        Looked at one after the other; a few slices of one volume are held at a time.
    masks : mapping
        Rows of masks.csv by mask id, after a person's edits.

    Notes
    -----
    A mask serves every volume of its study that has its grid. Masks and compressed slices are read
    in a process of their own, which a damaged file may end. Nothing is refused here: what cannot
    be read says nothing of its phase, and is refused when it is measured.
    """
    found = Contents()
    places = {one.volume_id: one.geometry for one in catalogue.series}
    paths = {mask.header.object_id: mask.path for mask in catalogue.masks}
    organs = _organs_by_study(masks)
    for series in sorted(doubtful, key=lambda one: one.volume_id):
        fitting = [
            row for row in organs.get(series.study_uid, [])
            if _same_grid(series.geometry, places.get(row["volume_id"]))
        ]  # fmt: skip
        drawn = _from_masks(series, fitting, paths)
        answer: OrganMedians | str | None = drawn
        if series.modality == "CT" and (drawn is None or drawn.aorta is None):
            answer = _joined(drawn, _from_image(series))
        if isinstance(answer, OrganMedians):
            found.medians[series.volume_id] = answer
        elif answer is not None:
            found.unread[series.volume_id] = answer
    return found


def _organs_by_study(masks: Masks) -> dict[str, list[Mapping[str, str]]]:
    """Return the masks of organs that contrast reaches at different times, by study UID."""
    found: dict[str, list[Mapping[str, str]]] = defaultdict(list)
    for _, row in sorted(masks.items()):
        if row["mask_role"] in ORGANS and row["volume_id"]:
            found[row["study_uid"]].append(row)
    return found


def _same_grid(one: VolumeGeometry, other: VolumeGeometry | None) -> bool:
    """Return whether a mask drawn on one volume can be laid on another."""
    if other is None or one.shape != other.shape:
        return False
    return one.same_grid(other) and one.frame_of_reference_uid == other.frame_of_reference_uid


def _from_masks(
    series: ImageSeries, rows: Iterable[Mapping[str, str]], paths: Mapping[str, str]
) -> OrganMedians | None:
    """Return the medians in the masks of a volume; None where there is none, or none to read."""
    arrays: dict[str, NDArray[np.bool_]] = {}
    plain = all(header.pixel_offset is not None for header in series.headers)
    for row in rows if plain else ():
        path = paths.get(row["mask_id"].rsplit("#", 1)[0])
        if path is None:
            continue
        try:
            number = int(row["segment"])
            drawn = read_masks_apart(path, series.geometry, {number})[number].array
        except ReasonedError:
            continue  # the mask is refused with its reason where it is measured
        organ = row["mask_role"]
        arrays[organ] = drawn if organ not in arrays else arrays[organ] | drawn
    try:
        return medians_in_masks(series, arrays) if arrays else None
    except ReasonedError:
        return None


def _from_image(series: ImageSeries) -> OrganMedians | str | None:
    """Return the medians found in a volume, None where no organ is plainly there.

    A volume that cannot be read gives the reason in words: it is refused when it is measured.
    """
    try:
        return medians_in_image(series)
    except ReasonedError as error:
        return f"{error.reason_code}, {error.detail}"


def _joined(
    drawn: OrganMedians | None, shown: OrganMedians | str | None
) -> OrganMedians | str | None:
    """Return the medians in masks, and of the organs without a mask those that the image shows."""
    if drawn is None or not isinstance(shown, OrganMedians):
        return shown if drawn is None else drawn
    return OrganMedians(
        aorta=shown.aorta,
        liver=shown.liver if drawn.liver is None else drawn.liver,
        spleen=drawn.spleen,
        found_by="image",
        slices=shown.slices + drawn.slices,
    )
