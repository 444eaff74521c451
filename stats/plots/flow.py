"""Flow of subjects (CONSORT): boxes whose numbers must add up."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from stats.plots.style import INK, Drawing, PlotError, styled

BOX_WIDTH: Final = 2.7
SIDE_WIDTH: Final = 2.75
LINE_HEIGHT: Final = 0.155
PADDING: Final = 0.11
GAP: Final = 0.3
CHARACTERS: Final = 38
"""Sizes in inches; so many characters of the box's font fit its width."""


class FlowBalanceError(PlotError):
    """The boxes of a flow do not add up: someone is lost or counted twice."""


@dataclass(frozen=True, slots=True)
class FlowBox:
    """One box. ``side`` boxes hold those who leave; ``reasons`` of (words, n) add up to n."""

    key: str
    text: str
    n: int
    parent: str | None = None
    side: bool = False
    reasons: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class _Placed:
    """A box with its lines and its place in inches, y downwards."""

    box: FlowBox
    lines: tuple[str, ...]
    x: float
    y: float
    width: float
    height: float


def check_flow(boxes: Sequence[FlowBox]) -> None:
    """Raise unless every box is the sum of the boxes below it and of its reasons.

    Raises
    ------
    FlowBalanceError
        Naming the box, its number and what its parts add up to.
    """
    keys = [box.key for box in boxes]
    if len(set(keys)) != len(keys):
        msg = f"flow: two boxes have one key among {', '.join(sorted(keys))}."
        raise FlowBalanceError(msg)
    for box in boxes:
        if box.parent is not None and box.parent not in keys:
            msg = f"flow: box {box.key} hangs below {box.parent}, which is not there."
            raise FlowBalanceError(msg)
        below = [other for other in boxes if other.parent == box.key]
        total = sum(other.n for other in below)
        if below and total != box.n:
            parts = " + ".join(f"{other.key} {other.n}" for other in below)
            msg = f"flow: {box.key} has {box.n}, but {parts} = {total}. Someone is lost or doubled."
            raise FlowBalanceError(msg)
        given = sum(n for _, n in box.reasons)
        if box.reasons and given != box.n:
            msg = f"flow: the reasons of {box.key} add up to {given}, not {box.n}."
            raise FlowBalanceError(msg)


def draw_flow(boxes: Sequence[FlowBox], *, title: str = "") -> Drawing:
    """Flow diagram: a tree of boxes downwards, those who leave to the right.

    Parameters
    ----------
    boxes : sequence of FlowBox
        The first has no parent. Side boxes without anybody are not drawn.

    Raises
    ------
    FlowBalanceError
        If the boxes do not add up (see `check_flow`).
    PlotError
        If there is no box.
    """
    if not boxes:
        msg = "a flow needs at least one box."
        raise PlotError(msg)
    check_flow(boxes)
    shown = [box for box in boxes if not (box.side and box.n == 0)]
    placed = _place(shown)
    width = max(p.x + p.width / 2 for p in placed.values()) + 0.15
    height = max(p.y + p.height for p in placed.values()) + 0.15
    with styled():
        top = 0.35 if title else 0.1
        figure = Figure(figsize=(width, height + top))
        axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
        axes.set_axis_off()
        axes.set_xlim(0, width)
        axes.set_ylim(height, -top)
        for box in placed.values():
            _draw_box(axes, box)
        for box in placed.values():
            if box.box.parent is not None:
                _connect(axes, placed[box.box.parent], box)
        if title:
            axes.text(0.1, -top / 2, title, fontsize=10, fontweight="bold", va="center")
    rows = [
        {"box": b.key, "below": b.parent or "", "leaves": b.side, "text": b.text, "n": b.n,
         "reasons": "; ".join(f"{word}: {n}" for word, n in b.reasons)}
        for b in boxes
    ]  # fmt: skip
    return Drawing(figure, pd.DataFrame(rows), "Every box is the sum of the boxes it leads to.")


def _lines(box: FlowBox) -> tuple[str, ...]:
    """Wrap a box's text and its reasons."""
    fixed = "\u00a0"  # textwrap leaves "(n = 2)" whole with no-break spaces
    lines = textwrap.wrap(f"{box.text} (n{fixed}={fixed}{box.n})", CHARACTERS)
    for word, n in box.reasons:
        text = f"•{fixed}{word} (n{fixed}={fixed}{n})"
        lines += textwrap.wrap(text, CHARACTERS, subsequent_indent="   ")
    return tuple(lines)


def _place(boxes: Sequence[FlowBox]) -> dict[str, _Placed]:
    """Place boxes: columns by the leaves of the tree, rows by depth."""
    main = [box for box in boxes if not box.side]
    columns = _columns(boxes, main)
    depths = _depths(main)
    text = {box.key: _lines(box) for box in boxes}
    height = {key: len(lines) * LINE_HEIGHT + 2 * PADDING for key, lines in text.items()}
    placed: dict[str, _Placed] = {}
    y = 0.1
    for depth in range(max(depths.values()) + 1):
        row = [box for box in main if depths[box.key] == depth]
        tallest = max(height[box.key] for box in row)
        for box in row:
            x = columns[box.key]
            placed[box.key] = _Placed(box, text[box.key], x, y, BOX_WIDTH, height[box.key])
        y += tallest + GAP
        room = 0.0
        for box in row:
            below = y - GAP / 2
            for side in (b for b in boxes if b.side and b.parent == box.key):
                x = columns[box.key] + 0.3 + SIDE_WIDTH / 2
                placed[side.key] = _Placed(
                    side, text[side.key], x, below, SIDE_WIDTH, height[side.key]
                )
                below += height[side.key] + 0.1
            room = max(room, below - (y - GAP / 2))
        y += room + (GAP / 2 if room else 0)
    return placed


def _columns(boxes: Sequence[FlowBox], main: Sequence[FlowBox]) -> dict[str, float]:
    """Return the x of every main box: leaves side by side, parents above their middle."""
    sided = {box.parent for box in boxes if box.side}
    x: dict[str, float] = {}
    cursor = 0.15

    def visit(box: FlowBox) -> bool:
        nonlocal cursor
        children = [other for other in main if other.parent == box.key]
        wide = box.key in sided
        if not children:
            x[box.key] = cursor + BOX_WIDTH / 2
        for child in children:
            wide = visit(child) or wide
        if children:
            x[box.key] = (x[children[0].key] + x[children[-1].key]) / 2
        if not children:
            needed = (
                BOX_WIDTH / 2 + 0.3 + SIDE_WIDTH if _wide_above(box, main, sided) else BOX_WIDTH
            )
            cursor += needed + 0.3
        return wide

    for root in (box for box in main if box.parent is None):
        visit(root)
    return x


def _wide_above(box: FlowBox, main: Sequence[FlowBox], sided: set[str | None]) -> bool:
    """Say whether a side box stands in this leaf's column (its own or that of an only child)."""
    by_key = {other.key: other for other in main}
    here: FlowBox | None = box
    while here is not None:
        if here.key in sided:
            return True
        if here.parent is None:
            return False
        siblings = [other for other in main if other.parent == here.parent]
        if len(siblings) > 1:
            return False
        here = by_key.get(here.parent)
    return False


def _depths(main: Sequence[FlowBox]) -> dict[str, int]:
    """Return how many boxes stand above each main box."""
    by_key = {box.key: box for box in main}

    def depth(box: FlowBox) -> int:
        return 0 if box.parent is None else 1 + depth(by_key[box.parent])

    return {box.key: depth(box) for box in main}


def _draw_box(axes: Axes, placed: _Placed) -> None:
    """Draw one box with its text."""
    side = placed.box.side
    left = placed.x - placed.width / 2
    patch = FancyBboxPatch(
        (left, placed.y), placed.width, placed.height, boxstyle="round,pad=0,rounding_size=0.05",
        facecolor="#f4f4f4" if side else "white", edgecolor=INK, linewidth=0.9,
    )  # fmt: skip
    axes.add_patch(patch)
    style: dict[str, Any] = {"fontsize": 8.5, "va": "center"}
    for i, line in enumerate(placed.lines):
        y = placed.y + PADDING + (i + 0.5) * LINE_HEIGHT
        if side or placed.box.reasons:
            axes.text(left + 0.1, y, line, ha="left", **style)
        else:
            axes.text(placed.x, y, line, ha="center", **style)


def _connect(axes: Axes, parent: _Placed, child: _Placed) -> None:
    """Draw the line from a box to one that it leads to."""
    arrow: dict[str, Any] = {"arrowstyle": "-|>", "color": INK, "linewidth": 0.9,
                             "shrinkA": 0, "shrinkB": 0, "mutation_scale": 9}  # fmt: skip
    bottom = parent.y + parent.height
    if child.box.side:
        y = child.y + child.height / 2
        axes.plot([parent.x, parent.x], [bottom, y], color=INK, linewidth=0.9)
        start, end = (parent.x, y), (child.x - child.width / 2, y)
    else:
        turn = child.y - GAP / 2
        if child.x != parent.x:
            axes.plot([parent.x, parent.x, child.x], [bottom, turn, turn], color=INK, linewidth=0.9)
            start = (child.x, turn)
        else:
            start = (parent.x, bottom)
        end = (child.x, child.y)
    axes.annotate("", xy=end, xytext=start, arrowprops=arrow)
