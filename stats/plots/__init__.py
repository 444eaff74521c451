"""Figures drawn from results only (matplotlib, deterministic)."""

from stats.plots.agreement import draw_bland_altman
from stats.plots.flow import FlowBalanceError, FlowBox, check_flow, draw_flow
from stats.plots.forest import ForestHeads, ForestRow, draw_forest
from stats.plots.forest_row import draw_hazard_forest, draw_response_forest
from stats.plots.incidence import draw_cumulative_incidence
from stats.plots.kaplan_meier import draw_kaplan_meier
from stats.plots.sankey import draw_sankey
from stats.plots.spider import draw_spider
from stats.plots.style import Drawing, PlotError, encode, inline_svg
from stats.plots.swimmer import Mark, draw_swimmer
from stats.plots.waterfall import draw_waterfall

__all__ = [
    "Drawing",
    "FlowBalanceError",
    "FlowBox",
    "ForestHeads",
    "ForestRow",
    "Mark",
    "PlotError",
    "check_flow",
    "draw_bland_altman",
    "draw_cumulative_incidence",
    "draw_flow",
    "draw_forest",
    "draw_hazard_forest",
    "draw_kaplan_meier",
    "draw_response_forest",
    "draw_sankey",
    "draw_spider",
    "draw_swimmer",
    "draw_waterfall",
    "encode",
    "inline_svg",
]
