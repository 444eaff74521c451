"""Compile all machine code once, so that no measurement has to wait for it.

python -m measurement.compiled
"""

from __future__ import annotations

import hashlib
import os
import platform
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numba
import numpy as np
from numba import config
from numba.core import registry

import imaging.machine_code as kept
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
    _compile()
    with suppress(OSError):  # nothing can be kept here: every process compiles for itself
        mark = _mark()
        mark.parent.mkdir(parents=True, exist_ok=True)
        mark.touch()


def worth_compiling() -> bool:
    """Return whether all machine code should be compiled ahead: it is not there, but can be kept.

    Notes
    -----
    Compiling takes a minute and 0.4 GB, which a worker that measures would hold until its end.
    """
    mark = _mark()
    if mark.exists():
        return False
    there = next(folder for folder in mark.parents if folder.exists())
    return os.access(there, os.W_OK)


def _mark() -> Path:
    """Return the file that says that everything is compiled.

    It bears all that numba asks before it takes kept code: where the sources lie, when each was
    written, its own version, and the processor.
    """
    here = Path(__file__).resolve()
    folders = (here.parent, Path(kept.__file__).resolve().parent)
    files = [path for folder in folders for path in sorted(folder.glob("*.py"))]
    parts = [
        *(f"{path} {path.stat().st_mtime_ns} {path.stat().st_size}" for path in files),
        numba.__version__,
        platform.python_version(),
        *map(str, registry.cpu_target.target_context.codegen().magic_tuple()),
    ]
    name = hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]
    return kept.kept_in(here.parent, config.CACHE_DIR) / f"complete-{name}"


def _compile() -> None:
    """Call everything once."""
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
