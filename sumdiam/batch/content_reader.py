"""The process that decodes compressed slices for the content of a volume: it may die of them."""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
import sys
from pathlib import Path

from imaging.organ_sample import medians_in_image
from imaging.phase_content import OrganMedians
from imaging.reason import ReasonedError
from imaging.series import ImageSeries

MEMORY_BYTES = 2 << 30
"""What decoding may take beyond what the process takes to start: a few slices, and libraries."""


def read_content(series: ImageSeries) -> OrganMedians | str | None:
    """Return the medians found in a volume, None where no organ is plainly there.

    A volume that cannot be read gives the reason in words: it is refused when it is measured.
    """
    try:
        return medians_in_image(series)
    except ReasonedError as error:
        return f"{error.reason_code}, {error.detail}"


def main() -> None:
    """Answer volumes with what is in them, until the input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the process that drives it ends it
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints must not stand between the answers
    _limit_memory()
    while True:
        try:
            series = pickle.load(sys.stdin.buffer)  # noqa: S301 - from the process that started it
        except EOFError:
            return
        pickle.dump(read_content(series), answers)
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
