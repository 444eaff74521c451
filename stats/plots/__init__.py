"""Figures drawn from results only (matplotlib, deterministic)."""

from stats.plots.flow import FlowBalanceError, FlowBox, check_flow, draw_flow
from stats.plots.kaplan_meier import draw_kaplan_meier
from stats.plots.spider import draw_spider
from stats.plots.style import Drawing, PlotError, encode, inline_svg
from stats.plots.swimmer import Mark, draw_swimmer
from stats.plots.waterfall import draw_waterfall

__all__ = [
    "Drawing",
    "FlowBalanceError",
    "FlowBox",
    "Mark",
    "PlotError",
    "check_flow",
    "draw_flow",
    "draw_kaplan_meier",
    "draw_spider",
    "draw_swimmer",
    "draw_waterfall",
    "encode",
    "inline_svg",
]
