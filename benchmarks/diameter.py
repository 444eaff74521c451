"""Time from a boolean volume to a caliper, beside tools that solve an easier problem.

    python benchmarks/diameter.py [--rounds 9] [--only NAME]

Peers take the longest distance of two points of a slice, whatever lies between them, and are given
the same volume: OpenCV (hull of every outline, largest distance of two corners), SimpleITK (Feret
diameter of every slice), scikit-image (regionprops of every slice), pyradiomics
(Maximum2DDiameterSlice). One case has the lesion in the volume of a whole CT, as
masks come. Rounds alternate: each tool once per round, after a rest and a call that is not counted;
the figure is the ratio of the medians. A peer that is not installed is said to be absent.
"""

from __future__ import annotations

import argparse
import logging
import math
import statistics
import time
from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray

from imaging.geometry import VolumeGeometry
from measurement.diameter import longest_diameter

Mask = NDArray[np.bool_]
Tool = Callable[[Mask, VolumeGeometry], float]
SPACING_MM = (2.5, 0.7, 0.7)
REST_S = 0.3
"""After pyradiomics everything in its process, OpenCV too, takes twice as long for some ms."""


def ball(
    diameter_mm: float, core_mm: float, *, specks: bool = False, off_grid: bool = False
) -> tuple[Mask, Mask]:
    """Viable and whole part of a ball with a core that is dead, or with one voxel in ten dead.

    Its centre is that of a voxel, or a part of a voxel away: then no slice is like another.
    """
    half = [math.ceil(diameter_mm / 2 / step) + 3 for step in SPACING_MM]
    axes = [np.arange(-n, n + 1) * step for n, step in zip(half, SPACING_MM, strict=True)]
    if off_grid:
        axes = [axis - 0.3 * step for axis, step in zip(axes, SPACING_MM, strict=True)]
    z, y, x = np.meshgrid(*axes, indexing="ij", sparse=True)
    radius = np.sqrt(z**2 + y**2 + x**2)
    whole = radius <= diameter_mm / 2
    viable = whole & (radius > core_mm / 2)
    if specks:
        viable &= np.random.default_rng(0).random(viable.shape) > 0.1
    return viable, whole


def by_opencv(region: Mask, geometry: VolumeGeometry) -> float:
    import cv2

    _, dy, dx = geometry.spacing_mm
    best = 0.0
    for plane in region:
        if not plane.any():
            continue
        outlines, _ = cv2.findContours(
            plane.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE
        )
        corners = cv2.convexHull(np.concatenate(outlines))[:, 0, :] * np.array([dx, dy])
        apart = corners[:, None, :] - corners[None, :, :]
        best = max(best, float((apart**2).sum(axis=2).max()))
    return math.sqrt(best)


def by_simpleitk(region: Mask, geometry: VolumeGeometry) -> float:
    import SimpleITK as sitk  # noqa: N813

    _, dy, dx = geometry.spacing_mm
    best = 0.0
    for plane in region:
        if not plane.any():
            continue
        image = sitk.GetImageFromArray(plane.astype(np.uint8))
        image.SetSpacing((dx, dy))
        feret = sitk.LabelShapeStatisticsImageFilter()
        feret.ComputeFeretDiameterOn()
        feret.Execute(image)
        best = max(best, feret.GetFeretDiameter(1))
    return best


def by_skimage(region: Mask, geometry: VolumeGeometry) -> float:
    from skimage.measure import regionprops

    _, _, dx = geometry.spacing_mm
    planes = [plane for plane in region if plane.any()]
    return max(regionprops(plane.astype(np.uint8))[0].feret_diameter_max * dx for plane in planes)


def by_pyradiomics(region: Mask, geometry: VolumeGeometry) -> float:
    import SimpleITK as sitk  # noqa: N813
    from radiomics.shape import RadiomicsShape

    logging.getLogger("radiomics").setLevel(logging.ERROR)
    mask = sitk.GetImageFromArray(region.astype(np.uint8))
    mask.SetSpacing(geometry.spacing_mm[::-1])
    shape = RadiomicsShape(mask, mask, label=1)
    return float(shape.getMaximum2DDiameterSliceFeatureValue())


PEERS: dict[str, Tool] = {
    "OpenCV hull": by_opencv,
    "SimpleITK Feret": by_simpleitk,
    "scikit-image": by_skimage,
    "pyradiomics": by_pyradiomics,
}
IN_A_CT, OFF_GRID = ", in a CT", ", off the grid"
CASES = {
    "ball 50 mm, core 34 mm": (50.0, 34.0, False),
    f"ball 50 mm, core 34 mm{OFF_GRID}": (50.0, 34.0, False),
    f"ball 50 mm, core 34 mm{IN_A_CT}": (50.0, 34.0, False),
    f"ball 50 mm, core 34 mm{OFF_GRID}{IN_A_CT}": (50.0, 34.0, False),
    "ball 50 mm": (50.0, 0.0, False),
    "ball 200 mm, core 136 mm": (200.0, 136.0, False),
    "ball 200 mm": (200.0, 0.0, False),
    "ball 200 mm, one voxel in ten dead": (200.0, 0.0, True),
}


def in_a_ct(part: Mask) -> Mask:
    """The part of a lesion in a volume of 60 slices of 512 x 512 voxels."""
    whole = np.zeros((60, 512, 512), dtype=bool)
    planes, rows, columns = part.shape
    whole[20 : 20 + planes, 200 : 200 + rows, 150 : 150 + columns] = part
    return whole


def ours(whole: Mask, gap_mm: float, region: Mask, geometry: VolumeGeometry) -> float:
    found = longest_diameter(region, whole, geometry, gap_mm=gap_mm)
    return math.nan if found is None else found.length_mm


def present(tools: dict[str, Tool]) -> dict[str, Tool]:
    """Tools that answer on a small ball; the others are said to be absent."""
    region, _ = ball(8.0, 0.0)
    geometry = VolumeGeometry.upright(shape=region.shape, spacing_mm=SPACING_MM)
    found = {}
    for name, tool in tools.items():
        try:
            tool(region, geometry)
        except ImportError as error:
            print(f"absent: {name} ({error.name})")
        else:
            found[name] = tool
    return found


def compare(name: str, rounds: int) -> None:
    diameter, core, specks = CASES[name]
    region, whole = ball(diameter, core, specks=specks, off_grid=OFF_GRID in name)
    if name.endswith(IN_A_CT):
        region, whole = in_a_ct(region), in_a_ct(whole)
    geometry = VolumeGeometry.upright(shape=region.shape, spacing_mm=SPACING_MM)
    tools: dict[str, Tool] = {
        f"sumdiam, gap {gap:g} mm": partial(ours, whole, gap) for gap in (0.0, 2.0, 5.0)
    }
    tools |= present(PEERS)
    seconds: dict[str, list[float]] = {tool: [] for tool in tools}
    lengths = {}
    slow = set()
    for gap in (0.0, 2.0, 5.0):  # compiled and warm
        ours(whole, gap, region, geometry)
    for turn in range(rounds):
        for tool, measure in tools.items():
            if tool in slow and turn > 1:  # two rounds of what takes ages will do
                continue
            time.sleep(REST_S)
            measure(region, geometry)
            start = time.process_time()
            lengths[tool] = measure(region, geometry)
            seconds[tool].append(time.process_time() - start)
            if seconds[tool][-1] > 10.0:
                slow.add(tool)
    print(f"\n{name}: {region.shape} voxels of {SPACING_MM} mm, {rounds} alternating rounds")
    ours_at_0 = statistics.median(seconds["sumdiam, gap 0 mm"])
    print(f"{'':22}{'mm':>9}{'CPU ms':>11}{'/ sumdiam gap 0':>18}")
    for tool, times in seconds.items():
        middle = statistics.median(times)
        print(f"{tool:22}{lengths[tool]:9.2f}{1000 * middle:11.2f}{middle / ours_at_0:18.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--only", choices=CASES, action="append")
    given = parser.parse_args()
    for name in given.only or CASES:
        compare(name, given.rounds)


if __name__ == "__main__":
    main()
