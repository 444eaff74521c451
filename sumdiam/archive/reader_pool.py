"""Headers read in processes of their own: a crash or hang there refuses one file, not the scan."""

from __future__ import annotations

import contextlib
import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from queue import Queue

from sumdiam.archive.damage import RefusedFile
from sumdiam.archive.file_reading import FileReading, read_file
from sumdiam.archive.folder import ArchiveError, FoundFile
from sumdiam.archive.reader import READY

CHUNK = 64
_AHEAD = 4
"""So many chunks per process are under way: their headers are all that waits in memory."""
_COMMAND = (sys.executable, "-m", "sumdiam.archive.reader")


@dataclass(frozen=True, slots=True)
class ReadingLimits:
    """How long reading may take before the process is ended.

    Parameters
    ----------
    file_seconds, chunk_seconds : float
        For one file alone, and for a chunk of files, which is read file by file if it takes longer.
    """

    file_seconds: float = 30.0
    chunk_seconds: float = 60.0


def read_files(
    files: Sequence[FoundFile], workers: int = 0, limits: ReadingLimits | None = None
) -> Iterator[tuple[FoundFile, FileReading]]:
    """Return what each file is, in the order given.

    Parameters
    ----------
    files : sequence of FoundFile
    workers : int
        Processes; 0 reads in this one, which a hostile file can then end.
    limits : ReadingLimits, optional

    Raises
    ------
    ArchiveError
        If no process can be started.
    """
    if workers == 0 or not files:
        for file in files:
            yield file, read_file(file)
        return
    chunks = [files[at : at + CHUNK] for at in range(0, len(files), CHUNK)]
    count = min(workers, len(chunks))
    free: Queue[_Reader] = Queue()
    readers = [_Reader(limits or ReadingLimits()) for _ in range(count)]
    for reader in readers:
        free.put(reader)

    def read(chunk: Sequence[FoundFile]) -> list[FileReading]:
        reader = free.get()
        try:
            return reader.read(chunk)
        finally:
            free.put(reader)

    with _ended(readers), ThreadPoolExecutor(count, "headers") as pool:
        try:
            under_way: list[Future[list[FileReading]]] = []
            for at, chunk in enumerate(chunks):
                while len(under_way) < len(chunks) and len(under_way) - at < _AHEAD * count:
                    under_way.append(pool.submit(read, chunks[len(under_way)]))
                yield from zip(chunk, under_way[at].result(), strict=True)
                under_way[at] = Future()  # its headers are with the caller now
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            for reader in readers:
                reader.end()
            raise


@contextlib.contextmanager
def _ended(readers: Sequence[_Reader]) -> Iterator[None]:
    """End the processes with the block."""
    try:
        yield
    finally:
        for reader in readers:
            reader.end()


@dataclass(slots=True)
class _Reader:
    """One process that reads headers, started when it is needed and again when it has died."""

    limits: ReadingLimits
    process: subprocess.Popen[bytes] | None = None
    ended: bool = False
    late: threading.Event = field(default_factory=threading.Event)

    def read(self, chunk: Sequence[FoundFile]) -> list[FileReading]:
        """Return what the files of a chunk are; one that the process dies of is refused."""
        answer = self._ask(chunk, self.limits.chunk_seconds)
        if answer is not None:
            return answer
        return [self._read_alone(file) for file in chunk]

    def _read_alone(self, file: FoundFile) -> FileReading:
        """Return what a file is, or that reading it ends the process."""
        answer = self._ask([file], self.limits.file_seconds)
        if answer is not None:
            return answer[0]
        seconds = f"no answer in {self.limits.file_seconds:g} s"
        detail = seconds if self.late.is_set() else "the process ended"
        refused = RefusedFile(file.name, file.path, "reading_stopped", detail)
        return FileReading(refused=refused)

    def _ask(self, files: Sequence[FoundFile], seconds: float) -> list[FileReading] | None:
        """Return the answer of the process; None where it has died or was ended."""
        process = self._started()
        self.late.clear()
        timer = threading.Timer(seconds, self._end_late)
        timer.start()
        try:
            if process.stdin is None or process.stdout is None:
                return None
            pickle.dump(list(files), process.stdin)
            process.stdin.flush()
            answer: list[FileReading] = pickle.load(process.stdout)  # noqa: S301 - our own process
        except (OSError, EOFError, pickle.UnpicklingError, ValueError):
            self._kill()
            return None
        finally:
            timer.cancel()
        return answer

    def _started(self) -> subprocess.Popen[bytes]:
        """Return the process."""
        if self.ended:
            msg = "reading was stopped"
            raise ArchiveError(msg)
        if self.process is None:
            path = os.pathsep.join(part for part in sys.path if part)
            calm = {"PYTHONPATH": path, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
            try:
                process = subprocess.Popen(  # noqa: S603 - our own module
                    _COMMAND,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    env=os.environ | calm,
                )
                ready = process.stdout.read(len(READY)) if process.stdout else b""
            except OSError as error:
                msg = f"no process can be started to read headers ({error.strerror})."
                raise ArchiveError(msg) from None
            self.process = process
            if ready != READY:  # else every file would be taken for one that ends the process
                msg = "the process that reads headers ends at once. Run `sumdiam doctor`."
                raise ArchiveError(msg)
        return self.process

    def _end_late(self) -> None:
        """End a process that takes too long."""
        self.late.set()
        if self.process is not None:
            self.process.kill()

    def _kill(self) -> None:
        """End the process and close its pipes."""
        process, self.process = self.process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()

    def end(self) -> None:
        """End the process for good."""
        self.ended = True
        self._kill()
