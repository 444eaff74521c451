"""The process that reads headers: it may die of a file, hang in it, or ask for too much memory."""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
import sys
from pathlib import Path

from sumdiam.archive.file_reading import read_file

READY = b"ready"
"""What the process says once it can read."""
MEMORY_BYTES = 1 << 30
"""What reading may take beyond what the process takes to start."""


def main() -> None:
    """Answer lists of files with lists of what they are, until the input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the process that drives it ends it
    source = sys.stdin.buffer
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints must not stand between the answers
    _limit_memory()
    answers.write(READY)
    answers.flush()
    while True:
        try:
            files = pickle.load(source)  # noqa: S301 - from the process that started this one
        except EOFError:
            return
        pickle.dump([read_file(file) for file in files], answers)
        answers.flush()


def _limit_memory() -> None:
    """Cap the memory of this process, where the system can."""
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource

        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
        most = pages * resource.getpagesize() + MEMORY_BYTES
        resource.setrlimit(resource.RLIMIT_AS, (most, most))


if __name__ == "__main__":
    main()
