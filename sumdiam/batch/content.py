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
from sumdiam.batch.content_memory import ContentMemory, content_key

ORGANS = ("aorta", "liver", "spleen")
Masks = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Contents:
    """Medians by volume id, and why a volume could not be looked at."""

    medians: dict[str, OrganMedians] = field(default_factory=dict)
    unread: dict[str, str] = field(default_factory=dict)


def read_contents(
    doubtful: Sequence[ImageSeries],
    masks: Masks,
    catalogue: Catalogue,
    memory: ContentMemory | None = None,
) -> Contents:
    """Return the medians of organs in volumes: in their masks, else where the image shows them.

    Parameters
    ----------
    doubtful : sequence of ImageSeries
        Looked at one after the other; a few slices of one volume are held at a time.
    masks : mapping
        Rows of masks.csv by mask id, after a person's edits.
    memory : ContentMemory, optional
        What an earlier run found in the same files by the same code is not looked for again; what
        is found now is put there.

    Notes
    -----
    A mask serves every volume of its study that has its grid. Masks and compressed slices are read
    in a process of their own, which a damaged file may end. Nothing is refused here: what cannot
    be read says nothing of its phase, and is refused when it is measured.
    """
    memory = memory or ContentMemory()
    found = Contents()
    places = {one.volume_id: one.geometry for one in catalogue.series}
    paths = {mask.header.object_id: mask.path for mask in catalogue.masks}
    organs = _organs_by_study(masks)
    for series in sorted(doubtful, key=lambda one: one.volume_id):
        fitting = [
            (paths[row["mask_id"].rsplit("#", 1)[0]], row)
            for row in organs.get(series.study_uid, [])
            if row["mask_id"].rsplit("#", 1)[0] in paths
            and _same_grid(series.geometry, places.get(row["volume_id"]))
        ]
        key = content_key(series, fitting, catalogue.digests)
        is_known, content = memory.recall(key)
        if not is_known:
            content, why = _looked_at(series, fitting)
            if why is None:
                memory.keep(key, content)
            elif content is None:
                found.unread[series.volume_id] = why
        if content is not None:
            found.medians[series.volume_id] = content
    return found


def _looked_at(
    series: ImageSeries, masks: Sequence[tuple[str, Mapping[str, str]]]
) -> tuple[OrganMedians | None, str | None]:
    """Return what is in a volume, and why something could not be read."""
    drawn, unread = _from_masks(series, masks)
    if series.modality != "CT" or (drawn is not None and drawn.aorta is not None):
        return drawn, unread
    shown = _from_image(series)
    why = shown if isinstance(shown, str) else unread
    answer = _joined(drawn, shown)
    return (answer if isinstance(answer, OrganMedians) else None), why


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
    series: ImageSeries, masks: Iterable[tuple[str, Mapping[str, str]]]
) -> tuple[OrganMedians | None, str | None]:
    """Return the medians in the masks of a volume, None where there are none; and what is wrong.

    A mask that cannot be read is refused with its reason where it is measured.
    """
    arrays: dict[str, NDArray[np.bool_]] = {}
    why = None
    plain = all(header.pixel_offset is not None for header in series.headers)
    for path, row in masks if plain else ():
        try:
            number = int(row["segment"])
            drawn = read_masks_apart(path, series.geometry, {number})[number].array
        except ReasonedError as error:
            why = error.reason_code
            continue
        organ = row["mask_role"]
        arrays[organ] = drawn if organ not in arrays else arrays[organ] | drawn
    try:
        return (medians_in_masks(series, arrays) if arrays else None), why
    except ReasonedError as error:
        return None, error.reason_code


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
