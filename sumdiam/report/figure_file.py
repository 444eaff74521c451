"""Figures as files in every format; a second process encodes some while the page is made."""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Final, Self, TypeAlias

from stats.plots import Drawing, encode
from stats.plots.style import Format
from sumdiam.export.table_file import csv_bytes, written_whole

BESIDE: Final[tuple[Format, ...]] = ("png", "pdf")
"""The formats that the page itself does not need."""
LONGEST_S: Final = 300.0
"""A helper that has not answered then is not waited for."""

Encoded: TypeAlias = dict[tuple[str, str], bytes]
"""File contents by figure and format."""


@contextmanager
def uncollected() -> Iterator[None]:
    """Put garbage collection off: figures are many objects that live until they are written.

    Python searches them all for cycles again and again meanwhile, a sixth of the time.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def write_figures(
    drawings: Mapping[str, Drawing], svgs: Mapping[str, bytes], others: Encoded, folder: Path
) -> None:
    """Write figures in every format, and the numbers that they show."""
    for name, drawing in drawings.items():
        files: dict[str, bytes] = {form: others[name, form] for form in BESIDE}
        files |= {"svg": svgs[name], "csv": csv_bytes(drawing.plotted)}
        for ending, content in files.items():
            with written_whole(folder / f"{name}.{ending}") as draft:
                draft.write_bytes(content)


class SecondProcess:
    """Encodes the figures handed to it in processes of their own, while this one goes on.

    Where there is no second processor, the system cannot copy a process, or a copy ends without
    an answer, they are encoded here when they are asked for: the bytes are the same. A context:
    no process is left behind it.
    """

    def __init__(self) -> None:
        self._handed: list[tuple[Mapping[str, Drawing], _Helper | None]] = []

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """End what still runs."""
        for _drawings, helper in self._handed:
            if helper is not None:
                helper.process.kill()
                helper.process.join()
                helper.answer.close()

    def take(self, drawings: Mapping[str, Drawing]) -> None:
        """Begin to encode figures, as they are now."""
        self._handed.append((drawings, _start(drawings)))

    def encoded(self) -> Encoded:
        """Return all figures that were handed in, in the formats that the page does not need."""
        found: Encoded = {}
        for drawings, helper in self._handed:
            found |= _answer(helper) or _encoded(drawings)
        return found


@dataclass(frozen=True, slots=True)
class _Helper:
    """A process, and where it answers."""

    process: BaseProcess
    answer: Connection


def _start(drawings: Mapping[str, Drawing]) -> _Helper | None:
    """Start a helper; none where it would be of no use.

    A copy of this process has the figures already and needs no imports. It touches nothing but
    them, and its answer is one message: a copy that a lock of another thread holds up, or that
    outlives its parent, does no harm.
    """
    if not drawings or not sys.platform.startswith("linux") or len(os.sched_getaffinity(0)) < 2:
        return None
    context = multiprocessing.get_context("fork")
    answer, told = context.Pipe(duplex=False)
    process = context.Process(target=_help, args=(drawings, told), daemon=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of copying a process with threads
        process.start()
    told.close()
    return _Helper(process, answer)


def _help(drawings: Mapping[str, Drawing], told: Connection) -> None:
    """Encode figures and send them; say nothing of an error, which the parent meets itself."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        told.send(_encoded(drawings))
    except Exception:  # noqa: BLE001 - whatever it is, the parent does the work again and tells
        os._exit(1)


def _answer(helper: _Helper | None) -> Encoded | None:
    """Return what the helper has encoded; nothing where it gave no answer."""
    if helper is None or not helper.answer.poll(LONGEST_S):
        return None
    try:
        found: Encoded = helper.answer.recv()
    except (EOFError, OSError):
        return None
    return found


@uncollected()
def _encoded(drawings: Mapping[str, Drawing]) -> Encoded:
    """Return the figures in the formats that the page does not need."""
    return {
        (name, form): encode(drawing.figure, form)
        for name, drawing in drawings.items()
        for form in BESIDE
    }
