"""Figures: what they show, what they refuse, and that their bytes do not change."""

import re
import xml.etree.ElementTree as ET

import numpy as np
import pandas as pd
import pytest

from stats.plots import (
    FlowBalanceError,
    FlowBox,
    Mark,
    PlotError,
    check_flow,
    draw_flow,
    draw_kaplan_meier,
    draw_spider,
    draw_swimmer,
    draw_waterfall,
    encode,
    inline_svg,
)
from stats.survival import kaplan_meier

from .golden import data_of

PALETTE = {"good": "#0072B2", "bad": "#D55E00"}
BARS = pd.DataFrame(
    {
        "id": ["s1", "s2", "s3", "s4"],
        "value": [-40.0, 130.0, np.nan, 0.0],
        "category": ["good", "bad", "good", "good"],
        "group": ["A", "A", "B", "B"],
    }
)
LINES = pd.DataFrame(
    {
        "id": ["s1", "s1", "s1", "s2", "s2"],
        "x": [0.0, 2.0, 4.0, 0.0, 2.5],
        "value": [0.0, -20.0, np.nan, 0.0, 140.0],
        "category": ["good"] * 3 + ["bad"] * 2,
        "mark": [None, "new", None, None, None],
    }
)
SEGMENTS = pd.DataFrame(
    {
        "id": ["s1", "s1", "s2"],
        "start": [0, 2, 0],
        "end": [2, 5, 9],
        "category": ["good", "bad", "good"],
    }
)
MARKS = pd.DataFrame({"id": ["s1"], "at": [5.0], "mark": ["death"]})
SYMBOLS = {"death": Mark("X", "#222222")}
BOXES = (
    FlowBox("all", "Subjects", 10),
    FlowBox("out", "Left out", 2, "all", side=True, reasons=(("no scan", 1), ("no date", 1))),
    FlowBox("in", "Measured", 8, "all"),
    FlowBox("a", "Arm A", 5, "in"),
    FlowBox("b", "Arm B", 3, "in"),
)


def words(**more):
    return {"palette": PALETTE, "y_label": "Change (%)", "x_label": "Subject", **more}


def survival():
    lung = data_of("lung")
    return draw_kaplan_meier(
        {
            str(g): kaplan_meier(rows.days, rows.event)
            for g, rows in lung.groupby("group", sort=True)
        },
        y_label="Survival (%)",
        x_label="Months",
        unit="months",
        days_per_unit=30.4375,
        note="p = .001",
    )


def swimmer(segments=SEGMENTS, marks=MARKS):
    return draw_swimmer(
        segments, marks, palette=PALETTE, symbols=SYMBOLS, x_label="Months", y_label="Subject"
    )


DRAWINGS = {
    "kaplan_meier": survival,
    "waterfall": lambda: draw_waterfall(BARS, lines=(-30, 20), **words()),
    "spider": lambda: draw_spider(LINES, marks={"new": "*"}, **words()),
    "swimmer": swimmer,
    "flow": lambda: draw_flow(BOXES),
}


def texts(figure):
    from matplotlib.text import Text

    return [t.get_text() for t in figure.findobj(Text) if t.get_text()]


@pytest.mark.parametrize("form", ["svg", "png", "pdf"])
@pytest.mark.parametrize("name", ["kaplan_meier", "flow"])
def test_the_same_numbers_give_the_same_bytes_without_date_or_version(name, form):
    one, two = encode(DRAWINGS[name]().figure, form), encode(DRAWINGS[name]().figure, form)
    assert one == two
    assert b"Matplotlib" not in one
    assert not re.search(rb"CreationDate|<dc:date>", one)


@pytest.mark.parametrize("name", DRAWINGS)
def test_a_figure_in_a_page_is_well_formed_with_ids_of_its_own(name):
    text = inline_svg(DRAWINGS[name]().figure, "fig-a", title='Curve of "A" & B')
    root = ET.fromstring(text)  # noqa: S314
    assert root.get("aria-label") == 'Curve of "A" & B'
    ids = {e.get("id") for e in root.iter() if e.get("id")}
    assert all(i.startswith("fig-a-") for i in ids)
    used = set(re.findall(r'href="#([^"]+)"', text)) | set(re.findall(r"url\(#([^)]+)\)", text))
    assert used <= ids
    assert "http" not in re.sub(r'xmlns(:\w+)?="[^"]+"', "", text)


def test_a_users_matplotlib_settings_change_nothing_and_are_kept():
    import matplotlib as mpl

    plain = encode(DRAWINGS["waterfall"]().figure, "svg")
    with mpl.rc_context({"font.size": 20, "axes.grid": True}):
        assert encode(DRAWINGS["waterfall"]().figure, "svg") == plain
        assert mpl.rcParams["font.size"] == 20


def test_the_curve_shows_medians_and_numbers_at_risk():
    drawing = survival()
    found = texts(drawing.figure)
    # survdiff's groups of lung: medians 270 (212-310) and 426 (348-550) days, 112 and 53 events
    assert "1: median 8.9 (7.0–10.2) months, 112/138 events" in found  # noqa: RUF001
    assert "2: median 14.0 (11.4–18.1) months, 53/90 events" in found  # noqa: RUF001
    assert {"138", "90"} <= set(found)
    assert "p = .001" in found
    assert len(drawing.plotted) == 206  # 119 times of men and 87 of women in R's survfit
    assert "log scale" in drawing.caption


def test_a_median_that_is_not_reached_is_said():
    drawing = draw_kaplan_meier(
        {"": kaplan_meier([5, 9, 10], [0, 0, 1]), "none": kaplan_meier([], [])},
        y_label="", x_label="", unit="days", days_per_unit=1,
    )  # fmt: skip
    # R's survfit: median 10, both limits NA
    assert "median 10.0 (n.e.–NR) days, 1/3 events" in texts(drawing.figure)  # noqa: RUF001
    lost = draw_kaplan_meier(
        {"": kaplan_meier([5, 9], [0, 0])}, y_label="", x_label="", unit="days", days_per_unit=1
    )
    assert "median not reached, 0/2 events" in texts(lost.figure)


def test_a_waterfall_sorts_counts_the_not_evaluable_and_writes_what_it_cuts_off():
    drawing = DRAWINGS["waterfall"]()
    assert drawing.plotted.id.tolist() == ["s2", "s1", "s4"]
    assert drawing.plotted.value.tolist() == [130.0, -40.0, 0.0]
    assert "1 not evaluable" in drawing.caption
    assert "+130" in texts(drawing.figure)
    assert "B (n = 1, 1 not evaluable)" in texts(drawing.figure)


def test_marks_stand_above_the_bars_of_a_waterfall_and_in_its_legend():
    data = BARS.assign(mark=[None, "new", None, None])
    symbols = {"new": "*", "other": "P"}
    figure = draw_waterfall(data, **words(), marks=symbols).figure
    stars = [
        line
        for axes in figure.axes
        for line in axes.lines
        if line.get_marker() == "*" and float(np.asarray(line.get_ydata())[0]) > 0
    ]
    assert len(stars) == 1
    assert "new" in texts(figure)
    assert "other" not in texts(figure)
    with pytest.raises(PlotError, match="no symbol"):
        draw_waterfall(data, **words(), marks={"other": "P"})


def test_a_spider_leaves_out_points_without_a_value_and_says_so():
    drawing = DRAWINGS["spider"]()
    assert len(drawing.plotted) == 4
    assert "Points without a value, left out: 1" in drawing.caption
    assert "triangles" in drawing.caption


def test_lanes_are_ordered_by_length():
    axes = swimmer().figure.axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["s2", "s1"]


def test_boxes_that_balance_are_drawn_and_empty_exits_are_not():
    shown = texts(draw_flow(BOXES).figure)
    assert any("10" in text for text in shown)
    assert any("no scan" in text for text in shown)
    nobody = (FlowBox("all", "Subjects", 8), FlowBox("out", "Left out", 0, "all", side=True),
              FlowBox("in", "Measured", 8, "all"))  # fmt: skip
    assert not any("Left" in text for text in texts(draw_flow(nobody).figure))


UNBALANCED = [
    (FlowBox("all", "Subjects", 10), FlowBox("in", "Measured", 9, "all")),  # one is lost
    (FlowBox("all", "Subjects", 3, reasons=(("no scan", 2),)),),  # one without a reason
    (FlowBox("in", "Measured", 3, "all"),),  # hangs in the air
    (FlowBox("all", "Subjects", 3), FlowBox("all", "Subjects", 3)),  # two of one name
]


@pytest.mark.parametrize("boxes", UNBALANCED)
def test_boxes_that_do_not_balance_are_refused(boxes):
    with pytest.raises(FlowBalanceError, match="flow: "):
        check_flow(boxes)


def test_nothing_to_draw_and_words_without_a_colour_are_refused():
    with pytest.raises(PlotError, match="no subject has a change"):
        draw_waterfall(BARS[BARS.value.isna()], **words())
    with pytest.raises(PlotError, match="no colour"):
        draw_waterfall(BARS.assign(category="odd"), **words())
    with pytest.raises(PlotError, match="column category is missing"):
        draw_waterfall(BARS.drop(columns="category"), **words())
    with pytest.raises(PlotError, match="no subject has a change over time"):
        draw_spider(LINES.assign(value=np.nan), **words())
    with pytest.raises(PlotError, match="no colour"):
        draw_spider(LINES.assign(category="odd"), **words())
    with pytest.raises(PlotError, match="no lane"):
        swimmer(SEGMENTS.head(0))
    with pytest.raises(PlotError, match="Check its dates"):
        swimmer(SEGMENTS.assign(end=-1))
    with pytest.raises(PlotError, match="no symbol"):
        swimmer(marks=MARKS.assign(mark="odd"))
    with pytest.raises(PlotError, match="at least one box"):
        draw_flow(())
    with pytest.raises(PlotError, match="no curve"):
        draw_kaplan_meier({}, y_label="", x_label="", unit="", days_per_unit=1)


def test_every_lane_of_every_group_is_drawn_below_its_name():
    grouped = SEGMENTS.assign(group=pd.Series(["A", "A", "B"], dtype="string"))
    axes = swimmer(grouped).figure.axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["s1", "s2"]
    assert np.isfinite(axes.get_yticks()).all()
    assert {"A (n = 1)", "B (n = 1)"} <= set(texts(axes.figure))


def test_panels_share_a_scale_that_holds_the_largest_growth_of_any_group():
    data = BARS.assign(value=[60.0, 55.0, -10.0, -20.0], group=["A", "A", "B", "B"])
    figure = draw_waterfall(data, **words()).figure
    assert {axes.get_ylim() for axes in figure.axes} == {(-104.0, 70.0)}


def test_nobody_followed_up_at_all_is_still_a_figure():
    curve = kaplan_meier([0, 0], [0, 0])
    drawn = draw_kaplan_meier({"": curve}, y_label="", x_label="", unit="days", days_per_unit=1)
    assert encode(drawn.figure, "svg")


def test_a_title_is_written_on_every_figure():
    kinds = {"palette": PALETTE, "y_label": "y", "x_label": "x", "title": "Trial"}
    figures = [
        draw_waterfall(BARS, **kinds),
        draw_spider(LINES, **kinds),
        draw_swimmer(SEGMENTS, MARKS, symbols=SYMBOLS, **kinds),
        draw_flow(BOXES, title="Trial"),
        draw_kaplan_meier(
            {"A": kaplan_meier([5], [1])}, y_label="y", x_label="x", unit="d", days_per_unit=1,
            title="Trial",
        ),
    ]  # fmt: skip
    for drawing in figures:
        assert "Trial" in texts(drawing.figure)


# ------------------------------------------------------------- nothing cut off, nothing overlaps

LONG = ("combination with selective internal radiation therapy followed by sorafenib",
        "sorafenib 400 mg twice daily until progression or unacceptable toxicity")  # fmt: skip


def long_names(frame):
    """The rows with long names of subjects and of two groups."""
    ids = {name: f"HOSPITAL-CLINIC-BARCELONA-{name}-000{i}" for i, name in enumerate(frame.id)}
    named = frame.assign(id=frame.id.map(ids))
    return named.assign(group=[LONG[i % 2] for i in range(len(named))])


def many_lanes(n, groups=("A", "B")):
    """As many subjects, each with a state before and after a response."""
    ids = [f"s{i:03}" for i in range(n)]
    segments = pd.DataFrame(
        [(name, a, a + 2 + i % 7, word, groups[i % len(groups)])
         for i, name in enumerate(ids) for a, word in ((0, "good"), (2 + i % 7, "bad"))],
        columns=["id", "start", "end", "category", "group"],
    )  # fmt: skip
    ends = pd.DataFrame({"id": ids, "at": [4.0 + 2 * (i % 7) for i in range(n)], "mark": "death"})
    return segments, ends


def letters(figure):
    """The boxes of all words, in pixels, with the words."""
    from matplotlib.text import Text

    figure.draw_without_rendering()
    shown = [t for t in figure.findobj(Text) if t.get_text().strip() and t.get_visible()]
    drawn = [t for t in shown if (t.figure is not None and t.axes is None) or t in _of_axes(t)]
    return [(t.get_text(), t.get_window_extent()) for t in drawn]


def _of_axes(text):
    """The words that an axes draws (tick labels that are switched off are not among them)."""
    axes = text.axes
    ticks = [
        tick.label1
        for axis in (axes.xaxis, axes.yaxis)
        for tick in axis.get_major_ticks()
        if tick.label1.get_visible()
    ]
    titles = [axes.title, axes._left_title, axes._right_title]
    return [*axes.texts, *titles, axes.xaxis.label, axes.yaxis.label, *ticks]


def crowded():
    bars = pd.DataFrame(
        {"id": [f"s{i}" for i in range(24)], "value": [60.0 - 6 * i for i in range(24)],
         "category": ["bad", "good"] * 12, "mark": ["progression by a new lesion", None] * 12}
    )  # fmt: skip
    lines = pd.concat([bars.assign(x=0.0, value=0.0, mark=None), bars.assign(x=3.0)])
    marks = {"progression by a new lesion": "*"}
    segments, ends = many_lanes(30, LONG)
    curves = {
        name: kaplan_meier(np.arange(1, 40) * (i + 20), np.ones(39)) for i, name in enumerate(LONG)
    }
    more = {"y_label": "Survival (%)", "x_label": "Months", "unit": "months"}
    return {
        "waterfall": draw_waterfall(long_names(bars), marks=marks, **words()),
        "spider": draw_spider(long_names(lines), marks=marks, **words()),
        "swimmer": swimmer(segments, ends),
        "wide swimmer": swimmer(*many_lanes(177, LONG)),
        "kaplan_meier": draw_kaplan_meier(
            curves, days_per_unit=30.4375, note=f"HR 1, {LONG[0]} vs {LONG[1]}", **more
        ),
    }


@pytest.mark.parametrize("name", ["waterfall", "spider", "swimmer", "wide swimmer", "kaplan_meier"])
def test_long_names_are_neither_cut_off_nor_run_into_each_other(name):
    figure = crowded()[name].figure
    boxes = letters(figure)
    width, height = figure.bbox.width, figure.bbox.height
    for text, box in boxes:
        assert box.x0 >= -1, text
        assert box.x1 <= width + 1, text
        assert box.y0 >= -1, text
        assert box.y1 <= height + 1, text
    for i, (text, one) in enumerate(boxes):
        for other_text, other in boxes[i + 1 :]:
            apart = one.x1 <= other.x0 + 1 or other.x1 <= one.x0 + 1
            assert apart or one.y1 <= other.y0 + 2 or other.y1 <= one.y0 + 2, (text, other_text)


def test_lanes_of_177_subjects_fit_a_page_group_beside_group():
    figure = swimmer(*many_lanes(177)).figure
    width, height = figure.get_size_inches()
    assert width <= 9.01
    assert height <= 10.5  # of a page of A4, which is 11.7 inches high
    assert len(figure.axes) == 2
    assert {"A (n = 89)", "B (n = 88)"} <= set(texts(figure))
    assert {axes.get_xlim() for axes in figure.axes} == {figure.axes[0].get_xlim()}


def test_lanes_of_columns_side_by_side_have_their_own_names():
    segments, ends = many_lanes(150, ("A", "B", "C"))
    panels = swimmer(segments, ends).figure.axes
    group = segments.drop_duplicates("id").set_index("id")["group"]
    for axes, name in zip(panels, "ABC", strict=True):
        shown = [label.get_text() for label in axes.get_yticklabels()]
        assert sorted(shown) == sorted(group[group == name].index)


def test_more_lanes_than_names_fit_go_without_names_and_say_so():
    drawn = swimmer(*many_lanes(200, ("A",)))
    assert drawn.figure.axes[0].get_yticks().size == 0
    assert "too many to name" in drawn.caption
    assert drawn.plotted.id.nunique() == 200


def test_letters_are_at_least_seven_points():
    from matplotlib.text import Text

    for drawing in crowded().values():
        sizes = [t.get_fontsize() for t in drawing.figure.findobj(Text) if t.get_text()]
        assert min(sizes) >= 7


def test_times_of_which_nothing_was_seen_are_thin():
    drawn = draw_swimmer(
        SEGMENTS, MARKS, palette=PALETTE, symbols=SYMBOLS, x_label="", y_label="", thin=("bad",)
    )
    heights = {
        tuple(c.get_facecolor()[0]): np.ptp(c.get_paths()[0].vertices[:, 1])
        for c in drawn.figure.axes[0].collections
    }
    thick, thin = sorted(heights.values(), reverse=True)
    assert thin < 0.5 * thick


# ---------------------------------------------------------------------- letters in PDF files, PNG


def test_a_png_is_opaque_of_the_size_asked_for_and_leaves_the_figure_as_it_was():
    import io

    from PIL import Image

    figure = DRAWINGS["waterfall"]().figure
    before = figure.dpi, figure.canvas, encode(figure, "svg")
    image = Image.open(io.BytesIO(encode(figure, "png", dpi=50)))
    assert image.mode == "RGB"
    assert image.size == tuple(int(50 * inches) for inches in figure.get_size_inches())
    assert image.info["dpi"] == pytest.approx((50, 50), abs=0.1)
    assert image.getpixel((0, 0)) == (255, 255, 255)
    assert (figure.dpi, figure.canvas, encode(figure, "svg")) == before


def named_bars(name):
    return draw_waterfall(BARS.assign(id=[name, "b", "c", "d"]), **words()).figure


def test_a_pdf_hangs_on_its_own_letters_not_on_what_was_written_before():
    first = encode(named_bars("plain"), "pdf")
    encode(named_bars("Łódź ≥ 5 µm"), "pdf")
    encode(DRAWINGS["flow"]().figure, "pdf")
    assert encode(named_bars("plain"), "pdf") == first


def test_letters_that_few_figures_use_are_in_the_pdf_too():
    from matplotlib.backends import backend_pdf

    cut = backend_pdf._backend_pdf_ps.get_glyphs_subset
    asked = []
    backend_pdf._backend_pdf_ps.get_glyphs_subset = lambda path, glyphs: (
        asked.append(frozenset(glyphs)) or cut(path, glyphs)
    )
    try:
        encode(named_bars("Łódź"), "pdf")
    finally:
        backend_pdf._backend_pdf_ps.get_glyphs_subset = cut
    # the letters of the name are beyond the plain ones: they are cut out of the font for this file
    from matplotlib.font_manager import findfont, get_font

    font = get_font(findfont("DejaVu Sans"))
    polish = {font.get_char_index(ord(letter)) for letter in "Łź"}
    assert any(polish <= glyphs for glyphs in asked)


def test_letters_cut_once_are_those_that_matplotlib_cuts():
    from matplotlib.backends import _backend_pdf_ps as shared
    from matplotlib.font_manager import FontPath, findfont

    from stats.plots.pdf_font import PLAIN, _glyphs, letters_cut_once

    path = FontPath(str(findfont("DejaVu Sans")), 0)
    glyphs = set(list(_glyphs(path, PLAIN))[::7])
    before = shared.get_glyphs_subset
    with letters_cut_once(), shared.get_glyphs_subset(path, glyphs) as kept:
        ours = outlines(shared.font_as_file(kept.font), kept.glyph_index_map, glyphs)
    assert shared.get_glyphs_subset is before
    with before(path, glyphs) as found:
        theirs = outlines(shared.font_as_file(found.font), found.glyph_index_map, glyphs)
    assert ours == theirs
    assert len(ours) > 10


def outlines(file, numbers, glyphs):
    """The outlines of glyphs in a font that was cut down, by their number in the whole font."""
    from matplotlib.ft2font import FT2Font, LoadFlags

    file.seek(0)
    font = FT2Font(file)
    found = {}
    for glyph in glyphs:
        one = font.load_glyph(numbers[glyph], flags=LoadFlags.NO_SCALE | LoadFlags.NO_HINTING)
        vertices, codes = font.get_path()
        found[glyph] = (one.horiAdvance, vertices.tobytes(), codes.tobytes())
    return found
