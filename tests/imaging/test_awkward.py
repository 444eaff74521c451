"""The awkward set: nothing silently wrong, every legal series read, every refusal named."""

import re
from pathlib import Path

import numpy as np
import pytest

from imaging.header import HeaderError, read_header
from imaging.reason import REASONS
from imaging.series import SeriesError, group_series, load_volume
from tests.imaging.awkward import writer as w
from tests.imaging.awkward.cases import CASES, write_case

ROWS = {
    "two or more phases in one series (acquisition number, acquisition time only, temporal "
    "position, enhanced temporal index)",
    "localizer, secondary capture, dose report, bolus-tracking, MIP, coronal reformat",
    "missing slice, uneven spacing, truncated transfer",
    "identical duplicates",
    "same SOPInstanceUID, other pixels; two patients or studies under one series UID",
    "gantry tilt, orientation jitter to 1e-4",
    "per-slice rescale, alternating intercept, signed 12 in 16 bits, padding, overlay bits",
    "PixelSpacing missing, zero, NaN, one value, decimal comma; only ImagerPixelSpacing",
    "RescaleSlope or Intercept missing on CT",
    "MONOCHROME1",
    "no preamble, wrong VR, no extension, big endian, deflated, RLE, JPEG lossless, JPEG-LS, "
    "JPEG 2000, HTJ2K",
    "JPEG baseline 8-bit, retired .53 / .55, lossy marked",
    "enhanced multi-frame CT and MR, also temporal",
    "Philips MR scale factors that differ between phases",
    "missing, garbage or conflicting dates; century-off dates",
}
"""Of the specification's table; its last row, of zip files and links, is the catalogue's."""


def read(folder: Path):
    """Read a folder as an archive is read: volumes, what was said of them, and of the rest."""
    headers, damaged, said = [], [], []
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        try:
            headers.append(read_header(path))
        except HeaderError as error:
            damaged.append(error.file)
            said.append((error.reason_code, str(error), {error.file}))
    found = group_series(headers, damaged_files=damaged)
    volumes = []
    for series in found.series:
        try:
            volumes.append(load_volume(series))
        except SeriesError as error:
            said.append((error.reason_code, str(error), {error.file}))
    said += [(r.reason_code, r.detail, set(r.files)) for r in found.refused]
    return volumes, said, found.left_out


def same(volume, expected) -> bool:
    """Return whether a volume is the expected one: grid, values, number type and padding."""
    if volume.array.shape != expected.values.shape:
        return False
    corners = np.array([[0, 0, 0], np.subtract(volume.array.shape, 1)])
    places = corners @ expected.affine[:3, :3].T + expected.affine[:3, 3]
    if np.abs(volume.geometry.index_to_patient(corners) - places).max() > expected.place_off_mm:
        return False
    whole = not (expected.values % 1).any()
    exact = whole and np.abs(expected.values).max() < 2**15
    right = expected.values if exact else expected.values.astype(np.float32)
    if volume.array.dtype != (np.int16 if exact else np.float32):
        return False
    if np.abs(volume.array - right).max() > expected.value_off:
        return False
    wanted = np.zeros(right.shape, bool) if expected.padding is None else expected.padding
    given = np.zeros(right.shape, bool) if volume.padding is None else volume.padding
    return bool(np.array_equal(wanted, given))


def check_volumes(volumes, expected):
    """Every expected volume is there once, and no other."""
    assert len(volumes) == len(expected)
    assert len({volume.volume_id for volume in volumes}) == len(volumes)
    for one in expected:
        assert sum(same(volume, one) for volume in volumes) == 1


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_an_awkward_series_is_right_flagged_or_refused_by_name(case, tmp_path):
    answer = write_case(case.name, tmp_path)
    volumes, said, left_out = read(tmp_path)
    codes = {code for code, _, _ in said}
    left = {item.reason_code for item in left_out}
    flags = {flag for volume in volumes for flag in volume.report.flags}
    assert (codes | left | flags) <= set(REASONS)
    check_volumes(volumes, answer.volumes)
    if answer.verdict == "load":
        assert not codes
    elif answer.verdict == "flag":
        assert answer.codes & flags
    else:
        assert answer.codes & (codes | left)
    assert answer.left_out <= left
    assert not answer.refused_part or answer.refused_part & codes
    names = {path.name for path in tmp_path.iterdir()}
    for _, _, files in said:
        assert files
        assert {Path(file).name for file in files} <= names
    if answer.culprit is not None:
        assert any(re.search(re.escape(answer.culprit), text) for _, text, _ in said)


def test_the_set_has_more_than_sixty_series_and_every_row_of_the_specification():
    assert len(CASES) >= 60
    assert len({case.name for case in CASES}) == len(CASES)
    assert {case.row for case in CASES} >= ROWS


def test_a_gap_may_be_allowed(tmp_path):
    write_case("several_missing_slices", tmp_path)
    headers = [read_header(path) for path in tmp_path.iterdir()]
    (series,) = group_series(headers, allow_gaps=True).series
    volume = load_volume(series)
    assert series.missing_slices == (3, 7, 8)
    np.testing.assert_allclose(volume.geometry.affine, w.affine(), atol=1e-9)
    there = [k for k in range(12) if k not in series.missing_slices]
    np.testing.assert_array_equal(volume.array[there], w.words(12)[there] + w.INTERCEPT)


def test_the_page_on_other_readers_is_of_this_set():
    page = (Path(__file__).parents[2] / "docs" / "readers.md").read_text(encoding="utf-8")
    assert f"writes {len(CASES)} small series" in page
    rows = re.findall(
        r"^\| [^|]+ \| (\d+) \| (\d+) \| \d+ \| (\d+) \| \d* \| (\d+) \|$", page, re.M
    )
    assert len(rows) == 6
    assert all(sum(map(int, row)) == len(CASES) for row in rows)
