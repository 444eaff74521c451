"""Compile all machine code once, so that no measurement has to wait for it.

python -m measurement.compiled
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from imaging.geometry import VolumeGeometry
from imaging.lossless_jpeg import compiled
from imaging.mask import LesionMask, SegmentIdentity
from imaging.registration import align_phase
from imaging.volume import Volume
from measurement.lesion import measure_lesion
from measurement.reading import LesionImages

SHAPE = (3, 24, 24)


def compile_all() -> None:
    """Register and measure one small lesion, whose viable part has two pieces and a hole.

    Notes
    -----
    Every compiled function of this package and of `imaging` runs with the types of a real
    measurement, and the code is kept for later processes (see `imaging.machine_code`).
    """
    compiled()
    grid = VolumeGeometry.upright(shape=SHAPE, spacing_mm=(2.5, 1.0, 1.0))
    z, row, column = np.indices(SHAPE)
    lesion = (row - 11) ** 2 + (column - 11) ** 2 <= 81
    core = (row - 11) ** 2 + (column - 11) ** 2 <= 16
    grain = (7 * z + 5 * row + 3 * column) % 4  # stands in for noise, which a threshold needs
    native = (50 + grain).astype(np.int16)
    arterial = (native + grain[:, ::-1] + 80 * (lesion & ~core & (row != 11))).astype(np.int16)
    volumes = {
        name: Volume(array, grid, "HU", ("1", "2", "3"), (1, 1, 1), name)
        for name, array in (("native", native), ("arterial", arterial))
    }
    wide = VolumeGeometry.upright(shape=SHAPE, spacing_mm=(30.0, 4.0, 4.0))  # enough to compare
    align_phase(
        replace(volumes["arterial"], geometry=wide),
        replace(volumes["native"], geometry=wide),
        lesion,
    )
    measure_lesion(
        LesionImages(
            image=volumes["arterial"],
            arterial=volumes["arterial"],
            native=volumes["native"],
            lesion=LesionMask(lesion, grid, "compiled", SegmentIdentity(1)),
        )
    )


if __name__ == "__main__":
    compile_all()
