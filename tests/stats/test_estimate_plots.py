"""Forest, cumulative incidence, Bland-Altman and Sankey: what they show and what they refuse."""

import math

import numpy as np
import pandas as pd
import pytest

from stats.bland_altman import bland_altman
from stats.cumulative_incidence import cumulative_incidence
from stats.plots import (
    ForestHeads,
    ForestRow,
    PlotError,
    draw_bland_altman,
    draw_cumulative_incidence,
    draw_forest,
    draw_hazard_forest,
    draw_response_forest,
    draw_sankey,
    encode,
)
from stats.regression import cox
from stats.response_factor import response_by_factor
from stats.survival import kaplan_meier

from .golden import golden

CHILD_PUGH = pd.DataFrame({"child_pugh": ["B"] * 12 + ["A"] * 165})
RESPONDED = pd.Series([True] + [False] * 11 + [True] * 75 + [False] * 90)


def texts(figure):
    from matplotlib.text import Text

    return [t.get_text() for t in figure.findobj(Text) if t.get_text()]


# ---------------------------------------------------------------------------------- forest


def test_the_forest_of_responses_prints_the_papers_child_pugh_row():
    drawn = draw_response_forest(response_by_factor(RESPONDED, CHILD_PUGH))
    words = texts(drawn.figure)
    # 1/12 and 75/165, Fisher .0139: statistics.md; limits by R's binom.test
    assert {"1/12", "75/165", "8.3 (0.2\N{EN DASH}38.5)", "0.014 (Fisher exact)"} <= set(words)
    assert drawn.plotted.events.tolist() == [76, 75, 1]
    assert drawn.plotted.p_value[1] == pytest.approx(0.0139, abs=5e-5)
    assert "Objective response rate (%)" in words


def test_the_forest_of_hazards_shows_r_s_ratios():
    rows, of_r = golden("data_soramic"), golden("soramic")
    names = ["arm", "child_pugh_b", "hepatitis_c"]
    fits = [cox(rows.PFS_days, rows.PFS_event, rows[[name]]) for name in names]
    drawn = draw_hazard_forest(fits, name=str.title)
    for column, what in (("estimate", "ratio"), ("lower", "lower"), ("upper", "upper")):
        for name, shown in zip(names, drawn.plotted[column], strict=True):
            mine = (of_r.what == f"hazard {what}") & (of_r.endpoint == "PFS") & (of_r.by == name)
            assert shown == pytest.approx(of_r[mine].value.item(), rel=1e-6)
    assert {"Arm: sorafenib vs combination", "1.45 (1.05\N{EN DASH}1.99)", "p (Wald)"} <= set(
        texts(drawn.figure)
    )
    assert drawn.figure.axes[1].get_xscale() == "log"


def test_a_factor_of_two_levels_shows_the_events_of_both_and_its_words():
    days, event = [3, 5, 8, 9, 12, 14, 2, 6], [1, 1, 0, 1, 1, 1, 1, 0]
    had = pd.DataFrame({"ascites": ["true", "false"] * 4, "age": range(50, 58)})
    words = {"true": "yes", "false": "no"}
    shown = texts(draw_hazard_forest([cox(days, event, had)], level=words.get).figure)
    # by hand: of rows 1, 3, 5, 7 three had an event, of the others three
    assert {"ascites: yes vs no", "3/4 vs 3/4", "6/8"} <= set(shown)


def test_a_factor_of_three_levels_shows_its_reference_and_an_infinite_ratio_says_so():
    days = [3, 5, 8, 9, 12, 14, 2, 6, 7, 11, 13, 15]
    event = [1, 1, 0, 1, 1, 1, 1, 0, 1, 0, 0, 0]
    stage = pd.DataFrame({"stage": list("AABBAABBAACC")})
    drawn = draw_hazard_forest([cox(days, event, stage)])
    words = texts(drawn.figure)
    assert {"stage", "A", "B", "C", "reference", "no estimate"} <= set(words)
    infinite = drawn.plotted[drawn.plotted.level == "C"]
    assert infinite.estimate.isna().all()
    assert (infinite.events == 0).all()


def test_the_caption_says_which_model_rests_on_few_events():
    # by hand: 7 events are enough for the one term of inr (5), not for the two of stage (10)
    days, event = list(range(1, 13)), [1, 1, 0, 1, 1, 0, 1, 1, 0, 1, 0, 0]
    both = pd.DataFrame({"inr": [1.1, 1.0, 1.4, 1.2, 1.3, 1.0, 1.5, 1.1, 0.9, 1.2, 1.0, 1.3],
                         "stage": list("ABCABCABCABC")})  # fmt: skip
    alone = [cox(days, event, both[[name]]) for name in both]
    told = draw_hazard_forest(alone, name=str.upper).caption
    assert "STAGE: 7 events for 2 terms, fewer than 5 each: fragile." in told
    assert "INR:" not in told
    together = draw_hazard_forest([cox(days, event, both)]).caption
    assert " 7 events for 3 terms, fewer than 5 each: fragile." in together


def test_limits_beyond_the_axis_end_in_an_arrow_and_the_point_stays_inside():
    row = ForestRow("x", (), (), estimate=3.0, lower=0.001, upper=900.0)
    drawn = draw_forest(
        [row], heads=ForestHeads("what", (), ()), x_label="HR", scale="log", line=1.0
    )
    axes = drawn.figure.axes[1]
    assert {line.get_marker() for line in axes.lines} >= {"<", ">", "s"}
    low, high = axes.get_xlim()
    assert low > 0.04
    assert high < 22
    assert "arrow at the edge" in drawn.caption


def marks(drawn):
    """What stands on the plot: marker and place, in order of the axis."""
    found = []
    for line in drawn.figure.axes[1].lines:
        if line.get_linestyle() == "None":
            found += [(line.get_marker(), float(x)) for x in line.get_xdata()]
    return sorted(found, key=lambda one: one[1])


@pytest.mark.parametrize(
    ("estimate", "lower", "upper", "expected"),
    [
        # the axis goes from 1/20 to 20: by hand, which mark stands at which edge or value
        (0.01, 0.0, 3.81, [("<", "low"), ("<", "low"), ("|", 3.81)]),
        (90.0, 0.4, 9000.0, [("|", 0.4), (">", "high"), (">", "high")]),
        (0.01, 0.001, 0.02, [("<", "low"), ("<", "low")]),  # no cap: both limits are beyond
        (90.0, 30.0, np.inf, [(">", "high"), (">", "high")]),
        (3.0, 0.5, 9.0, [("|", 0.5), ("s", 3.0), ("|", 9.0)]),
    ],
)
def test_an_estimate_beyond_the_axis_is_an_arrow_and_no_square(estimate, lower, upper, expected):
    row = ForestRow("x", (), (), estimate=estimate, lower=lower, upper=upper)
    drawn = draw_forest(
        [row], heads=ForestHeads("what", (), ()), x_label="HR", scale="log", line=1.0
    )
    edge = dict(zip(("low", "high"), drawn.figure.axes[1].get_xlim(), strict=True))
    assert marks(drawn) == [(mark, pytest.approx(edge.get(at, at))) for mark, at in expected]
    assert ("no square" in drawn.caption) is any(mark in "<>" for mark, _ in expected)


def test_a_forest_without_estimates_or_with_words_too_many_is_refused():
    heads = ForestHeads("what", ("n",), ())
    more = {"heads": heads, "x_label": "", "scale": "log", "line": 1.0}
    with pytest.raises(PlotError, match="nothing to draw"):
        draw_forest([ForestRow("x", ("1",), ())], **more)
    with pytest.raises(PlotError, match="row 'x' has not as many words"):
        draw_forest([ForestRow("x", (), (), estimate=1.0)], **more)


def test_no_words_of_a_forest_run_into_the_next_column():
    drawn = draw_response_forest(
        response_by_factor(RESPONDED, CHILD_PUGH.rename(columns={"child_pugh": "long " * 12}))
    )
    drawn.figure.draw_without_rendering()
    table = drawn.figure.axes[0]
    boxes = [t.get_window_extent() for t in table.texts if t.get_text()]
    for i, one in enumerate(boxes):
        for other in boxes[i + 1 :]:
            apart = one.x1 < other.x0 or other.x1 < one.x0
            assert apart or one.y1 <= other.y0 + 1 or other.y1 <= one.y0 + 1


# ------------------------------------------------------------------- cumulative incidence

DAYS = np.array([30, 60, 60, 90, 150, 200, 210, 300, 310, 400])
CAUSE = np.array([1, 2, 1, 0, 1, 2, 0, 1, 0, 0])


def incidences(causes=(1, 2)):
    words = {1: "Progression", 2: "Death"}
    return {words[c]: {"": cumulative_incidence(DAYS, CAUSE, of_cause=c)} for c in causes}


def drawn_incidence(**more):
    free = {"": kaplan_meier(DAYS, CAUSE > 0)}
    return draw_cumulative_incidence(
        more.pop("curves", incidences()), free, x_label="Months", days_per_unit=30.0, **more
    )


def test_incidences_are_drawn_with_the_numbers_still_at_risk():
    drawn = drawn_incidence(notes={"Progression": "Gray's test p = 0.5"})
    words = texts(drawn.figure)
    assert {"Progression\nGray's test p = 0.5", "Death", "Cumulative incidence (%)"} <= set(words)
    first = drawn.plotted[drawn.plotted.event == "Progression"]
    # by hand: 1/10, then 1/10 + 9/10 * 1/9, then the share free 7/10 * 1/6 more
    assert first.incidence.iloc[:2].tolist() == pytest.approx([0.1, 0.2])
    assert "progression 4, death 2 of 10" in drawn.caption
    risk = [t.get_text() for t in drawn.figure.axes[1].texts]
    assert risk[:4] == ["At risk", "All", "10", "9"]  # at two months, just before the two of day 60


def test_a_curve_ends_where_its_own_group_was_last_seen():
    far = {"a": kaplan_meier(DAYS, CAUSE > 0), "b": kaplan_meier(DAYS / 2, CAUSE > 0)}
    curves = {
        w: {
            "a": cumulative_incidence(DAYS, CAUSE, of_cause=c),
            "b": cumulative_incidence(DAYS / 2, CAUSE, of_cause=c),
        }
        for c, w in ((1, "one"), (2, "two"))
    }
    drawn = draw_cumulative_incidence(curves, far, x_label="Days", days_per_unit=1.0)
    ends = [float(line.get_xdata()[-1]) for line in drawn.figure.axes[0].lines]
    assert ends == [400.0, 200.0]


def test_a_group_without_events_is_a_line_at_zero():
    free = {"": kaplan_meier(DAYS, np.zeros(10))}
    nobody = {"one": {"": cumulative_incidence(DAYS, np.zeros(10, dtype=int), of_cause=1)}}
    drawn = draw_cumulative_incidence(nobody, free, x_label="Days", days_per_unit=1.0)
    (line,) = drawn.figure.axes[0].lines
    assert [list(map(float, v)) for v in line.get_data()] == [[0.0, 400.0], [0.0, 0.0]]


def test_incidences_that_leave_out_a_competing_event_are_refused():
    with pytest.raises(PlotError, match="do not add up to one"):
        drawn_incidence(curves=incidences(causes=(1,)))


def test_nobody_to_draw_is_refused():
    with pytest.raises(PlotError, match="no subject"):
        draw_cumulative_incidence({}, {}, x_label="", days_per_unit=1.0)


# -------------------------------------------------------------------------- Bland-Altman

READ = pd.DataFrame(
    {"auto": [10.0, 22.0, 31.0, 40.5, 52.0], "person": [11.0, 20.0, 33, 40, np.nan]}
)


def test_bland_altman_draws_bias_and_limits_of_the_complete_readings():
    drawn = draw_bland_altman(READ, bland_altman(READ), what="diameter", unit="mm")
    gaps = np.array([-1.0, 2.0, -2.0, 0.5])  # by hand
    points = drawn.plotted[drawn.plotted.kind == "point"]
    assert points.difference.tolist() == gaps.tolist()
    lines = drawn.plotted[drawn.plotted.kind != "point"].set_index("kind").difference
    sd = math.sqrt(((gaps - gaps.mean()) ** 2).sum() / 3)
    assert lines["bias"] == pytest.approx(-0.125)
    assert lines["upper limit"] == pytest.approx(-0.125 + 1.959964 * sd, rel=1e-6)
    assert "1 incomplete are left out" in drawn.caption
    assert "Mean of auto and person: diameter (mm)" in texts(drawn.figure)


def test_limits_of_other_readings_than_the_drawn_ones_are_refused():
    with pytest.raises(PlotError, match="not of these readings"):
        draw_bland_altman(READ, bland_altman(READ.assign(auto=READ.auto + 1)), what="", unit="mm")
    few = READ.iloc[:2]
    with pytest.raises(PlotError, match="fewer than three complete readings"):
        draw_bland_altman(few, bland_altman(few), what="", unit="mm")


def test_readings_without_any_difference_are_drawn_on_the_zero_line():
    same = pd.DataFrame({"a": [1.0, 2.0, 3.0], "b": [1.0, 2.0, 3.0]})
    drawn = draw_bland_altman(same, bland_altman(same), what="length", unit="mm")
    assert drawn.plotted.difference.tolist() == [0.0] * 6


# -------------------------------------------------------------------------------- Sankey

STATES = pd.DataFrame(
    [
        ("a", 1, "SD"),
        ("b", 1, "SD"),
        ("c", 1, "PD"),
        ("a", 2, "PR"),
        ("b", 2, "PD"),
        ("c", 2, "PD"),
    ],
    columns=["id", "visit", "category"],
)
PALETTE = {"PR": "#6BAED6", "SD": "#BDBDBD", "PD": "#D55E00"}


def test_a_sankey_counts_who_passes_where():
    drawn = draw_sankey(STATES, palette=PALETTE, x_label="Visit")
    flows = {(r.visit, r.category, r.next_category): r.n for r in drawn.plotted.itertuples()}
    assert flows == {
        (1, "SD", "PR"): 1, (1, "SD", "PD"): 1, (1, "PD", "PD"): 1,
        (2, "PR", ""): 1, (2, "PD", ""): 2,
    }  # fmt: skip
    assert "(n = 3)" in texts(drawn.figure)


def test_a_sankey_loses_and_invents_nobody():
    rng = np.random.default_rng(3)
    ids = [f"s{i}" for i in range(40)]
    rows = pd.DataFrame(
        [(i, v, rng.choice(list(PALETTE))) for i in ids for v in range(1, 5)],
        columns=["id", "visit", "category"],
    ).assign(group=lambda f: np.where(f.id < "s2", "A", "B"))
    flows = draw_sankey(rows, palette=PALETTE, x_label="Visit").plotted
    for (group, visit), part in flows.groupby(["group", "visit"]):
        counted = rows[(rows.group == group) & (rows.visit == visit)].category.value_counts()
        assert part.groupby("category").n.sum().to_dict() == counted.to_dict()


def test_a_sankey_without_a_state_for_everybody_at_every_visit_is_refused():
    with pytest.raises(PlotError, match="needs one state at each of the visits 1, 2"):
        draw_sankey(STATES.iloc[:-1], palette=PALETTE, x_label="Visit")
    with pytest.raises(PlotError, match="needs one state at each"):
        draw_sankey(pd.concat([STATES, STATES.iloc[:1]]), palette=PALETTE, x_label="Visit")
    with pytest.raises(PlotError, match="two visits"):
        draw_sankey(STATES[STATES.visit == 1], palette=PALETTE, x_label="Visit")
    with pytest.raises(PlotError, match="category PD has no colour"):
        draw_sankey(STATES, palette={"PR": "k", "SD": "k"}, x_label="Visit")


@pytest.mark.parametrize(
    "draw",
    [
        lambda: draw_response_forest(response_by_factor(RESPONDED, CHILD_PUGH)),
        drawn_incidence,
        lambda: draw_bland_altman(READ, bland_altman(READ), what="diameter", unit="mm"),
        lambda: draw_sankey(STATES, palette=PALETTE, x_label="Visit"),
    ],
)
@pytest.mark.parametrize("form", ["svg", "png", "pdf"])
def test_the_same_results_give_the_same_bytes(draw, form):
    assert encode(draw().figure, form) == encode(draw().figure, form)
