"""Zip and tar archives: the same as a folder, and nothing outside them is touched."""

from __future__ import annotations

import gzip
import io
import os
import random
import re
import struct
import tarfile
import zipfile
from pathlib import Path

import pytest

from sumdiam.archive.folder import ArchiveError
from sumdiam.archive.member import Limits, safe_parts, spool_path
from sumdiam.archive.scan import ScanOptions, scan_archives


def members(folder: Path) -> list[tuple[str, bytes]]:
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    return [(file.relative_to(folder).as_posix(), file.read_bytes()) for file in files]


def write_zip(path: Path, content: list[tuple[str, bytes]]) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, data in content:
            packed.writestr(name, data)


def write_tar(path: Path, content: list[tuple[str, bytes]], mode: str = "w") -> None:
    with tarfile.open(path, mode) as packed:
        for name, data in content:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            packed.addfile(info, io.BytesIO(data))


def scan(archive: Path, tmp_path: Path, **limits: int):
    options = ScanOptions(folder=tmp_path / "run", limits=Limits(**limits))
    return scan_archives([archive], options=options)


def volumes(catalogue) -> list[tuple[str, int]]:
    return [(one.volume_id, len(one.headers)) for one in catalogue.series]


def refused(catalogue) -> list[tuple[str, str]]:
    return sorted((file.file, file.reason_code) for file in catalogue.refused_files)


def left_out(catalogue) -> list[tuple[str, str]]:
    return sorted((file.file, file.reason_code) for file in catalogue.left_out)


KINDS = [
    ("a.zip", write_zip),
    ("a.tar", write_tar),
    ("a.tar.gz", lambda path, content: write_tar(path, content, "w:gz")),
    ("a.tgz", lambda path, content: write_tar(path, content, "w:gz")),
    ("noextension", write_zip),
    ("noextension2", lambda path, content: write_tar(path, content, "w:gz")),
]


@pytest.mark.parametrize(("name", "write"), KINDS, ids=[name for name, _ in KINDS])
def test_a_packed_archive_gives_the_catalogue_of_its_folder(pristine, tmp_path, name, write):
    (tmp_path / "data").mkdir()
    write(tmp_path / "data" / name, members(pristine))
    packed = scan(tmp_path / "data", tmp_path)
    plain = scan_archives([pristine])
    assert volumes(packed) == volumes(plain)
    assert sorted(packed.digests.values()) == sorted(plain.digests.values())
    assert packed.problems == ()
    told = {packed.names[header.file] for one in packed.series for header in one.headers}
    assert f"{name}!/S01/t0/native/00.dcm" in told
    assert {mask.file for mask in packed.masks} == {
        f"{name}!/{visit}/seg.dcm" for visit in ("S01/t0", "S01/t1", "S02/t0")
    }


def test_a_zip_handed_in_itself_is_read(pristine, tmp_path):
    write_zip(tmp_path / "a.zip", members(pristine))
    assert len(scan(tmp_path / "a.zip", tmp_path).series) == 6


def test_a_packed_archive_is_opened_in_another_but_not_in_a_third(pristine, tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    write_tar(tmp_path / "inner.tar", members(pristine / "S01"))
    write_zip(tmp_path / "third.zip", members(pristine / "S02"))
    inner = tmp_path / "inner.zip"
    write_zip(inner, [("third.zip", (tmp_path / "third.zip").read_bytes())])
    write_zip(
        data / "outer.zip",
        [("x/inner.tar", (tmp_path / "inner.tar").read_bytes()), ("i.zip", inner.read_bytes())],
    )
    catalogue = scan(data, tmp_path)
    assert len(catalogue.series) == 4
    assert left_out(catalogue) == [("outer.zip!/i.zip!/third.zip", "packed_nested")]
    assert "outer.zip!/x/inner.tar!/t0/native/00.dcm" in catalogue.names.values()


def test_a_zip_is_not_opened_where_there_is_no_folder_to_unpack_it_into(pristine, archive):
    write_zip(archive / "a.zip", members(pristine))
    assert left_out(scan_archives([archive])) == [("a.zip", "archive_format_not_read")]


NAMES = [
    # name in the archive, what becomes of it
    ("../outside.dcm", "refused"),
    ("a/../../outside.dcm", "refused"),
    ("..\\outside.dcm", "refused"),
    ("/tmp/absolute.dcm", "read"),  # noqa: S108
    ("C:\\data\\drive.dcm", "read"),
    ("a\\b\\windows.dcm", "read"),
    ("umlaut-\u00e4\u00f6.dcm", "read"),
    ("new\nline.dcm", "read"),
    ("d/" * 300 + "deep.dcm", "read"),
    ("x" * 240, "read"),
    ("con", "read"),
    ("x. . .", "read"),
]


@pytest.mark.parametrize("write", [write_zip, write_tar], ids=["zip", "tar"])
def test_no_name_of_a_member_leads_out_of_the_archive(pristine, tmp_path, write):
    data = tmp_path / "data"
    data.mkdir()
    slices = [content for _, content in members(pristine / "S01" / "t0" / "native")]
    more = [content for _, content in members(pristine / "S01" / "t1" / "native")]
    files = [(name, content) for (name, _), content in zip(NAMES, slices + more, strict=True)]
    write(data / "hostile.pack", files)
    (data / "hostile.pack").rename(data / f"hostile.{write.__name__.removeprefix('write_')}")
    before = {path for path in Path(tmp_path.parent).rglob("*") if "run" not in path.parts}
    catalogue = scan(data, tmp_path)
    after = {path for path in Path(tmp_path.parent).rglob("*") if "run" not in path.parts}
    assert before == after
    assert not Path("/tmp/absolute.dcm").exists()  # noqa: S108
    bad = [one for one in catalogue.refused_files if one.reason_code == "member_name_unsafe"]
    assert len(bad) == sum(fate == "refused" for _, fate in NAMES)
    read = {path for one in catalogue.refused_series for path in one.files}
    read |= {header.file for one in catalogue.series for header in one.headers}
    assert len(read) == sum(fate == "read" for _, fate in NAMES)
    assert all(Path(path).is_relative_to(tmp_path / "run") for path in read)


@pytest.mark.parametrize("name", ["", "/", "..", "a/..", "../a", "./.", "C:"])
def test_a_name_that_leads_nowhere_or_out_has_no_parts(name):
    assert safe_parts(name) is None


def test_two_names_never_share_a_path():
    names = [
        "a b",
        "a_b",
        "a?b",
        "a*b",
        "a\u00e4b",
        "a",
        "A" * 300,
        "A" * 301,
        "x.dcm",
        "x?.dcm",
        "...",
    ]
    paths = [str(spool_path((name,))) for name in names]
    assert len(set(paths)) == len(names)
    assert all(path.isascii() and len(path) <= 110 and "/" not in path for path in paths)


def test_links_devices_and_pipes_in_a_tar_are_listed_and_not_made(pristine, tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    secret = tmp_path / "secret.dcm"
    secret.write_bytes(b"secret")
    write_tar(data / "a.tar", members(pristine))
    with tarfile.open(data / "a.tar", "a") as packed:
        for name, kind, target in [
            ("soft", tarfile.SYMTYPE, str(secret)),
            ("hard", tarfile.LNKTYPE, str(secret)),
            ("up", tarfile.SYMTYPE, ".."),
            ("pipe", tarfile.FIFOTYPE, ""),
            ("null", tarfile.CHRTYPE, ""),
        ]:
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, target
            packed.addfile(info)
        through = tarfile.TarInfo("up/through.dcm")  # a file behind a link that leads out
        through.size = 6
        packed.addfile(through, io.BytesIO(b"secret"))
    catalogue = scan(data, tmp_path)
    assert left_out(catalogue) == [
        ("a.tar!/hard", "member_link"),
        ("a.tar!/null", "special_file"),
        ("a.tar!/pipe", "special_file"),
        ("a.tar!/soft", "member_link"),
        ("a.tar!/up", "member_link"),
    ]
    assert not any(path.is_symlink() for path in (tmp_path / "run").rglob("*"))
    assert sorted(path.name for path in data.iterdir()) == ["a.tar"]
    assert len(catalogue.series) == 6


def test_a_symbolic_link_in_a_zip_is_listed(pristine, tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    write_zip(data / "a.zip", members(pristine))
    with zipfile.ZipFile(data / "a.zip", "a") as packed:
        info = zipfile.ZipInfo("link")
        info.create_system, info.external_attr = 3, 0o120777 << 16
        packed.writestr(info, "/etc/passwd")
    assert left_out(scan(data, tmp_path)) == [("a.zip!/link", "member_link")]


def test_of_two_members_with_one_name_the_later_one_counts(pristine, tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    content = members(pristine)
    write_tar(data / "a.tar", [(content[0][0], b"old"), *content])
    catalogue = scan(data, tmp_path)
    assert left_out(catalogue) == [(f"a.tar!/{content[0][0]}", "member_superseded")]
    assert len(catalogue.series) == 6


def bomb(path: Path, size: int) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed, packed.open("big", "w") as out:
        for _ in range(size >> 20):
            out.write(bytes(1 << 20))


def test_a_zip_bomb_is_stopped_at_its_ratio(pristine, tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    write_zip(data / "a.zip", members(pristine))
    bomb(data / "bomb.zip", 4 << 20)
    catalogue = scan(data, tmp_path, ratio_from_bytes=1 << 20)
    assert refused(catalogue) == [("bomb.zip", "packed_too_large")]
    assert len(catalogue.series) == 6
    written = sum(f.stat().st_size for f in (tmp_path / "run").rglob("*") if f.is_file())
    assert written < 3 << 20
    # one blank slice is packed a thousand times smaller, and is read all the same
    assert refused(scan(data, tmp_path, ratio_from_bytes=1 << 30)) == [
        ("bomb.zip!/big", "damaged_file")
    ]


@pytest.mark.parametrize(
    ("limits", "found"),
    [
        ({"member_bytes": 10_000}, ("b.zip!/noise", "file_too_large")),
        ({"total_bytes": 500_000}, ("b.zip", "packed_too_large")),
        ({"members": 2}, ("b.zip", "packed_too_many")),
    ],
)
def test_every_limit_stops_unpacking_and_is_named(tmp_path, pristine, limits, found):
    data = tmp_path / "data"
    data.mkdir()
    small = members(pristine / "S01" / "t0" / "native")[:2]
    noise = os.urandom(600_000)
    write_zip(data / "b.zip", [*small, ("noise", noise), ("z", b"0")])
    assert found in refused(scan(data, tmp_path, **limits))


def test_sizes_that_a_zip_claims_are_not_believed(tmp_path, pristine):
    data = tmp_path / "data"
    data.mkdir()
    write_zip(data / "a.zip", [("one.dcm", bytes(5000)), *members(pristine)])
    raw = bytearray((data / "a.zip").read_bytes())
    at = raw.index(b"PK\x01\x02")
    struct.pack_into("<L", raw, at + 24, 4999)  # its size in the directory
    (data / "a.zip").write_bytes(bytes(raw))
    catalogue = scan(data, tmp_path)
    assert [name for name, _ in refused(catalogue)] == ["a.zip!/one.dcm"]
    assert len(catalogue.series) == 6


def test_an_encrypted_and_a_strangely_compressed_member_are_named(tmp_path, pristine):
    data = tmp_path / "data"
    data.mkdir()
    content = members(pristine)
    write_zip(data / "a.zip", content)
    with zipfile.ZipFile(data / "a.zip", "a", zipfile.ZIP_LZMA) as packed:
        packed.writestr("lzma.dcm", b"x" * 100)
        packed.writestr("locked.dcm", b"x" * 100, zipfile.ZIP_DEFLATED)
    raw = bytearray((data / "a.zip").read_bytes())
    at = raw.rindex(b"PK\x01\x02")
    raw[at + 8] |= 1
    (data / "a.zip").write_bytes(bytes(raw))
    catalogue = scan(data, tmp_path)
    assert refused(catalogue) == [
        ("a.zip!/locked.dcm", "member_encrypted"),
        ("a.zip!/lzma.dcm", "member_method"),
    ]
    assert all(problem.refused for problem in catalogue.problems)


def study_uid_of(catalogue, name: str) -> str:
    return next(
        one.study_uid
        for one in (*catalogue.series, *catalogue.refused_series)
        for file in [h.file for h in getattr(one, "headers", ())] or one.files
        if catalogue.names[file] == name
    )


@pytest.mark.parametrize("name", ["a.tar", "a.tar.gz"])
def test_a_tar_that_was_cut_short_refuses_the_study_it_was_cut_in(tmp_path, pristine, name):
    data = tmp_path / "data"
    data.mkdir()
    mode = "w:gz" if name.endswith("gz") else "w"
    write_tar(data / name, members(pristine), mode)
    raw = (data / name).read_bytes()
    (data / name).write_bytes(raw[: len(raw) * 9 // 10])
    catalogue = scan(data, tmp_path)
    [damaged] = [one for one in catalogue.refused_files if one.reason_code == "packed_damaged"]
    assert damaged.file == name
    last = study_uid_of(catalogue, f"{name}!/S02/t0/late_arterial/00.dcm")
    assert (damaged.study_uid, damaged.certain) == (last, True)


def test_a_tar_cut_between_two_members_is_noticed(tmp_path, pristine):
    data = tmp_path / "data"
    data.mkdir()
    write_tar(data / "a.tar", members(pristine))
    with tarfile.open(data / "a.tar") as packed:
        cut = packed.getmembers()[-3].offset
    raw = (data / "a.tar").read_bytes()
    (data / "a.tar").write_bytes(raw[:cut])
    assert ("a.tar", "packed_damaged") in refused(scan(data, tmp_path))


def test_a_damaged_header_within_a_tar_is_noticed(tmp_path, pristine):
    data = tmp_path / "data"
    data.mkdir()
    write_tar(data / "a.tar", members(pristine))
    with tarfile.open(data / "a.tar") as packed:
        at = packed.getmembers()[20].offset
    raw = bytearray((data / "a.tar").read_bytes())
    raw[at : at + 100] = b"\xff" * 100
    (data / "a.tar").write_bytes(bytes(raw))
    assert ("a.tar", "packed_damaged") in refused(scan(data, tmp_path))


def test_a_wrong_checksum_in_a_zip_and_in_a_gzip_is_noticed(tmp_path, pristine):
    data = tmp_path / "data"
    data.mkdir()
    content = members(pristine)
    with zipfile.ZipFile(data / "a.zip", "w") as packed:
        for name, one in content:
            packed.writestr(name, one)
    raw = bytearray((data / "a.zip").read_bytes())
    raw[raw.index(content[5][1]) + 2000] ^= 1
    (data / "a.zip").write_bytes(bytes(raw))
    assert refused(scan(data, tmp_path)) == [(f"a.zip!/{content[5][0]}", "member_damaged")]
    (data / "a.zip").unlink()
    write_tar(tmp_path / "b.tar", content)
    raw = bytearray(gzip.compress((tmp_path / "b.tar").read_bytes()))
    raw[-8] ^= 1
    (data / "b.tgz").write_bytes(bytes(raw))
    assert refused(scan(data, tmp_path)) == [("b.tgz", "packed_damaged")]


@pytest.mark.parametrize("raw", [b"", b"PK\x03\x04", b"PK\x05\x06" + bytes(18), b"\x00" * 4096])
@pytest.mark.parametrize("name", ["x.zip", "x.tar", "x.tar.gz"])
def test_an_empty_or_broken_packed_archive_never_ends_the_scan(archive, tmp_path, raw, name):
    (archive / name).write_bytes(raw)
    catalogue = scan(archive, tmp_path)
    assert len(catalogue.series) == 6
    told = [*refused(catalogue), *left_out(catalogue)]
    assert all(file == name for file, _ in told)


def test_a_long_pax_header_does_not_fill_the_memory(tmp_path, archive):
    header = tarfile.TarInfo("pax")
    header.type, header.size = tarfile.XHDTYPE, 200 << 20
    with gzip.open(archive / "a.tgz", "wb") as out:
        out.write(header.tobuf(tarfile.USTAR_FORMAT))
        for _ in range(200):
            out.write(bytes(1 << 20))
        out.write(bytes(1024))
    assert refused(scan(archive, tmp_path)) == [("a.tgz", "packed_damaged")]


def test_other_files_in_a_packed_archive_are_listed_and_not_written(tmp_path, pristine):
    data = tmp_path / "data"
    data.mkdir()
    more = [("readme.pdf", b"%PDF"), ("__MACOSX/._x", b"\0\5"), ("notes", b"hello\n")]
    write_zip(data / "a.zip", [*members(pristine), *more])
    catalogue = scan(data, tmp_path)
    assert left_out(catalogue) == [(f"a.zip!/{name}", "not_dicom") for name, _ in sorted(more)]
    written = {path.name for path in (tmp_path / "run").rglob("*")}
    assert not written & {"readme.pdf", "._x"}


def test_a_packed_archive_is_unpacked_once_and_again_when_it_has_changed(tmp_path, pristine):
    data = tmp_path / "data"
    data.mkdir()
    write_zip(data / "a.zip", members(pristine))
    os.utime(data / "a.zip", ns=(10**18, 10**18))
    age(data / "a.zip")
    first = scan(data, tmp_path)
    spool = tmp_path / "run" / "sumdiam-scan" / "unpacked"
    stamps = {path: path.stat().st_ctime_ns for path in spool.rglob("*") if path.is_file()}
    again = scan(data, tmp_path)
    assert volumes(again) == volumes(first)
    assert stamps == {p: p.stat().st_ctime_ns for p in spool.rglob("*") if p.is_file()}
    write_zip(data / "a.zip", members(pristine / "S01"))
    changed = scan(data, tmp_path)
    assert len(changed.series) == 4
    assert len(list(spool.iterdir())) == 1  # what came out of the old one is gone
    victim = next(path for path in spool.rglob("*.dcm"))
    victim.unlink()
    assert len(scan(data, tmp_path).series) == 4


def age(path: Path) -> None:
    """Wait until a file no longer counts as changed just now."""
    import time

    while max(path.stat().st_mtime_ns, path.stat().st_ctime_ns) + 2_000_000_000 >= time.time_ns():
        time.sleep(0.1)


def test_a_label_image_and_its_file_of_voxels_stay_together(tmp_path, pristine):
    data = tmp_path / "data"
    data.mkdir()
    head = (
        "ObjectType = Image\nNDims = 3\nDimSize = 48 40 6\nElementType = MET_UCHAR\n"
        "ElementSpacing = 2.5 2.5 5\nOffset = 0 0 0\nTransformMatrix = 1 0 0 0 1 0 0 0 1\n"
        "BinaryData = True\nElementDataFile = liver.raw\n"
    )
    voxels = bytes([0, 1]) * (48 * 40 * 3)
    masks = [("S02/t0/liver.mhd", head.encode()), ("S02/t0/liver.raw", voxels)]
    write_zip(data / "a.zip", [*members(pristine), *masks])
    [mask] = [one for one in scan(data, tmp_path).masks if one.header.kind == "label_image"]
    assert mask.file == "a.zip!/S02/t0/liver.mhd"
    assert mask.header.holds_voxels


def mutants(raw: bytes, count: int, seed: int) -> list[bytes]:
    """Bytes with flips, cuts, insertions and repeated stretches, where structure lies most."""
    dice = random.Random(seed)
    marks = [m.start() for m in re.finditer(rb"PK[\x01-\x07]|ustar", raw)] or [0]
    made = []
    for _ in range(count):
        data = bytearray(raw)
        for _ in range(dice.randint(1, 6)):
            at = min(len(data) - 1, max(0, dice.choice(marks) + dice.randint(-160, 60)))
            kind = dice.randrange(5)
            if kind == 0:
                data[at] ^= 1 << dice.randrange(8)
            elif kind == 1:
                data[at : at + 4] = dice.choice([b"\xff" * 4, bytes(4), b"\x7f\xff\xff\xff"])
            elif kind == 2:
                del data[at : at + dice.randint(1, 600)]
            elif kind == 3:
                data[at:at] = bytes(data[at : at + dice.randint(1, 600)])
            else:
                data[at : at + 8] = b"../../x/"
        made.append(bytes(data))
    return made


@pytest.mark.parametrize("name", ["m.zip", "m.tar", "m.tgz"])
def test_no_damage_to_a_packed_archive_ends_the_scan_or_leaves_its_folder(pristine, tmp_path, name):
    data = tmp_path / "data"
    data.mkdir()
    content = members(pristine / "S01" / "t0" / "native")[:3]
    if name == "m.zip":
        write_zip(data / name, content)
    else:
        write_tar(data / name, content)
    for number, mutant in enumerate(mutants((data / name).read_bytes(), 60, seed=7)):
        (data / name).write_bytes(gzip.compress(mutant, 1) if name == "m.tgz" else mutant)
        limits = {"member_bytes": 1 << 20, "total_bytes": 4 << 20, "members": 50}
        try:
            catalogue = scan(data, tmp_path, **limits)
        except ArchiveError:
            continue  # nothing in it could be read
        assert all(one.file.startswith(name) for one in catalogue.refused_files), number
        known = {h.file for one in catalogue.series for h in one.headers}
        assert all(Path(file).is_relative_to(tmp_path / "run") for file in known), number
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "run"]
