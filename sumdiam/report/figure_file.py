"""Figures as files in every format; a second process encodes some while the page is made."""

from __future__ import annotations

import ctypes
import gc
import multiprocessing
import os
import pickle
import signal
import stat
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import IO, Final, Self, TypeAlias

from stats.plots import Drawing, encode
from stats.plots.style import Format
from sumdiam.export.table_file import csv_bytes, written_whole

BESIDE: Final[tuple[Format, ...]] = ("png", "pdf")
"""The formats that the page itself does not need."""
LONGEST_S: Final = 60.0
"""So long, in all, helpers are waited for: some seconds are usual."""
END_WITH_PARENT: Final = 1
"""PR_SET_PDEATHSIG of prctl(2)."""
STANDARD: Final = (0, 1, 2)

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
        until = time.monotonic() + LONGEST_S
        found: Encoded = {}
        for drawings, helper in self._handed:
            found |= _answer(helper, until) or encode_beside(drawings)
        return found


@dataclass(frozen=True, slots=True)
class _Helper:
    """A process, and the file that holds its answer once it has ended."""

    process: BaseProcess
    answer: IO[bytes]


def _start(drawings: Mapping[str, Drawing]) -> _Helper | None:
    """Start a helper; none where it would be of no use, or cannot be.

    A copy of this process has the figures already and needs no imports. It touches nothing but
    them and a file without a name, and waits for nobody: where a lock of another thread holds it
    up, it is not waited for for long; where its parent dies, it is ended.
    """
    if not drawings or not sys.platform.startswith("linux") or len(os.sched_getaffinity(0)) < 2:
        return None
    if multiprocessing.current_process().daemon:  # which may have no children
        return None
    answer = None
    try:
        answer = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the helper
        process = multiprocessing.get_context("fork").Process(
            target=_help, args=(drawings, answer, os.getpid()), daemon=True
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of copying a process with threads
            process.start()
    except OSError:  # no memory, no room for another process or for a file
        if answer is not None:
            answer.close()
        return None
    return _Helper(process, answer)


def _help(drawings: Mapping[str, Drawing], answer: IO[bytes], parent: int) -> None:
    """Encode figures into a file; say nothing of an error, which the parent meets itself."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        ctypes.CDLL(None).prctl(END_WITH_PARENT, signal.SIGKILL)
        if os.getppid() != parent:  # which died before that was said
            os._exit(1)
        _let_go(keep=answer.fileno())
        pickle.dump(encode_beside(drawings), answer)
        answer.flush()
    except Exception:  # noqa: BLE001 - whatever it is, the parent does the work again and tells
        os._exit(1)
    os._exit(0)  # nothing of the parent's is to be tidied up here


def _let_go(*, keep: int) -> None:
    """Close the files that a copy has open for writing: the lock of a run ends with the run."""
    import fcntl

    nowhere = os.open(os.devnull, os.O_RDWR)
    for standard in STANDARD:
        os.dup2(nowhere, standard)
    for path in sorted(Path("/proc/self/fd").iterdir()):
        number = int(path.name)
        if number in STANDARD or number == keep:
            continue
        try:
            if not stat.S_ISREG(os.fstat(number).st_mode):
                continue
            way = fcntl.fcntl(number, fcntl.F_GETFL) & os.O_ACCMODE
        except OSError:  # that of the list itself, closed by now
            continue
        if way != os.O_RDONLY:
            os.close(number)


def _answer(helper: _Helper | None, until: float) -> Encoded | None:
    """Return what the helper has encoded; nothing where it gave no answer in time."""
    if helper is None:
        return None
    helper.process.join(max(0.0, until - time.monotonic()))
    if helper.process.exitcode != 0:
        return None
    helper.answer.seek(0)
    found: Encoded = pickle.load(helper.answer)  # noqa: S301 - written by our own copy
    return found


@uncollected()
def encode_beside(drawings: Mapping[str, Drawing]) -> Encoded:
    """Return the figures in the formats that the page does not need."""
    return {
        (name, form): encode(drawing.figure, form)
        for name, drawing in drawings.items()
        for form in BESIDE
    }
