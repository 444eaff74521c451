"""The process that reads headers, made to die of files named die* and to hang in those named hang*."""

import os
import signal
import time

from sumdiam.archive import reader
from sumdiam.archive.file_reading import FileReading, read_file
from sumdiam.archive.folder import FoundFile


def read(found: FoundFile) -> FileReading:
    name = found.name.rpartition("/")[2]
    if name.startswith("die"):
        os.kill(os.getpid(), signal.SIGKILL)
    if name.startswith("hang"):
        time.sleep(600)
    return read_file(found)


reader.read_file = read
reader.main()
