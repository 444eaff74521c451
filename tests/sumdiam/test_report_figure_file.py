"""Figures encoded by a second process are the same to the byte, whatever becomes of it."""

import multiprocessing
import os
import signal
import subprocess
import sys

import pandas as pd
import pytest

from stats.plots import draw_waterfall, encode
from sumdiam.report import figure_file
from sumdiam.report.figure_file import BESIDE, SecondProcess, write_figures
from sumdiam.store.lock import run_lock

two = pytest.mark.skipif(
    not sys.platform.startswith("linux") or len(os.sched_getaffinity(0)) < 2,
    reason="a second process needs Linux and a second processor",
)
DYING = """
import os, signal, sys, time
import pandas as pd
from pathlib import Path
from stats.plots import draw_waterfall
from sumdiam.report.figure_file import SecondProcess
from sumdiam.store.lock import run_lock

bars = pd.DataFrame({"id": [str(i) for i in range(150)], "value": 1.0, "category": "PR"})
drawing = draw_waterfall(bars, palette={"PR": "#56B4E9"}, x_label="", y_label="%")
with run_lock(Path(sys.argv[1])), SecondProcess() as second:
    for name in ("first", "second"):
        second.take({f"{name} {i}": drawing for i in range(9)})
    time.sleep(float(sys.argv[2]))
    os.kill(os.getpid(), signal.SIGKILL)
"""


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


@two
def test_a_second_process_gives_the_same_bytes(drawings, alone):
    with SecondProcess() as second:
        for name, drawing in drawings.items():
            second.take({name: drawing})
        assert len(multiprocessing.active_children()) == len(drawings)
        assert second.encoded() == alone
    assert multiprocessing.active_children() == []


@two
def test_a_second_process_that_dies_is_done_without(drawings, alone):
    with SecondProcess() as second:
        second.take(drawings)
        [helper] = multiprocessing.active_children()
        helper.kill()
        assert second.encoded() == alone


def test_one_processor_gives_the_same_bytes(drawings, alone, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0}, raising=False)
    with SecondProcess() as second:
        second.take(drawings)
        assert multiprocessing.active_children() == []
        assert second.encoded() == alone


@two
def test_where_no_process_can_be_made_it_is_done_without(drawings, alone, monkeypatch):
    def refused():
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(os, "fork", refused)
    with SecondProcess() as second:
        second.take(drawings)
        assert second.encoded() == alone


@two
def test_a_second_process_that_stands_still_is_not_waited_for(drawings, alone, monkeypatch):
    monkeypatch.setattr(figure_file, "LONGEST_S", 0.5)
    with SecondProcess() as second:
        second.take(drawings)
        [helper] = multiprocessing.active_children()
        os.kill(helper.pid, signal.SIGSTOP)
        assert second.encoded() == alone
    assert multiprocessing.active_children() == []


@two
@pytest.mark.parametrize("after_s", ["0", "0.5"])
def test_the_lock_of_a_run_that_is_killed_is_free_at_once(tmp_path, after_s):
    call = [sys.executable, "-c", DYING, str(tmp_path / "run"), after_s]
    done = subprocess.run(call, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr  # and its output has ended
    with run_lock(tmp_path / "run"):
        pass


@two
def test_an_error_in_it_is_met_here(drawings):
    title = drawings["first"].figure.text(0.5, 0.5, "$\\frac{1$")  # no formula
    assert title.get_visible()
    with SecondProcess() as second:
        second.take(drawings)
        with pytest.raises(ValueError, match="frac"):
            second.encoded()
    assert multiprocessing.active_children() == []


@two
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
