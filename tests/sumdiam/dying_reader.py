"""Reading of headers that ends its process at files named die*, and hangs in those named hang*."""

import os
import signal
import time
from collections.abc import Iterable

from sumdiam.archive.file_reading import FileReading, read_file
from sumdiam.archive.folder import FoundFile


def read_all(files: Iterable[FoundFile]) -> list[FileReading]:
    return [read(found) for found in files]


def read(found: FoundFile) -> FileReading:
    name = found.name.rpartition("/")[2]
    if name.startswith("die"):
        os.kill(os.getpid(), signal.SIGSEGV)
    if name.startswith("hang"):
        time.sleep(600)
    return read_file(found)
