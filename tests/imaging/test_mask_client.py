"""A mask file that crashes, hangs or unfolds ends the process that reads it, not the one that asks."""

import os
import time
import zlib

import imagecodecs
import numpy as np
import psutil
import pytest
from pydicom import dcmread
from pydicom.encaps import encapsulate
from pydicom.uid import DeflatedExplicitVRLittleEndian, JPEGLosslessSV1

from imaging.capped_process import Caps
from imaging.geometry import VolumeGeometry
from imaging.mask import MaskError
from imaging.mask_client import read_masks_apart
from imaging.mask_file import read_masks
from tests.imaging.awkward_mask import writer as w

GRID = w.Grid()
BOX = w.box((2, 4), (5, 9), (7, 13))


def geometry_of(grid):
    return VolumeGeometry(grid.affine(), grid.shape, w.FRAME)


def seg_of(folder, kind="BINARY"):
    """A segmentation of one box and of nothing."""
    pixels = np.stack([w.filled(GRID.shape, BOX), w.filled(GRID.shape, {(0, 0, 0)})], axis=-1)
    dtype = np.uint8 if kind == "BINARY" else np.float32
    return w.save(
        w.segmentation(w.ct_slices(GRID), pixels.astype(dtype), kind, 2), folder / "seg.dcm"
    )


def test_masks_come_out_of_the_child_as_they_are(tmp_path):
    path = seg_of(tmp_path)
    geometry = geometry_of(GRID)
    apart, here = read_masks_apart(path, geometry), read_masks(path, geometry)
    assert apart.keys() == here.keys() == {1, 2}
    assert set(map(tuple, np.argwhere(apart[1].array))) == BOX
    for number, mask in here.items():
        np.testing.assert_array_equal(apart[number].array, mask.array)
        for name in ("mask_id", "identity", "flags", "volume_change_percent"):
            assert getattr(apart[number], name) == getattr(mask, name)
    assert list(read_masks_apart(path, geometry, {2})) == [2]


def test_an_empty_mask_and_the_refusal_of_a_grid_come_through(tmp_path):
    path = w.write_nifti(tmp_path / "m.nii.gz", np.zeros(GRID.shape, "u1"), sform=GRID.ras())
    (empty,) = read_masks_apart(path, geometry_of(GRID), {1}).values()
    assert (empty.declared_empty, empty.array.shape) == (True, GRID.shape)
    w.write_nifti(path, w.filled(GRID.shape, BOX), sform=GRID.ras())
    other = w.Grid(column_step=(0.9, 0.0, 0.0))
    with pytest.raises(MaskError, match=r"m\.nii\.gz") as caught:
        read_masks_apart(path, geometry_of(other), {1})
    assert caught.value.reason_code == "mask_grid_mismatch"


def test_a_mask_that_crashes_its_decoder_is_refused_by_name_and_the_next_is_read(tmp_path):
    good = seg_of(tmp_path)
    bad = dcmread(seg_of(tmp_path, "FRACTIONAL"))
    frames = bad.pixel_array
    codes = [bytes(imagecodecs.ljpeg_encode(frame, bitspersample=8)) for frame in frames]
    # GDCM aborts on it: an uncaught C++ exception
    codes = [code[:2] + b"\x12" + code[3:] for code in codes]
    bad.PixelData = encapsulate(codes)
    bad["PixelData"].VR, bad["PixelData"].is_undefined_length = "OB", True
    bad.file_meta.TransferSyntaxUID = JPEGLosslessSV1
    path = tmp_path / "bad.dcm"
    bad.save_as(path)
    with pytest.raises(MaskError, match=r"bad\.dcm") as caught:
        read_masks_apart(path, geometry_of(GRID))
    assert caught.value.reason_code == "mask_crashed"
    assert "SIGABRT" in caught.value.detail
    good = seg_of(tmp_path)
    assert read_masks_apart(good, geometry_of(GRID), {1})[1].array.sum() == len(BOX)


def test_a_mask_that_never_ends_is_refused_after_its_time(tmp_path):
    path = tmp_path / "m.nii"
    os.mkfifo(path)  # to open it blocks for ever
    start = time.monotonic()
    with pytest.raises(MaskError, match=r"m\.nii") as caught:
        read_masks_apart(path, geometry_of(GRID), caps=Caps(1.5, 1 << 30))
    assert caught.value.reason_code == "mask_time"
    assert time.monotonic() - start < 20


def test_a_mask_that_unfolds_to_gigabytes_is_refused_and_takes_none_of_our_memory(tmp_path):
    dataset = dcmread(seg_of(tmp_path))
    dataset.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    path = tmp_path / "bomb.dcm"
    dataset.save_as(path)
    raw = path.read_bytes()
    at = 132 + 12 + int.from_bytes(raw[140:144], "little")
    deflate = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    parts = [raw[:at], deflate.compress(zlib.decompress(raw[at:], -zlib.MAX_WBITS))]
    parts += [deflate.compress(bytes(1 << 20)) for _ in range(400)]
    path.write_bytes(b"".join([*parts, deflate.flush()]))
    assert path.stat().st_size < 1 << 20
    before = psutil.Process().memory_info().rss
    with pytest.raises(MaskError, match=r"bomb\.dcm") as caught:
        read_masks_apart(path, geometry_of(GRID), caps=Caps(30, 200 << 20))
    assert "memory" in f"{caught.value.reason_code} {caught.value.detail}"
    assert psutil.Process().memory_info().rss - before < 64 << 20
