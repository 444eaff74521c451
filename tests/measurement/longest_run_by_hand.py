"""Slow and obviously right: every line through two vertices, every piece of it judged apart.

Shares no code with the fast search: a piece of a line lies in the closed region when its middle
does, by the number of edges that a ray crosses, or by lying on an edge.
"""

import itertools
import math

import numpy as np

NEAR = 1e-9


def _cuts(points, edges, at, along):
    """Places along the line where it meets an edge's inside, or a vertex."""
    across = (points - at) @ np.array([-along[1], along[0]])
    across[np.abs(across) < NEAR] = 0.0
    place = (points - at) @ along
    found = list(place[across == 0.0])
    one, two = edges.T
    for k in np.flatnonzero(across[one] * across[two] < 0.0):
        a, b = one[k], two[k]
        share = across[a] / (across[a] - across[b])
        found.append(place[a] + share * (place[b] - place[a]))
    return sorted(found)


def _inside(points, edges, spots):
    """Whether each spot is inside the closed polygons."""
    a, b = points[edges[:, 0]], points[edges[:, 1]]
    x, y = spots[:, :1], spots[:, 1:]
    spans = (a[:, 1] > y) != (b[:, 1] > y)
    with np.errstate(divide="ignore", invalid="ignore"):
        where = a[:, 0] + (y - a[:, 1]) / (b[:, 1] - a[:, 1]) * (b[:, 0] - a[:, 0])
    odd = ((spans & (where > x)).sum(axis=1) % 2).astype(bool)
    length = np.maximum(((b - a) ** 2).sum(axis=1), 1e-300)
    t = np.clip(((x - a[:, 0]) * (b - a)[:, 0] + (y - a[:, 1]) * (b - a)[:, 1]) / length, 0, 1)
    away = np.hypot(x - a[:, 0] - t * (b - a)[:, 0], y - a[:, 1] - t * (b - a)[:, 1])
    return odd | (away.min(axis=1) < NEAR)


def intervals(points, edges, at, along):
    """Closed stretches of a line within the polygons, touching ones joined."""
    cuts = _cuts(points, edges, at, along)
    pieces = [(s, t) for s, t in itertools.pairwise(cuts) if t - s > NEAR]
    if not pieces:
        return []
    spots = np.array([at + 0.5 * (s + t) * along for s, t in pieces])
    joined = []
    for (s, t), inside in zip(pieces, _inside(points, edges, spots), strict=True):
        if not inside:
            continue
        if joined and s - joined[-1][1] <= NEAR:
            joined[-1][1] = t
        else:
            joined.append([s, t])
    return joined


def longest_runs(viable, whole, gaps_mm):
    """Length of the longest admissible run for each gap; 0 where there is none.

    At infinity it is the plain distance of two vertices, tissue between them or not.
    """
    points, edges = viable.points_mm, viable.edges
    best = dict.fromkeys(gaps_mm, 0.0)
    for i, j in itertools.combinations(range(len(points)), 2):
        along = points[j] - points[i]
        size = math.hypot(*along)
        if size < NEAR:
            continue
        along = along / size
        tissue = intervals(points, edges, points[i], along)
        lesion = intervals(whole.points_mm, whole.edges, points[i], along)
        for gap in gaps_mm:
            longest = size if math.isinf(gap) else _longest(tissue, lesion, gap)
            best[gap] = max(best[gap], longest)
    return best


def _longest(tissue, lesion, gap_mm):
    """Longest run of stretches on one line."""
    best = 0.0
    for first, (start, _) in enumerate(tissue):
        for last in range(first, len(tissue)):
            if last > first:
                before, after = tissue[last - 1][1], tissue[last][0]
                covered = sum(max(0.0, min(after, t) - max(before, s)) for s, t in lesion)
                hole = after - before
                if hole > gap_mm + 1e-7 or hole - covered > 1e-7:
                    break
            best = max(best, tissue[last][1] - start)
    return best
