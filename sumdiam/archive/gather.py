"""Every file of the archives, read once: from the index, or by processes that may die of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from imaging.header import InstanceHeader, file_digest
from imaging.volume import LeftOut
from sumdiam.archive import reason
from sumdiam.archive.catalogue import ReportFile, SegFile
from sumdiam.archive.damage import RefusedFile
from sumdiam.archive.dicomdir import Entry
from sumdiam.archive.file_reading import FileReading
from sumdiam.archive.folder import SCAN_FOLDER, FoundFile, walk_folder
from sumdiam.archive.index import ScanIndex
from sumdiam.archive.member import Limits
from sumdiam.archive.problem import Problem
from sumdiam.archive.reader_pool import ReadingLimits, read_files
from sumdiam.archive.unpack import Spool, can_unpack, forget_others

Progress = Callable[[int, int], None]
"""Called with the number of files read and the number of files found."""

MOST_NESTED = 2
"""Packed archives are opened in folders and, once more, in packed archives."""


@dataclass(frozen=True, slots=True)
class ScanOptions:
    """How archives are scanned; of it only ``allow_gaps`` changes what is found.

    Parameters
    ----------
    folder : Path, optional
        Of the run or scan. It keeps, in a folder ``sumdiam-scan``, the index of what was read and
        what packed archives held; without it, nothing is remembered and no zip or tar is opened.
    workers : int
        Processes that read headers; 0 reads in this one.
    digests : bool
        Whether to take the digest of every file of a series or mask, which reads it whole.
    check_digests : bool
        Whether to take the digest even of files whose size and times have not changed.
    allow_gaps : series UIDs
        Series that are read although slices are missing; else they are refused.
    limits, reading_limits
    """

    folder: Path | None = None
    workers: int = 0
    digests: bool = True
    check_digests: bool = False
    allow_gaps: tuple[str, ...] = ()
    limits: Limits = field(default_factory=Limits)
    reading_limits: ReadingLimits = field(default_factory=ReadingLimits)


@dataclass(slots=True)
class Gathered:
    """What every file of the archives is."""

    files: dict[str, FoundFile] = field(default_factory=dict)
    images: list[InstanceHeader] = field(default_factory=list)
    masks: list[SegFile] = field(default_factory=list)
    reports: list[ReportFile] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    refused: list[tuple[RefusedFile, str | None]] = field(default_factory=list)
    readable: dict[str, tuple[str, str]] = field(default_factory=dict)
    directories: list[tuple[FoundFile, tuple[Entry, ...]]] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    dicom_files: int = 0

    def add(self, found: FoundFile, reading: FileReading) -> None:
        """Sort in what one file is."""
        self.dicom_files += reading.dicom
        if reading.directory:
            self.directories.append((found, reading.directory))
        if reading.image is not None:
            self.images.append(reading.image)
        elif reading.mask is not None:
            self.masks.append(SegFile(found.name, found.path, reading.mask))
        elif reading.report is not None:
            self.reports.append(ReportFile(found.name, found.path, reading.report))
        elif reading.refused is not None:
            # a file may have been read under the name that it has in another archive
            refused = replace(reading.refused, file=found.name, path=found.path)
            self.refused.append((refused, reading.series_uid))
            return
        elif reading.left_out is not None:
            self.left_out.append(replace(reading.left_out, file=found.name))
        if reading.study_uid and reading.series_uid:
            self.readable[found.path] = (reading.study_uid, reading.series_uid)


def gather(
    paths: Sequence[str | Path], index: ScanIndex, options: ScanOptions, progress: Progress | None
) -> Gathered:
    """Return what every file of the archives is, members of packed archives too.

    Raises
    ------
    ArchiveError
        If a path does not exist, or no process can be started.
    """
    gathered = Gathered()
    reading = _Reading(gathered, index, options, progress or _unwatched)
    try:
        reading.run(_walk(paths, gathered))
    except BaseException:
        index.save({*index.content.entries, *index.content.packed})  # what was read is kept
        raise
    return gathered


def _walk(paths: Sequence[str | Path], gathered: Gathered) -> list[FoundFile]:
    """Return the files of all archives, each once."""
    for path in paths:
        found = walk_folder(path)
        if not found.files:
            gathered.problems.append(Problem("no_dicom", str(path), reason.sentence("no_dicom")))
        for file in found.files:
            gathered.files.setdefault(file.path, file)
        gathered.left_out.extend(found.left_out)
        gathered.refused.extend(
            (RefusedFile(item.file, item.file, item.reason_code, item.detail), None)
            for item in found.refused
        )
    return list(gathered.files.values())


@dataclass(slots=True)
class _Reading:
    """The work of a scan: rounds of reading and unpacking."""

    gathered: Gathered
    index: ScanIndex
    options: ScanOptions
    progress: Progress
    done: int = 0

    def run(self, files: Sequence[FoundFile]) -> None:
        """Read files, then what is packed in them, then what is packed in that."""
        folder = self.options.folder
        if folder is None:
            self._round(files, opening=False)
            return
        spool = Spool(folder / SCAN_FOLDER / "unpacked", self.options.limits)
        opened = set()
        for depth in range(MOST_NESTED + 1):
            packed = self._round(files, opening=depth < MOST_NESTED)
            opened |= {spool.place(found).name for found in packed}
            files = [file for found in packed for file in self._unpack(found, spool)]
        forget_others(spool.folder, opened)

    def _round(self, files: Sequence[FoundFile], *, opening: bool) -> list[FoundFile]:
        """Read files and return those that are to be unpacked."""
        packed = []
        for found, reading in self._readings(files).items():
            if self.options.folder is None or not _is_packed(reading, found):
                self.gathered.add(found, reading)
            elif opening:
                packed.append(found)
            else:
                nested = LeftOut(found.name, "packed_nested", "third level")
                self.gathered.add(found, replace(reading, left_out=nested))
        return packed

    def _unpack(self, found: FoundFile, spool: Spool) -> Sequence[FoundFile]:
        """Return the files that a packed archive holds."""
        unpacked = self.index.unpacked(found)
        if unpacked is None:
            unpacked = spool.unpack(found)
            self.index.keep_unpacked(found, unpacked)
        self.gathered.files.update({file.path: file for file in unpacked.files})
        self.gathered.left_out.extend(unpacked.left_out)
        self.gathered.refused.extend((refused, None) for refused in unpacked.refused)
        return unpacked.files

    def _readings(self, files: Sequence[FoundFile]) -> Mapping[FoundFile, FileReading]:
        """Return what each file is, in the order given."""
        known = {file: self._remembered(file) for file in files}
        missing = [file for file, reading in known.items() if reading is None]
        self._count(len(files) - len(missing))
        options = self.options
        for found, reading in read_files(missing, options.workers, options.reading_limits):
            self.index.keep(found, reading)
            known[found] = reading
            self._count(1)
        return {file: reading for file, reading in known.items() if reading is not None}

    def _remembered(self, found: FoundFile) -> FileReading | None:
        """Return what the index says of a file that has not changed."""
        reading = self.index.reading(found)
        if reading is None or not self.options.check_digests:
            return reading
        try:
            same = file_digest(found.path) == self.index.digest(found)
        except OSError:
            return None
        return reading if same else None

    def _count(self, files: int) -> None:
        """Tell how many files are read."""
        self.done += files
        if files:
            self.progress(self.done, len(self.gathered.files))


def _is_packed(reading: FileReading, found: FoundFile) -> bool:
    """Return whether a file is a packed archive that can be opened."""
    left_out = reading.left_out
    packed = left_out is not None and left_out.reason_code == "archive_format_not_read"
    return packed and can_unpack(found.path)


def _unwatched(_done: int, _total: int) -> None:
    """Tell nobody how many files are read."""
