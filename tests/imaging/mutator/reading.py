"""The readings of a folder, each in a process of its own that may die and is timed and weighed."""

from __future__ import annotations

import contextlib
import multiprocessing
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from imaging.header import HeaderError, read_header
from imaging.series import SeriesError, group_series, load_volume
from imaging.volume import Volume

LONGEST_S = 30.0
MOST_BYTES = 1 << 30


@dataclass(frozen=True, eq=False)
class Reading:
    """What `imaging` made of a folder: volumes with the file of each slice, and what it said."""

    volumes: list[tuple[Volume, tuple[str, ...]]] = field(default_factory=list)
    said: set[str] = field(default_factory=set)
    seconds: float = 0.0
    peak_bytes: int = 0


def load(folder: Path) -> Reading:
    """Read a folder as an archive is read, and weigh it."""
    _forget_peaks()
    start = time.perf_counter()
    headers, damaged, said = [], [], set()
    for path in sorted(folder.iterdir()):
        try:
            headers.append(read_header(path))
        except HeaderError as error:
            damaged.append(error.file)
            said.add(error.reason_code)
    found = group_series(headers, damaged_files=damaged)
    volumes = []
    for series in found.series:
        try:
            volume = load_volume(series)
        except SeriesError as error:
            said.add(error.reason_code)
        else:
            volumes.append((volume, tuple(Path(h.file).name for h in series.headers)))
    said |= {item.reason_code for item in (*found.refused, *found.left_out)}
    return Reading(volumes, said, time.perf_counter() - start, _peak_bytes())


def _processes() -> list[psutil.Process]:
    """Return this process and the decoders it has started."""
    me = psutil.Process()
    return [me, *me.children(recursive=True)]


def _forget_peaks() -> None:
    """Let the kernel count the peak of memory anew."""
    for process in _processes():
        with contextlib.suppress(OSError):
            Path(f"/proc/{process.pid}/clear_refs").write_text("5", encoding="ascii")


def _peak_bytes() -> int:
    """Return the peak of resident memory since then, of this process and its decoders together."""
    total = 0
    for process in _processes():
        with contextlib.suppress(OSError, psutil.Error):
            status = Path(f"/proc/{process.pid}/status")
            if status.exists():
                lines = status.read_text(encoding="ascii").splitlines()
                total += sum(int(line.split()[1]) << 10 for line in lines if "VmHWM" in line)
            else:
                total += process.memory_info().rss
    return total


class Apart:
    """A process that runs one function after another, and is replaced where it dies or hangs."""

    def __init__(self) -> None:
        self._pool = self._start()

    @staticmethod
    def _start() -> ProcessPoolExecutor:
        """Start a process that shares nothing with this one."""
        return ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"))

    def run(self, function: Callable[[Path], Any], folder: Path) -> Any:
        """Return what a function makes of a folder, or in words how its process ended."""
        future = self._pool.submit(function, folder)
        try:
            return future.result(timeout=2 * LONGEST_S)
        except BrokenProcessPool:
            how = "crash"
        except TimeoutError:
            how = "hang"
        except Exception as error:  # noqa: BLE001 - what must never be raised is the finding
            return f"raised {type(error).__name__}: {error}"
        self.end()
        self._pool = self._start()
        return how

    def end(self) -> None:
        """End the process."""
        for process in list((self._pool._processes or {}).values()):
            with contextlib.suppress(psutil.Error):
                for child in psutil.Process(process.pid).children(recursive=True):
                    child.kill()
            process.kill()
        self._pool.shutdown(wait=True, cancel_futures=True)
