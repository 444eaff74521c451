"""A scan remembers what it read, and reads in processes that may die: the result stays the same."""

from __future__ import annotations

import os
import random
import re
import sqlite3
import sys
import time
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pydicom
import pytest

from imaging.header import read_header
from sumdiam.archive import folder, gather, index_file, reader_pool
from sumdiam.archive.catalogue import Catalogue
from sumdiam.archive.file_reading import read_file
from sumdiam.archive.folder import SCAN_FOLDER, ArchiveError, FoundFile
from sumdiam.archive.index import INDEX
from sumdiam.archive.reader_pool import ReadingLimits, read_files
from sumdiam.archive.record import built, columns, plain, rows
from sumdiam.archive.scan import ScanOptions, scan_archives
from tests.imaging.awkward_mask import writer as mask_writer
from tests.sumdiam import dying_reader


@pytest.fixture
def aged(archive: Path) -> Path:
    """An archive whose files are old enough to be remembered."""
    age(archive)
    return archive


def age(root: Path) -> None:
    """Wait until no file counts as changed just now: a file system's clock may tick slowly."""
    newest = max(
        max(file.stat().st_mtime_ns, file.stat().st_ctime_ns)
        for file in root.rglob("*")
        if file.is_file()
    )
    time.sleep(max(0.0, (newest + 2_050_000_000 - time.time_ns()) / 1e9))


@pytest.fixture
def reads(monkeypatch) -> list[str]:
    """Names of the files whose headers are read, in this process."""
    seen: list[str] = []

    def watched(files, workers=0, limits=None):
        seen.extend(file.name for file in files)
        return read_files(files, workers, limits)

    monkeypatch.setattr(gather, "read_files", watched)
    return seen


def scan(archive: Path, out: Path | None, **options) -> Catalogue:
    return scan_archives([archive], options=ScanOptions(folder=out, **options))


def same(one: Catalogue, other: Catalogue) -> bool:
    """Whether two catalogues hold the same; geometry is compared by its text."""

    def told(catalogue: Catalogue) -> list[object]:
        return [
            [(s.volume_id, s.headers, repr(s.geometry), s.report) for s in catalogue.series],
            catalogue.refused_series,
            [(m.file, repr(m.header)) for m in catalogue.masks],
            catalogue.refused_files,
            catalogue.left_out,
            catalogue.digests,
            catalogue.names,
            catalogue.problems,
        ]

    return told(one) == told(other)


def test_a_file_that_has_not_changed_is_not_read_again(aged, tmp_path, reads):
    first = scan(aged, tmp_path / "run")
    assert len(reads) == 39
    reads.clear()
    again = scan(aged, tmp_path / "run")
    assert reads == []
    assert same(first, again)
    assert same(first, scan(aged, None))


def test_only_what_was_added_changed_or_replaced_is_read(aged, tmp_path, reads, edit_file):
    scan(aged, tmp_path / "run")
    reads.clear()
    native = aged / "S01" / "t0" / "native"
    edit_file(native / "02.dcm", SeriesDescription="ANOTHER")
    (native / "copy.dcm").write_bytes((native / "00.dcm").read_bytes())
    (native / "05.dcm").unlink()
    found = scan(aged, tmp_path / "run")
    assert sorted(reads) == ["S01/t0/native/02.dcm", "S01/t0/native/copy.dcm"]
    assert same(found, scan(aged, None))


def test_a_change_that_keeps_size_and_time_is_noticed_by_the_time_of_its_entry(aged, tmp_path):
    """rsync and cp --preserve write the old modification time over a new content."""
    victim = aged / "S01" / "t0" / "native" / "02.dcm"
    before = victim.stat()
    first = scan(aged, tmp_path / "run").digests[str(victim)]
    raw = bytearray(victim.read_bytes())
    raw[-1] ^= 1
    victim.write_bytes(bytes(raw))
    os.utime(victim, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert victim.stat().st_mtime_ns == before.st_mtime_ns
    assert scan(aged, tmp_path / "run").digests[str(victim)] != first


def test_a_file_changed_just_before_it_was_read_is_read_again(archive, tmp_path, reads):
    scan(archive, tmp_path / "run")
    for file in archive.rglob("*.dcm"):
        os.utime(file)
    reads.clear()
    scan(archive, tmp_path / "run")
    scan(archive, tmp_path / "run")
    assert len(reads) == 78


def test_digests_are_compared_when_asked(aged, tmp_path, reads):
    scan(aged, tmp_path / "run")
    reads.clear()
    scan(aged, tmp_path / "run", check_digests=True)
    assert reads == []
    path = tmp_path / "run" / SCAN_FOLDER / INDEX
    spoil_digests(path)
    scan(aged, tmp_path / "run", check_digests=True)
    assert len(reads) == 39


def spoil_digests(path: Path) -> None:
    """As if every file had other bytes than when it was read."""
    with sqlite3.connect(path) as database:
        for uid, content in database.execute("SELECT series_uid, content FROM series").fetchall():
            text = zlib.decompress(content).decode()
            for digest in set(re.findall(r"[0-9a-f]{64}", text)):
                text = text.replace(digest, "0" * 64)
            row = (zlib.compress(text.encode()), uid)
            database.execute("UPDATE series SET content = ? WHERE series_uid = ?", row)
    database.close()


DAMAGE = [
    lambda raw: b"",
    lambda raw: raw[: len(raw) // 2],
    lambda raw: raw[:200] + bytes(len(raw) - 200),
    lambda raw: b"x" * len(raw),
]


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_index_costs_a_reading_and_nothing_else(aged, tmp_path, reads, damage):
    first = scan(aged, tmp_path / "run")
    path = tmp_path / "run" / SCAN_FOLDER / INDEX
    path.write_bytes(damage(path.read_bytes()))
    assert same(first, scan(aged, tmp_path / "run"))
    reads.clear()
    assert same(first, scan(aged, tmp_path / "run"))
    assert reads == []


def test_an_index_of_another_code_is_not_used(aged, tmp_path, reads, monkeypatch):
    scan(aged, tmp_path / "run")
    monkeypatch.setattr(index_file, "code_digest", lambda: "another")
    reads.clear()
    scan(aged, tmp_path / "run")
    assert len(reads) == 39
    reads.clear()
    scan(aged, tmp_path / "run")
    assert reads == []


def test_an_index_that_cannot_be_written_costs_the_memory_not_the_scan(aged, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / SCAN_FOLDER).write_text("a file where the folder should be")
    assert len(scan(aged, tmp_path / "run").series) == 6


def test_what_was_read_before_a_stop_is_not_read_again(aged, tmp_path, reads):
    def stop(done: int, _total: int) -> None:
        if done == 20:
            raise KeyboardInterrupt

    options = ScanOptions(folder=tmp_path / "run")
    with pytest.raises(KeyboardInterrupt):
        scan_archives([aged], options=options, progress=stop)
    reads.clear()
    found = scan(aged, tmp_path / "run")
    assert len(reads) == 19
    assert same(found, scan(aged, None))


def test_the_index_keeps_one_row_per_series_and_no_name_of_a_person(aged, tmp_path, edit_file):
    for file in aged.rglob("*.dcm"):
        edit_file(file, PatientName="Doe^Jane", PatientBirthDate="19600102")
    scan(aged, tmp_path / "run")
    with sqlite3.connect(tmp_path / "run" / SCAN_FOLDER / INDEX) as database:
        rows_of = database.execute("SELECT content FROM series").fetchall()
    database.close()
    assert len(rows_of) == 7  # six series, and one row for what is no image
    assert not any(b"Doe" in zlib.decompress(blob) for (blob,) in rows_of)
    assert not any(b"19600102" in zlib.decompress(blob) for (blob,) in rows_of)


@pytest.mark.parametrize("workers", [2])
def test_the_catalogue_is_the_same_with_any_number_of_processes(archive, workers, monkeypatch):
    monkeypatch.setattr(reader_pool, "CHUNK", 5)
    (archive / "S01" / "t0" / "native" / "02.dcm").write_bytes(b"\0" * 99)
    assert same(scan(archive, None), scan(archive, None, workers=workers))


def test_the_order_of_the_directory_changes_nothing(archive, monkeypatch):
    plain = scan(archive, None)
    listed = os.scandir

    class Shuffled:
        def __init__(self, path):
            self.entries = list(listed(path))
            random.Random(str(path)).shuffle(self.entries)

        def __enter__(self):
            return iter(self.entries)

        def __exit__(self, *_):
            return None

    monkeypatch.setattr(folder.os, "scandir", Shuffled)
    assert same(plain, scan(archive, None))


@pytest.fixture
def dying(monkeypatch) -> None:
    """Processes that die of files named die*, and hang in those named hang*."""
    monkeypatch.setattr(reader_pool, "read_all", dying_reader.read_all)


@pytest.mark.parametrize(
    ("name", "detail"),
    [
        ("die.dcm", "signal SIGSEGV"),
        pytest.param("hang.dcm", "over 3 s", marks=pytest.mark.slow),
    ],
)
def test_a_file_that_ends_its_reader_is_refused_alone(archive, dying, name, detail):
    native = archive / "S01" / "t0" / "native"
    (native / "02.dcm").rename(native / name)
    limits = ReadingLimits(file_seconds=3.0, chunk_seconds=6.0)
    catalogue = scan(archive, None, workers=2, reading_limits=limits)
    [refused] = catalogue.refused_files
    assert (refused.file, refused.reason_code) == (f"S01/t0/native/{name}", "reading_stopped")
    assert refused.detail == detail
    assert refused.certain  # its neighbours tell the study, which lacks a slice now
    read = [header for one in catalogue.series for header in one.headers]
    read += [file for one in catalogue.refused_series for file in one.files]
    assert len(read) == 35


def test_a_file_that_was_refused_for_the_fault_of_a_day_is_tried_again(aged, tmp_path, monkeypatch):
    native = aged / "S01" / "t0" / "native"
    (native / "02.dcm").rename(native / "die.dcm")
    age(aged)
    with monkeypatch.context() as ill:
        ill.setattr(reader_pool, "read_all", dying_reader.read_all)
        assert len(scan(aged, tmp_path / "run", workers=1).refused_files) == 1
    well = scan(aged, tmp_path / "run", workers=1)
    assert well.refused_files == ()
    assert same(well, scan(aged, None))


@pytest.mark.slow
def test_a_file_that_unfolds_in_memory_is_refused_alone(archive):
    """The header of a deflated file is unpacked whole: a few kilobytes may become gigabytes."""
    victim = archive / "S01" / "t0" / "native" / "02.dcm"
    dataset = pydicom.dcmread(victim)
    dataset.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.1.99"
    del dataset.PixelData
    dataset.save_as(victim)
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    with victim.open("r+b") as stream:
        raw = stream.read()
        head = raw.index(b"1.2.840.10008.1.2.1.99") + 22
        end = 132 + 12 + int.from_bytes(raw[140:144], "little")
        assert end >= head
        stream.seek(end)
        stream.truncate()
        for _ in range(1300):
            stream.write(packer.compress(bytes(1 << 20)))
        stream.write(packer.flush())
    assert victim.stat().st_size < 4 << 20
    catalogue = scan(archive, None, workers=1)
    [refused] = catalogue.refused_files
    assert refused.file == "S01/t0/native/02.dcm"


def test_a_reader_that_cannot_start_stops_the_scan_and_blames_no_file(archive, monkeypatch):
    monkeypatch.setattr(reader_pool, "_COMMAND", (sys.executable, "-c", "raise SystemExit(1)"))
    with pytest.raises(ArchiveError, match="ends at once"):
        scan(archive, None, workers=2)


def test_no_reader_outlives_its_scan(archive):
    def stop(_done: int, _total: int) -> None:
        raise KeyboardInterrupt

    before = children()
    with pytest.raises(KeyboardInterrupt):
        scan_archives([archive], options=ScanOptions(workers=2), progress=stop)
    scan(archive, None, workers=2)
    assert children() == before


def children() -> set[int]:
    """Process ids of readers of this process."""
    found = set()
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(status.read_text().rpartition(")")[2].split()[1])
            command = (status.parent / "cmdline").read_bytes()
        except OSError:
            continue
        if parent == os.getpid() and b"imaging.capped_worker" in command:
            found.add(int(status.parent.name))
    return found


def test_every_header_of_an_archive_is_kept_without_loss(pristine):
    readings = [
        read_file(FoundFile.of(file, file.name)) for file in sorted(pristine.rglob("*.dcm"))
    ]
    for reading in readings:
        kept = reading.image or reading.mask
        assert repr(built(plain(kept))) == repr(kept)


@pytest.mark.shared
@pytest.mark.parametrize("data", ["odd_dicom", "dcmqi_liver_seg", "liver_mr_vfa"])
def test_headers_of_real_files_are_kept_without_loss(shared_data, data):
    for file in sorted((shared_data / data).rglob("*.dcm"))[:80]:
        reading = read_file(FoundFile.of(file, file.name))
        if reading.image is not None:
            assert repr(built(plain(reading.image))) == repr(reading.image)


def test_values_that_are_equal_but_not_the_same_stay_apart():
    table = [(1, 0.0, True, (1.0,)), (1.0, -0.0, 1, (1,)), (True, 0.0, 1.0, (True,))]
    assert repr(rows(columns(table), 3)) == repr(table)


def test_what_cannot_be_kept_without_loss_is_not_kept(archive):
    header = read_header(archive / "S01" / "t0" / "native" / "00.dcm")
    with pytest.raises(TypeError, match="is not kept"):
        plain(replace(header, modality=object()))


LABELS = np.zeros((6, 40, 48), "u1")
LABELS[2:4, 10:20, 12:30] = 1


def write_label_images(folder: Path) -> None:
    grid = mask_writer.Grid(
        (6, 40, 48), (-58.75, -48.75, -12.5), (0, 0, 5), (0, 2.5, 0), (2.5, 0, 0)
    )
    mask_writer.write_nifti(folder / "liver.nii.gz", LABELS, sform=grid.ras())
    mask_writer.write_nrrd(folder / "tumor.nrrd", LABELS, grid)
    mask_writer.write_metaimage(folder / "lesion.mha", LABELS, grid)
    mask_writer.write_nifti(folder / "ct.nii", np.arange(LABELS.size).reshape(LABELS.shape), sform=grid.ras(), kind="i4")  # fmt: skip


def test_label_images_are_read_once_and_again_when_they_change(archive, tmp_path, reads):
    write_label_images(archive)
    age(archive)
    first = scan(archive, tmp_path / "run")
    assert {name.rpartition("/")[2] for name in reads} > {
        "liver.nii.gz", "tumor.nrrd", "lesion.mha", "ct.nii",
    }  # fmt: skip
    reads.clear()
    again = scan(archive, tmp_path / "run")
    assert reads == []
    assert same(first, again)
    kept = {mask.file: mask.header.grid for mask in again.masks if mask.header.grid is not None}
    for mask in first.masks:
        if mask.header.grid is not None:
            np.testing.assert_array_equal(kept[mask.file].affine, mask.header.grid.affine)
            assert kept[mask.file].shape == mask.header.grid.shape
    mask_writer.write_nifti(archive / "liver.nii.gz", np.roll(LABELS, 1, 0), sform=np.eye(4))
    changed = scan(archive, tmp_path / "run")
    assert [name.rpartition("/")[2] for name in reads] == ["liver.nii.gz"]
    assert not same(first, changed)


def test_values_in_a_second_file_are_read_each_time(archive, tmp_path, reads):
    grid = mask_writer.Grid((6, 40, 48))
    mask_writer.write_metaimage(archive / "lesion.mhd", LABELS, grid, data_file="values.raw")
    mask_writer.write_nrrd(archive / "lesion.nrrd", LABELS, grid, data_file="more.raw")
    age(archive)
    scan(archive, tmp_path / "run")
    reads.clear()
    scan(archive, tmp_path / "run")
    assert [name.rpartition("/")[2] for name in reads] == ["lesion.mhd", "lesion.nrrd"]
