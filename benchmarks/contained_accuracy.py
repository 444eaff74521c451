"""Error of the longest contained segment on digital shapes with closed-form truth, beside peers.

    python benchmarks/contained_accuracy.py [--shapes 1200] [--seed 1] [--dense 200] [--table FILE]

Shapes: discs, ellipses, rings, crescents, lobulated blobs and clovers of three discs, 8 to 60 mm;
any sub-pixel offset and angle; pixels of 0.5 to 1.0 mm. A pixel belongs to a shape when its centre
does. Peers take the longest distance of two points, dead tissue between them or not; so they are
also judged on the shapes without dead tissue alone. Errors in pixels.

``--dense N`` compares the definition (the longest run on lines through two vertices) on N shapes
with the longest run on any line: those of a grid (1 degree, a quarter of a pixel), the best of
which are then moved ever more finely, to hundredths of that.
"""

from __future__ import annotations

import argparse
import math
import sys
from pathlib import Path

import numpy as np
from diameter import PEERS, Tool, present
from numpy.typing import NDArray
from planar_shape import KINDS, Mask, Planar

from imaging.geometry import VolumeGeometry
from measurement.contour import Contour
from measurement.diameter import longest_diameter, outline_diameter
from measurement.line import intervals, longest_run
from measurement.outline import LesionOutline

OURS = "sumdiam, gap 0 mm"
Placed = tuple[Planar, Mask, Mask, VolumeGeometry]


def placed(seed: int) -> Placed:
    """One random shape on a random grid."""
    rng = np.random.default_rng(seed)
    shape = KINDS[seed % len(KINDS)](rng)
    pixel = rng.uniform(0.5, 1.0)
    offset = (rng.uniform(-0.5, 0.5), rng.uniform(-0.5, 0.5))
    return shape, *shape.rasterised(pixel, rng.uniform(0.0, math.pi), offset)


def contained(viable: Mask, whole: Mask, grid: VolumeGeometry) -> float:
    found = longest_diameter(viable, whole, grid, gap_mm=0.0)
    return math.nan if found is None else found.length_mm


def errors_px(shapes: int, seed: int) -> tuple[list[Planar], dict[str, NDArray[np.float64]]]:
    """Errors of every tool on every shape."""
    tools: dict[str, Tool] = present(PEERS)
    found: dict[str, list[float]] = {name: [] for name in (OURS, *tools)}
    drawn = []
    for k in range(shapes):
        shape, viable, whole, grid = placed(seed * 100_000 + k)
        drawn.append(shape)
        lengths = {OURS: contained(viable, whole, grid)}
        lengths |= {name: tool(viable, grid) for name, tool in tools.items()}
        for name, length in lengths.items():
            found[name].append((length - shape.truth_mm) / grid.spacing_mm[2])
    return drawn, {name: np.array(values) for name, values in found.items()}


def row(name: str, errors: NDArray[np.float64]) -> str:
    rms, mean = math.sqrt(np.mean(errors**2)), errors.mean()
    return f"| {name} | {len(errors)} | {mean:+.2f} | {rms:.2f} | {np.abs(errors).max():.2f} |"


def table(drawn: list[Planar], found: dict[str, NDArray[np.float64]]) -> list[str]:
    """Rows of the table: all shapes, those without dead tissue, and each kind."""
    head = ["| | shapes | mean | rms | largest |", "| --- | ---: | ---: | ---: | ---: |"]
    solid = np.array([shape.solid for shape in drawn])
    lines = ["All shapes, error in pixels:", "", *head]
    lines += [row(name, errors) for name, errors in found.items()]
    lines += ["", "Shapes without dead tissue alone:", "", *head]
    lines += [row(name, errors[solid]) for name, errors in found.items()]
    lines += ["", f"{OURS}, by kind of shape:", "", *head]
    kinds = np.array([shape.kind for shape in drawn])
    lines += [row(str(kind), found[OURS][kinds == kind]) for kind in dict.fromkeys(kinds)]
    return lines


def run_mm(line: tuple[float, ...], viable: Contour, whole: Contour, gap_mm: float) -> float:
    """Longest admissible run on one line (x, y of a point, cosine, sine)."""
    works = []
    for contour in (viable, whole):
        used = np.arange(len(contour.edges))
        work = np.empty((4, 2 * len(used) + 2))
        x, y = contour.points_mm.T
        works.append((work, intervals(x, y, contour.edges, used, len(used), line, work)))
    (tissue, pieces), (lesion, parts) = works
    if pieces == 0:
        return 0.0
    start, stop = longest_run(tissue, pieces, lesion, parts, gap_mm)
    return float(stop - start)


def dense_mm(
    outline: LesionOutline, gap_mm: float, pixel_mm: float, rng: np.random.Generator
) -> float:
    """Longest run on any line: a grid of lines, then the best of them moved ever more finely."""
    viable, whole = outline.contours(outline.slices[0][1])
    middle = viable.points_mm.mean(axis=0)
    reach = np.hypot(*(viable.points_mm - middle).T).max()

    def length(turn: float, offset: float) -> float:
        cosine, sine = math.cos(turn), math.sin(turn)
        at = (middle[0] - offset * sine, middle[1] + offset * cosine)
        return run_mm((*at, cosine, sine), viable, whole, gap_mm)

    turns = np.arange(0.0, math.pi, math.radians(1.0))
    offsets = np.arange(-reach, reach, 0.25 * pixel_mm)
    rows = [(length(t, o), t, o) for t in turns for o in offsets]
    best = sorted(rows, reverse=True)[:40]
    for scale in (1.0, 0.3, 0.1, 0.03, 0.01):
        tried = list(best)
        for _, turn, offset in best:
            for _ in range(60):
                t = turn + rng.normal() * scale * math.radians(1.0)
                o = offset + rng.normal() * scale * 0.25 * pixel_mm
                tried.append((length(t, o), t, o))
        best = sorted(tried, reverse=True)[:40]
    return best[0][0]


def against_any_line(shapes: int, seed: int) -> list[str]:
    """Rows that tell how much longer the runs on any line are than those of the definition."""
    lines = [
        "| gap | shapes | mean | largest | any line longer |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    apart: dict[float, list[float]] = {0.0: [], 2.0: [], 5.0: []}
    for k in range(shapes):
        _, viable, whole, grid = placed(seed * 100_000 + 50_000 + k)
        outline = LesionOutline(viable, whole, grid)
        rng = np.random.default_rng(k)
        for gap, found in apart.items():
            defined = outline_diameter(outline, gap_mm=gap)
            assert defined is not None
            longest = dense_mm(outline, gap, grid.spacing_mm[2], rng)
            found.append((longest - defined.length_mm) / grid.spacing_mm[2])
    for gap, found in apart.items():
        values = np.array(found)
        lines.append(
            f"| {gap:g} mm | {len(values)} | {values.mean():+.3f} | {values.max():+.3f} | "
            f"{(values > 1e-6).sum()} |"
        )
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shapes", type=int, default=1200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--dense", type=int, default=0)
    parser.add_argument("--table", type=Path)
    given = parser.parse_args()
    lines = table(*errors_px(given.shapes, given.seed))
    if given.dense:
        lines += ["", "Longest run on any line less that of the definition, in pixels:", ""]
        lines += against_any_line(given.dense, given.seed)
    print("\n".join(lines))
    if given.table:
        given.table.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    sys.exit(main())
