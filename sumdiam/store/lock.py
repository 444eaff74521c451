"""One run at a time on one folder."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO


class RunLockedError(OSError):
    """Another run is at work on the same folder."""


class RunFolderError(OSError):
    """The folder of a run cannot be made or written to."""


@contextmanager
def run_lock(folder: Path) -> Iterator[None]:
    """Hold the folder for this process while the block runs.

    The operating system holds the lock, not the file: it is gone with the process, however that
    ended, so a run that was killed never blocks the next one. The file stays, and says who held
    it last.

    Raises
    ------
    RunLockedError
        If another living process holds the folder.
    RunFolderError
        If it is a file, or cannot be written to.
    """
    with _opened(folder) as file:
        if not _try_lock(file):
            file.seek(0)
            holder = file.read().strip() or "unknown"
            msg = (
                f"{folder}: another run (process {holder}) is at work here. Wait until it ends, "
                "or stop it; what it has finished is kept."
            )
            raise RunLockedError(msg)
        file.seek(0)
        file.truncate()
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield


def _opened(folder: Path) -> IO[str]:
    """Make the folder and open its lock file."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return (folder / "run.lock").open("a+", encoding="ascii")
    except OSError as error:
        msg = (
            f"--out {folder}: cannot be used as a folder ({error.strerror}). Name a folder that is "
            "new, empty or an earlier run's, where you may write."
        )
        raise RunFolderError(msg) from None


if sys.platform == "win32":  # pragma: no cover
    import msvcrt

    def _try_lock(file: IO[str]) -> bool:
        """Lock one byte of a file that holds none, or return False at once."""
        file.seek(1 << 30)
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _try_lock(file: IO[str]) -> bool:
        """Lock a file, or return False at once."""
        try:
            fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True
