"""Figures encoded by a second process are the same to the byte, whatever becomes of it."""

import multiprocessing
import os
import sys

import pandas as pd
import pytest

from stats.plots import draw_waterfall, encode
from sumdiam.report.figure_file import BESIDE, SecondProcess, write_figures

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux") or len(os.sched_getaffinity(0)) < 2,
    reason="a second process needs Linux and a second processor",
)


@pytest.fixture
def drawings():
    bars = pd.DataFrame(
        {"id": ["a", "b", "c"], "value": [-40.0, 5.0, 30.0], "category": ["PR", "SD", "PD"]}
    )
    colours = {"PR": "#56B4E9", "SD": "#bbbbbb", "PD": "#D55E00"}
    return {
        name: draw_waterfall(
            bars.assign(id=bars["id"] + name), palette=colours, x_label="", y_label="%"
        )
        for name in ("first", "second")
    }


@pytest.fixture
def alone(drawings):
    """What one process gives, the vector graphics first as the page has them."""
    found = {}
    for name, drawing in drawings.items():
        encode(drawing.figure, "svg")
        found |= {(name, form): encode(drawing.figure, form) for form in BESIDE}
    return found


def test_a_second_process_gives_the_same_bytes(drawings, alone):
    with SecondProcess() as second:
        for name, drawing in drawings.items():
            second.take({name: drawing})
        assert len(multiprocessing.active_children()) == len(drawings)
        assert second.encoded() == alone
    assert multiprocessing.active_children() == []


def test_a_second_process_that_dies_is_done_without(drawings, alone):
    with SecondProcess() as second:
        second.take(drawings)
        [helper] = multiprocessing.active_children()
        helper.kill()
        assert second.encoded() == alone


def test_an_error_in_it_is_met_here(drawings):
    title = drawings["first"].figure.text(0.5, 0.5, "$\\frac{1$")  # no formula
    assert title.get_visible()
    with SecondProcess() as second:
        second.take(drawings)
        with pytest.raises(ValueError, match="frac"):
            second.encoded()
    assert multiprocessing.active_children() == []


def test_no_process_is_left_where_the_page_fails(drawings):
    def fail():
        with SecondProcess() as second:
            second.take(drawings)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert multiprocessing.active_children() == []


def test_every_format_is_written(drawings, tmp_path):
    svgs = {name: encode(drawing.figure, "svg") for name, drawing in drawings.items()}
    with SecondProcess() as second:
        second.take(drawings)
        write_figures(drawings, svgs, second.encoded(), tmp_path)
    starts = {"svg": b"<?xml", "png": b"\x89PNG", "pdf": b"%PDF", "csv": b"id,"}
    for name in drawings:
        for ending, start in starts.items():
            assert (tmp_path / f"{name}.{ending}").read_bytes().startswith(start)
    assert len(list(tmp_path.iterdir())) == len(drawings) * len(starts)
