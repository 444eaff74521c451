"""Cut, flipped and spliced files: read, or refused with a reason; never anything else."""

import random

import numpy as np
import pydicom
import pytest
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    RLELossless,
)

from imaging.dicom_seg import MaskError, read_masks, read_segment_identities
from imaging.geometry import VolumeGeometry
from imaging.header import HeaderError, read_header
from imaging.series import SeriesError, group_series, load_volume

SYNTAXES = (ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian,
            DeflatedExplicitVRLittleEndian, RLELossless)  # fmt: skip
# RLE is decoded by pydicom; native decoders may end the process, so archives are read in workers


def damaged(raw, rng):
    b = bytearray(raw)
    kind, place = rng.randrange(4), rng.randrange(len(b))
    if kind == 0:
        return bytes(b[:place])
    if kind == 1:
        for _ in range(rng.choice((1, 1, 4))):
            b[rng.randrange(len(b))] = rng.randrange(256)
    elif kind == 2:
        b[place : place + rng.randrange(1, 40)] = bytes(rng.randrange(1, 40))
    else:
        b[place:place] = rng.randbytes(rng.randrange(1, 9))
    return bytes(b)


def read_all(paths):
    """Read a series as an archive reader would; return its volumes and what was wrong."""
    headers, faults = [], []
    for path in paths:
        try:
            headers.append(read_header(path))
        except HeaderError as error:
            faults.append(error.file)
    found = group_series(headers, damaged_files=faults)
    ends = [file for series in found.series for file in series.report.files_used]
    ends += [file for refused in found.refused for file in refused.files]
    ends += [item.file for item in found.left_out]
    assert sorted(ends) == sorted(header.file for header in headers)  # each exactly once
    volumes = []
    for series in found.series:
        try:
            volumes.append(load_volume(series))
        except SeriesError as error:
            faults.append(error.reason_code)
    return volumes, found, faults


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_a_damaged_slice_is_read_or_refused_by_name(slices, syntax):
    data = slices.make(4)
    if syntax == RLELossless:
        for d in data:
            d.file_meta = pydicom.dataset.FileMetaDataset()
            d.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
            d.compress(RLELossless, generate_instance_uid=False)
    paths = slices.save(data, syntax)
    raw = paths[1].read_bytes()
    rng = random.Random(20240301)
    for _ in range(150):
        paths[1].write_bytes(damaged(raw, rng))
        volumes, found, faults = read_all(paths)
        assert volumes or found.refused or faults  # read, or refused by name


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_no_file_cut_anywhere_gives_a_volume_without_a_word(slices, syntax):
    data = slices.make(4)
    if syntax == RLELossless:
        for d in data:
            d.file_meta = pydicom.dataset.FileMetaDataset()
            d.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
            d.compress(RLELossless, generate_instance_uid=False)
    paths = slices.save(data, syntax)
    raw = paths[3].read_bytes()
    (whole,), _, _ = read_all(paths)
    for length in range(0, len(raw) - 1, 13):
        paths[3].write_bytes(raw[:length])  # the last slice: no gap would tell
        volumes, _, _ = read_all(paths)
        for volume in volumes:
            same = volume.array.shape == whole.array.shape
            assert (same and np.array_equal(volume.array, whole.array)) or set(
                volume.report.flags
            ) & {"damaged_file_beside", "series_partly_refused"}, length


@pytest.mark.shared
def test_a_damaged_segmentation_is_read_or_refused_by_name(shared_data, tmp_path):
    source = shared_data / "dcmqi_liver_seg" / "segmentations" / "24x38x3" / "seg" / "label.seg"
    raw = source.read_bytes()
    d = pydicom.dcmread(source)
    grid = VolumeGeometry.upright(
        shape=(3, int(d.Rows), int(d.Columns)), spacing_mm=(2.5, 0.7, 0.7)
    )
    path = tmp_path / "seg"
    rng = random.Random(7)
    refused = []
    for _ in range(200):
        path.write_bytes(damaged(raw, rng))
        for act in (lambda: read_segment_identities(path), lambda: read_masks(path, grid)):
            try:
                act()
            except MaskError as error:
                refused.append(str(error))
    assert refused
    assert [text for text in refused if not text.startswith(f"{path.name}: ")] == []
