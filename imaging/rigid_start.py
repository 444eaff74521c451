"""Where a registration starts: the best whole-voxel shift, then a rotation (SimpleITK)."""

from __future__ import annotations

import numpy as np
import SimpleITK

from imaging.local_displacement import Field
from imaging.working_grid import STEP_MM, Mask, Values

COARSE = 2
"""The shift is sought in steps of so many voxels of the working grid."""

LEAST_OVERLAP = 0.6
"""A shift that leaves less of the tissue to compare is not considered."""


def best_shift(fixed: Values, weight: Values, moving: Values, known: Values, reach: int) -> Field:
    """Return the shift of highest correlation as (3, 1, 1, 1) mm along slices, rows and columns.

    Parameters
    ----------
    fixed, weight : (z, y, x) arrays of the working grid
    moving, known : on the same grid grown by ``reach`` voxels; 1 where the image has values
    """
    tissue = np.round(_thinned((weight > 0).astype(np.float32)))
    correlation = SimpleITK.GetArrayFromImage(
        SimpleITK.MaskedFFTNormalizedCorrelation(
            _image(_thinned(fixed)), _image(_thinned(moving)),
            _image(tissue), _image(np.round(_thinned(known))),
            requiredFractionOfOverlappingPixels=LEAST_OVERLAP,
        )
    )  # fmt: skip
    size = tissue.shape
    # entry (size - 1 + 2 x reach - n) of the full correlation is the shift by n
    inside = tuple(slice(n - 1, n - 1 + 2 * (reach // COARSE) + 1) for n in size)
    near = correlation[inside]
    best = np.unravel_index(int(np.argmax(near)), near.shape)
    shift = [(reach // COARSE - int(at)) * COARSE * STEP_MM for at in best]
    return np.array(shift, dtype=np.float32).reshape(3, 1, 1, 1)


def rigid_field(
    fixed: Values, weight: Values, moving: Values, known: Values, reach: int, start: Field
) -> Field:
    """Return the field of the rotation and shift of highest correlation.

    Parameters
    ----------
    start : (3, z, y, x) mm
        One shift everywhere.

    Raises
    ------
    RuntimeError
        From SimpleITK, if the images do not overlap enough.

    Notes
    -----
    Correlation, not mutual information: within soft tissue the phases differ by nearly a linear
    law, and it is the surer of the two near the optimum. All voxels, one thread: the same bytes on
    every machine of a kind.
    """
    image, other, there = _image(fixed), _image(moving), _image(known > 0)
    for one in (other, there):
        one.SetOrigin([-reach * STEP_MM] * 3)
    middle = [(n - 1) * STEP_MM / 2.0 for n in fixed.shape[::-1]]
    transform = SimpleITK.Euler3DTransform(middle)
    transform.SetTranslation(start[::-1, 0, 0, 0].tolist())
    method = SimpleITK.ImageRegistrationMethod()
    method.SetNumberOfThreads(1)
    method.SetMetricAsCorrelation()
    method.SetMetricFixedMask(_image(weight > 0))
    method.SetMetricMovingMask(there)
    method.SetInterpolator(SimpleITK.sitkLinear)
    method.SetInitialTransform(transform, inPlace=True)
    method.SetOptimizerAsRegularStepGradientDescent(
        learningRate=2.0, minStep=0.05, numberOfIterations=50, relaxationFactor=0.5
    )
    method.SetOptimizerScalesFromPhysicalShift()
    method.Execute(image, other)
    turn = np.array(transform.GetMatrix()).reshape(3, 3)[::-1, ::-1]
    move = np.array(transform.GetTranslation())[::-1]
    centre = np.array(middle)[::-1]
    axes = [np.arange(n) * STEP_MM for n in fixed.shape]
    from_centre = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1) - centre
    field = from_centre @ (turn - np.eye(3)).T + move
    return np.asarray(np.moveaxis(field, -1, 0), dtype=np.float32)


def _thinned(values: Values) -> Values:
    """Return means over bins; what does not fill a bin at the end is left out."""
    z, y, x = (n // COARSE for n in values.shape)
    cut = values[: z * COARSE, : y * COARSE, : x * COARSE]
    return np.asarray(
        cut.reshape(z, COARSE, y, COARSE, x, COARSE).mean(axis=(1, 3, 5)), dtype=np.float32
    )


def _image(values: Values | Mask) -> SimpleITK.Image:
    """Return an array as an image whose axes are those of the grid, in mm from its first voxel."""
    image = SimpleITK.GetImageFromArray(
        values.astype(np.uint8) if values.dtype == np.bool_ else values
    )
    image.SetSpacing([STEP_MM] * 3)
    return image
