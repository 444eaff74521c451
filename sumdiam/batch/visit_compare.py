"""The outlines of a subject's visits laid over one another, by the outline of the liver."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from imaging.geometry import VolumeGeometry
from imaging.mask_client import read_masks_apart
from imaging.reason import ReasonedError
from imaging.visit_registration import LiverOutlineError, VisitAlignment, align_visits
from imaging.working_grid import mask_onto
from measurement.correspondence import Meeting, PlacedLesion
from measurement.visit_overlap import OutlinedLesion, meeting
from sumdiam.archive.catalogue import Catalogue
from sumdiam.batch.masks import LESION_ROLES, Rows
from sumdiam.batch.match_proposal import Compared

Mask = NDArray[np.bool_]

MOST_APART_MM = 3.0
"""Visits whose outlines of the liver lie further apart after registration are not compared."""

CUT_OFF_PART = 0.1
"""Nor are they where the scan cuts the liver off and its volume differs by more than this part."""

EMPTY = "it is declared and empty, so that it has no place"

CUT_OFF_MM = 4.0
"""A liver that the scan cuts off at both visits says less of where it lies along the body."""


@dataclass(frozen=True, slots=True, eq=False)
class _Liver:
    """The liver with its lesions, cut to its surroundings."""

    mask: Mask
    geometry: VolumeGeometry
    cut_off: bool

    @property
    def volume_ml(self) -> float:
        """Volume of the outline."""
        return float(np.count_nonzero(self.mask)) * self.geometry.voxel_volume_ml


class VisitComparer:
    """Compares the lesions of visits; one subject's outlines are held at a time.

    Parameters
    ----------
    catalogue : Catalogue
    masks : rows of masks.csv by mask id, after a person's edits

    Notes
    -----
    Nothing is refused here: a mask that cannot be read or placed says why, and waits for a person.
    """

    def __init__(self, catalogue: Catalogue, masks: Rows) -> None:
        self._masks = masks
        self._grids = {one.volume_id: one.geometry for one in catalogue.series}
        self._paths = {mask.header.object_id: mask.path for mask in catalogue.masks}
        self._digests = catalogue.digests
        self._of_study: dict[str, list[str]] = defaultdict(list)
        for mask_id, row in sorted(masks.items()):
            if row["mask_role"] in (*LESION_ROLES, "liver"):
                self._of_study[row["study_uid"]].append(mask_id)
        self._subject = ""
        self._outlines: dict[str, OutlinedLesion | str] = {}
        self._livers: dict[str, _Liver | str] = {}
        self._alignments: dict[tuple[str, str], VisitAlignment | str] = {}

    def __call__(self, earlier: Sequence[Sequence[str]], later: Sequence[str]) -> Compared:
        """Return how lesions lie to one another; of an earlier one its last outline that counts."""
        self._turn_to(self._masks[later[0]]["subject_id"])
        before = [self._last_placed(mask_ids) for mask_ids in earlier]
        shape = (len(before), len(later))
        distance, shared = np.full(shape, np.nan), np.zeros(shape)
        tolerance = np.full(shape, np.nan)
        said: set[str] = set()
        unplaced: dict[str, str] = {}
        for one in sorted({self._study(mask_id) for mask_id in before}):
            for other in sorted({self._study(mask_id) for mask_id in later}):
                rows = [i for i, mask_id in enumerate(before) if self._study(mask_id) == one]
                columns = [j for j, mask_id in enumerate(later) if self._study(mask_id) == other]
                names = ([before[i] for i in rows], [later[j] for j in columns])
                found = self._met(one, other, *names, unplaced, said)
                block = np.ix_(rows, columns)
                distance[block], shared[block] = found.distance_mm, found.shared
                tolerance[block] = found.tolerance_mm
        return Compared(
            tuple(self._placed(mask_id) for mask_id in before),
            tuple(self._placed(mask_id) for mask_id in later),
            Meeting(distance, shared, tolerance),
            how="; ".join(sorted(said)),
            unplaced=unplaced,
        )

    def basis(self, earlier: Sequence[Sequence[str]], later: Sequence[str]) -> list[object]:
        """Return all that a comparison comes from: outlines and livers, their files and grids."""
        named = [*later, *(mask_id for mask_ids in earlier for mask_id in mask_ids)]
        studies = sorted({self._study(mask_id) for mask_id in named})
        parts: list[object] = [[list(mask_ids) for mask_ids in earlier], list(later)]
        for mask_id in (one for study in studies for one in self._of_study[study]):
            row = self._masks[mask_id]
            grid = self._grids.get(row["volume_id"])
            path = self._paths.get(mask_id.rsplit("#", 1)[0], "")
            cells = [row[name] for name in ("study_uid", "mask_role", "site", "organ", "segment")]
            place = None if grid is None else [grid.affine.tolist(), list(grid.shape)]
            parts.append([mask_id, *cells, self._digests.get(path, ""), place])
        return parts

    def _turn_to(self, subject: str) -> None:
        """Forget the outlines of the subject before."""
        if subject != self._subject:
            self._subject = subject
            self._outlines, self._livers, self._alignments = {}, {}, {}

    def _study(self, mask_id: str) -> str:
        """Return the study of a mask."""
        return self._masks[mask_id]["study_uid"]

    def _last_placed(self, mask_ids: Sequence[str]) -> str:
        """Return the newest outline that has a place; the newest of all where none has."""
        placed = (one for one in mask_ids if isinstance(self._outline(one), OutlinedLesion))
        return next(placed, mask_ids[0])

    def _placed(self, mask_id: str) -> PlacedLesion:
        """Return what matching needs of an outline."""
        outline = self._outline(mask_id)
        if isinstance(outline, OutlinedLesion):
            return outline.placed()
        return PlacedLesion(mask_id, 0.0, self._place(mask_id))

    def _place(self, mask_id: str) -> str:
        """Return the organ that a lesion lies in."""
        row = self._masks[mask_id]
        return "liver" if row["site"] == "hepatic" else row["organ"]

    def _met(
        self,
        one: str,
        other: str,
        earlier: list[str],
        later: list[str],
        unplaced: dict[str, str],
        said: set[str],
    ) -> Meeting:
        """Return how the lesions of two studies lie to one another, as far as they have a place."""
        shape = (len(earlier), len(later))
        distance, shared, tolerance = (
            np.full(shape, np.nan),
            np.zeros(shape),
            np.full(shape, np.nan),
        )
        outlines = {mask_id: self._outline(mask_id) for mask_id in (*earlier, *later)}
        unplaced |= {mask_id: why for mask_id, why in outlines.items() if isinstance(why, str)}
        rows = [i for i, mask_id in enumerate(earlier) if mask_id not in unplaced]
        columns = [j for j, mask_id in enumerate(later) if mask_id not in unplaced]
        alignment = self._alignment(one, other) if rows and columns else ""
        if isinstance(alignment, VisitAlignment):
            found = meeting(
                [o for i in rows if isinstance(o := outlines[earlier[i]], OutlinedLesion)],
                [o for j in columns if isinstance(o := outlines[later[j]], OutlinedLesion)],
                alignment,
                loose_mm=CUT_OFF_MM if self._cut_off(one) or self._cut_off(other) else 0.0,
            )
            block = np.ix_(rows, columns)
            distance[block], shared[block] = found.distance_mm, found.shared
            tolerance[block] = found.tolerance_mm
            said.add(f"registered by the liver (outlines {alignment.residual_mm:.1f} mm apart)")
        elif alignment:
            unplaced |= {later[j]: alignment for j in columns}
        return Meeting(distance, shared, tolerance)

    def _outline(self, mask_id: str) -> OutlinedLesion | str:
        """Return the outline of a lesion, or why it has no place."""
        if mask_id not in self._outlines:
            self._read(self._study(mask_id))
        return self._outlines[mask_id]

    def _read(self, study_uid: str) -> None:
        """Read the outlines of a study's lesions and of its liver, every file once."""
        by_file: dict[tuple[str, str], list[str]] = defaultdict(list)
        for mask_id in self._of_study[study_uid]:
            row = self._masks[mask_id]
            path = self._paths.get(mask_id.rsplit("#", 1)[0], "")
            if not path or row["volume_id"] not in self._grids:
                self._outlines[mask_id] = "the images that it was drawn on could not be read"
                continue
            by_file[path, row["volume_id"]].append(mask_id)
        parts: list[tuple[Mask, VolumeGeometry]] = []
        drawn: list[tuple[Mask, VolumeGeometry]] = []
        for (path, volume_id), mask_ids in sorted(by_file.items()):
            grid = self._grids[volume_id]
            numbers = {int(self._masks[mask_id]["segment"]) for mask_id in mask_ids}
            try:
                read = read_masks_apart(path, grid, numbers, resample=True)
            except ReasonedError as error:
                self._outlines |= dict.fromkeys(mask_ids, f"{error.reason_code}: {error.detail}")
                continue
            for mask_id in mask_ids:
                row = self._masks[mask_id]
                array = read[int(row["segment"])].array
                if row["mask_role"] == "liver":
                    drawn.append((array, grid))
                elif not array.any():
                    self._outlines[mask_id] = EMPTY
                else:
                    mask, near = _cropped(array, grid)
                    outline = OutlinedLesion(mask_id, mask, near, self._place(mask_id))
                    self._outlines[mask_id] = outline
                    if row["site"] == "hepatic":
                        parts.append((mask, near))
        self._livers[study_uid] = _liver(drawn, parts)

    def _cut_off(self, study_uid: str) -> bool:
        """Whether the scan cuts off the liver of a study."""
        liver = self._livers[study_uid]
        return isinstance(liver, _Liver) and liver.cut_off

    def _alignment(self, one: str, other: str) -> VisitAlignment | str:
        """Return where points of one study lie in another, or why that cannot be told."""
        if (one, other) not in self._alignments:
            first, second = self._livers[one], self._livers[other]
            why = next((liver for liver in (first, second) if isinstance(liver, str)), "")
            self._alignments[one, other] = why
            if isinstance(first, _Liver) and isinstance(second, _Liver):
                self._alignments[one, other] = _aligned(first, second)
        return self._alignments[one, other]


def _aligned(one: _Liver, other: _Liver) -> VisitAlignment | str:
    """Register two livers, or say why that cannot be done."""
    volumes = sorted((one.volume_ml, other.volume_ml))
    if (one.cut_off or other.cut_off) and volumes[0] < (1.0 - CUT_OFF_PART) * volumes[1]:
        return (
            "the scan cuts off the liver, of which one visit shows "
            f"{volumes[0]:.0f} ml and the other {volumes[1]:.0f} ml"
        )
    try:
        found = align_visits(one.mask, one.geometry, other.mask, other.geometry)
    except LiverOutlineError as error:
        return str(error)
    if found.residual_mm > MOST_APART_MM:
        return (
            f"after registration the outlines of the liver lie {found.residual_mm:.1f} mm apart, "
            f"more than {MOST_APART_MM:.0f} mm"
        )
    return found


def _liver(
    drawn: Sequence[tuple[Mask, VolumeGeometry]], lesions: Sequence[tuple[Mask, VolumeGeometry]]
) -> _Liver | str:
    """Return the liver of a study with the lesions in it, or why there is none."""
    filled = [(mask, grid) for mask, grid in drawn if mask.any()]
    if not filled:
        return "no liver is outlined at both visits, by which they could be registered"
    whole, grid = filled[0]
    whole = whole.copy()
    for mask, other in (*filled[1:], *lesions):
        _lay(mask, other, whole, grid)
    cut_off = bool(whole[0].any() or whole[-1].any())
    mask, near = _cropped(whole, grid)
    return _Liver(mask, near, cut_off)


def _lay(mask: Mask, geometry: VolumeGeometry, whole: Mask, grid: VolumeGeometry) -> None:
    """Add a mask to another one on a grid of its own, in place; only around it is looked at."""
    box, near = _cropped(mask, geometry)
    corners = np.array(np.meshgrid(*[(0, size - 1) for size in near.shape])).reshape(3, -1).T
    index = grid.patient_to_index(near.index_to_patient(corners))
    low = np.clip(np.floor(index.min(axis=0)).astype(int), 0, grid.shape)
    high = np.clip(np.ceil(index.max(axis=0)).astype(int) + 1, 0, grid.shape)
    part = tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
    if whole[part].size:
        whole[part] |= mask_onto(box, near, _part_of(grid, part))


def _part_of(geometry: VolumeGeometry, part: tuple[slice, ...]) -> VolumeGeometry:
    """Return the geometry of a part of a grid."""
    affine = geometry.affine.copy()
    affine[:3, 3] = geometry.index_to_patient([one.start for one in part])
    z, y, x = (one.stop - one.start for one in part)
    return replace(geometry, affine=affine, shape=(z, y, x))


def _cropped(mask: Mask, geometry: VolumeGeometry) -> tuple[Mask, VolumeGeometry]:
    """Return a mask cut to its surroundings, with the geometry of what is left."""
    box = ndimage.find_objects(mask.astype(np.uint8))[0]
    near = tuple(
        slice(max(0, part.start - 1), min(size, part.stop + 1))
        for part, size in zip(box, mask.shape, strict=True)
    )
    return mask[near].copy(), _part_of(geometry, near)
