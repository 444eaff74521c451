"""Two phases on one working grid about a lesion: what is compared, and how it is brought nearer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from imaging import local_displacement as local
from imaging.elastic_displacement import Equations, Modes, Reals, image_equations
from imaging.geometry import VolumeGeometry
from imaging.lesion_outline import LesionOutline, lesion_outline
from imaging.local_displacement import Field
from imaging.registration_tissue import driving_tissue
from imaging.volume import Volume
from imaging.working_grid import STEP_MM, Mask, Values, grid_about, grown, mask_onto, read_onto

MARGIN_MM = 45.0
"""Tissue so far from the lesion is compared."""

REACH = 12
"""The native phase is searched for so many voxels (36 mm) further out: a shift may be 30 mm."""

NEAR_MM = 5.0
"""A displacement at the lesion is that within so much of its outline."""

SLACKS_MM = (2.0, 2.0, 1.5, 1.2, 1.0, 1.0)
"""What edges may be off by at each elastic step: more while tissue is still displaced."""

LAST_SLACKS_MM = SLACKS_MM[2:]
"""The steps of a fit that goes on from another one, whose tissue lies nearly in place."""

CONTRAST_MM = 25.0
"""Differences of so wide a window are enhancement of whole organs."""

MOST_OFF_HU = 60.0
CLOSENESS_MM = 25.0
ALL_KNOWN = 0.99


@dataclass(frozen=True, slots=True, eq=False)
class Elastic:
    """A smooth field about another one.

    Parameters
    ----------
    start : (3, z, y, x) mm, the rigid field or shift that it bends
    field : (3, z, y, x) mm, both together
    modes, amounts : what it bends by
    terms : what the images say there
    """

    start: Field
    field: Field
    modes: Modes
    amounts: Reals
    terms: Equations


@dataclass(frozen=True, slots=True, eq=False)
class PhasePair:
    """Both phases on the working grid.

    Parameters
    ----------
    moving, known : the native phase and where it has values, 12 voxels further out on every side
    weight : 1 where tissue is compared
    near : within 5 mm of the lesion
    closeness : 1 at the lesion, falling off by a Gaussian of 25 mm
    """

    grid: VolumeGeometry
    fixed: Values
    moving: Values
    known: Values
    weight: Values
    near: Mask
    closeness: Values
    outline: LesionOutline | None

    def start(self) -> Field:
        """Return no displacement."""
        return np.zeros((3, *self.fixed.shape), dtype=np.float32)

    def refined(
        self,
        field: Field,
        windows_mm: tuple[float, ...],
        weight: Values,
        *,
        noise_prior: float = 0.0,
    ) -> Field:
        """Return a field after further steps."""
        for window in windows_mm:
            moved = local.warped(self.moving, field, REACH)
            seen = weight * self.seen(field)
            field = field + local.step(self.fixed, moved, seen, window, noise_prior=noise_prior)
            field = np.clip(field, -REACH * STEP_MM, REACH * STEP_MM)
        return field

    def elastic(self, start: Field, weight: Values, modes: Modes) -> Elastic:
        """Return the smooth field about a rigid one or a shift."""
        return self._bent(start, weight, modes, modes.none(), SLACKS_MM)

    def elastic_from(self, other: Elastic, weight: Values, modes: Modes) -> Elastic:
        """Return the smooth field that is found from another one with other weights or modes.

        Parameters
        ----------
        modes : of the same grid and length as the other's
        """
        amounts = other.amounts * (other.modes.sd_mm / modes.sd_mm)
        return self._bent(other.start, weight, modes, amounts, LAST_SLACKS_MM)

    def _bent(
        self,
        start: Field,
        weight: Values,
        modes: Modes,
        amounts: Reals,
        slacks_mm: tuple[float, ...],
    ) -> Elastic:
        """Return the smooth field after a step for each slack."""
        furthest = REACH * STEP_MM
        field = np.clip(start + modes.field(amounts), -furthest, furthest)
        for slack in slacks_mm:
            terms = self.terms(field, weight, slack)
            right = terms.right + terms.pull(modes.at_bins(amounts))
            amounts = modes.solved(terms, right, amounts)
            field = np.clip(start + modes.field(amounts), -furthest, furthest)
        return Elastic(start, field, modes, amounts, terms)

    def terms(self, field: Field, weight: Values, slack_mm: float) -> Equations:
        """Return what the images, and the lesion's outline, say of a field."""
        moved = local.warped(self.moving, field, REACH)
        seen = self.seen(field)
        tissue = image_equations(self.fixed, moved, weight * seen, slack_mm=slack_mm)
        at_outline = None if self.outline is None else self.outline.equations(moved, seen)
        return tissue if at_outline is None else tissue.and_also(at_outline)

    def seen(self, field: Field) -> Values:
        """Return 1 where the native phase has values at the places to which a field points."""
        if self.known.all():
            return np.ones_like(self.weight)
        there = local.warped(self.known, field, REACH) > ALL_KNOWN
        return np.asarray(there, dtype=np.float32)

    def apart_mm(self, field: Field) -> float:
        """Return the root mean square displacement at the lesion."""
        return float(np.sqrt(np.square(field[:, self.near]).sum(axis=0).mean()))

    def bend_mm(self, field: Field) -> float:
        """Return the root mean square displacement of the tissue that is compared."""
        return float(np.sqrt(np.square(field[:, self.weight > 0]).sum(axis=0).mean()))

    def misfit(self, field: Field) -> tuple[Values, Values]:
        """Return the squared difference that a field leaves and how much each voxel counts.

        Enhancement of whole organs is taken off, outliers are subdued; what a field points out of
        the native phase does not count.
        """
        difference = self.fixed - local.warped(self.moving, field, REACH)
        seen = self.weight * self.seen(field)
        off = np.square(local.centred(difference, seen, CONTRAST_MM))
        return np.minimum(off, np.float32(MOST_OFF_HU**2)), seen * self.closeness

    def mean_misfit(self, field: Field, where: Mask | None = None) -> float:
        """Return the weighted mean of the squared difference that a field leaves."""
        off, count = self.misfit(field)
        if where is not None:
            count = count * where
        return float((off * count).sum() / max(float(count.sum()), 1e-6))


def phase_pair(
    arterial: Volume, native: Volume, lesion: Mask, liver: Mask | None, other: Mask | None
) -> PhasePair:
    """Read both phases onto the working grid about a lesion."""
    geometry = arterial.geometry
    corners = np.argwhere(lesion)
    grid = grid_about(geometry.index_to_patient(corners), geometry, MARGIN_MM)
    fixed, known = read_onto(arterial, grid)
    moving, has_value = read_onto(native, grown(grid, REACH))
    here = mask_onto(lesion, geometry, grid)
    tumour = here if other is None else here | mask_onto(other, geometry, grid)
    organ = None if liver is None else mask_onto(liver, geometry, grid)
    tissue = driving_tissue(fixed, here, tumour, organ) & known
    distance = ndimage.distance_transform_edt(~here) * STEP_MM
    closeness = np.exp(-0.5 * np.square(distance / CLOSENESS_MM)).astype(np.float32)
    return PhasePair(
        grid=grid,
        fixed=fixed,
        moving=moving,
        known=has_value.astype(np.float32),
        weight=tissue.astype(np.float32),
        near=np.asarray(distance <= NEAR_MM),
        closeness=closeness,
        outline=None
        if organ is None
        else lesion_outline(lesion, geometry, grid, liver=organ, tumour=tumour),
    )
