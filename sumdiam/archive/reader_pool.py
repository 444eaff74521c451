"""Headers read in processes of their own: a crash or hang there refuses one file, not the scan."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from queue import Queue

from imaging.capped_process import COMMAND, CapError, CappedProcess, Caps, ChildStartError
from sumdiam.archive.damage import RefusedFile
from sumdiam.archive.file_reading import FileReading, read_all, read_file
from sumdiam.archive.folder import ArchiveError, FoundFile

CHUNK = 64
_AHEAD = 4
"""So many chunks per process are under way: their headers are all that waits in memory."""
_COMMAND = COMMAND
MEMORY_BYTES = 1 << 30
"""What reading a chunk may take beyond what the process takes by then."""


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
    process: CappedProcess | None = None
    ended: bool = False

    def read(self, chunk: Sequence[FoundFile]) -> list[FileReading]:
        """Return what the files of a chunk are; one that the process dies of is refused."""
        try:
            return self._ask(chunk, self.limits.chunk_seconds)
        except CapError:
            return [self._read_alone(file) for file in chunk]

    def _read_alone(self, file: FoundFile) -> FileReading:
        """Return what a file is, or that reading it ends the process."""
        try:
            return self._ask([file], self.limits.file_seconds)[0]
        except CapError as error:
            refused = RefusedFile(file.name, file.path, "reading_stopped", error.detail)
            return FileReading(refused=refused)

    def _ask(self, files: Sequence[FoundFile], seconds: float) -> list[FileReading]:
        """Return the answer of the process.

        Raises
        ------
        CapError
            Where it has died or was ended.
        ArchiveError
        """
        if self.ended:
            msg = "reading was stopped"
            raise ArchiveError(msg)
        if self.process is None:
            try:
                self.process = CappedProcess(_COMMAND)
            except ChildStartError as error:
                raise ArchiveError(str(error)) from None
        try:
            return self.process.call(read_all, (list(files),), Caps(seconds, MEMORY_BYTES))
        except CapError:
            process, self.process = self.process, None
            if process is not None:
                process.kill()
                process.end()
            raise

    def end(self) -> None:
        """End the process for good, from any thread."""
        self.ended = True
        process, self.process = self.process, None
        if process is not None:
            process.kill()
            process.end()
