"""Ctrl-C at a moment that bears it: never while worker processes start or end."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker
from types import FrameType


@contextmanager
def interrupts_held() -> Iterator[None]:
    """Let an interrupt wait until the block is over, and raise it then.

    Threads and processes that are started in the block never see an interrupt.

    Raises
    ------
    KeyboardInterrupt
        At the end of the block, if one came meanwhile.

    Notes
    -----
    A terminal sends SIGINT to every process of the run. A worker that starts, or a cluster half
    made, answers with tracebacks of its own; the run is ended by the process that drives it.
    """
    # only the main thread is interrupted, and not where the caller wants interrupts to be ignored
    main = threading.current_thread() is threading.main_thread()
    if not main or signal.getsignal(signal.SIGINT) in (signal.SIG_IGN, None):
        yield
        return
    seen: list[int] = []

    def note(number: int, _frame: FrameType | None) -> None:
        seen.append(number)

    before = signal.signal(signal.SIGINT, note)
    try:
        with _inherited_mask():
            yield
    finally:
        signal.signal(signal.SIGINT, before)
    if seen:
        raise KeyboardInterrupt


@contextmanager
def _inherited_mask() -> Iterator[None]:
    """Block SIGINT in this thread, and so in every thread and process that comes of it."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    # Starting its first process, multiprocessing starts a tracker too, and then unblocks SIGINT in
    # the thread that did so, whatever it was before (CPython 3.11): so let it run already.
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
