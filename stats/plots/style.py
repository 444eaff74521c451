"""One look for all figures, and bytes that do not change from run to run."""

from __future__ import annotations

import io
import re
import struct
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, Literal

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from stats.group import names_in_order
from stats.plots.pdf_font import letters_cut_once

Format = Literal["svg", "png", "pdf"]

GROUP_COLOURS: Final = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00")
"""Okabe and Ito's colours, told apart with any colour vision; see also `GROUP_DASHES`."""

GROUP_DASHES: Final = ("-", (0, (5, 2)), (0, (1.5, 1.5)), (0, (6, 2, 1.5, 2)), "-", "-")
"""Lines are told apart in a black and white print too."""

INK: Final = "#222222"
FAINT: Final = "#8a8a8a"

STYLE: Final[Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 9.0,
    "axes.titlesize": 10.0,
    "axes.labelsize": 9.0,
    "axes.edgecolor": INK,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "text.color": INK,
    "axes.labelcolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
    "legend.fontsize": 8.5,
    "legend.frameon": False,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "svg.fonttype": "path",
    "svg.hashsalt": "sumdiam",
    "pdf.fonttype": 42,
    "path.simplify": False,
    "axes.unicode_minus": True,
    "text.hinting": "none",
}


PNG_EFFORT: Final = 3
"""Of zlib: half the time of its default 6, for files that are a sixth larger."""
PNG_UNFILTERED: Final = 0
"""Flat areas and letters are packed best as they are; trying filters takes most of the time."""
PNG_HEADER: Final = 33
"""Bytes of the signature and of the first chunk, IHDR."""

TIME_STEPS: Final = (1, 2, 3, 6, 12, 24, 36, 60, 120)


class PlotError(ValueError):
    """A figure cannot be drawn from what was handed in."""


@dataclass(frozen=True, slots=True)
class Drawing:
    """A figure, the numbers that it shows, and the sentence to print below it."""

    figure: Figure
    plotted: pd.DataFrame
    caption: str


@contextmanager
def styled() -> Iterator[None]:
    """Draw with the house style whatever the user's matplotlibrc says."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(STYLE)
        yield


def encode(figure: Figure, form: Format, *, dpi: int = 200) -> bytes:
    """Return the figure as a file's bytes, the same for the same figure: no date, no version.

    Parameters
    ----------
    form : {"svg", "png", "pdf"}
        In SVG the letters are paths, so that it looks alike without the font installed.
    """
    if form == "png":
        with styled():
            return _png(figure, dpi)
    nothing = {
        "svg": {"Date": None, "Creator": None},
        "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
    }[form]
    buffer = io.BytesIO()
    with styled(), letters_cut_once():
        figure.savefig(buffer, format=form, dpi=dpi, metadata=nothing)
    return buffer.getvalue()


def _png(figure: Figure, dpi: int) -> bytes:
    """Return the figure as PNG without transparency, which costs time and shows nothing."""
    import imagecodecs
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from PIL import Image

    before = figure.dpi, figure.canvas
    try:
        figure.set_dpi(dpi)
        canvas: Any = FigureCanvasAgg(figure)
        canvas.draw()
        size = canvas.get_width_height(physical=True)
        pixels = Image.frombuffer("RGBA", size, canvas.buffer_rgba(), "raw", "RGBA", 0, 1)
        content = imagecodecs.png_encode(
            np.asarray(pixels.convert("RGB")), level=PNG_EFFORT, filter=PNG_UNFILTERED
        )
    finally:
        figure.set_dpi(before[0])
        figure.set_canvas(before[1])
    return _with_resolution(bytes(content), dpi)


def _with_resolution(png: bytes, dpi: int) -> bytes:
    """Return a PNG that says how large it is to be printed: the chunk pHYs behind the header."""
    per_metre = round(dpi / 0.0254)
    chunk = b"pHYs" + struct.pack(">IIB", per_metre, per_metre, 1)
    whole = struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
    return png[:PNG_HEADER] + whole + png[PNG_HEADER:]


def inline_svg(figure: Figure | bytes, name: str, *, title: str) -> str:
    """Return the figure as an SVG element to stand in an HTML page beside others.

    Parameters
    ----------
    figure : Figure, or the bytes of its SVG
    name : str
        Put before every id, as ids must be unique in a page.
    title : str
        Read out by screen readers.
    """
    content = figure if isinstance(figure, bytes) else encode(figure, "svg")
    text = content.decode("utf-8")
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>\s*", "", text, flags=re.DOTALL)
    text = re.sub(r"<!--.*?-->\s*", "", text, flags=re.DOTALL)
    text = re.sub(r'\bid="', f'id="{name}-', text)
    text = re.sub(r'href="#', f'href="#{name}-', text)
    text = text.replace("url(#", f"url(#{name}-")
    text = re.sub(r"(\d\.\d{3})\d+", r"\1", text)  # a thousandth of a point is enough
    label = title.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
    head = re.match(r"<svg[^>]*>", text)
    if head is None:
        msg = "matplotlib wrote no svg element"
        raise PlotError(msg)
    opening = head.group(0)[:-1] + f' role="img" aria-label="{label}">'
    return opening + f"<title>{label}</title>" + text[head.end() :].rstrip()


def need_columns(frame: pd.DataFrame, columns: Sequence[str], *, what: str) -> None:
    """Refuse a table that lacks a column."""
    missing = [name for name in columns if name not in frame]
    if missing:
        msg = f"{what}: column {', '.join(missing)} is missing; it needs {', '.join(columns)}."
        raise PlotError(msg)


def check_colours(known: pd.DataFrame, palette: Mapping[str, str]) -> None:
    """Refuse a category without a colour.

    Raises
    ------
    PlotError
        Naming it.
    """
    unknown = sorted(set(known["category"].astype(str)) - set(palette))
    if unknown:
        msg = f"category {', '.join(unknown)} has no colour in the palette."
        raise PlotError(msg)


def used_marks(known: pd.DataFrame) -> set[str]:
    """Return the words of the column ``mark`` that occur."""
    return set(known["mark"].dropna().astype(str)) if "mark" in known else set()


def group_names(frame: pd.DataFrame) -> list[str]:
    """Return the names of the groups in order; a table without groups is one without a name.

    Ordered categories keep their order, text is sorted.
    """
    if "group" not in frame or not frame["group"].notna().any():
        return [""]
    return list(names_in_order(frame["group"]))


def of_group(frame: pd.DataFrame, group: str) -> pd.DataFrame:
    """Return the rows of one group."""
    return frame if group == "" else frame[frame["group"].astype(str) == group]


def light_grid(axes: Axes) -> None:
    """Draw faint horizontal lines behind the data."""
    axes.grid(visible=True, axis="y", color="#e3e3e3", linewidth=0.6)
    axes.set_axisbelow(True)


def signed(percent: float) -> str:
    """Write a percentage with its sign, a true minus."""
    return f"{percent:+g} %".replace("-", "\N{MINUS SIGN}")


def tick_step(span: float, steps: Sequence[float], *, at_most: int = 9) -> float:
    """Return the smallest of the steps that gives no more than so many ticks over the span."""
    for step in steps:
        if span / step <= at_most:
            return step
    return steps[-1] * max(1, round(span / steps[-1] / at_most + 0.5))


def time_ticks(longest: float, *, at_most: int = 9) -> NDArray[np.float64]:
    """Return the ticks of a time axis from 0 to the first one at or beyond the longest time."""
    step = tick_step(max(longest, 1e-9), TIME_STEPS, at_most=at_most)
    ticks = np.arange(0, max(longest, step) + step, step, dtype=np.float64)
    return ticks[: int(np.searchsorted(ticks, max(longest, step))) + 1]
