"""How long each step takes, in time that passes and in time of a processor.

What is measured here goes into `times.json`, the ledger and the page of a simulated trial; never
into tables, `run.json` or `report.html`, which are the same to the byte on every machine.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path

OTHER = "other"
"""The name of time that passes in no step."""


@dataclass(frozen=True, slots=True)
class Spent:
    """Seconds that passed, and seconds of a processor (of ended child processes too)."""

    wall_s: float = 0.0
    cpu_s: float = 0.0

    def __add__(self, more: Spent) -> Spent:
        """Return both together."""
        return Spent(self.wall_s + more.wall_s, self.cpu_s + more.cpu_s)


class StepClock:
    """Steps of one piece of work; a step within another counts for the inner one alone.

    Attributes
    ----------
    steps : name to what was spent, in the order in which they were first entered
    """

    def __init__(self) -> None:
        self.steps: dict[str, Spent] = {}
        self._inside: list[str] = []
        self._since = _now()

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Count what passes in the block for this step."""
        self.lap()
        self._inside.append(name)
        self.steps.setdefault(name, Spent())
        try:
            yield
        finally:
            self.lap()
            self._inside.pop()

    def lap(self) -> None:
        """Count what has passed since the last time for the step at hand."""
        now = _now()
        name = self._inside[-1] if self._inside else OTHER
        spent = Spent(now.wall_s - self._since.wall_s, now.cpu_s - self._since.cpu_s)
        self.steps[name] = self.steps.get(name, Spent()) + spent
        self._since = now

    def whole(self) -> Spent:
        """Return all that was spent so far."""
        self.lap()
        return sum(self.steps.values(), Spent())


_AT_WORK: ContextVar[StepClock | None] = ContextVar("clock", default=None)


@contextmanager
def clocked() -> Iterator[StepClock]:
    """Hand out a clock that `step` counts on within the block."""
    clock = StepClock()
    token = _AT_WORK.set(clock)
    try:
        yield clock
    finally:
        clock.lap()
        _AT_WORK.reset(token)


@contextmanager
def step(name: str) -> Iterator[None]:
    """Count the block for a step of the work at hand; of no work, count nothing."""
    clock = _AT_WORK.get()
    if clock is None:
        yield
        return
    with clock.step(name):
        yield


def peak_memory_mb() -> float | None:
    """Return the most memory that this process has held so far; None where nobody tells.

    Notes
    -----
    Resident memory, shared libraries included. Linux tells it in the status of the process:
    `getrusage` would count what the parent held when it was forked, as that outlives the call of
    another program (getrusage(2): ru_maxrss; fs/exec.c). macOS counts in bytes.
    """
    status = Path("/proc/self/status")
    if status.is_file():
        for line in status.read_text(encoding="utf-8").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024 / 1e6
    try:
        import resource
    except ImportError:  # Windows
        return None
    largest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return largest / 1e6 if sys.platform == "darwin" else largest * 1024 / 1e6


def _now() -> Spent:
    """Return both clocks."""
    ended = os.times()
    cpu_s = time.process_time() + ended.children_user + ended.children_system
    return Spent(time.monotonic(), cpu_s)
