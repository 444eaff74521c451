"""Shapes whose closed-form lengths on the slice planes are those of the tables, exactly.

All are made of balls and ellipsoids, whose discs are largest on the plane nearest to their centre;
so every measure follows from its length on that plane without a search.
"""

from __future__ import annotations

import math

from imaging.necrotic_shape import Crescent, Ring, TwoIslands
from imaging.shape import Ball, Dead, Ellipsoid, Shape
from imaging.solid import Point
from imaging.viable_remnant import Remnant
from sumdiam.demo.imaged.subject import NODE_LENGTH, Extent

GAP_MM = 2.0
STYLES = ("ring", "crescent", "islands", "remnant")
"""How a lesion dies: from its middle, off its middle, in the middle and at the sides, from afar."""

SAME_MM = 0.05
"""Viable and whole lengths that are so near are one: nothing is necrotic."""
SMALLEST_CORE_MM, THINNEST_WALL_MM = 2.5, 3.0
"""Radius of a core and width of a wall that images of this resolution show."""
LEAST_ISLAND_MM, ISLAND_RATIO, ISLAND_MARGIN_MM, ISLANDS_APART_MM = 6.0, 0.6, 1.5, 4.0
BESIDE = 0.75
"""A viable part of more than this share of the whole lies at the border, a smaller one inside."""
WIDTH, HEIGHT = 0.8, 0.85
"""Axes of an ellipsoid as parts of its longest."""
NODE_HEIGHT = 1.2


def lesion_shape(
    extent: Extent, *, style: str, angle_deg: float, centre_mm: Point, off_plane_mm: float
) -> Shape | None:
    """Return the shape of a lesion at one visit; None where it has vanished.

    Parameters
    ----------
    style : a word of `STYLES`
        Kept where the lengths have room for it.
    angle_deg : float
        Where in the plane its necrosis or its long axis points.
    off_plane_mm : float
        Distance of the centre from the nearest slice plane.
    """
    if not extent.longest_mm:
        return None
    if extent.short_mm is not None:
        return _node(extent.short_mm, angle_deg, off_plane_mm).at(centre_mm)
    whole = extent.longest_mm
    viable = whole if extent.viable_mm is None else extent.viable_mm
    if viable == 0.0:
        return Dead(_axes(whole, off_plane_mm), angle_deg).at(centre_mm)
    if whole - viable <= SAME_MM:
        return _solid(max(viable, whole), style, angle_deg, off_plane_mm).at(centre_mm)
    return _necrotic(viable, whole, style, angle_deg, off_plane_mm).at(centre_mm)


def _node(short_mm: float, angle_deg: float, off_mm: float) -> Shape:
    """Return a node with this short axis on the nearest plane."""
    half = math.hypot(short_mm / 2.0, off_mm / NODE_HEIGHT)
    return Ellipsoid((NODE_LENGTH * half, half, NODE_HEIGHT * half), angle_deg)


def _axes(longest_mm: float, off_mm: float) -> Point:
    """Return semi-axes of an ellipsoid with this longest diameter on the nearest plane."""
    half = math.hypot(longest_mm / 2.0, off_mm / HEIGHT)
    return half, WIDTH * half, HEIGHT * half


def _solid(longest_mm: float, style: str, angle_deg: float, off_mm: float) -> Shape:
    """Return a lesion without necrosis: a ball, or an ellipsoid."""
    if style in ("ring", "remnant"):
        return Ball(_ball(longest_mm, off_mm))
    return Ellipsoid(_axes(longest_mm, off_mm), angle_deg)


def _ball(longest_mm: float, off_mm: float) -> float:
    """Return the diameter of a ball that has this one on the nearest plane."""
    return 2.0 * math.hypot(longest_mm / 2.0, off_mm)


def _necrotic(viable: float, whole: float, style: str, angle_deg: float, off_mm: float) -> Shape:
    """Return a lesion with necrosis, in the style asked for if there is room for it."""
    way = math.cos(math.radians(angle_deg)), math.sin(math.radians(angle_deg))
    if style == "islands":
        second = max(LEAST_ISLAND_MM * ISLAND_RATIO, ISLAND_RATIO * viable)
        room = whole - viable - second - 2.0 * ISLAND_MARGIN_MM
        if viable >= LEAST_ISLAND_MM and room >= ISLANDS_APART_MM:
            return _islands(viable, second, whole, way, off_mm)
    behind = math.sqrt((whole**2 - viable**2) / 4.0)  # how far the chord runs off the centre
    wall = whole / 2.0 - math.hypot(behind, GAP_MM / 2.0)
    cored = style != "remnant" or viable > BESIDE * whole
    if cored and behind >= SMALLEST_CORE_MM and wall >= THINNEST_WALL_MM:
        offset = 0.4 * (wall - THINNEST_WALL_MM) if style in ("crescent", "remnant") else 0.0
        if offset < 1.0:
            return Ring(_ball(whole, off_mm), _ball(2.0 * math.hypot(behind, GAP_MM / 2.0), off_mm))
        core = 2.0 * math.hypot(behind + offset, GAP_MM / 2.0)
        aside = (offset * way[0], offset * way[1], 0.0)
        return Crescent(_ball(whole, off_mm), _ball(core, off_mm), aside)
    return _remnant(viable, whole, way, off_mm)


def _islands(
    viable: float, second: float, whole: float, way: tuple[float, float], off_mm: float
) -> Shape:
    """Return two viable balls at opposite sides of a necrotic one."""
    outer, radii = _ball(whole, off_mm), (_ball(viable, off_mm), _ball(second, off_mm))
    first, other = (outer / 2.0 - own / 2.0 - ISLAND_MARGIN_MM for own in radii)
    return TwoIslands(
        (outer / 2.0,) * 3,
        radii,
        ((-first * way[0], -first * way[1], 0.0), (other * way[0], other * way[1], 0.0)),
    )


def _remnant(viable: float, whole: float, way: tuple[float, float], off_mm: float) -> Shape:
    """Return one viable ball: at the border where it is most of the lesion, else inside."""
    outer, own = _ball(whole, off_mm), _ball(viable, off_mm)
    offset = (outer - own) / 2.0 * (1.0 if viable > BESIDE * whole else 0.5)
    return Remnant(outer, own, (offset * way[0], offset * way[1], 0.0))
