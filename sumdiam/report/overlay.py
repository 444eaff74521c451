"""The picture of one measurement: its slice, the contours and the caliper."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from skimage.measure import find_contours

from imaging.geometry import VolumeGeometry
from imaging.volume import Volume

if TYPE_CHECKING:
    from measurement.diameter import Caliper

Colour = tuple[int, int, int]
Point = tuple[float, float]

WHOLE_COLOUR: Colour = (86, 180, 233)
VIABLE_COLOUR: Colour = (240, 140, 0)
CALIPER_COLOUR: Colour = (255, 255, 255)
"""Sky blue, orange and white stay apart for every kind of colour vision (after Okabe and Ito)."""

PICTURES = {
    "hepatic": (
        ("viable_diameter", "viable_perpendicular", "viable"),
        ("whole_diameter", "whole_perpendicular", "whole"),
    ),
    "extrahepatic": (("whole_diameter", "whole_perpendicular", "whole"),),
    "node": (("node_short_axis", "whole_diameter", "short axis"),),
}
"""What is drawn of a lesion: per picture the caliper, the dashed one, and the word for it."""

SHOWN_IN = {
    "viable_perpendicular": ("viable_diameter",),
    "viable_volume": ("viable_diameter",),
    "mean_attenuation": ("viable_diameter", "whole_diameter", "node_short_axis"),
    "mean_enhancement": ("viable_diameter",),
    "late_contrast": ("viable_diameter",),
    "clear_border": ("whole_diameter",),
    "whole_diameter": ("node_short_axis",),
    "whole_perpendicular": ("whole_diameter", "node_short_axis"),
    "whole_volume": ("whole_diameter", "node_short_axis"),
    "viable_diameter": ("whole_diameter",),
}
"""In whose picture of the same lesion and visit a quantity without one of its own is seen."""

_SIDE = 252
_STRIP = 18
_FINER = 3
_MARGIN_MM = 11.0
_LEAST_SIDE_MM = 42.0
_CT_WINDOW_HU = (-120.0, 220.0)
_GREYS = 30
_DASH_PX = 6.0
_DASH_GAP_PX = 5.0
_LETTERS = (("R", "L"), ("A", "P"), ("F", "H"))


@dataclass(frozen=True, slots=True)
class _View:
    """A square window on one slice: where an index (row, column) falls on the picture."""

    slice_index: int
    top: float
    left: float
    row_px: float
    column_px: float

    def place(self, row: float, column: float) -> Point:
        """Return (x, y) in picture pixels; index 0 is the centre of the first voxel."""
        return (column - self.left) * self.column_px, (row - self.top) * self.row_px


def draw_overlay(
    volume: Volume,
    mask: NDArray[np.bool_],
    viable: NDArray[np.bool_] | None,
    caliper: Caliper | None,
    *,
    second: Caliper | None = None,
    native: Volume | None = None,
    title: Sequence[str] = (),
    label: str = "",
    words: str | None = None,
    least_side_mm: float = _LEAST_SIDE_MM,
) -> bytes | None:
    """Draw the slice of a caliper around its lesion, with mask, viable part and calipers.

    Parameters
    ----------
    volume : Volume
        The image that was measured.
    mask, viable : (z, y, x) bool arrays
        The whole lesion (blue) and its viable part (orange), on the volume's grid.
    caliper
        None where nothing is viable: the slice with most of the lesion is shown with 0 mm.
    second
        A caliper of the same slice, drawn dashed: the axis across the first or, for a node, the
        long axis. One of another slice is not drawn.
    native
        The phase without contrast as it was compared, on the grid of ``volume``: the same slice of
        it is drawn below, in the same greys, so that what enhances is seen beside what was bright
        before.
    title : words such as subject, lesion, timepoint
        Ids only: a report may leave the house.
    label : str
        What is measured, put before the length.
    words : str, optional
        What is written below instead of lengths.
    least_side_mm : float
        The picture is at least so wide, however small the lesion.

    Returns
    -------
    bytes or None
        A PNG without any metadata, equal for equal input; None where the mask holds no voxel
        and there is no caliper, so that nothing can be shown.
    """
    if caliper is None and not mask.any():
        return None
    if caliper is None or (second is not None and second.slice_index != caliper.slice_index):
        second = None
    calipers = [one for one in (caliper, second) if one is not None]
    view = _view(volume.geometry, mask, calipers, least_side_mm)
    window = _window(volume, mask, view)
    picture = _outlined(
        volume, window, view, ((mask, WHOLE_COLOUR, 13), (viable, VIABLE_COLOUR, 4))
    )
    if second is not None:
        _draw_caliper(picture, second, view, dashed=True)
    if caliper is not None:
        _draw_caliper(picture, caliper, view)
    _draw_scale_and_letters(picture, volume.geometry, view)
    below = _lengths(caliper, second, label) if words is None else words
    framed = _framed(picture, view, below, title)
    if native is not None:
        # thin lines: what was bright before contrast must not hide under them
        lines = ((mask, WHOLE_COLOUR, 4), (viable, VIABLE_COLOUR, 3))
        framed = _stacked(framed, _outlined(native, window, view, lines))
    return _png(framed)


def _outlined(
    volume: Volume,
    window: tuple[float, float],
    view: _View,
    lines: Sequence[tuple[NDArray[np.bool_] | None, Colour, int]],
) -> Image.Image:
    """Draw a slice with outlines: the whole lesion's is wider, to be seen below the other."""
    picture = _slice_picture(volume, window, view).convert("RGB")
    for region, colour, width in lines:
        if region is not None:
            _draw_lines(picture, _contours(region[view.slice_index], view), colour, width=width)
    return picture


def _stacked(framed: Image.Image, native: Image.Image) -> Image.Image:
    """Put the native phase below a picture."""
    stacked = Image.new("RGB", (_SIDE, framed.height + _SIDE))
    stacked.paste(framed, (0, 0))
    stacked.paste(native, (0, framed.height))
    _write(ImageDraw.Draw(stacked), (5, framed.height + 10), "native phase", anchor="lm")
    return stacked


def _view(
    geometry: VolumeGeometry,
    mask: NDArray[np.bool_],
    calipers: Sequence[Caliper],
    least_side_mm: float,
) -> _View:
    """Choose slice and window: the calipers' slice, the lesion with a margin."""
    areas = mask.sum(axis=(1, 2))
    index = int(calipers[0].slice_index) if calipers else int(areas.argmax())
    rows, columns = (axis.astype(float) for axis in np.nonzero(mask[index]))
    for caliper in calipers:
        rows = np.append(rows, [end[1] for end in caliper.ends_index])
        columns = np.append(columns, [end[2] for end in caliper.ends_index])
    _, row_mm, column_mm = geometry.spacing_mm
    height, width = np.ptp(rows) * row_mm, np.ptp(columns) * column_mm
    side_mm = max(float(max(height, width)) + 2 * _MARGIN_MM, least_side_mm)
    row_px, column_px = _SIDE / side_mm * row_mm, _SIDE / side_mm * column_mm
    middle_row = (rows.min() + rows.max()) / 2
    middle_column = (columns.min() + columns.max()) / 2
    return _View(
        index,
        top=float(middle_row - _SIDE / 2 / row_px),
        left=float(middle_column - _SIDE / 2 / column_px),
        row_px=row_px,
        column_px=column_px,
    )


def _slice_picture(volume: Volume, window: tuple[float, float], view: _View) -> Image.Image:
    """Return the grey slice inside the window, black outside the image."""
    low, high = window
    plane = volume.array[view.slice_index].astype(np.float32)
    grey = np.clip((plane - low) / max(high - low, 1e-6), 0, 1) * 255
    # Pillow counts from the corner of the first pixel, indices from its centre
    matrix = (1 / view.column_px, 0, view.left + 0.5, 0, 1 / view.row_px, view.top + 0.5)
    drawn = Image.fromarray(np.nan_to_num(grey).astype(np.uint8)).transform(
        (_SIDE, _SIDE), Image.Transform.AFFINE, matrix, Image.Resampling.BICUBIC
    )
    step = 255 / (_GREYS - 1)
    levels = np.round(np.round(np.arange(256) / step) * step).astype(int).tolist()
    return drawn.point(levels)


def _window(volume: Volume, mask: NDArray[np.bool_], view: _View) -> tuple[float, float]:
    """Return the grey window: fixed for liver in HU, robust limits around the lesion else."""
    if volume.unit == "HU":
        return _CT_WINDOW_HU
    rows, columns = np.nonzero(mask.any(axis=0))
    plane = volume.array[view.slice_index]
    if rows.size:
        reach = 20
        plane = plane[
            max(rows.min() - reach, 0) : rows.max() + reach,
            max(columns.min() - reach, 0) : columns.max() + reach,
        ]
    low, high = np.nanpercentile(plane, (1, 99.5))
    return float(low), float(high)


def _contours(region: NDArray[np.bool_], view: _View) -> list[list[Point]]:
    """Return the outlines of a region of one slice in picture pixels."""
    rows, columns = np.nonzero(region)
    if not rows.size:
        return []
    top, left = int(rows.min()), int(columns.min())
    # a rim of background closes outlines at the border of the image
    cut = np.pad(region[top : rows.max() + 1, left : columns.max() + 1], 1)
    lines = find_contours(cut.astype(np.float32), 0.5)
    return [
        [view.place(row + top - 1, column + left - 1) for row, column in line] for line in lines
    ]


def _draw_lines(
    picture: Image.Image, lines: list[list[Point]], colour: Colour, *, width: int
) -> None:
    """Draw smooth lines: on a finer grid, averaged down; width in thirds of a pixel."""
    fine = Image.new("L", (_SIDE * _FINER, _SIDE * _FINER))
    pen = ImageDraw.Draw(fine)
    for line in lines:
        pen.line([(x * _FINER, y * _FINER) for x, y in line], fill=255, width=width)
    picture.paste(colour, mask=fine.reduce(_FINER))


def _draw_caliper(
    picture: Image.Image, caliper: Caliper, view: _View, *, dashed: bool = False
) -> None:
    """Draw the caliper with a short bar across each end, white on a dark rim."""
    one, two = (np.array(view.place(end[1], end[2])) for end in caliper.ends_index)
    along = two - one
    length = max(float(np.hypot(*along)), 1e-6)
    across = np.array([-along[1], along[0]]) / length * 6.0
    strokes = _dashes(one, two, length) if dashed else [(one, two)]
    lines = [*strokes, (one - across, one + across), (two - across, two + across)]
    points = [[(float(a[0]), float(a[1])), (float(b[0]), float(b[1]))] for a, b in lines]
    _draw_lines(picture, points, (0, 0, 0), width=9)
    _draw_lines(picture, points, CALIPER_COLOUR, width=4)


def _dashes(
    one: NDArray[np.float64], two: NDArray[np.float64], length: float
) -> list[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Return the dashes of a line, a whole number of them from end to end."""
    number = max(2, round((length + _DASH_GAP_PX) / (_DASH_PX + _DASH_GAP_PX)))
    step = (two - one) * (length + _DASH_GAP_PX) / length / number
    dash = step * _DASH_PX / (_DASH_PX + _DASH_GAP_PX)
    return [(one + step * i, one + step * i + dash) for i in range(number)]


def _draw_scale_and_letters(picture: Image.Image, geometry: VolumeGeometry, view: _View) -> None:
    """Draw a bar of 10 mm, the slice's position, and the patient's directions at the edges."""
    pen = ImageDraw.Draw(picture)
    middle, far = _SIDE // 2, _SIDE - 8
    down, right = geometry.affine[:3, 1], geometry.affine[:3, 2]
    spots = (
        ((middle, 8), -down),
        ((middle, far), down),
        ((8, middle), -right),
        ((far, middle), right),
    )
    for spot, direction in spots:
        _write(pen, spot, _letter(direction), anchor="mm")
    length = view.column_px / geometry.spacing_mm[2] * 10
    bottom = _SIDE - 8
    pen.line([(8, bottom), (8 + length, bottom)], fill=(0, 0, 0), width=5)
    pen.line([(9, bottom), (7 + length, bottom)], fill=(255, 255, 255), width=2)
    _write(pen, (8, bottom - 10), "10 mm", anchor="lm")
    _write(pen, (far, bottom - 1), _position(geometry, view), anchor="rm")


def _position(geometry: VolumeGeometry, view: _View) -> str:
    """Return where the slice lies, along the patient's axis that it is most nearly across."""
    axis = int(np.abs(geometry.affine[:3, 0]).argmax())
    middle = (view.top + _SIDE / 2 / view.row_px, view.left + _SIDE / 2 / view.column_px)
    place = geometry.index_to_patient((view.slice_index, *middle))
    return f"{'xyz'[axis]} {float(np.ravel(place)[axis]):.1f} mm"


def _letter(direction: NDArray[np.float64]) -> str:
    """Return where a direction in LPS points: R or L, A or P, F(eet) or H(ead)."""
    axis = int(np.abs(direction).argmax())
    return _LETTERS[axis][int(direction[axis] > 0)]


def _lengths(caliper: Caliper | None, second: Caliper | None, label: str) -> str:
    """Write the lengths, the measured one first, the dashed one second."""
    if caliper is None:
        return "0 mm: nothing viable"
    found = [one.length_mm for one in (caliper, second) if one is not None]
    return f"{label} {' x '.join(f'{length:.1f}' for length in found)} mm".strip()


def _framed(picture: Image.Image, view: _View, words: str, title: Sequence[str]) -> Image.Image:
    """Put the title above, lengths and slice (counted from 0, as in the tables) below."""
    framed = Image.new("RGB", (_SIDE, _SIDE + 2 * _STRIP))
    framed.paste(picture, (0, _STRIP))
    pen = ImageDraw.Draw(framed)
    _write(pen, (5, _STRIP // 2), _fitting(pen, " · ".join(title)), anchor="lm")
    base = _SIDE + _STRIP + _STRIP // 2
    _write(pen, (5, base), words, anchor="lm")
    _write(pen, (_SIDE - 5, base), f"slice {view.slice_index}", anchor="rm")
    return framed


def _fitting(pen: ImageDraw.ImageDraw, text: str) -> str:
    """Shorten a title to the width of the picture; its end tells visits apart, so keep that."""
    shown = text
    while len(text) > 1 and pen.textlength(shown, font=_font()) > _SIDE - 10:
        text = text[1:]
        shown = "…" + text
    return shown


def _write(pen: ImageDraw.ImageDraw, spot: tuple[float, float], text: str, *, anchor: str) -> None:
    """Write white text with a thin dark rim."""
    pen.text(
        spot, text, fill=(255, 255, 255), font=_font(), anchor=anchor,
        stroke_width=1, stroke_fill=(0, 0, 0),
    )  # fmt: skip


def _font() -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Return Pillow's own font: the same on every machine."""
    return ImageFont.load_default(11)


@cache
def _palette() -> Image.Image:
    """Return the palette of all pictures: greys, and both contours blended into some of them."""
    greys = [round(level * 255 / (_GREYS - 1)) for level in range(_GREYS)]
    colours = [(grey, grey, grey) for grey in greys]
    under: list[Colour] = [(grey, grey, grey) for grey in (0, 70, 130, 190)]
    for colour in (WHOLE_COLOUR, VIABLE_COLOUR):
        for share in (0.35, 0.7):
            colours += [_blend(colour, low, share) for low in under]
        colours.append(colour)
    colours += [_blend(VIABLE_COLOUR, WHOLE_COLOUR, share) for share in (0.35, 0.7)]
    image = Image.new("P", (1, 1))
    image.putpalette([value for colour in colours for value in colour])
    return image


def _blend(top: Colour, under: Colour, share: float) -> Colour:
    """Return a colour laid over another one."""
    red, green, blue = (round(share * a + (1 - share) * b) for a, b in zip(top, under, strict=True))
    return red, green, blue


def _png(picture: Image.Image) -> bytes:
    """Return the picture as a small PNG with a palette."""
    out = io.BytesIO()
    few = picture.quantize(palette=_palette(), dither=Image.Dither.NONE)
    few.save(out, "PNG", compress_level=6)
    return out.getvalue()
